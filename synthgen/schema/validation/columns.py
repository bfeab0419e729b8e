"""Every column of a table, checked in one pass; and the table in the types of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthgen.errors import SchemaError
from synthgen.schema.documents import one_line
from synthgen.schema.model import CodeList, Column, ColumnType, Severity
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.cells import (
    BLANKS,
    READINGS,
    SQL_TYPES,
    VALUED,
    WRONG,
    Cell,
    CellReader,
    cell_reader,
    cell_text,
    listed,
)
from synthgen.schema.validation.database import count_where, row_of, rows_of
from synthgen.schema.validation.loading import Loaded
from synthgen.schema.validation.report import FIRST_ROWS, Broken, Missing, Note, both

if TYPE_CHECKING:
    import duckdb

_TYPE_KEYS = {
    ColumnType.INTEGER: "check.column.integer",
    ColumnType.NUMBER: "check.column.number",
    ColumnType.DATE: "check.column.date",
}
_READING_KEYS = {
    Cell.DECIMAL: "check.reading.decimal",
    Cell.COMMA: "check.reading.comma",
    Cell.COMPACT_DATE: "check.reading.compact_date",
    Cell.TIMED_DATE: "check.reading.timed_date",
    Cell.SLASHED_DATE: "check.reading.slashed_date",
    Cell.DOTTED_DATE: "check.reading.dotted_date",
    Cell.NINES: "check.reading.nines",
    Cell.MARKED: "check.reading.marked",
}


@dataclass(frozen=True)
class TypedTable:
    """A table whose cells have been looked at.

    Parameters
    ----------
    loaded : Loaded
    relation : str
        View with the columns of the schema that the file has, in its types, null for what
        is missing or wrong.
    row : str
        Column of the view that holds the row number as a person sees it.
    readers : mapping of str to CellReader
        By column.
    counts : mapping of str to mapping of Cell to int
        Cells of each kind, by column.
    padded : mapping of str to int
        Cells with blanks at their ends, by column.
    """

    loaded: Loaded
    relation: str
    row: str
    readers: Mapping[str, CellReader]
    counts: Mapping[str, Mapping[Cell, int]]
    padded: Mapping[str, int]

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.loaded.table.name

    @property
    def missing(self) -> dict[str, Missing]:
        """Cells without a value, by column."""
        return {
            name: Missing(
                counts.get(Cell.EMPTY, 0) + counts.get(Cell.MARKED, 0),
                counts.get(Cell.DECLARED, 0) + counts.get(Cell.NINES, 0),
            )
            for name, counts in self.counts.items()
        }

    def values_of(self, name: str) -> int:
        """Cells of a column with a value that could be read."""
        return sum(self.counts[name].get(kind, 0) for kind in VALUED)


class CodeTypes:
    """SQL types (ENUM) of code lists, each made once: the quickest way to look a code up."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self._made: dict[str, str] = {}

    def of(self, codes: CodeList | None) -> str:
        """Name of the type; ``""`` for a list without codes."""
        if codes is None or not codes.codes:
            return ""
        if codes.name not in self._made:
            name = f"codes_{len(self._made)}"
            listed = ", ".join(literal(code.code) for code in codes.codes)
            self._db.execute(f"CREATE TYPE {name} AS ENUM ({listed})")
            self._made[codes.name] = name
        return self._made[codes.name]


def require_pattern(db: duckdb.DuckDBPyConnection, where: str, pattern: str) -> None:
    """Refuse a pattern that DuckDB cannot run.

    Raises
    ------
    SchemaError
        If it looks ahead or behind or refers back: RE2, which runs in linear time, does not.
    """
    import duckdb

    try:
        db.execute(f"SELECT regexp_matches('', {literal(pattern)})")
    except duckdb.InvalidInputException as error:
        raise SchemaError(
            f"{where}: its pattern cannot be checked in linear time; "
            "write it without looking ahead or behind and without back-references"
        ) from error


