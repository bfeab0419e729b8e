r"""M2, what is audited: mechanisms run on two data sets that differ in one person.

The data sets are the worst pair that the ledger allows: the person changes an answer by the
whole sensitivity.  Outputs are scored with their exact ratio of likelihoods under the noise
that is claimed; where something is published on one data set only, the ratio is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.privacy.distinguishing import Audited, audited

Numbers = npt.NDArray[np.float64]

GaussianDraws = Callable[[float, int], npt.ArrayLike]
"""``draw(scale, n)``: independent discrete Gaussian noise."""

Choices = Callable[[Sequence[float], float, int], npt.ArrayLike]
"""``choose(scores, scale, n)``: positions of the noisy maxima of so many runs."""

REACH = 6.0
"""Standard deviations of an honest score beyond which no threshold is tried."""


@dataclass(frozen=True)
class TableRuns:
    """Runs of a whole tabulation on one of the two data sets.

    Parameters
    ----------
    exact : ndarray of float, shape (numbers,)
        What the tabulation counts before noise; NaN for what it would not publish.
    noisy : ndarray of float, shape (runs, numbers)
        What it published; NaN for what it did not.
    """

    exact: Numbers
    noisy: Numbers


def audit_of_gaussian(
    draw: GaussianDraws, sensitivity: float, scale: float, claim: tuple[float, float], draws: int
) -> Audited:
    """Audit of Gaussian noise on one count.

    Parameters
    ----------
    draw : callable
    sensitivity, scale : float
        As in the ledger; counts are whole, so the person changes one by the whole part of it.
    claim : tuple of (float, float)
        Epsilon and delta of this one question.
    draws : int
        Each answers on both data sets: bounds of each side hold together, however the sides
        depend on each other (Bonferroni).
    """
    shift = max(1.0, math.floor(sensitivity))
    noise = np.asarray(draw(scale, draws), dtype=np.float64)
    found = [noise, noise + shift]
    scores = [(shift * (answer - shift / 2.0)) / scale**2 for answer in found]
    loss = 0.5 * (shift / scale) ** 2
    name = f"discrete_gaussian, scale {scale:.6g}"
    return audited(name, scores[0], scores[1], claim, reach(loss))


def reach(loss: float) -> float:
    """Largest score worth trying: the ratio's mean with the person, and some deviations more."""
    return loss + REACH * math.sqrt(2.0 * loss)


def audit_of_selection(
    choose: Choices, sensitivity: float, scale: float, claim: tuple[float, float], draws: int
) -> Audited:
    """Audit of the noisy maximum of two scores, which the person exchanges.

    Parameters
    ----------
    choose : callable
    sensitivity, scale : float
        As in the ledger: the most that a score changes, and the scale of the Gumbel noise.
    claim : tuple of (float, float)
        Epsilon and delta of this one question.
    draws : int
        On both data sets together.
    """
    half, low, high = draws // 2, -sensitivity / 2.0, sensitivity / 2.0
    ratio = sensitivity / scale  # of the probabilities of each choice, as a logarithm
    without = np.asarray(choose((high, low), scale, half))
    beside = np.asarray(choose((low, high), scale, half))
    scores = [np.where(chosen == 1, ratio, -ratio) for chosen in (without, beside)]
    name = f"exponential, scale {scale:.6g}"
    return audited(name, scores[0], scores[1], claim, ratio)


def audit_of_tables(
    name: str,
    without: TableRuns,
    with_person: TableRuns,
    scale: npt.ArrayLike,
    claim: tuple[float, float],
) -> Audited:
    """Audit of a whole tabulation: everything that it publishes at once.

    Parameters
    ----------
    name : str
    without, with_person : TableRuns
        Of the two data sets; the same numbers in the same order.
    scale : array-like of float, shape (numbers,)
        Claimed noise of each number.
    claim : tuple of (float, float)
        Epsilon and delta of the whole.
    """
    sd = np.asarray(scale, dtype=np.float64)
    apart, beside = without.exact, with_person.exact
    scores = [_score(runs.noisy, apart, beside, sd) for runs in (without, with_person)]
    both = np.isfinite(apart) & np.isfinite(beside)
    loss = float((0.5 * ((beside - apart)[both] / sd[both]) ** 2).sum())
    return audited(name, scores[0], scores[1], claim, max(reach(loss), 1.0))


def _score(noisy: Numbers, apart: Numbers, beside: Numbers, sd: Numbers) -> Numbers:
    """Logarithm of how much likelier each run is with the person than without."""
    there = np.isfinite(noisy)
    both = np.isfinite(apart) & np.isfinite(beside)
    pull = np.where(both, (beside - apart) / sd**2, 0.0)
    middle = np.where(both, (beside + apart) / 2.0, 0.0)
    score = np.where(there, pull * (np.where(there, noisy, 0.0) - middle), 0.0).sum(axis=1)
    only_with = (there & ~np.isfinite(apart) & np.isfinite(beside)).any(axis=1)
    only_without = (there & np.isfinite(apart) & ~np.isfinite(beside)).any(axis=1)
    return np.where(only_with, np.inf, np.where(only_without, -np.inf, score))
