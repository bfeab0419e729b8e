"""DuckDB as the writer of data files: one thread, in order, without extensions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.errors import OutputError
from synthgen.schema.model import ColumnType, Table
from synthgen.schema.rules.sql import identifier

if TYPE_CHECKING:
    import duckdb

#: DuckDB type of each column type.
SQL_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.CODE: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.DATE: "DATE",
}


def quoted(path: Path) -> str:
    """A path as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"


def typed_columns(table: Table) -> str:
    """Select list that casts every column of a table to its type."""
    return ", ".join(
        f"CAST({identifier(c.name)} AS {SQL_TYPES[c.type]}) AS {identifier(c.name)}"
        for c in table.columns
    )


def parquet_files(paths: Sequence[Path]) -> str:
    """Files of one table, in order, as a relation."""
    return f"read_parquet([{', '.join(quoted(path) for path in paths)}])"


def copied(relation: str, path: Path, options: str, columns: str = "*") -> str:
    """Statement that writes columns of a relation to a file."""
    select = f"SELECT {columns} FROM {relation}"  # noqa: S608 - names are quoted by the caller
    return f"COPY ({select}) TO {quoted(path)} ({options})"


def inserted(relation: str, table: str) -> str:
    """Statement that appends a relation to a table."""
    return f"INSERT INTO {identifier(table)} SELECT * FROM {relation}"  # noqa: S608 - quoted


@contextlib.contextmanager
def connect(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connection whose results do not depend on threads, and that loads nothing.

    Raises
    ------
    OutputError
        If DuckDB cannot write: a full disk, no permission.
    KeyboardInterrupt
        If Ctrl-C came in the middle of a statement.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1",
        "preserve_insertion_order": "true",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        db = duckdb.connect(str(path) if path else ":memory:", config=config)
        try:
            db.execute("SET enable_progress_bar = false")
            yield db
        finally:
            db.close()
    except (duckdb.InterruptException, RuntimeError) as error:
        if "interrupt" in str(error).casefold():  # what DuckDB makes of Ctrl-C
            raise KeyboardInterrupt from error
        raise
    except duckdb.Error as error:
        text = str(error).casefold()
        # A full disk is an IOException, or a transaction that cannot be committed.
        full = "no space left" in text or "not enough space" in text
        if not full and not isinstance(error, duckdb.IOException) and "could not write" not in text:
            raise
        where = path.name if path else "data file"
        reason = "no space left on device" if full else "input/output error"
        raise OutputError(f"{where}: cannot be written: {reason}") from error
