"""Maximum entropy relative to a reference, under intervals with sampling error.

With reference ``q``, constraints ``a_j . p`` in ``t_j +- h_j`` with variance ``v_j``, and
contexts ``c`` whose distribution is frozen, the fit minimises the dual

    L(theta) = E_c log Z_c(theta) - theta . t + sum_j h_j |theta_j| + sum_j v_j theta_j^2 / 2

which is convex.  Intervals are the conjugate of a box (Dudik, Phillips & Schapire 2007,
JMLR 8:1217), the quadratic term that of Gaussian error.  The solver is Newton's method on
the active orthant (Andrew & Gao 2007, doi:10.1145/1273496.1273501, with exact second
derivatives in place of their quasi-Newton ones).  Success is a small residual, measured
here, and never an optimiser's own word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError
from synthgen.models.constraints import Constraints
from synthgen.models.curvature import curvature
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree
from synthgen.models.propagation import Calibrated, calibrate, expand, other_axes

FloatArray = npt.NDArray[np.float64]

#: Largest residual of a successful fit [standard errors].
RESIDUAL = 1e-4
#: The solver goes on to here while it makes progress [standard errors].
GOAL = 1e-9
ITERATIONS = 200
#: A step that promises less than this share of the objective is below its rounding.
NOISE = 1e-14
#: In the second attempt a step changes no log potential of a constraint's cells by more than
#: this: far from the optimum a full Newton step can land where everything is saturated, and
#: creeps back from there.
LONGEST_STEP = 50.0


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be fitted.

    Parameters
    ----------
    domain : Domain
    tree : JunctionTree
        Covers every group of constraints; its root holds the context.
    log_reference : tuple of ndarray of float64
        One potential per clique; ``-inf`` is a structural zero.
    constraints : Constraints
    context : tuple of str
        Frozen variables.
    context_probability : ndarray of float64 or None
    """

    domain: Domain
    tree: JunctionTree
    log_reference: tuple[FloatArray, ...]
    constraints: Constraints
    context: tuple[str, ...] = ()
    context_probability: FloatArray | None = None

    def potentials(self, theta: FloatArray) -> list[FloatArray]:
        """Log potential of every clique at the multipliers ``theta``, shape (m,)."""
        potentials = list(self.log_reference)
        for group in self.constraints.groups:
            home = self.tree.home(group.names)
            shift = (group.transposed @ theta[group.positions]).reshape(
                self.domain.shape(group.names)
            )
            clique = self.tree.cliques[home]
            potentials[home] = potentials[home] + expand(shift, group.names, clique)
        return potentials

    def calibrate(self, theta: FloatArray) -> Calibrated:
        """Marginals at the multipliers ``theta``."""
        return calibrate(
            self.domain,
            self.tree,
            self.potentials(theta),
            self.context,
            self.context_probability,
        )

    def expectation(self, calibrated: Calibrated) -> FloatArray:
        """Mass of every constraint, shape (m,)."""
        expected = np.zeros(len(self.constraints))
        for group in self.constraints.groups:
            marginal = self.marginal(calibrated, group.names)
            expected[group.positions] = group.matrix @ marginal.ravel()
        return expected

    def marginal(self, calibrated: Calibrated, names: tuple[str, ...]) -> FloatArray:
        """Joint probability of variables that share a clique."""
        home = self.tree.home(names)
        summed: FloatArray = calibrated.marginals[home].sum(
            axis=other_axes(self.tree.cliques[home], names)
        )
        return summed


@dataclass(frozen=True, eq=False)
class Solution:
    """Multipliers, marginals and how well the optimality conditions hold.

    Parameters
    ----------
    theta : ndarray of float64, shape (m,)
    calibrated : Calibrated
    residual : float
        Largest violation of the optimality conditions [standard errors].
    iterations : int
    """

    theta: FloatArray
    calibrated: Calibrated
    residual: float
    iterations: int


def _value(problem: Problem, theta: FloatArray, calibrated: Calibrated) -> float:
    c = problem.constraints
    return float(
        calibrated.objective
        - theta @ c.target
        + c.half_width @ np.abs(theta)
        + 0.5 * c.penalty @ theta**2
    )


def _pseudo_gradient(problem: Problem, theta: FloatArray, smooth: FloatArray) -> FloatArray:
    """Subgradient of smallest size: zero exactly at the optimum."""
    c = problem.constraints
    at_zero = np.sign(smooth) * np.maximum(np.abs(smooth) - c.half_width, 0.0)
    gradient = np.where(theta != 0, smooth + c.half_width * np.sign(theta), at_zero)
    blocked = (np.abs(theta) >= c.cap) & (gradient * theta < 0)
    return np.where(blocked, 0.0, gradient)


