"""Printing a pack of true numbers by rules and steps: what each cell shows, in every kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from synthgen.schema.model import Schema
from synthgen.statistics.audit.facts import Fact, populations_of, with_own_years
from synthgen.statistics.audit.grid import grid_of
from synthgen.statistics.kinds import kind_of
from synthgen.statistics.model import Cell, Protection, Relation, StatisticsPack, StatisticsTable
from synthgen.statistics.protection.curves import protected_curves
from synthgen.statistics.protection.ladder import Rules, Shown, nearest, shown
from synthgen.statistics.protection.ranges import as_range

Key = tuple[str, int, str]
"""Table, row, and which number of the row: ``value`` or ``n``."""


@dataclass(frozen=True)
class Printed:
    """A printed pack, the true counts behind its numbers, and which numbers are of one region."""

    pack: StatisticsPack
    counts: dict[Key, float]
    regions: dict[Key, tuple[Key, ...]]

    def same_region(self, key: Key) -> tuple[Key, ...]:
        """All numbers that are about the same patients, the one itself included."""
        return self.regions.get(key, (key,))


def print_pack(
    pack: StatisticsPack, schema: Schema, rules: Rules, steps: dict[Key, int]
) -> Printed:
    """Every table as it may be printed on the given steps.

    Parameters
    ----------
    pack : StatisticsPack
        With true numbers.
    schema : Schema
    rules : Rules
    steps : dict
        Number to the step of its ladder; 0 where it is missing.
    """
    bounds: dict[Key, tuple[float, float]] = {}
    regions: dict[Key, tuple[Key, ...]] = {}
    for population in populations_of((pack,), schema):
        grid = grid_of(population)
        together: dict[int, list[Key]] = {}
        for line in grid.lines:
            key = key_of_fact(line.fact)
            if line.fact.share is None and line.fact.source != "survival":
                bounds.setdefault(key, (line.fact.lower, line.fact.upper))
                together.setdefault(line.node, []).append(key)
        for keys in together.values():
            regions.update(dict.fromkeys(keys, tuple(dict.fromkeys(keys))))
    tables = []
    for table in pack.tables:
        whole = with_own_years(pack, table, schema)
        found = _table(whole, rules, steps, bounds)
        if found.cells:
            tables.append(found)
    return Printed(
        replace(pack, tables=tuple(tables)), {k: low for k, (low, _) in bounds.items()}, regions
    )


def key_of_fact(fact: Fact) -> Key:
    """The printed number that a fact was read from."""
    return fact.where.table, fact.where.row, "n" if fact.source == "n" else "value"


def _table(
    table: StatisticsTable,
    rules: Rules,
    steps: dict[Key, int],
    bounds: dict[Key, tuple[float, float]],
) -> StatisticsTable:
    protection = Protection(
        rules.min_cell if rules.base is None else table.protection.suppressed_below,
        table.protection.rounded_to if rules.base is None else float(rules.base),
        table.protection.noise_sd,
    )
    if table.relation is Relation.ASSUMED:
        return table
    if table.kind == "counts":
        cells = _counts(table, rules, steps, bounds)
    elif table.kind in {"shares", "rates"}:
        cells = tuple(_ratio(table, c, rules, steps, bounds) for c in table.cells)
    elif kind_of(table.kind, table.name).needs == ("time",):
        cells = protected_curves(table, rules)
    elif table.kind == "quantiles":
        kept = [c for c in table.cells if c.n is None or c.n >= rules.min_cell]
        cells = tuple(_quantile(table, c, rules) for c in kept)
    else:
        return table
    return replace(table, cells=cells, protection=protection)


def _quantile(table: StatisticsTable, cell: Cell, rules: Rules) -> Cell:
    """A quantile with its n rounded; the range is that of its printed decimals."""
    if rules.base is None or not cell.published:
        return cell
    n = None if cell.n is None else float(nearest(cell.n, rules.base)) or None
    return as_range(table, cell, cell.lower, cell.upper, n)


def _counts(
    table: StatisticsTable,
    rules: Rules,
    steps: dict[Key, int],
    bounds: dict[Key, tuple[float, float]],
) -> tuple[Cell, ...]:
    keys = [(table.name, cell.row, "value") for cell in table.cells]
    zeros = any(
        bounds.get(k) == (0.0, 0.0) and steps.get(k, 0) == 0 and c.published
        for k, c in zip(keys, table.cells, strict=True)
    )
    return tuple(
        _count(cell, shown_for(key, rules, steps, bounds, zeros_are_printed=zeros))
        for key, cell in zip(keys, table.cells, strict=True)
    )


def _count(cell: Cell, value: Shown | None) -> Cell:
    if value is None:
        return cell
    n = None if cell.n is not None else cell.n
    return replace(cell, lower=value.lower, upper=value.upper, printed=value.text, n=n, note="")


def shown_for(
    key: Key,
    rules: Rules,
    steps: dict[Key, int],
    bounds: dict[Key, tuple[float, float]],
    *,
    zeros_are_printed: bool,
) -> Shown | None:
    """What is printed for a number; None if it is hidden already, and wide enough."""
    if key not in bounds:
        return None
    low, high = bounds[key]
    step = steps.get(key, 0)
    if low == high:
        return shown(low, step, rules, zeros_are_printed=zeros_are_printed)
    if step == 0 or math.isinf(high):
        return None
    wide = shown(low, step, rules, zeros_are_printed=zeros_are_printed)
    while wide.upper < high:
        step += 1
        wide = shown(low, step, rules, zeros_are_printed=zeros_are_printed)
    return wide


def _ratio(
    table: StatisticsTable,
    cell: Cell,
    rules: Rules,
    steps: dict[Key, int],
    bounds: dict[Key, tuple[float, float]],
) -> Cell:
    """A share or a rate, printed as the range of the counts behind it."""
    key, below = (table.name, cell.row, "value"), (table.name, cell.row, "n")
    value = shown_for(key, rules, steps, bounds, zeros_are_printed=False)
    if table.kind == "rates":
        years = cell.person_years
        if value is None or value.is_exact or not years:
            return cell
        return as_range(table, cell, value.lower / years, value.upper / years, cell.n)
    of = shown_for(below, rules, steps, bounds, zeros_are_printed=False)
    if of is None or cell.n is None:
        return cell
    if cell.n < rules.min_cell:
        return replace(cell, n=None, published=False, printed="", lower=0.0, upper=1.0)
    n = _denominator(of, cell.n, rules)
    if value is None:  # the whole group
        return replace(cell, n=n)
    if of.is_exact and value.is_exact:
        rest = cell.n - value.lower
        if not 0 < rest < rules.min_cell:
            return cell
        value = Shown(max(0.0, cell.n - rules.min_cell + 1), cell.n, "")
    low = value.lower / of.upper if of.upper else 0.0
    high = min(1.0, value.upper / max(of.lower, 1.0))
    return as_range(table, cell, low, high, n)


def _denominator(of: Shown, n: float, rules: Rules) -> float | None:
    """What is printed as n; None where its range is not that of rounding."""
    if of.is_exact:
        return n
    if rules.base is not None and ".." not in of.text:
        return float(of.text) or None
    return None
