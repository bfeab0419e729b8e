"""Records in PostgreSQL: each table of the schema is copied out as CSV and read like a file."""

from __future__ import annotations

from pathlib import Path

from synthgen.errors import RecordsError
from synthgen.extras import require
from synthgen.schema.model import Schema

PREFIXES = ("postgresql://", "postgres://")


def is_postgres(source: str) -> bool:
    """Whether a source is the address of a PostgreSQL database."""
    return source.startswith(PREFIXES)


def copy_tables(address: str, schema: Schema, folder: Path) -> None:
    """Copy the tables of a schema that the database has into ``<folder>/<table>.csv``.

    Parameters
    ----------
    address : str
        ``postgresql://...``, as libpq understands it; the first schema of the search path that
        has a table of the name counts.  The transaction is read-only.
    schema : Schema
    folder : Path

    Raises
    ------
    MissingExtraError
        If psycopg is not installed.
    RecordsError
        If the database cannot be reached or has none of the tables; the line holds neither the
        address, which may have a password in it, nor what the server says, which may have values.
    """
    psycopg = require("postgres", "psycopg")
    sql = require("postgres", "psycopg.sql")
    found = 0
    try:
        with psycopg.connect(address) as connection:
            connection.read_only = True
            connection.execute("SET client_encoding TO 'UTF8'")
            connection.execute("SET datestyle TO ISO")
            for table in schema.tables:
                there = connection.execute("SELECT to_regclass(%s)", (f'"{table.name}"',))
                if there.fetchone()[0] is None:
                    continue
                found += 1
                copy = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER)").format(
                    sql.Identifier(table.name)
                )
                with (
                    (folder / f"{table.name}.csv").open("wb") as file,
                    connection.cursor().copy(copy) as out,
                ):
                    for part in out:
                        file.write(part)
    except psycopg.Error as error:
        state = getattr(error, "sqlstate", None)
        raise RecordsError(
            f"PostgreSQL: cannot be read ({type(error).__name__}"
            f"{f', SQLSTATE {state}' if state else ''}); check the address and the permissions"
        ) from None
    if not found:
        raise RecordsError(
            f"PostgreSQL: has none of the tables of {schema.key} "
            f"({', '.join(table.name for table in schema.tables)})"
        )
