"""Medians and other quantiles of a binned variable, by stratum."""

from __future__ import annotations

import math

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.kinds.kind import Kind, place
from synthgen.statistics.model import Cell, StatisticsTable
from synthgen.statistics.sampling import cases_behind, proportion_error
from synthgen.statistics.statement import TIME_VARIABLE, Statement, condition_of, weighted

OBSERVED_ESTIMATORS = frozenset({"observed", "overall", "Kaplan-Meier"})
"""Estimators of a survival time that count deaths from all causes."""

SAME_EDGE = 1e-9
"""Distance within which a quantile counts as lying on an edge, in the variable's unit."""


def check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse quantiles of coded variables, and probabilities outside (0, 1)."""
    if len(table.variables) != 1:
        raise StatisticsError(
            f"{table.name}: has {len(table.variables)} variables; quantiles must be of one"
        )
    if not schema.variable(table.variables[0]).is_binned:
        raise StatisticsError(
            f"{table.name}: {table.variables[0]} has codes; quantiles must be of a binned variable"
        )
    for cell in table.cells:
        if cell.quantile is None or not 0.0 < cell.quantile < 1.0:
            raise StatisticsError(
                f"{place(table, cell)}: quantile is {cell.quantile}; it must lie between 0 and 1"
            )


def statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """The share below the value, as bounds at the neighbouring edges of the bins.

    If ``Q`` is the quantile ``q`` and ``a < Q < b`` are neighbouring edges, then
    ``P(X < a) <= q <= P(X < b)``; if ``Q`` is an edge, ``P(X < Q) = q``.  The error is that
    of a proportion ``q`` of the stratum's cases.
    """
    said: list[Statement] = []
    for cell in table.cells:
        if not cell.published:
            continue
        said.extend(_statements_of(table, cell, schema))
    return tuple(said)


def _statements_of(table: StatisticsTable, cell: Cell, schema: Schema) -> list[Statement]:
    variable = table.variables[0]
    categories = schema.variable(variable).categories
    edges = [math.inf if c.lower is None else c.lower for c in categories][1:]
    probability = 0.5 if cell.quantile is None else cell.quantile
    within = [e for e in edges if cell.lower - SAME_EDGE <= e <= cell.upper + SAME_EDGE]
    if within:
        nearest = min(within, key=lambda e: abs(e - cell.value))
        wanted = [(nearest, probability, probability)]
    else:
        below = [e for e in edges if e < cell.lower]
        above = [e for e in edges if e > cell.upper]
        wanted = [(below[-1], 0.0, probability)] if below else []
        wanted += [(above[0], probability, 1.0)] if above else []
    return [_make(table, cell, schema, edge, (low, high)) for edge, low, high in wanted]


def _make(
    table: StatisticsTable, cell: Cell, schema: Schema, edge: float, bounds: tuple[float, float]
) -> Statement:
    """``P(X < edge | given)`` within bounds; of survival time, ``P(T >= edge | given)``."""
    variable = table.variables[0]
    survival = variable == TIME_VARIABLE
    given = condition_of(table, cell, schema)
    chosen = []
    for category in schema.variable(variable).categories:
        start = -math.inf if category.lower is None else category.lower
        if (start >= edge - SAME_EDGE) == survival:
            chosen.append(category.code)
    if variable in given:
        chosen = [code for code in chosen if code in given[variable]]
    lower, upper = (1 - bounds[1], 1 - bounds[0]) if survival else bounds
    estimator = "quantile"
    if survival:
        estimator = "observed" if table.estimator in OBSERVED_ESTIMATORS else "net"
    quantile = 0.5 if cell.quantile is None else cell.quantile
    return weighted(
        Statement(
            table=table.name,
            row=cell.row,
            kind=table.kind,
            relation=table.relation,
            event={**given, variable: tuple(chosen)},
            given=given,
            lower=lower,
            upper=upper,
            standard_error=proportion_error(quantile, cases_behind(table, cell)),
            cases=cell.n,
            estimator=estimator,
            time=edge if survival else None,
            printed=cell.printed,
        ),
        table.weight,
    )


QUANTILES = Kind(
    "quantiles",
    {"years": 1.0, "months": 1.0 / 12.0, "days": 1.0 / 365.25, "unit of the variable": 1.0},
    check,
    statements,
    needs=("quantile",),
    has_own_columns=False,
    bounds=(float("-inf"), float("inf")),
    rounded=True,
)
