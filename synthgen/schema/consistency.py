"""What must hold between the parts of a schema: keys, end points, codes, rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from synthgen.errors import SchemaError
from synthgen.schema.codesets import code_set
from synthgen.schema.documents import one_line
from synthgen.schema.model import Code, Column, ColumnType, ForeignKey, Schema, Table
from synthgen.schema.rules import check_rule, is_caught

_BEYOND_RE2 = re.compile(r"\(\?[^:]|\\[1-9]")
"""Look-around, inline flags and back-references: DuckDB's expressions (RE2) lack them."""


def _known_column(table: Table, name: str, what: str) -> Column:
    if name not in table.column_names:
        raise SchemaError(
            f"table {table.name}: {what} names column {one_line(name)}, which it does not have"
        )
    return table.column(name)


def _check_columns(table: Table) -> None:
    names = Counter(name.casefold() for name in table.column_names)
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise SchemaError(
            f"table {table.name}: columns differ only in upper and lower case: "
            f"{one_line(twice[0])} ({len(twice)} such names)"
        )
    for column in table.columns:
        where = f"table {table.name}: column {one_line(column.name)}"
        if _BEYOND_RE2.search(column.pattern):
            raise SchemaError(
                f"{where}: pattern uses look-around, flags or back-references; "
                "it must be a plain regular expression"
            )
        number = column.type in (ColumnType.INTEGER, ColumnType.NUMBER)
        strays = [code for code in column.missing_codes if number and not _is_number(code)]
        if strays:
            raise SchemaError(f"{where}: missing code {one_line(strays[0])} is not a number")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _check_keys(table: Table, tables: Mapping[str, Table]) -> None:
    for name in table.primary_key:
        if _known_column(table, name, "primary key").nullable:
            raise SchemaError(
                f"table {table.name}: column {one_line(name)} of the primary key may be missing; "
                "it must be required"
            )
    for key in table.foreign_keys:
        _check_foreign_key(table, key, tables)


def _check_foreign_key(table: Table, key: ForeignKey, tables: Mapping[str, Table]) -> None:
    where = f"table {table.name}: foreign key to {one_line(key.table)}"
    if key.table not in tables:
        raise SchemaError(f"{where}: there is no such table")
    parent = tables[key.table]
    if not key.columns or key.references != parent.primary_key:
        raise SchemaError(
            f"{where}: refers to {one_line(', '.join(key.references) or 'nothing')}; it must be "
            f"the primary key of the table ({', '.join(parent.primary_key) or 'it has none'})"
        )
    if len(key.columns) != len(key.references):
        raise SchemaError(
            f"{where}: has {len(key.columns)} columns; the primary key has {len(key.references)}"
        )
    for mine, theirs in zip(key.columns, key.references, strict=True):
        own, other = _known_column(table, mine, "foreign key"), parent.column(theirs)
        if own.type is not other.type:
            raise SchemaError(
                f"{where}: column {one_line(mine)} is {own.type.value}, "
                f"{one_line(theirs)} is {other.type.value}; they must be the same"
            )


def _check_no_cycle(tables: Mapping[str, Table]) -> None:
    waiting = {name: {key.table for key in table.foreign_keys} for name, table in tables.items()}
    while waiting:
        free = [name for name, parents in waiting.items() if not parents & set(waiting)]
        if not free:
            raise SchemaError(
                f"foreign keys go in a circle through {', '.join(sorted(waiting)[:5])}; "
                "a table must not refer to itself, directly or through others"
            )
        for name in free:
            del waiting[name]


def _check_end_points(table: Table) -> None:
    for point in table.end_points:
        what = f"end point {point.name}"
        time = _known_column(table, point.time, what)
        event = _known_column(table, point.event, what)
        if time.type not in (ColumnType.INTEGER, ColumnType.NUMBER):
            raise SchemaError(f"table {table.name}: {what}: time {time.name} must be a number")
        if event.codes is None:
            raise SchemaError(f"table {table.name}: {what}: event {event.name} needs a code list")
        for code in (*point.events, *point.competing):
            if code not in event.codes:
                raise SchemaError(
                    f"table {table.name}: {what}: {one_line(code)} is no code of {event.name}"
                )
        if set(point.events) & set(point.competing):
            raise SchemaError(f"table {table.name}: {what}: a code is an event and competing")


def _implied(schema: Schema) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Where an implication stands, and the table, column and codes it speaks about."""
    for table in schema.tables:
        for column in table.columns:
            codes: tuple[Code, ...] = column.codes.codes if column.codes else ()
            for code in codes:
                for name, allowed in code.implies.items():
                    where = f"code {one_line(code.code)} of {table.name}.{column.name}"
                    yield where, table.name, name, allowed
    for variable in schema.variables:
        for category, implied in variable.implies.items():
            for qualified, allowed in implied.items():
                name, _, column_name = qualified.partition(".")
                where = f"variable {variable.name}: {one_line(category)}"
                yield where, name, column_name, allowed


def _check_implied(schema: Schema) -> None:
    known: dict[tuple[str, str], list[str]] = {}
    checked: set[tuple[str, str, tuple[str, ...]]] = set()
    for where, table, name, allowed in _implied(schema):
        if (table, name, allowed) in checked:
            continue
        checked.add((table, name, allowed))
        column = _known_column(schema.table(table), name, f"{where} implies")
        if (table, name) not in known:
            listed = column.codes
            closed = listed is not None and not listed.pattern
            known[table, name] = list(listed.index) if listed is not None and closed else []
        code_set(allowed, known[table, name], where=f"{where} implies {one_line(name)}")


def _check_rules(schema: Schema) -> None:
    for rule in schema.rules:
        checked = check_rule(schema, rule)
        for rows, wanted in ((rule.passes, False), (rule.caught, True)):
            for number, row in enumerate(rows, start=1):
                if is_caught(schema, checked, row) is not wanted:
                    raise SchemaError(
                        f"rule {one_line(rule.id)}: example {number} of "
                        f"{'caught' if wanted else 'passes'} is "
                        f"{'not caught' if wanted else 'caught'}"
                    )


def check_schema(schema: Schema) -> Schema:
    """The same schema, if its parts agree.

    Parameters
    ----------
    schema : Schema

    Raises
    ------
    SchemaError
        If a key dangles or goes in a circle, an end point or an implication names a
        missing column or code, a rule cannot be read, or an example of a rule does not do
        what it is an example of.
    """
    tables = {table.name: table for table in schema.tables}
    for table in schema.tables:
        _check_columns(table)
        _check_keys(table, tables)
        _check_end_points(table)
    _check_no_cycle(tables)
    _check_implied(schema)
    _check_rules(schema)
    return schema
