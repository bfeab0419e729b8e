"""Two deliveries, or a cohort and a delivery: what a program made for A meets in B."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.schema.comparison.differences import Comparison, Difference, comparison
from synthgen.schema.comparison.profiles import (
    ColumnProfile,
    KeyProfile,
    TableProfile,
    profile_table,
)
from synthgen.schema.comparison.shifts import cells_up_to, far_apart, shares_apart
from synthgen.schema.documents import one_line
from synthgen.schema.model import ColumnType, Schema
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.cells import WRONG, Cell
from synthgen.schema.validation.columns import CodeTypes, TypedTable
from synthgen.schema.validation.database import count_where, row_of, rows_of
from synthgen.schema.validation.deliveries import open_delivery
from synthgen.schema.validation.guesses import guess_columns
from synthgen.schema.validation.report import FIRST_ROWS
from synthgen.schema.validation.tables import typed_tables

if TYPE_CHECKING:
    from datetime import date

    import duckdb

MORE_MISSING = 0.1
"""Rise of the share of missing cells that is worth a line; a tenth, ours."""

_FORMS = {
    Cell.PLAIN: "plain",
    Cell.DECIMAL: "decimal",
    Cell.COMMA: "comma",
    Cell.COMPACT_DATE: "compact_date",
    Cell.TIMED_DATE: "timed_date",
    Cell.SLASHED_DATE: "slashed_date",
    Cell.DOTTED_DATE: "dotted_date",
    Cell.NINES: "nines",
    Cell.MARKED: "marked",
}


def compare_tables(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    schema: Schema,
    *,
    table: str | None = None,
    show_values: bool = False,
    schema_b: Schema | None = None,
) -> Comparison:
    """Compare two cohorts or deliveries.

    Parameters
    ----------
    a : str or path
        What programs were made for: a folder, a CSV, Parquet or DuckDB file.
    b : str or path
        What they will get.
    schema : Schema
        By which both are read.
    table : str, optional
        Which table single files hold, where their columns do not say.
    show_values : bool
        Whether differences hold values of records; without it only codes of code lists.
    schema_b : Schema, optional
        By which B is read, where its tables have other names: the same tables in the same
        order.

    Returns
    -------
    Comparison
        Missing and renamed columns, new forms, codes never seen in A, new gaps, changed
        keys break a program; further columns, values beyond the range of A are only new.

    Raises
    ------
    ContractError
        If a file cannot be read at all.
    SchemaError, UsageError, OutputError
        As for :func:`~synthgen.schema.validation.check_tables`.
    """
    with open_delivery(Path(a), schema, table) as delivery:
        tables = typed_tables(delivery, CodeTypes(delivery.db))
        ours = {name: profile_table(delivery.db, tables, t) for name, t in tables.items()}
    theirs_by = schema_b or schema
    ours_by = dict(
        zip((t.name for t in theirs_by.tables), (t.name for t in schema.tables), strict=True)
    )
    with open_delivery(Path(b), theirs_by, table) as delivery:
        code_types = CodeTypes(delivery.db)
        tables = {
            ours_by.get(name, name): typed
            for name, typed in typed_tables(delivery, code_types).items()
        }
        found: list[Difference] = []
        for name, profile in ours.items():
            if name in tables:
                theirs = profile_table(delivery.db, tables, tables[name])
                table_b = _TableInB(delivery.db, tables[name], code_types, show_values)
                found += _table(profile, theirs, table_b)
            elif delivery.whole:
                found.append(Difference("table.missing", breaks=True, table=name))
        found += [
            Difference("table.new", breaks=False, table=name) for name in tables if name not in ours
        ]
        sizes = {name: typed.loaded.rows for name, typed in tables.items()}
    return comparison(
        _named(a, {name: profile.rows for name, profile in ours.items()}),
        _named(b, sizes),
        found,
    )


def _named(source: str | os.PathLike[str], rows: Mapping[str, int]) -> str:
    sizes = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    return f"{one_line(source, 300)} ({sizes})"


class _TableInB:
    """What has to be looked up in B once A is known."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        typed: TypedTable,
        code_types: CodeTypes,
        show_values: bool,
    ) -> None:
        self._db = db
        self._typed = typed
        self._code_types = code_types
        self._show = show_values

    def renamed(self, a: TableProfile, missing: tuple[str, ...]) -> dict[str, str]:
        """Column of B that each missing one may have become."""
        loaded = self._typed.loaded
        extra = [at for at in loaded.extra if loaded.names[at] not in a.extra]
        guessed = guess_columns(self._db, loaded, missing, extra, self._code_types)
        return {name: loaded.names[at] for name, at in guessed.items()}

    def names_rows(self, column: str) -> bool:
        """Whether the values of a column name rows: larger ones say nothing."""
        table = self._typed.loaded.table
        keys = [key.columns for key in table.foreign_keys]
        return any(column in columns for columns in keys) or table.primary_key == (column,)

    def beyond(self, a: ColumnProfile) -> int:
        """Cells smaller or larger than any of A."""
        value = identifier(a.column.name)
        low, high = _literal(a.least), _literal(a.greatest)
        condition = f"{value} < {low} OR {value} > {high}"
        query = f"SELECT {count_where(condition)} FROM {self._typed.relation}"  # noqa: S608
        return int(row_of(self._db, query)[0])

    def apart(self, a: ColumnProfile, valued: int) -> float:
        """How far the distribution of numbers or days is from that of A; 0 if by chance."""
        if not a.cuts or a.column.name not in self._typed.readers:
            return 0.0
        cuts, ours = zip(*a.cuts, strict=True)
        theirs = cells_up_to(self._db, self._typed, a.column.name, cuts)
        return far_apart(ours, a.valued, theirs, valued)

    def wrong_values(self, name: str) -> tuple[str, ...]:
        """The first cells that are not what the schema wants, if values may be shown."""
        if not self._show:
            return ()
        reader = self._typed.readers[name]
        kinds = ", ".join(str(int(kind)) for kind in WRONG)
        found = rows_of(
            self._db,
            f"SELECT DISTINCT {reader.text} FROM {self._typed.loaded.relation} "  # noqa: S608
            f"WHERE {reader.kind} IN ({kinds}) ORDER BY 1 LIMIT {FIRST_ROWS}",
        )
        return tuple(one_line(row[0], 60) for row in found)


