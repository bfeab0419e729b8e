"""Rules of the schema, and what its codes imply, counted over the typed tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthgen.schema.documents import one_line
from synthgen.schema.model import Rule, Schema, Severity
from synthgen.schema.rules import CheckedRule, all_rules, to_sql
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.rules.tree import OTHER, Another, ColumnName, columns_of, walk
from synthgen.schema.validation.columns import TypedTable
from synthgen.schema.validation.database import count_where, row_of, rows_of
from synthgen.schema.validation.report import FIRST_ROWS, Broken, Note

if TYPE_CHECKING:
    import duckdb


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


def conditions_of(
    schema: Schema, tables: Mapping[str, TypedTable], parents: Mapping[str, str]
) -> tuple[list[Condition], list[Note]]:
    """Rules whose columns are all there, as SQL, and notes on the others.

    Parameters
    ----------
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
    for checked in all_rules(schema):
        lacking = _lacking(checked, tables)
        if lacking:
            unchecked.setdefault((checked.table, ", ".join(lacking)), []).append(checked.rule.id)
            continue
        relations = {**parents, checked.table: tables[checked.table].relation}
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
    groups: dict[tuple[str, str, bool], list[Condition]] = {}
    for condition in conditions:
        key = (condition.table, condition.source, condition.pairs)
        groups.setdefault(key, []).append(condition)
    found: dict[str, Broken] = {}
    for (table, source, _), members in groups.items():
        counted = ", ".join(count_where(condition.sql) for condition in members)
        counts = row_of(db, f"SELECT {counted} {source}")
        caught = [(c, int(n)) for c, n in zip(members, counts, strict=True) if n]
        rows = _first_rows(db, tables[table], source, [condition for condition, _ in caught])
        for condition, count in caught:
            first = rows.get(condition.rule.id, ())
            values: tuple[str, ...] = ()
            if show_values and first:
                values = _values(db, tables[table], source, condition, first)
            found[condition.rule.id] = _broken(tables[table], condition, count, first, values)
    return [found[c.rule.id] for c in conditions if c.rule.id in found]


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
