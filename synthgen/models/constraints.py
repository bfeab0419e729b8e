"""From statements to linear constraints on a grid of variables.

A statement says that ``P(event | given)`` lies in an interval, up to sampling error.
Where the mass of the given is already fixed it is linear in the probabilities as it
stands; otherwise it becomes the homogeneous row ``P(event) - p P(given) = 0``, scaled by
the current mass of the given (which the fit updates a few times).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from synthgen.errors import StatisticsError
from synthgen.models.domain import Domain
from synthgen.statistics.statement import Statement

FloatArray = npt.NDArray[np.float64]
#: Sparse arrays; the published stubs of scipy do not follow their products and sums.
SparseArray = Any
sp: Any = scipy.sparse

#: Rounding narrower than this many standard errors is treated as variance: the second
#: moment of a uniform error, half-width squared / 3.  Narrow boxes make active-set methods
#: cycle, and say nothing that the variance does not.
FOLD_BELOW = 3.0
#: Weight of the reference within the given of each statement [cases].  So small, a borrowed
#: reference moves a published value by a fraction of a standard error; above zero, the
#: solution is unique and exists even where statements contradict each other.
PSEUDO_CASES = 0.1


def statement_variables(domain: Domain, statement: Statement) -> tuple[str, ...]:
    """Variables that a statement restricts, in the order of the domain."""
    return domain.ordered(
        name
        for members in (statement.event, statement.given)
        for name, codes in members.items()
        if set(codes) < set(domain.codes[name])
    )


@dataclass(frozen=True, eq=False)
class ConstraintGroup:
    """Constraints over the same variables.

    Parameters
    ----------
    names : tuple of str
        Axes, in the order of the domain.
    matrix : sparse array of float64, shape (constraints, cells of the grid)
        Coefficients of each constraint on the cells (C order).
    positions : ndarray of intp, shape (constraints,)
        Where the constraints of this group stand among all constraints.
    """

    names: tuple[str, ...]
    matrix: SparseArray
    positions: npt.NDArray[np.intp]

    @cached_property
    def transposed(self) -> SparseArray:
        """The coefficients by cell, shape (cells of the grid, constraints)."""
        return self.matrix.T


@dataclass(frozen=True, eq=False)
class Constraints:
    """All constraints of one fit.

    Parameters
    ----------
    groups : tuple of ConstraintGroup
    target : ndarray of float64, shape (m,)
        Middle of the interval, as probability mass.
    half_width : ndarray of float64, shape (m,)
        Half the interval, 0 for a point.
    scale : ndarray of float64, shape (m,)
        One standard error, as probability mass.
    penalty : ndarray of float64, shape (m,)
        Coefficient of ``theta ** 2 / 2`` in the dual.
    mass : ndarray of float64, shape (m,)
        Mass of the given that was used for scaling.
    cap : ndarray of float64, shape (m,)
        Largest multiplier allowed; infinite as a rule.
    """

    groups: tuple[ConstraintGroup, ...]
    target: FloatArray
    half_width: FloatArray
    scale: FloatArray
    penalty: FloatArray
    mass: FloatArray
    cap: FloatArray

    def __len__(self) -> int:
        return len(self.target)


def point_and_width(statement: Statement) -> tuple[float, float, float]:
    """Middle, half-width and standard error of a statement, with narrow rounding folded in.

    Returns
    -------
    tuple of float
        Proportions.  An interval that begins at zero is never folded: a published zero
        limits the population from above, it does not pull it up to the middle.
    """
    middle = (statement.lower + statement.upper) / 2
    half = (statement.upper - statement.lower) / 2
    error = statement.standard_error
    if 0 < half < FOLD_BELOW * error and statement.lower > 0:
        return middle, 0.0, float(np.sqrt(error**2 + half**2 / 3))
    return middle, half, error


def compile_constraints(
    domain: Domain,
    statements: Sequence[Statement],
    frozen: tuple[str, ...],
    mass_of: Callable[[tuple[str, ...], Mapping[str, tuple[str, ...]]], float],
    least_mass: Sequence[float] | None = None,
    cap: FloatArray | None = None,
    groups: tuple[ConstraintGroup, ...] = (),
) -> Constraints:
    """Linear constraints for statements, at the current mass of their givens.

    Parameters
    ----------
    domain : Domain
    statements : sequence of Statement
    frozen : tuple of str
        Variables whose distribution is fixed.
    mass_of : callable
        Current probability of ``members`` on the grid of ``names``.
    least_mass : sequence of float, optional
        Smallest mass of each given to scale by; it keeps a given that contradictory
        statements starve in sight.  Without it a given of mass zero is an error.
    cap : ndarray of float64, shape (m,), optional
        Largest multiplier of each statement.
    groups : tuple of ConstraintGroup
        Coefficients of the same statements, where they are made: no rescaling changes them.

    Raises
    ------
    StatisticsError
        If a statement is about patients that cannot exist (its given has mass zero, or
        its event is impossible although a positive value is stated).
    """
    m = len(statements)
    target, half, scale, penalty, masses = (np.zeros(m) for _ in range(5))
    rows: dict[tuple[str, ...], list[tuple[int, FloatArray]]] = {}
    for i, statement in enumerate(statements):
        names = statement_variables(domain, statement)
        middle, width, error = point_and_width(statement)
        mass = mass_of(names, statement.given)
        if least_mass is not None:
            mass = max(mass, least_mass[i])
        elif mass <= 0 or (statement.lower > 0 and mass_of(names, statement.event) <= 0):
            raise StatisticsError(
                f"{statement.table}: row {statement.row} is about patients that the earlier "
                "blocks and the rules of the schema exclude; correct the row or its scope"
            )
        restricted = {n for n, c in statement.given.items() if set(c) < set(domain.codes[n])}
        fixed = restricted <= set(frozen)
        target[i] = middle * mass if fixed else 0.0
        if not groups:
            given = domain.mask(names, statement.given)
            event = domain.mask(names, statement.event) & given
            coefficients = event.astype(np.float64) if fixed else event - middle * given
            rows.setdefault(names, []).append((i, coefficients.ravel()))
        half[i], scale[i], masses[i] = width * mass, error * mass, mass
        penalty[i] = PSEUDO_CASES * error**2 * mass
    groups = groups or tuple(
        ConstraintGroup(
            names,
            sp.csr_array(np.array([c for _, c in members])),
            np.array([i for i, _ in members], dtype=np.intp),
        )
        for names, members in sorted(rows.items())
    )
    return Constraints(
        groups, target, half, scale, penalty, masses, np.full(m, np.inf) if cap is None else cap
    )
