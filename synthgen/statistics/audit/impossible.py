"""Groups that nobody can be in, by the rules and code lists of the schema that everybody has.

A site that one sex has, a code that an entity implies: whoever holds the public schema knows
these zeros without any table, and subtracts with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from synthgen.schema.model import Schema, Severity, Variable
from synthgen.schema.rules import structural_zeros
from synthgen.schema.rules.check import check_rule
from synthgen.schema.rules.tree import columns_of

Bools = npt.NDArray[np.bool_]

MOST_PAIR = 1_000_000
"""Largest product of the codes of two variables whose zeros are looked for."""

MOST_TRIPLE = 100_000
"""Largest product of the codes of three."""

MOST_AXES = 8
"""Most variables among which zeros of three at a time are looked for."""


@dataclass(frozen=True, eq=False)
class Zeros:
    """Combinations of codes that nobody can have.

    Parameters
    ----------
    axes : tuple of str
        Model variables.
    codes : tuple of tuple of str
        Codes of each.
    cells : ndarray of bool, shape (codes of each variable ...)
        True where nobody can be.
    """

    axes: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    cells: Bools


@dataclass(frozen=True, eq=False)
class Impossible:
    """What a schema rules out, worked out once for every set of variables that is asked for.

    Parameters
    ----------
    schema : Schema
    found : dict
        Variables to what was found.
    ruled : list of frozenset of str
        Columns of every impossible rule, ``table.column``.
    """

    schema: Schema
    found: dict[tuple[str, ...], Zeros | None] = field(default_factory=dict)
    ruled: list[frozenset[str]] = field(default_factory=list)

    def among(self, axes: Collection[str]) -> tuple[Zeros, ...]:
        """Zeros of all pairs and triples of some axes; none of axes that are no variables.

        Only rules marked impossible count, and what categories imply of each other's
        columns: what is merely unlikely, no attacker can be sure of.
        """
        names = [v.name for v in self.schema.variables if v.name in axes]
        together: list[tuple[str, ...]] = [*combinations(names, 2)]
        if len(names) <= MOST_AXES:
            together += combinations(names, 3)
        return tuple(z for z in map(self._of, together) if z is not None)

    def _of(self, names: tuple[str, ...]) -> Zeros | None:
        if names not in self.found:
            self.found[names] = self._made(names)
        return self.found[names]

    def _may_meet(self, names: tuple[str, ...]) -> bool:
        """Whether two variables speak of one column, or each of a column of one rule."""
        if not self.ruled and self.schema.rules:
            self.ruled.extend(_ruled(self.schema))
        spoken = [_columns(self.schema.variable(name)) for name in names]
        if len(names) == 2 and spoken[0] & spoken[1]:
            return True
        return any(
            len(rule) >= len(names) and all(columns & rule for columns in spoken)
            for rule in self.ruled
        )

    def _made(self, names: tuple[str, ...]) -> Zeros | None:
        if not self._may_meet(names):
            return None
        codes = tuple(self.schema.variable(name).codes for name in names)
        volume = float(np.prod([len(c) for c in codes], dtype=np.float64))
        if not 0 < volume <= (MOST_PAIR if len(names) == 2 else MOST_TRIPLE):
            return None
        cells = structural_zeros(self.schema, names)
        fresh = cells
        for part in combinations(range(len(names)), 2) if len(names) > 2 else ():
            known = self._of(tuple(names[i] for i in part))
            if known is not None:
                shape = [size if i in part else 1 for i, size in enumerate(cells.shape)]
                fresh = fresh & ~known.cells.reshape(shape)
        return Zeros(names, codes, cells) if fresh.any() else None


def _ruled(schema: Schema) -> list[frozenset[str]]:
    rules = [rule for rule in schema.rules if rule.severity is Severity.IMPOSSIBLE]
    conditions = [check_rule(schema, rule).condition for rule in rules]
    return [frozenset(n.qualified for n in columns_of(c)) for c in conditions]


def _columns(variable: Variable) -> frozenset[str]:
    """Columns that a variable's categories say something about."""
    implied = (columns for columns in variable.implies.values())
    own = (*variable.joins, *((variable.column,) if variable.column else ()))
    return frozenset((*own, *(name for columns in implied for name in columns)))


@dataclass(frozen=True, eq=False)
class AtomZeros:
    """The same over the atoms of a grid.

    Parameters
    ----------
    axes : tuple of int
        Numbers of the grid's axes, ascending.
    cells : ndarray of bool, shape (atoms of each axis ...)
    """

    axes: tuple[int, ...]
    cells: Bools


