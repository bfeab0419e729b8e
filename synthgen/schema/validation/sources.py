"""Which files of a delivery hold which tables."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from synthgen.errors import ContractError, UsageError
from synthgen.schema.documents import one_line
from synthgen.schema.model import Schema

#: What each ending is read as, in the order of preference where a table stands twice.
ENDINGS = {
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".csv.gz": "text",
    ".tsv.gz": "text",
    ".txt.gz": "text",
    ".parquet": "parquet",
}
DATABASE_ENDINGS = (".duckdb", ".ddb", ".db")
WORKBOOK_ENDINGS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
PARQUET_MAGIC = b"PAR1"
DATABASE_MAGIC = b"DUCK"
#: Added to the names of synthetic tables so that nobody takes them for real ones.
SYNTHETIC = ".synthetic"

LARGEST_FOOTER = 2**26
"""Largest description of a Parquet file that is read [bytes]; 1,000 row groups of 80 columns
need about a fifth of it."""


@dataclass(frozen=True)
class Candidate:
    """A file that may hold a table.

    Parameters
    ----------
    path : Path
    form : {"text", "parquet", "duckdb"}
    name : str
        Table name that the file name suggests.
    inside : str
        Which table of a DuckDB file, ``""`` otherwise.
    """

    path: Path
    form: str
    name: str
    inside: str = ""


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _split(name: str) -> tuple[str, str]:
    """Table name and ending of a file name; no ending if it is not one of ours."""
    lower = name.casefold()
    for ending in sorted((*ENDINGS, *DATABASE_ENDINGS), key=len, reverse=True):
        if lower.endswith(ending):
            return lower.removesuffix(ending).removesuffix(SYNTHETIC), ending
    return lower, ""


def candidate(path: Path) -> Candidate:
    """What a file is, by its first bytes rather than by its name.

    Raises
    ------
    ContractError
        If it is no regular file, cannot be read, or is Parquet that breaks off.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ContractError(f"{path}: is not a file; a table is needed")
        with path.open("rb") as opened:
            head = opened.read(12)
            if head.startswith(PARQUET_MAGIC):
                _require_whole_parquet(path, opened)
    except OSError as error:
        raise ContractError(f"{path}: cannot be read: {_reason(error)}") from error
    name, ending = _split(path.name)
    if head.startswith(PARQUET_MAGIC):
        return Candidate(path, "parquet", name)
    if head[8:12] == DATABASE_MAGIC:
        return Candidate(path, "duckdb", name)
    if ENDINGS.get(ending) == "parquet":
        raise ContractError(f"{path}: is not a Parquet file")
    return Candidate(path, "text", name)


def _require_whole_parquet(path: Path, opened: BinaryIO) -> None:
    """Look at the last eight bytes: length of the description, and the magic again."""
    size = opened.seek(0, os.SEEK_END)
    opened.seek(max(size - 8, 0))
    tail = opened.read(8)
    footer = int.from_bytes(tail[:4], "little")
    if tail[4:] != PARQUET_MAGIC or footer > size - 12:
        raise ContractError(f"{path}: is not a whole Parquet file; its end is missing")
    if footer > LARGEST_FOOTER:
        raise ContractError(
            f"{path}: describes itself in {footer:,} bytes; at most {LARGEST_FOOTER:,} are read "
            "(too many columns)"
        )


def workbook_hint(source: Path) -> str:
    """What to do with a workbook that lies in a folder without tables; nothing if none does."""
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.suffix.casefold() in WORKBOOK_ENDINGS and not path.name.startswith("."):
                return f"; {one_line(path.name, 60)} is a workbook: save its sheets as CSV (UTF-8)"
    return ""


def candidates(source: Path) -> list[Candidate]:
    """Files of a folder that can hold tables, or the one file, in order of name.

    Raises
    ------
    ContractError
        If there is no such file or folder, or nothing in it can hold a table.
    """
    try:
        if not source.is_dir():
            if not source.exists():
                raise ContractError(f"{source}: is neither a file nor a folder")
            return [candidate(source)]
        files = sorted(p for p in source.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise ContractError(f"{source}: cannot be read: {_reason(error)}") from error
    found = [candidate(path) for path in files if _split(path.name)[1] and not path.is_dir()]
    if not found:
        folders = [p.name for p in files if _split(p.name)[1] and p.is_dir()]
        if folders:
            raise ContractError(f"{source}: {folders[0]} is a folder; it must be a file")
        raise ContractError(
            f"{source}: holds no table; CSV, Parquet or DuckDB files named after tables are needed"
            f"{workbook_hint(source)}"
        )
    return found


def by_table(
    schema: Schema, found: Iterable[Candidate]
) -> tuple[dict[str, Candidate], list[Candidate], list[Candidate]]:
    """Files by the table that they are named after.

    Returns
    -------
    dict of str to Candidate
        One file per table, by the order of :data:`ENDINGS`.
    list of Candidate
        Files of a table that has another one.
    list of Candidate
        Files named after no table.
    """
    names = {table.name.casefold(): table.name for table in schema.tables}
    order = [*ENDINGS, *DATABASE_ENDINGS, ""]
    taken: dict[str, Candidate] = {}
    second: list[Candidate] = []
    other: list[Candidate] = []
    for item in sorted(found, key=lambda c: order.index(_split(c.path.name)[1])):
        if item.name not in names:
            other.append(item)
        elif names[item.name] in taken:
            second.append(item)
        else:
            taken[names[item.name]] = item
    return taken, second, other


def require_table(schema: Schema, name: str) -> str:
    """Name of a table of the schema, whatever its case.

    Raises
    ------
    UsageError
        If the schema has no such table.
    """
    for table in schema.tables:
        if table.name.casefold() == name.casefold():
            return table.name
    raise UsageError(
        f"table {one_line(name)}: {schema.key} has no such table; it has "
        f"{', '.join(table.name for table in schema.tables)}"
    )
