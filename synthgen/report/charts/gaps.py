"""How gaps spread: one column per half standard error, and what chance alone would give."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from synthgen.fidelity.comparison import NEAR
from synthgen.report.charts.drawing import Drawing, figure
from synthgen.report.charts.svg import Point, lines, path, rectangles, tag, text, texts
from synthgen.report.words import Words, say

WIDTH, HEIGHT, TOP, BOTTOM, SIDE = 480.0, 170.0, 16.0, 36.0, 14.0
STEP, LAST = 0.5, 4.0
"""Width of a column, and where the outermost ones begin [standard errors]."""


def spread(gaps: Sequence[float]) -> list[int]:
    """Numbers of gaps in each column; everything beyond :data:`LAST` is in the outermost ones.

    Examples
    --------
    >>> spread([0.0, 0.1, -9.0])[:1], sum(spread([0.0, 0.1, -9.0]))
    ([1], 3)
    """
    columns = round(2 * LAST / STEP)
    clipped = np.clip(np.asarray(gaps, dtype=np.float64), -LAST, LAST)
    edges = np.linspace(-LAST, LAST, columns + 1)
    return [int(n) for n in np.histogram(clipped, bins=edges)[0]]


def gaps_picture(title: Words, gaps: Sequence[float], kind: str, *, chance: bool) -> Drawing:
    """Columns of gaps.

    Parameters
    ----------
    title : Words
        For people who hear the page.
    gaps : sequence of float
        [standard errors].
    kind : {"cb", "mb"}
        Class of the columns: cohort or model.
    chance : bool
        Whether to draw what independent normal errors would give.
    """
    counts = spread(gaps)
    top = max(*counts, 1)
    floor = HEIGHT - BOTTOM

    def x(errors: float) -> float:
        return SIDE + (errors + LAST) / (2 * LAST) * (WIDTH - 2 * SIDE)

    def y(count: float) -> float:
        return floor - count / top * (floor - TOP)

    near = [x(-NEAR), x(NEAR)]
    content = [
        tag("rect", x=near[0], y=TOP, width=near[1] - near[0], height=floor - TOP, class_="near")
    ]
    wide = x(STEP) - x(0.0)
    lefts = [x(-LAST + i * STEP) for i in range(len(counts))]
    both = list(zip(lefts, counts, strict=True))
    content.append(rectangles(((at + 1, y(n), wide - 2, floor - y(n)) for at, n in both), kind))
    content.append(
        texts(
            (
                (at + wide / 2, y(n) - 4, str(n))
                for at, n in both
                if n and (at < near[0] or at >= near[1] - 0.01)
            ),
            "tick",
        )
    )
    if chance:
        content.append(path(_normal(len(gaps), x, y, top), "mo"))
    content.append(lines([(SIDE, floor, WIDTH - SIDE, floor)], "axis"))
    for mark in range(-int(LAST), int(LAST) + 1, 2):
        word = f"{mark:+d}".replace("-", "−") if mark else "0"
        if abs(mark) == LAST:
            word = f"{word[0]}{abs(mark)} …" if mark > 0 else f"… {word}"
        content.append(text(x(float(mark)), floor + 15, word, "tick", _anchor(mark)))
    content.append(text(WIDTH / 2, floor + 31, say("report.chart.errors"), "tick", "middle"))
    return figure(WIDTH, HEIGHT, title, say("report.chart.gaps", n=len(gaps)), content)


def _anchor(mark: int) -> str:
    if abs(mark) < LAST:
        return "middle"
    return "end" if mark > 0 else "start"


def _normal(
    n: int, x: Callable[[float], float], y: Callable[[float], float], top: int
) -> list[Point]:
    """Expected heights of the columns under the standard normal distribution."""
    points = []
    for i in range(65):
        errors = -LAST + i * 2 * LAST / 64
        height = n * STEP * math.exp(-(errors**2) / 2) / math.sqrt(2 * math.pi)
        points.append((x(errors), y(min(height, float(top)))))
    return points
