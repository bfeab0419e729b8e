"""The report of a cohort: one file, two languages, every published number beside its own.

The page needs no script and asks for nothing over a network; a style rule shows one
language, and everything that came from a pack, a schema or a manifest is escaped.  The
same model, cohort and comparisons give the same bytes: there is no clock in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.provenance import provenance
from synthgen.errors import UsageError
from synthgen.fidelity.compare import ComparedCohort
from synthgen.fidelity.comparison import Comparison, Outcome, agreement
from synthgen.messages import LANGUAGES
from synthgen.outputs import output_file
from synthgen.report.charts.gaps import gaps_picture
from synthgen.report.patient_groups import ALWAYS_DRAWN, drawn_groups, patient_groups
from synthgen.report.provenance_section import legend, matrix, source_rows
from synthgen.report.reasons import far_from_cohort, far_from_model
from synthgen.report.region_section import region_section
from synthgen.report.rendering import environment, style
from synthgen.report.statement_tables import chapters, row_of
from synthgen.report.statement_words import codes_words
from synthgen.report.timelines import timelines
from synthgen.report.words import Words, joined, label, plain, say
from synthgen.schema.model import Schema
from synthgen.statistics.statements import OTHER_PEOPLE

if TYPE_CHECKING:
    from synthgen.cohort.cohort import Cohort

LARGEST = 970_000
"""A page holds as many pictures as fit into so many bytes; every number stands in it anyway."""

ROWS_DRAWN = 300
"""Rows with the largest gaps that keep their picture while there are groups to leave undrawn."""

DROPPED = 3
"""Groups that are left undrawn at a time, until a page fits."""


@dataclass(frozen=True)
class Setting:
    """One line of how the cohort was made."""

    name: Words
    value: Words
    code: bool = False


def cohort_report(
    model: FittedModel,
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    *,
    language: str = "en",
) -> str:
    """Report of a cohort as one HTML page.

    Parameters
    ----------
    model : FittedModel
        The one that the cohort was generated from.
    cohort : Cohort
    comparisons : sequence of Comparison
        As :func:`synthgen.fidelity.compare.compare` returns them.
    language : {"en", "ko"}
        The language that the page opens in; the other is in it too.

    Raises
    ------
    UsageError
        If the language is unknown.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language}: choose of {', '.join(LANGUAGES)}")
    compared = ComparedCohort(model, cohort)
    page = _page(model, cohort, comparisons, compared)
    return _within_size({**page, "first": language})


def _within_size(page: dict[str, Any]) -> str:
    """The page with as many pictures as fit: first rows with small gaps go without one.

    If too few rows would keep theirs, the smallest groups go from the drawings to the table
    of groups.
    """
    template = environment().get_template("cohort.html.jinja")
    groups, others = list(page["groups"]), list(page["others"])
    rows = [r for c in page["chapters"] for s in c.sections for r in s.rows]
    sizes = [len(r.picture) for r in sorted(rows, key=lambda r: r.rank)]
    while True:
        pictures = len(sizes)
        text = template.render(page, groups=groups, others=others, pictures=pictures)
        excess = len(text.encode()) - LARGEST
        if excess <= 0:
            return text
        while pictures and excess > 0:
            pictures -= 1
            excess -= sizes[pictures]
        enough = excess <= 0 and pictures >= min(ROWS_DRAWN, len(sizes))
        if enough or len(groups) <= ALWAYS_DRAWN:
            return template.render(page, groups=groups, others=others, pictures=pictures)
        dropped = (
            groups[-DROPPED:] if len(groups) >= ALWAYS_DRAWN + DROPPED else groups[ALWAYS_DRAWN:]
        )
        groups, others = groups[: -len(dropped)], [*dropped, *others]


