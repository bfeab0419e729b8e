r"""M2, the method: how much privacy loss an attacker can prove who sees a mechanism's outputs.

A mechanism is run many times on two data sets that differ in one person.  A score says of each
output which of the two it looks like: the exact ratio of likelihoods where that is known.  If
the mechanism is :math:`(\varepsilon, \delta)`-private, then of all outputs with a score of at
least :math:`t`

.. math:: P(\text{score} \ge t \mid \text{with}) \le
          e^\varepsilon P(\text{score} \ge t \mid \text{without}) + \delta,

so that a lower bound of the one and an upper bound of the other prove a lower bound of
:math:`\varepsilon`; and the same with the data sets, or the sides of the threshold, exchanged.

Notes
-----
Jagielski, Ullman and Oprea 2020, doi:10.48550/arXiv.2006.07709; Nasr et al. 2021,
doi:10.1109/SP40001.2021.00069.  Bounds of proportions: Clopper and Pearson 1934,
doi:10.1093/biomet/26.4.404, each at :data:`ALPHA` over the number of bounds (Bonferroni), so
that all of them hold together, whatever threshold looks best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

ALPHA = 1e-7
"""Probability that any bound of one audit is wrong: an honest mechanism is called a liar in one
audit of ten million."""

THRESHOLDS = 48
"""Scores that are tried as thresholds, fixed before anything is drawn."""

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Audited:
    """What an audit of one mechanism proves.

    Parameters
    ----------
    name : str
    epsilon_proven : float
        Lower bound of epsilon at ``delta``; 0 where nothing is proven.
    epsilon, delta : float
        The claim.
    draws : int
        Outputs that were looked at, on both data sets together.
    ceiling : float
        The most that so many draws can prove, even of outputs that give everything away.
    """

    name: str
    epsilon_proven: float
    epsilon: float
    delta: float
    draws: int
    ceiling: float

    @property
    def excess(self) -> float:
        """Proven epsilon less the claimed one: over zero, the claim is false."""
        return self.epsilon_proven - self.epsilon


def thresholds_for(most: float) -> Scores:
    """Scores to try, even on the scale of likelihood ratios.

    Parameters
    ----------
    most : float
        Largest score worth trying, over 0: some standard deviations of an honest score.
    """
    half = np.linspace(0.0, most, THRESHOLDS // 2)
    return np.concatenate([-half[:0:-1], half])


def proven_epsilon(
    without: npt.ArrayLike, with_person: npt.ArrayLike, delta: float, thresholds: npt.ArrayLike
) -> float:
    """Lower bound of epsilon at delta, from scores of outputs on both data sets.

    Parameters
    ----------
    without, with_person : array-like of float
        Scores of outputs on either data set: greater where the person seems to be in.  They may
        be infinite.  A score that is not a number counts against the proof.
    delta : float
    thresholds : array-like of float
        Chosen before the outputs were looked at.

    Returns
    -------
    float
        0 or greater; it holds with a probability of at least 1 - :data:`ALPHA`.
    """
    apart, beside = (np.asarray(s, dtype=np.float64) for s in (without, with_person))
    tried = np.asarray(thresholds, dtype=np.float64)
    if not (len(apart) and len(beside) and len(tried)):
        return 0.0
    alpha = ALPHA / (8 * len(tried))
    best = 0.0
    for sign in (1.0, -1.0):
        for hit, miss in ((beside, apart), (apart, beside)):
            hits, misses = ((sign * s[:, None] >= sign * tried).sum(axis=0) for s in (hit, miss))
            lower = lower_bound(hits, len(hit), alpha)
            upper = upper_bound(misses, len(miss), alpha)
            proven = lower - delta > 0
            if proven.any():
                best = max(best, float(np.log((lower - delta)[proven] / upper[proven]).max()))
    return best


def lower_bound(hits: npt.ArrayLike, n: int, alpha: float) -> Scores:
    """Clopper-Pearson lower bound of a probability."""
    hit = np.asarray(hits, dtype=np.float64)
    found = betaincinv(np.maximum(hit, 1.0), n - hit + 1.0, alpha)
    return np.asarray(np.where(hit > 0, found, 0.0))


def upper_bound(hits: npt.ArrayLike, n: int, alpha: float) -> Scores:
    """Clopper-Pearson upper bound of a probability."""
    hit = np.asarray(hits, dtype=np.float64)
    found = betaincinv(hit + 1.0, np.maximum(n - hit, 1.0), 1.0 - alpha)
    return np.asarray(np.where(hit < n, found, 1.0))


def most_provable(n: int, delta: float, tried: int = THRESHOLDS) -> float:
    """Epsilon that ``n`` outputs on each data set prove if they give the person away each time."""
    alpha = ALPHA / (8 * tried)
    lower, upper = lower_bound(n, n, alpha), upper_bound(0, n, alpha)
    return max(0.0, math.log(max(float(lower) - delta, 1e-300) / float(upper)))


def audited(
    name: str,
    without: npt.ArrayLike,
    with_person: npt.ArrayLike,
    claim: tuple[float, float],
    most: float,
) -> Audited:
    """Audit of scores.

    Parameters
    ----------
    name : str
    without, with_person : array-like of float
        As :func:`proven_epsilon` says.
    claim : tuple of (float, float)
        Epsilon and delta.
    most : float
        Largest threshold.
    """
    apart, beside = np.asarray(without), np.asarray(with_person)
    epsilon, delta = claim
    tried = thresholds_for(most)
    return Audited(
        name,
        proven_epsilon(apart, beside, delta, tried),
        epsilon,
        delta,
        len(apart) + len(beside),
        most_provable(min(len(apart), len(beside)), delta, len(tried)),
    )
