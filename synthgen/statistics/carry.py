"""Carrying published counts to the target population, where a pack says who its people are.

Counts of cases with person-years are rates.  A pack that names the people of its target
(``target.people``) is about the cases that these rates give among these people: a country
that has aged since the rates were counted has more of the cancers of the old.  A table that
``carries`` others states totals of the target period, as registries print them every year
for a few sites only: the rates it names are multiplied, the same for all ages, until they
give these totals.  Rates that nothing carries stay as they were published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, Relation, StatisticsPack, StatisticsTable
from synthgen.statistics.statement import Members, condition_of, event_of

FloatArray = npt.NDArray[np.float64]

SEX, AGE = "sex", "age_group"


@dataclass(frozen=True, eq=False)
class People:
    """The target population, counted.

    Parameters
    ----------
    table : StatisticsTable
        Of kind ``population``.
    variables : tuple of (str, tuple of str)
        Region where there is one, sex and age group, with the codes that are counted.
    count : ndarray of float64, shape (codes of each variable...)
        [persons]
    """

    table: StatisticsTable
    variables: tuple[tuple[str, tuple[str, ...]], ...]
    count: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Variables by which people are counted."""
        return tuple(name for name, _ in self.variables)

    def among(self, members: Members) -> float:
        """People who are as described [persons]; variables that are not counted play no part."""
        inside = self.count
        for axis, (name, codes) in enumerate(self.variables):
            wanted = members.get(name)
            if wanted is not None:
                keep = np.array([code in set(wanted) for code in codes])
                inside = inside.compress(keep, axis=axis)
        return float(inside.sum())

    @cached_property
    def by_sex_and_age(self) -> StatisticsTable:
        """The same people as a table by sex and age group alone."""
        axes = tuple(i for i, n in enumerate(self.names) if n not in {SEX, AGE})
        count = self.count.sum(axis=axes)
        kept = [v for v in self.variables if v[0] in {SEX, AGE}]
        cells = [
            Cell({n: (c[i],) for (n, c), i in zip(kept, at, strict=True)}, float(v), float(v))
            for at, v in np.ndenumerate(count)
        ]
        names = tuple(name for name, _ in kept)
        return replace(self.table, variables=names, cells=tuple(cells))


@dataclass(frozen=True, eq=False)
class Carried:
    """A pack whose counts speak of its target population, and what they were multiplied by.

    Parameters
    ----------
    pack : StatisticsPack
        With carried tables in the place of those as printed.
    people : People or None
        None where the pack does not name them: nothing is carried.
    cases_per_year : float
        Expected in the target population in a year [cases]; 0 where people is None or no
        table states rates.
    levels : tuple of (mapping, float)
        Members (site group, sex) and what the totals of the target period multiply their
        rates by; rates of nobody in the list are as published.
    """

    pack: StatisticsPack
    people: People | None = None
    cases_per_year: float = 0.0
    levels: tuple[tuple[Mapping[str, tuple[str, ...]], float], ...] = ()


def people_of_target(pack: StatisticsPack, schema: Schema) -> People | None:
    """The people whom a pack names as its target.

    Returns
    -------
    People or None
        None where the pack names no table.

    Raises
    ------
    StatisticsError
        If the table is missing, of another kind, not by sex and age group, or leaves out a
        combination of its codes.
    """
    if not pack.target.people:
        return None
    table = pack.table(pack.target.people)
    if table.kind != "population" or not {SEX, AGE} <= set(table.variables):
        raise StatisticsError(
            f"pack {pack.id}: target people is {table.name} by {', '.join(table.variables)}; it "
            f"must be a table of kind population by {SEX} and {AGE}"
        )
    known = {name: schema.variable(name).codes for name in table.variables}
    counted = {
        name: {code for cell in table.cells for code in cell.members.get(name, known[name])}
        for name in table.variables
    }
    variables = tuple(
        (name, tuple(code for code in known[name] if code in counted[name]))
        for name in table.variables
    )
    count = np.full([len(codes) for _, codes in variables], np.nan)
    for cell in table.cells:
        if all(len(cell.members.get(name, known[name])) == 1 for name in table.variables):
            at = tuple(codes.index(cell.members[name][0]) for name, codes in variables)
            count[at] = cell.value
    missing = int(np.isnan(count).sum())
    if missing or not count.sum() > 0:
        raise StatisticsError(
            f"{table.name}: the people of the target must be counted for every combination of "
            f"{', '.join(table.variables)} ({missing} combinations without)"
        )
    return People(table, variables, count)


def states_rates(table: StatisticsTable) -> bool:
    """Whether a table's counts are rates of the target population by sex and age."""
    return (
        table.kind == "counts"
        and not table.given
        and {SEX, AGE} <= set(table.variables)
        and table.relation in {Relation.PUBLISHED, Relation.ASSUMED}
        and any(cell.person_years for cell in table.cells)
    )