def write_report(
    path: Path,
    model: FittedModel,
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    *,
    language: str = "en",
    force: bool = False,
) -> None:
    """Write :func:`cohort_report` to a file, whole or not at all.

    Raises
    ------
    UsageError
        If the file exists and ``force`` is not set, or the language is unknown.
    OutputError
        If it cannot be written.
    """
    text = cohort_report(model, cohort, comparisons, language=language)
    with output_file(path, force=force) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def _page(
    model: FittedModel,
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    compared: ComparedCohort,
) -> dict[str, Any]:
    """Everything that the template shows."""
    origins = provenance(model)
    lines, missing = patient_groups(compared)
    drawn, others = drawn_groups(compared, lines, origins)
    told = chapters(model, comparisons)
    outcomes = {o: sum(c.outcome is o for c in comparisons) for o in Outcome}
    return {
        "style": style("cohort.css", "figures.css"),
        "languages": LANGUAGES,
        "model": model,
        "title": Words((model.pack.title, model.pack.title_ko)),
        "population": Words((model.pack.target.population, model.pack.target.population_ko)),
        "patients": len(compared.codes),
        "settings": _settings(model, cohort, compared),
        "conditions": _conditions(compared) if compared.where else None,
        "agreement": agreement(comparisons),
        "left_out": [
            (count, say(f"fidelity.outcome.{outcome.value}"))
            for outcome, count in outcomes.items()
            if count and outcome is not Outcome.COMPARED
        ],
        "model_picture": gaps_picture(
            say("report.summary.model_gaps"),
            [c.model_gap for c in comparisons if c.model_gap is not None],
            "mb",
            chance=False,
        ),
        "cohort_picture": gaps_picture(
            say("report.summary.cohort_gaps"),
            [c.cohort_gap for c in comparisons if c.cohort_gap is not None],
            "cb",
            chance=True,
        ),
        "far_model": [(f, row_of(model, f.comparison)) for f in far_from_model(model, comparisons)],
        "far_cohort": [
            (f, row_of(model, f.comparison)) for f in far_from_cohort(model, comparisons)
        ],
        "groups": drawn,
        "others": others,
        "missing": joined(missing),
        "missing_count": len(missing),
        "region": region_section(compared),
        "pathways": timelines(cohort),
        "chapters": told,
        "table_count": sum(len(c.sections) for c in told),
        "silent": _silent(model, comparisons),
        "matrix": matrix(model, origins),
        "legend": legend(),
        "sources": source_rows(model),
        "table_of": model.pack.table,
    }


def _silent(model: FittedModel, comparisons: Sequence[Comparison]) -> list[Words]:
    """Which tables of the pack have no number that is compared, and why: one sentence a reason."""
    heard = {c.statement.table for c in comparisons}
    tables = [t for t in model.pack.tables if t.name not in heard]
    bases = [t for t in tables if t.kind in OTHER_PEOPLE]
    others = [t for t in tables if t.kind not in OTHER_PEOPLE]
    return [
        say(f"report.tile.{why}", names=joined([label(t) for t in found]), n=len(found))
        for why, found in (("published_bases", bases), ("published_silent", others))
        if found
    ]


def _settings(model: FittedModel, cohort: Cohort, compared: ComparedCohort) -> list[Setting]:
    """How the cohort was made, line by line."""
    manifest = cohort.manifest
    asked = manifest.get("settings", {})
    versions = manifest.get("versions", {})
    target = model.pack.target
    population = Words((target.population, target.population_ko))
    lines = [
        Setting(say("report.setting.population"), population + f", {target.period}"),
        Setting(say("report.setting.patients"), plain(f"{len(compared.codes):,}")),
        *_further(cohort, compared),
        Setting(say("report.setting.conditions"), _conditions(compared)),
        Setting(say("report.setting.diagnosed"), plain(asked.get("diagnosed", "–"))),
        Setting(say("report.setting.cut_off"), plain(asked.get("cut_off", "–"))),
        Setting(say("report.setting.seed"), plain(asked.get("seed", "–"))),
        Setting(say("report.setting.model"), plain(model.id)),
        Setting(say("report.setting.hash"), plain(model.sha256), code=True),
        Setting(
            say("report.setting.schema"), label_of_schema(cohort.schema) + f" ({cohort.schema.key})"
        ),
        Setting(say("report.setting.pack"), plain(f"{model.pack.id} {model.pack.version}")),
    ]
    if versions:
        named = ", ".join(f"{name} {version}" for name, version in versions.items())
        lines.append(Setting(say("report.setting.versions"), plain(named)))
    return lines


def _further(cohort: Cohort, compared: ComparedCohort) -> list[Setting]:
    """How many tumours come after the first ones, if any do."""
    further = len(cohort[compared.codes.table]) - len(compared.codes)
    if not further:
        return []
    text = say("report.further", tumours=f"{further:,}", patients=f"{len(compared.codes):,}")
    return [Setting(say("report.setting.further"), text)]


def label_of_schema(schema: Schema) -> Words:
    """Title of a schema in every language."""
    return Words((schema.title, schema.title_ko))


def _conditions(compared: ComparedCohort) -> Words:
    """What the cohort was asked for, in words."""
    if not compared.where:
        return say("report.everybody")
    schema = compared.model.schema
    parts = [
        label(schema.variable(name)) + ": " + codes_words(schema.variable(name), codes)
        for name, codes in compared.where.items()
    ]
    return joined(parts, "; ")
