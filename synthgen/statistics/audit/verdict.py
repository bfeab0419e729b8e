"""Which hidden cells are too well known, under limits that somebody sets."""

from __future__ import annotations

from synthgen.statistics.audit.reconstruction import Reconstruction, hidden_nodes


def least_width(min_cell: int) -> int:
    """Number of other values that a hidden cell must keep, where nobody says (our choice).

    Half of what suppression below ``min_cell`` leaves if no total gives anything away.

    Examples
    --------
    >>> [least_width(k) for k in (2, 5, 11)]
    [1, 2, 5]
    """
    return max(1, (min_cell - 1) // 2)


def is_at_risk(lower: float, upper: float, min_cell: float, min_width: float) -> bool:
    """Whether an interval gives a small number of patients away.

    Parameters
    ----------
    lower, upper : float
        Reconstruction interval [persons].
    min_cell, min_width : float
        Numbers from ``min_cell`` on are no secret; a smaller one must keep at least
        ``min_width`` other values.
    """
    return lower < min_cell and upper - lower < min_width


def at_risk_nodes(found: Reconstruction, min_cell: float, min_width: float) -> list[int]:
    """Hidden nodes of a population that are too well known, best known first."""
    nodes = [
        node
        for node in hidden_nodes(found.grid)
        if is_at_risk(found.lower[node], found.upper[node], min_cell, min_width)
    ]
    return sorted(nodes, key=lambda i: (found.upper[i] - found.lower[i], i))
