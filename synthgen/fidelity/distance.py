"""How far a cohort lies from its model, in standard errors that small counts deserve."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtri

FloatArray = npt.NDArray[np.float64]


def count_gap(count: npt.ArrayLike, n: npt.ArrayLike, probability: npt.ArrayLike) -> FloatArray:
    """Standard errors between a count and its expectation, exact for small counts.

    Parameters
    ----------
    count, n : array-like of int
        How many of how many.
    probability : array-like of float
        What is expected of each.

    Returns
    -------
    ndarray of float64
        The normal deviate of the binomial mid-P tail: positive if more were counted than
        expected.  Infinite where the count is impossible.

    Notes
    -----
    For large counts it is the usual ``(count - n p) / sqrt(n p (1 - p))``.  For small ones
    that ratio is no standard normal deviate: one patient where 0.02 are expected happens
    once in fifty cohorts, and is 2.3 and not 7 standard errors away.  Mid-P: Lancaster
    1961, doi:10.1080/01621459.1961.10482105.

    Examples
    --------
    >>> count_gap([1, 60], [2000, 100], [1e-5, 0.5]).round(2)
    array([2.33, 1.99])
    """
    k, size, p = np.broadcast_arrays(
        np.asarray(count, dtype=np.float64),
        np.asarray(n, dtype=np.float64),
        np.clip(np.asarray(probability, dtype=np.float64), 0.0, 1.0),
    )
    lower = _upper_tail(k, size, p)
    above = (lower + _upper_tail(k + 1, size, p)) / 2
    below = 1.0 - above
    from_above = _upper_tail(size - k, size, 1 - p)  # few counted: keeps its digits
    below = np.where(below < 0.5, (from_above + _upper_tail(size - k + 1, size, 1 - p)) / 2, below)
    deviate = np.where(above < below, -ndtri(above), ndtri(below))
    spread = np.sqrt(size * p * (1 - p))
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = np.where(spread > 0, (k - size * p) / spread, np.sign(k - size * p) * np.inf)
    # Beyond 37 standard errors a tail has no digits left; the plain ratio says enough.
    deviate = np.where(np.isfinite(deviate), deviate, plain)
    return np.where(k == size * p, 0.0, deviate)


def _upper_tail(k: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """P(X >= k) of a binomial count, as an incomplete beta function."""
    inside = (k > 0) & (k <= n)
    tail = betainc(np.where(inside, k, 1.0), np.where(inside, n - k + 1, 1.0), p)
    return np.where(inside, tail, np.where(k <= 0, 1.0, 0.0))


def share_error(probability: float, n: int) -> float:
    """Standard error of a proportion of ``n`` patients, if ``probability`` is right."""
    return math.sqrt(max(probability * (1.0 - probability), 0.0) / n)
