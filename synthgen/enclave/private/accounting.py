"""How much privacy a question costs: zero-concentrated differential privacy.

A mechanism that is rho-zCDP (Bun & Steinke 2016, doi:10.1007/978-3-662-53641-4_24) adds up:
the rho of several questions to the same records is their sum.  It is (epsilon, delta)-DP for

    delta = min over alpha > 1 of
            exp((alpha - 1) (alpha rho - epsilon)) / (alpha - 1) * (1 - 1 / alpha) ** alpha

(Canonne, Kamath & Steinke 2020, proposition 12 and corollary 13,
doi:10.29012/jpc.784).
"""

from __future__ import annotations

import math

from synthgen.errors import PrivacyBudgetError

ACCOUNTING = (
    "rho adds up (Bun & Steinke 2016, doi:10.1007/978-3-662-53641-4_24); rho to (epsilon, delta) "
    "by Canonne, Kamath & Steinke 2020, corollary 13, doi:10.29012/jpc.784; Gaussian noise: "
    "rho = sensitivity^2 / (2 sigma^2); noisy maximum with Gumbel noise: bounded range, rho = "
    "sensitivity^2 / (2 scale^2) (Cesar & Rogers 2021, arXiv 2004.07223)"
)

#: Largest epsilon that is taken for a protection at all.
LARGEST_EPSILON = 100.0
#: Smallest epsilon and delta at which the sums below keep their digits; answers are nothing but
#: noise long before.
SMALLEST_EPSILON, SMALLEST_DELTA = 1e-12, 1e-300
#: Steps of a bisection: more than the digits of a double.
_STEPS = 200
#: Share by which a bisection stays on the safe side of its answer.
_SAFE = 1e-9


def require_claim(epsilon: float, delta: float) -> None:
    """Refuse what is no claim of differential privacy.

    Raises
    ------
    PrivacyBudgetError
        If epsilon or delta is not a number in range.
    """
    if not (math.isfinite(epsilon) and 0 < epsilon <= LARGEST_EPSILON):
        raise PrivacyBudgetError(
            f"epsilon: is {epsilon:g}; it must be above 0 and at most {LARGEST_EPSILON:g}"
        )
    if epsilon < SMALLEST_EPSILON:
        raise PrivacyBudgetError(
            f"epsilon: is {epsilon:g}; it must be at least {SMALLEST_EPSILON:g}, below which it "
            "cannot be added up"
        )
    if not (math.isfinite(delta) and 0 < delta < 1):
        raise PrivacyBudgetError(
            f"delta: is {delta:g}; it must be above 0 and below one in the number of patients"
        )
    if delta < SMALLEST_DELTA:
        raise PrivacyBudgetError(
            f"delta: is {delta:g}; it must be at least {SMALLEST_DELTA:g}, below which it cannot be "
            "added up"
        )


def delta_of(rho: float, epsilon: float) -> float:
    """Smallest delta that this conversion proves for rho at epsilon.

    Parameters
    ----------
    rho, epsilon : float

    Examples
    --------
    >>> round(delta_of(0.5, 4.0), 6)
    0.000196
    """
    if rho <= 0:
        return 0.0

    # The exponent is convex in alpha; its derivative is (2 alpha - 1) rho - epsilon +
    # log(1 - 1 / alpha), which rises from minus infinity.
    low, high = 1.0, (epsilon + 1) / (2 * rho) + 2
    for _ in range(_STEPS):
        alpha = (low + high) / 2
        if alpha <= 1 or (2 * alpha - 1) * rho - epsilon + math.log1p(-1 / alpha) < 0:
            low = alpha
        else:
            high = alpha
    alpha = max(high, 1 + 1e-12)
    exponent = (alpha - 1) * (alpha * rho - epsilon) + alpha * math.log1p(-1 / alpha)
    exponent -= math.log(alpha - 1)
    return min(math.exp(min(exponent, 0.0)), 1.0)


def epsilon_of(rho: float, delta: float) -> float:
    """Smallest epsilon that this conversion proves for rho at delta.

    Parameters
    ----------
    rho, delta : float
    """
    if rho <= 0:
        return 0.0
    low, high = 0.0, rho + 2 * math.sqrt(rho * math.log(1 / delta)) + 1
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if delta_of(rho, middle) <= delta else (middle, high)
    return high


def rho_of(epsilon: float, delta: float) -> float:
    """Largest rho of which this conversion proves (epsilon, delta), a billionth less.

    Parameters
    ----------
    epsilon, delta : float

    Raises
    ------
    PrivacyBudgetError
        As :func:`require_claim`.

    Examples
    --------
    >>> round(rho_of(1.0, 1e-6), 4)
    0.0244
    """
    require_claim(epsilon, delta)
    low, high = 0.0, epsilon + math.log(1 / delta) + 10
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle, epsilon) <= delta else (low, middle)
    return low * (1 - _SAFE)


def gaussian_rho(sensitivity: float, sigma: float) -> float:
    """Rho of counts with Gaussian noise.

    Bun & Steinke 2016, proposition 6; for the discrete Gaussian Canonne, Kamath & Steinke
    2020, theorem 4.
    """
    return (sensitivity / sigma) ** 2 / 2


def sigma_of(sensitivity: float, rho: float) -> float:
    """Standard deviation [counts] of noise that costs rho."""
    return sensitivity / math.sqrt(2 * rho)


def noisy_best_rho(sensitivity: float, scale: float) -> float:
    """Rho of the largest of some scores with Gumbel noise.

    It is the exponential mechanism at epsilon ``2 sensitivity / scale``, whose range is
    bounded by that epsilon, so it is ``epsilon ** 2 / 8``-zCDP (Cesar & Rogers 2021).
    """
    return (sensitivity / scale) ** 2 / 2


def gumbel_scale_of(sensitivity: float, rho: float) -> float:
    """Scale of the Gumbel noise of a selection that costs rho."""
    return sensitivity / math.sqrt(2 * rho)
