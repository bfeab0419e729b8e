"""From a target back to the cohort: what a target holds, and what is lost in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from synthgen.exports.mapping import TargetColumn, TargetMapping, TargetPart, TargetTable
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


def left_empty(
    mapping: TargetMapping, schema: Schema, unfilled: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Columns of a target that are empty because a cohort leaves their sources empty.

    Parameters
    ----------
    mapping : TargetMapping
    schema : Schema
        Of the cohort.
    unfilled : collection of str
        Columns of the cohort without any value (``"tumour.stage_group"``), and codes that
        stand nowhere in a column (``"measurement.code=39156-5"``).

    Returns
    -------
    dict of str to tuple of str
        By ``table.column`` of the target, the columns of the cohort that it waits for.
        Columns that are empty in any cohort are not among them.
    """
    found: dict[str, tuple[str, ...]] = {}
    for table in mapping.tables:
        parts = [p for p in table.parts if p.speaks(schema.version)]
        waiting = {id(p): _waits(p, unfilled) for p in parts}
        for column in table.columns:
            terms = [(p, _term(table, column, p)) for p in parts]
            needs = [
                waiting[id(p)] or (_sources(term) if _sources(term) <= set(unfilled) else set())
                for p, term in terms
                if term is not None and not _always(term)
            ]
            certain = any(t is not None and _always(t) and not waiting[id(p)] for p, t in terms)
            if needs and all(needs) and not certain:
                found[f"{table.name}.{column.name}"] = tuple(sorted(set().union(*needs)))
    return found


def _term(table: TargetTable, column: TargetColumn, part: TargetPart) -> Term | None:
    """What fills a column in a part; of a name, what fills its code."""
    term = part.values.get(column.name, column.value)
    if term is None and column.name_of:
        code = next(c for c in table.columns if c.name == column.name_of)
        return part.values.get(code.name, code.value)
    return term


def _waits(part: TargetPart, unfilled: Collection[str]) -> set[str]:
    """Why a part has no rows: columns and codes that it asks for and that are nowhere."""
    found = set()
    for term, allowed in part.where:
        sources = _sources(term)
        if sources and sources <= set(unfilled) and "count" not in term:
            found |= sources
        codes = {f"{term.get('column', '')}={code}" for code in allowed}
        if codes <= set(unfilled):
            found |= codes
    return found


def _sources(term: object) -> set[str]:
    """Columns of the cohort that a term names, other than to find a row of the target."""
    if isinstance(term, Mapping):
        if "look_up" in term:
            return set()
        own = {term[k] for k in ("column", "date", "part", "dotted") if k in term}
        return own.union(*(_sources(v) for k, v in term.items() if k not in ("codes", "on")))
    if isinstance(term, list):
        return set().union(*(_sources(entry) for entry in term))
    return set()


def _always(term: Term) -> bool:
    """Whether a term has a value whatever the cohort holds."""
    return not _sources(term) or "missing" in term or "key" in term
