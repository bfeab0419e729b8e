"""The DuckDB file of a cohort: whether it holds what the manifest says, and writing it anew.

Its bytes are not reproducible, so that a manifest hashes what it holds.  And a file that rows
were deleted from may still have them in its free pages, so that it is never copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.database import connect, inserted, typed_columns
from synthgen.cohort.hashes import joined_hash, table_hash
from synthgen.cohort.names import MARKS, schema_with_names
from synthgen.cohort.write import DATABASE
from synthgen.evaluation.subjects import frame_of
from synthgen.randomness import BLOCK_SIZE
from synthgen.schema.ddl import to_ddl
from synthgen.schema.model import Schema, Table
from synthgen.schema.rules.sql import identifier

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def database_hashes(path: Path, schema: Schema) -> dict[str, dict[str, Any]] | None:
    """Rows and content hash of every table, as the manifest of a cohort has them.

    Parameters
    ----------
    path : Path
        A DuckDB file.  Memory holds one block of its rows.
    schema : Schema
        Of the cohort, with its column of names, if there is one.

    Returns
    -------
    dict or None
        None where the file cannot be read, or is not as the schema wants it: another table, a
        column that is missing or too many, a cell of another type.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "access_mode": "read_only",
        "enable_external_access": "false",
        "threads": "1",
    }
    import duckdb

    made = {}
    try:
        with duckdb.connect(str(path), config=config) as db:
            found = db.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            views = db.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone()
            if {name for (name,) in found} != {t.name for t in schema.tables} or views != (0,):
                return None
            for table in schema.tables:
                columns = db.table(identifier(table.name)).columns
                if columns != list(table.column_names):
                    return None
                made[table.name] = joined_hash(
                    [table_hash(block, table) for block in _blocks(db, schema, table)]
                )
    except (duckdb.Error, ValueError, TypeError, OverflowError):
        return None
    return made


def changed_database(folder: Path, manifest: Mapping[str, Any], schema: Schema) -> list[str]:
    """Name of a cohort's DuckDB file if it does not hold what was written; else nothing.

    Parameters
    ----------
    folder : Path
    manifest : mapping
        Of the cohort: content hashes of its tables, and the language of its names.
    schema : Schema
    """
    path = folder / DATABASE
    if not path.exists():
        return []
    settings = manifest.get("settings")
    language = settings.get("names", "") if isinstance(settings, dict) else ""
    whole = schema_with_names(schema, language) if language in MARKS else schema
    same = not path.is_symlink() and database_hashes(path, whole) == manifest.get("tables")
    return [] if same else [DATABASE]


def _blocks(db: duckdb.DuckDBPyConnection, schema: Schema, table: Table) -> Iterator[pd.DataFrame]:
    """Rows of a table as they belong to the blocks of patients, in their order."""
    first = schema.tables[0]
    counted = db.execute(f"SELECT count(*) FROM {identifier(first.name)}").fetchone() or (0,)  # noqa: S608
    for block in range(max(-(-int(counted[0]) // BLOCK_SIZE), 1)):
        start, end = block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE
        rows = f"rowid >= {start} AND rowid < {end}"
        for parent, column in _way_to(schema, table):
            key, name = identifier(parent.primary_key[0]), identifier(parent.name)
            rows = f"{identifier(column)} IN (SELECT {key} FROM {name} WHERE {rows})"  # noqa: S608
        selected = f"SELECT {typed_columns(table)} FROM {identifier(table.name)} WHERE {rows}"  # noqa: S608
        yield frame_of(db, f"({selected} ORDER BY rowid)", table, list(table.column_names))


def _way_to(schema: Schema, table: Table) -> list[tuple[Table, str]]:
    """Tables from the first one down to a table's parent, each with the column that names it."""
    before = {t.name for t in schema.tables[: schema.tables.index(table)]}
    key = next((k for k in table.foreign_keys if k.table in before), None)
    if key is None:
        return []
    parent = schema.table(key.table)
    return [*_way_to(schema, parent), (parent, key.columns[0])]


def write_database(path: Path, schema: Schema, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write the tables of a cohort into a new DuckDB file, which holds nothing else.

    Parameters
    ----------
    path : Path
        Of a file that does not exist.
    schema : Schema
    tables : mapping of str to DataFrame
        Typed, in the order of their rows.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with connect(path) as db:
        db.execute(to_ddl(schema))
        for table in schema.tables:
            db.register("frame", tables[table.name])
            rows = f"(SELECT {typed_columns(table)} FROM frame)"  # noqa: S608 - quoted names
            db.execute(inserted(rows, table.name))
            db.unregister("frame")
