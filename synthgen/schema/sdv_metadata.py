"""A schema as SDV 2 metadata (format ``V1``), so that its tables can be given to SDV.

SDV links tables by one column each.  A primary key of several columns is left out with the
relationships that refer to it; export profiles that need such keys build them on export.
"""

from __future__ import annotations

from typing import Any

from synthgen.schema.model import Column, ColumnType, Schema, Sensitivity, Table

VERSION = "V1"


def _plain(pattern: str) -> str:
    return pattern.removeprefix("^").removesuffix("$")


def _id(column: Column) -> dict[str, Any]:
    pattern = _plain(column.pattern)
    return {"sdtype": "id", **({"regex_format": pattern} if pattern else {})}


def _column(column: Column) -> dict[str, Any]:
    match column.type:
        case ColumnType.DATE:
            return {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"}
        case ColumnType.INTEGER | ColumnType.NUMBER:
            return {"sdtype": "numerical"}
        case ColumnType.STRING if column.sensitivity is Sensitivity.IDENTIFIER:
            return _id(column)
        case _:
            return {"sdtype": "categorical"}


def _links(schema: Schema, table: Table) -> list[dict[str, str]]:
    return [
        {
            "parent_table_name": key.table,
            "parent_primary_key": key.references[0],
            "child_table_name": table.name,
            "child_foreign_key": key.columns[0],
        }
        for key in table.foreign_keys
        if len(key.columns) == 1 and len(schema.table(key.table).primary_key) == 1
    ]


def _table(schema: Schema, table: Table) -> dict[str, Any]:
    columns = {column.name: _column(column) for column in table.columns}
    linked = [link["child_foreign_key"] for link in _links(schema, table)]
    for name in [*linked, *(table.primary_key if len(table.primary_key) == 1 else ())]:
        columns[name] = _id(table.column(name))
    made: dict[str, Any] = {"columns": columns}
    if len(table.primary_key) == 1:
        made["primary_key"] = table.primary_key[0]
    return made


def to_sdv_metadata(schema: Schema) -> dict[str, Any]:
    """Metadata for ``sdv.metadata.Metadata.load_from_dict``.

    Codes are categorical: tables must be read with codes as text (``dtype=str``).
    """
    return {
        "METADATA_SPEC_VERSION": VERSION,
        "tables": {table.name: _table(schema, table) for table in schema.tables},
        "relationships": [link for table in schema.tables for link in _links(schema, table)],
    }
