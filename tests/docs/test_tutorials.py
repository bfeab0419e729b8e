"""Tutorials keep what they promise: their commands and Python are run in order, and compared.

A block ``console`` holds commands after ``$`` and below each what it prints (stdout, then
stderr); ``…`` stands for any text in a line, and alone on a line for any lines.  A command may
end with ``# exit code 4``.  A block ``python`` holds examples after ``>>>``; all blocks of a
page share one folder and one set of names.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
EXIT_CODE = re.compile(r"#\s*exit code (\d+)\s*$")
ANY = "…"


@dataclass(frozen=True)
class Command:
    """A command of a page, and what the page promises of it."""

    line: str
    promised: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        said = EXIT_CODE.search(self.line)
        return int(said[1]) if said else 0


def commands_of(block: str) -> list[Command]:
    made: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            made.append(Command(line[2:], ()))
        else:
            made[-1] = Command(made[-1].line, (*made[-1].promised, line))
    return made


def keeps(promised: tuple[str, ...], printed: list[str]) -> bool:
    """Whether lines are what was promised.

    >>> keeps(("a …", "…", "d"), ["a b", "c", "d"]), keeps(("a",), ["a", "b"])
    (True, False)
    """
    if not promised:
        return not printed
    first, rest = promised[0], promised[1:]
    if first == ANY:
        return any(keeps(rest, printed[skipped:]) for skipped in range(len(printed) + 1))
    pattern = ".*".join(re.escape(part) for part in first.split(ANY))
    return bool(printed) and bool(re.fullmatch(pattern, printed[0])) and keeps(rest, printed[1:])


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Runs commands in a folder of their own, with this checkout's ``synthgen``."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    tools = tmp_path / "tools"
    tools.mkdir()
    script = f'#!/bin/sh\nexec "{sys.executable}" -m synthgen.cli.main "$@"\n'
    (tools / "synthgen").write_text(script, encoding="utf-8")
    (tools / "synthgen").chmod(0o755)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": path, "COLUMNS": "100"}
    environment["CHECKOUT"] = str(ROOT)

    def run(line: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [bash, "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        talk = [x for x in done.stderr.splitlines() if x.strip() and x.strip() != "Patients"]
        return done.returncode, [x.rstrip() for x in (*done.stdout.splitlines(), *talk)]

    return run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_keeps_what_it_promises(page, shell):
    names: dict[str, object] = {"__name__": "__main__"}
    text = page.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert {kind for kind, _ in blocks} == {"console", "python"}
    for number, (kind, block) in enumerate(blocks):
        if kind == "python":
            example = doctest.DocTestParser().get_doctest(
                block, names, f"{page.stem}-{number}", page.name, 0
            )
            said: list[str] = []
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            assert runner.run(example, out=said.append, clear_globs=False).failed == 0, "".join(
                said
            )
            names = example.globs
            continue
        for command in commands_of(block):
            exit_code, printed = shell(command.line)
            where = f"{page.name}: $ {command.line}\n" + "\n".join(printed)
            assert exit_code == command.exit_code, where
            assert keeps(command.promised, printed), where


def test_there_is_a_tutorial_for_a_company_and_for_a_teacher():
    assert {"company", "educator"} <= {page.stem for page in PAGES}


@pytest.mark.parametrize(
    ("promised", "printed", "kept"),
    [
        (("a",), ["a"], True),
        (("a",), ["b"], False),
        (("a", ANY), ["a"], True),
        ((ANY, "z"), ["a", "b", "z"], True),
        ((ANY, "z"), ["a", "b"], False),
        (("a (1) … c",), ["a (1) b c"], True),
        ((), ["a"], False),
    ],
)
def test_the_comparison_sees_what_is_not_as_promised(promised, printed, kept):
    assert keeps(promised, printed) is kept
