"""Statements: what one printed value says about the unknown population.

Every kind of table (:mod:`synthgen.statistics.kinds`) turns its cells into statements of
one form, *the probability of this, given that, lies between these two numbers, up to this
sampling error*; the fit knows no other form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, Relation, StatisticsTable

TIME_VARIABLE = "net_survival"
"""Model variable whose bins are net survival time since diagnosis [years]."""

Members = Mapping[str, tuple[str, ...]]
"""Variable to the codes that are meant; a variable that is missing is meant whole."""


@dataclass(frozen=True)
class Statement:
    """One linear statement: ``P(event | given)`` lies in ``[lower, upper]``.

    Parameters
    ----------
    table, row : str, int
        Table of the pack and line of its CSV file (header = line 1) that say so.
    kind : str
        Kind of that table.
    relation : Relation
        Of that table's population to the target population.
    event : mapping of str to tuple of str
        Variable to codes of the cell; already narrowed to ``given``, so that
        ``P(event | given) = P(event) / P(given)``.
    given : mapping of str to tuple of str
        The condition (scope and given members); a variable that is absent is meant whole,
        and an empty mapping is everybody in the pack's scope.
    lower, upper : float
        Bounds of the probability; equal for a value printed exactly.  Within [0, 1] for
        all kinds but ``noisy_counts``, whose noise may carry a value outside.
    standard_error : float
        Sampling error (and added noise) of the probability, > 0.
    cases : float or None
        Cases the value was computed from (the denominator), None where not published.
    estimator : {"count", "share", "noisy", "net", "observed", "crude", "quantile"}
        What the probability is of.  ``observed`` speaks of survival from all causes and
        must be divided by the stratum's expected survival before it is used; ``crude`` is
        a cumulative incidence in the presence of other causes.
    time : float or None
        Years since diagnosis, for statements about survival.
    printed : str
        The value exactly as published.

    Raises
    ------
    StatisticsError
        If the bounds are crossed or out of range, or the error is not positive.
    """

    table: str
    row: int
    kind: str
    relation: Relation
    event: Members
    given: Members
    lower: float
    upper: float
    standard_error: float
    cases: float | None
    estimator: str
    time: float | None = None
    printed: str = ""

    def __post_init__(self) -> None:
        where = f"{self.table} row {self.row}"
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise StatisticsError(f"{where}: bounds are not finite; they must be numbers")
        if self.lower > self.upper:
            raise StatisticsError(
                f"{where}: bounds are [{self.lower:.6g}, {self.upper:.6g}]; need lower <= upper"
            )
        if self.estimator != "noisy" and not (self.lower >= 0.0 and self.upper <= 1.0):
            raise StatisticsError(
                f"{where}: bounds are [{self.lower:.6g}, {self.upper:.6g}]; a probability must "
                "lie in [0, 1]"
            )
        if not (math.isfinite(self.standard_error) and self.standard_error > 0.0):
            raise StatisticsError(
                f"{where}: standard error is {self.standard_error}; it must be positive"
            )

    @property
    def value(self) -> float:
        """Middle of the bounds."""
        return (self.lower + self.upper) / 2

    @property
    def variables(self) -> frozenset[str]:
        """Model variables it speaks about, the condition's included."""
        return frozenset(self.event) | frozenset(self.given)

    def label(self, schema: Schema, language: str = "en") -> str:
        """What it is about, for people: ``stage: distant | entity: osteosarcoma``."""
        own = {v: c for v, c in self.event.items() if self.given.get(v) != c}
        event = members_label(own, schema, language)
        given = members_label(self.given, schema, language)
        return f"{event} | {given}" if given else event


def members_label(members: Members, schema: Schema, language: str = "en") -> str:
    """Words for a set of codes per variable, in the schema's titles.

    Runs of adjacent bins are named by their ends; more than three codes by their number.
    """
    parts = []
    for name, codes in members.items():
        variable = schema.variable(name)
        chosen = [c for c in variable.categories if c.code in codes]
        labels = [c.label(language) for c in chosen]
        positions = [variable.codes.index(c.code) for c in chosen]
        adjacent = positions == list(range(positions[0], positions[-1] + 1)) if positions else False
        if len(labels) > 1 and variable.is_binned and adjacent:
            words = f"{labels[0]} .. {labels[-1]}"
        elif len(labels) > 3:
            words = f"{labels[0]}, {labels[1]} (+{len(labels) - 2})"
        else:
            words = ", ".join(labels)
        parts.append(f"{variable.label(language)}: {words}")
    return "; ".join(parts)


def without_whole(members: Members, schema: Schema) -> dict[str, tuple[str, ...]]:
    """The same members, without variables that are covered whole, codes in schema order."""
    short: dict[str, tuple[str, ...]] = {}
    for name, codes in members.items():
        all_codes = schema.variable(name).codes
        chosen = set(codes)
        if len(chosen) < len(all_codes):
            short[name] = tuple(c for c in all_codes if c in chosen)
    return short


def narrowed(members: Members, by: Members, where: str) -> dict[str, tuple[str, ...]]:
    """Intersection of two sets of codes, variable by variable.

    Raises
    ------
    StatisticsError
        If nothing is left of a variable.
    """
    both: dict[str, tuple[str, ...]] = dict(members)
    for name, codes in by.items():
        if name not in both:
            both[name] = tuple(codes)
            continue
        both[name] = tuple(c for c in both[name] if c in set(codes))
        if not both[name]:
            raise StatisticsError(
                f"{where}: its codes of {name} lie outside the scope of the table; they must "
                "lie inside"
            )
    return both


def condition_of(table: StatisticsTable, cell: Cell, schema: Schema) -> dict[str, tuple[str, ...]]:
    """What a cell is conditional on: the table's scope and the cell's given members."""
    where = f"{table.name} row {cell.row}"
    given = {v: cell.members[v] for v in table.given if v in cell.members}
    return without_whole(narrowed(given, table.scope, where), schema)


def event_of(table: StatisticsTable, cell: Cell, schema: Schema) -> dict[str, tuple[str, ...]]:
    """What a cell is about: its own members within what it is conditional on."""
    where = f"{table.name} row {cell.row}"
    return without_whole(narrowed(dict(cell.members), table.scope, where), schema)


def weighted(statement: Statement, weight: float) -> Statement:
    """The same statement with ``weight`` times the information."""
    if weight == 1.0:
        return statement
    return replace(statement, standard_error=statement.standard_error / math.sqrt(weight))
