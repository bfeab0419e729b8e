"""A plan: which tables to count, written by the steward before any record is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import RecordsError
from synthgen.schema.documents import (
    mapping_at,
    objects_at,
    read_document,
    text_at,
    texts_at,
)
from synthgen.schema.formats import breach

FORMAT = "plan/1"


@dataclass(frozen=True)
class PlannedTable:
    """A cross-tabulation.

    Parameters
    ----------
    variables : tuple of str
        Counted together.
    given : tuple of str
        Variables of the rows that theirs refer to, in each of whose combinations they are
        counted.
    """

    variables: tuple[str, ...]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedCurve:
    """A survival table: an end point of the schema, by strata."""

    end_point: str
    strata: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Tables and curves to make; nothing else is tabulated."""

    tables: tuple[PlannedTable, ...]
    survival: tuple[PlannedCurve, ...] = ()
    population: str = ""
    population_ko: str = ""
    period: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Every variable that a table or a curve names."""
        named = [v for t in self.tables for v in (*t.given, *t.variables)]
        named += [v for curve in self.survival for v in curve.strata]
        return tuple(dict.fromkeys(named))


def read_plan(path: Path) -> Plan:
    """Plan in a JSON file.

    Raises
    ------
    RecordsError
        If it cannot be read or is no plan.
    """
    document = read_document(path, RecordsError)
    problem = breach(document, FORMAT, "the plan")
    if problem:
        raise RecordsError(f"{path}: {problem}")
    target = mapping_at(document, "target")
    return Plan(
        tuple(
            PlannedTable(texts_at(t, "variables"), texts_at(t, "given"))
            for t in objects_at(document, "tables")
        ),
        tuple(
            PlannedCurve(text_at(c, "end_point"), texts_at(c, "strata"))
            for c in objects_at(document, "survival")
        ),
        text_at(target, "population"),
        text_at(target, "population_ko", text_at(target, "population")),
        text_at(target, "period"),
    )
