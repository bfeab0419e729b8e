"""From a target back to the cohort: what a target holds, and what is lost in it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from synthgen.exports.mapping import TargetMapping, TargetPart, TargetTable
from synthgen.exports.terms import DATES, Term, coded
from synthgen.schema.model import CodeList, Column, ColumnType, Schema
from synthgen.schema.rules.sql import identifier, literal

_WHOLE_DATES = ("YYYYMMDD", "YYYY-MM-DD")
_PLAIN = frozenset({"column", "codes", "otherwise", "missing"})
_YEAR = 4
"""Digits of a year."""


def read_back(table: TargetTable, part: TargetPart, schema: Schema) -> dict[str, str]:
    """What the rows of one part of a target say about columns of the cohort.

    Parameters
    ----------
    table : TargetTable
    part : TargetPart
        One of its parts.
    schema : Schema
        Of the cohort.

    Returns
    -------
    dict of str to str
        By ``table.column`` of the cohort: SQL over the columns of the target, all of them
        text, whose value is the text of the cell.  Columns that the target holds only in
        part (a year of a date, codes that became one) are left out.
    """
    found: dict[str, str] = {}
    for column in table.columns:
        term = part.values.get(column.name, column.value)
        if term is None:
            continue
        for name, told in _told(term, identifier(column.name), schema).items():
            found.setdefault(name, told)
    return found


def held_columns(mapping: TargetMapping, schema: Schema) -> frozenset[str]:
    """Columns of the cohort that can be read back from a target whole.

    Columns that only number or link rows of the cohort are held if the target does so too.
    """
    held = {
        name
        for table in mapping.tables
        for part in table.parts
        if part.speaks(schema.version)
        for name in read_back(table, part, schema)
    }
    for table in schema.tables:  # a key that leads somewhere says what stands there
        for key in table.foreign_keys:
            if all(f"{key.table}.{column}" in held for column in key.references):
                held |= {f"{table.name}.{column}" for column in key.columns}
    return frozenset(held)


def lost_columns(mapping: TargetMapping, schema: Schema) -> tuple[str, ...]:
    """Columns of the cohort that cannot be read back from a target, in the order of the schema."""
    held = held_columns(mapping, schema)
    every = [f"{table.name}.{column}" for table in schema.tables for column in table.column_names]
    return tuple(name for name in every if name not in held)


def _told(term: Term, cell: str, schema: Schema) -> dict[str, str]:
    if "text" in term:
        return _pieces(term["text"], cell, schema)
    if set(term) == {"date", "as"} and term["as"] in _WHOLE_DATES:
        read = f"strptime({cell}, {literal(DATES[term['as']])})"
        return {term["date"]: f"strftime({read}, '%Y-%m-%d')"}
    if set(term) == {"column", "divide"}:
        return {term["column"]: f"CAST({cell} AS DOUBLE) * {float(term['divide'])!r}"}
    if "column" in term and set(term) <= _PLAIN:
        return _plain(term, cell, _column(schema, term["column"]))
    return {}


def _plain(term: Term, cell: str, column: Column) -> dict[str, str]:
    if "missing" in term:
        if column.codes is None or str(term["missing"]) in column.codes:
            return {}
        cell = f"nullif({cell}, {literal(str(term['missing']))})"
    if "codes" not in term:
        return {term["column"]: cell}
    codes: Mapping[str, object] = term["codes"]
    every = {} if column.codes is None else column.codes.index
    back = {str(new): old for old, new in codes.items() if new is not None}
    whole = bool(every) and set(every) <= set(codes) and len(back) == len(codes)
    return {term["column"]: coded(cell, back, None)} if whole else {}


def _pieces(terms: list[Term], cell: str, schema: Schema) -> dict[str, str]:
    """Columns that were written one after the other, each with so many characters."""
    found: dict[str, str] = {}
    at = 1
    for term in terms:
        inner = term.get("pad", term)
        width = _width(term, schema)
        if not width:
            return {}
        if "column" in inner and set(inner) == {"column"}:
            piece = f"substr({cell}, {at}, {width})"
            numeric = _column(schema, inner["column"]).type is ColumnType.INTEGER
            found[inner["column"]] = f"CAST({piece} AS BIGINT)" if numeric else piece
        at += width
    return found


def _width(term: Term, schema: Schema) -> int:
    """Characters of a term; 0 where they vary."""
    if "pad" in term:
        return int(term["width"])
    if "constant" in term:
        return len(str(term["constant"]))
    if set(term) != {"column"}:
        return 0
    column = _column(schema, term["column"])
    if column.codes is not None:
        lengths = {len(code) for code in column.codes.index}
        return lengths.pop() if len(lengths) == 1 and _is_fixed(column.codes) else 0
    years = column.minimum is not None and column.minimum >= 10 ** (_YEAR - 1)
    return _YEAR if column.type is ColumnType.INTEGER and years else 0


def _is_fixed(codes: CodeList) -> bool:
    """Whether an open list allows no code that is longer or shorter than those it names."""
    return not codes.pattern or not any(
        re.fullmatch(codes.pattern, other)
        for code in list(codes.index)[:1]
        for other in (code[:-1], code + code[-1])
    )


def _column(schema: Schema, name: str) -> Column:
    table, _, column = name.partition(".")
    return schema.table(table).column(column)
