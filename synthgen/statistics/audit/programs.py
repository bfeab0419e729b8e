"""Smallest and largest number of patients in each wanted region, by LP and then MILP (HiGHS).

Regions that share no unknown are looked at apart.  A solution found for one region is kept
as a witness for all others: whoever already reaches the bound that subtraction left needs no
program of its own (Gleixner A, Berthold T, Mueller B, Weltge S, Three enhancements for
optimization-based bound tightening, J Glob Optim 2017;67:731,
doi:10.1007/s10898-016-0450-4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.sparse
from scipy.sparse import csgraph

from synthgen.errors import StatisticsError
from synthgen.statistics.audit.system import System

sp: Any = scipy.sparse
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

REACHED = 1e-6
"""Distance at which a bound counts as reached, relative to its size."""

NODES = 200
"""Most nodes of one branch and bound; what it has proven by then still holds."""


@dataclass(frozen=True, eq=False)
class Component:
    """Unknowns that hang together, and the wanted regions within them."""

    matrix: Any
    row_lower: Floats
    row_upper: Floats
    row_node: Integers
    least: Floats
    most: Floats
    targets: Any
    numbers: Integers
    column_nodes: tuple[tuple[int, ...], ...]

    def solve(self, objective: Floats, *, whole: bool) -> tuple[float, Floats | None] | None:
        """Smallest value of ``objective @ x`` and where; None if nothing satisfies the rows.

        The value is a proven lower bound also where branch and bound was cut short, and
        there may be no ``x`` then.
        """
        milp: Any = scipy.optimize.milp
        constraints: Any = ()
        if self.matrix.shape[0]:
            constraints = scipy.optimize.LinearConstraint(
                self.matrix, self.row_lower, self.row_upper
            )
        result = milp(
            objective,
            integrality=np.full(len(objective), 1 if whole else 0),
            bounds=scipy.optimize.Bounds(self.least, self.most),
            constraints=constraints,
            options={"node_limit": NODES} if whole else {},
        )
        if result.status == 2:
            return None
        if result.status == 3:
            return -math.inf, None
        if result.x is None or (whole and result.status != 0):
            bound = result.mip_dual_bound
            if bound is None:
                raise StatisticsError(
                    f"audit: a linear program over {len(objective)} unknowns ended without an "
                    f"answer (status {result.status}); audit fewer tables at a time"
                )
            return float(bound), result.x
        return float(result.fun), result.x


def components_of(system: System) -> list[Component]:
    """The parts of a system that share no unknown, those without a wanted region left out."""
    width = system.matrix.shape[1]
    if width == 0:
        return []
    stacked = sp.csr_array(sp.vstack([system.matrix, system.targets]))
    rows = stacked.shape[0]
    graph = sp.block_array([[None, stacked], [stacked.T, None]], format="csr")
    _, label = csgraph.connected_components(graph, directed=False)
    of_row, of_column = label[:rows], label[rows:]
    m = system.matrix.shape[0]
    found = []
    has_entries = np.diff(system.targets.indptr) > 0
    for name in np.unique(of_row[m:][has_entries]).tolist():
        row = np.flatnonzero(of_row[:m] == name)
        column = np.flatnonzero(of_column == name)
        target = np.flatnonzero((of_row[m:] == name) & has_entries)
        found.append(
            Component(
                sp.csr_array(system.matrix[row][:, column]),
                system.row_lower[row],
                system.row_upper[row],
                system.row_node[row],
                system.least[column],
                system.most[column],
                sp.csr_array(system.targets[target][:, column]),
                target,
                tuple(system.column_nodes[j] for j in column.tolist()),
            )
        )
    return found


def _floor(value: float) -> float:
    return math.floor(value + REACHED * max(1.0, abs(value)))


def _ceil(value: float) -> float:
    return math.ceil(value - REACHED * max(1.0, abs(value)))


@dataclass(eq=False)
class _Search:
    """Bounds of the wanted regions of one component, as they get known."""

    component: Component
    lower: Floats
    upper: Floats
    lower_done: npt.NDArray[np.bool_]
    upper_done: npt.NDArray[np.bool_]
    fractional: set[tuple[int, bool]]
    possible: bool = True

    def witness(self, x: Floats) -> int:
        """How many bounds one solution proves to be reached."""
        value = self.component.targets @ x
        near = REACHED * np.maximum(1.0, np.abs(value))
        before = int(self.lower_done.sum() + self.upper_done.sum())
        if np.abs(x - np.round(x)).max(initial=0.0) < 1e-6:
            self.lower_done |= value <= self.lower + near
            self.upper_done |= value >= self.upper - near
            for i in np.flatnonzero(value <= self.lower + near).tolist():
                self.fractional.discard((i, False))
            for i in np.flatnonzero(value >= self.upper - near).tolist():
                self.fractional.discard((i, True))
        else:
            for i in np.flatnonzero((value <= self.lower + near) & ~self.lower_done).tolist():
                self.fractional.add((i, False))
            for i in np.flatnonzero((value >= self.upper - near) & ~self.upper_done).tolist():
                self.fractional.add((i, True))
            self.lower_done |= value <= self.lower + near
            self.upper_done |= value >= self.upper - near
        return int(self.lower_done.sum() + self.upper_done.sum()) - before

    def sweep(self, *, is_upper: bool) -> None:
        """Push many regions to their bounds at once, while that settles any."""
        sign = -1.0 if is_upper else 1.0
        while self.possible:
            done = self.upper_done if is_upper else self.lower_done
            left = np.flatnonzero(~done & np.isfinite(self.upper if is_upper else self.lower))
            if len(left) < 3:
                return
            objective = sign * np.asarray(self.component.targets[left].sum(axis=0)).ravel()
            solved = self.component.solve(objective, whole=False)
            if solved is None:
                self.possible = False
                return
            if solved[1] is None or self.witness(solved[1]) < max(1, len(left) // 20):
                return

    def settle(self, i: int, *, is_upper: bool, whole: bool) -> None:
        """One program for one bound of one region."""
        sign = -1.0 if is_upper else 1.0
        row = self.component.targets[[i]].toarray().ravel()
        solved = self.component.solve(sign * row, whole=whole)
        if solved is None:
            self.possible = False
            return
        bound, x = sign * solved[0], solved[1]
        if is_upper:
            self.upper[i] = min(self.upper[i], _floor(bound) if math.isfinite(bound) else bound)
            self.upper_done[i] = True
        else:
            self.lower[i] = max(self.lower[i], _ceil(bound) if math.isfinite(bound) else bound)
            self.lower_done[i] = True
        if x is not None:
            if not whole and np.abs(x - np.round(x)).max(initial=0.0) >= 1e-6:
                self.fractional.add((i, is_upper))
            self.witness(x)

    def settle_whole(self, narrow: float) -> None:
        """Settle over whole numbers what only a fractional solution has reached."""
        for is_upper in (True, False):
            left = self._unproven(narrow, is_upper=is_upper)
            if len(left) > 2:
                sign = -1.0 if is_upper else 1.0
                objective = sign * np.asarray(self.component.targets[left].sum(axis=0)).ravel()
                solved = self.component.solve(objective, whole=True)
                if solved is None:
                    self.possible = False
                elif solved[1] is not None:
                    self.witness(solved[1])
            for i in left:
                if self.possible and i in self._unproven(narrow, is_upper=is_upper):
                    self.settle(i, is_upper=is_upper, whole=True)

    def _unproven(self, narrow: float, *, is_upper: bool) -> list[int]:
        return sorted(
            i
            for i, side in self.fractional
            if side == is_upper and 0 < self.upper[i] - self.lower[i] <= narrow
        )


def tighten(
    component: Component, lower: Floats, upper: Floats, narrow: float
) -> tuple[Floats, Floats, bool]:
    """Reconstruction interval of every wanted region of one component.

    Parameters
    ----------
    component : Component
    lower, upper : ndarray of float64, shape (targets,)
        What plain subtraction left, without the known part [persons].
    narrow : float
        Intervals this narrow or narrower are settled over whole numbers, too [persons].

    Returns
    -------
    lower, upper : ndarray of float64, shape (targets,)
    possible : bool
        False if no population satisfies the rows: the tables contradict each other.
    """
    n = len(lower)
    search = _Search(
        component,
        lower.copy(),
        upper.copy(),
        lower >= upper,
        lower >= upper,
        set(),
    )
    search.sweep(is_upper=True)
    search.sweep(is_upper=False)
    for is_upper in (True, False):
        for i in range(n):
            done = search.upper_done if is_upper else search.lower_done
            if search.possible and not done[i]:
                search.settle(i, is_upper=is_upper, whole=False)
    if search.possible:
        search.settle_whole(narrow)
    return search.lower, search.upper, search.possible
