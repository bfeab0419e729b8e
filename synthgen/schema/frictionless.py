"""A schema as a Frictionless Data Package, to lie beside the tables it describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from synthgen.schema.model import Column, ColumnType, Schema, Table

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"

_TYPES = {
    ColumnType.STRING: "string",
    ColumnType.CODE: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.NUMBER: "number",
    ColumnType.DATE: "date",
}
_RESOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def resource_names(schema: Schema) -> dict[str, str]:
    """Name of the resource of each table: its own if Frictionless takes it, else a number.

    Examples
    --------
    >>> from synthgen.schema.load import load_schema
    >>> resource_names(load_schema("rare-cancer"))
    {'patient': 'patient', 'tumour': 'tumour'}
    """
    return {
        table.name: table.name if _RESOURCE_NAME.fullmatch(table.name) else f"table-{number}"
        for number, table in enumerate(schema.tables, start=1)
    }


def _bound(value: float, column: Column) -> int | float:
    return int(value) if column.type is ColumnType.INTEGER else value


def _constraints(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {"required": not column.nullable}
    pattern = column.pattern
    if column.codes is not None:
        if column.codes.pattern:
            pattern = column.codes.pattern
        else:
            made["enum"] = list(column.codes.index)
    if pattern:
        made["pattern"] = pattern
    if column.minimum is not None:
        made["minimum"] = _bound(column.minimum, column)
    if column.maximum is not None:
        made["maximum"] = _bound(column.maximum, column)
    return made


def _field(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES[column.type],
        "title": column.title,
        "description": column.description,
        "constraints": _constraints(column),
    }
    if column.type is ColumnType.DATE:
        made["format"] = "%Y-%m-%d"
    notes = {
        "title_ko": column.title_ko,
        "description_ko": column.description_ko,
        "code_list": column.codes.name if column.codes else "",
        "unit": column.unit,
        "sensitivity": column.sensitivity.value,
    }
    made["x-synthgen"] = {key: value for key, value in notes.items() if value}
    return made


def table_schema(schema: Schema, table: Table) -> dict[str, Any]:
    """Frictionless Table Schema of one table."""
    names = resource_names(schema)
    made: dict[str, Any] = {
        "fields": [_field(column) for column in table.columns],
        "missingValues": [""],
    }
    if table.primary_key:
        made["primaryKey"] = list(table.primary_key)
    if table.foreign_keys:
        made["foreignKeys"] = [
            {
                "fields": list(key.columns),
                "reference": {"resource": names[key.table], "fields": list(key.references)},
            }
            for key in table.foreign_keys
        ]
    return made


def resource(schema: Schema, table: Table, path: str) -> dict[str, Any]:
    """Frictionless resource of one CSV file.

    Parameters
    ----------
    schema : Schema
    table : Table
    path : str
        Of the CSV file, relative to the descriptor.
    """
    return {
        "name": resource_names(schema)[table.name],
        "type": "table",
        "path": path,
        "title": table.title,
        "description": table.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": table_schema(schema, table),
    }


def to_datapackage(
    schema: Schema,
    paths: Mapping[str, str] | None = None,
    *,
    name: str = "",
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Descriptor (``datapackage.json``) of a cohort in CSV files.

    Parameters
    ----------
    schema : Schema
    paths : mapping of str to str, optional
        Table to the path of its CSV file, relative to the descriptor; ``<table>.csv``
        for every table without it.  Tables that are left out are not described.
    name : str
        Name of the package; the id of the schema without it.
    more : mapping, optional
        Further keys of the descriptor (licences, sources, our own under ``x-synthgen``).
    """
    held = {table.name: f"{table.name}.csv" for table in schema.tables} if paths is None else paths
    return {
        "$schema": PROFILE,
        "name": name or schema.id,
        "title": schema.title,
        "description": schema.description,
        **(more or {}),
        "resources": [
            resource(schema, table, held[table.name])
            for table in schema.tables
            if table.name in held
        ],
    }
