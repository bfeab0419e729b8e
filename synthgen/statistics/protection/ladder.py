"""How a true number of patients may be printed: exactly, as ``<k``, rounded, or as a range.

Every number stands on a ladder to ever wider ranges.  The steps are blocks whose limits are
multiples of a public number, so that the range says nothing about where in it the truth lies.
Nothing is left blank: a range fits a model better than a hole, and hides as much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LAST_STEP = 40
"""Last step of every ladder: a range that holds any number of patients."""


@dataclass(frozen=True)
class Rules:
    """Limits of a protection.

    Parameters
    ----------
    min_cell : int
        Smallest number of patients that may be recognised [persons].
    base : int or None
        Numbers are printed as multiples of it; None for suppression.
    min_width : int
        A hidden number must have at least this many other values that it may be.
    events, at_risk : int
        Fewest deaths between two times of a survival curve, and fewest patients still at
        risk [persons].
    """

    min_cell: int
    base: int | None
    min_width: int
    events: int = 5
    at_risk: int = 11


@dataclass(frozen=True)
class Shown:
    """What is printed in place of a number: its bounds, and the text if it has one."""

    lower: float
    upper: float
    text: str

    @property
    def is_exact(self) -> bool:
        """Whether the number itself is printed."""
        return self.lower == self.upper


def nearest(count: float, base: int) -> int:
    """Nearest multiple, halves up.

    Examples
    --------
    >>> [nearest(c, 5) for c in (0, 2, 3, 7, 8)]
    [0, 0, 5, 5, 10]
    """
    return math.floor(count / base + 0.5) * base


def shown(count: float, step: int, rules: Rules, *, zeros_are_printed: bool) -> Shown:
    """What is printed for a true count on one step of its ladder.

    Parameters
    ----------
    count : float
        [persons].
    step : int
        0 for what the rules ask of the number alone; each further step is coarser.
    rules : Rules
    zeros_are_printed : bool
        Whether the table prints zeros, so that ``<k`` means at least 1.
    """
    if rules.base is not None:
        if step == 0:
            middle = nearest(count, rules.base)
            half = rules.base / 2
            return Shown(max(0.0, middle - half), middle + half, str(middle))
        return _block(count, rules.base * 2**step)
    if step == 0:
        if not 0 < count < rules.min_cell:
            return Shown(count, count, f"{count:.0f}")
        low = 1.0 if zeros_are_printed else 0.0
        if rules.min_cell - 1 - low >= rules.min_width:
            return Shown(low, rules.min_cell - 1.0, f"<{rules.min_cell}")
    if count < rules.min_cell:
        return _block(0, rules.min_cell * 2 ** max(step - 1, 0))
    return _block(count, rules.min_cell * 2**step)


def _block(count: float, width: int) -> Shown:
    """The block of whole numbers that a count lies in."""
    low = int(count // width) * width
    return Shown(float(low), float(low + width - 1), f"{low}..{low + width - 1}")
