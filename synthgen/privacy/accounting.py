r"""M1, the arithmetic: what a ledger of differential privacy costs, added up anew.

This is written apart from the code that spends a budget, and shares nothing with it but the
types of the ledger, so that one mistake is not made twice.

Notes
-----
Zero-concentrated differential privacy (zCDP): Bun and Steinke 2016,
doi:10.1007/978-3-662-53641-4_24.  A discrete Gaussian of scale :math:`\sigma` on counts that
one unit changes by at most :math:`\Delta` in L2 costs :math:`\rho = \Delta^2 / 2\sigma^2`
(Canonne, Kamath and Steinke 2020, arXiv:2004.00010, theorem 4).  The exponential mechanism,
drawn as the largest of scores with Gumbel noise of scale :math:`\beta`, is
:math:`2\Delta/\beta`-DP with bounded range, where no score changes by more than
:math:`\Delta`; its cost is an eighth of the square of that, :math:`\rho = \Delta^2 / 2\beta^2`
(Cesar and Rogers 2021, arXiv:2004.07223).  Costs add up, whatever was asked in the light of
earlier answers.  A cost becomes :math:`(\varepsilon, \delta)` by proposition 12 of Canonne,
Kamath and Steinke: for every order :math:`\alpha > 1`

.. math:: \varepsilon = \alpha\rho + \ln(1 - 1/\alpha) - \frac{\ln(\delta\alpha)}{\alpha - 1}.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from scipy.optimize import minimize_scalar

from synthgen.statistics.ledger import Ledger, LedgerEntry

TOLERANCE = 1e-6
"""Relative slack of sums of rounded numbers; a cent of a budget, not a part of one."""


def cost(sensitivity: float, scale: float) -> float:
    """Cost in zCDP of one question, of either mechanism.

    Parameters
    ----------
    sensitivity : float
        Most that one unit changes the answer: in L2 [counts], or of any score.
    scale : float
        Of the Gaussian or of the Gumbel noise, in the same unit.

    Examples
    --------
    >>> round(cost(1.0, 10.0), 6)
    0.005
    """
    return 0.5 * (sensitivity / scale) ** 2


def epsilon_of(rho: float, delta: float) -> float:
    r"""Smallest :math:`\varepsilon` at :math:`\delta` that a zCDP cost implies.

    Parameters
    ----------
    rho : float
        0 or greater.
    delta : float
        Over 0, under 1.

    Examples
    --------
    >>> epsilon_of(0.0, 1e-6)
    0.0
    >>> round(epsilon_of(0.5, 1e-6), 4)
    5.2215
    """
    if rho <= 0:
        return 0.0

    def bound(log_order: float) -> float:
        over = math.exp(log_order)  # order less one
        order = 1.0 + over
        return order * rho + math.log(over / order) - math.log(delta * order) / over

    middle = 0.5 * math.log(math.log(1.0 / delta) / rho)
    found = minimize_scalar(
        bound, bounds=(middle - 12.0, middle + 12.0), method="bounded", options={"xatol": 1e-10}
    )
    return max(0.0, float(found.fun))


def cost_of(entries: Iterable[LedgerEntry]) -> float:
    """Cost in zCDP of all entries, from their sensitivities and scales alone."""
    return math.fsum(cost(entry.sensitivity, entry.scale) for entry in entries)


def epsilon_spent(ledger: Ledger) -> float:
    """What the entries of a ledger cost at its delta; the costs that it states are not believed."""
    return epsilon_of(cost_of(ledger.entries), ledger.delta)


def exceeds(value: float, limit: float) -> bool:
    """Whether a number is over another by more than rounding.

    Examples
    --------
    >>> exceeds(1.0000000001, 1.0), exceeds(1.01, 1.0), exceeds(float("nan"), 1.0)
    (False, True, True)
    """
    return not value <= limit * (1.0 + TOLERANCE)
