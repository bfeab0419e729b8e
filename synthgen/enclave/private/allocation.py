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
