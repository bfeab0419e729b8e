"""Where everything comes from, in words anyone understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.provenance import ENTITY, Provenance
from synthgen.report.words import Words, joined, label, say
from synthgen.statistics.model import Relation, Source, StatisticsPack

SIGNS: dict[Relation | None, str] = {
    Relation.PUBLISHED: "●",
    Relation.BORROWED: "◐",
    Relation.POOLED: "◍",
    Relation.ASSUMED: "○",
    None: "–",
}
"""One sign for each kind of origin; it can be told apart without colour."""


@dataclass(frozen=True)
class Origin:
    """One cell: an entity's variable.

    Parameters
    ----------
    sign : str
    name : str
        Class of the sign.
    cases : str
        Cases behind it, if published.
    """

    sign: str
    name: str
    cases: str


@dataclass(frozen=True)
class OriginLine:
    """The variables of one group that have the same kind of origin."""

    sign: str
    name: str
    word: Words
    variables: Words


def origin_lines(model: FittedModel, found: Sequence[Provenance]) -> tuple[OriginLine, ...]:
    """Origins of a group's variables, the strongest kind first; names with the cases behind."""
    lines = []
    for relation, sign in SIGNS.items():
        parts = []
        for row in found:
            if row.relation is relation:
                cases = f" ({row.cases:,.0f})" if row.cases else ""
                parts.append(label(model.schema.variable(row.variable)) + cases)
        if parts:
            name = relation.value if relation else "reference"
            lines.append(OriginLine(sign, name, say(f"relation.{name}"), joined(parts)))
    return tuple(lines)


@dataclass(frozen=True)
class Matrix:
    """Entity by variable."""

    variables: tuple[Words, ...]
    rows: tuple[tuple[Words, tuple[Origin, ...]], ...]


def origin_of(found: Provenance) -> Origin:
    """Sign and cases of one provenance."""
    name = found.relation.value if found.relation else "reference"
    cases = f"{found.cases:,.0f}" if found.cases else ""
    return Origin(SIGNS[found.relation], name, cases)


def matrix(model: FittedModel, found: Sequence[Provenance]) -> Matrix:
    """Provenance of every entity and variable; no rows for a model without entities."""
    names = [n for n in model.distribution.domain.names if n != ENTITY]
    variables = tuple(label(model.schema.variable(n)) for n in names)
    if not found:
        return Matrix(variables, ())
    titles = {c.code: label(c) for c in model.schema.variable(ENTITY).categories}
    by_entity: dict[str, dict[str, Origin]] = {}
    for row in found:
        by_entity.setdefault(row.entity, {})[row.variable] = origin_of(row)
    rows = tuple(
        (titles[entity], tuple(cells[n] for n in names)) for entity, cells in by_entity.items()
    )
    return Matrix(variables, rows)


def legend() -> tuple[tuple[str, str, Words, Words], ...]:
    """Sign, class, word and plain explanation of every kind of origin."""
    return tuple(
        (
            sign,
            name,
            say(f"relation.{name}"),
            say(f"report.origin.{name}"),
        )
        for sign, name in ((s, r.value if r else "reference") for r, s in SIGNS.items())
    )


@dataclass(frozen=True)
class SourceRow:
    """One source and the tables that came from it."""

    source: Source
    link: str
    redistribution: Words
    tables: tuple[Words, ...]


def source_rows(model: FittedModel) -> tuple[SourceRow, ...]:
    """All sources of a model's pack."""
    return pack_source_rows(model.pack)


def pack_source_rows(pack: StatisticsPack) -> tuple[SourceRow, ...]:
    """All sources, in the order of the pack; only web addresses become links."""
    rows = []
    for source in pack.sources.values():
        tables = tuple(label(t) for t in pack.tables if t.source == source.id)
        link = source.url if source.url.startswith(("https://", "http://")) else ""
        rows.append(SourceRow(source, link, say(f"redistribution.{source.redistribution}"), tables))
    return tuple(rows)
