"""Tables out of ``<table>.schema.json``: one JSON Schema 2020-12 document each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from synthgen.errors import SchemaError
from synthgen.schema.documents import (
    Json,
    list_at,
    mapping_at,
    number_at,
    objects_at,
    one_line,
    text_at,
    texts_at,
)
from synthgen.schema.model import (
    CodeList,
    Column,
    ColumnType,
    EndPoint,
    ForeignKey,
    Sensitivity,
    Table,
)

_TYPES = {
    "string": ColumnType.STRING,
    "integer": ColumnType.INTEGER,
    "number": ColumnType.NUMBER,
}
_REFERENCE = "codelists.json#/$defs/"


def _pattern(text: str, where: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as problem:
        raise SchemaError(f"{where}: pattern is not a regular expression: {problem}") from problem
    return text


def _shape(
    document: dict[str, Json], where: str, code_lists: Mapping[str, CodeList]
) -> tuple[ColumnType, bool, CodeList | None]:
    """Type of a column, whether null is allowed, and its code list."""
    options = [document, *objects_at(document, "anyOf")]
    null = any(option.get("type") == "null" for option in options)
    kinds = document.get("type")
    if isinstance(kinds, list):
        null = null or "null" in kinds
        kinds = next((kind for kind in kinds if kind != "null"), None)
    for option in options:
        reference = option.get("$ref")
        if isinstance(reference, str):
            list_name = reference.removeprefix(_REFERENCE)
            if list_name not in code_lists:
                raise SchemaError(f"{where}: there is no code list {one_line(list_name)}")
            return ColumnType.CODE, null, code_lists[list_name]
    if text_at(document, "format") == "date":
        return ColumnType.DATE, null, None
    if not isinstance(kinds, str) or kinds not in _TYPES:
        raise SchemaError(
            f"{where}: has no type; it must be string, integer, number, a date, "
            f"or refer to a code list ({_REFERENCE}NAME)"
        )
    return _TYPES[kinds], null, None


def _column(
    name: str,
    document: dict[str, Json],
    where: str,
    code_lists: Mapping[str, CodeList],
    required: frozenset[str],
) -> Column:
    notes = mapping_at(document, "x-synthgen")
    kind, null, codes = _shape(document, where, code_lists)
    title = text_at(document, "title", name)
    maps = mapping_at(notes, "maps")
    minimum, maximum = number_at(document, "minimum"), number_at(document, "maximum")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise SchemaError(f"{where}: minimum {minimum:g} is above maximum {maximum:g}")
    return Column(
        name=name,
        type=kind,
        nullable=null or name not in required,
        title=title,
        title_ko=text_at(notes, "title_ko", title),
        description=text_at(document, "description"),
        description_ko=text_at(notes, "description_ko", text_at(document, "description")),
        codes=codes,
        pattern=_pattern(text_at(document, "pattern"), where),
        minimum=minimum,
        maximum=maximum,
        unit=text_at(notes, "unit"),
        code_system=text_at(notes, "code_system"),
        sensitivity=Sensitivity(text_at(notes, "sensitivity", "none")),
        maps={standard: text_at(maps, standard) for standard in maps},
        missing_codes=texts_at(notes, "missing_codes"),
        tier=text_at(notes, "tier", "R"),
        unit_ko=text_at(notes, "unit_ko", text_at(notes, "unit")),
    )


def _end_point(document: dict[str, Json]) -> EndPoint:
    title = text_at(document, "title", text_at(document, "name"))
    return EndPoint(
        name=text_at(document, "name"),
        title=title,
        title_ko=text_at(document, "title_ko", title),
        time=text_at(document, "time"),
        event=text_at(document, "event"),
        unit=text_at(document, "unit"),
        events=texts_at(document, "events"),
        competing=texts_at(document, "competing"),
    )


def _foreign_key(document: dict[str, Json]) -> ForeignKey:
    reference = mapping_at(document, "reference")
    return ForeignKey(
        columns=texts_at(document, "fields"),
        table=text_at(reference, "table"),
        references=texts_at(reference, "fields"),
    )


def read_table(
    path: Path, name: str, document: Mapping[str, Json], code_lists: Mapping[str, CodeList]
) -> Table:
    """One table.

    Parameters
    ----------
    path : Path
        For error lines.
    name : str
        Name of the table, as ``dataset.json`` lists it.
    document : mapping
        The table's JSON Schema, already checked against the meta-schema.
    code_lists : mapping of str to CodeList

    Raises
    ------
    SchemaError
        If a column has no type or an unknown code list, or ``required`` names no column.
    """
    notes = mapping_at(document, "x-synthgen")
    properties = mapping_at(document, "properties")
    required = frozenset(item for item in list_at(document, "required") if isinstance(item, str))
    strays = sorted(required - set(properties))
    if strays:
        raise SchemaError(
            f"{path}: required names {one_line(strays[0])}, which is no column "
            f"({len(strays)} such names)"
        )
    title = text_at(document, "title", name)
    return Table(
        name=name,
        title=title,
        title_ko=text_at(notes, "title_ko", title),
        row_unit=text_at(notes, "row_unit"),
        columns=tuple(
            _column(
                column,
                mapping_at(properties, column),
                f"{path}: column {one_line(column)}",
                code_lists,
                required,
            )
            for column in properties
        ),
        primary_key=texts_at(notes, "primary_key"),
        foreign_keys=tuple(_foreign_key(key) for key in objects_at(notes, "foreign_keys")),
        description=text_at(document, "description"),
        description_ko=text_at(notes, "description_ko", text_at(document, "description")),
        end_points=tuple(_end_point(item) for item in objects_at(notes, "end_points")),
        row_unit_ko=text_at(notes, "row_unit_ko", text_at(notes, "row_unit")),
    )
