"""What an engine learns of records whose model stays in the enclave, beyond what is tabulated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from synthgen.cohort.rule_orders import numberings
from synthgen.enclave.coding import cell, position_sql
from synthgen.enclave.design import RESERVED
from synthgen.enclave.records import Records
from synthgen.enclave.tied import Tied, tied_of
from synthgen.enclave.units import Counted, Design, Unit
from synthgen.schema.model import Category, Column, ColumnType, Sensitivity, Table, Variable
from synthgen.schema.read_variables import SPECIAL
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation.database import count_where, row_of, rows_of

CODE = re.compile(r"[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?")
LONGEST_CODE = 200
"""What the format of schemas takes for a code (``schemas/formats/schema/1.schema.json``)."""

MOST_TEXTS = 500
"""Different texts of a form at most that are taken for codes; as for the SDV engines."""


def learned_design(records: Records, design: Design) -> tuple[Design, dict[str, Tied]]:
    """The design as an engine learns it whose model stays in the enclave.

    Formal texts with few values (ICD-10, units) are codes.  Every table whose codes are tied gets a
    variable of their combinations.  A number that rules of the schema give to rows, and that the rows of
    all records have in the order of the rules, is left out: whoever makes rows numbers them.

    Parameters
    ----------
    records : Records
    design : Design

    Returns
    -------
    Design
        The same where no code map ties more than a table can hold.
    dict of str to Tied
        By name of the table.
    """
    numbered = _numbered(records)
    names = {v.name for v in records.schema.variables}
    units: list[Unit] = []
    found: dict[str, Tied] = {}
    above: dict[str, Unit] = {}
    for given in design.units:
        counted = [c for c in given.counted if c.variable.column not in numbered]
        names |= {c.name for c in counted}
        texts = _texts(records, given, names)
        names |= {c.name for c in texts}
        unit = replace(given, counted=(*counted, *texts))
        context = [c for parent in unit.parents for c in above[parent].counted]
        above[unit.table.name] = unit
        made = tied_of(records, unit, context)
        if made is not None:
            combination, found[unit.table.name] = made
            unit = replace(unit, counted=(combination, *unit.counted))
        units.append(unit)
    told = {f"{c.variable.column} (text)" for unit in units for c in unit.counted}
    left_out = [reason for reason in design.left_out if reason not in told]
    left_out += [f"{column} (the order of rows)" for column in numbered]
    return Design(tuple(units), tuple(left_out)), found


def _numbered(records: Records) -> list[str]:
    """Columns that number the rows of one parent in order, from the least number on, in all records."""
    found = []
    there = {table.name: table for table in records.tables}
    for rule in numberings(records.schema):
        table = there.get(rule.table)
        keys = {key.columns for key in table.foreign_keys} if table else set()
        if table is None or rule.by not in keys or not rule.day:
            continue
        relation = records.relations[table.name]
        present = {str(row[0]) for row in rows_of(records.db, f"DESCRIBE {relation}")}
        if not {rule.column, rule.day, *rule.by} <= present:
            continue
        least = table.column(rule.column).minimum
        number, day = identifier(rule.column), identifier(rule.day)
        place = (
            f"row_number() OVER (PARTITION BY {', '.join(map(identifier, rule.by))} "
            f"ORDER BY {day}, {number}) - 1 + {1 if least is None else int(least)}"
        )
        (many,) = row_of(
            records.db,
            f"SELECT {count_where('apart')} FROM "  # noqa: S608
            f"(SELECT {number} IS DISTINCT FROM {place} AS apart FROM {relation})",
        )
        if not many:
            found.append(f"{rule.table}.{rule.column}")
    return found


def _texts(records: Records, unit: Unit, names: set[str]) -> list[Counted]:
    """Columns of texts that are codes without a list: formal, few values, and none of one's own."""
    table = unit.table
    known = {c.variable.column for c in unit.counted}
    keys = {*table.primary_key, *(c for key in table.foreign_keys for c in key.columns)}
    described = rows_of(records.db, f"DESCRIBE {records.relations[table.name]}")
    present = {str(row[0]) for row in described}
    found = []
    for column in table.columns:
        qualified = f"{table.name}.{column.name}"
        named = column.name in keys or column.sensitivity is Sensitivity.IDENTIFIER
        if column.type is not ColumnType.STRING or named or not is_formal(column):
            continue
        if qualified in known or column.name not in present:
            continue
        values = rows_of(
            records.db,
            f"SELECT DISTINCT {cell(qualified)} AS v FROM {unit.source} "  # noqa: S608
            f"WHERE v IS NOT NULL ORDER BY v LIMIT {MOST_TEXTS + 1}",
        )
        texts = [str(row[0]) for row in values]
        codes = all(len(t) <= LONGEST_CODE and CODE.fullmatch(t) for t in texts)
        if codes and 0 < len(texts) <= min(MOST_TEXTS, records.rows[table.name] // 2):
            found.append(_counted(table, column, texts, names))
    return found


def is_formal(column: Column) -> bool:
    """Whether a text is no free text: it has a form, or its schema says that it gives nothing away.

    An ICD-10 code has a form; a unit of measurement is not sensitive.
    """
    return bool(column.pattern) or column.sensitivity is Sensitivity.NONE


def _counted(table: Table, column: Column, texts: Sequence[str], names: set[str]) -> Counted:
    bare = re.sub(r"[^a-z0-9_]+", "_", column.name.lower()).strip("_") or "text"
    bare = bare[:50] if bare[0].isalpha() else f"v_{bare}"[:50]
    name = bare if bare not in names | RESERVED else f"{table.name.lower()}_{bare}"[:60]
    categories = [Category(text, text, text) for text in texts]
    if column.nullable:
        categories.append(Category("missing", *SPECIAL["missing"], means="missing"))
    variable = Variable(
        name,
        column.title,
        column.title_ko,
        tuple(categories),
        f"{table.name}.{column.name}",
        bins_from="records",
    )
    return Counted(variable, position_sql(variable, column))
