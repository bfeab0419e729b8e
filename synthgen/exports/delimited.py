"""Targets that are delimited text files, one for each table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from synthgen.errors import UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.mapping import TargetMapping, options_of
from synthgen.exports.rows import select
from synthgen.schema.rules.sql import literal

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""At the head of a UTF-8 file it makes Excel read Korean text as such."""


def write(
    mapping: TargetMapping, cohort: CohortTables, folder: Path, options: Mapping[str, str]
) -> dict[str, int]:
    """Write every table of a target as a file.

    Parameters
    ----------
    mapping : TargetMapping
    cohort : CohortTables
    folder : Path
    options : mapping of str to str
        Of the mapping, and ``bom``: ``"yes"`` puts a byte-order mark in front.

    Returns
    -------
    dict of str to int
        Rows by file name.

    Raises
    ------
    UsageError
        If an option is unknown or not ``yes`` or ``no``.
    """
    given = dict(options)
    bom = given.pop("bom", "no")
    if bom not in {"yes", "no"}:
        raise UsageError(f"{mapping.id}: option bom is {bom}; it must be yes or no")
    known = options_of(mapping, given)
    rows = {}
    for table in mapping.tables:
        path = folder / f"{table.called(known)}.csv"
        query = select(mapping, table, cohort.schema, known)
        form = f"FORMAT csv, HEADER true, DELIMITER {literal(mapping.separator)}"
        done = cohort.database.execute(f"COPY ({query}) TO {literal(str(path))} ({form})")
        first = done.fetchone()
        rows[path.name] = int(first[0]) if first else 0
        if bom == "yes":
            mark(path)
    return rows


def mark(path: Path) -> None:
    """Put a byte-order mark in front of a file."""
    marked = path.with_name(path.name + ".marked")
    with path.open("rb") as plain, marked.open("wb") as out:
        out.write(BYTE_ORDER_MARK)
        while piece := plain.read(2**20):
            out.write(piece)
    marked.replace(path)
