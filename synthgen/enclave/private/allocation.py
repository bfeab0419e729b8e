"""How a budget is shared out among tables before any of them is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence


def shared_out(rho: float, cells: Sequence[int], sensitivities: Sequence[float]) -> list[float]:
    """Budget of each table, so that the expected absolute errors add up to the least.

    Parameters
    ----------
    rho : float
        For all tables.
    cells : sequence of int
        Cells of each table.
    sensitivities : sequence of float
        L2, of each table.

    Returns
    -------
    list of float
        Rho of each table; together ``rho``.

    Notes
    -----
    A table of ``c`` cells with sensitivity ``s`` and budget ``r`` has the expected absolute
    error ``c sqrt(2 / pi) s / sqrt(2 r)``; the sum is least where ``r`` is proportional to
    ``(c s) ** (2 / 3)``.

    Examples
    --------
    >>> [round(share, 3) for share in shared_out(1.0, [8, 1], [1.0, 1.0])]
    [0.8, 0.2]
    """
    weights = [(c * s) ** (2 / 3) for c, s in zip(cells, sensitivities, strict=True)]
    whole = math.fsum(weights)
    return [rho * weight / whole for weight in weights]


#: Share of the budget for single variables where a public prior says the rest, at most; noise
#: of their counts in sampling standard deviations of an average cell, at least.
SINGLES_SHARE, LEAST_NOISE = 0.7, 0.5


def single_budgets(
    rho: float, cells: Sequence[int], sensitivity: float, patients: float
) -> list[float]:
    """Budget of each single variable that is counted on top of a public prior.

    Parameters
    ----------
    rho : float
        For everything.
    cells : sequence of int
        Categories of each variable.
    sensitivity : float
        L2, of each count.
    patients : float
        Rows, with noise or from public knowledge.

    Returns
    -------
    list of float
        Together at most :data:`SINGLES_SHARE` of ``rho``.

    Notes
    -----
    A prior is wrong in margins first (who is treated where) and in dependence last.  Noise
    below :data:`LEAST_NOISE` of the sampling error ``sqrt(n (1 / c) (1 - 1 / c))`` teaches
    nothing about the patients that these are a sample of, so many rows leave the budget to
    what is counted together.

    Examples
    --------
    >>> [round(1000 * share, 2) for share in single_budgets(0.024, [2, 4], 1.0, 1e5)]
    [0.08, 0.11]
    >>> round(sum(single_budgets(0.024, [2, 4], 1.0, 50.0)), 4)
    0.0168
    """
    each = []
    for count in cells:
        share = 1 / max(count, 2)
        sigma = LEAST_NOISE * math.sqrt(max(patients, 1.0) * share * (1 - share))
        each.append((sensitivity / sigma) ** 2 / 2)
    scale = min(1.0, SINGLES_SHARE * rho / max(math.fsum(each), 1e-300))
    return [scale * budget for budget in each]


def expected_error(cells: int, sigma: float, expected_n: float) -> float:
    """Expected absolute error of a noisy table as a share of its rows.

    Parameters
    ----------
    cells : int
    sigma : float
        Standard deviation of the noise [counts].
    expected_n : float
        Rows that the table is about.

    Returns
    -------
    float
        Sum of the absolute errors over the rows; 1 is half of what two distributions that
        share nothing differ by.
    """
    return cells * sigma * math.sqrt(2 / math.pi) / expected_n
