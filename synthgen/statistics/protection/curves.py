"""Survival curves that give no single death away: fewer times, fewer decimals, rounded n."""

from __future__ import annotations

import math

from synthgen.statistics.model import Cell, StatisticsTable
from synthgen.statistics.protection.ladder import Rules, nearest
from synthgen.statistics.protection.ranges import as_range


def protected_curves(table: StatisticsTable, rules: Rules) -> tuple[Cell, ...]:
    """Cells of a survival table that may be printed.

    Between two printed times there are at least ``rules.events`` deaths, or none at all;
    at each printed time at least ``rules.at_risk`` patients are still at risk.  Deaths and
    patients at risk are what ``n`` and the curve say of them, ``n (S1 - S2)`` and ``n S``:
    never fewer than there were, so that a step that looks too small is too small.

    Notes
    -----
    A curve without a printed ``n`` is kept: it says no number.  Where numbers are rounded,
    ``n`` is rounded too, and the curve is printed as the range that the rounded ``n`` leaves.
    """
    falling = table.kind == "cumulative_incidence"
    curves: dict[object, list[Cell]] = {}
    for cell in table.cells:
        key = tuple(sorted((v, c) for v, c in cell.members.items()))
        curves.setdefault(key, []).append(cell)
    kept: set[int] = set()
    for cells in curves.values():
        alive = 1.0
        for cell in sorted(cells, key=lambda c: c.time or 0.0):
            if cell.n is None or not cell.published:
                kept.add(cell.row)
                continue
            now = 1.0 - cell.value if falling else cell.value
            deaths = cell.n * (alive - now)
            enough = deaths >= rules.events - 1e-9
            if cell.n >= rules.at_risk and enough and cell.n * now >= rules.at_risk - 1e-9:
                kept.add(cell.row)
                alive = now
    return tuple(_printed(table, cell, rules) for cell in table.cells if cell.row in kept)


def _printed(table: StatisticsTable, cell: Cell, rules: Rules) -> Cell:
    """One point of a curve: its n rounded, its value a range of a few patients in n."""
    if not cell.published:
        return cell
    if cell.n is None:
        return as_range(table, cell, cell.lower, cell.upper, None)
    n = cell.n if rules.base is None else float(nearest(cell.n, rules.base)) or None
    # Blocks of more than min_width patients: the number of deaths stays open.
    width = (rules.min_width + 1) / cell.n
    low = math.floor(cell.value / width + 1e-9) * width
    return as_range(table, cell, min(low, cell.lower), min(1.0, max(low + width, cell.upper)), n)
