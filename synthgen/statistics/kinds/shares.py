"""Percentages of a group, printed with a few decimals."""

from __future__ import annotations

from synthgen.schema.model import Schema
from synthgen.statistics.kinds.kind import Kind
from synthgen.statistics.model import StatisticsTable
from synthgen.statistics.sampling import value_error
from synthgen.statistics.statement import Statement, condition_of, event_of, weighted


def check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse cells whose codes lie outside the table's scope."""
    for cell in table.cells:
        if cell.published:
            event_of(table, cell, schema)


def statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """``P(cell | given)`` within half a unit of the last printed place."""
    said = []
    for cell in table.cells:
        if not cell.published:
            continue
        given = condition_of(table, cell, schema)
        event = event_of(table, cell, schema)
        if event == given:
            continue  # "all: 100 %" says nothing
        said.append(
            weighted(
                Statement(
                    table=table.name,
                    row=cell.row,
                    kind=table.kind,
                    relation=table.relation,
                    event=event,
                    given=given,
                    lower=cell.lower,
                    upper=cell.upper,
                    standard_error=value_error(table, cell),
                    cases=cell.n,
                    estimator="share",
                    printed=cell.printed,
                ),
                table.weight,
            )
        )
    return tuple(said)


SHARES = Kind(
    "shares",
    {"percent": 0.01, "proportion": 1.0},
    check,
    statements,
    bounds=(0.0, 1.0),
    rounded=True,
)
