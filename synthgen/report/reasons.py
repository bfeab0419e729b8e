"""Why a number lies far: what can be said from the model itself, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.compare import EDERER_2
from synthgen.fidelity.comparison import DIGITS, NEAR, Comparison
from synthgen.models.fit import CONFLICT
from synthgen.report.words import Words, joined, label, say
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import TIME_VARIABLE, Statement

LISTED = 5
"""Gaps of each kind that the summary shows."""

BEYOND_THREE = 0.0027
"""Part of normal deviates beyond 3 standard errors."""

NAMED_RIVALS = 2
"""Tables that a reason names."""


@dataclass(frozen=True)
class Far:
    """A number that lies far, and why.

    Parameters
    ----------
    comparison : Comparison
    why : Words
    """

    comparison: Comparison
    why: Words


def far_from_model(model: FittedModel, comparisons: Sequence[Comparison]) -> tuple[Far, ...]:
    """Published numbers furthest outside :data:`NEAR` standard errors from the model."""
    found = [c for c in comparisons if c.model_gap is not None and abs(c.model_gap) > NEAR]
    found.sort(key=lambda c: -round(abs(c.model_gap or 0.0), DIGITS))
    return tuple(Far(c, _why_model(model, c, comparisons)) for c in found[:LISTED])


def far_from_cohort(model: FittedModel, comparisons: Sequence[Comparison]) -> tuple[Far, ...]:
    """Estimates of the cohort furthest outside :data:`NEAR` standard errors of the model."""
    found = [c for c in comparisons if c.cohort_gap is not None and abs(c.cohort_gap) > NEAR]
    found.sort(key=lambda c: -round(abs(c.cohort_gap or 0.0), DIGITS))
    known = sum(c.cohort_gap is not None for c in comparisons)
    return tuple(Far(c, _why_cohort(model, c, known)) for c in found[:LISTED])


def _why_model(
    model: FittedModel, comparison: Comparison, comparisons: Sequence[Comparison]
) -> Words:
    said = comparison.statement
    rivals = _rivals(said, [c.statement for c in comparisons])
    named = joined([label(model.pack.table(name)) for name in rivals[:NAMED_RIVALS]], "; ")
    if said.relation is not Relation.PUBLISHED:
        relation = say(f"report.reason.gives_way.{said.relation.value}")
        return relation + " " + say("report.reason.rivals", tables=named) if rivals else relation
    if rivals:
        return say("report.reason.rivals", tables=named)
    return say("report.reason.none")


def _rivals(said: Statement, statements: Sequence[Statement]) -> list[str]:
    """Other tables about the same variables of some of the same patients."""
    own = {n for n, c in said.event.items() if said.given.get(n) != c}
    found: dict[str, None] = {}
    for other in statements:
        if other.table == said.table:
            continue
        about = {n for n, c in other.event.items() if other.given.get(n) != c}
        if not own & about:
            continue
        shared = set(said.given) & set(other.given)
        if all(set(said.given[n]) & set(other.given[n]) for n in shared):
            found[other.table] = None
    return list(found)


def _why_cohort(model: FittedModel, comparison: Comparison, known: int) -> Words:
    gap = abs(comparison.cohort_gap or 0.0)
    said = comparison.statement
    table = model.pack.table(said.table)
    if TIME_VARIABLE in said.event and EDERER_2.search(table.estimator) and gap > CONFLICT:
        return say("report.reason.estimator", estimator=table.estimator)
    if gap <= CONFLICT:
        return say("report.reason.chance", n=f"{comparison.n:,}")
    expected = f"{BEYOND_THREE * known:.1f}"
    return say(
        "report.reason.rare_chance", n=f"{comparison.n:,}", known=f"{known:,}", expected=expected
    )
