"""How the command line starts, what it lists, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from synthgen import __version__, errors
from synthgen.cli import main as main_module
from synthgen.cli.main import COMMANDS, SECTIONS, Entry, commands
from synthgen.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[2]

#: What takes long to import; none of it is needed to print help.
HEAVY = ("numpy", "scipy", "pandas", "duckdb", "faker", "jsonschema", "jinja2", "asyncio")


def synthgen(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with warnings as errors."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    environment |= options.pop("env", {})  # type: ignore[arg-type]
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "synthgen.cli.main", *arguments],
        **{"capture_output": True, "encoding": "utf-8", "check": False, "env": environment}
        | options,
    )


def test_the_package_runs_as_a_module_where_the_script_is_not_on_the_path():
    result = subprocess.run(
        [sys.executable, "-m", "synthgen", "--version"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert result.stdout == f"synthgen, version {__version__}\n"


@pytest.fixture
def failing(monkeypatch):
    """Register a command, for this test only, that ends as the test says."""

    def register(ending: BaseException | str) -> None:
        @click.command()
        def command() -> None:
            if isinstance(ending, str):
                click.echo(ending)
            else:
                raise ending

        monkeypatch.setattr(main_module, "failing_command", command, raising=False)
        entry = Entry("synthgen.cli.main:failing_command", "Fail.", SECTIONS[0])
        monkeypatch.setitem(COMMANDS, "failing", entry)

    return register


# Help


def test_help_imports_nothing_heavy_and_is_instant():
    code = (
        "import sys, time\n"
        "from synthgen.cli.main import commands\n"
        "try:\n    commands(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "import json\n"
        "sys.stderr.write(json.dumps([time.process_time(), sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    seconds, modules = json.loads(done.stderr)
    print(f"synthgen --help: {seconds:.2f} CPU seconds")  # noqa: T201
    assert "Usage: synthgen" in done.stdout.replace("-c", "synthgen")
    assert set(HEAVY) & set(modules) == set()


def test_help_lists_every_command_in_its_section():
    text = CliRunner().invoke(commands, ["--help"], terminal_width=200).output
    for name, entry in COMMANDS.items():
        section = text[text.index(f"{entry.section}:") :]
        assert re.search(rf"^  {name} +{re.escape(entry.help)}$", section, re.MULTILINE)


def test_help_states_every_exit_code():
    text = " ".join(CliRunner().invoke(commands, ["--help"]).output.split())
    codes = {c.exit_code for c in vars(errors).values() if hasattr(c, "exit_code")}
    for code in {0, *codes, errors.INTERRUPTED_EXIT_CODE}:
        assert re.search(rf"[:,] {code} [a-z]", text), code


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_a_section(name):
    entry = COMMANDS[name]
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    assert command.help is not None
    assert command.help.splitlines()[0] == entry.help, "the table repeats the first line of help"
    assert re.search(rf"^ *synthgen {name}\b", command.help, re.MULTILINE), "help has an example"
    assert entry.section in SECTIONS
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_can_be_read(name):
    result = CliRunner().invoke(commands, [name, "--help"])
    assert result.exit_code == 0
    assert f" {name} " in result.output


def test_every_file_of_the_command_line_is_in_the_table():
    files = {path.stem for path in (ROOT / "synthgen" / "cli").glob("*.py")}
    targets = {entry.target.partition(":")[0].rpartition(".")[2] for entry in COMMANDS.values()}
    with_command = {
        stem
        for stem in files
        if re.search(
            r"^def command\(", (ROOT / f"synthgen/cli/{stem}.py").read_text("utf-8"), re.MULTILINE
        )
    }
    assert with_command == targets


def test_the_version_is_that_of_the_package():
    result = CliRunner().invoke(commands, ["--version"])
    assert result.output == f"synthgen, version {__version__}\n"


def test_a_call_without_a_command_shows_help_and_is_a_usage_error():
    result = CliRunner().invoke(commands, [])
    assert result.exit_code == 2
    assert "Usage:" in result.output


# Ends


@pytest.mark.parametrize(
    "error",
    [c for c in vars(errors).values() if isinstance(c, type) and c is not errors.SynthgenError],
)
def test_a_deliberate_error_is_one_line_and_its_exit_code(failing, error):
    failing(error("t3 row 2: value is 5;\nit must be 4 (2 rows)"))
    result = CliRunner().invoke(commands, ["failing"])
    assert result.stderr == "Error: t3 row 2: value is 5; it must be 4 (2 rows)\n"
    assert result.stdout == ""
    assert result.exit_code == error.exit_code


def test_an_error_line_commands_no_terminal(failing):
    """A name of a file may hold escapes; click drops them from a pipe, but not on a terminal."""
    failing(errors.UsageError("한글\x1b[2J\x9b1m\u202e.csv: is neither a file nor a folder"))
    result = CliRunner().invoke(commands, ["failing"], color=True)
    assert result.stderr == "Error: 한글?[2J?1m?.csv: is neither a file nor a folder\n"
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["doctr"], r"no command 'doctr'; nearest is 'doctor'; see synthgen --help"),
        (["zzzzz"], r"no command 'zzzzz'; see synthgen --help"),
        (["--no-such"], r"No such option.+--no-such'?; see synthgen --help"),
        (["doctor", "x"], r"Got unexpected extra argument \(x\); see synthgen doctor --help"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments, line):
    result = CliRunner().invoke(commands, arguments, prog_name="synthgen")
    assert re.fullmatch(f"Error: {line}\n", result.stderr)
    assert result.exit_code == 2


def test_a_bug_of_ours_keeps_its_traceback(failing):
    failing(ZeroDivisionError("ours"))
    result = CliRunner().invoke(commands, ["failing"])
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.exit_code == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_one_line_and_130(failing, stop):
    failing(stop)
    result = CliRunner().invoke(commands, ["failing"])
    assert result.stderr == "Error: interrupted\n"
    assert result.exit_code == 130


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_one_line_and_74(failing, number):
    failing(OSError(number, os.strerror(number), "out/patient.csv"))
    result = CliRunner().invoke(commands, ["failing"])
    assert result.stderr == (
        f"Error: out/patient.csv: cannot be read or written: {os.strerror(number)}\n"
    )
    assert result.exit_code == 74


def test_another_error_of_the_system_is_a_bug_of_ours(failing):
    failing(FileNotFoundError(errno.ENOENT, "No such file", "x"))
    assert CliRunner().invoke(commands, ["failing"]).exit_code == 1


# In a process of its own


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["doctor"]])
def test_a_full_disk_under_stdout_is_one_line_and_74(arguments):
    with Path("/dev/full").open("w") as full:
        done = synthgen(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.stderr == f"Error: output: cannot be read or written: {os.strerror(errno.ENOSPC)}\n"
    assert done.returncode == 74


@pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--json"]])
def test_a_reader_that_goes_away_is_silent(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = synthgen(*arguments, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 74


WAITING = """
import sys, time, types
import click
from pathlib import Path
from synthgen.cli import main as m
from synthgen.outputs import output_folder

