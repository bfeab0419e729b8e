"""Guesses that save a person the search: which column was renamed, swapped, lost its zeros.

Guesses are looked for in a sample of rows and named as guesses; nothing is read by them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synthgen.schema.documents import one_line
from synthgen.schema.model import Column, ColumnType
from synthgen.schema.validation.cells import VALUED, Cell
from synthgen.schema.validation.columns import CodeTypes, TypedTable, column_reader
from synthgen.schema.validation.database import count_where, row_of
from synthgen.schema.validation.layout import plain_name
from synthgen.schema.validation.loading import Loaded
from synthgen.schema.validation.report import Broken, both

if TYPE_CHECKING:
    import duckdb

SAMPLE = 10_000
"""Rows that a guess looks at."""

MOST_GUESSED = 30
"""Columns, on either side, among which renamed ones are looked for."""

ALIKE = 0.75
"""Likeness of names (difflib's ratio) from which they count as alike."""

FITS = 0.98
"""Share of readable cells from which content counts as fitting."""


def fitting_share(
    db: duckdb.DuckDBPyConnection,
    loaded: Loaded,
    at: int,
    column: Column,
    code_types: CodeTypes,
) -> float:
    """Share of the filled cells of one column of a file that would do as another column.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    loaded : Loaded
    at : int
        Position in the file.
    column : Column
        What they would have to be.
    code_types : CodeTypes

    Returns
    -------
    float
        In [0, 1]; 0 if no cell is filled.
    """
    reader = column_reader(db, column, f"c{at}", code_types, padded=True)
    good = ", ".join(str(int(kind)) for kind in (*VALUED, Cell.DECLARED))
    fitting, filled = row_of(
        db,
        f"SELECT {count_where(f'{reader.kind} IN ({good})')}, count({reader.text}) "  # noqa: S608
        f"FROM (SELECT * FROM {loaded.relation} LIMIT {SAMPLE})",
    )
    return fitting / filled if filled else 0.0


def _is_telling(column: Column) -> bool:
    """Whether content alone can tell the column: few other columns would fit by chance."""
    if column.type is ColumnType.CODE:
        return column.codes is not None and len(column.codes.codes) >= 10
    return column.type is ColumnType.STRING and bool(column.pattern)


def name_likeness(name: str, column: Column) -> float:
    """How alike a name of a file is to a column's name, titles and names in other standards.

    Examples
    --------
    >>> from synthgen.schema.load import load_schema
    >>> sex = load_schema("rare-cancer").table("patient").column("sex")
    >>> name_likeness("성별", sex), name_likeness("SEX", sex)
    (1.0, 1.0)
    """
    known = [column.name, column.title, column.title_ko]
    for written in column.maps.values():
        known += [written, written.rpartition(".")[2], *written.split(",")]
    mine = plain_name(name)
    ratios = (
        difflib.SequenceMatcher(None, mine, plain_name(other)).ratio() for other in known if other
    )
    return max(ratios, default=0.0)


def guess_columns(
    db: duckdb.DuckDBPyConnection,
    loaded: Loaded,
    missing: Sequence[str],
    extra: Sequence[int],
    code_types: CodeTypes,
) -> dict[str, int]:
    """Position of the column that each missing one may have become.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    loaded : Loaded
    missing : sequence of str
        Columns of the schema.
    extra : sequence of int
        Positions in the file that are no column of the schema.
    code_types : CodeTypes

    Returns
    -------
    dict of str to int
        Only where name or content make it likely; a position is given out once.
    """
    scored: list[tuple[float, str, int]] = []
    for name in missing[:MOST_GUESSED]:
        column = loaded.table.column(name)
        for at in extra[:MOST_GUESSED]:
            likeness = name_likeness(loaded.names[at], column)
            if likeness < ALIKE and not _is_telling(column):
                continue
            share = fitting_share(db, loaded, at, column, code_types)
            if (likeness >= ALIKE and share >= 0.5) or share >= FITS:
                scored.append((likeness + share, name, at))
    guesses: dict[str, int] = {}
    for _, name, at in sorted(scored, key=lambda item: (-item[0], item[1], item[2])):
        if name not in guesses and at not in guesses.values():
            guesses[name] = at
    return guesses


def column_guesses(
    db: duckdb.DuckDBPyConnection, typed: TypedTable, code_types: CodeTypes
) -> dict[str, str]:
    """Name in the file of the column that each missing one may have become."""
    loaded = typed.loaded
    found = guess_columns(db, loaded, loaded.missing, loaded.extra, code_types)
    return {name: one_line(loaded.names[at], 60) for name, at in found.items()}


def with_hints(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    code_types: CodeTypes,
    found: Iterable[Broken],
) -> list[Broken]:
    """Broken columns, with what most of their wrong cells have in common."""
    listed = list(found)
    mostly = [b for b in listed if b.rule.startswith("column.") and _mostly_wrong(typed, b)]
    made = []
    for broken in listed:
        texts = ("", "")
        if broken in mostly:
            texts = _swapped(db, typed, code_types, broken, mostly)
        if not texts[0] and broken.rule == "column.code":
            texts = _spelling(db, typed, broken)
        made.append(
            replace(
                broken,
                message=broken.message + texts[0],
                message_ko=broken.message_ko + texts[1],
            )
        )
    return made


def _mostly_wrong(typed: TypedTable, broken: Broken) -> bool:
    return broken.rule != "column.missing" and 2 * broken.count > typed.loaded.rows


def _swapped(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    code_types: CodeTypes,
    broken: Broken,
    others: Sequence[Broken],
) -> tuple[str, str]:
    column = typed.loaded.table.column(broken.column)
    for other in others[:MOST_GUESSED]:
        if other.column == broken.column:
            continue
        at = typed.loaded.positions[other.column]
        if fitting_share(db, typed.loaded, at, column, code_types) >= FITS:
            return both("check.hint.swapped", other=other.column)
    return "", ""


#: Other spellings of a code, by the key of what is said about them.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "check.hint.zero": lambda text: f"0{text}",
    "check.hint.no_zero": lambda text: text.lstrip("0"),
    "check.hint.upper": str.upper,
    "check.hint.dot": lambda text: text.replace(".", ""),
}


def _spelling(db: duckdb.DuckDBPyConnection, typed: TypedTable, broken: Broken) -> tuple[str, str]:
    """How most unknown codes would have to be written to be known."""
    reader = typed.readers[broken.column]
    codes = reader.column.codes
    if codes is None:
        return "", ""
    distinct = (
        f"SELECT {reader.text} AS text, count(*) AS n FROM {typed.loaded.relation} "  # noqa: S608
        f"WHERE {reader.kind} = {int(Cell.UNKNOWN_CODE)} GROUP BY ALL ORDER BY n DESC LIMIT 1000"
    )
    wrong = db.execute(distinct).fetchall()
    total = sum(count for _, count in wrong)
    for key, change in SPELLINGS.items():
        if 2 * sum(count for text, count in wrong if change(text) in codes) > total:
            return both(key)
    return "", ""
