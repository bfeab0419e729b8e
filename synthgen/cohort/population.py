"""Cases of a population over some years: rates by sex and age times its person-years.

The fitted distribution is that of the target population's cases in a year; the pack says how
many there are (:mod:`synthgen.statistics.carry`) and how many people of each sex and age live
in each region.  A region has the rates of the whole and its own people, so its cases are the
model conditioned on the region, and their number is Poisson around the expected one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.of_records import is_of_records
from synthgen.cohort.record_levels import conditioned_rows
from synthgen.errors import UsageError
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.models.reweigh import conditioned as restricted
from synthgen.models.reweigh import relocated, reweighted
from synthgen.randomness import block_generator
from synthgen.statistics.carry import (
    AGE,
    SEX,
    Carried,
    People,
    carried,
    person_years_by_sex_and_age,
    states_rates,
)

FloatArray = npt.NDArray[np.float64]

REGION, SITE = "region", "site_group"
#: Most years of a population that may be asked for.
MOST_YEARS = 100
#: What Korean names of provinces end in; people leave it out.
_ENDINGS = re.compile(r"(특별자치도|특별자치시|특별시|광역시|도|시)$")
#: What names of districts end in.
_DISTRICT = re.compile(r"(-gun|-si|군|시)$")


@dataclass(frozen=True)
class Residents:
    """Whose cases were asked for.

    Parameters
    ----------
    region : str
        Code of the region; ``""`` for the whole target population.
    title, title_ko : str
    years : int
        Years of the population [years].
    age_adjusted : bool
        Rates by sex and age times the region's people of each; else one rate for all heads.
    trend : bool
        Rates carried to the target period; else as they were published.
    expected : float
        Expected cases of the request, conditions included [cases].
    """

    region: str
    title: str
    title_ko: str
    years: int
    age_adjusted: bool = True
    trend: bool = True
    expected: float = 0.0

    def label(self, language: str) -> str:
        """Name in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title

    def describe(self) -> dict[str, Any]:
        """Plain JSON values for the manifest."""
        return {
            "region": self.region or None,
            "title": self.title,
            "title_ko": self.title_ko,
            "years": self.years,
            "age_adjusted": self.age_adjusted,
            "trend": self.trend,
            "expected_cases": round(self.expected, 3),
        }


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected cases of a population.

    Parameters
    ----------
    total : float
        [cases]
    by : mapping of str to mapping of str to float
        Variable (site group, entity) to code to cases.
    places : tuple of (str, str, float, float)
        Titles (English, Korean) of the region's parts, their people, and the cases that
        their share of the region's people gives: nothing is known of their ages.
    """

    total: float
    by: Mapping[str, Mapping[str, float]]
    places: tuple[tuple[str, str, float, float], ...]

    def describe(self) -> dict[str, Any]:
        """Plain JSON values for the manifest."""
        return {
            "total": round(self.total, 3),
            **{name: {c: round(v, 3) for c, v in cases.items()} for name, cases in self.by.items()},
            "places": [
                {"title": en, "title_ko": ko, "people": people, "expected_cases": round(cases, 3)}
                for en, ko, people, cases in self.places
            ],
        }


def residents_of(
    model: FittedModel,
    population: str = "",
    years: int = 1,
    *,
    age_adjusted: bool = True,
    trend: bool = True,
) -> Residents:
    """A population of a model by name, checked.

    Parameters
    ----------
    model : FittedModel
    population : str
        Code or name of a region in English or Korean, long or short; ``""`` or the name of
        the target population for all of it.
    years : int
    age_adjusted, trend : bool
        As :class:`Residents` keeps them.

    Raises
    ------
    UsageError
        If the years are below 1, the pack does not count its people, or nobody goes by that
        name (near names are offered).
    """
    if not 1 <= years <= MOST_YEARS:
        raise UsageError(f"years: is {years}; it must be 1 to {MOST_YEARS}")
    stated = people_of_model(model)
    people = stated.people
    if people is None or not stated.cases_per_year > 0:
        missing = (
            "count the people of its target" if people is None else "state rates by sex and age"
        )
        raise UsageError(
            f"{model.id}: its pack does not {missing}, so a number of years says nothing about "
            "cases; ask for a number of patients"
        )
    target = model.pack.target
    known: dict[str, tuple[str, str, str]] = {}
    whole = ("", target.population, target.population_ko)
    for name in (target.population, target.population_ko, target.population.split()[-1], "all"):
        known[_key(name)] = whole
    for code, title, title_ko in _regions(model, people):
        for name in (code, title, title_ko, *_short(title_ko)):
            known.setdefault(_key(name), (code, title, title_ko))
    asked = _key(population or "all")
    if asked not in known:
        _refuse_place(model, population, known)
        near = get_close_matches(asked, known, n=5, cutoff=0.5)
        listed = dict.fromkeys(
            f"{title} ({title_ko})" for _, title, title_ko in map(known.__getitem__, near)
        ) or dict.fromkeys(title for _, title, _ in known.values())
        words = ", ".join(listed)
        said = f"did you mean {words}?" if near else f"known are {words}"
        raise UsageError(f"population {population!r}: no such region of {model.id}; {said}")
    return Residents(*known[asked], years, age_adjusted, trend)


def _refuse_place(
    model: FittedModel, name: str, regions: Mapping[str, tuple[str, str, str]]
) -> None:
    """Refuse a part of a region by saying which region it lies in.

    Raises
    ------
    UsageError
        If ``name`` is such a part.
    """
    titles = {code: title for code, title, _ in regions.values()}
    for place in model.pack.target.places:
        known = {_DISTRICT.sub("", _key(title)) for title in (place.title, place.title_ko)}
        if _DISTRICT.sub("", _key(name)) in known and place.region in titles:
            region = titles[place.region]
            raise UsageError(
                f"population {name!r}: is a part of {region} of which only the number of people is "
                f"known ({place.title}, {place.title_ko}); ask for {region}, and its expected "
                "cases are printed by district"
            )


def people_of_model(model: FittedModel) -> Carried:
    """The model's pack, carried to its target population."""
    return carried(model.pack, model.schema)


