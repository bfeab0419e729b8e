"""Survival over time: the cohort's curve with its band, the model's line, published points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.net_survival import SurvivalCurve
from synthgen.report.charts.drawing import Drawing, figure
from synthgen.report.charts.svg import (
    Point,
    diamonds,
    lines,
    path,
    stepped,
    text,
    texts,
)
from synthgen.report.words import Html, Words, say

FloatArray = npt.NDArray[np.float64]
Place = Callable[[float], float]

WIDTH, HEIGHT = 480.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 14.0, 10.0, 54.0
EXACT_UP_TO = 60
"""Knots that are drawn as steps, exactly; longer curves are drawn through equal times."""

SMOOTH = 8.0
"""Distance of the times of a longer curve [units of the view box]."""


@dataclass(frozen=True)
class PublishedPoint:
    """Survival at one time as published, with 95 % limits where they are known."""

    years: float
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, eq=False)
class SurvivalPicture:
    """What one picture shows.

    Parameters
    ----------
    cohort : SurvivalCurve or None
        None where the cohort has nobody.
    model_years, model : ndarray of float64, shape (k,)
        The model's curve [years, proportion].
    published : tuple of PublishedPoint
    until : float
        End of the time axis [years].
    """

    cohort: SurvivalCurve | None
    model_years: FloatArray
    model: FloatArray
    published: tuple[PublishedPoint, ...]
    until: float


def drawn_times(curve: SurvivalCurve, until: float) -> tuple[FloatArray, bool]:
    """Times at which a curve is drawn, and whether these are all of its steps."""
    knots = curve.time[curve.time <= until]
    if len(knots) <= EXACT_UP_TO:
        return knots, True
    end = min(until, float(curve.time[-1]))
    step = SMOOTH / (WIDTH - LEFT - RIGHT) * until
    return np.append(np.arange(step, end, step), end), False


def survival(title: Words, picture: SurvivalPicture, *, small: bool = False) -> Drawing:
    """Survival curve from diagnosis on.

    Parameters
    ----------
    title : Words
        For people who hear the page.
    picture : SurvivalPicture
    small : bool
        For several beside each other: larger letters.
    """
    left, top, drop = (64.0, 16.0, 21.0) if small else (LEFT, TOP, 17.0)

    def x(years: float) -> float:
        return left + min(years, picture.until) / picture.until * (WIDTH - left - RIGHT)

    floor = HEIGHT - BOTTOM

    def y(share: float) -> float:
        return floor - min(max(share, 0.0), 1.0) * (floor - top)

    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    marks = _year_marks(picture.until)
    content: list[Html] = [
        lines(((left, y(v), WIDTH - RIGHT, y(v)) for v in shares), "grid"),
        texts(((left - 7, y(v) + 4, f"{100 * v:g} %") for v in shares), "tick", "end"),
        lines(((x(v), floor, x(v), floor + 4) for v in marks), "axis"),
        texts(((x(v), floor + drop, f"{v:g}") for v in marks), "tick"),
        text(WIDTH - RIGHT, floor + 2 * drop - 2, say("report.chart.years"), "tick", "end"),
    ]
    if picture.cohort is not None:
        content += _cohort(picture.cohort, picture.until, x, y)
        if not small:
            content += _at_risk(picture.cohort, marks, x, floor)
    model = [(x(t), y(s)) for t, s in zip(picture.model_years, picture.model, strict=True)]
    content.append(path(model, "mo"))
    content += _published(picture.published, x, y, 7.0 if small else 4.4)
    return figure(
        WIDTH, HEIGHT, title, say("report.chart.survival", n=len(picture.published)), content
    )


def _year_marks(until: float) -> list[float]:
    step = next(s for s in (1, 2, 5, 10) if until / s <= 10)
    return [float(i * step) for i in range(int(until // step) + 1)]


def _cohort(curve: SurvivalCurve, until: float, x: Place, y: Place) -> list[Html]:
    times, exact = drawn_times(curve, until)
    at = np.searchsorted(curve.time, times, side="right") - 1
    lower, upper = curve.limits()
    own = np.where(at < 0, 1.0, curve.survival[at])
    end = min(until, float(curve.time[-1]))

    def corners(values: FloatArray) -> list[Point]:
        points = [(0.0, 1.0), *zip(times.tolist(), values.tolist(), strict=True)]
        if exact:
            points = stepped([*points, (end, points[-1][1])])
        return [(x(t), y(s)) for t, s in points]

    finite = np.isfinite(curve.log_variance[at])
    low = np.where(at < 0, 1.0, np.where(finite, lower[at], 0.0))
    high = np.where(at < 0, 1.0, np.where(finite, upper[at], own))
    band = corners(high) + corners(low)[::-1]
    return [path(band, "band", closed=True), path(corners(own), "cl")]


def _at_risk(curve: SurvivalCurve, marks: Sequence[float], x: Place, floor: float) -> list[Html]:
    """How many patients are still followed, under the axis."""
    counts = ((x(year), floor + 47, f"{curve.followed_to(year):,}") for year in marks)
    return [
        text(0.0, floor + 32, say("report.chart.at_risk"), "tick"),
        texts(counts, "risk"),
    ]


def _published(points: Sequence[PublishedPoint], x: Place, y: Place, size: float) -> list[Html]:
    limits = []
    for point in points:
        if point.lower is not None and point.upper is not None:
            at, low, high = x(point.years), y(point.lower), y(point.upper)
            limits += [
                (at, low, at, high),
                (at - 3, low, at + 3, low),
                (at - 3, high, at + 3, high),
            ]
    places = [(x(point.years), y(point.value)) for point in points]
    return [lines(limits, "pl"), diamonds(places, size, "pd")]
