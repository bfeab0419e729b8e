"""What the cells of packs say about numbers of patients, one line for every printed number.

Counts are what they are; percentages, rates and survival are turned back into counts, as
anybody can who has the printed denominators (check I4).  A fact is always true of the real
patients if the table is: its bounds allow for rounding, suppression and censoring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from synthgen.schema.model import Schema
from synthgen.statistics.audit.impossible import Impossible, Zeros, unless_counted
from synthgen.statistics.audit.periods import years_of
from synthgen.statistics.model import Cell, Relation, StatisticsPack, StatisticsTable
from synthgen.statistics.statement import condition_of, event_of
from synthgen.statistics.statements import with_person_years

Codes = frozenset[str]
Region = Mapping[str, Codes]
"""Axis to codes: a group of patients; an axis that is missing is meant whole."""

PERIOD = "@period"
DEATH = "@death"
UNKNOWN = "?"
"""Axes and a code that no schema has: calendar years, time of death, printed "unknown"."""

EXACT = 1e-9
"""Slack with which a bound that is a whole number but for floating point is rounded."""

COMPLETE = "complete follow-up"
"""What ``estimator`` says where nobody was censored: survival then gives the deaths away."""


@dataclass(frozen=True)
class Where:
    """A printed number: release (pack), table and line of its CSV file (header = 1)."""

    release: str
    table: str
    row: int


@dataclass(frozen=True)
class Fact:
    """Bounds on the number of patients in a region, or on its share of a wider region.

    Parameters
    ----------
    where : Where
    region : mapping of str to frozenset of str
    lower, upper : float
        Whole numbers of patients; ``inf`` for no upper bound.
    hidden : bool
        Whether the publisher meant to hide the exact number (suppressed, rounded,
        withheld): it is what an attacker wants.
    source : {"count", "n", "share", "rate", "survival"}
        What was printed.
    given : mapping or None
        For shares whose denominator is not printed: the wider region.
    share : tuple of float or None
        Bounds of ``region / given``.
    """

    where: Where
    region: Region
    lower: float
    upper: float
    hidden: bool
    source: str
    given: Region | None = None
    share: tuple[float, float] | None = None


@dataclass(frozen=True)
class Population:
    """Facts about the same people: they can be added to and subtracted from each other.

    Parameters
    ----------
    name : str
        The population, as the tables say it.
    facts : tuple of Fact
    domains : mapping of str to frozenset of str
        All codes of an axis, where they are known; else there may be others than the facts
        name.
    zeros : tuple of Zeros
        Combinations of codes that nobody can have, whatever is printed.
    """

    name: str
    facts: tuple[Fact, ...]
    domains: Mapping[str, Codes] = field(default_factory=dict)
    zeros: tuple[Zeros, ...] = ()


def whole_up(number: float) -> float:
    """Smallest whole number at or above, floating point forgiven."""
    return number if math.isinf(number) else float(math.ceil(number - EXACT * max(1.0, number)))


def whole_down(number: float) -> float:
    """Largest whole number at or below, floating point forgiven."""
    return number if math.isinf(number) else float(math.floor(number + EXACT * max(1.0, number)))


def releases_of(packs: tuple[StatisticsPack, ...]) -> tuple[str, ...]:
    """One name for each pack, told apart by version and, if need be, by number."""
    names: list[str] = []
    for pack in packs:
        name = f"{pack.id}@{pack.version}"
        same = sum(n == name or n.startswith(f"{name} #") for n in names)
        names.append(f"{name} #{same + 1}" if same else name)
    return tuple(names)


def populations_of(
    packs: tuple[StatisticsPack, ...], schema: Schema, impossible: Impossible | None = None
) -> tuple[Population, ...]:
    """Facts of all packs, put together by the people they are about.

    Tables with the same ``population`` text speak of the same people; their years are an
    axis like age, so that 2013-2017 can be subtracted from 2013-2018.  What the schema rules
    out goes with them where ``impossible`` is given.

    Raises
    ------
    StatisticsError
        If a table cannot be turned into numbers of patients.
    """
    times = _times(packs)
    found: dict[str, list[Fact]] = {}
    for pack, release in zip(packs, releases_of(packs), strict=True):
        for table in pack.tables:
            years = years_of(table.period)
            name = table.population if years else f"{table.population} ({table.period})"
            period: dict[str, Codes] = {PERIOD: frozenset(years)} if years else {}
            group = found.setdefault(name, [])
            for fact in table_facts(pack, table, release, schema, times):
                given = None if fact.given is None else {**fact.given, **period}
                group.append(replace(fact, region={**fact.region, **period}, given=given))
    domains = {v.name: frozenset(v.codes) for v in schema.variables}
    return tuple(
        Population(name, tuple(facts), domains, _zeros(facts, impossible))
        for name, facts in found.items()
        if facts
    )


def _zeros(facts: list[Fact], impossible: Impossible | None) -> tuple[Zeros, ...]:
    if impossible is None:
        return ()
    axes = {axis for f in facts for r in (f.region, f.given or {}) for axis in r}
    return unless_counted(impossible.among(axes), (f.region for f in facts if f.lower > 0))


def _times(packs: tuple[StatisticsPack, ...]) -> tuple[float, ...]:
    kinds = {"observed_survival", "cumulative_incidence"}
    cells = [c for p in packs for t in p.tables if t.kind in kinds for c in t.cells]
    return tuple(sorted({c.time for c in cells if c.time is not None}))


def table_facts(
    pack: StatisticsPack,
    table: StatisticsTable,
    release: str,
    schema: Schema,
    times: tuple[float, ...] = (),
) -> Iterator[Fact]:
    """What one table says about numbers of patients.

    Nothing for kinds about other people, and for assumptions, which nobody counted.

    Raises
    ------
    StatisticsError
        If published rates lack their person-years, or codes lie outside the table's scope.
    """
    reader = _READERS.get(table.kind)
    if reader is None or table.relation is Relation.ASSUMED:
        return
    whole = with_own_years(pack, table, schema)
    for cell in whole.cells:
        given = _region(pack, condition_of(whole, cell, schema))
        region = _region(pack, event_of(whole, cell, schema))
        where = Where(release, table.name, cell.row)
        yield from reader(_Printed(whole, cell, where, region, given, times))


def with_own_years(pack: StatisticsPack, table: StatisticsTable, schema: Schema) -> StatisticsTable:
    """Rates of the target population with its person-years; other rates with what they print.

    The person-years of another population turn rates into cases that nobody had.
    """
    if table.relation is Relation.PUBLISHED:
        return with_person_years(pack, table, schema)
    return table


def _region(pack: StatisticsPack, members: Mapping[str, tuple[str, ...]]) -> dict[str, Codes]:
    """Members as sets, narrowed to the people the pack is about."""
    region = {name: frozenset(codes) or frozenset({UNKNOWN}) for name, codes in members.items()}
    for name, codes in pack.scope.items():
        inside = region.get(name, frozenset(codes)) & frozenset(codes)
        region[name] = inside or region[name]
    return region


@dataclass(frozen=True)
class _Printed:
    """One cell with all that is needed to read it."""

    table: StatisticsTable
    cell: Cell
    where: Where
    region: Region
    given: Region
    times: tuple[float, ...]

    @property
    def denominator(self) -> tuple[float, float] | None:
        """Bounds of the printed n, None where there is none."""
        n = self.cell.n
        if n is None:
            return None
        half = (self.table.protection.rounded_to or 0.0) / 2
        return max(whole_up(n - half), 0.0), whole_down(n + half)

    @property
    def is_range(self) -> bool:
        """Whether the value is withheld, or bounds stand in its place."""
        text = self.cell.printed.strip(". ")
        return not self.cell.published or ".." in text or "<" in text


def _counts(printed: _Printed) -> Iterator[Fact]:
    cell = printed.cell
    lower, upper = whole_up(cell.lower), whole_down(cell.upper)
    if not cell.published and not any(not codes for codes in cell.members.values()):
        lower, upper = 0.0, math.inf
    yield Fact(printed.where, printed.region, lower, upper, lower < upper, "count")


def _rates(printed: _Printed) -> Iterator[Fact]:
    cell = printed.cell
    if not cell.published:
        yield Fact(printed.where, printed.region, 0.0, math.inf, True, "rate")
        return
    years = cell.person_years
    if years is None:
        return
    lower, upper = whole_up(cell.lower * years), whole_down(cell.upper * years)
    if lower > upper:  # no whole number gives this rate: the person-years are about others
        lower, upper = whole_down(cell.lower * years), whole_up(cell.upper * years)
    yield Fact(printed.where, printed.region, lower, upper, printed.is_range, "rate")


def _shares(printed: _Printed) -> Iterator[Fact]:
    cell, where = printed.cell, printed.where
    of = printed.denominator
    if of is not None:
        yield Fact(where, printed.given, *of, of[0] < of[1], "n")
    if printed.region == printed.given:
        return
    if not cell.published:
        yield Fact(where, printed.region, 0.0, math.inf if of is None else of[1], True, "share")
    elif of is None:
        yield Fact(
            where, printed.region, 0.0, math.inf, printed.is_range, "share",
            printed.given, (cell.lower, cell.upper),
        )  # fmt: skip
    else:
        lower, upper = whole_up(cell.lower * of[0]), whole_down(cell.upper * of[1])
        if lower > upper:  # a share of other cases than n: it says no count
            lower, upper = whole_down(cell.lower * of[0]), whole_up(cell.upper * of[1])
        yield Fact(where, printed.region, lower, upper, printed.is_range, "share")
        if of[0] < of[1]:
            yield Fact(
                where, printed.region, 0.0, math.inf, False, "share",
                printed.given, (cell.lower, cell.upper),
            )  # fmt: skip


def _survival(printed: _Printed) -> Iterator[Fact]:
    """Deaths by a time: at most ``n (1 - S)``, because a death weighs at least one person.

    The Kaplan-Meier estimate moves the weight of the censored to those who stay, so that
    ``n (1 - S)`` is at least the number of deaths, and ``n S`` at least the number alive.
    Where nobody was censored (:data:`COMPLETE`) both are exact.
    """
    of = printed.denominator
    if of is None:
        return
    yield Fact(printed.where, printed.given, of[0], math.inf, False, "n")
    cell = printed.cell
    if not cell.published or printed.table.kind not in {
        "observed_survival",
        "cumulative_incidence",
    }:
        return
    time = cell.time or 0.0
    dead = (1 - cell.upper, 1 - cell.lower)
    axis = DEATH
    if printed.table.kind == "cumulative_incidence":
        dead, axis = (cell.lower, cell.upper), f"@event {printed.table.name}"
    region = {**printed.given, axis: frozenset(f"{t:g}" for t in printed.times if t <= time)}
    upper = whole_down(dead[1] * of[1])
    exact = COMPLETE in printed.table.estimator
    lower = whole_up(dead[0] * of[0]) if exact else float(dead[0] > 0)
    if lower <= upper:
        yield Fact(printed.where, region, lower, upper, False, "survival")


def _quantiles(printed: _Printed) -> Iterator[Fact]:
    of = printed.denominator
    if of is not None:
        yield Fact(printed.where, printed.given, of[0], math.inf, False, "n")


_READERS: dict[str, Callable[[_Printed], Iterator[Fact]]] = {
    "counts": _counts,
    "rates": _rates,
    "shares": _shares,
    "net_survival": _survival,
    "relative_survival": _survival,
    "observed_survival": _survival,
    "cumulative_incidence": _survival,
    "quantiles": _quantiles,
}
"""Kinds that say something about patients.  Noisy counts bound nothing; populations and life
tables are about other people."""
