"""The descriptor of a pack: ``datapackage.json``, checked and taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import StatisticsError
from synthgen.schema.documents import (
    Json,
    mapping_at,
    number_at,
    objects_at,
    one_line,
    read_document,
    text_at,
    texts_at,
)
from synthgen.schema.formats import breach
from synthgen.statistics.model import (
    Block,
    Place,
    Protection,
    Source,
    SurvivalReference,
    Target,
)

FORMAT = "pack/1"
"""Format of packs that is written; every earlier one is read."""

DESCRIPTOR = "datapackage.json"
TABLES = "tables"
SCHEMA = "schema"
"""Folder of a pack that holds its own schema, where it has one."""

MOST_TABLES = 2_000
"""Tables of the largest pack that is read; CI5 with 62 sites needs under 200."""

_TABLE_PATH = re.compile(r"^tables/([a-z0-9][a-z0-9_-]{0,79})\.csv$")


@dataclass(frozen=True)
class TableDescriptor:
    """What ``datapackage.json`` says about one table, before its CSV is read."""

    name: str
    title: str
    encoding: str
    columns: tuple[str, ...]
    own: Mapping[str, Json]

    @property
    def kind(self) -> str:
        """Name of the table's kind."""
        return text_at(self.own, "kind")

    @property
    def protection(self) -> Protection:
        """How values were protected."""
        stated = mapping_at(self.own, "protection")
        below = number_at(stated, "suppressed_below")
        return Protection(
            None if below is None else int(below),
            number_at(stated, "rounded_to"),
            number_at(stated, "noise_sd"),
        )


def read_descriptor(folder: Path) -> dict[str, Json]:
    """``datapackage.json`` of a pack, valid under the format's JSON Schema.

    Raises
    ------
    StatisticsError
        If it is missing, unreadable, hostile, of another format, or breaks the schema.
    """
    path = folder / DESCRIPTOR
    if not folder.is_dir():
        raise StatisticsError(f"{folder}: is not a folder; a pack is a folder with {DESCRIPTOR}")
    document = read_document(path, StatisticsError)
    stated = mapping_at(document, "x-synthgen").get("format")
    if stated != FORMAT:
        raise StatisticsError(
            f"{path}: format is {one_line(stated, 30)}; this version reads {FORMAT}"
        )
    resources = document.get("resources")
    if isinstance(resources, list) and len(resources) > MOST_TABLES:
        raise StatisticsError(
            f"{path}: has {len(resources)} tables; at most {MOST_TABLES} are read"
        )
    problem = breach(document, "pack/1", "the package")
    if problem:
        raise StatisticsError(f"{path}: {problem}")
    return document


def table_descriptors(document: Mapping[str, Json], path: Path) -> list[TableDescriptor]:
    """Descriptors of the tables, in the order of the file.

    Raises
    ------
    StatisticsError
        If a path leads elsewhere than ``tables/<name>.csv``, or a table stands twice.
    """
    found: dict[str, TableDescriptor] = {}
    for resource in objects_at(document, "resources"):
        name = text_at(resource, "name")
        match = _TABLE_PATH.match(text_at(resource, "path"))
        if match is None or match[1] != name:
            raise StatisticsError(
                f"{path}: table {name}: path is {one_line(text_at(resource, 'path'), 60)}; it "
                f"must be tables/{name}.csv"
            )
        if name in found:
            raise StatisticsError(f"{path}: table {name} stands twice; names must be unique")
        fields = objects_at(mapping_at(resource, "schema"), "fields")
        found[name] = TableDescriptor(
            name,
            text_at(resource, "title"),
            text_at(resource, "encoding", "utf-8").lower(),
            tuple(text_at(field, "name") for field in fields),
            mapping_at(resource, "x-synthgen"),
        )
    return list(found.values())


def members_at(document: Mapping[str, Json], key: str) -> dict[str, tuple[str, ...]]:
    """Variable to codes, under a key."""
    members = mapping_at(document, key)
    return {name: texts_at(members, name) for name in members}


def sources_of(own: Mapping[str, Json]) -> dict[str, Source]:
    """Sources of a pack by id."""
    stated = mapping_at(own, "sources")
    return {
        name: Source(
            id=name,
            citation=text_at(mapping_at(stated, name), "citation"),
            licence=text_at(mapping_at(stated, name), "licence"),
            redistribution=text_at(mapping_at(stated, name), "redistribution"),
            url=text_at(mapping_at(stated, name), "url"),
            table=text_at(mapping_at(stated, name), "table"),
            read_on=text_at(mapping_at(stated, name), "read_on"),
        )
        for name in stated
    }


def blocks_of(own: Mapping[str, Json]) -> tuple[Block, ...]:
    """Blocks of a pack in the order of the fit."""
    return tuple(
        Block(text_at(block, "name"), texts_at(block, "variables"))
        for block in objects_at(own, "blocks")
    )


def references_of(own: Mapping[str, Json]) -> tuple[SurvivalReference, ...]:
    """Declared shapes of net survival."""
    return tuple(
        SurvivalReference(
            members=members_at(reference, "members"),
            shape=number_at(reference, "shape") or 0.0,
            median=number_at(reference, "median") or 0.0,
            cured=number_at(reference, "cured") or 0.0,
            source=text_at(reference, "source"),
        )
        for reference in objects_at(own, "survival_references")
    )


def target_of(own: Mapping[str, Json]) -> Target:
    """Population that a pack describes."""
    stated = mapping_at(own, "target")
    return Target(
        text_at(stated, "population"),
        text_at(stated, "population_ko"),
        text_at(stated, "period"),
        text_at(stated, "note"),
        text_at(stated, "note_ko"),
        text_at(stated, "people"),
        tuple(
            Place(
                text_at(place, "region"),
                text_at(place, "title"),
                text_at(place, "title_ko"),
                number_at(place, "people") or 0.0,
                text_at(place, "period"),
                text_at(place, "source"),
            )
            for place in objects_at(stated, "places")
        ),
    )
