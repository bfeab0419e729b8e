"""What stands in a cell of each column type, as SQL over its text.

Every cell is one of a few kinds: as the schema wants it, written another way that can be
read without doubt, missing, or wrong.  The kinds of a whole column are counted in one pass.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from synthgen.schema.model import Column, ColumnType
from synthgen.schema.rules.sql import identifier, literal

BLANKS = " \t\r\n\u00a0\u3000\ufeff"
"""What is cut off the ends of a cell: also the blanks of web pages and of Korean keyboards."""

MARKS = ("NA", "N/A", "#N/A", "NULL", "null", "NaN", "nan", "None", ".", "-", "\\N")
"""What programs write for a missing value (R, Excel, SQL, pandas, SAS, PostgreSQL)."""


class Cell(enum.IntEnum):
    """What a cell was found to be."""

    EMPTY = 0
    PLAIN = 1
    DECIMAL = 2
    COMMA = 3
    COMPACT_DATE = 4
    TIMED_DATE = 5
    SLASHED_DATE = 6
    DOTTED_DATE = 7
    NINES = 8
    DECLARED = 20
    MARKED = 21
    WRONG_TYPE = 30
    WRONG_PATTERN = 31
    OUT_OF_RANGE = 32
    UNKNOWN_CODE = 33


#: Kinds that have a value.
VALUED = (
    Cell.PLAIN,
    Cell.DECIMAL,
    Cell.COMMA,
    Cell.COMPACT_DATE,
    Cell.TIMED_DATE,
    Cell.SLASHED_DATE,
    Cell.DOTTED_DATE,
    Cell.NINES,
)
#: Kinds that had to be read in another way than the schema writes them.
READINGS = (*VALUED[1:], Cell.MARKED)
#: Kinds that break the contract.
WRONG = (Cell.WRONG_TYPE, Cell.WRONG_PATTERN, Cell.OUT_OF_RANGE, Cell.UNKNOWN_CODE)

SQL_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.CODE: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.DATE: "DATE",
}

_WHOLE = "'[+-]?[0-9]{1,15}'"
_WHOLE_DECIMAL = "'[+-]?[0-9]{1,15}[.,]0*'"
_NUMBER = r"'[+-]?([0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})([eE][+-]?[0-9]{1,3})?'"
_NINES = r"'9{2,18}([.]0*)?'"


@dataclass(frozen=True)
class CellReader:
    """How the cells of one column are read.

    Parameters
    ----------
    column : Column
    text : str
        SQL expression: the text of a cell.
    kind : str
        SQL expression: its :class:`Cell` number.
    kinds : tuple of Cell
        Which numbers there can be.
    value : str
        SQL expression: its value in the type of the schema; only for kinds that have one.
    """

    column: Column
    text: str
    kind: str
    kinds: tuple[Cell, ...]
    value: str


def cell_text(cell: str, *, padded: bool) -> str:
    """SQL of a cell's text: without blanks at the ends, null where nothing is left.

    A loaded cell is null, never an empty text.
    """
    return f"nullif(trim({cell}, {literal(BLANKS)}), '')" if padded else cell


def listed(codes: tuple[str, ...]) -> str:
    """SQL list of texts."""
    return f"({', '.join(literal(code) for code in codes)})"


def cell_reader(
    column: Column, text: str, *, code_type: str = "", comma: bool = False
) -> CellReader:
    """How the cells of a column are read.

    Parameters
    ----------
    column : Column
    text : str
        SQL expression of the cell's text, null where it is empty.
    code_type : str
        SQL type (ENUM) that holds the codes of the column's list, for columns with codes.
    comma : bool
        Whether ``3,5`` is a number: in files that are not separated by commas.
    """
    match column.type:
        case ColumnType.CODE:
            branches, value = _code(column, text, code_type)
        case ColumnType.INTEGER | ColumnType.NUMBER:
            branches, value = _number(column, text, comma=comma)
        case ColumnType.DATE:
            branches, value = _date(text)
        case ColumnType.STRING:
            branches, value = _text(column, text)
    cases = [(f"{text} IS NULL", Cell.EMPTY)]
    if column.missing_codes:
        cases.append((f"{text} IN {listed(column.missing_codes)}", Cell.DECLARED))
    made, last = [*cases, *branches[:-1]], branches[-1][1]
    written = " ".join(f"WHEN {condition} THEN {int(kind)}" for condition, kind in made)
    kinds = tuple(dict.fromkeys([*(kind for _, kind in made), last]))
    number = f"CAST(CASE {written} ELSE {int(last)} END AS UTINYINT)"
    return CellReader(column, text, number, kinds, value)


Branches = list[tuple[str, Cell]]


def _marked(text: str, last: Cell, *, dates: bool = False) -> Branches:
    """Marks of missing values, then what is left over."""
    far = " OR left(" + text + ", 10) = '9999-12-31'" if dates else ""
    nines = f"{text} IN {listed(MARKS)} OR regexp_full_match({text}, {_NINES}){far}"
    return [(nines, Cell.MARKED), ("", last)]


def _code(column: Column, text: str, code_type: str) -> tuple[Branches, str]:
    def known(term: str) -> str:
        parts = [f"TRY_CAST({term} AS {identifier(code_type)}) IS NOT NULL"] if code_type else []
        if column.codes is not None and column.codes.pattern:
            parts.append(f"regexp_full_match({term}, {literal(column.codes.pattern)})")
        return f"({' OR '.join(parts) or 'false'})"

    whole = f"regexp_replace({text}, '[.]0+$', '')"
    nine = next((code for code in column.missing_codes if set(code) == {"9"}), "")
    branches = [
        (known(text), Cell.PLAIN),
        (f"{text} LIKE '%.0' AND {known(whole)}", Cell.DECIMAL),
    ]
    value = f"CASE WHEN {text} LIKE '%.0' AND NOT {known(text)} THEN {whole} ELSE {text} END"
    if nine:
        nines = f"regexp_full_match({text}, {_NINES})"
        branches.append((nines, Cell.NINES))
        value = f"CASE WHEN {nines} AND NOT {known(text)} THEN {literal(nine)} ELSE {value} END"
    return [*branches, *_marked(text, Cell.UNKNOWN_CODE)], value


def _number(column: Column, text: str, *, comma: bool) -> tuple[Branches, str]:
    whole = column.type is ColumnType.INTEGER
    point = f"replace({text}, ',', '.')"
    number = f"TRY_CAST({point if comma else text} AS DOUBLE)"
    limits = []
    if column.minimum is not None:
        limits.append(f"{number} < {column.minimum!r}")
    if column.maximum is not None:
        limits.append(f"{number} > {column.maximum!r}")
    plain = f"regexp_full_match({text}, {_WHOLE if whole else _NUMBER})"
    branches = [(f"{plain} AND isfinite({number})", Cell.PLAIN)]
    if whole:
        branches.append((f"regexp_full_match({text}, {_WHOLE_DECIMAL})", Cell.DECIMAL))
        number = f"TRY_CAST({point} AS DOUBLE)"
    elif comma:
        decimal = f"regexp_full_match({point}, {_NUMBER}) AND isfinite({number})"
        branches.append((decimal, Cell.COMMA))
    marked = _marked(text, Cell.WRONG_TYPE)
    if limits:
        outside = " OR ".join(limits)
        marks = marked[0][0]
        branches = [
            *(
                (f"({condition}) AND ({outside}) AND NOT ({marks})", Cell.OUT_OF_RANGE)
                for condition, _ in branches
            ),
            *((f"({condition}) AND NOT ({outside})", kind) for condition, kind in branches),
        ]
    return [*branches, *marked], f"CAST({number} AS BIGINT)" if whole else number


def _date(text: str) -> tuple[Branches, str]:
    digits = f"left({text}, 8)"
    iso = f"left({text}, 10)"
    slashed = f"replace(replace({text}, '/', '-'), '.', '-')"
    compact = f"CAST(try_strptime({digits}, '%Y%m%d') AS DATE)"
    turned = f"CAST(try_strptime({text}, '%d.%m.%Y') AS DATE)"

    def dated(term: str) -> str:
        return f"TRY_CAST({term} AS DATE)"

    shapes = [
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", dated(text), Cell.PLAIN),
        (r"[0-9]{8}([.]0)?", compact, Cell.COMPACT_DATE),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T].{1,40}", dated(iso), Cell.TIMED_DATE),
        (r"[0-9]{4}([/.])[0-9]{2}([/.])[0-9]{2}", dated(slashed), Cell.SLASHED_DATE),
        (r"[0-9]{2}[.][0-9]{2}[.][0-9]{4}", turned, Cell.DOTTED_DATE),
    ]
    branches, values = [], []
    for pattern, value, kind in shapes:
        shape = f"regexp_full_match({text}, {literal(pattern)})"
        far = f" AND {iso} <> '9999-12-31'" if kind in (Cell.PLAIN, Cell.TIMED_DATE) else ""
        branches.append((f"{shape} AND {value} IS NOT NULL{far}", kind))
        values.append(f"WHEN {shape} THEN {value}")
    return [*branches, *_marked(text, Cell.WRONG_TYPE, dates=True)], f"CASE {' '.join(values)} END"


def _text(column: Column, text: str) -> tuple[Branches, str]:
    if column.longest:
        return [(f"length({text}) <= {column.longest}", Cell.PLAIN), ("", Cell.WRONG_PATTERN)], text
    if not column.pattern:
        return [("true", Cell.PLAIN), ("", Cell.PLAIN)], text
    matches = f"regexp_matches({text}, {literal(column.pattern)})"
    return [(matches, Cell.PLAIN), *_marked(text, Cell.WRONG_PATTERN)], text
