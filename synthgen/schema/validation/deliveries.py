"""A delivery: which file holds which table, all of it loaded as text."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.errors import ContractError, UsageError
from synthgen.schema.model import Schema
from synthgen.schema.validation.database import locked_database
from synthgen.schema.validation.layout import recognised_table
from synthgen.schema.validation.loading import Loaded, load
from synthgen.schema.validation.opening import (
    Opened,
    link_candidates,
    open_database,
    open_parquet,
    open_text,
    readable_paths,
)
from synthgen.schema.validation.report import Note
from synthgen.schema.validation.sources import (
    Candidate,
    by_table,
    candidates,
    require_table,
    workbook_hint,
)

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Delivery:
    """Tables that were found, in a database that is open as long as they are looked at.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    source : Path
    schema : Schema
    tables : tuple of Loaded
        In the order of the schema.
    notes : tuple of Note
        Files that were not read, and how others were recognised.
    whole : bool
        Whether all tables were to be expected: a folder or a database, not a single file.
    """

    db: duckdb.DuckDBPyConnection
    source: Path
    schema: Schema
    tables: tuple[Loaded, ...]
    notes: tuple[Note, ...]
    whole: bool

    def loaded(self, name: str) -> Loaded | None:
        """Table by name; None if the delivery does not have it."""
        return next((t for t in self.tables if t.table.name == name), None)


@contextlib.contextmanager
def open_delivery(
    source: Path,
    schema: Schema,
    table: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Delivery]:
    """Tables of a folder or file, loaded as text.

    Parameters
    ----------
    source : Path
        Folder of files, one text or Parquet file, or a DuckDB file.
    schema : Schema
        Says which tables and columns to look for.
    table : str, optional
        Table that a single file holds, where its name and columns do not say.
    progress : callable, optional
        Called with the share of the tables that are loaded.

    Yields
    ------
    Delivery

    Raises
    ------
    ContractError
        If a file cannot be read, or no table is found; one line, without values.
    UsageError
        If the schema has no such table, or a table is named for a folder.
    OutputError
        If the temporary folder has no room.
    """
    found = candidates(source)
    wanted = require_table(schema, table) if table is not None else None
    if wanted is not None and source.is_dir():
        raise UsageError(f"{source}: is a folder; --table is for a single file")
    with tempfile.TemporaryDirectory(prefix="synthgen-check-") as name:
        folder = Path(name).resolve()
        links = link_candidates(found, folder)
        with locked_database(folder, readable_paths(links)) as db:
            finder = _Finder(db, schema, links, progress)
            if source.is_dir():
                finder.folder(found)
            else:
                finder.file(found[0], wanted)
            yield finder.delivery(source)


class _Finder:
    """Goes through candidates and loads the tables it finds."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        schema: Schema,
        links: dict[Path, Path],
        progress: Callable[[float], None] | None,
    ) -> None:
        self._db = db
        self._schema = schema
        self._links = links
        self._progress = progress
        self._opened: dict[Candidate, Opened] = {}
        self._tables: dict[str, Loaded] = {}
        self._notes: list[Note] = []
        self._whole = True

    def delivery(self, source: Path) -> Delivery:
        if not self._tables:
            raise ContractError(
                f"{source}: holds none of the tables of {self._schema.key} "
                f"({', '.join(table.name for table in self._schema.tables)}); name the files "
                "after the tables, or say which one it is with --table"
                f"{workbook_hint(source)}"
            )
        tables = [self._tables[t.name] for t in self._schema.tables if t.name in self._tables]
        return Delivery(
            self._db, source, self._schema, tuple(tables), tuple(self._notes), self._whole
        )

    def file(self, item: Candidate, wanted: str | None) -> None:
        """Take a single file; a DuckDB file is as good as a folder."""
        if item.form == "duckdb":
            inside = self._open_database(item)
            if wanted is None:
                self._take(inside)
                return
            inside = [one for one in inside if one.name == wanted.casefold()]
            if not inside:
                raise ContractError(f"{item.path}: has no table {wanted}")
            self._load(wanted, inside[0])
            self._whole = False
            return
        self._whole = False
        if wanted is None:
            named, _, _ = by_table(self._schema, [item])
            wanted = next(iter(named), None)
        if wanted is None:
            wanted = self._recognise(item)
        if wanted is None:
            raise ContractError(
                f"{item.path}: its name and columns do not say which table it is; "
                f"say --table ({', '.join(table.name for table in self._schema.tables)})"
            )
        self._load(wanted, item)

    def folder(self, found: Sequence[Candidate]) -> None:
        """Take all files of a folder."""
        items: list[Candidate] = []
        for item in found:
            items += self._open_database(item) if item.form == "duckdb" else [item]
        self._take(items)

    def _take(self, items: Sequence[Candidate]) -> None:
        named, second, other = by_table(self._schema, items)
        for table in self._schema.tables:
            if table.name in named:
                self._load(table.name, named[table.name])
        for item in second:
            self._note("check.structure.second_file", item, file=self._label(item))
        for item in other:
            if len(self._tables) < len(self._schema.tables):
                with contextlib.suppress(ContractError):  # a README is no table
                    name = self._recognise(item)
                    if name is not None and name not in self._tables:
                        self._load(name, item)
                        continue
            if item.path.suffix.casefold() != ".txt":
                self._note("check.structure.other_file", item, file=self._label(item))

    def _label(self, item: Candidate) -> str:
        return self._opened[item].label if item in self._opened else item.path.name

    def _note(self, key: str, item: Candidate, **values: str) -> None:
        self._notes.append(Note("structure", key, item.name, "", values))

    def _open_database(self, item: Candidate) -> list[Candidate]:
        with _readable(item.path):
            inside = open_database(self._db, item, self._links[item.path])
        self._opened |= {one.item: one for one in inside}
        return [one.item for one in inside]

    def _open(self, item: Candidate) -> Opened:
        if item not in self._opened:
            with _readable(item.path):
                link = self._links[item.path]
                self._opened[item] = (
                    open_parquet(self._db, item, link)
                    if item.form == "parquet"
                    else open_text(item, link, self._schema.tables)
                )
        return self._opened[item]

    def _recognise(self, item: Candidate) -> str | None:
        """Table that a file holds by its columns."""
        table = recognised_table(self._schema, self._open(item).names)
        if table is None:
            return None
        self._notes.append(
            Note(
                "reading",
                "check.reading.recognised",
                table.name,
                "",
                {"file": self._label(item), "table": table.name},
            )
        )
        return table.name

    def _load(self, name: str, item: Candidate) -> None:
        opened = self._open(item)
        with _readable(item.path):
            relation = f"text_{len(self._tables)}"
            self._tables[name] = load(self._db, opened, self._schema.table(name), relation)
        if self._progress is not None:
            self._progress(len(self._tables) / len(self._schema.tables))


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what DuckDB says about a bad file, which may hold its values, into one line.

    Raises
    ------
    ContractError
        If the file cannot be read.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.IOException as error:
        if "write" in str(error):  # the temporary folder, not the file
            raise
        raise ContractError(f"{path}: cannot be read; it is damaged or cut off") from error
    except duckdb.Error as error:
        raise ContractError(
            f"{path}: cannot be read as a table ({type(error).__name__})"
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ContractError(f"{path}: cannot be read: {error.strerror or error}") from error
