"""Rules of the schema, and what its codes imply, counted over the typed tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthgen.schema.documents import one_line
from synthgen.schema.model import Rule, Schema, Severity
from synthgen.schema.rules import CheckedRule, all_rules, to_sql
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.rules.tree import OTHER, All, Another, ColumnName, columns_of, walk
from synthgen.schema.validation.columns import TypedTable
from synthgen.schema.validation.database import count_where, row_of, rows_of
from synthgen.schema.validation.report import FIRST_ROWS, Broken, Note

if TYPE_CHECKING:
    import duckdb


HEAVY = 300
"""Length [characters of SQL] from which rules about the same columns are asked of each
combination of their values, not of each row: 1,394 combinations of site, histology, behaviour
and entity stand for 1,000,000 tumours of the shipped model."""


@dataclass(frozen=True)
class Condition:
    """A rule as SQL over the tables of a delivery.

    Parameters
    ----------
    rule : Rule
    table : str
        Table whose rows it catches.
    source : str
        ``FROM`` with the tables that its rows refer to, as far as the rule needs them.
    sql : str
        Boolean expression; a row that makes it true is caught.
    pairs : bool
        Whether it looks at other rows of the table.
    mentioned : tuple of ColumnName
        What it looks at in the row itself.
    """

    rule: Rule
    table: str
    source: str
    sql: str
    pairs: bool
    mentioned: tuple[ColumnName, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it looks at, in order."""
        return tuple(sorted({column.name for column in self.mentioned}))

    @property
    def alone(self) -> bool:
        """Whether it looks at nothing but its own row."""
        return not self.pairs and all(column.table == self.table for column in self.mentioned)


def conditions_of(
    db: duckdb.DuckDBPyConnection,
    schema: Schema,
    tables: Mapping[str, TypedTable],
    parents: Mapping[str, str],
) -> tuple[list[Condition], list[Note]]:
    """Rules whose columns are all there, as SQL, and notes on the others.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    schema : Schema
    tables : mapping of str to TypedTable
        Tables of the delivery.
    parents : mapping of str to str
        Relation of each table in which no key stands twice: what other tables refer to.

    Raises
    ------
    SchemaError
        If a rule cannot be read.
    """
    made: list[Condition] = []
    unchecked: dict[tuple[str, str], list[str]] = {}
    partnered = _Partnered(db, tables)
    for checked in all_rules(schema):
        lacking = _lacking(checked, tables)
        if lacking:
            unchecked.setdefault((checked.table, ", ".join(lacking)), []).append(checked.rule.id)
            continue
        relations = {**parents, checked.table: partnered.relation(checked)}
        written = to_sql(schema, checked, relations)
        made.append(
            Condition(
                checked.rule,
                checked.table,
                written.from_clause(relations),
                written.condition,
                any(isinstance(node, Another) for node in walk(checked.condition)),
                tuple(c for c in columns_of(checked.condition) if c.table != OTHER),
            )
        )
    notes = [
        Note(
            "unchecked",
            "check.unchecked.rules",
            table,
            "",
            {"count": len(rules), "first": rules[0], "columns": columns},
        )
        for (table, columns), rules in unchecked.items()
    ]
    return made, notes


class _Partnered:
    """Rows that share a key with another row, as few as they are: what pair rules look at."""

    def __init__(self, db: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable]) -> None:
        self._db = db
        self._tables = tables
        self._made: dict[tuple[str, tuple[str, ...]], str] = {}

    def relation(self, checked: CheckedRule) -> str:
        """Relation in which a rule can find all that it catches."""
        typed = self._tables[checked.table]
        parts = checked.condition.parts if isinstance(checked.condition, All) else ()
        pairs = [p for p in (checked.condition, *parts) if isinstance(p, Another) and p.by]
        others = sum(isinstance(node, Another) for node in walk(checked.condition))
        if not pairs or others > 1:  # "not another ..." and "... or another ..." need all rows
            return typed.relation
        key = (checked.table, pairs[0].by)
        if key not in self._made:
            relation = f"partnered_{len(self._made)}"
            by = ", ".join(identifier(column) for column in pairs[0].by)
            self._db.execute(
                f"CREATE TABLE {relation} AS SELECT * FROM {typed.relation} SEMI JOIN "  # noqa: S608
                f"(SELECT {by} FROM {typed.relation} GROUP BY {by} HAVING count(*) > 1) AS several "
                f"USING ({by})"
            )
            self._made[key] = relation
        return self._made[key]


