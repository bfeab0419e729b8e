"""Counts of cases, with or without subtotals, suppressed, rounded, or zero."""

from __future__ import annotations

import math

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.hierarchy import Stratum, strata
from synthgen.statistics.kinds.kind import Kind, place
from synthgen.statistics.model import Cell, StatisticsTable
from synthgen.statistics.sampling import RULE_OF_THREE
from synthgen.statistics.statement import (
    Statement,
    condition_of,
    event_of,
    narrowed,
    weighted,
    without_whole,
)


def check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse negative counts and tables whose total cannot be known."""
    for cell in table.cells:
        if cell.lower < 0:
            raise StatisticsError(
                f"{place(table, cell)}: a count is negative; counts must be 0 or more"
            )
    strata(table, schema)


def statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """Each cell's share of the cases of its stratum, with the count's own error.

    A count ``c`` of a total ``T`` has the standard error ``sqrt(max(c, 1)) / T``.  A
    published zero is not an impossibility: it bounds the share by ``3 / T`` (rule of three).
    """
    said: list[Statement] = []
    for stratum in strata(table, schema):
        said.extend(_statement(table, cell, stratum, schema) for cell in stratum.cells)
    return tuple(said)


def _statement(table: StatisticsTable, cell: Cell, stratum: Stratum, schema: Schema) -> Statement:
    total = stratum.total
    lower, upper = cell.lower, cell.upper
    if upper == 0.0:
        upper = RULE_OF_THREE * cell.carried
    given, event = stratum_members(table, cell, stratum, schema)
    return weighted(
        Statement(
            table=table.name,
            row=cell.row,
            kind=table.kind,
            relation=table.relation,
            event=event,
            given=given,
            lower=min(lower / total, 1.0),
            upper=min(upper / total, 1.0),
            standard_error=_error(cell) / total,
            cases=total,
            estimator="count",
            printed=cell.printed,
        ),
        table.weight,
    )


def _error(cell: Cell) -> float:
    """Sampling error of a count [cases], of the count as printed where it was carried."""
    return math.sqrt(max(cell.value / cell.carried, 1.0)) * cell.carried


def stratum_members(
    table: StatisticsTable, cell: Cell, stratum: Stratum, schema: Schema
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Condition and event of one cell of a stratum."""
    where = place(table, cell)
    given = without_whole(
        narrowed(condition_of(table, cell, schema), stratum.covered, where), schema
    )
    event = without_whole(narrowed(event_of(table, cell, schema), given, where), schema)
    return given, event


COUNTS = Kind(
    "counts",
    {"cases": 1.0, "thousand cases": 1e3, "persons": 1.0},
    check,
    statements,
    whole=True,
)
