"""Nearest synthetic patients: exact distances, the same on every machine.

Candidates are found with one matrix product per block of rows; their distances are then
computed anew by subtraction, so that a copy is at distance zero and rounding of the
product decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import Floats, Positions

BLOCK_CELLS = 8_000_000
"""Distances held at a time: 64 MB."""

SPARE = 4
"""Candidates beyond the wanted ones, among which exact distances choose."""


GROUP = 64
"""Columns that are looked at together when the smallest are searched."""

MOST_OTHERS = 5_000
"""Patients that isolation is measured against."""


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows whose distances to all columns fit into one block."""
    step = max(BLOCK_CELLS // max(columns, 1), 1)
    yield from (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def squared_distances(points: Floats, base: Floats) -> Floats:
    """Squared Euclidean distance of each point to each of the base, from one product.

    Rounding may put it up to 1e-12 of the squared lengths beside the truth; never below 0.
    """
    return completed(without_own(points, base), points)


def without_own(points: Floats, base: Floats) -> Floats:
    """Squared distances less the point's own squared length, which decides nothing about who is near."""
    rough = points @ (-2.0 * base.T)
    rough += np.einsum("ij,ij->i", base, base)
    return np.asarray(rough)


def completed(rough: Floats, points: Floats) -> Floats:
    """Squared distances from :func:`without_own`, whose array is used up."""
    rough += np.einsum("ij,ij->i", points, points)[:, None]
    return np.maximum(rough, 0.0, out=rough)


def nearest_distances(rough: Floats, points: Floats, base: Floats, k: int) -> Floats:
    """Distances to the ``k`` nearest of the base, ascending, without who they are.

    Parameters
    ----------
    rough : ndarray of float64, shape (n, m)
        As :func:`without_own` gives it.
    points : ndarray of float64, shape (n, d)
    base : ndarray of float64, shape (m, d)
    k : int
        At most m.
    """
    found = _smallest_of_strides(rough, min(k + SPARE, len(base)))
    return np.sort(_exact(points, base, found), axis=1)[:, :k]


def _exact(points: Floats, base: Floats, found: Positions) -> Floats:
    return np.asarray(np.sqrt(((points[:, None, :] - base[found]) ** 2).sum(axis=2)))


def nearest(
    points: Floats, base: Floats, k: int, *, own: Positions | None = None
) -> tuple[Floats, Positions]:
    """Distances to the nearest of the base, ascending, and who they are.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
    base : ndarray of float64, shape (m, d)
    k : int
        How many; at most as many as there are.
    own : ndarray of intp, shape (n,), optional
        Row of the base that is the point itself and does not count.

    Returns
    -------
    distances : ndarray of float64, shape (n, k)
    rows : ndarray of intp, shape (n, k)
        Of equal distances the earlier row first.

    Raises
    ------
    ValueError
        If the base has fewer than ``k`` others.
    """
    available = len(base) - (own is not None)
    if not 1 <= k <= available:
        raise ValueError(f"nearest: wants {k} of {available}; it must be 1 to {available}")
    take = min(k + SPARE, available)
    distances = np.empty((len(points), k))
    rows = np.empty((len(points), k), dtype=np.intp)
    for block in blocks(len(points), len(base)):
        rough = without_own(points[block], base)
        if own is not None:
            rough[np.arange(len(rough)), own[block]] = np.inf
        found = np.sort(_smallest(rough, take), axis=1)
        exact = _exact(points[block], base, found)
        if own is not None:
            exact[found == own[block][:, None]] = np.inf
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        distances[block] = np.take_along_axis(exact, order, axis=1)
        rows[block] = np.take_along_axis(found, order, axis=1)
    return distances, rows


def _smallest(values: Floats, take: int) -> Positions:
    """Columns of the ``take`` smallest values of each row, in no order.

    The row is cut into groups; the smallest values can only be in the groups with the
    smallest minima, so that most of the row is only looked at once.
    """
    rows, columns = values.shape
    groups = columns // GROUP
    if groups <= 4 * take:
        return np.argpartition(values, take - 1, axis=1)[:, :take]
    whole = groups * GROUP
    least = values[:, :whole].reshape(rows, groups, GROUP).min(axis=2)
    best = np.argpartition(least, take - 1, axis=1)[:, :take]
    inside = (best[:, :, None] * GROUP + np.arange(GROUP)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(whole, columns), (rows, columns - whole))
    candidates = np.concatenate((inside, rest), axis=1)
    chosen = np.take_along_axis(values, candidates, axis=1)
    kept = np.argpartition(chosen, take - 1, axis=1)[:, :take]
    return np.take_along_axis(candidates, kept, axis=1)


def _smallest_of_strides(values: Floats, take: int) -> Positions:
    """Columns of ``take`` smallest values of each row; of equal values any.

    As :func:`_smallest`, with groups of columns that lie apart by a stride: their minima are
    taken of whole rows at once, so that it pays for a few hundred columns already.
    """
    rows, columns = values.shape
    deep = int(np.sqrt(columns / take))  # cost: the groups, and the members of ``take`` of them
    strides = columns // max(deep, 1)
    if deep < 2 or strides <= 2 * take:
        return np.argpartition(values, take - 1, axis=1)[:, :take]
    whole = deep * strides
    least = values[:, :whole].reshape(rows, deep, strides).min(axis=1)
    best = np.argpartition(least, take - 1, axis=1)[:, :take]
    inside = (best[:, :, None] + strides * np.arange(deep)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(whole, columns), (rows, columns - whole))
    candidates = np.concatenate((inside, rest), axis=1)
    chosen = np.take_along_axis(values, candidates, axis=1)
    kept = np.argpartition(chosen, take - 1, axis=1)[:, :take]
    return np.take_along_axis(candidates, kept, axis=1)


def isolation(points: Floats, k: int = 5) -> Floats:
    """Mean distance of each patient to the ``k`` nearest others: who is easy to recognise.

    With more than :data:`MOST_OTHERS` patients the others are every so many-th of them.

    Meeus et al. 2023, arXiv:2306.10308, find that it predicts which records
    a membership attack gets right.
    """
    others = min(k, len(points) - 1)
    if others < 1:
        return np.zeros(len(points))
    step = -(-len(points) // MOST_OTHERS)
    if step == 1:
        everybody = np.arange(len(points), dtype=np.intp)
        found, _ = nearest(points, points, others, own=everybody)
        return np.asarray(found.mean(axis=1))
    found, rows = nearest(points, points[::step], others + 1)
    own = rows * step == np.arange(len(points))[:, None]
    last = np.zeros_like(own)
    last[:, -1] = ~own.any(axis=1)  # whoever is not among the others has one too many
    return np.asarray(np.where(own | last, 0.0, found).sum(axis=1) / others)


def most_isolated(points: Floats, share: float, fewest: int) -> npt.NDArray[np.bool_]:
    """The share of patients that is farthest from all others, at least ``fewest``."""
    return farthest(isolation(points), share, fewest)


def farthest(alone: Floats, share: float, fewest: int) -> npt.NDArray[np.bool_]:
    """The share of patients with the largest isolation, at least ``fewest``."""
    wanted = min(max(int(np.ceil(share * len(alone))), fewest), len(alone))
    order = np.argsort(-alone, kind="stable")
    chosen = np.zeros(len(alone), dtype=np.bool_)
    chosen[order[:wanted]] = True
    return chosen
