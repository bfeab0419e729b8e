"""Loading a schema: by id from the shipped ones, or from a folder of anybody's."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from synthgen.errors import SchemaError
from synthgen.resources import shipped
from synthgen.schema.consistency import check_schema
from synthgen.schema.documents import Json, one_line, read_document, text_at, texts_at
from synthgen.schema.metaschema import check_document
from synthgen.schema.model import Schema, Table
from synthgen.schema.published import changed_files
from synthgen.schema.read_codes import read_code_lists
from synthgen.schema.read_rules import read_groupings, read_rules
from synthgen.schema.read_tables import read_table
from synthgen.schema.read_variables import read_variables

DATASET, LISTS, RULES, VARIABLES = "dataset.json", "codelists.json", "rules.json", "variables.json"
#: Version that a bare id means where it is not the newest: ``rare-cancer`` is the registry
#: core, and whoever wants ten clinical tables as well asks for ``rare-cancer@1.1.0``.
MEANT = {"rare-cancer": "1.0.0"}
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
_NAME = re.compile(r"[^\W\d]\w{0,62}")


def _version_key(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.name.split("."))


def versions(folder: Path) -> list[Path]:
    """Version folders of a schema, the newest last."""
    found = [p for p in folder.iterdir() if p.is_dir() and _VERSION.fullmatch(p.name)]
    return sorted(found, key=_version_key)


def shipped_schemas() -> dict[str, list[Path]]:
    """Version folders of every shipped schema, by id, the newest last."""
    return {name: found for name, path in shipped("schemas").items() if (found := versions(path))}


def _shipped_folder(name: str, version: str, known: Mapping[str, list[Path]]) -> Path:
    found = known[name]
    version = version or MEANT.get(name, "")
    if not version:
        return found[-1]
    for path in found:
        if path.name == version:
            return path
    raise SchemaError(
        f"schema {name}: has no version {one_line(version)}; "
        f"it has {', '.join(path.name for path in found)}"
    )


def schema_folder(id_or_path: str | os.PathLike[str], version: str | None = None) -> Path:
    """Folder that holds a schema's ``dataset.json``.

    Parameters
    ----------
    id_or_path : str or path
        ``"rare-cancer"``, ``"rare-cancer@1.0.0"``, or a folder.
    version : str, optional
        Version of a shipped schema; without it, the one that :data:`MEANT` names, else the
        newest.

    Raises
    ------
    SchemaError
        If there is neither such a schema nor such a folder; the nearest ids are offered.
    """
    known = shipped_schemas()
    if isinstance(id_or_path, str):
        name, _, tail = id_or_path.partition("@")
        if name in known:
            return _shipped_folder(name, version or tail, known)
    path = Path(id_or_path)
    if "\0" not in os.fspath(path) and path.is_dir():
        if (path / DATASET).is_file():
            return path
        raise SchemaError(f"{path}: has no {DATASET}; a schema folder needs one")
    near = difflib.get_close_matches(str(id_or_path).partition("@")[0], list(known), n=3)
    raise SchemaError(
        f"{one_line(id_or_path)}: is neither a schema of synthgen nor a folder with a {DATASET}; "
        f"{'did you mean ' if near else 'there are '}{', '.join(near or known)}"
    )


def _table_names(path: Path, dataset: Mapping[str, Json]) -> tuple[str, ...]:
    names = texts_at(dataset, "tables")
    for name in names:
        if not _NAME.fullmatch(name):
            raise SchemaError(
                f"{path}: table {one_line(name)}: is not a name; "
                "it must be letters, digits and underscores (63 at most)"
            )
    if len(set(names)) < len(names):
        raise SchemaError(f"{path}: a table stands twice; names must be unique")
    return names


@dataclass(frozen=True)
class _Reader:
    """The files of one schema folder."""

    folder: Path
    published: bool

    def __call__(self, name: str, kind: str, *, needed: bool = True) -> dict[str, Json]:
        """One file, checked against the meta-schema; empty if it need not be there.

        A shipped file that is as published was checked before it was published.
        """
        path = self.folder / name
        if not needed and not path.exists():
            return {}
        document = read_document(path)
        if not self.published:
            check_document(kind, path, document)
        return document


@cache
def _shipped_schema(folder: Path) -> Schema:
    return _load(folder, published=not changed_files(folder))


def _load(folder: Path, *, published: bool) -> Schema:
    read = _Reader(folder, published)
    dataset = read(DATASET, "dataset")
    names = _table_names(folder / DATASET, dataset)
    code_lists = read_code_lists(folder / LISTS, read(LISTS, "codelists", needed=False))
    tables: dict[str, Table] = {}
    for name in names:
        file = f"{name}.schema.json"
        tables[name] = read_table(folder / file, name, read(file, "table"), code_lists)
    rules = read(RULES, "rules", needed=False)
    variables = read(VARIABLES, "variables", needed=False)
    title = text_at(dataset, "title", text_at(dataset, "id"))
    schema = Schema(
        id=text_at(dataset, "id"),
        version=text_at(dataset, "version"),
        title=title,
        title_ko=text_at(dataset, "title_ko", title),
        tables=tuple(tables.values()),
        code_lists=code_lists,
        rules=read_rules(folder / RULES, rules),
        variables=read_variables(folder / VARIABLES, variables, tables),
        description=text_at(dataset, "description"),
        description_ko=text_at(dataset, "description_ko", text_at(dataset, "description")),
        licence=text_at(dataset, "licence"),
        groupings=read_groupings(rules),
    )
    try:
        return check_schema(schema)
    except SchemaError as problem:
        raise SchemaError(f"{folder}: {problem}") from problem


def load_schema(id_or_path: str | os.PathLike[str], version: str | None = None) -> Schema:
    """Schema by id or from a folder.

    Parameters
    ----------
    id_or_path : str or path
        ``"rare-cancer"``, ``"rare-cancer@1.0.0"``, or a folder with a ``dataset.json``.
    version : str, optional
        Version of a shipped schema; without it, the one that :data:`MEANT` names, else the
        newest.

    Raises
    ------
    SchemaError
        If the schema is unknown, unreadable or inconsistent.

    Examples
    --------
    >>> load_schema("rare-cancer").table("tumour").primary_key
    ('tumour_id',)
    """
    folder = schema_folder(id_or_path, version)
    if any(folder in found for found in shipped_schemas().values()):
        return _shipped_schema(folder)
    return _load(folder, published=False)
