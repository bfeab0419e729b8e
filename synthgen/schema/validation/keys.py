"""Primary keys that must be unique, foreign keys that must lead somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthgen.schema.documents import one_line
from synthgen.schema.model import ForeignKey, Severity
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation.columns import TypedTable
from synthgen.schema.validation.database import row_of, rows_of
from synthgen.schema.validation.report import FIRST_ROWS, Broken, Note, both

if TYPE_CHECKING:
    import duckdb


def _listed(columns: tuple[str, ...], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + identifier(column) for column in columns)


def repeated_keys(db: duckdb.DuckDBPyConnection, typed: TypedTable) -> int:
    """Rows whose primary key an earlier row has; keys with a missing part are not compared."""
    key = typed.loaded.table.primary_key
    if not key or not set(key) <= set(typed.readers):
        return 0
    known = " AND ".join(f"{identifier(column)} IS NOT NULL" for column in key)
    return int(
        row_of(
            db,
            f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {typed.relation} "  # noqa: S608
            f"WHERE {known} GROUP BY {_listed(key)} HAVING n > 1)",
        )[0]
    )


def primary_key_findings(
    db: duckdb.DuckDBPyConnection, typed: TypedTable, *, show_values: bool
) -> list[Broken]:
    """Rows that repeat a primary key."""
    count = repeated_keys(db, typed)
    if not count:
        return []
    key = typed.loaded.table.primary_key
    row = identifier(typed.row)
    again = f"row_number() OVER (PARTITION BY {_listed(key)} ORDER BY {row}) > 1"
    known = " AND ".join(f"{identifier(column)} IS NOT NULL" for column in key)
    twice = (
        f"SELECT {_listed(key)} FROM {typed.relation} WHERE {known} "  # noqa: S608
        f"GROUP BY {_listed(key)} HAVING count(*) > 1"
    )
    found = rows_of(
        db,
        f"SELECT {row}, concat_ws(', ', {_listed(key)}) FROM {typed.relation} "  # noqa: S608
        f"SEMI JOIN ({twice}) AS twice USING ({_listed(key)}) QUALIFY {again} "
        f"ORDER BY {row} LIMIT {FIRST_ROWS}",
    )
    return [
        Broken(
            "key.unique",
            typed.name,
            ", ".join(key),
            Severity.IMPOSSIBLE,
            *both("check.key.unique", columns=", ".join(key)),
            count,
            tuple(int(line) for line, _ in found),
            tuple(one_line(value, 60) for _, value in found) if show_values else (),
            typed.loaded.rows,
        )
    ]


def foreign_key_findings(
    db: duckdb.DuckDBPyConnection,
    tables: Mapping[str, TypedTable],
    typed: TypedTable,
    *,
    show_values: bool,
) -> tuple[list[Broken], list[Note]]:
    """Rows that refer to a row that is not there; keys that could not be followed."""
    broken: list[Broken] = []
    notes: list[Note] = []
    for key in typed.loaded.table.foreign_keys:
        target = tables.get(key.table)
        if (
            target is None
            or not set(key.columns) <= set(typed.readers)
            or not set(key.references) <= set(target.readers)
        ):
            values = {"table": typed.name, "columns": ", ".join(key.columns), "target": key.table}
            notes.append(Note("unchecked", "check.unchecked.key", typed.name, "", values))
            continue
        broken += _orphans(db, typed, target, key, show_values=show_values)
    return broken, notes


def _orphans(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    target: TypedTable,
    key: ForeignKey,
    *,
    show_values: bool,
) -> list[Broken]:
    known = " AND ".join(f"child.{identifier(column)} IS NOT NULL" for column in key.columns)
    on = " AND ".join(
        f"child.{identifier(mine)} = parent.{identifier(theirs)}"
        for mine, theirs in zip(key.columns, key.references, strict=True)
    )
    orphans = (
        f"FROM {typed.relation} AS child ANTI JOIN {target.relation} AS parent ON {on} "
        f"WHERE {known}"
    )
    count = int(row_of(db, f"SELECT count(*) {orphans}")[0])
    if not count:
        return []
    row = f"child.{identifier(typed.row)}"
    found = rows_of(
        db,
        f"SELECT {row}, concat_ws(', ', {_listed(key.columns, 'child')}) {orphans} "
        f"ORDER BY {row} LIMIT {FIRST_ROWS}",
    )
    return [
        Broken(
            "key.foreign",
            typed.name,
            ", ".join(key.columns),
            Severity.IMPOSSIBLE,
            *both("check.key.foreign", target=key.table),
            count,
            tuple(int(line) for line, _ in found),
            tuple(one_line(value, 60) for _, value in found) if show_values else (),
            typed.loaded.rows,
        )
    ]
