"""C4: where the release is denser than the population, somebody was remembered."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import Floats, Positions
from synthgen.findings import Finding, Inputs
from synthgen.privacy.attacked import attacked
from synthgen.privacy.neighbours import blocks, isolation, squared_distances
from synthgen.privacy.proximity import compared

MEASURE = "density_attack"

MOST_ATTACKED = 2500
"""People of each side who are attacked; the error of a rank probability is then 0.008."""

SMALLEST_WIDTH = 1e-3
"""Kernel width below which distances would all be infinite to it."""


def log_density(points: Floats, base: Floats, width: float, own: Positions | None = None) -> Floats:
    """Logarithm of a Gaussian kernel density, up to a constant that all points share.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
    base : ndarray of float64, shape (m, d)
    width : float
        Standard deviation of the kernel.
    own : ndarray of intp, shape (n,), optional
        Row of the base that is the point itself and is left out.
    """
    found = np.empty(len(points))
    others = len(base) - (own is not None)
    for block in blocks(len(points), len(base)):
        exponent = squared_distances(points[block], base)
        if own is not None:
            exponent[np.arange(len(exponent)), own[block]] = np.inf
        found[block] = log_kernels(exponent, width, others)
    return found


def log_kernels(squared: Floats, width: float, others: int) -> Floats:
    """Logarithm of the mean of Gaussian kernels, up to a constant that all points share.

    Parameters
    ----------
    squared : ndarray of float64, shape (n, m)
        Squared distances; the array is used up.
    width : float
        Standard deviation of the kernel.
    others : int
        How many the mean is of.
    """
    squared /= -2.0 * width**2
    top = squared.max(axis=1)
    squared -= top[:, None]
    return np.asarray(top + np.log(np.exp(squared, out=squared).sum(axis=1) / others))


def density_attack(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Probability that the release is denser at a member than at another, for their rarity.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    rng : numpy.random.Generator
        Chooses whom to attack, where there are more than :data:`MOST_ATTACKED` on a side.

    Returns
    -------
    list of Finding
        One; 0.5 is chance.

    Notes
    -----
    DOMIAS: van Breugel, Sun, Qian & van der Schaar 2023, arXiv:2302.12580.  Both densities
    are Gaussian kernels as wide as half the median distance of a real patient to the five
    nearest others; the population is members and others together without the patient in
    question, so that both sides are treated alike.  Bounds as for ``proximity``.
    """
    people = attacked(inputs)
    real, n = people.real_points(), len(people.members)
    width = max(float(np.median(isolation(real))) / 2.0, SMALLEST_WIDTH)
    members = sampled(n, rng)
    others = n + sampled(len(people.others), rng)
    targets = np.concatenate((members, others))
    common = log_density(real[targets], real, width, targets)
    score = log_density(real[targets], people.synthetic.points, width) - common
    return [compared(MEASURE, "", score[: len(members)], score[len(members) :])]


def sampled(size: int, rng: np.random.Generator) -> Positions:
    """Everybody, or :data:`MOST_ATTACKED` of them at random, in order."""
    if size <= MOST_ATTACKED:
        return np.arange(size, dtype=np.intp)
    return np.sort(rng.permutation(size)[:MOST_ATTACKED]).astype(np.intp)
