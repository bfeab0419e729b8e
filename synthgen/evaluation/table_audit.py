"""Family I for evaluations: the table audit of the packs behind a release.

What a release would make known for the first time is judged apart from what its publisher
has already made known: a part ``already published`` has a limit of its own in a policy.  Small
differences belong to it where every number that they follow from was printed, as it is, in
published statistics: anybody can subtract them today.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from synthgen.findings import Finding, Inputs
from synthgen.schema.model import Schema
from synthgen.statistics.audit import audit, limits_for
from synthgen.statistics.audit.report import MEASURES, NO_SURVIVAL, AuditReport
from synthgen.statistics.model import StatisticsPack

#: Part of findings about numbers that anybody can read already.
ALREADY_PUBLISHED = "already published"
#: Measures of single printed numbers.  The others are about numbers that were withheld, which
#: stay withheld whoever published the rest.
OF_PRINTED_NUMBERS = frozenset({"smallest_cell", "homogeneity", "implied_counts", "survival_steps"})
PUBLIC = "public-statistics"

Run = Callable[[Inputs, np.random.Generator], list[Finding]]


#: The last audit, because seven measures are about one: packs, schema, k_min, findings.
_last: list[Any] = []

Audited = dict[str, tuple[Finding, ...]]


def _audited(packs: tuple[StatisticsPack, ...], schema: Schema, k_min: int) -> Audited:
    """Findings of one audit by measure."""
    if _last and _last[1] is schema and _last[2] == k_min and len(_last[0]) == len(packs):
        same = all(one is other for one, other in zip(_last[0], packs, strict=True))
        if same:
            kept: Audited = _last[3]
            return kept
    report = audit(packs, schema, limits=limits_for(k_min), explain=False)
    found: Audited = {finding.measure: (finding,) for finding in report.findings()}
    found["differencing"] = differences(report, packs, found["differencing"][0])
    _last[:] = [packs, schema, k_min, found]
    return found


def differences(
    report: AuditReport, packs: Sequence[StatisticsPack], whole: Finding
) -> tuple[Finding, ...]:
    """The finding of ``differencing``, parted by who can subtract already.

    Parameters
    ----------
    report : AuditReport
        Of ``packs``, in their order.
    packs : sequence of StatisticsPack
    whole : Finding
        Of all differences together.

    Returns
    -------
    tuple of Finding
        Differences that rest on a number which was withheld, or printed as a range, or on a
        pack that was not published are judged as ever; all others are ``already published``.
        Where nothing was found there is one finding: ``already published`` if all packs were.
    """
    public = {
        release
        for release, pack in zip(report.releases, packs, strict=True)
        if pack.origin == PUBLIC
    }
    problems = report.problems["differencing"]
    known = sum(
        not problem.rests_on_hidden and all(where.release in public for where in problem.because)
        for problem in problems
    )
    new = len(problems) - known
    found = []
    if new or len(public) < len(packs):
        found.append(replace(whole, estimate=float(new), lower=float(new), upper=float(new)))
    if known or not found:
        count = float(known)
        part = replace(whole, part=ALREADY_PUBLISHED, estimate=count, lower=count, upper=count)
        found.append(part)
    return tuple(found)


def audited_measures() -> dict[str, Run]:
    """Function of each measure of family I.

    Returns
    -------
    dict of str to callable
        They share one audit of the pack, and of the pack of the model's prior.
    """
    return {measure: partial(table_finding, measure) for measure in MEASURES}


def table_finding(measure: str, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Finding of the table audit under one measure.

    Parameters
    ----------
    measure : str
    inputs : Inputs
        With ``pack`` and ``k_min``, which says what a small number of persons is.
    rng : numpy.random.Generator
        Not used: nothing is sampled.

    Returns
    -------
    list of Finding
        One; of ``differencing`` two where some differences are published and some are not.
        Where there is nothing of the kind (no number is hidden, no table is about survival),
        nothing is given away: zero, and ``n`` counts the numbers looked at.
    """
    del rng
    packs = [inputs.pack] if inputs.pack is not None else []
    prior = getattr(inputs.model, "prior", None)
    if inputs.model is not None:
        packs = [inputs.model.pack, *(one for one in packs if one is not inputs.model.pack)]
    if prior is not None:
        packs.append(prior.pack)
    public = all(pack.origin == PUBLIC for pack in packs)
    numbers = sum(len(table.cells) for pack in packs for table in pack.tables)
    made = []
    for found in _audited(tuple(packs), inputs.schema, inputs.k_min)[measure]:
        changes: dict[str, Any] = {}
        if found.reason == NO_SURVIVAL or (found.estimate == 0 and found.n == 0):
            detail = {**found.detail, "of_the_kind": 0}
            changes = {"estimate": 0.0, "lower": 0.0, "upper": 0.0, "reason": None}
            changes |= {"n": numbers, "detail": detail}
        if public and measure in OF_PRINTED_NUMBERS:
            changes["part"] = ALREADY_PUBLISHED
        made.append(replace(found, **changes))
    return made
