"""One published number beside the model's and the cohort's."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.messages import message
from synthgen.statistics.statement import Statement

NEAR = 2.0
"""Within this many standard errors two numbers are said to agree; chance alone puts about
one in twenty further apart."""

DIGITS = 6
"""Digits of a gap that decide an order: beyond them stands the rounding of a machine."""


class Outcome(enum.Enum):
    """Whether a published number could be set beside the cohort's, or why not."""

    COMPARED = "compared"
    #: The cohort was asked for narrower than the number is about: only the model, narrowed in
    #: the same way, can be compared with it.
    NARROWED = "narrowed"
    #: The number is about patients that were not asked for.
    OUTSIDE = "outside"
    #: The cohort has no patient that the number is about.
    NOBODY = "nobody"
    #: No patient of the cohort was followed for so long.
    NOT_FOLLOWED = "not_followed"
    #: No column of the cohort says it, or no estimator of ours.
    NOT_ESTIMATED = "not_estimated"


@dataclass(frozen=True)
class Comparison:
    """A published interval, the fitted value, and the cohort's own estimate.

    Parameters
    ----------
    statement : Statement
        As published.
    fitted : float
        The model's value [probability], under the cohort's conditions if it has any.
    model_gap : float or None
        How far the fitted value lies outside the published interval, in standard errors of
        the published number; None where the published number is about other patients.
    estimate : float or None
        The cohort's value by the published estimator; None is said in words by
        :meth:`note`, and is never zero.
    standard_error : float or None
        Error of ``estimate``, if the model is right.
    n : int
        Patients of the cohort behind ``estimate``.
    cohort_gap : float or None
        How far the estimate lies from the fitted value, in its own standard errors; exact
        for small counts.
    outcome : Outcome
    """

    statement: Statement
    fitted: float
    model_gap: float | None
    estimate: float | None
    standard_error: float | None
    n: int
    cohort_gap: float | None
    outcome: Outcome

    @property
    def published_gap(self) -> float | None:
        """How far the estimate lies outside the published interval, in joint standard errors."""
        if self.outcome is not Outcome.COMPARED or self.estimate is None:
            return None
        said = self.statement
        outside = max(self.estimate - said.upper, 0.0) - max(said.lower - self.estimate, 0.0)
        return outside / math.hypot(said.standard_error, self.standard_error or 0.0)

    @property
    def largest_gap(self) -> float:
        """The larger of the model's and the cohort's gap, without sign; -1 if neither is known."""
        known = [abs(g) for g in (self.model_gap, self.cohort_gap) if g is not None]
        return max(known, default=-1.0)

    def note(self, language: str) -> str:
        """Why there is no number, in words; ``""`` where there is one."""
        if self.outcome is Outcome.COMPARED:
            return ""
        return message(f"fidelity.outcome.{self.outcome.value}", language)


@dataclass(frozen=True)
class Agreement:
    """How many of some comparisons agree: two steps, never one score.

    Parameters
    ----------
    statements : int
        Published numbers.
    model_known, model_near : int
        Those that the model can be held against, and those within :data:`NEAR` of it.
    cohort_known, cohort_near : int
        The same for the cohort against the model.
    published_known, published_near : int
        The same for the cohort against the published number itself.
    """

    statements: int
    model_known: int
    model_near: int
    cohort_known: int
    cohort_near: int
    published_known: int
    published_near: int


def agreement(comparisons: Sequence[Comparison]) -> Agreement:
    """Counts over some comparisons; what could not be compared is in no numerator."""

    def counted(gaps: Sequence[float | None]) -> tuple[int, int]:
        known = [g for g in gaps if g is not None]
        return len(known), sum(abs(g) <= NEAR for g in known)

    model = counted([c.model_gap for c in comparisons])
    cohort = counted([c.cohort_gap for c in comparisons])
    published = counted([c.published_gap for c in comparisons])
    return Agreement(len(comparisons), *model, *cohort, *published)


def by_gap(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons, the largest gap first; those without one last.

    Equal gaps stay in the order of the pack.
    """
    return tuple(sorted(comparisons, key=lambda c: -round(c.largest_gap, DIGITS)))
