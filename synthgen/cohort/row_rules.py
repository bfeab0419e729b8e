"""Impossible rules of a schema, asked of rows in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.cohort.database import connect, typed_columns
from synthgen.schema.model import ForeignKey, Schema, Severity, Table
from synthgen.schema.rules import all_rules, to_sql
from synthgen.schema.rules.sql import RuleSql, identifier
from synthgen.schema.rules.tree import Another, walk

if TYPE_CHECKING:
    import pandas as pd

_ROW = "synthgen_row"


class RowRules:
    """Rules that rows must keep, by table: those about single rows, and those about others beside."""

    def __init__(self, schema: Schema) -> None:
        self._rules: dict[str, list[RuleSql]] = {}
        self._apart: dict[str, list[RuleSql]] = {}
        for checked in all_rules(schema):
            alone = not any(isinstance(node, Another) for node in walk(checked.condition))
            if checked.rule.severity is Severity.IMPOSSIBLE:
                kind = self._rules if alone else self._apart
                kind.setdefault(checked.table, []).append(to_sql(schema, checked))
        self._schema = schema

    def broken(self, table: Table, frames: Mapping[str, pd.DataFrame]) -> npt.NDArray[np.intp]:
        """Numbers of the rows that break a rule about single rows, ascending.

        Parameters
        ----------
        table : Table
        frames : mapping of str to DataFrame
            The table, and all that its rows refer to.
        """
        return self._asked(self._rules.get(table.name, []), table, frames)

    def apart(self, table: Table, frames: Mapping[str, pd.DataFrame]) -> npt.NDArray[np.intp]:
        """Numbers of the rows that break a rule about another row of their table, ascending.

        Parameters
        ----------
        table : Table
        frames : mapping of str to DataFrame
            The whole table, and all that its rows refer to.
        """
        return self._asked(self._apart.get(table.name, []), table, frames)

    def _asked(
        self, rules: list[RuleSql], table: Table, frames: Mapping[str, pd.DataFrame]
    ) -> npt.NDArray[np.intp]:
        if not rules or not len(frames[table.name]):
            return np.empty(0, dtype=np.intp)
        wrong: set[int] = set()
        with connect() as db:
            for name, frame in frames.items():
                numbered = frame.assign(**{_ROW: np.arange(len(frame), dtype=np.int64)})
                db.register(f"{name}_frame", numbered)
                columns = typed_columns(self._schema.table(name))
                db.execute(
                    f"CREATE VIEW {identifier(name)} AS SELECT {columns}, {_ROW} "  # noqa: S608
                    f"FROM {identifier(f'{name}_frame')}"
                )
            for rule in _together(rules):
                found = db.execute(rule.select(f"{identifier(table.name)}.{_ROW}")).fetchall()
                wrong |= {int(row) for (row,) in found}
        return np.array(sorted(wrong), dtype=np.intp)


def _together(rules: Sequence[RuleSql]) -> list[RuleSql]:
    """Rules that need the same tables as one: a query costs more than a condition."""
    conditions: dict[tuple[tuple[str, ForeignKey], ...], list[RuleSql]] = {}
    for rule in rules:
        conditions.setdefault(rule.parents, []).append(rule)
    return [
        RuleSql(same[0].table, parents, " OR ".join(f"({rule.condition})" for rule in same))
        for parents, same in conditions.items()
    ]