@click.command()
def command():
    with output_folder(Path("out")) as folder:
        (folder / "half").write_text("half")
        print("writing", flush=True)
        time.sleep(60)

m.waiting = command
m.COMMANDS["wait"] = m.Entry("synthgen.cli.main:waiting", "Wait.", m.MAKE)
sys.argv = ["synthgen", "wait"]
m.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_leaves_nothing_and_ends_with_130(tmp_path, number):
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert said == "Error: interrupted\n"
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


ECHO = """
import sys
import click
from synthgen.cli import main as m

@click.command()
def command():
    click.echo("희귀암 caf\\udce9.csv")

m.echo = command
m.COMMANDS["echo"] = m.Entry("synthgen.cli.main:echo", "Echo.", m.MAKE)
sys.argv = ["synthgen", "echo"]
m.main()
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "utf-8"])
def test_what_is_printed_is_utf_8_under_every_locale_and_any_file_name_can_be(encoding):
    done = subprocess.run(
        [sys.executable, "-c", ECHO],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("utf-8") == "희귀암 caf\\udce9.csv\n"


# doctor


def test_doctor_shows_versions_licences_and_that_loading_stays_offline():
    done = synthgen("doctor")
    assert done.returncode == 0, done.stderr
    assert f"synthgen {__version__} (Apache-2.0)" in done.stdout
    assert re.search(r"numpy +\d+\.\d+\S* +BSD-3-Clause", done.stdout)
    assert re.search(r"sdv +(present|missing) +BUSL-1\.1", done.stdout)
    assert "no commercial service" in done.stdout
    assert "0 attempts to reach the network" in done.stdout


def test_doctor_prints_the_same_as_json():
    done = synthgen("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert found["offline"]["network_attempts"] == []
    assert {part["distribution"] for part in found["dependencies"]} >= {"numpy", "duckdb"}
    assert {extra["name"]: extra["licence"] for extra in found["extras"]}["sdv"] == "BUSL-1.1"
    engines = {engine["name"]: engine for engine in found["engines"]}
    assert next(iter(engines)) == "own"
    assert engines["own"]["missing"] == []
    assert not engines["sdv-ctgan"]["saves_model"]
    licences = {p["distribution"]: p["licence"] for p in engines["sdv-ctgan"]["distributions"]}
    assert {licences[name] for name in ("sdv", "ctgan", "rdt")} == {"BUSL-1.1"}
    assert "Forbidden" in engines["sdv-ctgan"]["terms"]
    assert "금지" in engines["sdv-ctgan"]["terms_ko"]
    assert done.stderr == ""


def test_doctor_counts_an_attempt_to_reach_the_network():
    code = (
        "import socket\nfrom synthgen.cli.doctor import network_attempts\n"
        "def reach():\n"
        "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    s.connect(('127.0.0.1', 9)); s.close()\n"
        "print(network_attempts(reach), network_attempts(lambda: None))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "['socket.connect'] []\n"


def test_doctor_names_a_part_that_is_missing_or_too_old(tmp_path):
    """An environment in which one distribution says it is old."""
    old = tmp_path / "faker-1.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: Faker\nVersion: 1.0\n")
    done = synthgen("doctor", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert done.returncode == 16
    assert done.stderr == (
        "Error: installation: faker is 1.0; it must be 30.0.0 or newer (1 in all)\n"
    )


def test_doctor_says_in_one_line_what_cannot_be_imported(tmp_path):
    (tmp_path / "duckdb.py").write_text("raise ImportError('libduckdb.so:\\n wrong ELF class')")
    done = synthgen("doctor", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert done.returncode == 16
    assert done.stderr == (
        "Error: installation: duckdb cannot be imported: libduckdb.so: wrong ELF class (1 in all)\n"
    )


def test_every_optional_part_is_used_or_says_that_nothing_uses_it():
    package = ROOT / "synthgen"
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in package.rglob("*.py")
        if file.name != "extras.py"
    )
    for extra in EXTRAS.values():
        used = f'"{extra.name}"' in code
        assert used != ("nothing uses it yet" in extra.purpose), extra.name