def _lacking(checked: CheckedRule, tables: Mapping[str, TypedTable]) -> list[str]:
    """Columns that a rule needs and the delivery does not have."""
    needed = [
        ColumnName(checked.table if column.table == OTHER else column.table, column.name)
        for column in columns_of(checked.condition)
    ]
    for node in walk(checked.condition):
        if isinstance(node, Another):
            needed += [ColumnName(node.table, name) for name in node.by]
    for table, key in checked.parents:
        needed += [ColumnName(table, name) for name in key.columns]
        needed += [ColumnName(key.table, name) for name in key.references]
    return [
        column.qualified
        for column in dict.fromkeys(needed)
        if column.table not in tables or column.name not in tables[column.table].readers
    ]


def count_conditions(
    db: duckdb.DuckDBPyConnection,
    tables: Mapping[str, TypedTable],
    conditions: Sequence[Condition],
    *,
    show_values: bool,
) -> list[Broken]:
    """Rows that each rule catches: one pass over a table for all that need the same joins.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    tables : mapping of str to TypedTable
    conditions : sequence of Condition
    show_values : bool
        Whether values of the first rows are read as well.

    Returns
    -------
    list of Broken
        In the order of the conditions.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Condition]] = {}
    heavy = _heavy(conditions)
    for condition in conditions:
        by = condition.columns if condition.columns in heavy and condition.alone else ()
        groups.setdefault((condition.table, condition.source, by), []).append(condition)
    found: dict[str, Broken] = {}
    for (table, source, by), members in groups.items():
        typed = tables[table]
        counts = row_of(db, _combined(typed, by, members) if by else _counted(source, members))
        caught = [(c, int(n)) for c, n in zip(members, counts, strict=True) if n]
        rows = _first_rows(db, typed, source, [condition for condition, _ in caught])
        for condition, count in caught:
            first = rows.get(condition.rule.id, ())
            values: tuple[str, ...] = ()
            if show_values and first:
                values = _values(db, typed, source, condition, first)
            found[condition.rule.id] = _broken(typed, condition, count, first, values)
    return [found[c.rule.id] for c in conditions if c.rule.id in found]


def _heavy(conditions: Sequence[Condition]) -> set[tuple[str, ...]]:
    """Columns about which so much is asked that their combinations are better counted first."""
    asked: dict[tuple[str, ...], int] = {}
    for condition in conditions:
        asked[condition.columns] = asked.get(condition.columns, 0) + len(condition.sql)
    return {columns for columns, length in asked.items() if length >= HEAVY}


def _counted(source: str, members: Sequence[Condition]) -> str:
    return f"SELECT {', '.join(count_where(c.sql) for c in members)} {source}"


def _combined(typed: TypedTable, by: tuple[str, ...], members: Sequence[Condition]) -> str:
    """Query that asks each combination of codes once, and adds up the rows that have it."""
    columns = ", ".join(identifier(column) for column in by)
    rows = identifier(typed.row)  # a name that no column has
    sums = ", ".join(f"coalesce(sum({rows}) FILTER (WHERE {c.sql}), 0)" for c in members)
    return (
        f"SELECT {sums} FROM (SELECT {columns}, count(*) AS {rows} FROM {typed.relation} "  # noqa: S608
        f"GROUP BY {columns}) AS {identifier(typed.name)}"
    )


def _first_rows(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    source: str,
    conditions: Sequence[Condition],
) -> dict[str, tuple[int, ...]]:
    """First rows by rule, for impossible rules: unlikely ones are only counted."""
    wanted = [c for c in conditions if c.rule.severity is Severity.IMPOSSIBLE]
    if not wanted:
        return {}
    row = f"{identifier(typed.name)}.{identifier(typed.row)}"
    listed = ", ".join(f"min({row}, {FIRST_ROWS}) FILTER (WHERE {c.sql})" for c in wanted)
    found = row_of(db, f"SELECT {listed} {source}")
    return {
        c.rule.id: tuple(int(line) for line in rows) for c, rows in zip(wanted, found, strict=True)
    }


def _values(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    source: str,
    condition: Condition,
    rows: tuple[int, ...],
) -> tuple[str, ...]:
    shown = ", ".join(
        f"{literal(f'{column.name}=')} || coalesce(CAST({identifier(column.table)}."
        f"{identifier(column.name)} AS VARCHAR), '')"
        for column in condition.mentioned
    )
    row = f"{identifier(typed.name)}.{identifier(typed.row)}"
    numbers = ", ".join(map(str, rows))
    found = rows_of(
        db,
        f"SELECT concat_ws(', ', {shown}) {source} WHERE {row} IN ({numbers}) ORDER BY {row}",
    )
    return tuple(one_line(values[0], 200) for values in found)


def _broken(
    typed: TypedTable,
    condition: Condition,
    count: int,
    rows: tuple[int, ...],
    values: tuple[str, ...],
) -> Broken:
    rule = condition.rule
    return Broken(
        rule.id,
        condition.table,
        "",
        rule.severity,
        rule.message,
        rule.message_ko,
        count,
        rows,
        values,
        typed.loaded.rows,
    )
