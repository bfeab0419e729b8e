"""The few pieces that every picture is made of; everything put in is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from synthgen.messages import LANGUAGES
from synthgen.report.words import Html, Words, plain, say

Point = tuple[float, float]


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit.

    Examples
    --------
    >>> number(3.0), number(-0.04), number(12.345)
    ('3', '0', '12.3')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def tag(name: str, *content: str, **attributes: object) -> Html:
    """An element; ``class_`` becomes ``class``, other underscores hyphens.

    Examples
    --------
    >>> tag("rect", x=1.0, class_="a", stroke_width=2)
    '<rect x="1" class="a" stroke-width="2"/>'
    """
    parts = [name]
    for key, value in attributes.items():
        written = number(value) if isinstance(value, float) else str(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(written)}"')
    inner = "".join(content)
    opened = " ".join(parts)
    return Html(f"<{opened}>{inner}</{name}>" if inner else f"<{opened}/>")


def text(x: float, y: float, words: Words | str, class_: str = "", anchor: str = "") -> Html:
    """A line of text, once per language where the languages differ."""
    content = words if isinstance(words, Words) else plain(words)
    more = {"class_": class_} if class_ else {}
    if anchor:
        more["text_anchor"] = anchor
    if content.same:
        return tag("text", escape(content.texts[0]), x=float(x), y=float(y), **more)
    return Html(
        "".join(
            tag("text", escape(t), lang=language, x=float(x), y=float(y), **more)
            for language, t in zip(LANGUAGES, content.texts, strict=True)
        )
    )


def texts(items: Iterable[tuple[float, float, str]], class_: str, anchor: str = "middle") -> Html:
    """Short texts that are the same in every language, such as the numbers of an axis."""
    inner = "".join(
        f"<text x={number(x)} y={number(y)}>{escape(word)}</text>" for x, y, word in items
    )
    return tag("g", inner, class_=class_, text_anchor=anchor)


def lines(segments: Iterable[tuple[float, float, float, float]], class_: str) -> Html:
    """Straight lines, each from (x1, y1) to (x2, y2), as one element."""
    steps = []
    for x1, y1, x2, y2 in segments:
        start = f"M{number(x1)} {number(y1)}"
        if y1 == y2:
            steps.append(f"{start}H{number(x2)}")
        elif x1 == x2:
            steps.append(f"{start}V{number(y2)}")
        else:
            steps.append(f"{start}L{number(x2)} {number(y2)}")
    return tag("path", d="".join(steps), class_=class_) if steps else Html("")


def rectangles(boxes: Iterable[tuple[float, float, float, float]], class_: str) -> Html:
    """Rectangles (x, y, width, height) as one element; empty ones are left out."""
    steps = [
        f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z"
        for x, y, w, h in boxes
        if w > 0 and h > 0
    ]
    return tag("path", d="".join(steps), class_=class_) if steps else Html("")


def points(places: Iterable[Point], class_: str) -> Html:
    """Round dots as one element: strokes without length, whose width the style sheet sets."""
    steps = [f"M{number(x)} {number(y)}h0" for x, y in places]
    return tag("path", d="".join(steps), class_=class_) if steps else Html("")


def path(corners: Sequence[Point], class_: str, *, closed: bool = False) -> Html:
    """A line through points; level and upright pieces are written short."""
    if not corners:
        return Html("")
    at = [(number(x), number(y)) for x, y in corners]
    steps = [f"M{at[0][0]} {at[0][1]}"]
    for (x0, y0), (x, y) in pairwise(at):
        if y == y0:
            steps.append(f"H{x}" if x != x0 else "")
        else:
            steps.append(f"V{y}" if x == x0 else f"L{x} {y}")
    return tag("path", d="".join(steps) + ("Z" if closed else ""), class_=class_)


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
    steps = [
        f"M{number(x)} {number(y - size)}l{far} {far}l-{far} {far}l-{far}-{far}z" for x, y in places
    ]
    return tag("path", d="".join(steps), class_=class_) if steps else Html("")


def figure(
    width: float, height: float, title: Words, description: Words, content: Iterable[str]
) -> Html:
    """A picture that says what it is, with the sentence of intended use under it.

    Parameters
    ----------
    width, height : float
        Of the picture without that sentence [units of the view box].
    title, description : Words
        For people who hear the page.
    content : iterable of str
        Elements.
    """
    named = "".join(
        f"<{kind} lang={language}>{escape(t)}</{kind}>"
        for kind, words in (("title", title), ("desc", description))
        for language, t in zip(LANGUAGES, words.texts, strict=True)
    )
    use = text(width / 2, height + 12, say("intended_use.short"), "use", "middle")
    return Html(
        f'<svg viewBox="0 0 {number(width)} {number(height + 17)}" role="img" '
        f'class="figure">{named}{"".join(content)}{use}</svg>'
    )
