"""Survival curves for the report of an evaluation: beside the published ones, or the real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.cohort.cohort import Cohort
from synthgen.errors import ContractError
from synthgen.evaluation.inputs import Given, inputs_of
from synthgen.evaluation.policy import Policy
from synthgen.evaluation.target import COHORT, Target
from synthgen.fidelity.compare import ComparedCohort
from synthgen.fidelity.encoding import texts
from synthgen.fidelity.end_points import Times, times_of
from synthgen.fidelity.net_survival import SurvivalCurve, kaplan_meier
from synthgen.findings import Inputs
from synthgen.report.charts.survival import SurvivalPicture, survival
from synthgen.report.group_section import Picture, survival_pictures
from synthgen.report.words import Words, plain, say
from synthgen.schema.documents import read_document

MOST = 6
"""Strata that are drawn beside the whole."""

FEWEST = 20
"""Patients with a time that both sides of a stratum need [patients]."""

LONGEST = 10.0
"""End of the time axis at most [years]."""


def published_curves(target: Target) -> tuple[Picture, ...]:
    """Survival of the synthetic patients beside the model's and what was published.

    Parameters
    ----------
    target : Target
        With tables and the model that they were drawn from, and made from published
        statistics alone; nothing is drawn otherwise.

    Returns
    -------
    tuple of Picture
        Nothing in it comes from records, so it may stand in the public edition.
    """
    if target.model is None or not target.tables or not target.is_public:
        return ()
    manifest = {}  # of a model, the patients were drawn without conditions
    if target.kind == COHORT:
        manifest = read_document(target.folder / "manifest.json", ContractError)
    cohort = Cohort(target.schema, dict(target.tables), manifest)
    compared = ComparedCohort(target.model, cohort)
    return survival_pictures(compared, plain(target.name), [{}])[1]


def real_curves(target: Target, given: Given, policy: Policy) -> tuple[Picture, ...]:
    """Survival of the synthetic patients beside that of the real ones: internal edition only.

    Parameters
    ----------
    target : Target
    given : Given
        With training records; nothing is drawn otherwise.
    policy : Policy
        Its strata are drawn, the largest first, if there are enough patients on both sides.
    """
    if given.train is None or not target.tables:
        return ()
    inputs = inputs_of(target, given, policy)
    if inputs.train is None:
        return ()
    real = times_of(inputs.schema, inputs.train)
    synthetic = times_of(inputs.schema, inputs.synthetic)
    if real is None or synthetic is None:
        return ()
    drawn = [_curve(say("part.everybody"), real, synthetic)]
    for name, ours, theirs in _strata(inputs, policy, real, synthetic):
        drawn.append(_curve(plain(name), _part(real, ours), _part(synthetic, theirs)))
    return tuple(picture for picture in drawn if picture is not None)


Rows = np.ndarray[tuple[int], np.dtype[np.bool_]]


def _strata(
    inputs: Inputs, policy: Policy, real: Times, synthetic: Times
) -> list[tuple[str, Rows, Rows]]:
    """Names of the largest strata, and which rows are in them."""
    if inputs.train is None:
        return []
    found: list[tuple[int, str, Rows, Rows]] = []
    least = max(FEWEST, policy.k_min)
    for columns in policy.strata:
        if not set(columns) <= set(inputs.train.columns) & set(inputs.synthetic.columns):
            continue
        sides = [_labels(side.frame, columns) for side in (inputs.train, inputs.synthetic)]
        for label in np.unique(sides[0]):
            ours, theirs = sides[0] == label, sides[1] == label
            counts = int((ours & real.known).sum()), int((theirs & synthetic.known).sum())
            if min(counts) >= least:
                found.append((counts[0], str(label), ours, theirs))
    found.sort(key=lambda row: -row[0])
    return [row[1:] for row in found[:MOST]]


def _labels(frame: object, columns: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    parts = [texts(frame[name]).astype(str) for name in columns]  # type: ignore[index]
    return np.array([", ".join(row) for row in zip(*parts, strict=True)], dtype=np.str_)


def _part(times: Times, rows: Rows) -> Times:
    return Times(times.years[rows], times.event[rows], times.columns)


def _curve(title: Words, real: Times, synthetic: Times) -> Picture | None:
    sides = [_estimate(side) for side in (real, synthetic)]
    if sides[0] is None or sides[1] is None:
        return None
    until = min(LONGEST, max(float(side.time[-1]) for side in sides if side is not None))
    known = sides[0].time <= until
    years = np.concatenate(([0.0], np.repeat(sides[0].time[known], 2)))
    values = np.repeat(np.concatenate(([1.0], sides[0].survival[known])), 2)[:-1]
    drawing = survival(
        say("report.survival.title", group=title),
        SurvivalPicture(sides[1], years, values, (), max(until, 1.0)),
        small=True,
    )
    counts = {"real": f"{int(real.known.sum()):,}", "synthetic": f"{int(synthetic.known.sum()):,}"}
    return Picture(title, drawing, say("evaluation.curves.real", **counts))


def _estimate(times: Times) -> SurvivalCurve | None:
    known = times.known
    return kaplan_meier(times.years[known], times.event[known]) if known.any() else None
