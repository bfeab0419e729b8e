"""OMOP tables of a delivery under their names: a DuckDB file, or a text file for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.exports.mapping import TargetMapping
from synthgen.exports.targets import mapping_of
from synthgen.schema.model import Severity
from synthgen.schema.rules.sql import identifier, literal
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


def read_tables(
    db: duckdb.DuckDBPyConnection, files: Mapping[str, Path]
) -> dict[str, tuple[str, ...]]:
    """Tables of CSV files under their names, every cell as text beside what it is read as."""
    types = {t.name: {c.name: c.type for c in t.columns} for t in mapping_of("omop-5.4").tables}
    types["visit_occurrence"] |= {
        c.name: c.type for t in mapping_of("omop-5.3").tables if t.name == "visit_occurrence"
        for c in t.columns
    }  # fmt: skip
    wrong: dict[str, tuple[str, ...]] = {}
    for name, path in files.items():
        with path.open("rb") as opened:
            head = opened.readline(2**16).decode("utf-8-sig", errors="replace")
        separator = max(",;\t|", key=head.count)
        form = f"header=true, all_varchar=true, delim={literal(separator)}, quote='\"'"
        text = f"read_csv({literal(str(path.resolve()))}, {form})"
        columns = [str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM {text}").fetchall()]  # noqa: S608
        kinds = [(c, types[name].get(c.lower(), "VARCHAR")) for c in columns]
        cells = ", ".join(
            f"TRY_CAST({identifier(c)} AS {kind}) AS {identifier(c.lower())}" for c, kind in kinds
        )
        unread = ", ".join(
            f"count({identifier(c)}) - count(TRY_CAST({identifier(c)} AS {kind}))"
            for c, kind in kinds
        )
        # As text first: DuckDB hands a cast down to its reader, which stops at a wrong cell.
        raw = identifier(f"text of {name}")
        db.execute(f"CREATE TEMP TABLE {raw} AS SELECT * FROM {text}")  # noqa: S608
        db.execute(f"CREATE TABLE {identifier(name)} AS SELECT {cells} FROM {raw}")  # noqa: S608
        counts = db.execute(f"SELECT {unread} FROM {raw}").fetchone() or ()  # noqa: S608
        db.execute(f"DROP TABLE {raw}")
        wrong[name] = tuple(
            f"{column.lower()}:{count}"
            for column, count in zip(columns, counts, strict=True)
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
