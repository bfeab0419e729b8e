"""Rows of a cohort patient by patient, for targets that tell one patient after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.terms import reached_tables
from synthgen.schema.model import ColumnType
from synthgen.schema.rules.sql import identifier

Rows = list[tuple[Any, ...]]

AT_ONCE = 10_000
"""Rows that are held in memory."""


def rows_in_order(
    cohort: CohortTables, table: str, columns: Sequence[str], order: str
) -> Iterator[tuple[Any, ...]]:
    """Columns of a table, or of the tables that its rows lead to; dates as ISO text."""
    joins = reached_tables(cohort.schema, table)
    cells = []
    for wanted in columns:
        held = (t for t in joins if wanted in cohort.schema.table(t).column_names)
        name = next(held)
        cell = f"{identifier(name)}.{identifier(wanted)}"
        dated = cohort.schema.table(name).column(wanted).type is ColumnType.DATE
        cells.append(f"CAST({cell} AS VARCHAR)" if dated else cell)
    joined = " ".join(j for j in joins.values() if j)
    query = f"SELECT {', '.join(cells)} FROM {identifier(table)} {joined} ORDER BY {order}"  # noqa: S608
    found = cohort.database.cursor().execute(query)
    while piece := found.fetchmany(AT_ONCE):
        yield from piece


class Waiting:
    """Rows of a table, handed out patient by patient, in the order of patients.

    The first of ``columns`` is the patient's identifier.
    """

    def __init__(
        self, cohort: CohortTables, table: str, columns: Sequence[str], order: str
    ) -> None:
        rows = rows_in_order(
            cohort, table, columns, f"patient.patient_id, {identifier(table)}.{order}"
        )
        self._groups = groupby(rows, key=itemgetter(0))
        self._next = self._group()

    def _group(self) -> tuple[str, Rows] | None:
        found = next(self._groups, None)
        return None if found is None else (found[0], list(found[1]))

    def take(self, patient_id: str) -> Rows:
        """Rows of the patient, if it is the next one that has any."""
        if self._next is None or self._next[0] != patient_id:
            return []
        rows = self._next[1]
        self._next = self._group()
        return rows
