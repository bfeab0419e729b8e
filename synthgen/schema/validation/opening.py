"""Looking into candidate files: their column names, before it is known which table they hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.schema.documents import one_line
from synthgen.schema.model import Table
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.database import rows_of
from synthgen.schema.validation.layout import MOST_COLUMNS, Layout, layout_of, require_columns
from synthgen.schema.validation.sources import Candidate
from synthgen.schema.validation.text_files import UTF8, TextFile, prepare_text

if TYPE_CHECKING:
    import duckdb

COPY, CLEAN = ".copy", ".clean"


@dataclass(frozen=True)
class Opened:
    """A candidate whose column names are known.

    Parameters
    ----------
    item : Candidate
    link : Path
        Under which the file stands in the temporary folder.
    label : str
        What people call it: the file, or ``file:table`` in a DuckDB file.
    names : tuple of str
        Column names as they stand there.
    relation : str
        SQL relation of a Parquet file or a DuckDB table, ``""`` for text.
    text, layout : TextFile and Layout, or None
        Of a text file.
    stored : tuple of str
        SQL types of the columns of a Parquet file or a DuckDB table.
    """

    item: Candidate
    link: Path
    label: str
    names: tuple[str, ...]
    relation: str = ""
    text: TextFile | None = None
    layout: Layout | None = None
    stored: tuple[str, ...] = ()


def link_candidates(items: Iterable[Candidate], folder: Path) -> dict[Path, Path]:
    """Links to the files under harmless names, so that no ``*`` or quote of theirs matters.

    Parameters
    ----------
    items : iterable of Candidate
    folder : Path
        Temporary folder.

    Returns
    -------
    dict of Path to Path
        Link by path of the candidate.
    """
    links: dict[Path, Path] = {}
    for at, item in enumerate(items):
        links[item.path] = folder / f"f{at}"
        _link(item.path, links[item.path])
        log = item.path.with_name(item.path.name + ".wal")
        if item.form == "duckdb" and log.is_file():
            _link(log, links[item.path].with_suffix(".wal"))
    return links


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path.resolve())
    except OSError:  # a system, or a user, without the right to make links
        shutil.copyfile(path, link)


def readable_paths(links: dict[Path, Path]) -> list[Path]:
    """Everything that a query may open: files, their links, and copies made of them."""
    found: list[Path] = []
    for path, link in links.items():
        real = path.resolve()
        found += [link, real, real.with_name(real.name + ".wal")]
        found += [link.with_suffix(ending) for ending in (COPY, UTF8, CLEAN, ".wal")]
    return found


def open_text(item: Candidate, link: Path, tables: Iterable[Table]) -> Opened:
    """Text file, made readable.

    Raises
    ------
    ContractError
        If it is no text that can be read, or holds no column names.
    """
    text = prepare_text(link, link.with_suffix(COPY), item.path.name)
    layout = layout_of(item.path.name, text.head, tables)
    return Opened(item, link, item.path.name, layout.names, "", text, layout)


def open_parquet(db: duckdb.DuckDBPyConnection, item: Candidate, link: Path) -> Opened:
    """Parquet file with its column names.

    Raises
    ------
    ContractError
        If it has too many columns.
    """
    relation = f"read_parquet({literal(str(link))})"
    described = rows_of(db, f"DESCRIBE SELECT * FROM {relation}")  # noqa: S608
    names = tuple(str(row[0]) for row in described)
    require_columns(item.path.name, names)
    stored = tuple(str(row[1]) for row in described)
    return Opened(item, link, item.path.name, names, relation, stored=stored)


def open_database(db: duckdb.DuckDBPyConnection, item: Candidate, link: Path) -> list[Opened]:
    """Base tables of a DuckDB file; views are left alone, because they can read other files.

    Raises
    ------
    ContractError
        If a table has too many columns.
    """
    alias = f"file_{link.name}"
    db.execute(f"ATTACH {literal(str(link))} AS {alias} (READ_ONLY)")
    found = rows_of(
        db,
        "SELECT schema_name, table_name, column_count FROM duckdb_tables() "  # noqa: S608
        f"WHERE database_name = {literal(alias)} AND NOT internal ORDER BY ALL",
    )
    made = []
    for schema_name, table_name, width in found:
        label = f"{item.path.name}:{one_line(table_name)}"
        require_columns(label, [table_name] * min(width, MOST_COLUMNS + 1))
        relation = f"{alias}.{identifier(schema_name)}.{identifier(table_name)}"
        described = rows_of(db, f"DESCRIBE {relation}")
        names = tuple(str(row[0]) for row in described)
        stored = tuple(str(row[1]) for row in described)
        inside = Candidate(item.path, "duckdb", table_name.casefold(), relation)
        made.append(Opened(inside, link, label, names, relation, stored=stored))
    return made
