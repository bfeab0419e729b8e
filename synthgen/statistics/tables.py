"""One CSV file of a pack: its cells, each printed value read as an interval."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import StatisticsError
from synthgen.messages import message
from synthgen.schema.documents import one_line
from synthgen.schema.model import Schema
from synthgen.statistics.descriptor import TABLES, TableDescriptor
from synthgen.statistics.kinds.kind import Kind
from synthgen.statistics.labels import codes_of_label
from synthgen.statistics.model import Cell
from synthgen.statistics.values import Printed, number_in, read_value

LARGEST_TABLE = 64 * 2**20
"""Largest CSV file that is read [bytes]."""

MOST_ROWS = 200_000
"""Most rows of one table."""

NUMBER_COLUMNS = ("n", "person_years", "time", "ci_low", "ci_high", "quantile", "age")
"""Optional columns of plain numbers, in the order in which they are written."""

_ENCODINGS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "cp949": "cp949", "euc-kr": "cp949"}
_EMPTY = frozenset({"", "-", "NA", "na", "."})

Groups = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class _Reader:
    """What is needed to read the rows of one table."""

    name: str
    kind: Kind
    descriptor: TableDescriptor
    schema: Schema
    groups: Groups
    factor: float
    zeros_are_printed: bool


def read_rows(folder: Path, descriptor: TableDescriptor) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table's CSV file.

    Raises
    ------
    StatisticsError
        If the file is missing, outside the pack, too big, wrongly encoded, empty, ragged, or
        has other columns than its descriptor says.
    """
    name = descriptor.name
    path = folder / TABLES / f"{name}.csv"
    text = _decoded(_bytes_of(path, folder), descriptor)
    if "\0" in text:
        raise StatisticsError(f"{name}: has NUL characters; it must be a text file")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as problem:
        raise StatisticsError(f"{name}: is not CSV: {one_line(problem)}") from problem
    if not rows or not any(rows[0]):
        raise StatisticsError(f"{name}: is empty; it must have a header and rows")
    header = [column.strip() for column in rows[0]]
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise StatisticsError(f"{name} row 1: column {one_line(twice, 40)} stands twice")
    if descriptor.columns and tuple(header) != descriptor.columns:
        raise StatisticsError(
            f"{name} row 1: columns are {one_line(', '.join(header), 80)}; its descriptor says "
            f"{one_line(', '.join(descriptor.columns), 80)}"
        )
    if len(rows) - 1 > MOST_ROWS:
        raise StatisticsError(f"{name}: has {len(rows) - 1} rows; at most {MOST_ROWS} are read")
    ragged = [i for i, row in enumerate(rows, start=1) if len(row) != len(header)]
    if ragged:
        raise StatisticsError(
            f"{name} row {ragged[0]}: has {len(rows[ragged[0] - 1])} fields; the header has "
            f"{len(header)}; the file may be cut off ({len(ragged)} such rows)"
        )
    if len(rows) == 1:
        raise StatisticsError(f"{name}: has a header but no rows; it must have at least one")
    return header, rows[1:]


def _bytes_of(path: Path, folder: Path) -> bytes:
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder.resolve(strict=True)):
            raise StatisticsError(f"{path}: leads out of the pack; tables must lie inside it")
        if not real.is_file():
            raise StatisticsError(f"{path}: is not a file; the table is missing")
        size = real.stat().st_size
        if size > LARGEST_TABLE:
            raise StatisticsError(f"{path}: has {size} bytes; at most {LARGEST_TABLE} are read")
        return real.read_bytes()
    except FileNotFoundError as problem:
        raise StatisticsError(f"{path}: is missing; the pack's descriptor names it") from problem
    except (OSError, RuntimeError) as problem:  # RuntimeError: a circle of links
        reason = getattr(problem, "strerror", None) or problem
        raise StatisticsError(f"{path}: cannot be read: {one_line(reason)}") from problem


def _decoded(raw: bytes, descriptor: TableDescriptor) -> str:
    """Text of a table; UTF-8 with or without a byte-order mark, or CP949 where stated."""
    encoding = _ENCODINGS.get(descriptor.encoding)
    if encoding is None:
        raise StatisticsError(
            f"{descriptor.name}: encoding is {one_line(descriptor.encoding, 30)}; it must be "
            "utf-8 or cp949"
        )
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as problem:
        where = f"{descriptor.name}: is not {descriptor.encoding} (byte {problem.start})"
        if encoding == "cp949":
            raise StatisticsError(f"{where}; save it as UTF-8") from problem
        raise StatisticsError(f"{where}; save it as UTF-8{_looks_like_cp949(raw)}") from problem


def _looks_like_cp949(raw: bytes) -> str:
    try:
        raw.decode("cp949")
    except UnicodeDecodeError:
        return ""
    return ", or state encoding cp949 in its descriptor, which it looks like"


