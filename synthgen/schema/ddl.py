"""A schema as DuckDB tables whose keys, codes and impossible rules the database enforces."""

from __future__ import annotations

from synthgen.schema.model import Column, ColumnType, Schema, Severity, Table
from synthgen.schema.rules.implied import all_rules
from synthgen.schema.rules.sql import identifier, in_ranges, literal, unqualified
from synthgen.schema.rules.tree import Another, walk

_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.CODE: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.DATE: "DATE",
}


def sql_type(column: Column) -> str:
    """DuckDB type of a column."""
    return _TYPES[column.type]


def _bound(value: float, column: Column) -> str:
    return literal(int(value)) if column.type is ColumnType.INTEGER else literal(float(value))


def column_condition(column: Column, name: str) -> str:
    """SQL condition that a present value of a column is allowed, ``""`` if anything is.

    Parameters
    ----------
    column : Column
    name : str
        The column as SQL names it.
    """
    parts: list[str] = []
    if column.codes is not None:
        parts.append(in_ranges(name, tuple((code, code) for code in column.codes.index)))
        if column.codes.pattern:
            parts = [f"regexp_full_match({name}, {literal(column.codes.pattern)})"]
    if column.pattern:
        parts.append(f"regexp_full_match({name}, {literal(column.pattern)})")
    if column.minimum is not None:
        parts.append(f"{name} >= {_bound(column.minimum, column)}")
    if column.maximum is not None:
        parts.append(f"{name} <= {_bound(column.maximum, column)}")
    return " AND ".join(parts)


def _column(column: Column) -> str:
    name = identifier(column.name)
    condition = column_condition(column, name)
    null = "" if column.nullable else " NOT NULL"
    return f"{name} {sql_type(column)}{null}{f' CHECK ({condition})' if condition else ''}"


def _rule_checks(schema: Schema, table: Table) -> list[str]:
    """Impossible rules that one row of the table can break by itself."""
    return [
        f"CHECK (NOT ({unqualified(schema, checked)}))"
        for checked in all_rules(schema)
        if checked.table == table.name
        and checked.rule.severity is Severity.IMPOSSIBLE
        and not checked.parents
        and not any(isinstance(node, Another) for node in walk(checked.condition))
    ]


def parents_first(schema: Schema) -> tuple[Table, ...]:
    """Tables in an order in which every table comes after those it refers to."""
    made: dict[str, Table] = {}
    waiting = list(schema.tables)
    while waiting:
        free = [t for t in waiting if all(key.table in made for key in t.foreign_keys)]
        made |= {table.name: table for table in free}
        waiting = [table for table in waiting if table.name not in made]
    return tuple(made.values())


def create_table(schema: Schema, table: Table, *, keys: bool = True) -> str:
    """``CREATE TABLE`` of one table.

    Parameters
    ----------
    schema : Schema
    table : Table
    keys : bool
        With keys and checks; without them only names and types.
    """
    if not keys:
        lines = [f"{identifier(column.name)} {sql_type(column)}" for column in table.columns]
    else:
        lines = [_column(column) for column in table.columns]
        if table.primary_key:
            lines.append(f"PRIMARY KEY ({', '.join(map(identifier, table.primary_key))})")
        lines += [
            f"FOREIGN KEY ({', '.join(map(identifier, key.columns))}) "
            f"REFERENCES {identifier(key.table)} ({', '.join(map(identifier, key.references))})"
            for key in table.foreign_keys
        ]
        lines += _rule_checks(schema, table)
    inside = ",\n".join(f"  {line}" for line in lines)
    return f"CREATE TABLE {identifier(table.name)} (\n{inside}\n);"


def to_ddl(schema: Schema) -> str:
    """DuckDB script that makes every table, parents first.

    Keys, NOT NULL, code lists, ranges, patterns and those impossible rules that a single
    row can break are constraints.  Rules across rows or tables are queries
    (:func:`synthgen.schema.rules.to_sql`).
    """
    return "\n".join(create_table(schema, table) for table in parents_first(schema)) + "\n"
