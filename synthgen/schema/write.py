"""Writing a schema as the files of a schema folder, so that a pack or a model can carry its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthgen.schema.documents import Json
from synthgen.schema.model import (
    Code,
    CodeList,
    Column,
    ColumnType,
    EndPoint,
    Rule,
    Schema,
    Sensitivity,
    Table,
    Variable,
)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {
    ColumnType.STRING: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.NUMBER: "number",
    ColumnType.DATE: "string",
}


def write_schema(schema: Schema, folder: Path) -> None:
    """Write ``dataset.json``, one file for each table, code lists, variables and rules.

    Parameters
    ----------
    schema : Schema
    folder : Path
        Made if it is not there; loading it gives an equal schema.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in schema_documents(schema).items():
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / name).write_bytes((text + "\n").encode("utf-8"))


def schema_documents(schema: Schema) -> dict[str, dict[str, Json]]:
    """Content of each file of a schema folder, by its name."""
    documents: dict[str, dict[str, Json]] = {
        "dataset.json": _short(
            {
                "format": "schema/1",
                "id": schema.id,
                "version": schema.version,
                "title": schema.title,
                "title_ko": schema.title_ko,
                "description": schema.description,
                "description_ko": schema.description_ko,
                "licence": schema.licence,
                "tables": [table.name for table in schema.tables],
            }
        )
    }
    for table in schema.tables:
        documents[f"{table.name}.schema.json"] = _table(table)
    if schema.code_lists:
        lists: dict[str, Json] = {n: _code_list(c) for n, c in schema.code_lists.items()}
        documents["codelists.json"] = {"$schema": _DIALECT, "$defs": lists}
    if schema.variables:
        documents["variables.json"] = {
            "format": "variables/1",
            "variables": [_variable(variable) for variable in schema.variables],
        }
    if schema.rules or schema.groupings:
        documents["rules.json"] = _rules(schema)
    return documents


def _short(stated: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in stated.items() if value not in ("", None, {}, [])}


def _lists(members: Mapping[str, Sequence[str]]) -> dict[str, Json]:
    return {name: list(codes) for name, codes in members.items()}


def _table(table: Table) -> dict[str, Json]:
    notes = _short(
        {
            "title_ko": table.title_ko,
            "description_ko": table.description_ko,
            "row_unit": table.row_unit,
            "row_unit_ko": table.row_unit_ko,
            "primary_key": list(table.primary_key),
            "foreign_keys": [
                {
                    "fields": list(key.columns),
                    "reference": {"table": key.table, "fields": list(key.references)},
                }
                for key in table.foreign_keys
            ],
            "end_points": [_end_point(point) for point in table.end_points],
        }
    )
    columns: dict[str, Json] = {column.name: _column(column) for column in table.columns}
    return {
        "$schema": _DIALECT,
        "title": table.title,
        **_short({"description": table.description}),
        "type": "object",
        "x-synthgen": notes,
        "required": [column.name for column in table.columns if not column.nullable],
        "additionalProperties": False,
        "properties": columns,
    }


def _end_point(point: EndPoint) -> dict[str, Json]:
    return _short(
        {
            "name": point.name,
            "title": point.title,
            "title_ko": point.title_ko,
            "time": point.time,
            "event": point.event,
            "unit": point.unit,
            "events": list(point.events),
            "competing": list(point.competing),
        }
    )


def _column(column: Column) -> dict[str, Json]:
    notes = _short(
        {
            "title_ko": column.title_ko,
            "description_ko": column.description_ko,
            "unit": column.unit,
            "unit_ko": column.unit_ko,
            "code_system": column.code_system,
            "sensitivity": ""
            if column.sensitivity is Sensitivity.NONE
            else column.sensitivity.value,
            "maps": dict(column.maps),
            "missing_codes": list(column.missing_codes),
            "tier": "" if column.tier == "R" else column.tier,
        }
    )
    return {**_short({"title": column.title, **_shape(column)}), "x-synthgen": notes}


