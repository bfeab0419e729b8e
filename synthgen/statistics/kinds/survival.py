"""Survival at given times since diagnosis: net, relative, observed, cumulative incidence.

Published values of one stratum at successive times become conditional survivals between
these times, whose errors are nearly independent.  A time that is no edge of the grid of
the schema's variable ``net_survival`` bounds the survival at its two neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.kinds.kind import Kind, place
from synthgen.statistics.model import Cell, StatisticsTable
from synthgen.statistics.sampling import cases_behind, proportion_error, value_error
from synthgen.statistics.statement import (
    TIME_VARIABLE,
    Members,
    Statement,
    condition_of,
    weighted,
)

ON_GRID = 1e-9
"""Years within which a published time counts as an edge of the grid."""

LARGEST_RISE = 0.02
"""Largest rise of relative survival between two times that passes as chance (our choice)."""

_PERCENT = {"percent": 0.01, "proportion": 1.0}


@dataclass(frozen=True)
class _Point:
    """Survival of one stratum at one time, in probabilities."""

    cell: Cell
    time: float
    lower: float
    upper: float
    standard_error: float

    @property
    def value(self) -> float:
        return (self.lower + self.upper) / 2


def grid(schema: Schema) -> tuple[float, ...]:
    """Lower edges of the bins of the time variable [years since diagnosis], from 0."""
    categories = schema.variable(TIME_VARIABLE).categories
    return tuple(0.0 if c.lower is None else c.lower for c in categories)


def codes_from(time: float, schema: Schema) -> tuple[str, ...]:
    """Codes of the bins at or beyond a grid time: who was alive then."""
    codes = schema.variable(TIME_VARIABLE).codes
    edges = grid(schema)
    return tuple(c for c, edge in zip(codes, edges, strict=True) if edge >= time - ON_GRID)


def rises(table: StatisticsTable, schema: Schema) -> list[tuple[Cell, Cell]]:
    """Pairs of cells of one stratum between which survival rises, the later one last."""
    return [
        (earlier.cell, later.cell)
        for _, points in _strata(table, schema)
        for earlier, later in pairwise(points)
        if later.lower > earlier.upper
    ]


def check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse survival without a time, or that rises with time in one stratum.

    Relative survival is a ratio of two estimates and may rise by chance: a small rise within
    two of its standard errors is let through (``check`` of the pack reports it).
    """
    if table.variables != (TIME_VARIABLE,):
        raise StatisticsError(
            f"{table.name}: variables are {', '.join(table.variables) or 'none'}; a survival "
            f"table must be about {TIME_VARIABLE}, and its strata must be in given"
        )
    for cell in table.cells:
        if cell.time is None or not cell.time > 0 or not math.isfinite(cell.time):
            raise StatisticsError(
                f"{place(table, cell)}: time is {cell.time}; it must be a positive number of years"
            )
    for _, points in _strata(table, schema):
        for earlier, later in pairwise(points):
            chance = 0.0
            if table.kind == "relative_survival":
                error = math.hypot(earlier.standard_error, later.standard_error)
                chance = min(2.0 * error, LARGEST_RISE)
            if later.lower > earlier.upper + chance:
                raise StatisticsError(
                    f"{place(table, later.cell)}: survival at {later.time:g} years is "
                    f"{later.value:.4g}, above {earlier.value:.4g} at {earlier.time:g} years; "
                    "it must not rise"
                )


def _strata(
    table: StatisticsTable, schema: Schema
) -> list[tuple[dict[str, tuple[str, ...]], list[_Point]]]:
    falling = table.kind == "cumulative_incidence"
    groups: dict[tuple[tuple[str, tuple[str, ...]], ...], list[_Point]] = {}
    for cell in table.cells:
        if not cell.published:
            continue
        given = condition_of(table, cell, schema)
        lower, upper = (1 - cell.upper, 1 - cell.lower) if falling else (cell.lower, cell.upper)
        time = cell.time or 0.0
        point = _Point(cell, time, lower, upper, value_error(table, cell))
        groups.setdefault(tuple(sorted(given.items())), []).append(point)
    return [(dict(key), sorted(points, key=lambda p: p.time)) for key, points in groups.items()]


