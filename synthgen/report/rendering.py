"""Templates and style sheets of the pages; everything put in is escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from synthgen.messages import LANGUAGES
from synthgen.report.charts.drawing import defined
from synthgen.report.statement_tables import mark
from synthgen.report.words import Html, errors, label, percent, say

if TYPE_CHECKING:
    import jinja2


@cache
def environment() -> jinja2.Environment:
    """Templates of the package; everything put in is escaped."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("synthgen.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        say=say,
        label=label,
        errors=errors,
        percent=percent,
        mark=mark,
        defined=defined,
        languages=LANGUAGES,
    )
    return made


def style(*sheets: str) -> Html:
    """Style sheets of the package, with the sentence of intended use at the foot of paper.

    Parameters
    ----------
    *sheets : str
        Names of files, in order.
    """
    folder = files("synthgen.report") / "templates"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in sheets)
    use = say("intended_use.short")
    for language in LANGUAGES:
        quoted = use.in_language(language).replace("\\", "\\\\").replace('"', '\\"')
        text = text.replace(f"INTENDED_USE_{language}", f'"{quoted}"')
    return Html("\n".join(line.strip() for line in text.splitlines() if line.strip()))
