"""Zeros that everybody knows: groups that no patient can be in, by the rules of the schema."""

from __future__ import annotations

import numpy as np

from synthgen.schema.model import Schema
from synthgen.schema.rules import structural_zeros
from synthgen.statistics.model import StatisticsPack, StatisticsTable
from synthgen.statistics.protection.printing import Key

MOST_CELLS = 1_000_000
"""Largest table whose rules are looked at [cells]."""


def impossible_keys(pack: StatisticsPack, schema: Schema) -> frozenset[Key]:
    """Printed zeros of groups that cannot be, which hide nothing.

    Parameters
    ----------
    pack : StatisticsPack
        With true numbers.
    schema : Schema
        Whose rules the reader of the pack has, too: those of its own schema stand in it.

    Returns
    -------
    frozenset of (table, row, "value")
        A range in their place would look like protection, and be none: whoever knows the
        rules subtracts through it.
    """
    return frozenset(
        (table.name, row, "value")
        for table in pack.tables
        if table.kind == "counts"
        for row in _impossible_rows(table, schema)
    )


def _impossible_rows(table: StatisticsTable, schema: Schema) -> list[int]:
    known = {v.name: v.codes for v in schema.variables}
    zeros = [c for c in table.cells if c.lower == c.upper == 0 and len(c.members) > 1]
    names = tuple(dict.fromkeys(name for cell in zeros for name in cell.members))
    if not zeros or any(name not in known for name in names):
        return []
    if int(np.prod([len(known[name]) for name in names], dtype=np.float64)) > MOST_CELLS:
        return []
    impossible = structural_zeros(schema, names)
    rows = []
    for cell in zeros:
        members = {name: cell.members.get(name, known[name]) for name in names}
        if any(not codes or not set(codes) <= set(known[name]) for name, codes in members.items()):
            continue
        at = [[known[name].index(code) for code in codes] for name, codes in members.items()]
        if impossible[np.ix_(*at)].all():
            rows.append(cell.row)
    return rows
