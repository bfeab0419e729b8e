"""Mapping files: which column of a target comes from what, and which stay empty and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from synthgen.errors import SchemaError, UsageError
from synthgen.exports.terms import Term, TermWriter, reached_tables
from synthgen.resources import data_root
from synthgen.schema.documents import one_line, read_document
from synthgen.schema.model import Schema
from synthgen.schema.rules.sql import identifier, literal

#: Names of the columns that order the rows of a target and that it does not have.
PART, PLACE = identifier("synthgen part"), identifier("synthgen place")


@dataclass(frozen=True)
class TargetColumn:
    """A column of a target.

    Parameters
    ----------
    name, type : str
        As the standard has them; the type in SQL (``"VARCHAR(20)"``).
    required : bool
        Whether the standard lets it be empty.
    value : mapping or None
        What fills it in every part of the file that does not say otherwise.
    empty, empty_ko : str
        Why it stays empty; ``""`` where it does not.
    note, note_ko : str
        Where it differs from the standard.
    """

    name: str
    type: str
    required: bool
    value: Term | None
    empty: str
    empty_ko: str
    note: str
    note_ko: str


@dataclass(frozen=True)
class TargetPart:
    """Rows of a target that come from one table of the cohort.

    Parameters
    ----------
    rows : str
        Table of the cohort.
    where : tuple of (mapping, tuple of str)
        Terms with the values one of which they must have; ``("*",)``: any but null.
    values : mapping of str to mapping
        Terms by column of the target.
    distinct : bool
        Whether rows that are alike become one.
    """

    rows: str
    where: tuple[tuple[Term, tuple[str, ...]], ...]
    values: Mapping[str, Term]
    distinct: bool


@dataclass(frozen=True)
class TargetTable:
    """A table of a target.

    Parameters
    ----------
    name, title, title_ko : str
    columns : tuple of TargetColumn
    parts : tuple of TargetPart
    number : str
        Column that numbers the rows from 1, or ``""``.
    key : tuple of str
        Primary key; empty where the standard has none.
    references : tuple of (str, str)
        Columns that must be found as the key of another table of the target.
    """

    name: str
    title: str
    title_ko: str
    columns: tuple[TargetColumn, ...]
    parts: tuple[TargetPart, ...]
    number: str
    key: tuple[str, ...]
    references: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TargetMapping:
    """What a mapping file says.

    Parameters
    ----------
    id, title, title_ko, standard, licence : str
    schema : str
        Id of the schema that it maps.
    form : {"csv", "omop"}
    separator : str
    tables : tuple of TargetTable
    options : mapping of str to str
        Options with their defaults.
    differences : tuple of (str, str)
        Differences to the real standard, in English and Korean.
    """

    id: str
    title: str
    title_ko: str
    standard: str
    licence: str
    schema: str
    form: str
    separator: str
    tables: tuple[TargetTable, ...]
    options: Mapping[str, str]
    differences: tuple[tuple[str, str], ...]


@cache
def _format() -> dict[str, Any]:
    return dict(read_document(data_root() / "schemas/formats/export/1.schema.json"))


def load_mapping(path: Path) -> TargetMapping:
    """Read a mapping file.

    Raises
    ------
    SchemaError
        If it is not a mapping of format ``export/1``, or says a thing twice.
    """
    document: dict[str, Any] = dict(read_document(path))
    problem = jsonschema.Draft202012Validator(_format())
    for error in problem.iter_errors(document):
        place = "/".join(str(p) for p in error.absolute_path) or "the document"
        raise SchemaError(f"{path.name}: {place}: {one_line(error.message)}")
    tables = tuple(_table(path.name, entry) for entry in document["tables"])
    return TargetMapping(
        id=document["id"],
        title=document["title"],
        title_ko=document["title_ko"],
        standard=document["standard"],
        licence=document["licence"],
        schema=document["schema"],
        form=document["form"],
        separator=document.get("separator", ","),
        tables=tables,
        options=document.get("options", {}),
        differences=tuple((d["en"], d["ko"]) for d in document["differences"]),
    )


def _table(file: str, entry: Mapping[str, Any]) -> TargetTable:
    columns = tuple(
        TargetColumn(
            name=c["name"],
            type=c["type"],
            required=c.get("required", False),
            value=c.get("value"),
            empty=c.get("empty", ""),
            empty_ko=c.get("empty_ko", ""),
            note=c.get("note", ""),
            note_ko=c.get("note_ko", ""),
        )
        for c in entry["columns"]
    )
    names = [c.name for c in columns]
    if len(set(names)) < len(names):
        raise SchemaError(f"{file}: {entry['name']}: a column stands twice")
    parts = tuple(
        TargetPart(
            rows=p["rows"],
            where=tuple((w["term"], tuple(w["in"])) for w in p.get("where", ())),
            values=p.get("values", {}),
            distinct=p.get("distinct", False),
        )
        for p in entry["parts"]
    )
    for part in parts:
        unknown = sorted(set(part.values) - set(names))
        if unknown:
            raise SchemaError(f"{file}: {entry['name']} has no column {one_line(unknown[0])}")
    for column in columns:
        filled = column.value is not None or any(column.name in p.values for p in parts)
        if filled == bool(column.empty) and column.name != entry.get("number"):
            raise SchemaError(
                f"{file}: {entry['name']}.{column.name}: must have a value, or a reason why it is "
                "empty"
            )
    return TargetTable(
        name=entry["name"],
        title=entry["title"],
        title_ko=entry["title_ko"],
        columns=columns,
        parts=parts,
        number=entry.get("number", ""),
        key=tuple(entry.get("key", ())),
        references=tuple((r["column"], r["table"]) for r in entry.get("references", ())),
    )


def options_of(mapping: TargetMapping, given: Mapping[str, str]) -> dict[str, str]:
    """Options with defaults, overridden by the given ones.

    Raises
    ------
    UsageError
        If the target has no such option.
    """
    unknown = sorted(set(given) - set(mapping.options))
    if unknown:
        known = ", ".join(mapping.options) or "none"
        raise UsageError(f"{mapping.id}: has no option {unknown[0]}; it has: {known}")
    return {**mapping.options, **given}


def select(
    mapping: TargetMapping, table: TargetTable, schema: Schema, options: Mapping[str, str]
) -> str:
    """SQL query whose rows are those of a table of the target, in order.

    Raises
    ------
    SchemaError
        If the mapping names what the schema does not have.
    """
    parts = []
    for at, part in enumerate(table.parts):
        where = f"{mapping.id}: {table.name}"
        writer = TermWriter(schema, part.rows, options, where)
        cells = []
        for column in table.columns:
            if column.name == table.number:
                continue
            term = part.values.get(column.name, column.value)
            value = "NULL" if term is None else writer.write(term)
            cells.append(f"CAST({value} AS {column.type}) AS {identifier(column.name)}")
        place = writer.write({"key": part.rows})
        order = f"{at} AS {PART}, {f'min({place})' if part.distinct else place} AS {PLACE}"
        joins = " ".join(j for j in reached_tables(schema, part.rows).values() if j)
        conditions = [_condition(writer.write(t), allowed) for t, allowed in part.where]
        only = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        alike = " GROUP BY ALL" if part.distinct else ""
        source = f"FROM {identifier(part.rows)} {joins}{only}{alike}"
        parts.append(f"SELECT {', '.join(cells)}, {order} {source}")
    names = ", ".join(
        f"CAST(row_number() OVER (ORDER BY {PLACE}, {PART}) AS {c.type}) AS {identifier(c.name)}"
        if c.name == table.number
        else identifier(c.name)
        for c in table.columns
    )
    return f"SELECT {names} FROM ({' UNION ALL '.join(parts)}) ORDER BY {PLACE}, {PART}"  # noqa: S608


def _condition(value: str, allowed: tuple[str, ...]) -> str:
    if allowed == ("*",):
        return f"{value} IS NOT NULL"
    return f"CAST({value} AS VARCHAR) IN ({', '.join(literal(a) for a in allowed)})"
