"""One row of a table as a picture: published interval, model, cohort, on a scale of its own.

The scale belongs to the row, because a share of 0.01 % and one of 60 % stand in the same
table; the numbers stand beside it.
"""

from __future__ import annotations

from synthgen.fidelity.comparison import Comparison, Outcome
from synthgen.fidelity.net_survival import NORMAL_95
from synthgen.report.words import Html

WIDTH = 132
EDGE = 5
"""Free space left and right of the outermost value [pixels]."""


def dots(comparison: Comparison) -> Html:
    """Small picture of a comparison; the numbers beside it say the same to those who hear.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    Html
        Four paths, whose look the style sheet gives by their order: published interval with
        its 95 % limits, faint; published interval, orange; model, a black line; cohort with
        its 95 % limits, blue, a diamond at its middle point.  Places are whole pixels.
    """
    said = comparison.statement
    spread = NORMAL_95 * said.standard_error
    around = (max(said.lower - spread, 0.0), min(said.upper + spread, 1.0))
    values = [*around, comparison.fitted]
    cohort: tuple[float, float, float] | None = None
    if comparison.estimate is not None:
        reach = NORMAL_95 * (comparison.standard_error or 0.0)
        middle = comparison.estimate
        cohort = (max(middle - reach, 0.0), middle, middle + reach)
        values += [*cohort]
    low, high = min(values), max(values)
    width = (high - low) or 1.0

    def x(value: float) -> int:
        return EDGE + round((value - low) / width * (WIDTH - 2 * EDGE))

    wide, narrow = x(around[1]) - x(around[0]), x(said.upper) - x(said.lower)
    ways = [f"m{x(around[0])},7h{wide}", f"m{x(said.lower)},7h{max(narrow, 1)}"]
    ways.append(f"m{x(comparison.fitted)},2v10")
    if cohort:
        left, middle_at, right = (x(v) for v in cohort)
        ways.append(f"m{left},11h{middle_at - left}h{right - middle_at}")
    drawn = "".join(f"<path d={way} />" for way in ways)
    faint = "" if comparison.outcome is Outcome.COMPARED else " faint"
    return Html(f'<svg class="d{faint}">{drawn}</svg>' if faint else f"<svg class=d>{drawn}</svg>")
