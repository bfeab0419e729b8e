"""Patients whose whole record stands in the release, word for word."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.stats import binom

from synthgen.fidelity.encoding import numbers, texts
from synthgen.fidelity.intervals import Bounded
from synthgen.fidelity.results import bounded
from synthgen.findings import Finding, Inputs, Subjects

PART = "whole records"

LEVEL = 0.05
"""Chance at which copies are no longer taken for coincidences."""

STRANGE = 0.001
"""Chance at which the records of others are taken for records that went into the generator."""

Record = tuple[str | None, ...]


def whole_records(inputs: Inputs, measure: str) -> list[Finding]:
    """Number of members whose whole record the release repeats.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    measure : str
        Id of the measure that reports it.

    Returns
    -------
    list of Finding
        One, in persons: at most all members whose record stands in the release with every
        value, and at least those whom coincidence does not explain.  None where the records of
        others stand there as well and explain it: then a whole record proves nothing.  Where it
        repeats others far more often than members, these are counted instead: the sets were
        swapped, or the others went into the generator as well.

    Notes
    -----
    Shares forgive one person in a hundred; a copy of one whole record is a disclosure all the
    same.  Only records that one real patient alone has are looked at.  Where ``x`` members and
    ``y`` others are found, coincidences fall on members with the share ``q`` of members among
    both, so that ``c`` copies are enough if a binomial of ``x - c + y`` trials reaches
    ``x - c`` with more than 5 % (the exact conditional test of two Poisson rates: Przyborowski
    & Wilenski 1940, doi:10.1093/biomet/31.3-4.313).
    """
    train, control = inputs.train, inputs.control
    if train is None or control is None:
        raise ValueError("training and control records are needed")
    columns = tuple(c for c in train.columns if c in inputs.synthetic.columns)
    members, others = (_records(side, columns) for side in (train, control))
    times = Counter((*members, *others))
    shown = set(_records(inputs.synthetic, columns)) if columns else set()
    found, by_chance = (
        sum(times[record] == 1 and record in shown for record in side) for side in (members, others)
    )
    share = len(members) / max(len(members) + len(others), 1)
    proved = copies(found, by_chance, share)
    detail = {"members": found, "others": by_chance, "columns": len(columns)}
    if taken := copies(by_chance, found, 1 - share, STRANGE):
        limits = Bounded(float(taken), float(taken), float(by_chance), np.nan)
        return [bounded(measure, "C", PART, limits, len(others), detail)]
    if by_chance and not proved:
        return []
    ratio = len(members) / max(len(others), 1)
    likely = min(max(float(proved), found - by_chance * ratio), float(found))
    limits = Bounded(likely, float(proved), float(found), np.nan)
    return [bounded(measure, "C", PART, limits, len(members), detail)]


def copies(members: int, others: int, share: float, level: float = LEVEL) -> int:
    """Fewest copies among members that coincidence leaves unexplained.

    Parameters
    ----------
    members, others : int
        Whole records found in the release.
    share : float
        Of members among all real patients.
    level : float
        Chance at which copies are no longer taken for coincidences.

    Examples
    --------
    >>> [copies(1, 0, 0.5), copies(20, 0, 0.5), copies(20, 18, 0.5)]
    [0, 16, 0]
    """
    low, high = 0, members  # the fewer are left, the likelier they are by coincidence
    while low < high:
        copied = (low + high) // 2
        left = members - copied
        if binom.sf(left - 1, left + others, share) > level:
            high = copied
        else:
            low = copied + 1
    return low


def _records(subjects: Subjects, columns: tuple[str, ...]) -> list[Record]:
    """Every patient as texts of all values; None where missing."""
    sides: list[list[str | None]] = []
    for name in columns:
        if name in subjects.numeric:
            values = numbers(subjects.frame[name])
            sides.append([None if np.isnan(v) else f"{v:.12g}" for v in values])
        else:
            sides.append(list(texts(subjects.frame[name])))
    return list(zip(*sides, strict=True))