def _shape(column: Column) -> dict[str, Json]:
    stated: dict[str, Json] = {"description": column.description}
    if column.codes is not None:
        reference = f"codelists.json#/$defs/{column.codes.name}"
        if column.nullable:
            return {**stated, "anyOf": [{"$ref": reference}, {"type": "null"}]}
        return {**stated, "$ref": reference}
    kind = _TYPES[column.type]
    return {
        **stated,
        "type": [kind, "null"] if column.nullable else kind,
        "format": "date" if column.type is ColumnType.DATE else "",
        "pattern": column.pattern,
        "minimum": column.minimum,
        "maximum": column.maximum,
    }


def _entry(code: Code, key: str) -> dict[str, Json]:
    notes = _short(
        {
            "title_ko": code.title_ko,
            "family": code.family,
            "source": code.source,
            "implies": _lists(code.implies),
        }
    )
    return {key: code.code, "title": code.title, "x-synthgen": notes}


def _code_list(codes: CodeList) -> dict[str, Json]:
    entries: list[Json] = [_entry(code, "const") for code in codes.codes]
    notes = _short(
        {
            "title_ko": codes.title_ko,
            "source": codes.source,
            "families": [_entry(family, "code") for family in codes.families],
        }
    )
    listed: dict[str, Json] = {"oneOf": entries}
    if codes.pattern:
        listed = {"anyOf": [listed, {"pattern": codes.pattern}]}
    return {"title": codes.title, "type": "string", **listed, "x-synthgen": notes}


def _edge(edge: float | None) -> Json:
    if edge is None or math.isinf(edge):
        return None
    return int(edge) if edge == int(edge) and abs(edge) < 2**53 else edge


def _variable(variable: Variable) -> dict[str, Json]:
    plain = [c for c in variable.categories if not c.means]
    stated: dict[str, Json] = {
        "name": variable.name,
        "title": variable.title,
        "title_ko": variable.title_ko,
        "column": variable.column,
        "joins": list(variable.joins),
        "unit": variable.unit,
        "unit_ko": variable.unit_ko,
        "since": variable.since,
        "not_above": variable.not_above,
        "bins_from": "" if variable.bins_from == "schema" else variable.bins_from,
        "special": [c.means for c in variable.categories if c.means],
    }
    if variable.joins:
        stated["codes"] = [c.code for c in plain]
    elif variable.is_binned and not variable.implies:
        stated["bins"] = {
            "edges": [*(_edge(c.lower) for c in plain), _edge(plain[-1].upper)],
            "labels": [c.code for c in plain],
            "titles": [c.title for c in plain],
            "titles_ko": [c.title_ko for c in plain],
        }
    else:
        stated["categories"] = [
            _short(
                {
                    "code": c.code,
                    "title": c.title,
                    "title_ko": c.title_ko,
                    "implies": _lists(variable.implies.get(c.code, {})),
                }
            )
            | ({} if c.lower is None else {"lower": _edge(c.lower), "upper": _edge(c.upper)})
            for c in plain
        ]
    return _short(stated)


def _rule(rule: Rule) -> dict[str, Json]:
    return {
        "id": rule.id,
        "severity": rule.severity.value,
        "when": rule.when,
        "message": rule.message,
        "message_ko": rule.message_ko,
        "source": rule.source,
        "passes": [dict(row) for row in rule.passes],
        "caught": [dict(row) for row in rule.caught],
    }


def _rules(schema: Schema) -> dict[str, Json]:
    groupings: dict[str, Json] = {
        name: {**_short({"source": grouping.source}), "groups": _lists(grouping.groups)}
        for name, grouping in schema.groupings.items()
    }
    return {
        "format": "rules/1",
        **_short({"groupings": groupings}),
        "rules": [_rule(rule) for rule in schema.rules],
    }
