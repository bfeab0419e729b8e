"""What was asked of a cohort: how many, from which seed, of whom, followed until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from synthgen.cohort.asked_schema import require_clinical
from synthgen.cohort.calendar import period_of, years_of
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.follow_up import FollowUpRule
from synthgen.cohort.further_tumours import PUBLISHED_RATE
from synthgen.cohort.identifiers import CAPACITY
from synthgen.cohort.names import MARKS
from synthgen.cohort.of_records import is_of_records
from synthgen.cohort.population import (
    REGION,
    Residents,
    conditioned,
    drawn_cases,
    residents_of,
    with_expected,
)
from synthgen.errors import UsageError
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.randomness import block_sizes
from synthgen.statistics.statement import TIME_VARIABLE

#: Stands for a cut-off where follow-up is what the records had.
NO_CUT_OFF = "9999-12-31"
#: Years of follow-up after the last year of diagnosis, if nothing else is asked for.
DEFAULT_FOLLOW_UP = 5
#: With clinical tables: with what nobody published, or without it.
CLINICAL = ("all", "published")
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
    residents : Residents or None
        The population whose cases these are; None where a number of patients was asked for.
    names : {"", "ko", "et"}
        Language of demonstration names; none without one.
    clinical : {"", "all", "published"}
        Whether the ten clinical tables are made, and whether with what nobody published.
    """

    n: int
    seed: int
    follow_up: FollowUpRule
    first_year: int
    last_year: int
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replicate: tuple[int, int] | None = None
    further_tumours: float = PUBLISHED_RATE
    residents: Residents | None = None
    names: str = ""
    clinical: str = ""

    @property
    def blocks(self) -> list[int]:
        """Patients in each block; nobody is one empty block, so that tables have columns."""
        return block_sizes(self.n) or [0]

    def distribution(self, model: FittedModel) -> Distribution | Mixture:
        """What the patients are sampled from.

        Raises
        ------
        EvidenceError
            If nobody can be as ``where`` says.
        """
        return conditioned(model, self.where, self.residents)

    def of_replicate(self, model: FittedModel, number: int, count: int) -> Settings:
        """The same request of a replicate's model; cases of a population are drawn anew."""
        asked = replace(self, replicate=(number, count))
        if self.residents is None:
            return asked
        residents = with_expected(model, self.residents, self.where)
        return replace(asked, residents=residents, n=drawn_cases(model, residents, self.seed))

    def describe(self) -> dict[str, Any]:
        """Plain JSON values for the manifest."""
        return {
            **({"population": self.residents.describe()} if self.residents else {}),
            "n": self.n,
            "seed": self.seed,
            "where": {name: list(codes) for name, codes in self.where.items()},
            "diagnosed": period_of(self.first_year, self.last_year) if self.first_year else "",
            "cut_off": self.follow_up.cut_off,
            "lost_per_year": self.follow_up.lost_per_year,
            "further_tumours_per_year": self.further_tumours,
            **({"names": self.names} if self.names else {}),
            **({"clinical": self.clinical} if self.clinical else {}),
        }


def default_cut_off(model: FittedModel) -> str:
    """Last day of follow-up if nothing else is asked for (ISO date)."""
    if is_of_records(model):
        return NO_CUT_OFF
    return f"{years_of(model.pack.target.period)[1] + DEFAULT_FOLLOW_UP}-12-31"


