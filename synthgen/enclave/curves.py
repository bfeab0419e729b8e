"""Survival tables of a pack: which end points, by which strata, in which words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthgen.enclave.counting import Coded
from synthgen.enclave.followed import cells_of, end_point_cells
from synthgen.enclave.records import Records
from synthgen.enclave.settings import Settings
from synthgen.enclave.wording import RECORDS, period_of, population_of, table_name
from synthgen.errors import RecordsError
from synthgen.schema.model import EndPoint, Table
from synthgen.statistics.kinds import kind_of
from synthgen.statistics.model import Relation, StatisticsTable

#: Survival is printed by at most so many variables, each with at most so many categories.
STRATA, STRATUM_CATEGORIES = 3, 6

Rows = dict[str, npt.NDArray[np.int32]]


def survival_tables(
    records: Records, unit: Coded, rows: Rows, asked: Settings
) -> list[StatisticsTable]:
    """Survival and incidence of the end points of a unit, as planned or as the records suggest.

    Raises
    ------
    RecordsError
        If the plan names no end point.
    """
    table = unit.unit.table
    wanted: list[tuple[EndPoint, tuple[str, ...]]] = []
    if asked.plan is not None:
        points = {p.name: p for p in table.end_points}
        for planned in asked.plan.survival:
            if planned.end_point in points:
                wanted.append((points[planned.end_point], planned.strata))
            elif not any(p.name == planned.end_point for t in records.tables for p in t.end_points):
                raise RecordsError(f"plan: there is no end point {planned.end_point}")
    else:
        for point in table.end_points:
            wanted.append((point, ()))
            wanted += [(point, (name,)) for name in _strata(unit, rows, point, table)]
    made: list[StatisticsTable] = []
    for point, strata in wanted:
        named = {c.variable.column for c in unit.unit.counted}
        if not asked.plan and f"{table.name}.{point.time}" not in named:
            continue
        made += _curve_tables(records, unit, point, strata, asked)
    return made


def _strata(unit: Coded, rows: Rows, point: EndPoint, table: Table) -> list[str]:
    """Variables with few categories that tell most about the event."""
    by_column = {c.variable.column: c.name for c in unit.unit.counted if not c.detail_of}
    event = by_column.get(f"{table.name}.{point.event}")
    events = {by_column.get(f"{table.name}.{p.event}") for p in table.end_points}
    if event is None:
        return []

    def told(name: str) -> float:
        joint = np.zeros((unit.size(name), unit.size(event)))
        np.add.at(joint, (rows[name], rows[event]), 1.0)
        joint /= joint.sum()
        both = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        inside = joint > 0
        return float((joint[inside] * np.log(joint[inside] / both[inside])).sum())

    near = [
        c.name
        for c in unit.unit.counted
        if not c.detail_of
        and c.name not in events
        and c.variable.unit != "years"  # of the calendar
        and len(c.variable.categories) <= STRATUM_CATEGORIES
    ]
    return sorted(near, key=lambda name: (-told(name), name))[:STRATA]


def _curve_tables(
    records: Records, unit: Coded, point: EndPoint, strata: tuple[str, ...], asked: Settings
) -> list[StatisticsTable]:
    curves, competing = end_point_cells(records, unit, point, strata)
    about = _about(unit, point, strata)
    made = []
    for kind in ("kaplan_meier", *(("aalen_johansen",) if competing else ())):
        cells = cells_of(
            curves,
            incidence=kind == "aalen_johansen",
            min_cell=1 if asked.unprotected else max(asked.min_cell, asked.round_to or 1),
        )
        if not cells:
            continue
        by = ", ".join(unit.variables[name].variable.title for name in strata)
        by_ko = ", ".join(unit.variables[name].variable.title_ko for name in strata)
        made.append(
            StatisticsTable(
                name=table_name("-".join([kind, point.name, *strata])),
                title=f"{point.title}{f' by {by}' if by else ''}"[:300],
                title_ko=f"{point.title_ko}{f': {by_ko}' if by_ko else ''}"[:300],
                kind=kind_of(kind, point.name).name,
                variables=(about,),
                given=tuple(strata),
                scope={},
                relation=Relation.PUBLISHED,
                source=RECORDS,
                population=population_of(asked)[0],
                period=period_of(asked),
                cells=cells,
                unit="proportion",
                estimator="Kaplan-Meier" if kind == "kaplan_meier" else "Aalen-Johansen",
            )
        )
    return made


def _about(unit: Coded, point: EndPoint, strata: tuple[str, ...]) -> str:
    """Variable that a curve is put down under: its time, else its event, else any other."""
    table = unit.unit.table.name
    free = [c for c in unit.unit.counted if c.name not in strata]
    for column in (f"{table}.{point.time}", f"{table}.{point.event}"):
        for counted in free:
            if counted.variable.column == column:
                return counted.name
    if not free:
        raise RecordsError(
            f"plan: the end point {point.name} is by every variable that is counted; count its "
            "event or its time as well"
        )
    return free[0].name
