"""A plan: which tables to count, written by the steward before any record is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from synthgen.errors import RecordsError
from synthgen.resources import data_root
from synthgen.schema.documents import (
    mapping_at,
    objects_at,
    one_line,
    read_document,
    text_at,
    texts_at,
)

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


@cache
def _validator() -> Draft202012Validator:
    path = data_root() / "schemas" / "formats" / "plan" / "1.schema.json"
    return Draft202012Validator(read_document(path))


def read_plan(path: Path) -> Plan:
    """Plan in a JSON file.

    Raises
    ------
    RecordsError
        If it cannot be read or is no plan.
    """
    document = read_document(path, RecordsError)
    problem = best_match(_validator().iter_errors(document))
    if problem is not None:
        where = "/".join(str(part) for part in problem.absolute_path) or "the plan"
        raise RecordsError(f"{path}: {one_line(where, 80)}: {one_line(problem.message, 200)}")
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
