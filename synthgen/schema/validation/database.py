"""DuckDB as a reader of files from strangers: two threads, little memory, nothing else in reach."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.errors import OutputError
from synthgen.schema.rules.sql import literal

if TYPE_CHECKING:
    import duckdb

THREADS = 2
MEMORY = "1200MB"
"""Memory that DuckDB may use; what does not fit is written to the temporary folder."""


@contextlib.contextmanager
def locked_database(
    folder: Path, readable: Sequence[Path], *, threads: int = THREADS, memory: str = MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Database in a temporary folder that can read the files it was given, and nothing else.

    Extensions are neither loaded nor installed, other files and the network are out of
    reach, and no statement can change that any more.

    Parameters
    ----------
    folder : Path
        Folder of its own, removed by the caller; tables and what spills over stand there.
    readable : sequence of Path
        The only files that a query can open, existing or not.
    threads : int
    memory : str
        In DuckDB's words (``"1200MB"``).

    Raises
    ------
    OutputError
        If the temporary folder has no room, or the work needs more memory than allowed.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": str(threads),
        "memory_limit": memory,
        "preserve_insertion_order": "true",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
    }
    allowed = ", ".join(literal(str(path)) for path in readable)
    try:
        db = duckdb.connect(str(folder / "check.duckdb"), config=config)
        try:
            db.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}")
            db.execute("SET TimeZone = 'UTC'")
            db.execute("SET enable_progress_bar = false")
            db.execute("PRAGMA disable_checkpoint_on_shutdown")  # nobody opens it again
            db.execute("SET python_enable_replacements = false")
            db.execute(f"SET allowed_paths = [{allowed}]")
            db.execute("SET enable_external_access = false")
            db.execute("SET lock_configuration = true")
            yield db
        finally:
            db.close()
    except duckdb.OutOfMemoryException as error:
        raise OutputError(
            f"temporary folder {folder.parent}: has no room for the tables (memory is limited to "
            f"{memory}); free some space or set TMPDIR"
        ) from error
    except (duckdb.IOException, duckdb.TransactionException) as error:
        if isinstance(error, duckdb.TransactionException) and "write" not in str(error):
            raise
        raise OutputError(f"temporary folder {folder.parent}: cannot be written") from error
    except (duckdb.InterruptException, RuntimeError) as error:
        if "interrupt" in str(error).casefold():  # what DuckDB makes of Ctrl-C
            raise KeyboardInterrupt from error
        raise
    except OSError as error:
        raise OutputError(
            f"temporary folder {folder.parent}: cannot be written: {error.strerror or error}"
        ) from error


def rows_of(db: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return db.execute(query).fetchall()


def row_of(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The one row of a query.

    Raises
    ------
    LookupError
        If there is none: the query is ours, so it is our bug.
    """
    found = db.execute(query).fetchone()
    if found is None:
        raise LookupError(query)
    return found


def count_where(condition: str) -> str:
    """SQL that counts rows; 0, not null, where there are none.

    Examples
    --------
    >>> count_where("a > 1")
    'count(*) FILTER (WHERE a > 1)'
    """
    return f"count(*) FILTER (WHERE {condition})"
