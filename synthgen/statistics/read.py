"""Reading a statistics pack: a folder anybody may have written, taken as bad until read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from synthgen.errors import SchemaError, StatisticsError
from synthgen.messages import message
from synthgen.schema.documents import Json, mapping_at, number_at, objects_at, text_at, texts_at
from synthgen.schema.load import DATASET, load_schema
from synthgen.schema.model import Schema
from synthgen.statistics.carry import carried
from synthgen.statistics.descriptor import (
    DESCRIPTOR,
    SCHEMA,
    TableDescriptor,
    blocks_of,
    members_at,
    read_descriptor,
    references_of,
    sources_of,
    table_descriptors,
    target_of,
)
from synthgen.statistics.kinds import kind_of
from synthgen.statistics.labels import expand_groups
from synthgen.statistics.ledger import LEDGER, Ledger, read_ledger
from synthgen.statistics.model import UNPROTECTED, Relation, StatisticsPack, StatisticsTable
from synthgen.statistics.statement import Members
from synthgen.statistics.statements import block_of, with_person_years
from synthgen.statistics.tables import read_cells

SchemaLoader = Callable[[str], Schema]
"""Schema by id and version as a pack names it: ``"rare-cancer@1.0.0"``."""


def read_pack(
    path: str | os.PathLike[str], schema_loader: SchemaLoader | None = None
) -> StatisticsPack:
    """Statistics pack in a folder.

    Parameters
    ----------
    path : str or path
        Folder with ``datapackage.json`` and ``tables/*.csv``.
    schema_loader : callable, optional
        Finds the schema that the pack speaks about; the shipped schemas without it.

    Returns
    -------
    StatisticsPack
        Its ``readings`` say how every awkward printed value was read.

    Raises
    ------
    StatisticsError
        If anything is missing, hostile, unknown or impossible: one line that names file and
        row.
    """
    folder = Path(path)
    document = read_descriptor(folder)
    where = folder / DESCRIPTOR
    own = mapping_at(document, "x-synthgen")
    loader = _own_loader(folder) if (folder / SCHEMA / DATASET).is_file() else None
    schema = _schema(text_at(own, "schema"), loader or schema_loader or load_schema, where)
    sources = sources_of(own)
    tables = tuple(
        _table(folder, descriptor, schema) for descriptor in table_descriptors(document, where)
    )
    licences = objects_at(document, "licenses")
    pack = StatisticsPack(
        id=text_at(document, "name"),
        version=text_at(document, "version"),
        schema=text_at(own, "schema"),
        title=text_at(document, "title"),
        title_ko=text_at(own, "title_ko"),
        origin=text_at(own, "origin"),
        target=target_of(own),
        scope=members_at(own, "scope"),
        sources=sources,
        tables=tables,
        blocks=blocks_of(own),
        survival_references=references_of(own),
        readings=readings_of(tables),
        description=text_at(document, "description"),
        description_ko=text_at(own, "description_ko"),
        licence=text_at(licences[0], "name") if licences else "",
        own_schema=None if loader is None else schema,
        unprotected=text_at(own, "protection") == UNPROTECTED,
        ledger=_ledger(folder, own),
    )
    validate_pack(pack, schema)
    return pack


def _ledger(folder: Path, own: Mapping[str, Json]) -> Ledger | None:
    stated = mapping_at(own, "ledger")
    if stated:
        return read_ledger(folder / LEDGER, sha256=text_at(stated, "sha256"))
    if (folder / LEDGER).exists():
        raise StatisticsError(
            f"{folder / LEDGER}: {DESCRIPTOR} does not name it; the pack must be written again"
        )
    return None


def _own_loader(folder: Path) -> SchemaLoader:
    """Finds the schema that a pack brings along, whatever is asked for."""
    return lambda _: load_schema(folder / SCHEMA)


def schema_of(pack: StatisticsPack) -> Schema:
    """The schema that a pack speaks about: its own, or a shipped one.

    Raises
    ------
    SchemaError
        If it has none of its own and no shipped one is meant.
    """
    return pack.own_schema or load_schema(pack.schema)


def _schema(key: str, loader: SchemaLoader, where: Path) -> Schema:
    try:
        schema = loader(key)
    except SchemaError as problem:
        raise StatisticsError(f"{where}: schema {key} cannot be loaded: {problem}") from problem
    if schema.key != key:
        raise StatisticsError(f"{where}: schema is {key}; {schema.key} was found")
    return schema


def _table(folder: Path, descriptor: TableDescriptor, schema: Schema) -> StatisticsTable:
    own = descriptor.own
    kind = kind_of(descriptor.kind, descriptor.name)
    variables, given = texts_at(own, "variables"), texts_at(own, "given")
    scope = members_at(own, "scope")
    _check_variables(descriptor.name, (*variables, *given, *scope), schema)
    groups = _groups(own, descriptor.name, schema)
    both = [v for v in variables if v in given]
    if both:
        raise StatisticsError(
            f"{descriptor.name}: {both[0]} is both a variable and given; it must be one of them"
        )
    columns = (*(variables if kind.has_own_columns else ()), *given)
    unit = text_at(own, "unit")
    weight = number_at(own, "weight")
    return StatisticsTable(
        name=descriptor.name,
        title=descriptor.title,
        title_ko=text_at(own, "title_ko"),
        kind=kind.name,
        variables=variables,
        given=given,
        scope=_ordered(scope, schema, descriptor.name),
        relation=Relation(text_at(own, "relation")),
        source=text_at(own, "source"),
        population=text_at(own, "population"),
        period=text_at(own, "period"),
        cells=read_cells(
            folder,
            descriptor,
            kind,
            kind.factor(unit, descriptor.name),
            columns,
            schema,
            groups,
        ),
        unit=unit,
        estimator=text_at(own, "estimator"),
        weight=1.0 if weight is None else weight,
        protection=descriptor.protection,
        note=text_at(own, "note"),
        note_ko=text_at(own, "note_ko"),
        groups=groups,
        carries=texts_at(own, "carries"),
    )


def _check_variables(where: str, names: tuple[str, ...], schema: Schema) -> None:
    known = {variable.name for variable in schema.variables}
    missing = sorted({name for name in names if name not in known})
    if missing:
        raise StatisticsError(
            f"{where}: {missing[0]} is no model variable of {schema.key}; it has "
            f"{', '.join(sorted(known))} ({len(missing)} such variables)"
        )


def _ordered(members: Members, schema: Schema, where: str) -> dict[str, tuple[str, ...]]:
    """Members in schema order.

    Raises
    ------
    StatisticsError
        If a variable or a code is not known.
    """
    _check_variables(where, tuple(members), schema)
    ordered = {}
    for name, codes in members.items():
        known = schema.variable(name).codes
        missing = [code for code in codes if code not in known]
        if missing:
            raise StatisticsError(
                f"{where}: {name} has no code {missing[0]!r} in {schema.key} "
                f"({len(missing)} such codes)"
            )
        chosen = set(codes)
        ordered[name] = tuple(code for code in known if code in chosen)
    return ordered


def _groups(
    own: Mapping[str, Json], where: str, schema: Schema
) -> dict[str, dict[str, tuple[str, ...]]]:
    stated = mapping_at(own, "groups")
    _check_variables(where, tuple(stated), schema)
    return {
        name: expand_groups(
            {label: list(codes) for label, codes in members_at(stated, name).items()},
            schema.variable(name),
            where,
        )
        for name in stated
    }


def readings_of(tables: tuple[StatisticsTable, ...], language: str = "en") -> tuple[str, ...]:
    """One line for each way a printed value of a table was read, with its rows.

    Parameters
    ----------
    tables : tuple of StatisticsTable
    language : {"en", "ko"}
    """
    lines = []
    for table in tables:
        rows: dict[str, list[int]] = {}
        for cell in table.cells:
            if cell.note:
                note = (cell.note_ko or cell.note) if language == "ko" else cell.note
                rows.setdefault(note, []).append(cell.row)
        for note, found in rows.items():
            shown = ", ".join(str(row) for row in found[:5])
            key = "printed.rows" if len(found) <= 5 else "printed.more_rows"
            lines.append(
                message(key, language, table=table.name, rows=shown, more=len(found) - 5, note=note)
            )
    return tuple(lines)


def validate_pack(pack: StatisticsPack, schema: Schema) -> None:
    """Refuse a pack whose parts do not fit each other or the schema.

    Raises
    ------
    StatisticsError
        For the first table that lacks its source, speaks outside the blocks, has cells its
        kind cannot mean, or for a scope, block or reference with unknown codes.
    """
    _ordered(pack.scope, schema, f"pack {pack.id} scope")
    seen: dict[str, str] = {}
    for block in pack.blocks:
        _check_variables(f"block {block.name}", block.variables, schema)
        for variable in block.variables:
            if variable in seen:
                raise StatisticsError(
                    f"block {block.name}: {variable} is in block {seen[variable]} too; it must "
                    "be in one"
                )
            seen[variable] = block.name
    for number, reference in enumerate(pack.survival_references, start=1):
        where = f"survival reference {number}"
        _ordered(reference.members, schema, where)
        _check_source(pack, reference.source, where)
    for place in pack.target.places:
        _check_source(pack, place.source, f"place {place.title}")
    carried(pack, schema)
    for table in pack.tables:
        _check_source(pack, table.source, table.name)
        block_of(pack, table)
        whole = with_person_years(pack, table, schema)
        kind_of(table.kind, table.name).check(whole, schema)


def _check_source(pack: StatisticsPack, source: str, where: str) -> None:
    if source not in pack.sources:
        raise StatisticsError(
            f"{where}: source {source!r} is not among the pack's sources; every number must "
            "have one"
        )
