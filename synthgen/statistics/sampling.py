"""Sampling errors of published proportions, counts and survival values.

Notes
-----
A proportion of ``x`` in ``n`` gets the standard deviation of its posterior under Jeffreys'
prior, Beta(x + 1/2, n - x + 1/2), which stays positive at 0 and 1 (Brown LD, Cai TT,
DasGupta A, Interval estimation for a binomial proportion, Stat Sci 2001;16:101,
doi:10.1214/ss/1009213286).  A confidence interval of a survival value is read back on the
log(-log) scale, on which such intervals are usually made (Kalbfleisch JD, Prentice RL, The
Statistical Analysis of Failure Time Data, 2nd ed. 2002, section 1.4), or on the plain scale
where it is symmetric or touches 0 or 1.
"""

from __future__ import annotations

import math

from synthgen.statistics.model import Cell, Relation, StatisticsTable

NORMAL_975 = 1.959963984540054
"""Quantile .975 of the standard normal distribution; half-width of a 95 % interval."""

UNPUBLISHED_CASES = 25.0
"""Cases a value is taken to rest on where its n was not published [persons].

Our assumption: a share with no n is given the weight of a small series, so that it fills a
gap but never outweighs a count.  ``weight`` in a table's descriptor changes it.
"""

ASSUMED_CASES = 16.0
"""Pseudo-cases behind an assumption [persons] (DESIGN section 6.3: the floor of borrowing)."""

RULE_OF_THREE = 3.0
"""Upper 95 % limit of a Poisson mean when none were counted [cases].

Hanley JA, Lippman-Hand A, If nothing goes wrong, is everything all right?, JAMA
1983;249:1743, doi:10.1001/jama.1983.03330370053031.
"""

SMALLEST_ERROR = 1e-9
"""Floor of a standard error, so that a statement never has infinite weight."""


def cases_behind(table: StatisticsTable, cell: Cell) -> float:
    """Cases a value rests on: its n, or the number taken where none was published."""
    if cell.n is not None:
        return cell.n
    return ASSUMED_CASES if table.relation is Relation.ASSUMED else UNPUBLISHED_CASES


def proportion_error(proportion: float, n: float) -> float:
    """Standard error of a proportion of ``n`` cases (see module notes).

    Examples
    --------
    >>> round(proportion_error(0.5, 98), 4)
    0.05
    >>> proportion_error(0.0, 10) > 0
    True
    """
    shrunk = (proportion * n + 0.5) / (n + 1.0)
    return math.sqrt(shrunk * (1.0 - shrunk) / (n + 2.0))


def interval_error(value: float, lower: float, upper: float) -> float:
    """Standard error of a value whose 95 % confidence limits are published.

    Examples
    --------
    >>> round(interval_error(0.51, 0.43, 0.58), 3)
    0.038
    """
    plain = (upper - lower) / (2.0 * NORMAL_975)
    inside = 0.0 < lower < upper < 1.0 and 0.0 < value < 1.0
    symmetric = abs((upper + lower) / 2.0 - value) < 0.02 * (upper - lower)
    if symmetric or not inside:
        return max(plain, SMALLEST_ERROR)
    spread = math.log(-math.log(lower)) - math.log(-math.log(upper))
    return max(-value * math.log(value) * spread / (2.0 * NORMAL_975), SMALLEST_ERROR)


def value_error(table: StatisticsTable, cell: Cell) -> float:
    """Standard error of a proportion: from its confidence limits, else from its cases."""
    if cell.ci_lower is not None and cell.ci_upper is not None:
        return interval_error(cell.value, cell.ci_lower, cell.ci_upper)
    return proportion_error(cell.value, cases_behind(table, cell))
