"""The few pieces that every picture is made of; everything put in is escaped.

Elements are written as HTML writes them, shortly: attributes without quotes, paths in steps
from point to point.  A page holds a hundred pictures, and its size has a limit.
:mod:`synthgen.report.charts.drawing` makes whole pictures of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from synthgen.messages import LANGUAGES
from synthgen.report.words import Html, Words, plain

Point = tuple[float, float]

BARE = re.compile(r"[A-Za-z0-9_.#-]+")
"""Values of attributes that need no quotes."""


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit.

    Examples
    --------
    >>> number(3.0), number(-0.04), number(12.345), number(0.5), number(-0.5)
    ('3', '0', '12.3', '.5', '-.5')
    """
    text = f"{value:.1f}".removesuffix(".0")
    if text.startswith(("0.", "-0.")):
        text = text.replace("0", "", 1)
    return "0" if text == "-0" else text


def tag(name: str, *content: str, **attributes: object) -> Html:
    """An element; ``class_`` becomes ``class``, other underscores hyphens.

    Examples
    --------
    >>> tag("rect", x=1.0, class_="a", stroke_width=2)
    '<rect x=1 class=a stroke-width=2 />'
    """
    parts = [name]
    for key, value in attributes.items():
        written = number(value) if isinstance(value, float) else str(value)
        quoted = written if BARE.fullmatch(written) else f'"{escape(written)}"'
        parts.append(f"{key.rstrip('_').replace('_', '-')}={quoted}")
    inner = "".join(content)
    opened = " ".join(parts)
    return Html(f"<{opened}>{inner}</{name}>" if inner else f"<{opened} />")


def text(x: float, y: float, words: Words | str, class_: str = "", anchor: str = "") -> Html:
    """A line of text, once per language where the languages differ."""
    content = words if isinstance(words, Words) else plain(words)
    more = {"class_": class_} if class_ else {}
    if anchor:
        more["text_anchor"] = anchor
    place = {name: number(at) for name, at in (("x", x), ("y", y)) if number(at) != "0"}
    if content.same:
        return tag("text", escape(content.texts[0]), **place, **more)
    return Html(
        "".join(
            tag("text", escape(t), lang=language, **place, **more)
            for language, t in zip(LANGUAGES, content.texts, strict=True)
        )
    )


def texts(
    items: Iterable[tuple[float, float, Words | str]], class_: str, anchor: str = "middle"
) -> Html:
    """Short texts with one class and anchor, such as the numbers of an axis.

    What all of them share, a height or a distance from the edge, is written once.
    """
    found = list(items)
    if not found:
        return Html("")
    across, down = {x for x, _, _ in found}, {y for _, y, _ in found}
    x0 = across.pop() if len(across) == 1 else 0.0
    y0 = down.pop() if len(down) == 1 else 0.0
    inner = "".join(text(x - x0, y - y0, word) for x, y, word in found)
    moved = {"transform": f"translate({number(x0)} {number(y0)})"} if x0 or y0 else {}
    return tag("g", inner, class_=class_, text_anchor=anchor, **moved)


def joined(numbers: Iterable[int]) -> str:
    """Tenths of a unit, one after the other, with as little between them as can be read.

    Examples
    --------
    >>> joined([10, -15, 5, 5, 123])
    '1-1.5.5.5 12.3'
    """
    written = ""
    dotted = True
    for tenths in numbers:
        part = number(tenths / 10)
        free = part.startswith("-") or (part.startswith(".") and dotted)
        written += part if free or not written else f" {part}"
        dotted = "." in part
    return written


def steps(corners: Sequence[Point]) -> str:
    """A path through points, each written as the way from the one before.

    Ways are rounded to tenths of a unit from rounded points, so that errors do not add up;
    level and upright ones are written short.

    Examples
    --------
    >>> steps([(0, 0), (5, 0), (5, 2.5), (6, 3.5), (7, 3)])
    'M0 0h5v2.5l1 1 1-.5'
    """
    at = [(round(10 * x), round(10 * y)) for x, y in corners]
    parts: list[tuple[str, list[int]]] = [("M", list(at[0]))]
    for (x0, y0), (x, y) in pairwise(at):
        right, down = x - x0, y - y0
        if right and down:
            name, way = "l", [right, down]
        elif right or down:
            name, way = ("h", [right]) if right else ("v", [down])
        else:
            continue
        last_name, last = parts[-1]
        if name == last_name == "l":
            last += way
        elif name == last_name and (last[-1] > 0) == (way[0] > 0):
            last[-1] += way[0]  # straight on
        else:
            parts.append((name, way))
    return "".join(name + joined(numbers) for name, numbers in parts)


def lines(segments: Iterable[tuple[float, float, float, float]], class_: str) -> Html:
    """Straight lines, each from (x1, y1) to (x2, y2), as one element."""
    drawn = [steps([(x1, y1), (x2, y2)]) for x1, y1, x2, y2 in segments]
    return tag("path", d="".join(drawn), class_=class_) if drawn else Html("")


def rectangles(boxes: Iterable[tuple[float, float, float, float]], class_: str) -> Html:
    """Rectangles (x, y, width, height) as one element; empty ones are left out."""
    drawn = [
        f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z"
        for x, y, w, h in boxes
        if w > 0 and h > 0
    ]
    return tag("path", d="".join(drawn), class_=class_) if drawn else Html("")


def points(places: Iterable[Point], class_: str) -> Html:
    """Round dots as one element: strokes without length, whose width the style sheet sets."""
    return strokes(((x, y, 0.0) for x, y in places), class_)


def strokes(bars: Iterable[tuple[float, float, float]], class_: str) -> Html:
    """Level strokes (x, y, way to the right) as one element; their width is the style's."""
    drawn, x0, y0 = [], 0, 0
    for x, y, way in bars:
        at = round(10 * x), round(10 * y), round(10 * way)
        drawn.append(f"m{joined([at[0] - x0, at[1] - y0])}h{joined([at[2]])}")
        x0, y0 = at[0] + at[2], at[1]
    return tag("path", d="".join(drawn), class_=class_) if drawn else Html("")


def path(corners: Sequence[Point], class_: str, *, closed: bool = False) -> Html:
    """A line through points."""
    if not corners:
        return Html("")
    return tag("path", d=steps(corners) + ("z" if closed else ""), class_=class_)


def stepped(corners_at: Sequence[Point]) -> list[Point]:
    """The corners of a step function that changes at each point."""
    corners: list[Point] = []
    for i, (x, y) in enumerate(corners_at):
        if i:
            corners.append((x, corners_at[i - 1][1]))
        corners.append((x, y))
    return corners


def diamonds(places: Iterable[Point], size: float, class_: str) -> Html:
    """Squares on their corners as one element."""
    far = number(size)
    drawn = [
        f"M{number(x)} {number(y - size)}l{far} {far}-{far} {far}-{far}-{far}z" for x, y in places
    ]
    return tag("path", d="".join(drawn), class_=class_) if drawn else Html("")
