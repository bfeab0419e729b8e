"""Which cells of a table of counts contain which: leaves, subtotals and the total.

Published tables print subtotals beside their parts (all ages, both sexes, site groups).
The denominator of a share is the printed total where there is one, else the sum of the
cells that contain no other cell, and only if these cover the whole without overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, StatisticsTable

_CHUNK = 2_000
"""Cells compared with all others at a time; bounds the memory of one comparison."""


@dataclass(frozen=True)
class Stratum:
    """Cells of one table under one condition, with their total.

    Parameters
    ----------
    given : mapping of str to tuple of str
        Members of the table's given variables that the cells share.
    cells : tuple of Cell
        All cells, subtotals included; the printed total is not among them.
    lower, upper : float
        Bounds of the total [cases].
    covered : mapping of str to tuple of str
        Variable to codes that the total is about, for variables not covered whole: a table
        that prints only some ages is a statement about patients of those ages.
    """

    given: dict[str, tuple[str, ...]]
    cells: tuple[Cell, ...]
    lower: float
    upper: float
    covered: dict[str, tuple[str, ...]]

    @property
    def total(self) -> float:
        """Middle of the bounds of the total [cases]."""
        return (self.lower + self.upper) / 2


def allowed_codes(table: StatisticsTable, schema: Schema) -> dict[str, tuple[str, ...]]:
    """Codes of each of the table's own variables, narrowed to its scope."""
    allowed = {}
    for name in table.variables:
        scope = table.scope.get(name)
        codes = schema.variable(name).codes
        allowed[name] = codes if scope is None else tuple(c for c in codes if c in set(scope))
    return allowed


def memberships(
    cells: Sequence[Cell], allowed: dict[str, tuple[str, ...]]
) -> dict[str, npt.NDArray[np.float32]]:
    """For each variable, a 0/1 matrix: float32, shape (len(cells), len(codes))."""
    matrices = {}
    for name, codes in allowed.items():
        position = {code: i for i, code in enumerate(codes)}
        matrix = np.zeros((len(cells), len(codes)), dtype=np.float32)
        for i, cell in enumerate(cells):
            chosen = cell.members.get(name)
            if chosen is None:
                matrix[i] = 1.0
            else:
                matrix[i, [position[c] for c in chosen if c in position]] = 1.0
        matrices[name] = matrix
    return matrices


def leaves(
    cells: Sequence[Cell], allowed: dict[str, tuple[str, ...]]
) -> tuple[npt.NDArray[np.bool_], bool]:
    """Cells that contain no other cell, and whether any two of these overlap.

    Parameters
    ----------
    cells : sequence of Cell
    allowed : dict of str to tuple of str
        Codes of each variable of the table, within its scope.

    Returns
    -------
    is_leaf : ndarray of bool, shape (len(cells),)
    overlap : bool
    """
    matrices = memberships(cells, allowed)
    n = len(cells)
    is_leaf = np.ones(n, dtype=bool)
    size = np.ones(n)
    for matrix in matrices.values():
        size *= matrix.sum(axis=1)
    wide = np.flatnonzero(size > 1)
    for start in range(0, len(wide), _CHUNK):
        rows = wide[start : start + _CHUNK]
        inside = np.ones((len(rows), n), dtype=bool)
        for matrix in matrices.values():
            inside &= ((1.0 - matrix[rows]) @ matrix.T) == 0
        inside &= size[rows][:, None] > size[None, :]
        is_leaf[rows] = ~inside.any(axis=1)
    kept = np.flatnonzero(is_leaf)
    overlap = False
    for start in range(0, len(kept), _CHUNK):
        rows = kept[start : start + _CHUNK]
        meet = np.ones((len(rows), len(kept)), dtype=bool)
        for matrix in matrices.values():
            meet &= (matrix[rows] @ matrix[kept].T) > 0
        overlap = overlap or bool((meet.sum(axis=1) > 1).any())
    return is_leaf, overlap


def _cover(
    table: StatisticsTable,
    cells: Sequence[Cell],
    allowed: dict[str, tuple[str, ...]],
) -> dict[str, tuple[str, ...]]:
    """The box of codes that the leaves fill exactly.

    Raises
    ------
    StatisticsError
        If the leaves leave holes in the smallest box around them.
    """
    box: dict[str, tuple[str, ...]] = {}
    volume = 1
    for name, codes in allowed.items():
        seen: set[str] = set()
        for cell in cells:
            seen.update(cell.members.get(name, codes))
        box[name] = tuple(c for c in codes if c in seen)
        volume *= len(box[name])
    filled = 0
    for cell in cells:
        part = 1
        for name, codes in allowed.items():
            chosen = cell.members.get(name)
            part *= len(codes) if chosen is None else len(set(chosen))
        filled += part
    if filled != volume:
        raise StatisticsError(
            f"{table.name}: some combinations of {', '.join(allowed)} are not printed; every "
            f"one must have a row (0 if there were none), or a total row must be printed "
            f"({volume - filled} combinations)"
        )
    return {name: codes for name, codes in box.items() if len(codes) < len(allowed[name])}


def strata(table: StatisticsTable, schema: Schema) -> tuple[Stratum, ...]:
    """Cells of a table of counts, grouped by what they are conditional on, with totals.

    Raises
    ------
    StatisticsError
        If a stratum prints no total and its cells overlap, leave holes, or sum to zero.
    """
    allowed = allowed_codes(table, schema)
    groups: dict[tuple[tuple[str, tuple[str, ...]], ...], list[Cell]] = {}
    for cell in table.cells:
        if any(len(codes) == 0 for codes in cell.members.values()):
            continue  # an unknown category: its patients are in no cell
        key = tuple((v, cell.members[v]) for v in table.given if v in cell.members)
        groups.setdefault(key, []).append(cell)
    return tuple(_stratum(table, dict(key), cells, allowed) for key, cells in groups.items())


def _is_total(cell: Cell, allowed: dict[str, tuple[str, ...]]) -> bool:
    return all(set(cell.members.get(v, codes)) >= set(codes) for v, codes in allowed.items())


def _stratum(
    table: StatisticsTable,
    given: dict[str, tuple[str, ...]],
    cells: list[Cell],
    allowed: dict[str, tuple[str, ...]],
) -> Stratum:
    totals = [cell for cell in cells if _is_total(cell, allowed) and cell.published]
    parts = [cell for cell in cells if not _is_total(cell, allowed)]
    if totals:
        lower, upper = totals[0].lower, totals[0].upper
        covered: dict[str, tuple[str, ...]] = {}
    else:
        is_leaf, overlap = leaves(parts, allowed)
        if overlap:
            raise StatisticsError(
                f"{table.name}: its cells overlap and no total is printed; print a row with "
                f"{', '.join(allowed)} = all"
            )
        lowest = [cell for cell, leaf in zip(parts, is_leaf, strict=True) if leaf]
        covered = _cover(table, lowest, allowed)
        withheld = [cell for cell in lowest if not cell.published]
        if withheld:
            raise StatisticsError(
                f"{table.name} row {withheld[0].row}: is not published and no total is printed; "
                f"one of them must be ({len(withheld)} such rows)"
            )
        lower = sum(cell.lower for cell in lowest)
        upper = sum(cell.upper for cell in lowest)
    if lower + upper <= 0:
        row = cells[0].row
        raise StatisticsError(
            f"{table.name} row {row}: the total is {(lower + upper) / 2:g}; it must be positive"
        )
    published = tuple(cell for cell in parts if cell.published)
    return Stratum(given, published, lower, upper, covered)
