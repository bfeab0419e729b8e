"""Impossible rules of a schema, asked of rows in memory.

Asking costs nearly as much for ten rows as for a thousand, because a rule about code lists is long; so
nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.cohort.database import connect, typed_columns
from synthgen.schema.model import ColumnType, ForeignKey, Schema, Severity, Table
from synthgen.schema.rules import all_rules, to_sql
from synthgen.schema.rules.sql import RuleSql, identifier
from synthgen.schema.rules.tree import (
    OTHER,
    Another,
    ColumnName,
    Condition,
    IsNull,
    Node,
    children,
    walk,
)

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]

_ROW = "synthgen_row"

FEW_ROWS = 300
"""Rows for which it takes longer to plan how rules about long code lists are asked than to ask them."""


@dataclass(frozen=True)
class _Kind:
    """Which rules of a table: about single rows or others beside, about codes alone or numbers."""

    table: str
    apart: bool
    of_codes: bool


class RowRules:
    """Rules that rows must keep, by table: those about single rows, and those about others beside."""

    def __init__(self, schema: Schema) -> None:
        self._rules: dict[_Kind, list[RuleSql]] = {}
        self._by: dict[str, set[tuple[str, ...]]] = {}
        for checked in all_rules(schema):
            if checked.rule.severity is not Severity.IMPOSSIBLE:
                continue
            nodes = list(walk(checked.condition))
            others = {node.by for node in nodes if isinstance(node, Another)}
            self._by.setdefault(checked.table, set()).update(others)
            kind = _Kind(checked.table, bool(others), _is_of_codes(schema, checked.condition))
            self._rules.setdefault(kind, []).append(to_sql(schema, checked))
        self._schema = schema

    def broken(self, table: Table, frames: Mapping[str, pd.DataFrame]) -> IntArray:
        """Numbers of the rows that break a rule about single rows, ascending.

        Parameters
        ----------
        table : Table
        frames : mapping of str to DataFrame
            The table, and all that its rows refer to.
        """
        return self._asked(self._of(table, apart=False), table, frames)

    def apart(self, table: Table, frames: Mapping[str, pd.DataFrame]) -> IntArray:
        """Numbers of the rows that break a rule about another row of their table, ascending.

        Parameters
        ----------
        table : Table
        frames : mapping of str to DataFrame
            The whole table, and all that its rows refer to.
        """
        return self._asked(self._of(table, apart=True), table, frames)

    def broken_again(
        self,
        table: Table,
        frames: Mapping[str, pd.DataFrame],
        again: IntArray,
        parent_rows: IntArray | None,
    ) -> tuple[IntArray, IntArray]:
        """Rows that break a rule after some were drawn again.

        Parameters
        ----------
        table : Table
        frames : mapping of str to DataFrame
            The whole table, and all that its rows refer to.
        again : ndarray of intp
            Rows that were drawn again: no other can break a rule about single rows, and about others
            only one of the same parent, where all such rules compare rows of one parent.
        parent_rows : ndarray of intp, shape (n,), optional
            Row that each refers to.

        Returns
        -------
        tuple of ndarray of intp
            Those that break a rule about codes alone, and those that break another; ascending.
        """
        beside = np.arange(len(frames[table.name]))
        keys = {key.columns for key in table.foreign_keys}
        if parent_rows is not None and self._by.get(table.name, set()) <= keys:
            several = np.bincount(parent_rows) > 1
            beside = np.flatnonzero(several[parent_rows] & np.isin(parent_rows, parent_rows[again]))
        found = []
        for of_codes in (True, False):
            wrong = [
                rows[
                    self._asked(
                        self._rules.get(_Kind(table.name, apart, of_codes), []),
                        table,
                        {**frames, table.name: frames[table.name].iloc[rows]},
                    )
                ]
                for apart, rows in ((False, again), (True, beside))
            ]
            found.append(np.union1d(*wrong))
        return found[0], found[1]

    def _of(self, table: Table, *, apart: bool) -> list[RuleSql]:
        return [
            rule
            for of_codes in (True, False)
            for rule in self._rules.get(_Kind(table.name, apart, of_codes), [])
        ]

    def _asked(
        self, rules: list[RuleSql], table: Table, frames: Mapping[str, pd.DataFrame]
    ) -> IntArray:
        if not rules or not len(frames[table.name]):
            return np.empty(0, dtype=np.intp)
        wrong: set[int] = set()
        with connect() as db:
            if len(frames[table.name]) <= FEW_ROWS:
                db.execute("PRAGMA disable_optimizer")
            needed = {table.name, *(key.table for rule in rules for _, key in rule.parents)}
            for name, frame in frames.items():
                if name not in needed:
                    continue
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


def _is_of_codes(schema: Schema, condition: Condition) -> bool:
    """Whether a rule asks no number or date for more than whether there is one."""
    others = [node.table for node in walk(condition) if isinstance(node, Another)]

    def asked(node: Node) -> bool:
        if isinstance(node, ColumnName):
            tables = others if node.table == OTHER else [node.table]
            kinds = {schema.table(table).column(node.name).type for table in tables}
            return bool(kinds & {ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE})
        return not isinstance(node, IsNull) and any(asked(child) for child in children(node))

    return not asked(condition)


def _together(rules: Sequence[RuleSql]) -> list[RuleSql]:
    """Rules that need the same tables as one: a query costs more than a condition."""
    conditions: dict[tuple[tuple[str, ForeignKey], ...], list[RuleSql]] = {}
    for rule in rules:
        conditions.setdefault(rule.parents, []).append(rule)
    return [
        RuleSql(same[0].table, parents, " OR ".join(f"({rule.condition})" for rule in same))
        for parents, same in conditions.items()
    ]
