"""The linear system behind the tables: one unknown for each finest group of patients.

If all axes together have few enough atoms, the unknowns are the cells of one cube.  Else
each largest set of axes that some table crosses is a cube of its own, and the cubes agree on
the margins they share: every real population solves that too, so that intervals still hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from synthgen.statistics.audit.grid import Box, Grid
from synthgen.statistics.audit.impossible import cells_of
from synthgen.statistics.audit.subtraction import Bounds

sp: Any = scipy.sparse
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

MOST_JOINT = 20_000
"""Most atoms of one cube over all axes."""

MOST_ATOMS = 60_000
"""Most atoms of all cubes; beyond it only plain subtraction is followed."""

MOST_LINK = 500
"""Most atoms of a cube over variables that no table crosses, but the schema does."""

MOST_ENTRIES = 3_000_000
"""Most non-zero coefficients that are made."""


@dataclass(frozen=True, eq=False)
class System:
    """``lower <= matrix @ x <= upper`` over whole numbers ``x`` within their own bounds.

    Parameters
    ----------
    matrix : sparse array, shape (rows, unknowns)
    row_lower, row_upper : ndarray of float64, shape (rows,)
    row_node : ndarray of intp, shape (rows,)
        Node that a row states; -1 for agreement of cubes; -2 - i for the share of line i.
    least, most : ndarray of float64, shape (unknowns,)
        Bounds of the unknowns [persons].
    targets : sparse array, shape (nodes, unknowns)
        Which unknowns make up each wanted node.
    constants : ndarray of float64, shape (nodes,)
        Part of each wanted node that is already known [persons].
    column_nodes : tuple of tuple of int, one for each unknown
        Printed regions that bound an unknown by themselves.
    known_nodes : callable
        Printed regions that fixed the known part of a row, by its number.
    """

    matrix: Any
    row_lower: Floats
    row_upper: Floats
    row_node: Integers
    least: Floats
    most: Floats
    targets: Any
    constants: Floats
    column_nodes: tuple[tuple[int, ...], ...]
    known_nodes: Callable[[int], tuple[int, ...]]


def cubes_of(grid: Grid) -> list[tuple[int, ...]]:
    """Sets of axes that get a cube each."""
    sizes = grid.sizes
    if math.prod(sizes) <= MOST_JOINT:
        return [tuple(range(len(sizes)))]
    whole = grid.whole
    sets = {frozenset(a for a, mask in enumerate(box) if mask != whole[a]) for box in grid.boxes}
    # Variables that no table crosses, but the schema does.
    linked = sets | {frozenset(z.axes) for z in grid.zeros if z.cells.size <= MOST_LINK}
    cubes = _largest(linked)
    if sum(math.prod(sizes[a] for a in cube) for cube in cubes) > MOST_ATOMS:
        return _largest(sets)
    return cubes


def _largest(sets: set[frozenset[int]]) -> list[tuple[int, ...]]:
    largest = [s for s in sets if not any(s < other for other in sets)]
    return [tuple(sorted(s)) for s in sorted(largest, key=sorted)]


def _inside(box: Box, axes: Sequence[int], sizes: Sequence[int]) -> Integers:
    """Numbers of the atoms of a cube that lie in a box."""
    index = np.zeros(1, dtype=np.intp)
    for axis in axes:
        mask = box[axis]
        bits = np.array([b for b in range(sizes[axis]) if mask >> b & 1], dtype=np.intp)
        index = (index[:, None] * sizes[axis] + bits[None, :]).ravel()
    return index


class _Rows:
    """Rows of a sparse matrix, one at a time."""

    def __init__(self) -> None:
        self.columns: list[Integers] = []
        self.values: list[Floats] = []
        self.bounds: list[tuple[float, float]] = []
        self.nodes: list[int] = []
        self.entries = 0

    def add(self, columns: Integers, values: Floats, low: float, high: float, node: int) -> None:
        self.columns.append(columns)
        self.values.append(values)
        self.bounds.append((low, high))
        self.nodes.append(node)
        self.entries += len(columns)

    def matrix(self, width: int) -> Any:
        lengths = np.array([len(c) for c in self.columns], dtype=np.intp)
        pointer = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
        none: list[Any] = [np.zeros(0)]
        matrix = sp.csr_array(
            (
                np.concatenate(self.values or none),
                np.concatenate(self.columns or none).astype(np.intp),
                pointer,
            ),
            shape=(len(lengths), width),
        )
        matrix.sum_duplicates()
        return matrix


def system_of(grid: Grid, bounds: Bounds, wanted: Sequence[int]) -> System | None:
    """Linear system of a grid after plain subtraction.

    Parameters
    ----------
    grid : Grid
    bounds : Bounds
        Of :func:`~synthgen.statistics.audit.subtraction.subtract`.
    wanted : sequence of int
        Nodes whose bounds will be asked for.

    Returns
    -------
    System or None
        None if the population has too many atoms for a linear program.
    """
    cubes = cubes_of(grid)
    volumes = [math.prod(grid.sizes[a] for a in cube) for cube in cubes]
    if sum(volumes) > MOST_ATOMS:
        return None
    starts = np.concatenate([[0], np.cumsum(volumes)]).astype(np.intp)
    whole = grid.whole

    def columns(box: Box) -> Integers:
        spoken = {a for a, mask in enumerate(box) if mask != whole[a]}
        for cube, start in zip(cubes, starts[:-1].tolist(), strict=True):
            if spoken <= set(cube):
                found: Integers = start + _inside(box, cube, grid.sizes)
                return found
        raise AssertionError(f"{grid.name}: a region lies in no cube")

    rows = _Rows()
    indices: dict[int, Integers] = {}
    for node, box in enumerate(grid.boxes):
        low, high = bounds.lower[node], bounds.upper[node]
        if low > 0 or high < math.inf or node in set(wanted):
            indices[node] = columns(box)
            rows.add(indices[node], np.ones(len(indices[node])), low, high, node)
        if rows.entries > MOST_ENTRIES:
            return None
    for i, line in enumerate(grid.lines):
        if line.given is not None and line.fact.share is not None:
            _share_rows(
                rows,
                columns(grid.boxes[line.node]),
                columns(grid.boxes[line.given]),
                line.fact.share,
                -2 - i,
            )
    if len(cubes) > 1:
        _agreements(rows, cubes, starts, grid.sizes)
    if rows.entries > MOST_ENTRIES:
        return None
    nobody = [cells_of(grid.zeros, cube, grid.sizes).ravel() for cube in cubes]
    return _reduced(rows, np.concatenate(nobody), list(wanted))


def _share_rows(
    rows: _Rows, part: Integers, given: Integers, share: tuple[float, float], name: int
) -> None:
    low, high = share
    column = np.concatenate([part, given])
    ones = np.ones(len(part))
    if low > 0:
        rows.add(column, np.concatenate([ones, np.full(len(given), -low)]), 0.0, math.inf, name)
    if high < 1:
        rows.add(column, np.concatenate([ones, np.full(len(given), -high)]), -math.inf, 0.0, name)


def _agreements(
    rows: _Rows, cubes: Sequence[tuple[int, ...]], starts: Integers, sizes: Sequence[int]
) -> None:
    """Two cubes count the same patients on the axes they share."""
    for (i, first), (j, second) in combinations(enumerate(cubes), 2):
        shared = [a for a in first if a in second]
        keys = []
        for cube in (first, second):
            index = np.indices([sizes[a] for a in cube]).reshape(len(cube), -1)
            key = np.zeros(index.shape[1], dtype=np.intp)
            for axis in shared:
                key = key * sizes[axis] + index[cube.index(axis)]
            keys.append(key)
        orders = [np.argsort(key, kind="stable") for key in keys]
        cuts = [np.cumsum(np.bincount(key))[:-1] for key in keys]
        left, right = (np.split(o, c) for o, c in zip(orders, cuts, strict=True))
        for a, b in zip(left, right, strict=True):
            column = np.concatenate([a + starts[i], b + starts[j]])
            value = np.concatenate([np.ones(len(a)), -np.ones(len(b))])
            rows.add(column, value, 0.0, 0.0, -1)


def _reduced(rows: _Rows, nobody: npt.NDArray[np.bool_], wanted: list[int]) -> System:
    """Without unknowns that are known, rows that say nothing, and unknowns nobody tells apart."""
    width = len(nobody)
    matrix = rows.matrix(width)
    low = np.array([b[0] for b in rows.bounds])
    high = np.array([b[1] for b in rows.bounds])
    node = np.array(rows.nodes, dtype=np.intp)
    least, most = np.zeros(width), np.where(nobody, 0.0, math.inf)
    lengths = np.diff(matrix.indptr)
    plain = node >= 0
    behind: dict[int, list[int]] = {}
    for i in np.flatnonzero(plain & (lengths == 1)).tolist():
        at = int(matrix.indices[matrix.indptr[i]])
        least[at], most[at] = max(least[at], low[i]), min(most[at], high[i])
        behind.setdefault(at, []).append(int(node[i]))
    # No atom can have more patients than any printed region it lies in.
    for i in np.flatnonzero(plain & np.isfinite(high)).tolist():
        at = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]
        for column in at[most[at] > high[i]].tolist():
            behind.setdefault(column, []).append(int(node[i]))
        most[at] = np.minimum(most[at], high[i])
    most = np.maximum(most, least)
    known = least == most
    constant = matrix @ np.where(known, least, 0.0)
    position = {n: i for i, n in enumerate(rows.nodes) if n >= 0}
    target_rows = np.array([position[n] for n in wanted], dtype=np.intp)
    full = matrix
    kept_columns = np.flatnonzero(~known)
    matrix = sp.csr_array(matrix[:, kept_columns])
    low, high = low - constant, high - constant
    least, most = least[kept_columns], most[kept_columns]
    targets, constants = matrix[target_rows], constant[target_rows]
    singles = plain & (lengths == 1)
    says = ~singles & ((low > 0) | np.isfinite(high)) & (np.diff(matrix.indptr) > 0)
    says |= (node < 0) & (np.diff(matrix.indptr) > 0)
    kept = np.flatnonzero(says)
    matrix, low, high, node = sp.csr_array(matrix[kept]), low[kept], high[kept], node[kept]
    nodes = tuple(tuple(behind.get(j, ())) for j in kept_columns.tolist())

    def known_nodes(row: int) -> tuple[int, ...]:
        i = int(kept[row])
        columns = full.indices[full.indptr[i] : full.indptr[i + 1]]
        found: dict[int, None] = {}
        for column in columns[known[columns]].tolist():
            found.update(dict.fromkeys(behind.get(column, ())))
        return tuple(found)

    targets = sp.csr_array(targets)
    return _merged(
        System(matrix, low, high, node, least, most, targets, constants, nodes, known_nodes)
    )


def _merged(system: System) -> System:
    """Unknowns with the same coefficients everywhere are one unknown: their sum."""
    stacked = sp.csc_array(sp.vstack([system.matrix, system.targets]))
    stacked.sort_indices()
    group: dict[tuple[bytes, bytes], int] = {}
    member = np.empty(stacked.shape[1], dtype=np.intp)
    for j in range(stacked.shape[1]):
        span = slice(stacked.indptr[j], stacked.indptr[j + 1])
        key = (stacked.indices[span].tobytes(), stacked.data[span].tobytes())
        member[j] = group.setdefault(key, len(group))
    count = len(group)
    nodes: list[dict[int, None]] = [{} for _ in range(count)]
    for j, group_number in enumerate(member.tolist()):
        nodes[group_number].update(dict.fromkeys(system.column_nodes[j]))
    first = np.full(count, -1, dtype=np.intp)
    first[member[::-1]] = np.arange(len(member))[::-1]
    least = np.zeros(count)
    np.add.at(least, member, system.least)
    most = np.zeros(count)
    np.add.at(most, member, system.most)
    matrix = sp.csr_array(system.matrix[:, first])
    for i in np.flatnonzero((system.row_node >= 0) & np.isfinite(system.row_upper)).tolist():
        at = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]
        most[at] = np.minimum(most[at], system.row_upper[i])
    return System(
        matrix,
        system.row_lower,
        system.row_upper,
        system.row_node,
        least,
        np.maximum(most, least),
        sp.csr_array(system.targets[:, first]),
        system.constants,
        tuple(tuple(found) for found in nodes),
        system.known_nodes,
    )