def carried(pack: StatisticsPack, schema: Schema) -> Carried:
    """Counts of a pack carried to its target population.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema

    Raises
    ------
    StatisticsError
        If the people of the target are not counted as they must be, or a table carries one
        that states no rates, a rate that another carries already, or a total that no rate
        can give.

    Notes
    -----
    A count ``c`` of ``y`` person-years becomes ``c (N t / y) f``: ``N`` people of the target
    of its sex and age, ``t`` the years for which the target population lives as many
    person-years as were counted (so that totals keep their size), and ``f`` the level:
    the printed total of a year over ``sum c N / y``.  A total without person-years is
    carried as what it contains.
    """
    people = people_of_target(pack, schema)
    rates = {table.name: table for table in pack.tables if states_rates(table)}
    for table in pack.tables:
        wrong = [name for name in table.carries if name not in rates or people is None]
        if wrong:
            raise StatisticsError(
                f"{table.name}: carries {wrong[0]}; it must be a table of counts with "
                "person-years by sex and age group, in a pack whose target names its people"
            )
    if people is None or not rates:
        return Carried(pack, people)
    levels = _levels(pack, schema, rates, people)
    counted = person_years_by_sex_and_age(rates.values(), people)
    years = sum(counted.values()) / people.among({})
    moved: dict[tuple[str, int], Cell] = {}
    parts: list[tuple[Cell, float]] = []
    for table in rates.values():
        for cell in table.cells:
            if cell.person_years and all(cell.members.values()):
                exposed = people.among(cell.members) * years
                factor = _level_of(table, cell, levels) * exposed / cell.person_years
                moved[table.name, cell.row] = _moved(cell, factor, exposed)
                parts.append((cell, factor))
    tables = tuple(
        replace(
            table,
            cells=tuple(
                moved.get((table.name, cell.row)) or _moved(cell, _of_total(cell, parts), None)
                for cell in table.cells
            ),
        )
        if table.name in rates
        else table
        for table in pack.tables
    )
    cases = sum(cell.value * factor for cell, factor in parts) / years
    return Carried(
        replace(pack, tables=tables),
        people,
        cases,
        tuple((members, level) for _, members, level in levels),
    )


def _moved(cell: Cell, factor: float, person_years: float | None) -> Cell:
    return replace(
        cell,
        lower=cell.lower * factor,
        upper=cell.upper * factor,
        person_years=person_years,
        carried=factor,
    )


def _of_total(cell: Cell, parts: Sequence[tuple[Cell, float]]) -> float:
    """What a total is multiplied by: what the counts inside it are, on the whole."""
    inside = [(part, factor) for part, factor in parts if _contains(cell.members, part.members)]
    before = sum(part.value for part, _ in inside)
    after = sum(part.value * factor for part, factor in inside)
    return after / before if before > 0 and after > 0 else 1.0


def _contains(members: Members, part: Members) -> bool:
    return all(
        codes and name in part and set(part[name]) <= set(codes) for name, codes in members.items()
    )


_Level = tuple[frozenset[str], dict[str, tuple[str, ...]], float]


def _levels(
    pack: StatisticsPack,
    schema: Schema,
    rates: Mapping[str, StatisticsTable],
    people: People,
) -> list[_Level]:
    """Tables, members and level of every total of the target period."""
    found: list[_Level] = []
    for table in pack.tables:
        if not table.carries:
            continue
        span = years_in(table)
        for cell in table.cells:
            if not cell.published:
                continue
            members = {**condition_of(table, cell, schema), **event_of(table, cell, schema)}
            if not members:
                continue  # the total of totals
            inside = [
                part.value * people.among(part.members) / part.person_years
                for name in table.carries
                for part in rates[name].cells
                if part.person_years and _contains(members, part.members)
            ]
            expected, printed = sum(inside), cell.value / span
            if expected == 0 == printed:
                continue
            if not (expected > 0 and printed > 0):
                raise StatisticsError(
                    f"{table.name} row {cell.row}: {cell.value:g} cases cannot be carried from "
                    f"rates that give {expected:.3g}; both must be positive"
                )
            found.append((frozenset(table.carries), members, printed / expected))
    return found


def _level_of(table: StatisticsTable, cell: Cell, levels: Sequence[_Level]) -> float:
    mine = [
        level
        for names, members, level in levels
        if table.name in names and _contains(members, cell.members)
    ]
    if len(mine) > 1:
        raise StatisticsError(
            f"{table.name} row {cell.row}: is carried by {len(mine)} totals of the target "
            "period; it must be by one"
        )
    return mine[0] if mine else 1.0


def years_in(table: StatisticsTable) -> int:
    """Calendar years in a table's period.

    Raises
    ------
    StatisticsError
        If the period is neither a year nor two years in order.
    """
    match = re.fullmatch(r"\s*(\d{4})(?:\s*[-\u2013]\s*(\d{4}))?\s*", table.period)
    years = int(match[2] or match[1]) - int(match[1]) + 1 if match else 0
    if years < 1:
        raise StatisticsError(
            f"{table.name}: period is {table.period!r}; a table that carries others must say a "
            "year or two, as 2023 or 2021-2023"
        )
    return years


def person_years_by_sex_and_age(
    tables: Iterable[StatisticsTable], people: People
) -> dict[tuple[str, str], float]:
    """Person-years among which rates were counted, by sex and age group.

    Parameters
    ----------
    tables : iterable of StatisticsTable
        As printed.
    people : People
        Of the target; a band of ages is spread as they are.

    Returns
    -------
    dict of (str, str) to float
        Of the site whose table has most: others may be counted at some ages only.
    """
    best: dict[tuple[str, str], float] = {}
    for table in tables:
        by_site: dict[object, dict[tuple[str, str], float]] = {}
        for cell in table.cells:
            if not cell.person_years:
                continue
            others = {n: c for n, c in cell.members.items() if n not in {SEX, AGE}}
            mine = by_site.setdefault(tuple(sorted(others.items())), {})
            exposed = people.among({n: cell.members[n] for n in (SEX, AGE) if n in cell.members})
            for sex, age in product(*(_codes(people, cell, name) for name in (SEX, AGE))):
                share = people.among({SEX: (sex,), AGE: (age,)}) / exposed
                mine[sex, age] = mine.get((sex, age), 0.0) + cell.person_years * share
        for found in by_site.values():
            if sum(found.values()) > sum(best.values()):
                best = found
    return best


def _codes(people: People, cell: Cell, name: str) -> tuple[str, ...]:
    return cell.members.get(name) or dict(people.variables)[name]
