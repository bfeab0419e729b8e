"""Family I for evaluations: the table audit of the packs behind a release.

What a release would make known for the first time is judged apart from what its publisher
has already made known: a part ``already published`` has a limit of its own in a policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from synthgen.findings import Finding, Inputs
from synthgen.schema.model import Schema
from synthgen.statistics.audit import audit, limits_for
from synthgen.statistics.audit.report import MEASURES, NO_SURVIVAL
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


def _audited(packs: tuple[StatisticsPack, ...], schema: Schema, k_min: int) -> dict[str, Finding]:
    """Findings of one audit by measure."""
    if _last and _last[1] is schema and _last[2] == k_min and len(_last[0]) == len(packs):
        same = all(one is other for one, other in zip(_last[0], packs, strict=True))
        if same:
            kept: dict[str, Finding] = _last[3]
            return kept
    report = audit(packs, schema, limits=limits_for(k_min), explain=False)
    found = {finding.measure: finding for finding in report.findings()}
    _last[:] = [packs, schema, k_min, found]
    return found


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
        One.  Where there is nothing of the kind (no number is hidden, no table is about
        survival), nothing is given away: zero, and ``n`` counts the numbers looked at.
    """
    del rng
    packs = [inputs.pack] if inputs.pack is not None else []
    prior = getattr(inputs.model, "prior", None)
    if inputs.model is not None:
        packs = [inputs.model.pack, *(one for one in packs if one is not inputs.model.pack)]
    if prior is not None:
        packs.append(prior.pack)
    found = _audited(tuple(packs), inputs.schema, inputs.k_min)[measure]
    public = all(pack.origin == PUBLIC for pack in packs)
    numbers = sum(len(table.cells) for pack in packs for table in pack.tables)
    changes: dict[str, Any] = {}
    nothing = found.reason == NO_SURVIVAL or (found.estimate == 0 and found.n == 0)
    if nothing:
        detail = {**found.detail, "of_the_kind": 0}
        changes = {"estimate": 0.0, "lower": 0.0, "upper": 0.0, "reason": None}
        changes |= {"n": numbers, "detail": detail}
    if public and measure in OF_PRINTED_NUMBERS:
        changes["part"] = ALREADY_PUBLISHED
    return [replace(found, **changes)]