def _key(name: str) -> str:
    short = re.sub(r"(-do|-si)$", "", name.strip().casefold()).replace(" ", "")
    return _ENDINGS.sub("", short) or short


def _short(title_ko: str) -> Iterator[str]:
    """Names that people use for short: 강원 for 강원특별자치도, 충북 for 충청북도."""
    stem = _ENDINGS.sub("", title_ko)
    yield stem
    if len(stem) == 3 and stem[-1] in "남북":
        yield stem[0] + stem[-1]


def _regions(model: FittedModel, people: People) -> Iterator[tuple[str, str, str]]:
    codes = dict(people.variables).get(REGION, ())
    for category in model.schema.variable(REGION).categories if codes else ():
        if category.code in codes and category.code in model.distribution.domain.codes[REGION]:
            yield category.code, category.title, category.title_ko


@dataclass(frozen=True, eq=False)
class Cases:
    """The cases of a population: whom they are drawn from, and how many there are.

    Parameters
    ----------
    distribution : Distribution or Mixture
        Of the cases of the whole target, those of the population among them.
    evidence : mapping of str to tuple of str
        What tells the population's cases: the region they live in.
    whole : float
        Cases that the distribution is of [cases].
    """

    distribution: Distribution | Mixture
    evidence: Mapping[str, tuple[str, ...]]
    whole: float

    def expected(self, where: Mapping[str, tuple[str, ...]] | None = None) -> float:
        """Expected cases of the population, conditions included [cases]."""
        return self.whole * self.distribution.probability({**(where or {}), **self.evidence})

    def conditioned(
        self, where: Mapping[str, tuple[str, ...]] | None = None
    ) -> Distribution | Mixture:
        """Distribution of the population's cases.

        Raises
        ------
        EvidenceError
            If nobody can be as ``where`` says.
        """
        return restricted(self.distribution, {**(where or {}), **self.evidence})


