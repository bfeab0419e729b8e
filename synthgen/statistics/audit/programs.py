"""Smallest and largest number of patients in each wanted region, by LP and then MILP (HiGHS).

Regions that share no unknown are looked at apart.  A solution found for one region is kept
as a witness for all others: whoever already reaches the bound that subtraction left needs no
program of its own (Gleixner A, Berthold T, Mueller B, Weltge S, Three enhancements for
optimization-based bound tightening, J Glob Optim 2017;67:731,
doi:10.1007/s10898-016-0450-4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.sparse

from synthgen.statistics.audit.work import Work

sp: Any = scipy.sparse
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

REACHED = 1e-6
"""Distance at which a bound counts as reached, relative to its size."""

LOOSE = 0.2
"""Relative gap at which a solution over whole numbers is good enough as a witness."""

MOST_SPREADS = 30
"""Most programs that look for solutions far from each other."""

MOST_WHOLE = 2_000
"""Most unknowns of a program over whole numbers; beyond it the linear bound stands."""

NODES = 200
"""Most nodes of one branch and bound; what it has proven by then still holds."""


def for_highs(matrix: Any) -> Any:
    """The same sparse matrix with 32-bit positions: SciPy before 1.15 hands HiGHS no others."""
    made = scipy.sparse.csc_array(matrix)
    made.indices = made.indices.astype(np.int32)
    made.indptr = made.indptr.astype(np.int32)
    return made


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
    rows: Integers

    @property
    def coefficients(self) -> int:
        """Entries, rows and columns: what one program counts as work."""
        return int(self.matrix.nnz + sum(self.matrix.shape))

    def solve(
        self, objective: Floats, *, whole: bool, gap: float = 0.0
    ) -> tuple[float, Floats | None] | None:
        """Smallest value of ``objective @ x`` and where; None if nothing satisfies the rows.

        The value is a proven lower bound also where branch and bound was cut short, and
        there may be no ``x`` then.  ``gap`` is how far, relatively, a solution over whole
        numbers may be from the best one.
        """
        milp: Any = scipy.optimize.milp
        constraints: Any = ()
        if self.matrix.shape[0]:
            constraints = scipy.optimize.LinearConstraint(
                for_highs(self.matrix), self.row_lower, self.row_upper
            )
        options = {"node_limit": NODES, "mip_rel_gap": gap} if whole else {}
        for presolve in (True, False):  # where presolve runs into trouble, go without it
            result = milp(
                objective,
                integrality=np.full(len(objective), 1 if whole else 0),
                bounds=scipy.optimize.Bounds(self.least, self.most),
                constraints=constraints,
                options={**options, "presolve": presolve},
            )
            if result.status != 4:
                break
        if result.status == 2:
            return None
        if result.status == 3:
            return -math.inf, None
        if result.x is None or (whole and result.status != 0):
            bound = result.mip_dual_bound
            if bound is None:  # nothing was proven: what subtraction left still holds
                return -math.inf, result.x
            return float(bound), result.x
        return float(result.fun), result.x

    def repaired(self, x: Floats, objective: Floats) -> Floats | None:
        """A solution over whole numbers next to a fractional one; None if none was found.

        What is whole already stays; the rest is a small program of its own.
        """
        broken = np.flatnonzero(np.abs(x - np.round(x)) >= 1e-6)
        fixed = np.round(x)
        fixed[broken] = 0.0
        columns = sp.csr_array(self.matrix[:, broken])
        rows = np.flatnonzero(np.diff(columns.indptr) > 0)
        known = (self.matrix @ fixed)[rows]
        part = replace(
            self,
            matrix=sp.csr_array(columns[rows]),
            row_lower=self.row_lower[rows] - known,
            row_upper=self.row_upper[rows] - known,
            least=self.least[broken],
            most=self.most[broken],
        )
        solved = part.solve(objective[broken], whole=True)
        if solved is None or solved[1] is None:
            return None
        fixed[broken] = np.round(solved[1])
        return fixed


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
    low_seen: Floats
    high_seen: Floats
    low_whole: Floats
    high_whole: Floats
    work: Work
    possible: bool = True

    def solved(self, objective: Floats) -> tuple[float, int] | None:
        """Solve a linear program; its value, and how many bounds it proves to be reached."""
        if not self.work.allows(self.component.coefficients):
            return None
        found = self.component.solve(objective, whole=False)
        if found is None:
            self.possible = False
            return None
        value, x = found
        if x is None:
            return value, 0
        proven = self.witness(x)
        if np.abs(x - np.round(x)).max(initial=0.0) >= 1e-6:
            whole = self.component.repaired(x, objective)
            if whole is not None:
                proven += self.witness(whole)
        return value, proven

    def witness(self, x: Floats) -> int:
        """How many bounds one solution proves to be reached."""
        value = self.component.targets @ x
        near = REACHED * np.maximum(1.0, np.abs(value))
        np.minimum(self.low_seen, value, out=self.low_seen)
        np.maximum(self.high_seen, value, out=self.high_seen)
        if np.abs(x - np.round(x)).max(initial=0.0) < 1e-6:
            np.minimum(self.low_whole, value, out=self.low_whole)
            np.maximum(self.high_whole, value, out=self.high_whole)
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

    def is_wide(self, enough: float) -> npt.NDArray[np.bool_]:
        """Regions of which solutions differ by ``enough`` patients, or which are settled."""
        low, high = np.ceil(self.low_seen - REACHED), np.floor(self.high_seen + REACHED)
        settled = self.lower_done & self.upper_done
        wide = (high - low > enough) | (self.high_whole - self.low_whole >= enough - REACHED)
        return np.asarray(settled | wide)

    def spread(self, enough: float) -> None:
        """Look for solutions far from each other: in all regions at once, then with mixed signs."""
        rng = np.random.default_rng(0)
        idle = 0
        for attempt in range(MOST_SPREADS):
            left = np.flatnonzero(~self.is_wide(enough))
            if len(left) == 0 or idle == 3:
                return
            sign = np.full(len(left), 1.0 - 2.0 * (attempt % 2))
            if attempt > 1:
                sign = rng.choice([-1.0, 1.0], len(left))
            if self.solved(np.asarray(self.component.targets[left].T @ sign).ravel()) is None:
                return
            idle = idle + 1 if len(left) == int((~self.is_wide(enough)).sum()) else 0

    def sweep(self, *, is_upper: bool) -> None:
        """Push many regions to their bounds at once, while that settles any."""
        sign = -1.0 if is_upper else 1.0
        while self.possible and not self.work.is_spent:
            done = self.upper_done if is_upper else self.lower_done
            left = np.flatnonzero(~done & np.isfinite(self.upper if is_upper else self.lower))
            if len(left) < 3:
                return
            objective = sign * np.asarray(self.component.targets[left].sum(axis=0)).ravel()
            solved = self.solved(objective)
            if solved is None or solved[1] < max(1, len(left) // 20):
                return

    def settle(self, i: int, *, is_upper: bool) -> None:
        """One linear program for one bound of one region."""
        sign = -1.0 if is_upper else 1.0
        row = self.component.targets[[i]].toarray().ravel()
        solved = self.solved(sign * row)
        if solved is not None:
            self._bound(i, sign * solved[0], is_upper=is_upper)
            # Which solution reached the rounded bound is seen again by its witnesses.
            reached = self.high_whole[i] if is_upper else self.low_whole[i]
            bound = self.upper[i] if is_upper else self.lower[i]
            if abs(reached - bound) > REACHED * max(1.0, abs(bound)):
                self.fractional.add((i, is_upper))

    def _bound(self, i: int, bound: float, *, is_upper: bool) -> None:
        if is_upper:
            self.upper[i] = min(self.upper[i], _floor(bound) if math.isfinite(bound) else bound)
            self.upper_done[i] = True
        else:
            self.lower[i] = max(self.lower[i], _ceil(bound) if math.isfinite(bound) else bound)
            self.lower_done[i] = True
        if self.lower[i] > self.upper[i]:  # only fractions of patients solve it
            self.possible = False

    def prove(self, i: int, *, is_upper: bool) -> None:
        """One program over whole numbers for one bound of one region."""
        sign = -1.0 if is_upper else 1.0
        if not self.work.allows(self.component.coefficients, whole=True):
            return
        row = self.component.targets[[i]].toarray().ravel()
        solved = self.component.solve(sign * row, whole=True)
        if solved is None:
            self.possible = False
            return
        self._bound(i, sign * solved[0], is_upper=is_upper)
        self.fractional.discard((i, is_upper))
        if solved[1] is not None:
            self.witness(np.round(solved[1]))

    def settle_whole(self, least: float, narrow: float) -> None:
        """Settle over whole numbers what only a fractional solution has reached."""
        for is_upper in (True, False):
            for _ in range(MOST_SPREADS):
                left = self._unproven(least, narrow, is_upper=is_upper)
                if len(left) < 3 or not self.possible:
                    break
                if not self.work.allows(self.component.coefficients, whole=True):
                    break
                sign = -1.0 if is_upper else 1.0
                objective = sign * np.asarray(self.component.targets[left].sum(axis=0)).ravel()
                solved = self.component.solve(objective, whole=True, gap=LOOSE)
                if solved is None:
                    self.possible = False
                elif solved[1] is not None:
                    self.witness(solved[1])
                if 10 * len(self._unproven(least, narrow, is_upper=is_upper)) > 9 * len(left):
                    break
            for i in left:
                if self.possible and i in self._unproven(least, narrow, is_upper=is_upper):
                    self.prove(i, is_upper=is_upper)

    def _unproven(self, least: float, narrow: float, *, is_upper: bool) -> list[int]:
        return sorted(
            i
            for i, side in self.fractional
            if side == is_upper and least <= self.upper[i] - self.lower[i] <= narrow
        )


def tighten(
    component: Component,
    lower: Floats,
    upper: Floats,
    narrow: float,
    enough: float | None = None,
    work: Work | None = None,
) -> tuple[Floats, Floats, bool, npt.NDArray[np.bool_]]:
    """Reconstruction interval of every wanted region of one component.

    Parameters
    ----------
    component : Component
    lower, upper : ndarray of float64, shape (targets,)
        What plain subtraction left, without the known part [persons].
    narrow : float
        Intervals this narrow or narrower are settled over whole numbers, too [persons].
    enough : float, optional
        Do not look further where an interval is known to be at least this wide: what comes
        back is then only what subtraction left [persons].
    work : Work, optional
        Shared by all that is asked; where it ends, bounds stay as they are: wider, but valid.

    Returns
    -------
    lower, upper : ndarray of float64, shape (targets,)
    possible : bool
        False if no population satisfies the rows: the tables contradict each other.
    open_ : ndarray of bool, shape (targets,)
        Neither settled nor shown to be at least ``narrow`` wide, for want of work.
    """
    n = len(lower)
    search = _Search(
        component,
        lower.copy(),
        upper.copy(),
        lower >= upper,
        lower >= upper,
        set(),
        np.full(n, np.inf),
        np.full(n, -np.inf),
        np.full(n, np.inf),
        np.full(n, -np.inf),
        work or Work(),
    )
    if enough is None:
        search.sweep(is_upper=True)
        search.sweep(is_upper=False)
        _settle_all(search, None)
    else:
        search.spread(enough)
        _settle_all(search, enough)
    if search.possible and component.matrix.shape[1] <= MOST_WHOLE:
        # Where only narrow ones matter, narrower ones are known to be too narrow already.
        search.settle_whole(1.0 if enough is None else narrow, narrow)
    still_open = np.zeros(n, dtype=bool)
    if search.work.is_spent and search.possible:
        # No interval is asked for any more, only whether it is wide enough.
        search.work = Work(search.work.proof)
        width = narrow if enough is None else enough
        search.spread(width)
        _settle_all(search, width)
        still_open = ~search.is_wide(width)
        if work is not None:
            work.proof = search.work.left
    return search.lower, search.upper, search.possible, still_open


def _settle_all(search: _Search, enough: float | None) -> None:
    """One program for each bound that no solution has reached and that matters."""
    for is_upper in (True, False):
        for i in range(len(search.lower)):
            done = search.upper_done if is_upper else search.lower_done
            if not search.possible or search.work.is_spent:
                return
            if enough is not None and search.is_wide(enough)[i]:
                continue
            if not done[i]:
                search.settle(i, is_upper=is_upper)
