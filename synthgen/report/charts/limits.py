"""One finding as a picture: the interval, the value, and the limit that it is held against."""

from __future__ import annotations

from synthgen.report.charts.svg import number
from synthgen.report.words import Html

WIDTH, EDGE, MIDDLE = 220.0, 6.0, 12.0
ROOM = 0.12
"""Free space beyond the outermost value, as a part of the range."""


def limit_picture(
    estimate: float | None, lower: float | None, upper: float | None, limit: float | None
) -> Html:
    """Small picture of a finding; the numbers beside it say the same to those who hear.

    Parameters
    ----------
    estimate, lower, upper : float or None
        An interval that is open on one side runs to the edge.
    limit : float or None
        None where nothing is asked; there is no coloured ground then.

    Returns
    -------
    Html
        Green ground up to the limit, a dark line at it; blue interval, diamond at the value.
        Without an estimate, a broken line.
    """
    if estimate is None:
        return Html(
            f'<svg class=lim viewBox="0 0 220 24"><path class=ln d="M{EDGE:g} 12H{WIDTH - EDGE:g}"/></svg>'
        )
    known = [v for v in (estimate, lower, upper, limit) if v is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    span = (high - low) or 1.0
    low = low - ROOM * span if low < 0 else low
    high = high + ROOM * span

    def x(value: float) -> str:
        return number(EDGE + (value - low) / (high - low) * (WIDTH - 2 * EDGE))

    parts = [f'<path class=lb d="M{EDGE:g} 12H{WIDTH - EDGE:g}"/>']
    if limit is not None:
        if limit > low:
            parts.append(f'<path class=la d="M{EDGE:g} 12H{x(limit)}"/>')
        parts.append(f'<path class=ll d="M{x(limit)} 2V22"/>')
    start = x(lower) if lower is not None else number(EDGE)
    end = x(upper) if upper is not None else number(WIDTH - EDGE)
    if start != end:
        parts.append(f'<path class=li d="M{start} 12H{end}"/>')
    parts.append(f'<path class=le d="M{x(estimate)} 7l5 5-5 5-5-5z"/>')
    return Html(f'<svg class=lim viewBox="0 0 220 24">{"".join(parts)}</svg>')
