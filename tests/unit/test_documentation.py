"""Documentation cannot drift: links exist, commands exist, Python examples run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from synthgen.cli.main import COMMANDS, commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_to_a_file_of_the_project_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


def code_of(text: str) -> str:
    """Fenced and indented code of a page."""
    fenced = re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^    .*$", text, flags=re.MULTILINE)
    return "\n".join([*fenced, *indented])


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_command_and_option_that_is_shown_exists(page):
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"^\s*(?:\$ )?(synthgen [a-z].*)$", code_of(text), flags=re.MULTILINE):
        words = shlex.split(re.split(r"\s{2,}|#|&&|\|", line)[0].replace("\u2026", ""))
        assert words[1] in COMMANDS, line
        command = commands.get_command(None, words[1])
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        for word in words[2:]:
            if word.startswith("-") and word != "-":
                assert word.split("=")[0] in options | {"--help"}, line


def test_the_python_of_the_readme_runs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), scope)  # noqa: S102
    assert len(scope["young"]["tumour"]) == 300
