"""One-sided 95 % bounds for shares, differences of shares, ranks and means.

Every bound that a finding carries is made here, and each function names its paper.  A bound
never has the width zero because chance gave a sample without variance: that would be a
pass nobody has earned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]

Z_95 = 1.6448536269514722
"""95 % point of the standard normal distribution: the bounds are one-sided."""

Z_80 = 0.8416212335729143
"""80 % point of the standard normal distribution: the power of a smallest detectable effect."""


@dataclass(frozen=True)
class Bounded:
    """An estimate with its one-sided 95 % bounds and the smallest effect it would have found.

    Parameters
    ----------
    estimate, lower, upper : float
    detectable : float
        Effect whose lower bound lies above zero (above the chance value of a rank) with a
        probability of 80 %.
    """

    estimate: float
    lower: float
    upper: float
    detectable: float

    def as_advantage(self) -> Bounded:
        """A rank probability as an advantage over chance: twice it, less one."""
        return Bounded(
            2 * self.estimate - 1, 2 * self.lower - 1, 2 * self.upper - 1, 2 * self.detectable - 1
        )


def exact_share(hits: int, n: int) -> Bounded:
    """Share with the exact bounds of Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404.

    Raises
    ------
    ValueError
        If there are no trials, or more hits than trials.

    Examples
    --------
    >>> round(exact_share(0, 32).upper, 3)
    0.089
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"hits ({hits}) must be between 0 and the trials ({n}, at least 1)")
    lower = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, 0.05))
    upper = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 0.95))
    # smallest share with which at least one hit is seen in 80 % of samples of this size
    return Bounded(hits / n, lower, upper, 1.0 - 0.2 ** (1.0 / n))


def wilson(hits: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """Score limits of a share: Wilson 1927, doi:10.1080/01621459.1927.10502953."""
    share, square = hits / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def share_difference(hits_a: float, n_a: float, hits_b: float, n_b: float) -> Bounded:
    """Share of A minus share of B, with the hybrid score bounds of Newcombe.

    Newcombe 1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Raises
    ------
    ValueError
        If a side has no trials.

    Examples
    --------
    >>> found = share_difference(56, 70, 48, 80)
    >>> round(found.estimate, 3), round(found.lower, 3), round(found.upper, 3)
    (0.2, 0.077, 0.314)
    """
    if n_a <= 0 or n_b <= 0:
        raise ValueError("both sides must have trials")
    share_a, share_b = hits_a / n_a, hits_b / n_b
    low_a, high_a = wilson(hits_a, n_a)
    low_b, high_b = wilson(hits_b, n_b)
    difference = share_a - share_b
    lower = difference - math.hypot(share_a - low_a, high_b - share_b)
    upper = difference + math.hypot(high_a - share_a, share_b - low_b)
    pooled = (hits_a + hits_b + 0.5) / (n_a + n_b + 1)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return Bounded(difference, lower, upper, (Z_95 + Z_80) * error)


def rank_probability(members: Floats, others: Floats) -> Bounded:
    """Probability that a member's score is above another's (area under the ROC curve).

    Ties count one half.  The bounds are the wider of DeLong's and of Newcombe's score
    method: the first has no width where the ranks are perfectly sorted.

    Parameters
    ----------
    members, others : ndarray of float64

    Raises
    ------
    ValueError
        If a side is empty or a score is not a number.

    Notes
    -----
    DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; Newcombe 2006, method 5,
    doi:10.1002/sim.2324.

    Examples
    --------
    >>> found = rank_probability(np.arange(40.0), np.arange(40.0))
    >>> found.estimate, round(found.lower, 2), round(found.upper, 2)
    (0.5, 0.39, 0.61)
    """
    m, n = len(members), len(others)
    if m == 0 or n == 0 or np.isnan(members).any() or np.isnan(others).any():
        raise ValueError("both sides must have scores, and every score must be a number")
    both = rankdata(np.concatenate((members, others)))
    above = (both[:m] - rankdata(members)) / n  # share of the others below each member
    below = 1.0 - (both[m:] - rankdata(others)) / m
    area = float(above.mean())
    variance = 0.0
    if m > 1 and n > 1:
        variance = float(above.var(ddof=1) / m + below.var(ddof=1) / n)
    low, high = _area_limits(area, m, n)
    half = Z_95 * math.sqrt(variance)
    null_error = math.sqrt((m + n + 1) / (12.0 * m * n))
    return Bounded(
        area,
        max(min(low, area - half), 0.0),
        min(max(high, area + half), 1.0),
        0.5 + (Z_95 + Z_80) * null_error,
    )


def _area_limits(area: float, m: int, n: int) -> tuple[float, float]:
    """Both limits where the score equation of Newcombe's method 5 is met, by bisection."""
    extra = (m + n) / 2 - 1

    def far(theta: float) -> float:
        shape = (1 - theta) / (2 - theta) + theta / (1 + theta)
        variance = theta * (1 - theta) * (1 + extra * shape) / (m * n)
        return (area - theta) ** 2 - Z_95**2 * variance

    def root(outer: float) -> float:
        inside, outside = area, outer
        if far(outside) <= 0:
            return outside
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if far(middle) <= 0 else (inside, middle)
        return outside

    return root(0.0), root(1.0)


def mean_bounds(estimate: float, standard_error: float, floor: float = 0.0) -> Bounded:
    """Normal bounds of an estimate from its standard error.

    Parameters
    ----------
    estimate, standard_error : float
    floor : float
        Standard error that is taken at least.
    """
    error = max(standard_error, floor)
    return Bounded(
        estimate, estimate - Z_95 * error, estimate + Z_95 * error, (Z_95 + Z_80) * error
    )
