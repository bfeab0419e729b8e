"""L-BFGS for smooth convex functions (Nocedal & Wright 2006, algorithms 7.4 and 7.5).

Written out here because that of scipy spends its time in threaded linear algebra on vectors of
a few hundred numbers, many times that of the function itself, where processors are shared.  For
the same reason no product of vectors goes through BLAS here: from 10,000 numbers on, OpenBLAS
starts threads for it that wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Pairs of steps and gradient changes that are kept.
MEMORY = 16
#: A step must lower the function by at least this share of what its slope promises.
ARMIJO = 1e-4
#: Halvings of a step before giving up.
HALVINGS = 30


def inner(a: FloatArray, b: FloatArray) -> float:
    """Inner product of two vectors, on one thread."""
    return float(np.einsum("i,i->", a, b))


@dataclass(frozen=True, eq=False)
class Found:
    """Where a descent ended.

    Parameters
    ----------
    point, gradient : ndarray of float64, shape (m,)
    evaluations : int
    """

    point: FloatArray
    gradient: FloatArray
    evaluations: int


def descend(
    function: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    settled: Callable[[FloatArray], bool],
    evaluations: int,
) -> Found:
    """Lower a smooth convex function until its gradient is small enough.

    Parameters
    ----------
    function : callable
        Value and gradient at a point.
    start : ndarray of float64, shape (m,)
    settled : callable
        Whether a gradient is small enough.
    evaluations : int
        Of the function, at most, but for the last step's halvings.
    """
    point = start.copy()
    value, gradient = function(point)
    used = 1
    steps: deque[tuple[FloatArray, FloatArray, float]] = deque(maxlen=MEMORY)
    while used < evaluations and not settled(gradient):
        direction = -_inverse_times(gradient, steps)
        slope = inner(gradient, direction)
        if slope >= 0:
            steps.clear()
            direction, slope = -gradient, -inner(gradient, gradient)
        length = 1.0 if steps else min(1.0, 1.0 / max(float(np.abs(gradient).sum()), 1e-300))
        for _ in range(HALVINGS):
            trial = point + length * direction
            trial_value, trial_gradient = function(trial)
            used += 1
            if trial_value <= value + ARMIJO * length * slope:
                break
            length /= 2
        else:
            if not steps:
                break
            steps.clear()
            continue
        step, change = trial - point, trial_gradient - gradient
        curvature = inner(step, change)
        if curvature > 1e-12 * inner(change, change):
            steps.append((step, change, curvature))
        point, value, gradient = trial, trial_value, trial_gradient
    return Found(point, gradient, used)


def _inverse_times(
    gradient: FloatArray, steps: deque[tuple[FloatArray, FloatArray, float]]
) -> FloatArray:
    """The inverse Hessian that the steps suggest, times a gradient."""
    found = gradient.copy()
    weights = []
    for step, change, curvature in reversed(steps):
        weight = inner(step, found) / curvature
        found -= weight * change
        weights.append(weight)
    if steps:
        _, change, curvature = steps[-1]
        found *= curvature / inner(change, change)
    for (step, change, curvature), weight in zip(steps, reversed(weights), strict=True):
        found += (weight - inner(change, found) / curvature) * step
    return found
