"""From a row to the position of its category: SQL that DuckDB runs over whole tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synthgen.schema.model import Category, Column, ColumnType, Variable
from synthgen.schema.rules.sql import identifier, literal

LARGEST_CASE = 12
"""Codes that are looked up one after the other; more are looked up in a list."""


def cell(qualified: str) -> str:
    """A column of the joined tables as SQL."""
    table, _, name = qualified.partition(".")
    return f"{identifier(table)}.{identifier(name)}"


def position_sql(variable: Variable, column: Column | None, value: str = "") -> str:
    """SQL of the position of a row's category, null where none fits.

    Parameters
    ----------
    variable : Variable
    column : Column or None
        The one that ``variable.column`` names; None for joined columns.
    value : str, optional
        SQL of the value, where it is no column.
    """
    plain = [c for c in variable.categories if not c.means]
    value = value or _value(variable, column)
    codes = [c.code for c in plain]
    made = _binned(value, plain) if variable.is_binned else _coded(value, codes)
    whens = []
    for at, category in enumerate(variable.categories):
        if category.means == "missing":
            whens.append(f"WHEN {value} IS NULL THEN {at}")
        elif category.means == "equal":
            bound = cell(variable.not_above)
            whens.append(f"WHEN {value} = {bound} THEN {at}")
    # A missing value is asked for before anything is compared with it.
    whens.sort(key=lambda text: "IS NULL" not in text)
    return f"CASE {' '.join(whens)} ELSE {made} END" if whens else made


def _value(variable: Variable, column: Column | None) -> str:
    if variable.joins:
        return f"({' || '.join(cell(part) for part in variable.joins)})"
    value = cell(variable.column)
    if column is not None and column.type is ColumnType.DATE and variable.is_binned:
        if variable.since:
            return f"date_diff('day', {cell(variable.since)}, {value})"
        return f"year({value})"
    return value


def _coded(value: str, codes: Sequence[str]) -> str:
    if len(codes) <= LARGEST_CASE:
        whens = " ".join(f"WHEN {literal(code)} THEN {at}" for at, code in enumerate(codes))
        return f"CASE {value} {whens} END"
    listed = ", ".join(literal(code) for code in codes)
    return f"(enum_code(TRY_CAST({value} AS ENUM({listed}))))"


def _binned(value: str, bins: Sequence[Category]) -> str:
    """A binary search written out: a few comparisons a row, however many bins there are."""

    def between(first: int, last: int) -> str:
        if first == last:
            return str(first)
        middle = (first + last + 1) // 2
        edge = _number(bins[middle].lower)
        return f"CASE WHEN {value} < {edge} THEN {between(first, middle - 1)} ELSE {between(middle, last)} END"

    low, high = bins[0].lower, bins[-1].upper
    inside = [] if low is None or math.isinf(low) else [f"{value} >= {_number(low)}"]
    inside += [] if high is None or math.isinf(high) else [f"{value} < {_number(high)}"]
    search = between(0, len(bins) - 1)
    if inside:
        return f"CASE WHEN {' AND '.join(inside)} THEN {search} END"
    return f"CASE WHEN {value} IS NOT NULL THEN {search} END"


def _number(edge: float | None) -> str:
    """An edge as SQL that is exactly this number."""
    if edge is None:
        return "NULL"
    return str(int(edge)) if edge == int(edge) and abs(edge) < 2**53 else f"{edge!r}::DOUBLE"
