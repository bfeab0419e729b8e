"""How a text file is laid out: separator, line of column names, which columns they mean."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synthgen.errors import ContractError
from synthgen.schema.documents import one_line
from synthgen.schema.model import Schema, Table

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

MOST_COLUMNS = 10_000
"""Most columns that are read; K-CURE's widest table has 82."""


@dataclass(frozen=True)
class Layout:
    """Separator and column names of a text file.

    Parameters
    ----------
    separator : str
        A key of :data:`SEPARATORS`.
    names : tuple of str
        Column names as they stand in the file.
    before : int
        Lines before the names (Excel's ``sep=;``).
    skipped : int
        Lines up to and with the names; the first record starts on the next one.
    trailing : bool
        Whether the first record ends with one separator too many.
    """

    separator: str
    names: tuple[str, ...]
    before: int = 0
    skipped: int = 1
    trailing: bool = False


def plain_name(name: str) -> str:
    """Column name without what people vary: case, blanks at the ends, blanks for ``_``.

    Examples
    --------
    >>> plain_name(" Age at-Diagnosis ")
    'age_at_diagnosis'
    """
    return "_".join(name.strip(" \t\r\n\u00a0\u3000\ufeff\"'").casefold().replace("-", " ").split())


def matched_columns(table: Table, names: Sequence[str]) -> dict[str, int]:
    """Position in the file of each column of a table that the file has; the first if twice."""
    exact = {name: at for at, name in reversed(list(enumerate(names)))}
    plain = {plain_name(name): at for at, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for column in table.columns:
        at = exact.get(column.name, plain.get(plain_name(column.name)))
        if at is not None:
            found[column.name] = at
    return found


def recognised_table(schema: Schema, names: Sequence[str]) -> Table | None:
    """Table that has the largest share of its columns among some names.

    None if no table has at least half of its columns there, or two have the same share.
    """
    shares = sorted(
        ((len(matched_columns(t, names)) / len(t.columns), t.name) for t in schema.tables),
        reverse=True,
    )
    if not shares or shares[0][0] < 0.5 or (len(shares) > 1 and shares[1][0] == shares[0][0]):
        return None
    return schema.table(shares[0][1])


def _first_record(text: str, separator: str) -> tuple[tuple[str, ...], int, bool]:
    """Fields of the first record, how many lines it takes, whether the next has an empty one more."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    following: list[str] = []
    try:
        fields = next(reader, [])
        lines = reader.line_num
    except csv.Error:
        return (), 0, False
    with contextlib.suppress(csv.Error):
        following = next(reader, [])
    return tuple(fields), lines, len(following) == len(fields) + 1 and not following[-1]


def layout_of(name: str, head: str, tables: Iterable[Table]) -> Layout:
    """Layout of a text file from its first lines.

    Parameters
    ----------
    name : str
        Of the file, for the error line.
    head : str
        Its first lines.
    tables : iterable of Table
        Whose column names may stand there: they decide between separators.

    Raises
    ------
    ContractError
        If there are no column names, or far too many.
    """
    before = 0
    if head[:4].casefold() == "sep=":  # what Excel writes to itself
        line, _, head = head.partition("\n")
        before = 1
        candidates = [line[4:5]] if line[4:5] in SEPARATORS else list(SEPARATORS)
    else:
        candidates = list(SEPARATORS)
    known = {plain_name(column.name) for table in tables for column in table.columns}
    best: tuple[tuple[int, int], Layout] | None = None
    for separator in candidates:
        names, lines, trailing = _first_record(head, separator)
        if lines == 0:
            continue
        hits = sum(plain_name(field) in known for field in names)
        rank = (hits, len(names))
        if best is None or rank > best[0]:
            best = (rank, Layout(separator, names, before, before + lines, trailing))
    if best is None or not any(field.strip() for field in best[1].names):
        raise ContractError(f"{name}: line {before + 1} holds no column names")
    require_columns(name, best[1].names)
    return best[1]


def require_columns(name: str, names: Sequence[str]) -> None:
    """Refuse a table of absurd width.

    Raises
    ------
    ContractError
        If there are more than :data:`MOST_COLUMNS`.
    """
    if len(names) > MOST_COLUMNS:
        raise ContractError(
            f"{name}: has {len(names):,} columns; at most {MOST_COLUMNS:,} are read "
            f"(the first is {one_line(names[0], 30)})"
        )
