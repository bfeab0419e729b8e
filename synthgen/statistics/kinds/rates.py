"""Incidence rates: turned into counts through their person-years."""

from __future__ import annotations

from dataclasses import replace

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.kinds import counts
from synthgen.statistics.kinds.kind import Kind, place
from synthgen.statistics.model import Cell, StatisticsTable
from synthgen.statistics.statement import Statement


def check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse negative rates and rates whose person-years are not known."""
    for cell in table.cells:
        if cell.lower < 0:
            raise StatisticsError(f"{place(table, cell)}: a rate is negative; it must be 0 or more")
        if not cell.published:
            continue
        if cell.person_years is None or not cell.person_years > 0:
            raise StatisticsError(
                f"{place(table, cell)}: has no person-years; give the column person_years, or "
                "a population table with the same variables"
            )
    counts.check(as_counts(table), schema)


def as_counts(table: StatisticsTable) -> StatisticsTable:
    """The same table with cases in place of rates: rate x person-years."""
    return replace(table, cells=tuple(_as_count(cell) for cell in table.cells))


def _as_count(cell: Cell) -> Cell:
    years = cell.person_years or 0.0
    return replace(cell, lower=cell.lower * years, upper=cell.upper * years)


def statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """Statements of the counts behind the rates."""
    return counts.statements(as_counts(table), schema)


RATES = Kind(
    "rates",
    {"per 100000": 1e-5, "per million": 1e-6, "per 10000": 1e-4, "per 1000": 1e-3},
    check,
    statements,
    rounded=True,
)
