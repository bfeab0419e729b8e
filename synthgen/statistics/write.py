"""Writing a statistics pack: the same pack gives the same bytes, and reads back equal."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from synthgen.outputs import output_folder
from synthgen.schema.documents import Json
from synthgen.schema.write import write_schema
from synthgen.statistics.descriptor import DESCRIPTOR, FORMAT, SCHEMA, TABLES
from synthgen.statistics.kinds import kind_of
from synthgen.statistics.ledger import LEDGER, ledger_hash, ledger_json
from synthgen.statistics.model import UNPROTECTED, Cell, Place, StatisticsPack, StatisticsTable
from synthgen.statistics.tables import NUMBER_COLUMNS

DATA_PACKAGE = "https://datapackage.org/profiles/2.0/datapackage.json"

LICENCE_TITLE = "The transcription and our own assumptions; each table stands under the terms of its source, see SOURCES.md"

SOURCES = "SOURCES.md"

LINE = 140
"""Characters of a line of ``datapackage.json`` that is not broken."""

_BAND = re.compile(r"^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?)|\+)$")


def write_pack(
    pack: StatisticsPack, folder: str | os.PathLike[str], *, force: bool = False
) -> Path:
    """Write a pack to a new folder: ``datapackage.json``, ``tables/*.csv``, ``SOURCES.md``.

    A private pack gets its ``ledger.json``, a pack with a schema of its own that schema.

    Parameters
    ----------
    pack : StatisticsPack
    folder : str or path
        Must not exist, unless ``force`` is given.
    force : bool

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StatisticsError
        If the pack has a table of unknown kind.
    UsageError, OutputError
        If the folder exists, or cannot be written.
    """
    with output_folder(Path(folder), force=force) as beside:
        tables = beside / TABLES
        tables.mkdir()
        for table in pack.tables:
            (tables / f"{table.name}.csv").write_bytes(table_csv(table).encode("utf-8"))
        document = readable_json(descriptor_of(pack)) + "\n"
        (beside / DESCRIPTOR).write_bytes(document.encode("utf-8"))
        (beside / SOURCES).write_bytes(sources_page(pack).encode("utf-8"))
        if pack.ledger is not None:
            (beside / LEDGER).write_bytes(ledger_json(pack.ledger).encode("utf-8"))
        if pack.own_schema is not None:
            write_schema(pack.own_schema, beside / SCHEMA)
    return Path(folder)


def readable_json(value: Json, indent: int = 0) -> str:
    """JSON for reviewers: what fits stands on one line, the rest one item a line.

    Examples
    --------
    >>> readable_json({"codes": ["1", "2"], "n": 3})
    '{"codes": ["1", "2"], "n": 3}'
    """
    flat = json.dumps(value, ensure_ascii=False)
    items = value if isinstance(value, dict | list) else []
    scalars = not any(isinstance(v, dict | list) for v in _parts(value))
    if not items or len(flat) + indent <= LINE or (scalars and isinstance(value, list)):
        return flat
    inner = "\n" + " " * (indent + 1)
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(k, ensure_ascii=False)}: {readable_json(v, indent + 1)}"
            for k, v in value.items()
        ]
        return "{" + inner + f",{inner}".join(parts) + "\n" + " " * indent + "}"
    parts = [readable_json(v, indent + 1) for v in _parts(value)]
    return "[" + inner + f",{inner}".join(parts) + "\n" + " " * indent + "]"


def _parts(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def descriptor_of(pack: StatisticsPack) -> dict[str, Json]:
    """``datapackage.json`` of a pack."""
    own: dict[str, Json] = {
        "format": FORMAT,
        "schema": pack.schema,
        "origin": pack.origin,
        **({"protection": UNPROTECTED} if pack.unprotected else {}),
        **_ledger(pack),
        "title_ko": pack.title_ko,
        "description_ko": pack.description_ko,
        "target": _without_empty(
            {
                "population": pack.target.population,
                "population_ko": pack.target.population_ko,
                "period": pack.target.period,
                "note": pack.target.note,
                "note_ko": pack.target.note_ko,
                "people": pack.target.people,
                "places": [_place(place) for place in pack.target.places],
            }
        ),
        "scope": _lists(pack.scope),
        "blocks": [{"name": b.name, "variables": list(b.variables)} for b in pack.blocks],
        "survival_references": [
            {
                "members": _lists(r.members),
                "shape": r.shape,
                "median": r.median,
                "cured": r.cured,
                "source": r.source,
            }
            for r in pack.survival_references
        ],
        "sources": {
            name: _without_empty(
                {
                    "citation": s.citation,
                    "url": s.url,
                    "table": s.table,
                    "read_on": s.read_on,
                    "licence": s.licence,
                    "redistribution": s.redistribution,
                }
            )
            for name, s in pack.sources.items()
        },
    }
    document: dict[str, Json] = {
        "$schema": DATA_PACKAGE,
        "name": pack.id,
        "version": pack.version,
        "title": pack.title,
        "description": pack.description,
    }
    if pack.licence:
        document["licenses"] = [{"name": pack.licence, "title": LICENCE_TITLE}]
    document["x-synthgen"] = own
    document["resources"] = [_resource(table) for table in pack.tables]
    return document


def _ledger(pack: StatisticsPack) -> dict[str, Json]:
    if pack.ledger is None:
        return {}
    return {"ledger": {"path": LEDGER, "sha256": ledger_hash(ledger_json(pack.ledger))}}


def _place(place: Place) -> dict[str, Json]:
    people = int(place.people) if place.people == int(place.people) else place.people
    return {**place.__dict__, "people": people}


def _without_empty(stated: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in stated.items() if value not in ("", None, {}, [])}


def _lists(members: Mapping[str, tuple[str, ...]]) -> dict[str, Json]:
    return {name: list(codes) for name, codes in members.items()}


def _resource(table: StatisticsTable) -> dict[str, Json]:
    protection = table.protection
    own = _without_empty(
        {
            "kind": table.kind,
            "title_ko": table.title_ko,
            "variables": list(table.variables),
            "given": list(table.given),
            "scope": _lists(table.scope),
            "population": table.population,
            "period": table.period,
            "unit": table.unit,
            "estimator": table.estimator,
            "source": table.source,
            "relation": table.relation.value,
            "weight": None if table.weight == 1.0 else table.weight,
            "note": table.note,
            "note_ko": table.note_ko,
            "protection": _without_empty(
                {
                    "suppressed_below": protection.suppressed_below,
                    "rounded_to": protection.rounded_to,
                    "noise_sd": protection.noise_sd,
                }
            ),
            "groups": {name: _lists(labels) for name, labels in table.groups.items()},
            "carries": list(table.carries),
        }
    )
    fields: list[Json] = [
        {"name": column, "type": "number" if column in NUMBER_COLUMNS else "string"}
        for column in columns_of(table)
    ]
    return {
        "name": table.name,
        "path": f"{TABLES}/{table.name}.csv",
        "title": table.title,
        "format": "csv",
        "encoding": "utf-8",
        "schema": {"fields": fields},
        "x-synthgen": own,
    }


def _label_columns(table: StatisticsTable) -> tuple[str, ...]:
    own = table.variables if kind_of(table.kind, table.name).has_own_columns else ()
    return (*own, *table.given)


def _is_pair(cell: Cell) -> bool:
    return ".." in cell.printed.strip(". ")


def columns_of(table: StatisticsTable) -> tuple[str, ...]:
    """Columns of a table's CSV file, in order: variables, value, then what is stated."""
    needs = kind_of(table.kind, table.name).needs
    pairs = any(_is_pair(cell) for cell in table.cells)
    before = tuple(c for c in ("time", "quantile", "age") if c in needs)
    values: tuple[str, ...] = ("lower", "upper") if pairs else ("value",)
    if pairs and not all(_is_pair(cell) for cell in table.cells):
        values = ("value", "lower", "upper")
    stated = tuple(
        column
        for column in NUMBER_COLUMNS
        if column not in before
        and any(_number_of(table, cell, column) is not None for cell in table.cells)
    )
    return (*_label_columns(table), *before, *values, *stated)


def _number_of(table: StatisticsTable, cell: Cell, column: str) -> float | None:
    if column in {"ci_low", "ci_high"}:
        limit = cell.ci_lower if column == "ci_low" else cell.ci_upper
        return None if limit is None else limit / _factor(table)
    number: float | None = getattr(cell, column)
    return number


def _factor(table: StatisticsTable) -> float:
    return kind_of(table.kind, table.name).factor(table.unit, table.name)


def number_text(number: float) -> str:
    """Shortest text that reads back as the same number; whole numbers without a point."""
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return repr(float(number))


def _limit_text(limit: float, factor: float) -> str:
    """Shortest decimal that, times the factor, is the same confidence limit again."""
    for digits in range(1, 18):
        text = f"{limit / factor:.{digits}g}"
        if float(text) * factor == limit:
            return number_text(float(text))
    return number_text(limit / factor)


def table_csv(table: StatisticsTable) -> str:
    """Text of a table's CSV file, lines ended by LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = columns_of(table)
    writer.writerow(columns)
    labels = _label_columns(table)
    for cell in table.cells:
        writer.writerow([_field(table, cell, column, labels) for column in columns])
    return text.getvalue()


def _field(table: StatisticsTable, cell: Cell, column: str, labels: tuple[str, ...]) -> str:
    if column in labels:
        return label_of(table, cell, column)
    if column in {"value", "lower", "upper"}:
        return _value_field(table, cell, column)
    if column in {"ci_low", "ci_high"}:
        limit = cell.ci_lower if column == "ci_low" else cell.ci_upper
        return "" if limit is None else _limit_text(limit, _factor(table))
    number = _number_of(table, cell, column)
    return "" if number is None else number_text(number)


def _value_field(table: StatisticsTable, cell: Cell, column: str) -> str:
    if _is_pair(cell):
        lower, _, upper = cell.printed.partition("..")
        return {"lower": lower, "upper": upper}.get(column, "")
    if column != "value":
        return ""
    if cell.printed or not cell.published:
        return cell.printed
    factor = _factor(table)
    if cell.lower == cell.upper:
        return number_text(cell.lower / factor)
    return f"{number_text(cell.lower / factor)}-{number_text(cell.upper / factor)}"


def label_of(table: StatisticsTable, cell: Cell, name: str) -> str:
    """Label of a cell's codes of one variable: ``all``, a code, a group, a band, ``a|b``."""
    codes = cell.members.get(name)
    if codes is None:
        return "all"
    if not codes:
        return "unknown"
    if len(codes) == 1:
        return codes[0]
    for label, stands_for in table.groups.get(name, {}).items():
        if stands_for == codes:
            return label
    return _band_of(codes) or "|".join(codes)


def _band_of(codes: tuple[str, ...]) -> str:
    """One label for adjacent bins, ``""`` if the codes are no adjacent bins.

    Only bins whose labels name whole last years (``0-4``, ``5-9``) are joined.
    """
    matches = [_BAND.match(code) for code in codes]
    if any(match is None for match in matches):
        return ""
    ends = [(m[1], m[2]) for m in matches if m is not None]
    for (_, last), (start, _) in pairwise(ends):
        if last is None or "." in last or "." in start or int(start) != int(last) + 1:
            return ""
    first, last = ends[0][0], ends[-1][1]
    return f"{first}+" if last is None else f"{first}-{last}"


def sources_page(pack: StatisticsPack) -> str:
    """``SOURCES.md``: every source with its terms and the tables that rest on it."""
    lines = [f"# Sources of {pack.title}", ""]
    lines.append(f"{LICENCE_TITLE.partition(';')[0]}: {pack.licence or 'not stated'}.")
    for name, source in pack.sources.items():
        used = [table.name for table in pack.tables if table.source == name]
        references = sum(r.source == name for r in pack.survival_references)
        if references:
            used.append(f"{references} survival reference{'s' if references > 1 else ''}")
        lines += ["", f"## {name}", "", source.citation, ""]
        if source.url:
            lines.append(f"- Address: <{source.url}>")
        if source.table:
            lines.append(f"- Table or page: {source.table}")
        if source.read_on:
            lines.append(f"- Read on: {source.read_on}")
        lines.append(f"- Terms as found: {source.licence}")
        lines.append(f"- Redistribution: {source.redistribution}")
        lines.append(f"- Used by: {', '.join(used) or 'nothing'}")
    return "\n".join(lines) + "\n"
