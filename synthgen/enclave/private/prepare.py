"""Records as they may be asked: opened, bounded, and coded by a design that never saw them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from synthgen.enclave.counting import coded_units
from synthgen.enclave.design import design_of
from synthgen.enclave.private.contributions import bounded, rows_kept
from synthgen.enclave.private.prior import closed, with_variables_of
from synthgen.enclave.private.questions import Rows
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.records import Records, Source, open_records
from synthgen.enclave.units import Design
from synthgen.errors import PrivacyBudgetError
from synthgen.schema.model import Schema


@dataclass(frozen=True)
class Prepared:
    """What can be asked.

    Parameters
    ----------
    schema : Schema
        With the variables of the design.
    units : tuple of Rows
    kept : mapping of str to int
        Rows of a patient by table.
    left_out : tuple of str
        Columns that cannot be counted, with the reason.
    planned : tuple of (tuple of str, tuple of str)
        Given and own variables of the tables of the plan, those of its survival as well.
    """

    schema: Schema
    units: tuple[Rows, ...]
    kept: dict[str, int]
    left_out: tuple[str, ...]
    planned: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


@contextlib.contextmanager
def prepared(source: Source, schema: Schema, settings: PrivateSettings) -> Iterator[Prepared]:
    """Open records for questions.

    Parameters
    ----------
    source : path, str, DataFrame or mapping of str to DataFrame
    schema : Schema
    settings : PrivateSettings

    Yields
    ------
    Prepared

    Raises
    ------
    RecordsError
        If a record breaks its schema or lies in no bin: the steward sees it, and nothing is
        published.
    PrivacyBudgetError
        If the plan or the contributions ask for what is not there.

    Notes
    -----
    What is refused here is a matter of each patient's own rows and of the schema.  How many
    patients there are, and whether they agree with each other, is not looked at.
    """
    asked = settings.asked
    with open_records(
        source, schema, table=asked.table, as_of=asked.as_of, allow_repeated=True, apart=True
    ) as records:
        kept = rows_kept(records, settings.rows_per_patient)
        few = bounded(records, kept, settings.patient)
        shown = _designed(few, with_variables_of(schema, settings.prior), settings)
        coded = coded_units(few, shown)
        variables = tuple(closed(v, settings.prior) for v in shown.variables)
        own = replace(schema, variables=variables)
        for unit in coded:
            for name, counted in unit.variables.items():
                unit.variables[name] = replace(
                    counted, variable=closed(counted.variable, settings.prior)
                )
        planned = _planned(few, settings)
        yield Prepared(own, tuple(Rows(unit, own) for unit in coded), kept, shown.left_out, planned)


def _designed(records: Records, schema: Schema, settings: PrivateSettings) -> Design:
    """A design that is made on empty tables of the same columns: it cannot tell anything."""
    views = {name: f"asked_{at}" for at, name in enumerate(records.relations)}
    for name, view in views.items():
        records.db.execute(
            f"CREATE VIEW {view} AS SELECT * FROM {records.relations[name]} LIMIT 0"  # noqa: S608
        )
    empty = replace(records, schema=schema, relations=views)
    plan = settings.asked.plan
    wanted = None
    if plan is not None:
        known = {v.name for v in design_of(empty, from_records=False).variables}
        columns = [*plan.variables, *(n for names in _curves(records, settings) for n in names)]
        strays = [name for name in columns if name not in known]
        if strays:
            raise PrivacyBudgetError(
                f"plan: {strays[0]} is no variable with public bins or codes; there are "
                f"{', '.join(sorted(known))} ({len(strays)} such names)"
            )
        wanted = columns
    made = design_of(empty, from_records=False, wanted=wanted)
    for name, view in views.items():
        records.db.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {records.relations[name]}"  # noqa: S608
        )
    return made


def _planned(
    records: Records, settings: PrivateSettings
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    plan = settings.asked.plan
    if plan is None:
        return ()
    tables = [(t.given, t.variables) for t in plan.tables]
    curves: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        ((), names) for names in _curves(records, settings)
    ]
    return (*tables, *curves)


def _curves(records: Records, settings: PrivateSettings) -> list[tuple[str, ...]]:
    """Strata, time and event variable of each planned survival table."""
    plan = settings.asked.plan
    if plan is None or not plan.survival:
        return []
    empty = replace(
        records,
        schema=with_variables_of(records.schema, settings.prior),
        relations={n: f"asked_{at}" for at, n in enumerate(records.relations)},
    )
    design = design_of(empty, from_records=False)
    by_column = {v.column: v.name for v in design.variables if v.column}
    points = {p.name: (t.name, p) for t in records.tables for p in t.end_points}
    found = []
    for curve in plan.survival:
        if curve.end_point not in points:
            raise PrivacyBudgetError(f"plan: there is no end point {curve.end_point}")
        table, point = points[curve.end_point]
        columns = (f"{table}.{point.time}", f"{table}.{point.event}")
        missing = [c for c in columns if c not in by_column]
        if missing:
            raise PrivacyBudgetError(
                f"plan: {missing[0]} has no public bins or codes, which the survival of "
                f"{curve.end_point} needs"
            )
        found.append((*curve.strata, *(by_column[c] for c in columns)))
    return found
