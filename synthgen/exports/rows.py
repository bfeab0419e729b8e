"""The rows of a table of a target, as one SQL query over the tables of a cohort."""

from __future__ import annotations

from collections.abc import Mapping

from synthgen.exports.mapping import TargetColumn, TargetMapping, TargetPart, TargetTable
from synthgen.exports.terms import Term, TermWriter, coded, reached_tables
from synthgen.schema.model import Schema
from synthgen.schema.rules.sql import identifier, literal

#: Names of the columns that order the rows of a target and that it does not have.
PART, PLACE = identifier("synthgen part"), identifier("synthgen place")

AVAILABILITY = "availability"
"""Option that says whether columns are empty where hospitals cannot supply them."""


def select(
    mapping: TargetMapping, table: TargetTable, schema: Schema, options: Mapping[str, str]
) -> str:
    """SQL query whose rows are those of a table of the target, in order.

    Parameters
    ----------
    mapping : TargetMapping
    table : TargetTable
    schema : Schema
        Of the cohort; parts that are about other versions of it give no rows.
    options : mapping of str to str

    Raises
    ------
    SchemaError
        If the mapping names what the schema does not have.
    """
    parts = [
        _part(mapping, table, at, part, schema, options)
        for at, part in enumerate(table.parts)
        if part.speaks(schema.version)
    ]
    if not parts:
        cells = ", ".join(f"CAST(NULL AS {c.type}) AS {identifier(c.name)}" for c in table.columns)
        return f"SELECT {cells} WHERE false"
    rows = f"({' UNION ALL '.join(parts)})"
    if table.merged_by:
        rows = f"({_merged(table, rows)})"
    names = ", ".join(_counted(table, column) for column in table.columns)
    return f"SELECT {names} FROM {rows} ORDER BY {_order(table)}"  # noqa: S608 - quoted


def _part(
    mapping: TargetMapping,
    table: TargetTable,
    at: int,
    part: TargetPart,
    schema: Schema,
    options: Mapping[str, str],
) -> str:
    writer = TermWriter(schema, part.rows, options, f"{mapping.id}: {table.name}")
    terms = {c.name: part.values.get(c.name, c.value) for c in table.columns}
    cells = []
    conditions = [_condition(writer.write(t), allowed) for t, allowed in part.where]
    for column in table.columns:
        if column.name == table.number:
            continue
        value = _cell(mapping, table, column, terms, writer)
        if column.available and options.get(AVAILABILITY) == "published":
            able, hospitals = column.available
            supplied = f"({writer.write({'key': 'patient'})} - 1) % {hospitals} < {able}"
            if column.required:  # no row without it
                conditions.append(supplied)
            elif value != "NULL":
                value = f"CASE WHEN {supplied} THEN {value} END"
        cells.append(f"CAST({value} AS {column.type}) AS {identifier(column.name)}")
    place = writer.write({"key": part.rows})
    order = f"{at} AS {PART}, {f'min({place})' if part.distinct else place} AS {PLACE}"
    joins = " ".join(j for j in reached_tables(schema, part.rows).values() if j)
    only = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    alike = " GROUP BY ALL" if part.distinct else ""
    source = f"FROM {identifier(part.rows)} {joins}{only}{alike}"
    return f"SELECT {', '.join(cells)}, {order} {source}"


def _cell(
    mapping: TargetMapping,
    table: TargetTable,
    column: TargetColumn,
    terms: Mapping[str, Term | None],
    writer: TermWriter,
) -> str:
    term = terms[column.name]
    if term is None and column.name_of:
        code = terms[column.name_of]
        if code is not None:
            codes = next(c.codes for c in table.columns if c.name == column.name_of)
            return coded(writer.write(code), mapping.code_lists[codes].names, None)
    return "NULL" if term is None else writer.write(term)


def _order(table: TargetTable) -> str:
    """What orders the rows; merged ones may share a place, and have their own columns then."""
    return ", ".join([PLACE, PART, *(identifier(name) for name in table.merged_by)])


def _counted(table: TargetTable, column: TargetColumn) -> str:
    """A column of the target, or what numbers its rows."""
    name = identifier(column.name)
    if column.name == table.number:
        return f"CAST(row_number() OVER (ORDER BY {_order(table)}) AS {column.type}) AS {name}"
    for counter, within in table.sequence:
        if column.name == counter:
            among = ", ".join(identifier(w) for w in within)
            over = f"PARTITION BY {among} ORDER BY {_order(table)}"
            return f"CAST(row_number() OVER ({over}) AS {column.type}) AS {name}"
    return name


def _merged(table: TargetTable, rows: str) -> str:
    """Rows that agree in some columns as one row, with the greatest or least of other cells."""
    cells = [
        identifier(c.name)
        if c.name in table.merged_by
        else f"{'min' if c.name in table.least else 'max'}({identifier(c.name)}) AS {identifier(c.name)}"
        for c in table.columns
        if c.name != table.number
    ]
    order = f"min({PART}) AS {PART}, min({PLACE}) AS {PLACE}"
    among = ", ".join(identifier(name) for name in table.merged_by)
    return f"SELECT {', '.join(cells)}, {order} FROM {rows} GROUP BY {among}"  # noqa: S608 - quoted


def _condition(value: str, allowed: tuple[str, ...]) -> str:
    if allowed == ("*",):
        return f"{value} IS NOT NULL"
    return f"CAST({value} AS VARCHAR) IN ({', '.join(literal(a) for a in allowed)})"
