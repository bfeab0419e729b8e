"""Making findings: bounds attached, and nothing that is not a number gets through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from synthgen.fidelity.intervals import Bounded, exact_share, share_difference
from synthgen.findings import TOO_FEW, Finding, not_testable

FEWEST = 32
"""Attacked persons below which an attack on one release says nothing: with 32 of them and no
success the exact 95 % bound is 0.089, and the European Medicines Agency's limit is 0.09."""

NOT_A_NUMBER = "measure.reason.not_a_number"
"""Catalogue key: the computation gave no number."""


def bounded(
    measure: str,
    family: str,
    part: str,
    found: Bounded,
    n: int,
    detail: Mapping[str, Any] | None = None,
) -> Finding:
    """Finding of an estimate with bounds; not testable if any of them is not a number."""
    numbers = (found.estimate, found.lower, found.upper)
    if not all(math.isfinite(number) for number in numbers):
        return not_testable(measure, family, NOT_A_NUMBER, part=part, n=n, detail=detail)
    detectable = found.detectable if math.isfinite(found.detectable) else None
    return Finding(measure, family, part, *numbers, n, detectable, None, dict(detail or {}))


def counted(
    measure: str,
    family: str,
    part: str,
    count: float,
    n: int,
    detail: Mapping[str, Any] | None = None,
) -> Finding:
    """Finding without sampling error: it is about this very cohort, table or artefact."""
    return bounded(measure, family, part, Bounded(count, count, count, math.nan), n, detail)


def share(
    measure: str,
    family: str,
    part: str,
    hits: int,
    n: int,
    detail: Mapping[str, Any] | None = None,
) -> Finding:
    """Finding of a share of trials with exact bounds; not testable without trials."""
    if n == 0:
        return not_testable(measure, family, TOO_FEW, part=part, detail=detail)
    return bounded(measure, family, part, exact_share(hits, n), n, detail)


def excess(
    measure: str,
    family: str,
    part: str,
    members: tuple[float, int],
    others: tuple[float, int],
    detail: Mapping[str, Any] | None = None,
    fewest: int = FEWEST,
) -> Finding:
    """Finding of how much more often an attack succeeds on members than on others.

    Parameters
    ----------
    measure, family, part
        As in :class:`~synthgen.findings.Finding`.
    members, others : tuple of (float, int)
        Successes and persons attacked, among those whose records went into the generator
        and among those whose records did not.
    detail : mapping, optional
    fewest : int
        Persons that each side needs.
    """
    (hits, n), (false_hits, m) = members, others
    said = {"members": n, "others": m, **(detail or {})}
    if min(n, m) < fewest:
        return not_testable(measure, family, TOO_FEW, part=part, n=min(n, m), detail=said)
    said |= {"share_of_members": hits / n, "share_of_others": false_hits / m}
    return bounded(measure, family, part, share_difference(hits, n, false_hits, m), n + m, said)
