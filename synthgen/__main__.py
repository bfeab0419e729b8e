"""``python -m synthgen``: the command line where the console script is not on the path."""

from synthgen.cli.main import main

if __name__ == "__main__":
    main()
