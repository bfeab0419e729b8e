"""The OMOP Common Data Model: a DuckDB file with all tables of the standard, and a CSV per table."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.cohort.database import connect
from synthgen.errors import UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.mapping import TargetMapping, TargetTable, options_of
from synthgen.exports.omop_tables import empty_tables, standard_tables
from synthgen.exports.rows import select
from synthgen.exports.terms import CONCEPTS, made_table
from synthgen.exports.vocabulary import known_concepts, read_vocabulary
from synthgen.schema.rules.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb

FILE = "omop.duckdb"
CSV = "FORMAT csv, HEADER true"
AT_ONCE = 50_000
"""Concepts that are handed over at once."""


def definition(table: TargetTable) -> str:
    """``CREATE TABLE`` with the types and keys of the standard, in SQL that PostgreSQL reads too.

    The vocabulary tables are empty, so columns that lead to them are plain numbers.
    """
    parts = [
        f"{identifier(c.name)} {'DOUBLE PRECISION' if c.type == 'DOUBLE' else c.type}"
        f"{' NOT NULL' if c.required else ''}"
        for c in table.columns
    ]
    if table.key:
        parts.append(f"PRIMARY KEY ({', '.join(identifier(n) for n in table.key)})")
    parts += [
        f"FOREIGN KEY ({identifier(column)}) REFERENCES {identifier(other)}"
        for column, other in table.references
    ]
    return f"CREATE TABLE {identifier(table.name)} ({', '.join(parts)})"


def in_order(tables: Sequence[TargetTable]) -> list[TargetTable]:
    """Tables, each after those that its columns lead to."""
    done: list[TargetTable] = []
    waiting = list(tables)
    while waiting:
        names = {table.name for table in waiting}
        ready = [t for t in waiting if not {o for _, o in t.references if o != t.name} & names]
        done += ready
        waiting = [t for t in waiting if t not in ready]
    return done


def write(
    mapping: TargetMapping, cohort: CohortTables, folder: Path, options: Mapping[str, str]
) -> dict[str, int]:
    """Write every table as CSV and all tables of the standard into ``omop.duckdb``.

    Parameters
    ----------
    mapping : TargetMapping
    cohort : CohortTables
    folder : Path
    options : mapping of str to str
        Of the mapping; ``athena`` is the folder of a vocabulary; ``tables``: ``all`` makes a CSV
        of the tables without rows too.

    Returns
    -------
    dict of str to int
        Rows by file name of the tables.

    Raises
    ------
    UsageError
        If an option is unknown, or the vocabulary is not one.
    """
    known = options_of(mapping, options)
    if len(known["vocabulary"]) > 20:
        raise UsageError("option vocabulary: has more than the 20 characters of vocabulary_version")
    db = cohort.database
    db.execute(
        f"CREATE TABLE {identifier(CONCEPTS)} "
        "(vocabulary VARCHAR, code VARCHAR, standard BIGINT, source BIGINT)"
    )
    vocabulary = None
    if known["athena"]:
        with tempfile.TemporaryDirectory() as scratch:
            vocabulary = read_vocabulary(Path(known["athena"]), Path(scratch))
        if known["vocabulary"] == mapping.options["vocabulary"]:
            known["vocabulary"] = vocabulary.version
    concepts = known_concepts(vocabulary)
    for at in range(0, len(concepts), AT_ONCE):
        piece = list(zip(*concepts[at : at + AT_ONCE], strict=True))
        db.execute(
            f"INSERT INTO {identifier(CONCEPTS)} SELECT unnest(?), unnest(?), unnest(?), unnest(?)",
            [list(column) for column in piece],
        )
    rows = {}
    for table in mapping.tables:
        path = folder / f"{table.name}.csv"
        made = made_table(table.name)
        query = select(mapping, table, cohort.schema, known)
        db.execute(f"CREATE TABLE {made} AS {query}")
        cells = ", ".join(identifier(c.name) for c in table.columns)
        copied = f"COPY (SELECT {cells} FROM {made}) TO {literal(str(path))} ({CSV})"  # noqa: S608
        done = db.execute(copied).fetchone()
        rows[path.name] = int(done[0]) if done else 0
    with connect(folder / FILE) as out:
        for table in in_order(standard_tables(mapping)):
            out.execute(definition(table))
            if table.parts:
                _load(out, table, folder / f"{table.name}.csv")
    if known["tables"] == "all":
        for table in empty_tables(mapping.version):
            path = folder / f"{table.name}.csv"
            path.write_text(",".join(c.name for c in table.columns) + "\n", encoding="utf-8")
            rows[path.name] = 0
    return rows


def _load(db: duckdb.DuckDBPyConnection, table: TargetTable, path: Path) -> None:
    db.execute(f"COPY {identifier(table.name)} FROM {literal(str(path))} ({CSV})")
