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
from synthgen.report.words import (
    Html,
    Words,
    errors,
    interval,
    joined,
    label,
    percent,
    place_words,
    plain,
    say,
)
from synthgen.statistics.model import StatisticsTable
from synthgen.statistics.statement import Statement

FAR = 3.0
"""Gaps beyond this many standard errors are marked twice."""


@dataclass(frozen=True)
class Row:
    """One published number.

    Parameters
    ----------
    event, given : Words
        What it says, and of whom.
    picture : Html
    printed, published, fitted, cohort, patients : str
        As they stand in the table, in percent; ``cohort`` is empty where ``note`` says why.
    model_gap, cohort_gap : str
    model_mark, cohort_mark : str
        Class of the gap: ``""``, ``"far"`` or ``"very"``.
    note : Words or None
        Why there is no number of the cohort, or that the published one is about others.
    rank : int
        Place among all rows by gap, the largest first, from 0.
    """

    event: Words
    given: Words
    picture: Html
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
    rank: int = 0


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
    def about(self) -> Words:
        """In one line: what kind of numbers, about whom, when, and how estimated."""
        parts = [self.relation, self.kind]
        if self.common.texts[0]:
            parts.append(say("report.numbers.common", whom=self.common))
        parts.append(place_words(self.table.population) + f", {self.table.period}")
        if self.table.estimator:
            parts.append(plain(self.table.estimator))
        return joined(parts, " · ")

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


@dataclass(frozen=True)
class Chapter:
    """Tables about the same variables: one block of the pack.

    Parameters
    ----------
    title : Words
        Names of the variables.
    sections : tuple of TableSection
        The one with the largest gap first.
    statements : int
    worst : str
        Largest gap of all rows, without sign.
    mark : str
        Class of that gap.
    """

    title: Words
    sections: tuple[TableSection, ...]
    statements: int
    worst: str
    mark: str


def chapters(model: FittedModel, comparisons: Sequence[Comparison]) -> tuple[Chapter, ...]:
    """All tables that say something, block by block, the largest gap first.

    A page that is short of room draws the pictures of the first ranks only.
    """
    ranks = {id(c): rank for rank, c in enumerate(by_gap(comparisons))}
    by_table: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_table.setdefault(comparison.statement.table, []).append(comparison)
    blocks: dict[tuple[str, ...], list[tuple[float, TableSection]]] = {}
    for name, found in by_table.items():
        worst = max(c.largest_gap for c in found)
        variables = _block_of(model, model.pack.table(name))
        blocks.setdefault(variables, []).append((worst, _section(model, name, found, ranks)))
    made = []
    for variables, pairs in blocks.items():
        pairs.sort(key=lambda pair: -round(pair[0], DIGITS))
        worst = pairs[0][0]
        title = joined([label(model.schema.variable(v)) for v in variables])
        statements = sum(len(s.rows) for _, s in pairs)
        sections = tuple(s for _, s in pairs)
        chapter = Chapter(title, sections, statements, _worst(worst), mark(worst))
        made.append((worst, chapter))
    return tuple(c for _, c in sorted(made, key=lambda pair: -round(pair[0], DIGITS)))


def _block_of(model: FittedModel, table: StatisticsTable) -> tuple[str, ...]:
    """Variables of the last block that a table speaks of: the one that it is fitted in."""
    found = table.variables
    for block in model.pack.blocks:
        if set(block.variables) & set(table.variables):
            found = block.variables
    return found


def _worst(gap: float) -> str:
    return errors(gap).lstrip("+") if gap >= 0 else ""


def _section(
    model: FittedModel, name: str, found: Sequence[Comparison], ranks: Mapping[int, int]
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
        _worst(worst),
        mark(worst),
        tuple(row_of(model, c, common, ranks[id(c)]) for c in by_gap(found)),
    )


def row_of(
    model: FittedModel,
    comparison: Comparison,
    common: Mapping[str, tuple[str, ...]] | None = None,
    rank: int = 0,
) -> Row:
    """Texts of one comparison."""
    said = comparison.statement
    event, given = about(said, model.schema, {**model.distribution.domain.codes, **(common or {})})
    known = comparison.estimate is not None
    compared = comparison.outcome is Outcome.COMPARED
    return Row(
        event,
        given,
        dots(comparison),
        said.printed,
        published_words(said),
        bare(percent(comparison.fitted)),
        bare(percent(comparison.estimate)) if comparison.estimate is not None else "",
        f"{comparison.n:,}" if known else "",
        errors(comparison.model_gap),
        errors(comparison.cohort_gap),
        mark(comparison.model_gap),
        mark(comparison.cohort_gap),
        None if compared else say(f"fidelity.outcome.{comparison.outcome.value}"),
        rank,
    )


def published_words(said: Statement) -> str:
    """The published proportion or its bounds, in percent."""
    return bare(interval(said.lower, said.upper))


def bare(percentage: str) -> str:
    """A percentage under a heading that says percent.

    Examples
    --------
    >>> bare("10.0 % – 20.0 %"), bare("<0.001 %")
    ('10.0–20.0', '<0.001')
    """
    return percentage.replace(" % – ", "–").removesuffix(" %")
