"""Years that the period of a table names, so that releases of several years can be subtracted."""

from __future__ import annotations

import re

_YEAR = r"(1[89]\d\d|20\d\d|21\d\d)"
_ONE = re.compile(rf"^\D*{_YEAR}\D*$")
_RANGE = re.compile(rf"^\D*{_YEAR}\s*(?:-|–|—|~|/|to|부터|년\s*[-–~])\s*{_YEAR}\D*$")

MOST_YEARS = 100
"""Longest period that is taken apart into years; a longer one is no period of diagnosis."""


def years_of(period: str) -> tuple[str, ...]:
    """Calendar years of a period, ``()`` where it names none or says something else.

    Parameters
    ----------
    period : str
        As a table states it: ``"2023"``, ``"2013-2017"``, ``"2019~2023년"``.

    Examples
    --------
    >>> years_of("2013-2015")
    ('2013', '2014', '2015')
    >>> years_of("2023")
    ('2023',)
    >>> years_of("mid-1990s cohort, 12 centres")
    ()
    """
    text = " ".join(period.split())
    both = _RANGE.match(text)
    if both:
        first, last = int(both[1]), int(both[2])
        if first <= last < first + MOST_YEARS:
            return tuple(str(year) for year in range(first, last + 1))
        return ()
    one = _ONE.match(text)
    return (one[1],) if one else ()
