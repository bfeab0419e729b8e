"""OMOP tables of a delivery under their names: a DuckDB file, or a file for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.exports.mapping import TargetMapping
from synthgen.schema.model import Severity
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.deliveries import Delivery
from synthgen.schema.validation.report import Broken

if TYPE_CHECKING:
    import duckdb


def attach_tables(db: duckdb.DuckDBPyConnection, path: Path) -> dict[str, tuple[str, ...]]:
    """Tables of a DuckDB file under their names."""
    db.execute(f"ATTACH {literal(str(path))} AS delivery (READ_ONLY)")
    listed = db.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = 'delivery' AND NOT internal ORDER BY ALL"
    ).fetchall()
    for schema, name in listed:
        there = f"delivery.{identifier(schema)}.{identifier(name)}"
        db.execute(f"CREATE OR REPLACE VIEW {identifier(name.lower())} AS SELECT * FROM {there}")  # noqa: S608
    return {name.lower(): () for _, name in listed}


def typed_copies(delivery: Delivery, mapping: TargetMapping) -> dict[str, tuple[str, ...]]:
    """Tables of a delivery of text or Parquet files under their names, with the standard's types.

    Parameters
    ----------
    delivery : Delivery
        Read by the schema of the mapping, whatever its encoding and separator.
    mapping : TargetMapping

    Returns
    -------
    dict of str to tuple of str
        By table, ``column:count`` of cells that are not what the type of their column says.
    """
    types = {t.name: {c.name: c.type for c in t.columns} for t in mapping.tables}
    db, wrong = delivery.db, {}
    for loaded in delivery.tables:
        name = loaded.table.name
        kinds = [(column, f"c{at}", types[name][column]) for column, at in loaded.positions.items()]
        cells = ", ".join(
            f"TRY_CAST({cell} AS {kind}) AS {identifier(column)}" for column, cell, kind in kinds
        )
        unread = ", ".join(
            f"count({cell}) - count(TRY_CAST({cell} AS {kind}))" for _, cell, kind in kinds
        )
        db.execute(f"CREATE TABLE {identifier(name)} AS SELECT {cells} FROM {loaded.relation}")  # noqa: S608
        counts = db.execute(f"SELECT {unread} FROM {loaded.relation}").fetchone() or ()  # noqa: S608
        wrong[name] = tuple(
            f"{column}:{count}"
            for (column, _, _), count in zip(kinds, counts, strict=True)
            if count
        )
    return wrong


def wrong_types(
    db: duckdb.DuckDBPyConnection, mapping: TargetMapping, found: Mapping[str, Sequence[str]]
) -> list[Broken]:
    """Cells of text files that are not what the standard's type says."""
    broken = []
    for table in mapping.tables:
        types = {c.name: c.type for c in table.columns}
        for entry in found.get(table.name, ()):
            column, _, count = entry.partition(":")
            if column not in types:
                continue
            row = db.execute(f"SELECT count(*) FROM {identifier(table.name)}").fetchone()  # noqa: S608
            broken.append(
                Broken(
                    rule="conformance.cdmDatatype",
                    table=table.name,
                    column=column,
                    severity=Severity.IMPOSSIBLE,
                    message=f"is no {types[column]}",
                    message_ko=f"{types[column]} 형식이 아니다",
                    count=int(count),
                    total=int(row[0]) if row else 0,
                )
            )
    return broken
