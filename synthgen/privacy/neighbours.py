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


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows whose distances to all columns fit into one block."""
    step = max(BLOCK_CELLS // max(columns, 1), 1)
    yield from (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def squared_distances(points: Floats, base: Floats) -> Floats:
    """Squared Euclidean distance of each point to each of the base, from one product.

    Rounding may put it up to 1e-12 of the squared lengths beside the truth; never below 0.
    """
    lengths = np.einsum("ij,ij->i", base, base)
    own = np.einsum("ij,ij->i", points, points)
    product = points @ base.T
    product *= -2.0
    product += lengths
    product += own[:, None]
    return np.maximum(product, 0.0, out=product)


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
        rough = squared_distances(points[block], base)
        if own is not None:
            rough[np.arange(len(rough)), own[block]] = np.inf
        found = np.sort(np.argpartition(rough, take - 1, axis=1)[:, :take], axis=1)
        exact = np.sqrt(((points[block][:, None, :] - base[found]) ** 2).sum(axis=2))
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        distances[block] = np.take_along_axis(exact, order, axis=1)
        rows[block] = np.take_along_axis(found, order, axis=1)
    return distances, rows


def isolation(points: Floats, k: int = 5) -> Floats:
    """Mean distance of each patient to the ``k`` nearest others: who is easy to recognise.

    Meeus et al. 2023, arXiv:2306.10308, find that it predicts which records
    a membership attack gets right.
    """
    others = min(k, len(points) - 1)
    if others < 1:
        return np.zeros(len(points))
    found, _ = nearest(points, points, others, own=np.arange(len(points), dtype=np.intp))
    return np.asarray(found.mean(axis=1))


def most_isolated(points: Floats, share: float, fewest: int) -> npt.NDArray[np.bool_]:
    """The share of patients that is farthest from all others, at least ``fewest``."""
    wanted = min(max(int(np.ceil(share * len(points))), fewest), len(points))
    order = np.argsort(-isolation(points), kind="stable")
    chosen = np.zeros(len(points), dtype=np.bool_)
    chosen[order[:wanted]] = True
    return chosen