def _literal(value: int | float | date) -> str:
    return literal(value)


def _table(a: TableProfile, b: TableProfile, look: _TableInB) -> Iterator[Difference]:
    if a.form != b.form:
        yield Difference("table.form", True, a.name, values={"a": a.form, "b": b.form})
    if b.uneven and not a.uneven:
        yield Difference("table.uneven", True, a.name, count=b.uneven)
    missing = tuple(name for name in a.columns if name not in b.columns)
    renamed = look.renamed(a, missing)
    for name in missing:
        if name in renamed:
            values = {"name": one_line(renamed[name], 60)}
            yield Difference("column.looks_renamed", True, a.name, name, values)
        else:
            yield Difference("column.missing", True, a.name, name)
    for name, profile in a.columns.items():
        if name in b.columns:
            yield from _column(a, b, profile, b.columns[name], look)
    for name in b.columns:
        if name not in a.columns:
            yield Difference("column.new", False, a.name, name)
    for name in a.extra:
        if name not in b.names:
            yield Difference("column.missing", True, a.name, one_line(name, 60))
    for name in b.extra:
        if name not in a.names and name not in renamed.values():
            yield Difference("column.new", False, a.name, one_line(name, 60))
    shared = [name for name in a.names if name in b.names]
    if shared != [name for name in b.names if name in set(shared)]:
        yield Difference("columns.order", False, a.name)
    yield from _keys(a, b)
    if a.rows and not b.rows:
        yield Difference("table.no_rows", True, a.name)


def _keys(a: TableProfile, b: TableProfile) -> Iterator[Difference]:
    if b.repeated and not a.repeated:
        yield Difference("key.repeated", True, a.name, count=b.repeated)
    ours: dict[tuple[str, ...], KeyProfile] = {profile.key.columns: profile for profile in a.keys}
    for theirs in b.keys:
        mine = ours.get(theirs.key.columns)
        if mine is None:
            continue
        columns, values = ", ".join(theirs.key.columns), {"target": theirs.key.table}
        if theirs.most > 1 >= mine.most:
            yield Difference("key.several", True, a.name, columns, values)
        if not mine.followed or not theirs.followed:
            continue
        if theirs.orphans and not mine.orphans:
            yield Difference("key.orphans", True, a.name, columns, values, count=theirs.orphans)
        if theirs.childless and not mine.childless:
            yield Difference("key.childless", True, a.name, columns, values, count=theirs.childless)


