"""All published numbers, table by table, the largest gap first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.comparison import (
    DIGITS,
    NEAR,
    Agreement,
    Comparison,
    Outcome,
    agreement,
    by_gap,
)
from synthgen.report.charts.dots import dots
from synthgen.report.statement_words import about, common_condition, members_words
from synthgen.report.words import Html, Words, errors, interval, label, percent, plain, say
from synthgen.statistics.model import StatisticsTable
from synthgen.statistics.statement import Statement

FAR = 3.0
"""Gaps beyond this many standard errors are marked twice."""

PICTURES = 800
"""Rows of a report that get a picture: those with the largest gaps; a page has its size."""


@dataclass(frozen=True)
class Row:
    """One published number.

    Parameters
    ----------
    event, given : Words
        What it says, and of whom.
    picture : Html or None
    printed, published, fitted, cohort, patients : str
        As they stand in the table; ``cohort`` is empty where ``note`` says why.
    model_gap, cohort_gap : str
    model_mark, cohort_mark : str
        Class of the gap: ``""``, ``"far"`` or ``"very"``.
    note : Words or None
        Why there is no number of the cohort, or that the published one is about others.
    """

    event: Words
    given: Words
    picture: Html | None
    printed: str
    published: str
    fitted: str
    cohort: str
    patients: str
    model_gap: str
    cohort_gap: str
    model_mark: str
    cohort_mark: str
    note: Words | None


@dataclass(frozen=True)
class TableSection:
    """One published table.

    Parameters
    ----------
    table : StatisticsTable
    title, common : Words
        Its title, and whom all its numbers are about.
    source_number : int
        Its place among the sources of the pack, from 1.
    agreement : Agreement
    worst : str
        Largest gap of all rows, without sign.
    mark : str
        Class of that gap.
    rows : tuple of Row
    """

    table: StatisticsTable
    title: Words
    common: Words
    source_number: int
    agreement: Agreement
    worst: str
    mark: str
    rows: tuple[Row, ...]

    @property
    def relation(self) -> Words:
        """Whose numbers they are."""
        return say(f"relation.{self.table.relation.value}")

    @property
    def kind(self) -> Words:
        """What kind of numbers they are."""
        return say(f"report.kind.{self.table.kind}")

    @property
    def note(self) -> Words:
        """What a reader must know."""
        return Words((self.table.note, self.table.note_ko or self.table.note))


def mark(gap: float | None) -> str:
    """Class of a gap: more than two, more than three standard errors."""
    if gap is None or abs(gap) <= NEAR:
        return ""
    return "very" if abs(gap) > FAR else "far"


def table_sections(
    model: FittedModel, comparisons: Sequence[Comparison]
) -> tuple[TableSection, ...]:
    """All tables that say something, the one with the largest gap first."""
    drawn = {id(c) for c in by_gap(comparisons)[:PICTURES]}
    by_table: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_table.setdefault(comparison.statement.table, []).append(comparison)
    made = [
        (max(c.largest_gap for c in found), _section(model, name, found, drawn))
        for name, found in by_table.items()
    ]
    return tuple(section for _, section in sorted(made, key=lambda pair: -round(pair[0], DIGITS)))


def _section(
    model: FittedModel, name: str, found: Sequence[Comparison], drawn: set[int]
) -> TableSection:
    table = model.pack.table(name)
    common = common_condition(c.statement for c in found)
    known = model.distribution.domain.codes
    about_whom = {n: c for n, c in common.items() if c != known[n]}
    worst = max(c.largest_gap for c in found)
    return TableSection(
        table,
        label(table),
        members_words(about_whom, model.schema) if about_whom else plain(""),
        list(model.pack.sources).index(table.source) + 1,
        agreement(found),
        errors(worst).lstrip("+") if worst >= 0 else "",
        mark(worst if worst >= 0 else None),
        tuple(row_of(model, c, common, picture=id(c) in drawn) for c in by_gap(found)),
    )


def row_of(
    model: FittedModel,
    comparison: Comparison,
    common: Mapping[str, tuple[str, ...]] | None = None,
    *,
    picture: bool = True,
) -> Row:
    """Texts of one comparison."""
    said = comparison.statement
    event, given = about(said, model.schema, {**model.distribution.domain.codes, **(common or {})})
    known = comparison.estimate is not None
    compared = comparison.outcome is Outcome.COMPARED
    return Row(
        event,
        given,
        dots(comparison) if picture else None,
        said.printed,
        published_words(said),
        percent(comparison.fitted),
        percent(comparison.estimate) if comparison.estimate is not None else "",
        f"{comparison.n:,}" if known else "",
        errors(comparison.model_gap),
        errors(comparison.cohort_gap),
        mark(comparison.model_gap),
        mark(comparison.cohort_gap),
        None if compared else say(f"fidelity.outcome.{comparison.outcome.value}"),
    )


def published_words(said: Statement) -> str:
    """The published proportion or its bounds."""
    return interval(said.lower, said.upper)
