"""The tables of a cohort as they are, in one SQLite file with its keys."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synthgen.errors import OutputError, UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.terms import ROW
from synthgen.schema.model import ColumnType, Table
from synthgen.schema.rules.sql import identifier

FILE = "cohort.sqlite"
AT_ONCE = 10_000
"""Rows that are held in memory."""

TYPES = {
    ColumnType.STRING: "TEXT",
    ColumnType.CODE: "TEXT",
    ColumnType.INTEGER: "INTEGER",
    ColumnType.NUMBER: "REAL",
    ColumnType.DATE: "TEXT",
}
"""SQLite has no dates: they are text, YYYY-MM-DD, which its date functions read."""


def rows_of_table(cohort: CohortTables, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of a table in pieces, dates as ISO text."""
    cells = ", ".join(
        f"CAST({identifier(c.name)} AS VARCHAR)"
        if c.type is ColumnType.DATE
        else identifier(c.name)
        for c in table.columns
    )
    order = identifier(ROW)
    query = f"SELECT {cells} FROM {identifier(table.name)} ORDER BY {order}"  # noqa: S608 - quoted
    found = cohort.database.execute(query)
    while piece := found.fetchmany(AT_ONCE):
        yield piece


def _definition(table: Table) -> str:
    parts = [
        f"{identifier(c.name)} {TYPES[c.type]}{'' if c.nullable else ' NOT NULL'}"
        for c in table.columns
    ]
    parts.append(f"PRIMARY KEY ({', '.join(identifier(n) for n in table.primary_key)})")
    parts += [
        f"FOREIGN KEY ({', '.join(identifier(n) for n in key.columns)}) REFERENCES "
        f"{identifier(key.table)} ({', '.join(identifier(n) for n in key.references)})"
        for key in table.foreign_keys
    ]
    return f"CREATE TABLE {identifier(table.name)} ({', '.join(parts)})"


def write(cohort: CohortTables, folder: Path, options: Mapping[str, str]) -> dict[str, int]:
    """Write ``cohort.sqlite``.

    Raises
    ------
    UsageError
        If there is an option: this target has none.
    OutputError
        If SQLite cannot write: a full disk.
    """
    if options:
        raise UsageError(f"sqlite: has no option {next(iter(options))}; it has: none")
    rows = {}
    try:
        with contextlib.closing(sqlite3.connect(folder / FILE)) as db, db:
            db.execute("PRAGMA foreign_keys = ON")
            for table in cohort.tables:
                db.execute(_definition(table))
                marks = ", ".join("?" * len(table.columns))
                insert = f"INSERT INTO {identifier(table.name)} VALUES ({marks})"  # noqa: S608
                rows[table.name] = 0
                for piece in rows_of_table(cohort, table):
                    db.executemany(insert, piece)
                    rows[table.name] += len(piece)
    except sqlite3.OperationalError as error:
        raise OutputError(f"{FILE}: cannot be written: {error}") from error
    return rows