def read_cells(
    folder: Path,
    descriptor: TableDescriptor,
    kind: Kind,
    factor: float,
    columns: tuple[str, ...],
    schema: Schema,
    groups: Groups,
) -> tuple[Cell, ...]:
    """Cells of one table.

    Parameters
    ----------
    folder : Path
        Of the pack.
    descriptor : TableDescriptor
    kind : Kind
    factor : float
        From the printed unit to the kind's natural one.
    columns : tuple of str
        Variables that are columns of the file.
    schema : Schema
    groups : mapping
        Variable to label to codes.

    Raises
    ------
    StatisticsError
        If a column is missing or unknown, or a row cannot be read.
    """
    name = descriptor.name
    header, rows = read_rows(folder, descriptor)
    _check_columns(name, header, columns, kind)
    printed = [_printed_of(dict(zip(header, row, strict=True))) for row in rows]
    zeros = kind.whole and any(text.strip() in {"0", "0.0"} for text in printed)
    reader = _Reader(name, kind, descriptor, schema, groups, factor, zeros)
    cells: list[Cell] = []
    seen: dict[object, int] = {}
    for row, (values, text) in enumerate(zip(rows, printed, strict=True), start=2):
        by_column = dict(zip(header, values, strict=True))
        cell = _cell(reader, by_column, text, columns, row)
        key = (tuple(sorted(cell.members.items())), cell.time, cell.quantile, cell.age)
        if key in seen and all(cell.members.values()):
            raise StatisticsError(
                f"{name} row {row}: is the same cell as row {seen[key]}; a cell must stand once"
            )
        seen[key] = row
        cells.append(cell)
    return tuple(cells)


def _check_columns(name: str, header: list[str], columns: tuple[str, ...], kind: Kind) -> None:
    bounds = {"lower", "upper"}
    needed = set(columns) | set(kind.needs)
    needed |= {"value"} if "value" in header or not bounds & set(header) else bounds
    missing = [c for c in (*columns, *kind.needs, "value", "lower", "upper") if c in needed]
    missing = [column for column in missing if column not in header]
    if missing:
        raise StatisticsError(
            f"{name} row 1: has no column {missing[0]}; a table of kind {kind.name} with these "
            f"variables must have it ({len(missing)} such columns)"
        )
    known = {*columns, "value", *bounds, *NUMBER_COLUMNS}
    extra = [column for column in header if column not in known]
    if extra:
        raise StatisticsError(
            f"{name} row 1: column {one_line(extra[0], 40)} is not known; columns must be "
            f"variables of the table, value, lower, upper, {', '.join(NUMBER_COLUMNS)} "
            f"({len(extra)} such columns)"
        )


def _printed_of(by_column: Mapping[str, str]) -> str:
    """The value as printed; two bounds are written ``lower..upper``."""
    lower, upper = by_column.get("lower", "").strip(), by_column.get("upper", "").strip()
    if lower and upper:
        return f"{lower}..{upper}"
    return by_column.get("value", lower or upper)


def _cell(
    reader: _Reader, by_column: Mapping[str, str], text: str, columns: tuple[str, ...], row: int
) -> Cell:
    where = f"{reader.name} row {row}"
    members: dict[str, tuple[str, ...]] = {}
    unknown = ("", "")
    for name in columns:
        variable = reader.schema.variable(name)
        codes = codes_of_label(by_column[name], variable, reader.groups.get(name, {}), where)
        if codes is None or len(codes) == len(variable.codes):
            continue
        members[name] = codes
        if not codes:
            unknown = (
                message("printed.unknown", "en", name=name, value=repr(text)),
                message("printed.unknown", "ko", name=name, value=repr(text)),
            )
    value = _value(reader, text, where)
    numbers = {c: _number(by_column.get(c, ""), f"{where} {c}") for c in NUMBER_COLUMNS}
    _check_numbers(numbers, where)
    age = numbers["age"]
    return Cell(
        members=members,
        lower=value.lower,
        upper=value.upper,
        n=numbers["n"],
        person_years=numbers["person_years"],
        time=numbers["time"],
        ci_lower=_scaled(numbers["ci_low"], reader.factor),
        ci_upper=_scaled(numbers["ci_high"], reader.factor),
        quantile=numbers["quantile"],
        age=None if age is None else int(age),
        printed=text,
        row=row,
        note=unknown[0] or value.note,
        note_ko=unknown[1] or value.note_ko,
        published=value.published and not unknown[0],
    )


def _value(reader: _Reader, text: str, where: str) -> Printed:
    if ".." in text.strip(". "):
        value = read_value(
            text,
            reader.kind,
            reader.factor,
            reader.descriptor.protection,
            where,
            zeros_are_printed=reader.zeros_are_printed,
        )
        return Printed(value.lower, value.upper)  # two stated bounds are no guess
    return read_value(
        text,
        reader.kind,
        reader.factor,
        reader.descriptor.protection,
        where,
        zeros_are_printed=reader.zeros_are_printed,
    )


def _number(text: str, where: str) -> float | None:
    return None if text.strip() in _EMPTY else number_in(text, where)


def _scaled(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _check_numbers(numbers: Mapping[str, float | None], where: str) -> None:
    """Refuse numbers that cannot be, whatever the kind."""
    n, years, age = numbers["n"], numbers["person_years"], numbers["age"]
    if n is not None and not n > 0:
        raise StatisticsError(f"{where}: n is {n:g}; it must be positive")
    if years is not None and years < 0:
        raise StatisticsError(f"{where}: person_years is {years:g}; it must be 0 or more")
    if age is not None and (age != int(age) or not 0 <= age <= 150):
        raise StatisticsError(f"{where}: age is {age:g}; it must be a whole number of years")
    low, high = numbers["ci_low"], numbers["ci_high"]
    if (low is None) != (high is None) or (low is not None and high is not None and low >= high):
        raise StatisticsError(
            f"{where}: confidence limits must be given both, the lower one below the upper one"
        )
