"""Figures of a model as files: SVG that goes into documents and prints as it is.

A page beside them shows each with its caption and, printed by any browser, makes a PDF with
one figure per page, in vectors; no library for PDF is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from synthgen.cohort.fitted_model import FittedModel
from synthgen.errors import UsageError
from synthgen.messages import LANGUAGES
from synthgen.outputs import output_folder
from synthgen.report.charts.drawing import Drawing
from synthgen.report.charts.gaps import gaps_picture
from synthgen.report.group_section import GroupSection
from synthgen.report.model_alone import model_alone
from synthgen.report.patient_groups import patient_groups, section_of
from synthgen.report.region_section import region_section
from synthgen.report.words import Words, plain, say

INDEX = "index.html"

STYLE = """body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#17202b}
figure{margin:0 0 3rem}img{width:100%;max-width:46rem}figcaption{color:#526070}
@page{size:A4;margin:15mm}@media print{figure{break-inside:avoid;break-after:page}}"""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Parameters
    ----------
    name : str
        Of its file, without the ending.
    drawing : Drawing
    caption : Words
    """

    name: str
    drawing: Drawing
    caption: Words


def figures(model: FittedModel) -> tuple[Figure, ...]:
    """Gaps, regions, and ages, kinds, stages and survival of every group of a model.

    Parameters
    ----------
    model : FittedModel

    Returns
    -------
    tuple of Figure
        Only what the model has: without survival there is no survival curve.
    """
    heading = say("figures.gaps")
    gaps = [gap.standard_errors for gap in model.gaps]
    made = [
        Figure(
            "gaps",
            gaps_picture(heading, gaps, "mb", chance=False),
            say("report.summary.model_text"),
        )
    ]
    seen = model_alone(model)
    where = region_section(seen)
    if where is not None:
        made.append(Figure("regions-map", where.tiles.drawing, where.tiles.note))
        if where.shares is not None:
            made.append(Figure("regions-shares", where.shares.drawing, where.shares.note))
    for line in patient_groups(seen)[0]:
        section = section_of(seen, line)
        if section is not None:
            made += _of_group(section, f"{line.name}-{_safe(line.code)}")
    return tuple(made)


def _of_group(section: GroupSection, name: str) -> list[Figure]:
    pictures = [*section.left, *section.right]
    parts = [(p, section.title + ": " + p.heading + ". ") for p in pictures]
    parts += [(p, section.title + ": " + p.heading + ". ") for p in section.strata]
    return [
        Figure(f"{name}-{number}", picture.drawing, said + picture.note)
        for number, (picture, said) in enumerate(parts, start=1)
    ]


def _safe(code: str) -> str:
    """A code as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", code) or "-"


def write_figures(
    model: FittedModel, folder: Path, *, language: str = "en", force: bool = False
) -> int:
    """Write the figures of a model into a new folder, whole or not at all.

    Parameters
    ----------
    model : FittedModel
    folder : Path
    language : {"en", "ko"}
    force : bool
        Replace what stands there.

    Returns
    -------
    int
        Number of figures.

    Raises
    ------
    UsageError
        If the folder exists and ``force`` is not set, or the language is unknown.
    OutputError
        If it cannot be written.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language}: choose of {', '.join(LANGUAGES)}")
    with output_folder(folder, force=force) as beside:
        made = figures(model)
        names = _distinct([figure.name for figure in made])
        for figure, name in zip(made, names, strict=True):
            text = figure.drawing.file(language)
            (beside / f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
        page = _page(model, list(zip(names, made, strict=True)), language)
        (beside / INDEX).write_text(page, encoding="utf-8", newline="\n")
    return len(made)


def _distinct(names: list[str]) -> list[str]:
    """The same names, with a number where two would be one file."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
        count = seen[name.lower()]
        made.append(name if count == 1 else f"{name}-{count}")
    return made


def _page(model: FittedModel, named: list[tuple[str, Figure]], language: str) -> str:
    def told(words: Words) -> str:
        return escape(words.in_language(language))

    title = Words((model.pack.title, model.pack.title_ko))
    heading = told(say("figures.title", title=title))
    shown = "\n".join(
        f'<figure><img src="{name}.svg" alt="{told(figure.drawing.title)}" '
        f'width="{figure.drawing.width:g}"><figcaption>{told(figure.caption)}</figcaption></figure>'
        for name, figure in named
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{heading}</h1>\n<p>{told(say('figures.lead', model=plain(model.id)))}</p>\n"
        f"<p>{told(say('intended_use.short'))}</p>\n{shown}\n</main>\n</body>\n</html>\n"
    )
