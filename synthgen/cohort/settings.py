"""What was asked of a cohort: how many, from which seed, of whom, followed until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

from synthgen.cohort.calendar import years_of
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.follow_up import FollowUpRule
from synthgen.cohort.further_tumours import PUBLISHED_RATE
from synthgen.cohort.identifiers import CAPACITY
from synthgen.errors import UsageError

#: Years of follow-up after the last year of diagnosis, if nothing else is asked for.
DEFAULT_FOLLOW_UP = 5
#: Highest rate of further tumours that may be asked for [per person-year].
HIGHEST_RATE = 1.0


@dataclass(frozen=True)
class Settings:
    """A request for a cohort, checked against its model.

    Parameters
    ----------
    n : int
        Patients.
    seed : int
    where : mapping of str to tuple of str
        Codes by variable; empty for everybody.
    follow_up : FollowUpRule
    first_year, last_year : int
        Calendar years of diagnosis.
    replicate : tuple of int or None
        Number of this replicate, from 1, and how many there are; None for a single cohort.
    further_tumours : float
        Rate of further primary tumours while a patient is followed [per person-year].
    """

    n: int
    seed: int
    follow_up: FollowUpRule
    first_year: int
    last_year: int
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replicate: tuple[int, int] | None = None
    further_tumours: float = PUBLISHED_RATE

    def describe(self) -> dict[str, Any]:
        """Plain JSON values for the manifest."""
        return {
            "n": self.n,
            "seed": self.seed,
            "where": {name: list(codes) for name, codes in self.where.items()},
            "diagnosed": f"{self.first_year}-{self.last_year}",
            "cut_off": self.follow_up.cut_off,
            "lost_per_year": self.follow_up.lost_per_year,
            "further_tumours_per_year": self.further_tumours,
        }


def settings_for(
    model: FittedModel,
    n: int,
    *,
    seed: int = 1,
    where: Mapping[str, tuple[str, ...]] | None = None,
    follow_up: FollowUpRule | None = None,
    further_tumours: float = PUBLISHED_RATE,
) -> Settings:
    """Settings of a cohort of a model.

    Raises
    ------
    UsageError
        If ``n`` is below 1 or beyond the identifiers, the seed negative, a variable or
        code unknown (near names are offered), the cut-off before the first diagnosis, or a
        rate below 0 or without bounds.
    """
    if n < 1:
        raise UsageError(f"number of patients: is {n}; it must be 1 or more")
    if n > CAPACITY:
        raise UsageError(f"number of patients: is {n}; there are {CAPACITY} identifiers")
    if seed < 0:
        raise UsageError(f"seed: is {seed}; it must be 0 or more")
    first, last = years_of(model.pack.target.period)
    rule = follow_up or FollowUpRule(f"{last + DEFAULT_FOLLOW_UP}-12-31")
    try:
        cut_off = np.datetime64(rule.cut_off, "D")
    except ValueError:
        raise UsageError(f"cut-off: {rule.cut_off} is no date; it must be as 2022-12-31") from None
    if np.isnat(cut_off) or cut_off < np.datetime64(f"{last}-12-31"):
        raise UsageError(f"cut-off: {rule.cut_off}; it must be a day from {last}-12-31 on")
    if not 0 <= rule.lost_per_year < np.inf:
        raise UsageError(
            f"loss to follow-up: is {rule.lost_per_year} per year; 0 or more is needed"
        )
    if not 0 <= further_tumours <= HIGHEST_RATE:
        raise UsageError(
            f"further tumours: are {further_tumours} per year; it must be 0 to {HIGHEST_RATE:g}"
        )
    return Settings(
        n,
        seed,
        rule,
        first,
        last,
        checked_evidence(model, where or {}),
        further_tumours=further_tumours,
    )


def checked_evidence(
    model: FittedModel, where: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Evidence whose variables and codes the model knows; families become their members.

    Raises
    ------
    UsageError
        With the nearest names, if it does not.
    """
    domain = model.distribution.domain
    checked: dict[str, tuple[str, ...]] = {}
    for name, codes in where.items():
        if name not in domain.codes:
            raise UsageError(f"--where {name}: no such variable; {_nearest(name, domain.names)}")
        known = domain.codes[name]
        chosen: list[str] = []
        for code in codes:
            members = [code] if code in known else _family(model, name, code)
            if not members:
                raise UsageError(f"--where {name}={code}: no such code; {_nearest(code, known)}")
            chosen += members
        checked[name] = tuple(c for c in known if c in chosen)
    return checked


def _family(model: FittedModel, name: str, code: str) -> list[str]:
    """Codes of a variable whose family is ``code``."""
    column = model.schema.variable(name).column
    if not column:
        return []
    table, _, field_name = column.partition(".")
    codes = model.schema.table(table).column(field_name).codes
    if codes is None:
        return []
    known = model.distribution.domain.codes[name]
    return [c.code for c in codes.codes if c.family == code and c.code in known]


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.4)
    return f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(known[:12])}"