def _on_grid(time: float, edges: tuple[float, ...]) -> bool:
    return any(abs(time - edge) <= ON_GRID for edge in edges)


def _estimator(table: StatisticsTable) -> str:
    return {"observed_survival": "observed", "cumulative_incidence": "crude"}.get(table.kind, "net")


def _make(
    table: StatisticsTable,
    point: _Point,
    event: Members,
    given: Members,
    bounds: tuple[float, float],
    standard_error: float,
) -> Statement:
    return weighted(
        Statement(
            table=table.name,
            row=point.cell.row,
            kind=table.kind,
            relation=table.relation,
            event=event,
            given=given,
            lower=max(0.0, bounds[0]),
            upper=min(1.0, bounds[1]),
            standard_error=standard_error,
            cases=point.cell.n,
            estimator=_estimator(table),
            time=point.time,
            printed=point.cell.printed,
        ),
        table.weight,
    )


def statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """Conditional survivals between grid times, and bounds for the times between.

    Notes
    -----
    With ``S1`` and ``S2`` at two successive grid times, ``P(T >= t2 | T >= t1) = S2 / S1``.
    Its variance is ``(S2/S1)^2 (var(log S2) - var(log S1))`` where both have confidence
    limits (increments of Greenwood's sum are independent), else binomial in the ``n S1``
    still at risk.
    """
    edges = grid(schema)
    said: list[Statement] = []
    for given, points in _strata(table, schema):
        before: _Point | None = None
        for point in points:
            if _on_grid(point.time, edges):
                said.append(_between(table, point, before, given, schema))
                before = point
            else:
                said.extend(_around(table, point, given, schema))
    return tuple(said)


def _between(
    table: StatisticsTable,
    point: _Point,
    before: _Point | None,
    given: Members,
    schema: Schema,
) -> Statement:
    alive = codes_from(point.time, schema)
    event = {**given, TIME_VARIABLE: alive}
    if before is None or before.upper <= 0.0:
        return _make(table, point, event, given, (point.lower, point.upper), point.standard_error)
    condition = {**given, TIME_VARIABLE: codes_from(before.time, schema)}
    lower = min(1.0, point.lower / before.upper)
    upper = 1.0 if before.lower <= 0.0 else point.upper / before.lower
    error = _ratio_error(table, point, before)
    return _make(table, point, event, condition, (lower, max(lower, min(upper, 1.0))), error)


def _ratio_error(table: StatisticsTable, point: _Point, before: _Point) -> float:
    ratio = min(point.value / before.value, 1.0)
    at_risk = cases_behind(table, point.cell) * before.value
    binomial = proportion_error(ratio, max(at_risk, 1.0))
    published = point.cell.ci_lower is not None and before.cell.ci_lower is not None
    if not published or point.value <= 0.0:
        return binomial
    variance = (point.standard_error / point.value) ** 2 - (
        before.standard_error / before.value
    ) ** 2
    if variance <= 0.0:
        return binomial
    return ratio * math.sqrt(variance)


def _around(
    table: StatisticsTable, point: _Point, given: Members, schema: Schema
) -> tuple[Statement, ...]:
    """Bounds at the neighbouring grid times of a time that is not on the grid."""
    edges = grid(schema)
    earlier = max(e for e in edges if e < point.time)
    later = [e for e in edges if e > point.time]
    said = []
    if earlier > 0.0:
        event = {**given, TIME_VARIABLE: codes_from(earlier, schema)}
        said.append(_make(table, point, event, given, (point.lower, 1.0), point.standard_error))
    if later:
        event = {**given, TIME_VARIABLE: codes_from(later[0], schema)}
        said.append(_make(table, point, event, given, (0.0, point.upper), point.standard_error))
    return tuple(said)


def _kind(name: str, *, clips: bool) -> Kind:
    return Kind(
        name,
        _PERCENT,
        check,
        statements,
        needs=("time",),
        has_own_columns=False,
        bounds=(0.0, 1.0),
        clips=clips,
        rounded=True,
    )


NET_SURVIVAL = _kind("net_survival", clips=True)
RELATIVE_SURVIVAL = _kind("relative_survival", clips=True)
OBSERVED_SURVIVAL = _kind("observed_survival", clips=False)
CUMULATIVE_INCIDENCE = _kind("cumulative_incidence", clips=False)