def over_atoms(
    zeros: Zeros,
    axes: Sequence[str],
    sizes: Sequence[int],
    numbers: Mapping[str, Mapping[str, int]],
    rests: Mapping[str, int],
) -> AtomZeros | None:
    """Zeros of a grid: an atom is impossible where all its codes are.

    Parameters
    ----------
    zeros : Zeros
    axes, sizes : sequence
        Of the grid.
    numbers : mapping of str to mapping of str to int
        Axis to code to atom, for codes that some fact names.
    rests : mapping of str to int
        Axis to the atom of all other codes, where there is one.

    Returns
    -------
    AtomZeros or None
        None where no atom is impossible.
    """
    possible = ~zeros.cells
    for dimension, (axis, codes) in enumerate(zip(zeros.axes, zeros.codes, strict=True)):
        number = numbers[axis]
        at = np.array([number.get(code, rests.get(axis, -1)) for code in codes], dtype=np.intp)
        # A printed code that the schema does not have may be anywhere.
        foreign = {number[code] for code in number.keys() - set(codes)}
        order = np.flatnonzero(at >= 0)
        order = order[np.argsort(at[order], kind="stable")]
        atoms, starts = np.unique(at[order], return_index=True)
        size = sizes[axes.index(axis)]
        made = np.ones((size, *(n for i, n in enumerate(possible.shape) if i != dimension)), bool)
        if len(order):
            moved = np.moveaxis(possible, dimension, 0)[order]
            made[atoms] = np.logical_or.reduceat(moved, starts, axis=0)
        made[list(foreign)] = True
        possible = np.moveaxis(made, 0, dimension)
    if possible.all():
        return None
    places = [axes.index(axis) for axis in zeros.axes]
    order = np.argsort(places)
    return AtomZeros(tuple(sorted(places)), np.ascontiguousarray(~possible.transpose(order)))


def cells_of(zeros: Iterable[AtomZeros], cube: Sequence[int], sizes: Sequence[int]) -> Bools:
    """Atoms of a cube over some axes that nobody can be in.

    Parameters
    ----------
    zeros : iterable of AtomZeros
        Those over other axes than the cube's say nothing.
    cube : sequence of int
        Numbers of its axes, ascending.
    sizes : sequence of int
        Atoms of all axes of the grid.

    Returns
    -------
    ndarray of bool, shape (atoms of each axis of the cube ...)
    """
    made = np.zeros([sizes[axis] for axis in cube], dtype=bool)
    for zero in zeros:
        if set(zero.axes) <= set(cube):
            made |= zero.cells.reshape([sizes[a] if a in zero.axes else 1 for a in cube])
    return made


def inside(zeros: Sequence[AtomZeros], boxes: Sequence[Sequence[int]]) -> frozenset[int]:
    """Positions of the boxes that lie wholly where nobody can be.

    Parameters
    ----------
    zeros : sequence of AtomZeros
    boxes : sequence of sequence of int
        For each axis of the grid a bit mask of atoms.
    """
    axes = sorted({axis for zero in zeros for axis in zero.axes})
    if not axes or not boxes:
        return frozenset()
    keys = {tuple(box[axis] for axis in axes): False for box in boxes}
    # Two atoms of a box that somebody can be in are enough to leave it alone.
    first = np.array([[(mask & -mask).bit_length() - 1 for mask in key] for key in keys])
    last = np.array([[mask.bit_length() - 1 for mask in key] for key in keys])
    may = np.ones(len(keys), dtype=bool)
    for corner in (first, last):
        hit = np.zeros(len(keys), dtype=bool)
        for zero in zeros:
            hit |= zero.cells[tuple(corner[:, axes.index(axis)] for axis in zero.axes)]
        may &= hit
    for key, asked in zip(keys, may.tolist(), strict=True):
        keys[key] = asked and _is_inside(zeros, dict(zip(axes, key, strict=True)))
    return frozenset(i for i, box in enumerate(boxes) if keys[tuple(box[axis] for axis in axes)])


def _is_inside(zeros: Sequence[AtomZeros], box: Mapping[int, int]) -> bool:
    bits = {a: [b for b in range(mask.bit_length()) if mask >> b & 1] for a, mask in box.items()}
    hit = []
    for zero in zeros:
        part = zero.cells[np.ix_(*(bits[axis] for axis in zero.axes))]
        if part.all():
            return True
        if part.any():
            hit.append((zero, part))
    cube = sorted({axis for zero, _ in hit for axis in zero.axes})
    if len(hit) < 2 or np.prod([len(bits[a]) for a in cube], dtype=np.float64) > MOST_TRIPLE:
        return False
    made = np.zeros([len(bits[a]) for a in cube], dtype=bool)
    for zero, part in hit:
        made |= part.reshape([len(bits[a]) if a in zero.axes else 1 for a in cube])
    return bool(made.all())


def unless_counted(
    zeros: Sequence[Zeros], counted: Iterable[Mapping[str, frozenset[str]]]
) -> tuple[Zeros, ...]:
    """Zeros without those where somebody was counted: whoever reads that knows better.

    Parameters
    ----------
    zeros : sequence of Zeros
    counted : iterable of mapping
        Axis to codes of groups that have patients.
    """
    made = [zero.cells for zero in zeros]
    seen: set[tuple[int, tuple[frozenset[str], ...]]] = set()
    for region in counted:
        for i, zero in enumerate(zeros):
            key = tuple(region[axis] for axis in zero.axes if axis in region)
            if len(key) < len(zero.axes) or (i, key) in seen:
                continue
            seen.add((i, key))
            if not all(codes <= set(own) for codes, own in zip(key, zero.codes, strict=True)):
                continue
            at = [[own.index(c) for c in k] for k, own in zip(key, zero.codes, strict=True)]
            if made[i][np.ix_(*at)].all():
                made[i] = made[i].copy()
                made[i][np.ix_(*at)] = False
    return tuple(
        replace(z, cells=cells) for z, cells in zip(zeros, made, strict=True) if cells.any()
    )
