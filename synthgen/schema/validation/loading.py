"""A table of a delivery, every cell as text, in the locked database."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.errors import ContractError
from synthgen.schema.model import Table
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.database import row_of
from synthgen.schema.validation.layout import SEPARATORS, Layout, matched_columns, plain_name
from synthgen.schema.validation.opening import CLEAN, Opened
from synthgen.schema.validation.records import Uneven, rewrite_records
from synthgen.schema.validation.report import Note
from synthgen.schema.validation.text_files import ENCODINGS, TextFile

if TYPE_CHECKING:
    import duckdb

MOST_EXTRA = 200
"""Columns beyond those of the schema that are read, to find out what they are."""

EVEN = Uneven(0, (), trailing=False)


@dataclass(frozen=True)
class Loaded:
    """One table of a delivery, every cell as text.

    Parameters
    ----------
    table : Table
        What the schema says about it.
    file : str
        Name of its file, for people.
    relation : str
        Name of the relation in the database; its columns are ``c0``, ``c1`` ...
    names : tuple of str
        Column names as they stand in the file.
    positions : mapping of str to int
        Position of each column of the schema that the file has.
    line : str
        SQL expression of the row number as a person sees it.
    rows : int
    separator, encoding : str
        Of a text file, ``""`` for Parquet and DuckDB.
    compressed : bool
    stored : tuple of str
        SQL types of the columns of a Parquet file or a DuckDB table.
    uneven : Uneven
        Records of a text file that were left out.
    notes : tuple of Note
        How the file was read.
    """

    table: Table
    file: str
    relation: str
    names: tuple[str, ...]
    positions: Mapping[str, int]
    line: str
    rows: int
    separator: str = ""
    encoding: str = ""
    compressed: bool = False
    stored: tuple[str, ...] = ()
    uneven: Uneven = EVEN
    notes: tuple[Note, ...] = ()

    @property
    def extra(self) -> tuple[int, ...]:
        """Positions of the columns that are not the schema's, without nameless ones."""
        known = {*self.positions.values(), *(at for _, at in self.twice)}
        return tuple(at for at, name in enumerate(self.names) if at not in known and name.strip())

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns of the schema that the file does not have."""
        return tuple(n for n in self.table.column_names if n not in self.positions)

    @property
    def twice(self) -> tuple[tuple[str, int], ...]:
        """Columns of the schema that stand twice, with the position that was not read."""
        known = {plain_name(name): name for name in self.positions}
        return tuple(
            (known[plain_name(name)], at)
            for at, name in enumerate(self.names)
            if plain_name(name) in known and self.positions[known[plain_name(name)]] != at
        )

    @property
    def in_order(self) -> bool:
        """Whether the columns of the schema come in its order."""
        found = [self.positions[n] for n in self.table.column_names if n in self.positions]
        return found == sorted(found)


def load(db: duckdb.DuckDBPyConnection, opened: Opened, table: Table, relation: str) -> Loaded:
    """Load a table as text.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    opened : Opened
    table : Table
        Which table of the schema it is.
    relation : str
        Name for the relation that is made.

    Raises
    ------
    ContractError
        If the file has none of the table's columns, or breaks off.
    """
    positions = matched_columns(table, opened.names)
    if not positions:
        raise ContractError(
            f"{opened.label}: has none of the {len(table.columns)} columns of {table.name}; "
            "the first line must hold the column names"
        )
    if opened.text is None or opened.layout is None:
        return _load_relation(db, opened, table, relation, positions)
    return _load_text(db, opened, opened.text, opened.layout, table, relation, positions)


def _wanted(names: Sequence[str], positions: Mapping[str, int]) -> list[int]:
    known = set(positions.values())
    extra = [at for at in range(len(names)) if at not in known]
    return sorted([*known, *extra[:MOST_EXTRA]])


def _rows(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(row_of(db, f"SELECT count(*) FROM {relation}")[0])  # noqa: S608


def _load_relation(
    db: duckdb.DuckDBPyConnection,
    opened: Opened,
    table: Table,
    relation: str,
    positions: Mapping[str, int],
) -> Loaded:
    selected = ", ".join(
        f"nullif(CAST({identifier(opened.names[at])} AS VARCHAR), '') AS c{at}"
        for at in _wanted(opened.names, positions)
    )
    db.execute(f"CREATE TABLE {relation} AS SELECT {selected} FROM {opened.relation}")  # noqa: S608
    rows = _rows(db, relation)
    return Loaded(
        table,
        opened.label,
        relation,
        opened.names,
        positions,
        "rowid + 1",
        rows,
        stored=opened.stored,
    )


def _load_text(
    db: duckdb.DuckDBPyConnection,
    opened: Opened,
    text: TextFile,
    layout: Layout,
    table: Table,
    relation: str,
    positions: Mapping[str, int],
) -> Loaded:
    import duckdb

    selected = ", ".join(f"c{at}" for at in _wanted(layout.names, positions))
    cells = [f"c{at}" for at in range(len(layout.names))]
    line, uneven, rows = f"rowid + {layout.skipped + 1}", EVEN, -1
    if not text.old_line_ends and layout.skipped == layout.before + 1:
        source = _csv(text.path, layout.separator, layout.skipped, cells)
        with contextlib.suppress(duckdb.InvalidInputException, duckdb.ConversionException):
            db.execute(f"CREATE TABLE {relation} AS SELECT {selected} FROM {source}")  # noqa: S608
            rows = _rows(db, relation)
    if rows != text.lines - layout.skipped:  # quotes over lines, blank lines, uneven records
        clean = opened.link.with_suffix(CLEAN)
        uneven = rewrite_records(opened.label, text.path, layout, clean)
        source = _csv(clean, ",", 0, ["line", *cells])
        db.execute(f"DROP TABLE IF EXISTS {relation}")
        db.execute(
            f"CREATE TABLE {relation} AS SELECT CAST(line AS BIGINT) AS line, {selected} "  # noqa: S608
            f"FROM {source}"
        )
        line, rows = "line", _rows(db, relation)
    notes = _readings(opened.label, table.name, text, layout, uneven)
    return Loaded(
        table,
        opened.label,
        relation,
        layout.names,
        positions,
        line,
        rows,
        layout.separator,
        text.encoding,
        text.compressed,
        uneven=uneven,
        notes=notes,
    )


def _csv(path: Path, separator: str, skip: int, cells: Sequence[str]) -> str:
    columns = ", ".join(f"{literal(cell)}: 'VARCHAR'" for cell in cells)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false, skip = {skip}, "
        f"nullstr = '', delim = {literal(separator)}, quote = '\"', escape = '\"', columns = {{{columns}}})"
    )


def _readings(
    file: str, table: str, text: TextFile, layout: Layout, uneven: Uneven
) -> tuple[Note, ...]:
    notes = []
    if text.encoding != "utf-8":
        values = {"file": file, "encoding": ENCODINGS[text.encoding]}
        notes.append(Note("reading", "check.reading.encoding", table, "", values))
    if layout.separator != ",":
        key = f"check.reading.separator.{SEPARATORS[layout.separator]}"
        notes.append(Note("reading", key, table, "", {"file": file}))
    if text.compressed:
        notes.append(Note("reading", "check.reading.compressed", table, "", {"file": file}))
    if uneven.trailing or layout.trailing:
        notes.append(Note("reading", "check.reading.trailing", table, "", {"file": file}))
    return tuple(notes)
