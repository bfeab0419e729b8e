"""Code lists out of ``codelists.json``: JSON Schema ``$defs`` with our annotations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from synthgen.errors import SchemaError
from synthgen.schema.documents import (
    Json,
    mapping_at,
    objects_at,
    one_line,
    text_at,
    texts_at,
)
from synthgen.schema.model import Code, CodeList


def _code(entry: dict[str, Json], key: str) -> Code:
    notes = mapping_at(entry, "x-synthgen")
    implies = mapping_at(notes, "implies")
    title = text_at(entry, "title", text_at(entry, key))
    return Code(
        code=text_at(entry, key),
        title=title,
        title_ko=text_at(notes, "title_ko", title),
        implies={column: texts_at(implies, column) for column in implies},
        family=text_at(notes, "family"),
        source=text_at(notes, "source"),
    )


def _code_list(name: str, definition: dict[str, Json], where: str) -> CodeList:
    notes = mapping_at(definition, "x-synthgen")
    pattern = ""
    entries = objects_at(definition, "oneOf")
    for part in objects_at(definition, "anyOf"):
        entries = entries or objects_at(part, "oneOf")
        pattern = pattern or text_at(part, "pattern")
    title = text_at(definition, "title", name)
    made = CodeList(
        name=name,
        title=title,
        title_ko=text_at(notes, "title_ko", title),
        source=text_at(notes, "source"),
        codes=tuple(_code(entry, "const") for entry in entries),
        families=tuple(_code(entry, "code") for entry in objects_at(notes, "families")),
        pattern=pattern,
    )
    families = {family.code for family in made.families}
    strays = [c for c in made.codes if c.family and c.family not in families]
    if strays:
        raise SchemaError(
            f"{where}: code {one_line(strays[0].code)} names family {one_line(strays[0].family)}, "
            f"which the list does not have ({len(strays)} such codes)"
        )
    both = sorted(families & set(made.index))
    if both:
        raise SchemaError(f"{where}: {one_line(both[0])} is a code and a family; it must be one")
    return made


def read_code_lists(path: Path, document: Mapping[str, Json]) -> dict[str, CodeList]:
    """Code lists by name, in the order of the file.

    Parameters
    ----------
    path : Path
        For error lines.
    document : mapping
        ``codelists.json``, already checked against the meta-schema.

    Raises
    ------
    SchemaError
        If a code stands twice, or a code names a family that its list does not have.
    """
    definitions = mapping_at(document, "$defs")
    made = {}
    for name in definitions:
        where = f"{path}: code list {one_line(name)}"
        try:
            made[name] = _code_list(name, mapping_at(definitions, name), where)
        except SchemaError as problem:
            text = str(problem)
            raise SchemaError(text if text.startswith(where) else f"{path}: {text}") from problem
    return made
