"""Proportions, rates and times printed as ranges: outwards, so that the truth stays inside."""

from __future__ import annotations

import math
from dataclasses import replace

from synthgen.statistics.kinds import kind_of
from synthgen.statistics.model import Cell, StatisticsTable

PLACES = 4
"""Decimals of a printed range, in the table's printed unit."""


def as_range(table: StatisticsTable, cell: Cell, low: float, high: float, n: float | None) -> Cell:
    """The cell with a range in place of its value, and without confidence limits.

    Parameters
    ----------
    table : StatisticsTable
    cell : Cell
    low, high : float
        In the natural unit of the kind.
    n : float or None
        What is printed as n [persons].
    """
    kind = kind_of(table.kind, table.name)
    factor = kind.factor(table.unit, table.name)
    scale = 10**PLACES
    least, most = math.floor(low / factor * scale) / scale, math.ceil(high / factor * scale) / scale
    most = min(most, kind.bounds[1] / factor)
    return replace(
        cell,
        lower=least * factor,
        upper=most * factor,
        printed=f"{least:.{PLACES}f}..{most:.{PLACES}f}",
        n=n,
        ci_lower=None,
        ci_upper=None,
        note="",
    )