def typed_table(
    db: duckdb.DuckDBPyConnection, loaded: Loaded, code_types: CodeTypes, relation: str
) -> TypedTable:
    """Look at every cell of a table.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    loaded : Loaded
    code_types : CodeTypes
    relation : str
        Name for the view with typed columns.

    Raises
    ------
    SchemaError
        If a pattern of the schema cannot be checked.
    """
    table = loaded.table
    columns = [c for c in table.columns if c.name in loaded.positions]
    padded = _padded(db, loaded, columns)
    readers: dict[str, CellReader] = {}
    for column in columns:
        readers[column.name] = column_reader(
            db,
            column,
            f"c{loaded.positions[column.name]}",
            code_types,
            padded=padded[column.name] > 0,
            comma=loaded.separator not in ("", ","),
        )
    counts = _counts(db, loaded, readers)
    row = "row"
    while row in table.column_names:
        row += "_"
    selected = [f"{loaded.line} AS {identifier(row)}"]
    for name, reader in readers.items():
        value = _typed(reader, counts[name])
        selected.append(f"{value} AS {identifier(name)}")
    db.execute(f"CREATE VIEW {relation} AS SELECT {', '.join(selected)} FROM {loaded.relation}")  # noqa: S608
    return TypedTable(loaded, relation, row, readers, counts, padded)


def column_reader(
    db: duckdb.DuckDBPyConnection,
    column: Column,
    cell: str,
    code_types: CodeTypes,
    *,
    padded: bool,
    comma: bool = False,
) -> CellReader:
    """How the cells of a column are read; see :func:`~synthgen.schema.validation.cells.cell_reader`.

    Raises
    ------
    SchemaError
        If a pattern of the schema cannot be checked.
    """
    for pattern in (column.pattern, column.codes.pattern if column.codes else ""):
        if pattern:
            require_pattern(db, f"column {one_line(column.name)}", pattern)
    text = cell_text(cell, padded=padded)
    return cell_reader(column, text, code_type=code_types.of(column.codes), comma=comma)


def _padded(db: duckdb.DuckDBPyConnection, loaded: Loaded, columns: list[Column]) -> dict[str, int]:
    cells = {c.name: f"c{loaded.positions[c.name]}" for c in columns}
    # Most columns have no blank at all: the quick question comes first.
    blank = " OR ".join(f"contains({{0}}, {literal(sign)})" for sign in BLANKS if sign.isascii())
    asked = [f"{blank} OR strlen({{0}}) <> length({{0}})".format(cell) for cell in cells.values()]
    padded = dict.fromkeys(cells, 0)
    suspicious = _how_many(db, loaded, asked)
    trimmed = {name: cells[name] for name, n in zip(cells, suspicious, strict=True) if n}
    exact = [f"{cell} <> trim({cell}, {literal(BLANKS)})" for cell in trimmed.values()]
    return padded | dict(zip(trimmed, _how_many(db, loaded, exact), strict=True))


def _how_many(
    db: duckdb.DuckDBPyConnection, loaded: Loaded, conditions: Sequence[str]
) -> tuple[int, ...]:
    if not conditions:
        return ()
    counted = ", ".join(count_where(condition) for condition in conditions)
    return row_of(db, f"SELECT {counted} FROM {loaded.relation}")  # noqa: S608


def _counts(
    db: duckdb.DuckDBPyConnection, loaded: Loaded, readers: Mapping[str, CellReader]
) -> dict[str, dict[Cell, int]]:
    histograms = ", ".join(f"histogram({reader.kind})" for reader in readers.values())
    found = row_of(db, f"SELECT {histograms} FROM {loaded.relation}")  # noqa: S608
    return {
        name: {Cell(kind): int(count) for kind, count in (counts or {}).items()}
        for name, counts in zip(readers, found, strict=True)
    }


def _typed(reader: CellReader, counts: Mapping[Cell, int]) -> str:
    """SQL of a cell's value; as short as what was found allows."""
    kind = SQL_TYPES[reader.column.type]
    if set(counts) <= {Cell.EMPTY, Cell.PLAIN, Cell.DECLARED}:
        if kind == "VARCHAR":  # rules may name a code that means missing
            return reader.text
        missing = reader.column.missing_codes if Cell.DECLARED in counts else ()
        kept = f"CASE WHEN {reader.text} NOT IN {listed(missing)} THEN {reader.text} END"
        return f"TRY_CAST({kept if missing else reader.text} AS {kind})"
    valued = ", ".join(str(int(k)) for k in VALUED if k in counts)
    kept = f"CASE WHEN {reader.kind} IN ({valued or 'NULL'}) THEN {reader.value} END"
    if kind == "VARCHAR" and Cell.DECLARED in counts:
        return f"CASE WHEN {reader.kind} = {int(Cell.DECLARED)} THEN {reader.text} ELSE {kept} END"
    return kept


