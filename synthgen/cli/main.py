"""The ``synthgen`` command: which commands there are, and how they end.

A command is imported when it is called, so that ``synthgen --help`` is instant.  A
deliberate error becomes one line on stderr and the exit code of its class; a bug of ours
keeps its traceback and exit code 1.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import click

from synthgen import __version__
from synthgen.errors import INTERRUPTED_EXIT_CODE, OutputError, SynthgenError

MAKE = "Make data"
CHECK = "Check data"
TEACH = "Teach"

#: Sections of ``synthgen --help``, in this order.
SECTIONS = (MAKE, CHECK, TEACH)


class Entry(NamedTuple):
    """Where a command is, its one line of help, and the section it stands in."""

    target: str
    help: str
    section: str


#: Every command.  A new one is a file in ``synthgen/cli`` and a line here.
COMMANDS: dict[str, Entry] = {
    "demo": Entry(
        "synthgen.cli.demo:command",
        "Make a cohort of Korean rare-cancer patients, check it and report on it, offline.",
        MAKE,
    ),
    "tabulate": Entry(
        "synthgen.cli.tabulate:command",
        "Tabulate RECORDS (CSV, Parquet, DuckDB or postgresql://...) into a statistics pack.",
        MAKE,
    ),
    "fit": Entry(
        "synthgen.cli.fit:command",
        "Fit a model to a statistics PACK (a folder, or ID/statistics of a shipped model).",
        MAKE,
    ),
    "generate": Entry(
        "synthgen.cli.generate:command",
        "Generate a cohort from MODEL (a shipped id or a folder), or from records.",
        MAKE,
    ),
    "export": Entry(
        "synthgen.cli.export:command",
        "Write COHORT in another format: OMOP, FHIR, a registry's file, SQLite, Excel.",
        MAKE,
    ),
    "catalog": Entry(
        "synthgen.cli.catalog:command",
        "List the shipped schemas, statistics packs, models and policies.",
        CHECK,
    ),
    "show": Entry(
        "synthgen.cli.show:command",
        "Show what NAME is: a schema, a model, a policy, or a pack (ID/statistics); an id or a path.",
        CHECK,
    ),
    "check": Entry(
        "synthgen.cli.check:command",
        "Check PATH, a delivery, cohort, pack, model, schema, policy or bundle, against its contract.",
        CHECK,
    ),
    "evaluate": Entry(
        "synthgen.cli.evaluate:command",
        "Evaluate TARGET, a cohort, model or pack, under a policy.",
        CHECK,
    ),
    "release": Entry(
        "synthgen.cli.release:command",
        "Release what EVALUATION passed, as a bundle; exit code 3 if it did not pass.",
        CHECK,
    ),
    "verify": Entry(
        "synthgen.cli.verify:command",
        "Verify BUNDLE, a folder or zip file, offline; exit code 15 if anything is off.",
        CHECK,
    ),
    "audit": Entry(
        "synthgen.cli.audit:command",
        "Say what the tables of all PACKs together give away about small groups.",
        CHECK,
    ),
    "diff": Entry(
        "synthgen.cli.diff:command",
        "Say what would break a program made for A that gets B, apart from what is only new.",
        CHECK,
    ),
    "doctor": Entry(
        "synthgen.cli.doctor:command",
        "Show versions, optional parts and licences, and check that loading stays offline.",
        CHECK,
    ),
}

#: What a disk, a quota or a permission can do where no command foresaw it.
DISK_ERRORS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
    }
)


@contextlib.contextmanager
def _exit_codes() -> Iterator[None]:
    """Turn what is not our bug into one line and an exit code."""
    try:
        yield
    except SynthgenError as error:
        _end(str(error), error.exit_code, error)
    except (KeyboardInterrupt, click.Abort) as error:
        _end("interrupted", INTERRUPTED_EXIT_CODE, error)
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "synthgen"
        message = error.format_message().rstrip(".")
        _end(f"{message}; see {command} --help", error.exit_code, error)
    except click.ClickException as error:
        _end(error.format_message(), error.exit_code, error)
    except BrokenPipeError as error:
        _discard_stdout()
        raise click.exceptions.Exit(OutputError.exit_code) from error
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        _discard_stdout()
        where = error.filename2 or error.filename or "output"
        _end(f"{where}: cannot be read or written: {error.strerror}", OutputError.exit_code, error)


def _end(message: str, exit_code: int, cause: BaseException) -> NoReturn:
    line = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
    click.echo(f"Error: {line}", err=True)
    raise click.exceptions.Exit(exit_code) from cause


def _discard_stdout() -> None:
    """Point stdout to nowhere, so that Python's own flush at exit cannot fail again."""
    with contextlib.suppress(io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Commands(click.Group):
    """A group that imports a command when it is called, and gives errors their exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of that name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), function)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name].target} must be a click.Command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; name the nearest one where there is none."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"no command {name!r}{f'; nearest is {near[0]!r}' if near else ''}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by section, without importing them."""
        for section in SECTIONS:
            rows = [(n, entry.help) for n, entry in COMMANDS.items() if entry.section == section]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the options of the group; ``--help`` and ``--version`` print from here."""
        with _exit_codes():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and flush what it printed."""
        with _exit_codes():
            result: object = super().invoke(ctx)
            sys.stdout.flush()
            return result


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 our bug, 2 usage, 3 refused by policy, 4 broken contract, "
    "10 schema, 11 statistics, 12 model, 13 records, 14 privacy budget, 15 verification, "
    "16 optional part missing, 74 disk, 130 interrupted.",
)
@click.version_option(__version__, prog_name="synthgen")
def commands() -> None:
    """Synthetic rare-cancer cohorts from published statistics.

    For building and testing software and for teaching; not for clinical or epidemiological
    conclusions. Nothing is sent anywhere: synthgen opens no network connection.

    \b
    Examples:
      synthgen demo
      synthgen COMMAND --help
    """


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line (the console script ``synthgen``)."""
    # A scheduler ends jobs by SIGTERM: clean up as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    # What is printed has the same bytes under every locale, and no file name can break it.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding=stream.encoding if stream.isatty() else "utf-8",
                errors="backslashreplace",
            )
    commands(prog_name="synthgen")


if __name__ == "__main__":
    main()
