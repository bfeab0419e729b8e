"""Line charts as SVG text, for the documentation: no library, no script, readable in print.

Lines are told apart by colour, by dashes and by the shape of their points, and are named in
words at the top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 36.0, 84.0, 52.0
#: Colour, dashes and point of each line (Okabe & Ito 2008, colours for all kinds of vision).
LOOKS = (
    ("#0072b2", "", "circle"),
    ("#d55e00", "7 4", "square"),
    ("#009e73", "2 3", "triangle"),
    ("#000000", "", "cross"),
)


@dataclass(frozen=True)
class Line:
    """One line: its name and its points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    title : str
    low, high : float
        Ends, in the unit of the values.
    ticks : sequence of (float, str)
        Where a number stands, and the number.
    logarithmic : bool
    """

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1."""
        if self.logarithmic:
            span = math.log(self.high / self.low)
            return math.log(max(value, self.low) / self.low) / span
        return (value - self.low) / (self.high - self.low)


def decades(title: str, values: Sequence[float]) -> Axis:
    """Logarithmic axis over whole powers of ten."""
    low = math.floor(math.log10(min(values)) + 1e-9)
    high = max(math.ceil(math.log10(max(values)) - 1e-9), low + 1)
    ticks = [(10.0**e, f"{10**e:,}" if e >= 0 else f"{10.0**e:g}") for e in range(low, high + 1)]
    return Axis(title, 10.0**low, 10.0**high, ticks, logarithmic=True)


def _point(look: str, x: float, y: float, colour: str) -> str:
    if look == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}"/>'
    shape = {
        "square": f"M{x - 3.4:.1f} {y - 3.4:.1f}h6.8v6.8h-6.8z",
        "triangle": f"M{x:.1f} {y - 4.4:.1f}l4.4 7.6h-8.8z",
        "cross": f"M{x - 3.6:.1f} {y - 3.6:.1f}l7.2 7.2m0 -7.2l-7.2 7.2",
    }[look]
    paint = f'stroke="{colour}" fill="none"' if look == "cross" else f'fill="{colour}"'
    return f'<path d="{shape}" {paint}/>'


def chart(title: str, x_axis: Axis, y_axis: Axis, lines: Sequence[Line]) -> str:
    """A chart as an SVG document.

    Parameters
    ----------
    title : str
        What it shows, in one sentence; read aloud to those who do not see it.
    x_axis, y_axis : Axis
    lines : sequence of Line
        At most as many as :data:`LOOKS`.
    """

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + x_axis.share(x) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - y_axis.share(y) * (HEIGHT - TOP - BOTTOM)

    floor = HEIGHT - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'width="{WIDTH:g}" height="{HEIGHT:g}" role="img" font-family="sans-serif" '
        'font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#ffffff"/>',
        f'<text x="{LEFT:g}" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for value, word in y_axis.ticks:
        y = place(x_axis.low, value)[1]
        parts.append(
            f'<path d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}" stroke="#dddddd"/>'
            f'<text x="{LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{escape(word)}</text>'
        )
    for value, word in x_axis.ticks:
        x = place(value, y_axis.low)[0]
        parts.append(
            f'<path d="M{x:.1f} {floor:g}v5" stroke="#000000"/>'
            f'<text x="{x:.1f}" y="{floor + 19:g}" text-anchor="middle">{escape(word)}</text>'
        )
    parts.append(
        f'<path d="M{LEFT:g} {floor:g}H{WIDTH - RIGHT:g}" stroke="#000000"/>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 10:g}" text-anchor="middle">'
        f"{escape(x_axis.title)}</text>"
        f'<text x="{LEFT:g}" y="{TOP - 12:g}" fill="#444444">{escape(y_axis.title)}</text>'
    )
    named = LEFT
    for line, (colour, dashes, look) in zip(lines, LOOKS, strict=False):
        places = [place(x, y) for x, y in line.points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
            + "".join(_point(look, x, y, colour) for x, y in places)
        )
        parts.append(
            f'<path d="M{named:g} 44h26" stroke="{colour}" stroke-width="2"{dashed}/>'
            + _point(look, named + 13, 44, colour)
            + f'<text x="{named + 32:g}" y="48">{escape(line.name)}</text>'
        )
        named += 48 + 7.2 * len(line.name)
    return "\n".join([*parts, "</svg>", ""])
