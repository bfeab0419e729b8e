"""Noisy counts that agree: what they say of any distribution, without their contradictions.

Tables that share variables count the same rows, each with noise of its own; no distribution
meets all of them, and a fit that has to find the compromise takes multipliers without bound on
both sides.  Here the compromise is made before the fit, in two steps that leave the estimate
where it is:

*Effects.*  A table splits into effects: its total, that of each variable, of each pair, and
so on.  Effects of different sets of variables are orthogonal, so a sum of squares over tables
is a sum over effects, and several counts of one effect are worth their mean, weighted by the
inverse variance (the bases of Xiao, He, Zhang & Kifer 2023, arXiv 2305.08175).  Tables put
together again from these means differ from the noisy ones by a constant in the sum of squares,
whatever the distribution.

*Signs.*  A count ``y < 0`` says of a probability ``p`` what the count 0 and a fixed multiplier
``y / penalty`` say, because ``(n p - y)^2 = (n p)^2 - 2 n p y + y^2``.  The multiplier is a
fixed one here, and bounded (:data:`LEAST_TILT`): a probability of ``exp(-30)`` is nobody.
Where the reference has probability zero, any count says the same, and it is set to zero.

Each step undoes some of the other, so they alternate.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

import numpy as np
import numpy.typing as npt

from synthgen.models.noisy_table import NoisyTable

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Fixed multiplier of a negative count, at least [log].
LEAST_TILT = -30.0
#: Counts agree and are not negative, up to this part of their noise.
TOLERANCE = 1e-2


def agreed(
    tables: Sequence[NoisyTable],
    total: float,
    penalties: Sequence[float],
    possible: Sequence[BoolArray],
    rounds: int,
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Counts that agree with each other, and the fixed multipliers of negative ones.

    Parameters
    ----------
    tables : sequence of NoisyTable
        A grouped one agrees with the others in its total only.
    total : float
        Number of rows, which every table adds up to.
    penalties : sequence of float
        For each table, half the square of a multiplier costs so much in the dual, whose
        targets are shares of the total.
    possible : sequence of ndarray of bool
        For each table, cells that the reference does not exclude.
    rounds : int
        At most; the estimate does not depend on them, its multipliers do.

    Returns
    -------
    counts, tilts : list of ndarray of float64
        Each of the shape of its table.

    Examples
    --------
    >>> one = NoisyTable(("a",), np.array([12.0, 4.0]), 1.0, (None,))
    >>> two = NoisyTable(("a", "b"), np.array([[4.0, 4.0], [4.0, 4.0]]), 1.0, (None, None))
    >>> counts, tilts = agreed([one, two], 16.0, [1.0, 1.0], [np.array(True)] * 2, 1)
    >>> counts[0], counts[1]
    (array([10.66666667,  5.33333333]), array([[5.33333333, 5.33333333],
           [2.66666667, 2.66666667]]))
    """
    counts = [table.counts for table in tables]
    tilts = [np.zeros(table.counts.shape) for table in tables]
    for _ in range(rounds):
        counts = _of_one_mind(tables, counts, total)
        wrong = 0.0
        for at, (table, allowed) in enumerate(zip(tables, possible, strict=True)):
            kept = np.where(allowed, np.maximum(counts[at], 0.0), 0.0)
            below = np.where(allowed, np.minimum(counts[at], 0.0), 0.0)
            moved = float(np.abs(kept - counts[at]).max(initial=0.0))
            wrong = max(wrong, moved / table.sigma)
            tilts[at] = np.maximum(tilts[at] + below / (total * penalties[at]), LEAST_TILT)
            counts[at] = kept
        if wrong < TOLERANCE:
            break
    return _of_one_mind(tables, counts, total), tilts


def _of_one_mind(
    tables: Sequence[NoisyTable], counts: Sequence[FloatArray], total: float
) -> list[FloatArray]:
    """Tables of the mean effects."""
    sums: dict[tuple[str, ...], FloatArray] = {}
    weights: dict[tuple[str, ...], float] = {}
    for table, values in zip(tables, counts, strict=True):
        if table.is_grouped:
            continue
        for axes, names, repeated in _effects(table):
            weight = 1 / (repeated * table.sigma**2)
            sums[names] = sums.get(names, 0.0) + weight * _effect(values, axes)
            weights[names] = weights.get(names, 0.0) + weight
    made = []
    for table, values in zip(tables, counts, strict=True):
        if table.is_grouped:
            made.append(values - (values.sum() - total) / values.size)
            continue
        whole = np.full(values.shape, total / values.size)
        for axes, names, repeated in _effects(table):
            shape = [size if axis in axes else 1 for axis, size in enumerate(values.shape)]
            whole += (sums[names] / (weights[names] * repeated)).reshape(shape)
        made.append(whole)
    return made


def _effects(table: NoisyTable) -> list[tuple[tuple[int, ...], tuple[str, ...], int]]:
    """Axes and names of each effect but the total, and how many cells repeat it."""
    shape = table.counts.shape
    found = []
    for size in range(1, len(shape) + 1):
        for axes in combinations(range(len(shape)), size):
            repeated = prod(n for axis, n in enumerate(shape) if axis not in axes)
            found.append((axes, tuple(table.names[axis] for axis in axes), repeated))
    return found


def _effect(values: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """Sums over the other axes, centred along each of ``axes``."""
    effect: FloatArray = values.sum(axis=tuple(i for i in range(values.ndim) if i not in axes))
    for axis in range(effect.ndim):
        effect = effect - effect.mean(axis=axis, keepdims=True)
    return effect
