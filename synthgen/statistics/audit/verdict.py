"""Which numbers are too well known, under limits that somebody sets."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.errors import UsageError
from synthgen.statistics.audit.reconstruction import Reconstruction, hidden_nodes

SMALL_GROUP = 11
"""Groups below it must not be all alike [persons]: one in eleven is the 9 % that EMA policy 0070
and Health Canada allow (reference in docs/reference/audit.md)."""

EVENTS = 5
"""Fewest deaths between two printed times of a survival curve (our choice)."""

DOMINANCE = 0.85
"""Largest share of one institution in a group: the (1, 85 %) rule (our choice of 85)."""


def least_width(min_cell: int) -> int:
    """Number of other values that a hidden cell must keep, where nobody says (our choice).

    Half of what suppression below ``min_cell`` leaves if no total gives anything away.

    Examples
    --------
    >>> [least_width(k) for k in (2, 5, 11)]
    [1, 2, 5]
    """
    return max(1, (min_cell - 1) // 2)


@dataclass(frozen=True)
class Limits:
    """What counts as a small number and as too well known.

    Parameters
    ----------
    min_cell : int
        Numbers from here on are no secret [persons].
    min_width : int
        Other values that a smaller number must keep.
    small_group : int
        Groups below it must not be all alike [persons].
    events, at_risk : int
        Fewest deaths in a step of a survival curve, and patients at risk [persons].

    Raises
    ------
    UsageError
        If one of them is not positive.
    """

    min_cell: int = 5
    min_width: int = 2
    small_group: int = SMALL_GROUP
    events: int = EVENTS
    at_risk: int = SMALL_GROUP

    def __post_init__(self) -> None:
        for name in ("min_cell", "min_width", "small_group", "events", "at_risk"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1")


def limits_for(min_cell: int, min_width: int | None = None) -> Limits:
    """Limits with the default width for a smallest cell."""
    return Limits(min_cell, least_width(min_cell) if min_width is None else min_width)


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


def undecided_nodes(found: Reconstruction, min_cell: float, min_width: float) -> list[int]:
    """Hidden nodes that may be too well known, which the work allowed did not settle."""
    lower, upper = found.lower, found.upper
    return sorted(
        node
        for node in found.undecided
        if lower[node] < min_cell and not is_at_risk(lower[node], upper[node], min_cell, min_width)
    )
