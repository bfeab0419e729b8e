"""Regions as equal tiles, roughly where they lie: a big empty province does not shout.

The layouts are our own.  Regions without a place here are listed in a table instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.report.charts.drawing import Drawing, figure
from synthgen.report.charts.svg import tag, text, texts
from synthgen.report.words import Html, Words, plain, say

TILES = {
    # Republic of Korea: seventeen provinces (sido), codes of local government
    **{"28": (0, 0), "11": (1, 0), "41": (2, 0), "51": (3, 0)},
    **{"44": (0, 1), "36": (1, 1), "43": (2, 1), "47": (3, 1)},
    **{"52": (0, 2), "30": (1, 2), "27": (2, 2), "31": (3, 2)},
    **{"46": (0, 3), "29": (1, 3), "48": (2, 3), "26": (3, 3)},
    "50": (0, 4),
    # Estonia: five regions of NUTS 3
    **{"EE001": (1, 0), "EE00A": (2, 0)},
    **{"EE004": (0, 1), "EE009": (1, 1), "EE008": (2, 1)},
}
"""Column and row of every region's tile, by code."""

WIDTH, TILE, HIGH, GAP, TOP, KEY = 480.0, 112.0, 78.0, 6.0, 4.0, 44.0
STEPS = 5
"""Shades, from the lowest to the highest value."""


@dataclass(frozen=True)
class Region:
    """One tile.

    Parameters
    ----------
    code : str
    name : Words
    cases : int or None
        In the cohort; None where there is only a model.
    share : float
        Of the model's patients.
    rate : float or None
        Of a cohort: cases per 100,000 inhabitants.  Of a model: its share of the patients
        over its share of the inhabitants.  None where no table tells the inhabitants.
    """

    code: str
    name: Words
    cases: int | None
    share: float
    rate: float | None


def has_places(codes: Sequence[str]) -> bool:
    """Whether every region has a tile, and no two the same one."""
    places = [TILES.get(code) for code in codes]
    return None not in places and len(set(places)) == len(places) > 1


def shade(value: float, low: float, high: float) -> int:
    """Number of the shade of a value, 0 to :data:`STEPS` - 1.

    Examples
    --------
    >>> shade(0.0, 0.0, 10.0), shade(5.0, 0.0, 10.0), shade(10.0, 0.0, 10.0), shade(1.0, 1.0, 1.0)
    (0, 2, 4, 0)
    """
    return min(int((value - low) / (high - low) * STEPS), STEPS - 1) if high > low else 0


def tile_map(title: Words, regions: Sequence[Region]) -> Drawing:
    """Tiles with name, cases and rate, darker where the rate is higher.

    Parameters
    ----------
    title : Words
        For people who hear the page.
    regions : sequence of Region
        All with a place in :data:`TILES`.
    """
    known = all(r.rate is not None for r in regions)
    values = [r.rate if known and r.rate is not None else _amount(r) for r in regions]
    low, high = min(values), max(values)
    columns = 1 + max(TILES[r.code][0] for r in regions)
    rows = 1 + max(TILES[r.code][1] for r in regions)
    left = (WIDTH - columns * (TILE + GAP) + GAP) / 2
    content: list[Html] = []
    names, amounts, rates = [], [], []
    for region, value in zip(regions, values, strict=True):
        column, row = TILES[region.code]
        x, y = left + column * (TILE + GAP), TOP + row * (HIGH + GAP)
        step = shade(value, low, high)
        content.append(tag("rect", x=x, y=y, width=TILE, height=HIGH, rx=7.0, class_=f"t{step}"))
        middle = x + TILE / 2
        names.append((middle, y + 20, _short(region.name)))
        amounts.append((middle, y + 45, _printed(region)))
        if known:
            rates.append((middle, y + 65, _rate(region)))
    content += [texts(names, "name"), texts(amounts, "big"), texts(rates, "tick")]
    floor = TOP + rows * (HIGH + GAP)
    content += _key(floor, low, high, rated=known, drawn=regions[0].cases is not None)
    told = say("report.chart.tile_map", n=len(regions))
    return figure(WIDTH, floor + KEY, title, told, content)


def _amount(region: Region) -> float:
    return region.share if region.cases is None else float(region.cases)


def _printed(region: Region) -> str:
    return f"{100 * region.share:.1f} %" if region.cases is None else f"{region.cases:,}"


def _rate(region: Region) -> str:
    """A rate with about three digits."""
    value = region.rate or 0.0
    return f"{value:.2f}" if region.cases is None or value < 1 else f"{value:,.1f}"


def _short(name: Words) -> Words:
    """Names without what every province is called by."""
    return Words(
        tuple(
            t.replace("특별자치시", "")
            .replace("특별자치도", "")
            .replace("특별시", "")
            .replace("광역시", "")
            for t in name.texts
        )
    )


def _key(floor: float, low: float, high: float, *, rated: bool, drawn: bool) -> list[Html]:
    """Shades and what they mean, under the tiles."""
    wide, top = 34.0, floor + 10
    start = WIDTH / 2 - STEPS * wide / 2
    shades = [
        tag("rect", x=start + i * wide, y=top, width=wide, height=9.0, class_=f"t{i}")
        for i in range(STEPS)
    ]
    style = "{:,.2f}" if rated or not drawn else "{:,.0f}"
    ends = [
        text(start - 7, top + 9, plain(style.format(low)), "tick", "end"),
        text(start + STEPS * wide + 7, top + 9, plain(style.format(high)), "tick", "start"),
    ]
    kind = ("rate" if drawn else "model_rate") if rated else ("cases" if drawn else "share")
    told = text(WIDTH / 2, top + 26, say(f"report.chart.tiles.{kind}"), "tick", "middle")
    return [*shades, *ends, told]