def solve(problem: Problem, start: FloatArray | None = None, goal: float = GOAL) -> Solution:
    """Multipliers at which every constraint is met as well as its error allows.

    Parameters
    ----------
    problem : Problem
    start : ndarray of float64, shape (m,), optional
        Multipliers to begin with; zero by default.
    goal : float
        Residual at which to stop [standard errors], at most :data:`RESIDUAL`.

    Raises
    ------
    ModelError
        If the residual stays above :data:`RESIDUAL`, or the rules exclude everything.
    """
    solution = _attempt(problem, start, goal, np.inf)
    if not solution.residual < RESIDUAL:
        solution = _attempt(problem, start, goal, LONGEST_STEP)
    if not solution.residual < RESIDUAL:
        raise ModelError(
            f"fit: a constraint is left {solution.residual:.2g} standard errors from its optimum "
            f"after {solution.iterations} steps; at most {RESIDUAL:g} is allowed"
        )
    return solution


def _attempt(problem: Problem, start: FloatArray | None, goal: float, longest: float) -> Solution:
    """Newton's method until the goal, or as far as it comes."""
    c = problem.constraints
    theta = np.zeros(len(c)) if start is None else start.copy()
    calibrated = problem.calibrate(theta)
    if len(c) == 0:
        return Solution(theta, calibrated, 0.0, 0)
    value = _value(problem, theta, calibrated)
    for iteration in range(ITERATIONS + 1):
        smooth = problem.expectation(calibrated) - c.target + c.penalty * theta
        gradient = _pseudo_gradient(problem, theta, smooth)
        residual = float(np.abs(gradient / c.scale).max())
        if residual < goal or iteration == ITERATIONS:
            break
        moved = _descend(problem, theta, value, calibrated, gradient, longest)
        if moved is None:
            break
        theta, value, calibrated = moved
    return Solution(theta, calibrated, residual, iteration)


def _descend(
    problem: Problem,
    theta: FloatArray,
    value: float,
    calibrated: Calibrated,
    gradient: FloatArray,
    longest: float,
) -> tuple[FloatArray, float, Calibrated] | None:
    """One Newton step on the free multipliers, backtracked; None if nothing improves."""
    c = problem.constraints
    free = np.flatnonzero((gradient != 0) | (theta != 0))
    free = free[~((np.abs(theta[free]) >= c.cap[free]) & (gradient[free] == 0))]
    step = np.zeros_like(theta)
    step[free] = curvature(problem, calibrated).newton_step(free, c.scale, c.penalty, gradient)
    orthant = np.where(theta != 0, np.sign(theta), -np.sign(gradient))
    boxed = c.half_width > 0
    if gradient @ step >= 0:
        step = -gradient / np.maximum(c.scale**2, 1e-300)

    def projected(length: float) -> FloatArray:
        trial = theta + length * step
        trial = np.where(boxed & (np.sign(trial) != orthant), 0.0, trial)
        return np.asarray(np.clip(trial, -c.cap, c.cap))

    if -float(gradient @ step) < NOISE * max(1.0, abs(value)):
        return _last_step(problem, projected(1.0), gradient)
    length = 1.0
    if np.isfinite(longest):
        shift = max(float(np.abs(g.transposed @ step[g.positions]).max()) for g in c.groups)
        length = min(1.0, longest / max(shift, 1e-300))
    for _ in range(60):
        trial = projected(length)
        trial_calibrated = problem.calibrate(trial)
        trial_value = _value(problem, trial, trial_calibrated)
        if trial_value <= value + 1e-4 * float(gradient @ (trial - theta)):
            if not (trial != theta).any():
                return None
            return trial, trial_value, trial_calibrated
        length /= 2
    return None


def _last_step(
    problem: Problem, trial: FloatArray, gradient: FloatArray
) -> tuple[FloatArray, float, Calibrated] | None:
    """A full step that is too small for the objective to show, if it lowers the residual."""
    c = problem.constraints
    calibrated = problem.calibrate(trial)
    smooth = problem.expectation(calibrated) - c.target + c.penalty * trial
    after = np.abs(_pseudo_gradient(problem, trial, smooth) / c.scale).max()
    if not after < np.abs(gradient / c.scale).max():
        return None
    return trial, _value(problem, trial, calibrated), calibrated
