"""All tables of the OMOP standard: those that a cohort fills, and the others, empty.

Tools that read the standard (Achilles, DataQualityDashboard, ATLAS) ask every table of it, also
those without rows.  ``schemas/exports/omop-tables.json`` holds names, types and keys of the tables
that no cohort fills, after the DDL of github.com/OHDSI/CommonDataModel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from synthgen.exports.mapping import TargetColumn, TargetMapping, TargetTable
from synthgen.resources import data_root
from synthgen.schema.documents import read_document


@cache
def _document() -> dict[str, Any]:
    return dict(read_document(data_root() / "schemas/exports/omop-tables.json"))


def empty_tables(version: str) -> tuple[TargetTable, ...]:
    """Tables of a version of the standard that no cohort fills.

    Parameters
    ----------
    version : {"5.4", "5.3"}

    Examples
    --------
    >>> [t.name for t in empty_tables("5.3") if t.name.startswith("cohort")]
    ['cohort_definition']
    """
    return tuple(
        _table(entry)
        for entry in _document()["tables"]
        if version in entry.get("versions", (version,))
    )


def _table(entry: Mapping[str, Any]) -> TargetTable:
    return TargetTable(
        name=entry["name"],
        title=entry["name"],
        title_ko=entry["name"],
        columns=tuple(_column(name, kind) for name, kind in entry["columns"].items()),
        parts=(),
        number="",
        key=(entry["key"],) if "key" in entry else (),
        references=tuple(entry.get("references", {}).items()),
        empty=entry["about"],
        empty_ko=entry["about_ko"],
    )


def _column(name: str, kind: str) -> TargetColumn:
    return TargetColumn(name, kind.rstrip("!"), kind.endswith("!"), None, "", "", "", "")


def standard_tables(mapping: TargetMapping) -> tuple[TargetTable, ...]:
    """Every table of the standard, with the references of the standard but those to concepts.

    Parameters
    ----------
    mapping : TargetMapping
        Of ``omop-5.4`` or ``omop-5.3``.

    Returns
    -------
    tuple of TargetTable
        The filled tables first, in the order of the mapping.
    """
    further: Mapping[str, Mapping[str, str]] = _document()["references"]
    filled = tuple(
        replace(table, references=(*table.references, *further.get(table.name, {}).items()))
        for table in mapping.tables
    )
    return (*filled, *empty_tables(mapping.version))
