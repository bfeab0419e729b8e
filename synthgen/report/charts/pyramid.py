"""Age and sex: men to the left, women to the right, in percent of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.report.charts.bars import ticks
from synthgen.report.charts.drawing import Drawing, figure
from synthgen.report.charts.svg import (
    Point,
    lines,
    path,
    points,
    strokes,
    text,
    texts,
)
from synthgen.report.words import Html, Words, say

FloatArray = npt.NDArray[np.float64]

WIDTH, ROW, GAP, TOP, BOTTOM, SIDE = 480.0, 17.0, 27.0, 22.0, 22.0, 14.0


@dataclass(frozen=True, eq=False)
class AgeSex:
    """Shares by sex (two rows: left, right) and age group, each summing to 1 in all.

    Parameters
    ----------
    cohort, published : ndarray of float64, shape (2, groups), or None
        None where there is no cohort, or no table holds them all.
    model : ndarray of float64, shape (2, groups)
    """

    cohort: FloatArray | None
    model: FloatArray
    published: FloatArray | None = None


def pyramid(
    title: Words, sexes: tuple[Words, Words], groups: tuple[str, ...], shares: AgeSex
) -> Drawing:
    """Population pyramid: bars for the cohort, an outline for the model, dots as published.

    Parameters
    ----------
    title : Words
        For people who hear the page.
    sexes : tuple of Words
        Left and right.
    groups : tuple of str
        Age groups, youngest first (drawn at the bottom).
    shares : AgeSex
    """
    layers = [x for x in (shares.cohort, shares.model, shares.published) if x is not None]
    top = ticks(max(float(layer.max()) for layer in layers) or 0.01)
    span = WIDTH / 2 - GAP - SIDE
    height = TOP + ROW * len(groups) + BOTTOM
    floor = height - BOTTOM

    def x(side: int, value: float) -> float:
        away = GAP + min(value, top[-1]) / top[-1] * span
        return WIDTH / 2 + (away if side else -away)

    def y(group: int) -> float:
        return floor - ROW * (group + 1)

    content: list[Html] = []
    for side in (0, 1):
        content.append(lines(((x(side, t), TOP, x(side, t), floor) for t in top), "grid"))
        content.append(texts(((x(side, t), floor + 14, f"{100 * t:g} %") for t in top), "tick"))
        edge = WIDTH / 2 + (1 if side else -1) * (GAP + span)
        content.append(text(edge, TOP - 8, sexes[side], "head", "end" if side else "start"))
        drawn = () if shares.cohort is None else shares.cohort[side]
        ends = [x(side, float(v)) for v in drawn]
        start = x(side, 0.0)
        content.append(
            strokes(((start, y(i) + ROW / 2, end - start) for i, end in enumerate(ends)), "bar")
        )
        possible = shares.model[side] > 0
        if not possible.any():
            continue  # a cancer of one sex
        content.append(path(_outline(shares.model[side], side, x, floor), "mo"))
        if shares.published is not None:
            places = [
                (x(side, float(v)), y(i) + ROW / 2)
                for i, v in enumerate(shares.published[side])
                if possible[i] or v > 0
            ]
            content.append(points(places, "pc"))
    content.append(
        texts(((WIDTH / 2, y(i) + ROW / 2 + 3.5, group) for i, group in enumerate(groups)), "age")
    )
    return figure(WIDTH, height, title, say("report.chart.pyramid"), content)


def _outline(
    values: FloatArray, side: int, x: Callable[[int, float], float], floor: float
) -> list[Point]:
    """Corners of the outline of one side, from the bottom up."""
    corners: list[Point] = [(x(side, 0.0), floor)]
    for i, value in enumerate(values):
        at = x(side, float(value))
        corners += [(at, floor - ROW * i), (at, floor - ROW * (i + 1))]
    return [*corners, (x(side, 0.0), floor - ROW * len(values))]
