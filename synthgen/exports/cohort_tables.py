"""The tables of a cohort folder as typed relations in a locked database."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.errors import ContractError, SchemaError
from synthgen.exports.terms import ROW
from synthgen.resources import shipped
from synthgen.schema.documents import (
    mapping_at,
    one_line,
    read_document,
    text_at,
    texts_at,
)
from synthgen.schema.load import load_schema
from synthgen.schema.model import Column, ColumnType, Schema, Table
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.database import locked_database

if TYPE_CHECKING:
    import duckdb

#: DuckDB type of each column type; years and counts fit 32 bits in no standard's doubt.
SQL_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.CODE: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.DATE: "DATE",
}


DATABASE = "cohort.duckdb"
"""File of a cohort that holds all its tables."""

_ATTACHED = "cohort_file"


@dataclass(frozen=True)
class CohortTables:
    """A cohort that is open for reading.

    Parameters
    ----------
    database : duckdb.DuckDBPyConnection
        One relation for each table of the schema, with the column
        :data:`~synthgen.exports.terms.ROW`.
    schema : Schema
    manifest : mapping of str to object
    tables : tuple of Table
        Those of the schema, each with the columns that the manifest lists beside it: the
        invented names of a demonstration.
    """

    database: duckdb.DuckDBPyConnection
    schema: Schema
    manifest: Mapping[str, Any]
    tables: tuple[Table, ...]


def _file_of(folder: Path, table: str, listed: Sequence[str]) -> Path:
    """File that holds a table: Parquet, CSV, or the database of all tables."""
    for ending in (".parquet", ".csv"):
        for name in (f"{table}{ending}", f"{table}.synthetic{ending}"):
            if name in listed and (folder / name).is_file():
                return folder / name
    if (folder / DATABASE).is_file():  # no manifest lists it: its bytes hold DuckDB's version
        return folder / DATABASE
    raise ContractError(
        f"{folder}: has no {table}.parquet or {table}.csv that its manifest lists, and no "
        f"{DATABASE}; generate it with --format csv, parquet or duckdb"
    )


def _relation(table: Table, path: Path) -> str:
    if path.suffix == ".parquet":
        return f"read_parquet({literal(str(path))})"
    if path.suffix == ".duckdb":
        return f"{_ATTACHED}.{identifier(table.name)}"
    return f"read_csv({literal(str(path))}, header=true, all_varchar=true, nullstr='', quote='\"')"


def _view(table: Table, path: Path) -> str:
    cells = ", ".join(
        f"CAST({identifier(c.name)} AS {SQL_TYPES[c.type]}) AS {identifier(c.name)}"
        for c in table.columns
    )
    numbered = f"row_number() OVER () AS {identifier(ROW)}"  # one thread: the order of the file
    made = f"CREATE TABLE {identifier(table.name)} AS SELECT {cells}, {numbered}"
    return f"{made} FROM {_relation(table, path)}"


def _attach(db: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Attach the database of a cohort, if tables are read from it.

    Raises
    ------
    ContractError
        If it is no database.
    """
    import duckdb

    for path in {p for p in paths if p.suffix == ".duckdb"}:
        try:
            db.execute(f"ATTACH {literal(str(path))} AS {_ATTACHED} (READ_ONLY)")
        except duckdb.Error as error:
            raise ContractError(f"{one_line(path.name)}: is not a whole DuckDB file") from error


def _schema_of(folder: Path, name: str, own: str) -> Schema:
    """Schema of a cohort: the shipped one that it names, or its maker's own."""
    if not own and name.partition("@")[0] not in shipped("schemas"):
        raise SchemaError(
            f"{folder}: speaks {one_line(name)}, which is not shipped; --schema must name its folder"
        )
    schema = load_schema(own or name)
    if own and schema.key != name:
        raise SchemaError(f"{own}: is {schema.key}; the cohort speaks {one_line(name)}")
    return schema


def _with_extra(table: Table, manifest: Mapping[str, Any]) -> Table:
    """Table with the columns of text that a manifest lists beside those of the schema."""
    listed = texts_at(mapping_at(manifest, "extra_columns"), table.name)
    new = dict.fromkeys(name for name in listed if name not in table.column_names)
    extra = (Column(n, ColumnType.STRING, nullable=True, title=n, title_ko=n) for n in new)
    return replace(table, columns=(*table.columns, *extra))


@contextlib.contextmanager
def open_cohort(
    folder: Path, outputs: Sequence[Path] = (), own_schema: str = ""
) -> Iterator[CohortTables]:
    """Open the tables of a cohort that synthgen has written.

    Parameters
    ----------
    folder : Path
        With ``manifest.json`` and its tables as CSV, Parquet or DuckDB.
    outputs : sequence of Path
        Files that may be written with ``COPY``.
    own_schema : str
        Folder of the cohort's schema, if it is not a shipped one.

    Yields
    ------
    CohortTables

    Raises
    ------
    ContractError
        If it is no cohort, a table is missing, or a cell is not what its column says.
    SchemaError
        If its schema is not known, or ``own_schema`` is another one.
    """
    import duckdb

    if not (folder / "manifest.json").is_file():
        raise ContractError(f"{folder}: is no cohort; it must hold manifest.json and its tables")
    manifest = read_document(folder / "manifest.json", ContractError)
    name = text_at(manifest, "schema")
    if not name:
        raise ContractError(f"{folder}/manifest.json: names no schema")
    schema = _schema_of(folder, name, own_schema)
    files = list(mapping_at(manifest, "files"))
    paths = {table.name: _file_of(folder, table.name, files) for table in schema.tables}
    tables = tuple(_with_extra(table, manifest) for table in schema.tables)
    with tempfile.TemporaryDirectory() as scratch:
        readable = [path.resolve() for path in paths.values()]
        logs = [path.with_name(f"{path.name}.wal") for path in readable]
        with locked_database(Path(scratch), [*readable, *logs, *outputs], threads=1) as db:
            _attach(db, readable)
            for table in tables:
                try:
                    db.execute(_view(table, paths[table.name].resolve()))
                except (
                    duckdb.ConversionException,
                    duckdb.InvalidInputException,
                    duckdb.BinderException,
                    duckdb.CatalogException,
                ) as error:
                    what = "a cell does not fit its column, or a column is missing"
                    raise ContractError(
                        f"{one_line(paths[table.name].name)}: {what}; see: synthgen check {folder}"
                    ) from error
            yield CohortTables(db, schema, manifest, tables)