def _column(
    a: TableProfile, b: TableProfile, mine: ColumnProfile, theirs: ColumnProfile, look: _TableInB
) -> Iterator[Difference]:
    name = mine.column.name
    if mine.name != theirs.name:
        values = {"a": one_line(mine.name, 60), "b": one_line(theirs.name, 60)}
        yield Difference("column.spelt", True, a.name, name, values)
    if mine.stored and theirs.stored and mine.stored != theirs.stored:
        values = {"a": mine.stored, "b": theirs.stored}
        yield Difference("column.type", True, a.name, name, values)
    for form in sorted(theirs.forms - mine.forms):
        if mine.forms:  # what A never fills has no form to differ from
            yield Difference(f"form.{_FORMS[form]}", True, a.name, name)
    if theirs.padded and not mine.padded:
        yield Difference("form.padded", True, a.name, name)
    if theirs.wrong and not mine.wrong:
        shown = look.wrong_values(name)
        yield Difference("column.wrong", True, a.name, name, count=theirs.wrong, shown=shown)
    yield from _gaps(a, b, mine, theirs)
    yield from _values(a, mine, theirs, look)


def _gaps(
    a: TableProfile, b: TableProfile, mine: ColumnProfile, theirs: ColumnProfile
) -> Iterator[Difference]:
    name = mine.column.name
    share_a = (mine.empty + mine.coded) / a.rows if a.rows else 0.0
    share_b = (theirs.empty + theirs.coded) / b.rows if b.rows else 0.0
    shares = {"a": f"{100 * share_a:.3g} %", "b": f"{100 * share_b:.3g} %"}
    if a.rows and mine.empty == a.rows:
        if theirs.empty < b.rows:
            yield Difference("gaps.filled", False, a.name, name)
        return
    if b.rows and theirs.empty == b.rows:
        yield Difference("gaps.all", True, a.name, name)
        return
    if theirs.empty and not mine.empty:
        yield Difference("gaps.empty", True, a.name, name, count=theirs.empty)
    elif share_b - share_a > MORE_MISSING:
        yield Difference("gaps.more", False, a.name, name, shares)
    if theirs.coded and not mine.coded and not mine.column.codes:
        yield Difference("gaps.coded", True, a.name, name, count=theirs.coded)


def _values(
    a: TableProfile, mine: ColumnProfile, theirs: ColumnProfile, look: _TableInB
) -> Iterator[Difference]:
    name = mine.column.name
    if mine.codes or (mine.column.codes and not mine.wrong and theirs.codes):
        never_a = tuple(code for code in theirs.codes if code not in mine.codes)
        never_b = tuple(code for code in mine.codes if code not in theirs.codes)
        if never_a and mine.codes:
            rows = sum(theirs.codes[code] for code in never_a)
            yield Difference("codes.unseen", True, a.name, name, codes=never_a, count=rows)
        if never_b and theirs.codes:
            yield Difference("codes.unused", False, a.name, name, codes=never_b)
    far, most = shares_apart(mine.codes, theirs.codes)
    if far:
        told = {"far": f"{far:.2f}", "most": _shares(most, mine.codes, theirs.codes)}
        yield Difference("values.shares", False, a.name, name, told)
    amounts = not look.names_rows(name)
    far = look.apart(mine, theirs.valued) if amounts else 0.0
    if far:
        yield Difference("values.shifted", False, a.name, name, {"far": f"{far:.2f}"})
    if amounts and mine.least is not None and theirs.least is not None:
        beyond = look.beyond(mine)
        if beyond:
            yield Difference("values.beyond", False, a.name, name, count=beyond)
    if mine.column.type is ColumnType.STRING and 0 < mine.longest < theirs.longest:
        values = {"a": mine.longest, "b": theirs.longest}
        yield Difference("values.longer", False, a.name, name, values)


def _shares(codes: tuple[str, ...], a: Mapping[str, int], b: Mapping[str, int]) -> str:
    """Codes of a public list with their shares on both sides."""
    told = (
        f"{one_line(c, 40)} {a[c] / sum(a.values()):.0%} / {b[c] / sum(b.values()):.0%}"
        for c in codes
    )
    return ", ".join(told) or "-"
