"""The tables of a cohort as sheets of one workbook; needs the extra ``excel`` (openpyxl)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from synthgen.errors import OutputError, UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.sqlite import rows_of_table
from synthgen.extras import require
from synthgen.schema.model import ColumnType

FILE = "cohort.xlsx"
MOST_ROWS = 1_048_575
"""Rows under the header that a sheet can hold (Excel specifications and limits)."""


def write(cohort: CohortTables, folder: Path, options: Mapping[str, str]) -> dict[str, int]:
    """Write ``cohort.xlsx``: codes stay text, dates are dates, no cell is a formula.

    Raises
    ------
    UsageError
        If there is an option, or a table has more rows than a sheet.
    MissingExtraError
        If openpyxl is not installed.
    """
    if options:
        raise UsageError(f"excel: has no option {next(iter(options))}; it has: none")
    openpyxl = require("excel", "openpyxl")
    cells = require("excel", "openpyxl.cell")
    book = openpyxl.Workbook(write_only=True)
    rows = {}
    for table in cohort.schema.tables:
        sheet = book.create_sheet(table.name)
        sheet.freeze_panes = "A2"
        sheet.append([_text(cells, sheet, name) for name in table.column_names])
        rows[table.name] = 0
        dates = [c.type is ColumnType.DATE for c in table.columns]
        for piece in rows_of_table(cohort, table):
            rows[table.name] += len(piece)
            if rows[table.name] > MOST_ROWS:
                raise UsageError(
                    f"excel: {table.name} has more than {MOST_ROWS:,} rows, which a sheet cannot hold"
                )
            for row in piece:
                sheet.append(
                    [
                        _cell(cells, sheet, value, is_date=is_date)
                        for value, is_date in zip(row, dates, strict=True)
                    ]
                )
    try:
        book.save(folder / FILE)
    except OSError as error:
        raise OutputError(f"{FILE}: cannot be written: {error.strerror or error}") from error
    return rows


def _cell(cells: Any, sheet: Any, value: Any, *, is_date: bool) -> Any:
    if value is None or not isinstance(value, str):
        return value
    if is_date:
        made = cells.WriteOnlyCell(sheet, value=date.fromisoformat(value))
        made.number_format = "yyyy-mm-dd"
        return made
    return _text(cells, sheet, value)


def _text(cells: Any, sheet: Any, value: str) -> Any:
    """Text that stays text: openpyxl makes a formula of what starts with ``=``."""
    if not value.startswith("="):
        return value
    made = cells.WriteOnlyCell(sheet, value=value)
    made.data_type = "s"
    return made
