"""U4: survival of the release beside that of real patients."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import Floats
from synthgen.fidelity.end_points import NO_END_POINT, Times, times_of
from synthgen.fidelity.intervals import Bounded, mean_bounds
from synthgen.fidelity.marginals import real_patients
from synthgen.fidelity.net_survival import SurvivalCurve, kaplan_meier
from synthgen.fidelity.results import FEWEST, bounded, counted
from synthgen.findings import NO_RECORDS, TOO_FEW, Finding, Inputs, not_testable

MEASURE = "survival"

HORIZONS = (1.0, 3.0, 5.0)
"""Times to which survival time is restricted [years since diagnosis]."""

AT_RISK = 10
"""Patients still followed that both sides need for a comparison at a time."""

DRAWS = 100
"""Bootstrap samples for the largest gap."""


def survival(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Gaps between the two Kaplan-Meier curves, as far as both follow ten patients.

    Parameters
    ----------
    inputs : Inputs
        With ``schema`` and ``train`` or ``control``.
    rng : numpy.random.Generator
        Draws bootstrap samples.

    Returns
    -------
    list of Finding
        ``largest gap`` between the curves, less the gap that bootstrap samples of one and
        the same population have.  ``restricted mean at 1, 3, 5 years``: difference of mean survival
        times up to then, without sign, as a share of that time.  ``optimism``: mean of
        synthetic less real survival over the common time, without sign (the detail has it).
        ``sightedness``: how much shorter the longest synthetic follow-up is, as a share of
        the longest real one.

    Notes
    -----
    Optimism and sightedness: Norcliffe, Cebere, Imrie, Lio & van der Schaar 2023,
    arXiv:2302.12749.  Restricted mean with Greenwood's error: Royston & Parmar 2013,
    doi:10.1186/1471-2288-13-152.  The log-rank test is not used: its verdict depends on n.
    """
    real = real_patients(inputs)
    if real is None:
        return [not_testable(MEASURE, "U", NO_RECORDS)]
    sides = [times_of(inputs.schema, side) for side in (real, inputs.synthetic)]
    if sides[0] is None or sides[1] is None:
        return [not_testable(MEASURE, "U", NO_END_POINT)]
    n = min(int(side.known.sum()) for side in sides if side is not None)
    if n < FEWEST:
        return [not_testable(MEASURE, "U", TOO_FEW, n=n)]
    a, b = sides[0], sides[1]
    curves = _curve(a), _curve(b)
    total = int(a.known.sum() + b.known.sum())
    last = min(_last(curve) for curve in curves)
    findings = [_largest_gap(a, b, last, rng, total), _optimism(curves, last, rng, a, b, total)]
    for horizon in HORIZONS:
        part = f"restricted mean at {horizon:g} years"
        if horizon > last:
            findings.append(not_testable(MEASURE, "U", TOO_FEW, part=part, n=n))
            continue
        means, errors = zip(*(restricted_mean(c, horizon) for c in curves), strict=True)
        difference = (means[1] - means[0]) / horizon
        error = float(np.hypot(*errors)) / horizon
        detail = {"real_years": means[0], "synthetic_years": means[1]}
        found = _without_sign(mean_bounds(difference, error, 1e-6))
        findings.append(bounded(MEASURE, "U", part, found, total, detail))
    longest = [float(np.nanmax(side.years)) for side in (a, b)]
    short = (longest[0] - longest[1]) / longest[0]
    findings.append(counted(MEASURE, "U", "sightedness", max(short, 0.0), total))
    return findings


def _curve(side: Times) -> SurvivalCurve:
    return kaplan_meier(side.years[side.known], side.event[side.known])


def _last(curve: SurvivalCurve) -> float:
    """Last time at which enough patients are followed."""
    enough = curve.time[curve.at_risk >= AT_RISK]
    return float(enough[-1]) if len(enough) else 0.0


def restricted_mean(curve: SurvivalCurve, horizon: float) -> tuple[float, float]:
    """Mean survival time up to a horizon and its standard error, both in years.

    Examples
    --------
    >>> curve = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, dtype=bool))
    >>> restricted_mean(curve, 4.0)[0]
    2.5
    """
    inside = curve.time < horizon
    knots = np.concatenate(([0.0], curve.time[inside], [horizon]))
    heights = np.concatenate(([1.0], curve.survival[inside]))
    areas = heights * np.diff(knots)
    steps = np.diff(np.concatenate(([0.0], curve.log_variance[inside])))
    after = np.cumsum(areas[::-1])[::-1][1:]  # area right of each knot
    with np.errstate(invalid="ignore"):
        terms = np.where(after > 0, after**2 * steps, 0.0)
    return float(areas.sum()), float(np.sqrt(terms.sum()))


def _without_sign(found: Bounded) -> Bounded:
    """Bounds of a size from those of a signed difference."""
    inside = found.lower <= 0 <= found.upper
    ends = (abs(found.lower), abs(found.upper))
    return Bounded(abs(found.estimate), 0.0 if inside else min(ends), max(ends), found.detectable)


def _gap(a: SurvivalCurve, b: SurvivalCurve, grid: Floats) -> Floats:
    return b.at(grid) - a.at(grid)


def _resampled(side: Times, rows: int, rng: np.random.Generator) -> SurvivalCurve:
    known = np.flatnonzero(side.known)
    chosen = known[rng.integers(len(known), size=rows)]
    return kaplan_meier(side.years[chosen], side.event[chosen])


def _largest_gap(a: Times, b: Times, last: float, rng: np.random.Generator, total: int) -> Finding:
    if last <= 0:
        return not_testable(MEASURE, "U", TOO_FEW, part="largest gap", n=total)
    grid = np.linspace(0, last, 200)
    gap = float(np.nanmax(np.abs(_gap(_curve(a), _curve(b), grid))))
    sizes = [int(side.known.sum()) for side in (a, b)]
    both = Times(np.concatenate((a.years, b.years)), np.concatenate((a.event, b.event)), a.columns)
    null, drawn = np.empty(DRAWS), np.empty(DRAWS)
    for i in range(DRAWS):
        pair = [_resampled(both, size, rng) for size in sizes]
        null[i] = np.nanmax(np.abs(_gap(pair[0], pair[1], grid)))
        pair = [_resampled(side, size, rng) for side, size in zip((a, b), sizes, strict=True)]
        drawn[i] = np.nanmax(np.abs(_gap(pair[0], pair[1], grid)))
    floor = float(null.mean())
    found = mean_bounds(gap - floor, float(drawn.std(ddof=1)), 1e-6)
    detail = {"gap": gap, "floor": floor, "to_years": last}
    return bounded(MEASURE, "U", "largest gap", found, total, detail)


def _optimism(
    curves: tuple[SurvivalCurve, SurvivalCurve],
    last: float,
    rng: np.random.Generator,
    a: Times,
    b: Times,
    total: int,
) -> Finding:
    if last <= 0:
        return not_testable(MEASURE, "U", TOO_FEW, part="optimism", n=total)
    grid = np.linspace(0, last, 200)
    signed = float(np.nanmean(_gap(curves[0], curves[1], grid)))
    drawn = np.empty(DRAWS)
    for i in range(DRAWS):
        again = [_resampled(side, int(side.known.sum()), rng) for side in (a, b)]
        drawn[i] = np.nanmean(_gap(again[0], again[1], grid))
    found = _without_sign(mean_bounds(signed, float(np.std(drawn, ddof=1)), 1e-6))
    return bounded(MEASURE, "U", "optimism", found, total, {"signed": signed})
