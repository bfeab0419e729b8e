"""The tables of a cohort as sheets of one workbook.

The rows are built as XML by the database, which is some thirty times as fast as an object for
each cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import ContractError, OutputError, UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.terms import ROW
from synthgen.exports.workbook import (
    DATE,
    GENERAL,
    LONGEST_NAME,
    TEXT,
    SheetColumn,
    Workbook,
    letters,
    new_workbook,
)
from synthgen.schema.model import Column, ColumnType, Table
from synthgen.schema.rules.sql import identifier, literal

FILE = "cohort.xlsx"
MOST_ROWS = 1_048_575
"""Rows under the header that a sheet can hold (Excel specifications and limits)."""
MOST_XML = 2**29
"""Characters of XML after which a sheet is full: one of 2 GiB would need a zip that Excel repairs."""
MOST_CHARACTERS = 32_767
"""Characters that a cell can hold (Excel specifications and limits)."""
_RESERVED = "history"
"""Name that Excel keeps for a sheet of its own."""
AT_ONCE = 20_000
"""Rows that are held in memory."""

TITLE = "Synthetic data: no row is a person (synthgen)"

_STYLES = {ColumnType.INTEGER: GENERAL, ColumnType.NUMBER: GENERAL, ColumnType.DATE: DATE}
_FIRST_DAY = "DATE '1900-03-01'"
"""Days before are counted differently by programs: Excel has a 29 February 1900."""
_DAY_ZERO = "DATE '1899-12-30'"
_MOST_DIGITS = 10**15 - 1
"""Largest whole number of which Excel keeps every digit."""

#: Not in XML 1.0, or changed by its readers: control characters other than tab and line feed.
_CONTROL = [*(n for n in range(0x20) if n not in (0x09, 0x0A)), 0xFFFE, 0xFFFF]
_CONTROLS = r"[\x00-\x08\x0B-\x1F\x{FFFE}\x{FFFF}]"
_LIKE_CONTROL = "_x[0-9A-Fa-f]{4}_"
"""Text that a reader would take for a control character, as it is written in a workbook."""


@dataclass(frozen=True)
class _Needs:
    """What the texts of a column need to be written: marks, control characters, outer spaces."""

    marks: bool
    controls: bool
    spaces: bool


def write(cohort: CohortTables, folder: Path, options: Mapping[str, str]) -> dict[str, int]:
    """Write ``cohort.xlsx``: codes stay text, dates are dates, no cell is a formula.

    A table of more than a sheet can hold goes on in sheets ``name_2``, ``name_3`` ...

    Raises
    ------
    UsageError
        If there is an option: this target has none.
    ContractError
        If a text is longer than a cell can hold.
    OutputError
        If it cannot be written: a full disk.
    """
    if options:
        raise UsageError(f"excel: has no option {next(iter(options))}; it has: none")
    tables = cohort.tables
    try:
        with new_workbook(folder / FILE, TITLE) as book:
            return {table.name: _write_table(cohort, table, book) for table in tables}
    except OSError as error:
        raise OutputError(f"{FILE}: cannot be written: {error.strerror or error}") from error


def _write_table(cohort: CohortTables, table: Table, book: Workbook) -> int:
    name = identifier(table.name)
    found = cohort.database.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608 - quoted
    count = int(found[0]) if found else 0
    needs = _needs(cohort, table)
    others = {other.name for other in cohort.tables} - {table.name}
    columns = [SheetColumn(c.name, _STYLES.get(c.type, TEXT)) for c in table.columns]
    done = 0
    while True:
        query, start = _rows(table, needs, done), done
        with book.sheet(sheet_name(table.name, {*others, *book.names}), columns) as sheet:
            end = min(start + MOST_ROWS, count)
            while done < end and (done == start or sheet.characters < MOST_XML):
                last = min(done + AT_ONCE, end)
                rows = cohort.database.execute(query, [done, last]).fetchall()
                sheet.append([row for (row,) in rows])
                done = last
        if done == count:
            break
    return count


def sheet_name(table: str, taken: Collection[str]) -> str:
    """Name for the next sheet of a table: its own, or with the first number that is free.

    Parameters
    ----------
    table : str
    taken : collection of str
        Names of other tables, and of the sheets so far; capitals make no difference.

    Examples
    --------
    >>> sheet_name("drug", {"tumour"}), sheet_name("drug", {"tumour", "drug", "drug_2"})
    ('drug', 'drug_3')
    """
    known = {_RESERVED, *(other.casefold() for other in taken)}
    name, number = table[:LONGEST_NAME], 1
    while name.casefold() in known:
        number += 1
        tail = f"_{number}"
        name = f"{table[: LONGEST_NAME - len(tail)]}{tail}"
    return name


def _needs(cohort: CohortTables, table: Table) -> Mapping[str, _Needs]:
    """By column of text, what must be done to its texts; looked up once for all rows.

    Raises
    ------
    ContractError
        If a text is longer than a cell can hold.
    """
    texts = [c.name for c in table.columns if c.type not in _STYLES]
    asked = [f"0 AS {identifier(ROW)}"]
    for name in map(identifier, texts):
        tests = ("[&<>]", f"{_CONTROLS}|{_LIKE_CONTROL}", r"^\s|\s$|[\t\n]|  ")
        asked += [f"bool_or(regexp_matches({name}, {literal(t)}))" for t in tests]
        asked.append(f"count(*) FILTER (WHERE length({name}) > {MOST_CHARACTERS})")
    query = f"SELECT {', '.join(asked)} FROM {identifier(table.name)}"  # noqa: S608 - quoted
    _, *found = cohort.database.execute(query).fetchone() or (0,)
    needs = {}
    for at, name in enumerate(texts):
        marks, controls, spaces, long = found[4 * at : 4 * at + 4]
        if long:
            raise ContractError(
                f"excel: {table.name}.{name}: holds texts of more than {MOST_CHARACTERS:,} "
                f"characters, which a cell cannot hold ({long:,} such)"
            )
        needs[name] = _Needs(bool(marks), bool(controls), bool(spaces))
    return needs


def _rows(table: Table, needs: Mapping[str, _Needs], before: int) -> str:
    """SQL for the ``row`` elements of some rows: those after ``?`` up to ``?``, in order.

    Parameters
    ----------
    table : Table
    needs : mapping of str to _Needs
    before : int
        Rows of the table that stand in earlier sheets.
    """
    order, place = identifier(ROW), identifier("synthgen place")
    cells = [
        _cell(column, letters(at), place, needs.get(column.name))
        for at, column in enumerate(table.columns, start=1)
    ]
    placed = f"SELECT *, CAST({order} - {before} + 1 AS VARCHAR) AS {place}"
    some = f"FROM {identifier(table.name)} WHERE {order} > ? AND {order} <= ?"
    row = f"concat('<row r=\"', {place}, '\">', {', '.join(cells)}, '</row>')"
    return f"SELECT {row} FROM ({placed} {some}) ORDER BY {order}"  # noqa: S608 - quoted


def _cell(column: Column, letter: str, place: str, needs: _Needs | None) -> str:
    """SQL for the element of a cell, null where it is empty."""
    name = identifier(column.name)
    at = literal(f'<c r="{letter}')
    head = f"{at}, {place}, "
    if needs is not None:
        return f"CASE WHEN {name} IS NOT NULL THEN {_text(head, name, needs)} END"
    as_text = _text(head, f"CAST({name} AS VARCHAR)", _Needs(False, False, False))
    number, fits, style = name, f"isfinite({name})", ""
    if column.type is ColumnType.DATE:
        number, fits = f"({name} - {_DAY_ZERO})", f"{name} >= {_FIRST_DAY}"
        style = f' s="{DATE}"'
    elif column.type is ColumnType.INTEGER:
        fits = f"{name} BETWEEN -{_MOST_DIGITS} AND {_MOST_DIGITS}"
    before = literal(f'"{style}><v>')
    plain = f"concat({head}{before}, {number}, '</v></c>')"
    return f"CASE WHEN {fits} THEN {plain} WHEN {name} IS NOT NULL THEN {as_text} END"


def _text(head: str, value: str, needs: _Needs) -> str:
    """SQL for a cell of text: never a number, a date or a formula."""
    if needs.controls:
        like = f"regexp_matches({value}, {literal(_LIKE_CONTROL)})"
        value = f"CASE WHEN {like} THEN replace({value}, '_x', '_x005F_x') ELSE {value} END"
        for number in _CONTROL:
            value = f"replace({value}, chr({number}), '_x{number:04X}_')"
    if needs.marks:
        for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            value = f"replace({value}, '{mark}', '{entity}')"
    keep = ' xml:space="preserve"' if needs.spaces else ""
    before = literal(f'" s="{TEXT}" t="inlineStr"><is><t{keep}>')
    return f"concat({head}{before}, {value}, '</t></is></c>')"
