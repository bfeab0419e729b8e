"""Shares as bars: the cohort's bar, the model's line, the published interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.report.charts.drawing import Drawing, figure
from synthgen.report.charts.svg import diamonds, lines, strokes, texts
from synthgen.report.words import Words, percent, say

LABEL, RIGHT, ROW, TOP, BOTTOM = 186.0, 58.0, 27.0, 4.0, 22.0
WIDTH = 480.0


@dataclass(frozen=True)
class Bar:
    """One category.

    Parameters
    ----------
    label : Words
    cohort : float or None
        Share in the cohort; None if it is not known.
    fitted : float
        Share in the model.
    published : tuple of float or None
        Lower, middle and upper published share (95 %).
    """

    label: Words
    cohort: float | None
    fitted: float
    published: tuple[float, float, float] | None = None


def ticks(top: float) -> list[float]:
    """Round values from 0 to beyond ``top``, at most six.

    Examples
    --------
    >>> ticks(0.37)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25):
        if top / step <= 5.0:
            break
    count = max(int(-(-top // step)), 1)
    return [round(i * step, 6) for i in range(count + 1)]


def shortened(words: Words, limit: int = 28) -> Words:
    """A label that fits beside a bar; Hangul is twice as wide as Latin."""

    def cut(word: str) -> str:
        width = 0.0
        for i, letter in enumerate(word):
            width += 2.05 if "\u1100" <= letter <= "\uffdc" else 1.0
            if width > limit:
                return word[:i].rstrip() + "…"
        return word

    return words.map(cut)


def bars(title: Words, rows: Sequence[Bar]) -> Drawing:
    """Horizontal bars with the published interval and the model's value on each.

    Parameters
    ----------
    title : Words
        For people who hear the page.
    rows : sequence of Bar
    """
    known = [v for r in rows for v in (r.cohort, r.fitted, *(r.published or ())) if v is not None]
    scale = ticks(min(max(known, default=1.0), 1.0))
    span = WIDTH - LABEL - RIGHT

    def x(value: float) -> float:
        return LABEL + min(value, scale[-1]) / scale[-1] * span

    height = TOP + ROW * len(rows) + BOTTOM
    floor = height - BOTTOM
    middles = [TOP + ROW * (i + 0.5) for i in range(len(rows))]
    shown = [(y, row) for y, row in zip(middles, rows, strict=True) if row.cohort is not None]
    said = [(y, row.published) for y, row in zip(middles, rows, strict=True) if row.published]
    content = [
        lines(((x(t), TOP, x(t), floor) for t in scale), "grid"),
        texts(((x(t), floor + 14, f"{100 * t:g} %") for t in scale), "tick"),
        strokes(((LABEL, y - 2.5, x(row.cohort or 0.0) - LABEL) for y, row in shown), "bar"),
        texts(
            ((WIDTH - RIGHT + 8, y + 3, percent(row.cohort or 0.0)) for y, row in shown),
            "val",
            "start",
        ),
        lines(
            ((x(r.fitted), y - 11, x(r.fitted), y + 6) for y, r in zip(middles, rows, strict=True)),
            "ml",
        ),
        lines(((x(p[0]), y + 8, x(p[2]), y + 8) for y, p in said), "pl"),
        diamonds(((x(p[1]), y + 8) for y, p in said), 3.4, "pd"),
        lines([(LABEL, TOP, LABEL, floor)], "axis"),
    ]
    labels = [(LABEL - 8, y + 3, shortened(r.label)) for y, r in zip(middles, rows, strict=True)]
    content.append(texts(labels, "lab", "end"))
    return figure(WIDTH, height, title, say("report.chart.bars", n=len(rows)), content)
