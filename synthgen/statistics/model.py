"""The types of a statistics pack: tables of published numbers, their sources, their order.

A pack is a folder (``datapackage.json`` and ``tables/*.csv``); these frozen types are what
the rest of synthgen sees of it.  :mod:`synthgen.statistics.read` makes them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.ledger import Ledger

UNPROTECTED = "enclave, no formal protection"
"""How a pack is marked whose tables were made from records and protected in no way."""


class Relation(enum.Enum):
    """How the population of a table relates to the pack's target population.

    The order is the order of precedence: a later one is fitted relative to the earlier
    ones and never gives way to them.
    """

    ASSUMED = "assumed"
    POOLED = "pooled"
    BORROWED = "borrowed"
    PUBLISHED = "published"


@dataclass(frozen=True)
class Source:
    """Where numbers come from.

    Parameters
    ----------
    id : str
        Name within the pack.
    citation : str
        Full reference; for an assumption, who assumes it and why.
    url, table, read_on : str
        Address, table or page, and day it was read (ISO date).
    licence : str
        Terms as found.
    redistribution : {"open", "cite-only", "unconfirmed"}
    """

    id: str
    citation: str
    licence: str
    redistribution: str
    url: str = ""
    table: str = ""
    read_on: str = ""

    def __post_init__(self) -> None:
        if self.redistribution not in {"open", "cite-only", "unconfirmed"}:
            raise StatisticsError(
                f"source {self.id}: redistribution is {self.redistribution!r}; "
                "it must be open, cite-only or unconfirmed"
            )
        if not self.citation.strip() or not self.licence.strip():
            raise StatisticsError(f"source {self.id}: needs a citation and a licence")


@dataclass(frozen=True)
class Protection:
    """How the values of a table were protected before they were published."""

    suppressed_below: int | None = None
    rounded_to: float | None = None
    noise_sd: float | None = None


@dataclass(frozen=True)
class Cell:
    """One printed value: what it is about and the interval it stands for.

    Parameters
    ----------
    members : mapping of str to tuple of str
        Variable to the codes that the cell covers; a variable of the table that is missing
        here is covered whole (a subtotal); no codes at all is the printed category
        "unknown" of a variable that has no such code (never published as a statement).
    lower, upper : float
        Bounds of the printed value in the table's natural unit: cases for counts; a
        proportion in [0, 1] for shares and survival; cases per person-year for rates;
        the variable's unit for quantiles.  Equal where the value is exact.
    n : float or None
        Cases the value was computed from (the denominator), if published.
    person_years : float or None
        Denominator of an incidence [person-years].
    time : float or None
        Time since diagnosis of a survival value [years].
    ci_lower, ci_upper : float or None
        Published 95 % confidence limits, in the same unit as the value.
    quantile : float or None
        Probability of a quantile (0.5 for a median).
    age : int or None
        Completed age of a life table row [years].
    printed : str
        The value exactly as published.
    row : int
        Line of the CSV file, counted from 1 with the header as line 1.
    note, note_ko : str
        How an awkward value was read, in English and Korean; ``""`` for a plain number.
    published : bool
        False where the value was withheld, or its category means nothing here: the cell
        stands in the table, as printed, but says nothing.
    carried : float
        What a count was multiplied by to speak of the target population
        (:mod:`synthgen.statistics.carry`); its sampling error is that of the count as printed.
    """

    members: Mapping[str, tuple[str, ...]]
    lower: float
    upper: float
    n: float | None = None
    person_years: float | None = None
    time: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    quantile: float | None = None
    age: int | None = None
    printed: str = ""
    row: int = 0
    note: str = ""
    published: bool = True
    carried: float = 1.0
    note_ko: str = ""

    @property
    def value(self) -> float:
        """Middle of the bounds."""
        return (self.lower + self.upper) / 2


@dataclass(frozen=True)
class StatisticsTable:
    """One published table.

    Parameters
    ----------
    name : str
        Name of the CSV file without its ending.
    kind : str
        Name of a table kind (:mod:`synthgen.statistics.kinds`): counts, shares, rates,
        net_survival, relative_survival, observed_survival, quantiles, life_table ...
    variables : tuple of str
        Model variables whose joint distribution the cells describe.
    given : tuple of str
        Model variables that the cells are conditional on.
    scope : mapping of str to tuple of str
        Variable to codes: the table speaks only about these patients.
    relation : Relation
        To the pack's target population.
    source : str
        Id of a :class:`Source` of the pack.
    population, period : str
        Whom it counts and when, as people say it.
    weight : float
        Multiplies the information of every cell (1 = as many cases as published).
    protection : Protection
        How values were protected.
    cells : tuple of Cell
    groups : mapping of str to mapping of str to tuple of str
        Variable to printed label to the codes it stands for (``"extremity"``).
    note, note_ko : str
        What a reader must know: which rows were left out, which edition was chosen.
    carries : tuple of str
        Tables of counts whose rates this table carries to the target period: its counts are
        the totals of that period (:mod:`synthgen.statistics.carry`).
    """

    name: str
    title: str
    title_ko: str
    kind: str
    variables: tuple[str, ...]
    given: tuple[str, ...]
    scope: Mapping[str, tuple[str, ...]]
    relation: Relation
    source: str
    population: str
    period: str
    cells: tuple[Cell, ...]
    unit: str = ""
    estimator: str = ""
    weight: float = 1.0
    protection: Protection = field(default_factory=Protection)
    note: str = ""
    note_ko: str = ""
    groups: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    carries: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title

    def _repr_html_(self) -> str:
        from synthgen.statistics.views import statistics_table_view

        return statistics_table_view(self)


@dataclass(frozen=True)
class Block:
    """Variables that are fitted together, after the blocks before them are frozen."""

    name: str
    variables: tuple[str, ...]


@dataclass(frozen=True)
class SurvivalReference:
    """Declared shape of net survival where nothing is published.

    A Weibull curve with a cured fraction:
    ``S(t) = cured + (1 - cured) * exp(-ln 2 * (t / median) ** shape)``.

    Parameters
    ----------
    members : mapping of str to tuple of str
        Variable to codes of the patients it is for; empty for everybody.
    shape, median, cured : float
        Weibull shape, median of the uncured [years], cured fraction.
    source : str
        Id of a source of the pack.
    """

    members: Mapping[str, tuple[str, ...]]
    shape: float
    median: float
    cured: float
    source: str


@dataclass(frozen=True)
class Place:
    """A part of one region, for which only a number of people is known.

    Expected totals are printed for it; it is never a column of a patient.

    Parameters
    ----------
    region : str
        Code of the region that it lies in.
    title, title_ko : str
    people : float
        Residents [persons].
    period : str
        When they were counted.
    source : str
        Id of a source of the pack.
    """

    region: str
    title: str
    title_ko: str
    people: float
    period: str
    source: str


@dataclass(frozen=True)
class Target:
    """The population that a pack describes.

    Parameters
    ----------
    population, population_ko, period : str
    note, note_ko : str
    people : str
        Name of the pack's table of kind ``population`` that counts the target population at
        the target period [persons] by sex and age group, and by region where there are any.
        Published rates are carried to these people; ``""``: counts stay as they were.
    places : tuple of Place
        Parts of regions, for expected totals.
    """

    population: str
    population_ko: str
    period: str
    note: str = ""
    note_ko: str = ""
    people: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class StatisticsPack:
    """Statistics tables about one target population, and how they are to be fitted.

    Parameters
    ----------
    id, version : str
        Name and version of the pack.
    schema : str
        Id and version of the schema whose variables and codes the tables use.
    origin : {"public-statistics", "enclave"}
        Whether only published tables went in, or records.
    scope : mapping of str to tuple of str
        The part of the schema's domain that the pack is about: variable to codes.
    blocks : tuple of Block
        Order of the fit.
    readings : tuple of str
        How every awkward printed value was read, one line each.
    licence : str
        Terms of the transcription and of our own assumptions, as a licence id; every table
        stands under the terms of its source beside.
    own_schema : Schema or None
        The schema that the pack brings along: a user's own, or one whose variables were made
        for the tabulation of records.  None for a shipped schema as it is.
    unprotected : bool
        Whether the tables are exact counts of records: such a pack, and a model that holds
        it, stays inside the enclave.
    ledger : Ledger or None
        What the tables cost, where they were made with differential privacy.
    """

    id: str
    version: str
    schema: str
    title: str
    title_ko: str
    origin: str
    target: Target
    scope: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, Source]
    tables: tuple[StatisticsTable, ...]
    blocks: tuple[Block, ...]
    survival_references: tuple[SurvivalReference, ...] = ()
    readings: tuple[str, ...] = ()
    description: str = ""
    description_ko: str = ""
    licence: str = ""
    own_schema: Schema | None = None
    unprotected: bool = False
    ledger: Ledger | None = None

    def __repr__(self) -> str:
        return (
            f"<StatisticsPack {self.id} {self.version}: {len(self.tables)} tables, {self.origin}>"
        )

    def table(self, name: str) -> StatisticsTable:
        """Table by name.

        Raises
        ------
        StatisticsError
            If the pack has no such table.
        """
        for candidate in self.tables:
            if candidate.name == name:
                return candidate
        raise StatisticsError(f"pack {self.id}: has no table {name}")

    def source_of(self, table: StatisticsTable) -> Source:
        """Source of a table of this pack."""
        return self.sources[table.source]

    def _repr_html_(self) -> str:
        from synthgen.statistics.views import pack_view

        return pack_view(self)