def settings_for(
    model: FittedModel,
    n: int,
    *,
    seed: int = 1,
    where: Mapping[str, tuple[str, ...]] | None = None,
    follow_up: FollowUpRule | None = None,
    further_tumours: float = PUBLISHED_RATE,
    names: str = "",
    clinical: str = "",
) -> Settings:
    """Settings of a cohort of a model.

    Raises
    ------
    UsageError
        If ``n`` is below 1 or beyond the identifiers, the seed negative, a variable or
        code unknown (near names are offered), the cut-off before the first diagnosis, or a
        rate below 0 or without bounds, names of a language that has none, or clinical
        tables of a model of another schema.
    """
    if n < 1:
        raise UsageError(f"number of patients: is {n}; it must be 1 or more")
    if n > CAPACITY:
        raise UsageError(f"number of patients: is {n}; there are {CAPACITY} identifiers")
    if clinical:
        if clinical not in CLINICAL:
            raise UsageError(f"clinical: is {clinical}; it must be {' or '.join(CLINICAL)}")
        require_clinical(model.schema)
        if is_of_records(model):
            raise UsageError("clinical tables: a model of records makes the tables of its records")
    if is_of_records(model):
        return _settings_of_records(model, n, seed, where or {})
    if TIME_VARIABLE not in model.distribution.domain.names:
        raise UsageError(
            f"{model.id}: is no model of patients, it has no {TIME_VARIABLE}; a cohort needs one"
        )
    if seed < 0:
        raise UsageError(f"seed: is {seed}; it must be 0 or more")
    first, last = years_of(model.pack.target.period)
    rule = follow_up or FollowUpRule(default_cut_off(model))
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
    if names and names not in MARKS:
        raise UsageError(f"names: {names} is no language of names; choose of {', '.join(MARKS)}")
    return Settings(
        n,
        seed,
        rule,
        first,
        last,
        checked_evidence(model, where or {}),
        further_tumours=further_tumours,
        names=names,
        clinical=clinical,
    )


def _settings_of_records(
    model: FittedModel, n: int, seed: int, where: Mapping[str, tuple[str, ...]]
) -> Settings:
    """Settings of rows of a model of records, whose follow-up is part of the model."""
    if seed < 0:
        raise UsageError(f"seed: is {seed}; it must be 0 or more")
    rule = FollowUpRule(NO_CUT_OFF)
    return Settings(n, seed, rule, 0, 0, checked_evidence(model, where), further_tumours=0.0)


def requested(
    model: FittedModel,
    n: int | None,
    years: int | None,
    population: str = "",
    *,
    age_adjusted: bool = True,
    trend: bool = True,
    **options: Any,
) -> Settings:
    """Settings of either a number of patients or some years of a population.

    Raises
    ------
    UsageError
        If neither or both are asked for, or what belongs to a population stands beside a
        number of patients; and as :func:`settings_for` and :func:`settings_of_population`.
    """
    if (n is None) == (years is None):
        said = "neither is given" if n is None else "both are given"
        raise UsageError(
            f"a number of patients or a number of years: {said}; it must be one of them"
        )
    if years is not None:
        return settings_of_population(
            model, years, population, age_adjusted=age_adjusted, trend=trend, **options
        )
    if population or not (age_adjusted and trend):
        raise UsageError(
            "population: goes with a number of years; for a number of patients of a region, give "
            f"the condition {REGION} (--where {REGION}=CODE)"
        )
    return settings_for(model, n or 0, **options)


def settings_of_population(
    model: FittedModel,
    years: int,
    population: str = "",
    *,
    age_adjusted: bool = True,
    trend: bool = True,
    seed: int = 1,
    where: Mapping[str, tuple[str, ...]] | None = None,
    **options: Any,
) -> Settings:
    """Settings of a cohort that is what a population has in some years.

    Parameters
    ----------
    model : FittedModel
    years : int
        Years of the population, the target period's last one at their end [years].
    population, age_adjusted, trend
        As for :func:`~synthgen.cohort.population.residents_of`.
    seed : int
        Draws the number of patients as well as the patients.
    where : mapping of str to tuple of str, optional
        Codes by variable: only such patients.
    **options
        As :func:`settings_for` takes them.

    Raises
    ------
    UsageError
        As :func:`settings_for` and :func:`~synthgen.cohort.population.residents_of`; or if a
        region stands among the conditions beside the population.
    EvidenceError
        If nobody can be as ``where`` says.
    """
    residents = residents_of(model, population, years, age_adjusted=age_adjusted, trend=trend)
    where = dict(where or {})
    if residents.region:
        if REGION in where:
            raise UsageError(
                f"--where {REGION}: the population says where patients live; give one of them"
            )
        where[REGION] = (residents.region,)
    asked = settings_for(model, 1, seed=seed, where=where, **options)
    residents = with_expected(model, residents, asked.where)
    n = drawn_cases(model, residents, seed)
    if n > CAPACITY:
        raise UsageError(f"number of patients: is {n}; there are {CAPACITY} identifiers")
    first = asked.last_year - years + 1
    return replace(asked, n=n, first_year=first, residents=residents)


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
