"""Nothing in a cohort's folder goes by unread: what is released is what was evaluated.

A cohort stands in several formats side by side, of which the evaluation reads one.  The others
must say the same in every cell, and there must be nothing else that could hold a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.errors import ContractError
from synthgen.evaluation.subjects import frame_of
from synthgen.schema.documents import one_line
from synthgen.schema.model import Schema
from synthgen.schema.validation.columns import CodeTypes
from synthgen.schema.validation.deliveries import Delivery, open_delivery
from synthgen.schema.validation.sources import by_table, candidates
from synthgen.schema.validation.tables import typed_tables

if TYPE_CHECKING:
    import pandas as pd

#: Endings of the documents beside the tables: cards, licence, descriptions and pages.
DOCUMENTS = (".md", ".txt", ".json", ".html")


def require_all_read(folder: Path, schema: Schema, tables: Mapping[str, pd.DataFrame]) -> None:
    """Refuse a cohort that holds anything beside the tables that were read from it.

    Parameters
    ----------
    folder : Path
    schema : Schema
    tables : mapping of str to DataFrame
        As :func:`cohort_tables` read them, each from one of its files.

    Raises
    ------
    ContractError
        If a file is neither a table of the schema nor a document; if a table has columns
        that the schema does not describe, or rows that cannot be read; or if it says
        something else in another format.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.parent != folder or path.name.startswith("."):
            raise ContractError(
                f"{folder}: holds {one_line(path.name, 60)}, which no cohort has; it would be "
                "released and nobody evaluates it"
            )
    found = candidates(folder)
    _, second, other = by_table(schema, found)
    databases = [item for item in other if item.form == "duckdb"]
    named = {item.path for item in found} - {item.path for item in other}
    for path in sorted(folder.iterdir()):
        known = path in named or path in {item.path for item in databases}
        if not known and path.suffix.casefold() not in DOCUMENTS:
            raise ContractError(
                f"{folder}: holds {one_line(path.name, 60)}, which is no table of {schema.key}; it "
                "would be released and nobody evaluates it"
            )
    with open_delivery(folder, schema) as delivery:
        _require_plain(delivery)
    for item in (*second, *databases):
        name = None if item.form == "duckdb" else item.name
        with open_delivery(item.path, schema, name) as delivery:
            _require_plain(delivery)
            _require_same(delivery, tables)


def _require_plain(delivery: Delivery) -> None:
    """Refuse columns that the schema has not, rows that were left out, and strange tables."""
    for loaded in delivery.tables:
        if loaded.extra or loaded.twice or loaded.uneven.count:
            raise ContractError(
                f"{delivery.source}: {loaded.table.name} has columns that "
                f"{delivery.schema.key} does not describe, or rows of another length; nobody "
                "evaluates them"
            )
    inside = [n for n in delivery.notes if n.key == "check.structure.other_file"]
    if inside and not delivery.source.is_dir():
        raise ContractError(
            f"{delivery.source}: holds {len(inside)} tables that {delivery.schema.key} does not "
            "describe; nobody evaluates them"
        )


def _require_same(delivery: Delivery, tables: Mapping[str, pd.DataFrame]) -> None:
    for name, table in typed_tables(delivery, CodeTypes(delivery.db)).items():
        made = frame_of(delivery.db, table.relation, table.loaded.table, list(table.readers))
        if not made.equals(tables[name]):
            raise ContractError(
                f"{delivery.source}: {name} says something else than in the cohort's other "
                "format; only one of them is evaluated"
            )