def cases_of(model: FittedModel, residents: Residents) -> Cases:
    """Cases of a population of a model.

    Parameters
    ----------
    model : FittedModel
    residents : Residents

    Raises
    ------
    UsageError
        If the pack does not count the people of its target.
    ModelError
        If rates are to be taken back to what was published and the model does not decide
        site group, sex and age in one table.

    Notes
    -----
    With age adjustment, the region's share of the cases is the sum over sexes and ages of
    the cases times its share of the people; without, its share of all people.  Without
    trend, rates are divided by the level that carried them; without both, they are moreover
    those of the people among whom they were counted: published cases over person-years.
    """
    target = people_of_model(model)
    people = target.people
    if people is None:
        raise UsageError(f"{model.id}: its pack does not count the people of its target")
    distribution, cases = model.distribution, target.cases_per_year * residents.years
    if not residents.trend:
        names, weight = _back_to_published(model, target, people, ages=not residents.age_adjusted)
        distribution, factor = reweighted(distribution, names, weight)
        cases *= factor
    if not residents.region:
        return Cases(distribution, {}, cases)
    here = {REGION: (residents.region,)}
    if not residents.age_adjusted:
        cases *= people.among(here) / people.among({})
        distribution = relocated(distribution, REGION, residents.region)
    return Cases(distribution, here, cases)


def expected_of(
    model: FittedModel,
    residents: Residents,
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> Expected:
    """Expected cases of a population, in all, by site group, by entity and by place."""
    found = cases_of(model, residents)
    domain, evidence = found.distribution.domain, {**(where or {}), **found.evidence}
    total = found.expected(where)
    by = {}
    for name in (SITE, "entity"):
        if name in domain.names and total > 0:
            values = total * found.distribution.marginal((name,), evidence)
            pairs = zip(domain.codes[name], values, strict=True)
            by[name] = {code: float(value) for code, value in pairs if value > 0}
    places = [p for p in model.pack.target.places if p.region == residents.region]
    people = sum(place.people for place in places)
    return Expected(
        total,
        by,
        tuple((p.title, p.title_ko, p.people, total * p.people / people) for p in places),
    )


def drawn_cases(model: FittedModel, residents: Residents, seed: int) -> int:
    """Number of cases, drawn from the Poisson distribution around the expected one."""
    rng = block_generator(model.sha256, seed, 0, "cases", residents.region)
    return int(rng.poisson(residents.expected))


def with_expected(
    model: FittedModel, residents: Residents, where: Mapping[str, tuple[str, ...]]
) -> Residents:
    """The same residents with the cases that they are expected to have."""
    return replace(residents, expected=cases_of(model, residents).expected(where))


def conditioned(
    model: FittedModel, where: Mapping[str, tuple[str, ...]], residents: Residents | None
) -> Distribution | Mixture:
    """What the patients of a cohort are sampled from.

    Parameters
    ----------
    model : FittedModel
    where : mapping of str to tuple of str
        Conditions; the region of the residents may stand among them.
    residents : Residents or None
        None for the model's own population.

    Raises
    ------
    EvidenceError
        If nobody can be as ``where`` says.
    """
    if residents is None and is_of_records(model):
        return conditioned_rows(model.schema, model.distribution, where)
    if residents is None:
        return restricted(model.distribution, where)
    return cases_of(model, residents).conditioned(where)


def _back_to_published(
    model: FittedModel, target: Carried, people: People, *, ages: bool
) -> tuple[tuple[str, ...], FloatArray]:
    """What takes the cases of each site, sex and age back to the rates as published."""
    domain = model.distribution.domain
    names = tuple(n for n in (SITE, SEX, AGE) if n in domain.names)
    weight = np.ones(domain.shape(names))
    for members, level in target.levels:
        inside = domain.mask(names, {n: c for n, c in members.items() if n in names})
        weight[inside] /= level
    if ages:
        tables = [t for t in model.pack.tables if states_rates(t)]
        counted = person_years_by_sex_and_age(tables, people)
        now = people.among({})
        then = sum(counted.values())
        for at in np.ndindex(domain.shape((SEX, AGE))):
            sex, age = (domain.codes[n][i] for n, i in zip((SEX, AGE), at, strict=True))
            share = people.among({SEX: (sex,), AGE: (age,)}) / now
            inside = domain.mask(names, {SEX: (sex,), AGE: (age,)})
            weight[inside] *= counted.get((sex, age), 0.0) / then / share if share > 0 else 0.0
    return names, weight