def column_findings(
    db: duckdb.DuckDBPyConnection, typed: TypedTable, *, show_values: bool
) -> list[Broken]:
    """Broken rules of the columns: types, patterns, ranges, codes, missing values.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    typed : TypedTable
    show_values : bool
        Whether values of the first rows are read as well.
    """
    found = []
    for name, reader in typed.readers.items():
        counts = typed.counts[name]
        found += [
            _wrong(db, typed, reader, kind, show_values=show_values)
            for kind in WRONG
            if kind in counts
        ]
        empty = typed.missing[name].empty
        if empty and not reader.column.nullable:
            gaps = (Cell.EMPTY, Cell.MARKED)
            message, message_ko = both("check.column.missing")
            rows, values = _first(db, typed, reader, gaps, show_values=False)
            found.append(
                Broken(
                    "column.missing",
                    typed.name,
                    name,
                    Severity.IMPOSSIBLE,
                    message,
                    message_ko,
                    empty,
                    rows,
                    values,
                    typed.loaded.rows,
                )
            )
    return found


def _wrong(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    reader: CellReader,
    kind: Cell,
    *,
    show_values: bool,
) -> Broken:
    column = reader.column
    if kind is Cell.WRONG_TYPE:
        rule, texts = "column.type", both(_TYPE_KEYS[column.type])
    elif kind is Cell.WRONG_PATTERN:
        rule, texts = "column.pattern", _pattern(column)
    elif kind is Cell.OUT_OF_RANGE:
        rule, texts = "column.range", _range(column)
    else:
        codes = column.codes.name if column.codes else ""
        rule, texts = "column.code", both("check.column.code", codes=codes)
    rows, values = _first(db, typed, reader, (kind,), show_values=show_values)
    count = typed.counts[column.name][kind]
    return Broken(
        rule,
        typed.name,
        column.name,
        Severity.IMPOSSIBLE,
        *texts,
        count,
        rows,
        values,
        typed.loaded.rows,
    )


def _pattern(column: Column) -> tuple[str, str]:
    if column.longest:
        return both("check.column.longest", most=f"{column.longest:,}")
    return both("check.column.pattern", pattern=column.form or column.pattern)


def _range(column: Column) -> tuple[str, str]:
    if column.minimum is None:
        return both("check.column.above", maximum=f"{column.maximum:g}")
    if column.maximum is None:
        return both("check.column.below", minimum=f"{column.minimum:g}")
    return both("check.column.range", minimum=f"{column.minimum:g}", maximum=f"{column.maximum:g}")


def _first(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    reader: CellReader,
    kinds: tuple[Cell, ...],
    *,
    show_values: bool,
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    numbers = ", ".join(str(int(kind)) for kind in kinds)
    found = rows_of(
        db,
        f"SELECT {typed.loaded.line} AS line, {reader.text} FROM {typed.loaded.relation} "  # noqa: S608
        f"WHERE {reader.kind} IN ({numbers}) ORDER BY line LIMIT {FIRST_ROWS}",
    )
    values = tuple(one_line(value, 60) for _, value in found) if show_values else ()
    return tuple(int(line) for line, _ in found), values


def column_notes(typed: TypedTable) -> list[Note]:
    """How cells had to be read: one note per way and table, with the columns."""
    columns: dict[str, list[str]] = {}
    cells: dict[str, int] = {}
    for name, counts in typed.counts.items():
        for kind in READINGS:
            if kind in counts:
                key = _READING_KEYS[kind]
                columns.setdefault(key, []).append(name)
                cells[key] = cells.get(key, 0) + counts[kind]
    padded = [name for name, count in typed.padded.items() if count]
    if padded:
        columns["check.reading.padded"] = padded
        cells["check.reading.padded"] = sum(typed.padded.values())
    return [
        Note(
            "reading",
            key,
            typed.name,
            ", ".join(names),
            {
                "file": typed.loaded.file,
                "columns": ", ".join(names),
                "count": f"{cells[key]:,}",
            },
        )
        for key, names in columns.items()
    ]
