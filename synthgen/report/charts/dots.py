"""One row of a table as a picture: published interval, model, cohort, on a scale of its own.

The scale belongs to the row, because a share of 0.01 % and one of 60 % stand in the same
table; the numbers stand beside it.
"""

from __future__ import annotations

from synthgen.fidelity.comparison import Comparison, Outcome
from synthgen.fidelity.net_survival import NORMAL_95
from synthgen.report.charts.svg import number
from synthgen.report.words import Html

WIDTH = 132.0
EDGE = 5.0
"""Free space left and right of the outermost value [pixels]."""


def dots(comparison: Comparison) -> Html:
    """Small picture of a comparison; the numbers beside it say the same to those who hear.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    Html
        Orange: published interval, and faintly its 95 % limits.  Black line: model.  Blue
        diamond: cohort, with its 95 % limits.
    """
    said = comparison.statement
    spread = NORMAL_95 * said.standard_error
    around = (max(said.lower - spread, 0.0), min(said.upper + spread, 1.0))
    values = [*around, comparison.fitted]
    cohort: tuple[float, float] | None = None
    if comparison.estimate is not None:
        reach = NORMAL_95 * (comparison.standard_error or 0.0)
        cohort = (max(comparison.estimate - reach, 0.0), comparison.estimate + reach)
        values += [*cohort, comparison.estimate]
    low, high = min(values), max(values)
    width = (high - low) or 1.0

    def x(value: float) -> str:
        return number(EDGE + (value - low) / width * (WIDTH - 2 * EDGE))

    parts = [f'<path class=w d="M{x(around[0])} 7H{x(around[1])}"/>']
    parts.append(f'<path class=p d="M{x(said.lower)} 7h.1H{x(said.upper)}"/>')
    if cohort:
        parts.append(f'<path class=k d="M{x(cohort[0])} 11H{x(cohort[1])}"/>')
        parts.append(f"<use href=#cohort x={x(comparison.estimate or 0.0)} />")
    parts.append(f'<path class=m d="M{x(comparison.fitted)} 2V12"/>')
    faint = "" if comparison.outcome is Outcome.COMPARED else " faint"
    opened = f'<svg class="dots{faint}">' if faint else "<svg class=dots>"
    return Html(f"{opened}{''.join(parts)}</svg>")


def defined() -> Html:
    """The shape that all these pictures share; it stands once in a page."""
    return Html(
        "<svg class=vh aria-hidden=true><defs><path id=cohort class=c "
        'd="M0 7.6l3.4 3.4l-3.4 3.4l-3.4-3.4z"/></defs></svg>'
    )
