"""Survival as records show it: Kaplan-Meier and Aalen-Johansen tables beside counts.

They are for people and for ``audit``.  The fit does not need them: the counts of time by event
that the same records gave say more.
"""

from __future__ import annotations

import math

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.kinds.kind import Kind, no_statements, place
from synthgen.statistics.model import StatisticsTable
from synthgen.statistics.statement import condition_of


def _check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse values without a time, outside [0, 1], or that move the wrong way."""
    falling = table.kind == "kaplan_meier"
    last: dict[tuple[tuple[str, tuple[str, ...]], ...], tuple[float, float, float]] = {}
    for cell in table.cells:
        if cell.time is None or not math.isfinite(cell.time) or cell.time < 0:
            raise StatisticsError(f"{place(table, cell)}: needs a time of 0 years or more")
        stratum = tuple(sorted(condition_of(table, cell, schema).items()))
        time, lower, upper = last.get(stratum, (-1.0, 0.0, 1.0))
        wrong = cell.lower > upper if falling else cell.upper < lower
        if cell.time <= time or (stratum in last and wrong):
            raise StatisticsError(
                f"{place(table, cell)}: times must ascend and "
                f"{'survival must not rise' if falling else 'incidence must not fall'}"
            )
        last[stratum] = (cell.time, cell.lower, cell.upper)


def _kind(name: str) -> Kind:
    return Kind(
        name,
        {"proportion": 1.0, "percent": 0.01},
        _check,
        no_statements,
        needs=("time",),
        has_own_columns=False,
        bounds=(0.0, 1.0),
        rounded=True,
    )


KAPLAN_MEIER = _kind("kaplan_meier")
AALEN_JOHANSEN = _kind("aalen_johansen")
