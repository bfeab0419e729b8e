"""Checking tables against a schema: structure, cells, keys, codes, rules, all of it as SQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.schema.documents import one_line
from synthgen.schema.model import Schema, Severity
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation.columns import (
    CodeTypes,
    TypedTable,
    column_findings,
    column_notes,
    typed_table,
)
from synthgen.schema.validation.conditions import conditions_of, count_conditions
from synthgen.schema.validation.deliveries import Delivery, open_delivery
from synthgen.schema.validation.guesses import column_guesses, with_hints
from synthgen.schema.validation.keys import (
    foreign_key_findings,
    primary_key_findings,
)
from synthgen.schema.validation.loading import Loaded
from synthgen.schema.validation.report import Broken, Note, Report, TableSummary, both

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

LOADED, LOOKED_AT, KEYS_COMPARED = 0.45, 0.6, 0.7
"""Shares of the work [of 1] that are done by then: seconds at 1,000,000 tumours."""


def check_tables(
    source: str | os.PathLike[str],
    schema: Schema,
    *,
    table: str | None = None,
    show_values: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Check a cohort or a delivery against a schema.

    Everything is counted by DuckDB, with two threads and bounded memory, in a temporary
    folder that is removed afterwards; the files are only read.

    Parameters
    ----------
    source : str or path
        Folder with CSV (any separator, UTF-8, UTF-16, CP949, gzip) or Parquet files named
        after the tables, one such file, or a DuckDB file.
    schema : Schema
    table : str, optional
        Which table a single file holds, where its name and columns do not say.
    show_values : bool
        Whether the report holds values of the first rows that break a rule.
    progress : callable, optional
        Called with the share of the work that is done, in (0, 1].

    Returns
    -------
    Report
        How the tables were read, and one entry per broken rule.

    Raises
    ------
    ContractError
        If a file cannot be read at all; one line, without values.
    SchemaError
        If a rule or pattern of the schema cannot be checked.
    UsageError
        If the schema has no table of that name.
    OutputError
        If the temporary folder has no room.

    Examples
    --------
    >>> from synthgen.schema.load import load_schema
    >>> report = check_tables("delivery", load_schema("rare-cancer"))  # doctest: +SKIP
    >>> report.passes  # doctest: +SKIP
    True
    """
    done = progress or (lambda _: None)
    with open_delivery(Path(source), schema, table, lambda share: done(LOADED * share)) as delivery:
        report = _report(delivery, done, show_values=show_values)
        done(1.0)
    return report


def typed_tables(delivery: Delivery, code_types: CodeTypes) -> dict[str, TypedTable]:
    """Tables of a delivery with every cell looked at, by name."""
    return {
        loaded.table.name: typed_table(delivery.db, loaded, code_types, f"typed_{at}")
        for at, loaded in enumerate(delivery.tables)
    }


def _report(delivery: Delivery, done: Callable[[float], None], *, show_values: bool) -> Report:
    code_types = CodeTypes(delivery.db)
    tables = typed_tables(delivery, code_types)
    done(LOOKED_AT)
    return report_typed(delivery, tables, code_types, done, show_values=show_values)


def report_typed(
    delivery: Delivery,
    tables: Mapping[str, TypedTable],
    code_types: CodeTypes,
    done: Callable[[float], None] = lambda _: None,
    *,
    show_values: bool = False,
) -> Report:
    """Report on tables whose cells have been looked at, as :func:`check_tables` makes it.

    Parameters
    ----------
    delivery : Delivery
    tables : mapping of str to TypedTable
        As :func:`typed_tables` makes them.
    code_types : CodeTypes
        The same.
    done : callable, optional
        Called with the share of the work that is done.
    show_values : bool
        Whether the report holds values of the first rows that break a rule.
    """
    db, schema = delivery.db, delivery.schema
    notes = list(delivery.notes)
    broken = _missing_tables(delivery)
    for typed in tables.values():
        guesses = column_guesses(db, typed, code_types)
        broken += _structure(typed.loaded, guesses)
        notes += [*typed.loaded.notes, *column_notes(typed), *_structure_notes(typed.loaded)]
        found = column_findings(db, typed, show_values=show_values)
        broken += with_hints(db, typed, code_types, found)
    parents: dict[str, str] = {}
    for name, typed in tables.items():
        repeated = primary_key_findings(db, typed, show_values=show_values)
        parents[name] = _without_repeats(db, typed) if repeated else typed.relation
        broken += repeated
    for typed in tables.values():
        found, unchecked = foreign_key_findings(db, tables, typed, show_values=show_values)
        broken += found
        notes += unchecked
    done(KEYS_COMPARED)
    conditions, unchecked = conditions_of(db, schema, tables, parents)
    broken += count_conditions(db, tables, conditions, show_values=show_values)
    notes += unchecked
    return Report(
        source=one_line(delivery.source, 500),
        schema=schema.key,
        tables=tuple(
            TableSummary(
                name,
                typed.loaded.file,
                typed.loaded.rows,
                typed.missing,
                "line" if typed.loaded.separator else "row",
            )
            for name, typed in tables.items()
        ),
        broken=tuple(sorted(broken, key=lambda found: found.severity is Severity.UNLIKELY)),
        notes=tuple(notes),
    )


def _missing_tables(delivery: Delivery) -> list[Broken]:
    """Tables that a whole delivery does not have; of a single file nothing else is expected."""
    names = [t.name for t in delivery.schema.tables if delivery.loaded(t.name) is None]
    if not delivery.whole:
        return []
    texts = both("check.structure.no_table")
    return [Broken("structure.table", n, "", Severity.IMPOSSIBLE, *texts, 1) for n in names]


def _structure(loaded: Loaded, guesses: Mapping[str, str]) -> list[Broken]:
    """Columns that are missing or stand twice, records that are no records."""
    found = []
    for name in loaded.missing:
        if loaded.table.column(name).tier == "X":
            continue
        key = "check.structure.renamed" if name in guesses else "check.structure.no_column"
        texts = both(key, name=guesses.get(name, ""))
        found.append(
            Broken(
                "structure.column",
                loaded.table.name,
                name,
                Severity.IMPOSSIBLE,
                *texts,
                loaded.rows,
                total=loaded.rows,
            )
        )
    for name, at in loaded.twice:
        texts = both("check.structure.twice", number=at + 1)
        found.append(
            Broken(
                "structure.twice",
                loaded.table.name,
                name,
                Severity.IMPOSSIBLE,
                *texts,
                loaded.rows,
                total=loaded.rows,
            )
        )
    if loaded.uneven.count:
        texts = both("check.structure.uneven", number=len(loaded.names))
        found.append(
            Broken(
                "structure.record",
                loaded.table.name,
                "",
                Severity.IMPOSSIBLE,
                *texts,
                loaded.uneven.count,
                loaded.uneven.lines,
                (),
                loaded.rows + loaded.uneven.count,
            )
        )
    return found


def _structure_notes(loaded: Loaded) -> list[Note]:
    """What a program that reads columns by name need not care about."""
    notes = []
    name = loaded.table.name
    if loaded.extra:
        names = ", ".join(one_line(loaded.names[at], 40) for at in loaded.extra[:10])
        more = len(loaded.extra) - 10
        values = {
            "file": loaded.file,
            "columns": f"{names} ..." if more > 0 else names,
            "count": len(loaded.extra),
        }
        notes.append(Note("structure", "check.structure.extra", name, "", values))
    optional = [n for n in loaded.missing if loaded.table.column(n).tier == "X"]
    if optional:
        values = {"file": loaded.file, "columns": ", ".join(optional)}
        notes.append(Note("structure", "check.structure.optional", name, "", values))
    if not loaded.in_order:
        notes.append(Note("structure", "check.structure.order", name, "", {"file": loaded.file}))
    renamed = [loaded.names[at] for n, at in loaded.positions.items() if loaded.names[at] != n]
    if renamed:
        values = {"file": loaded.file, "columns": ", ".join(one_line(n, 40) for n in renamed[:10])}
        notes.append(Note("reading", "check.reading.names", name, "", values))
    if not loaded.rows:
        notes.append(Note("structure", "check.structure.no_rows", name, "", {"file": loaded.file}))
    return notes


def _without_repeats(db: duckdb.DuckDBPyConnection, typed: TypedTable) -> str:
    """View of the first row of each key, so that a repeated one does not count twice in joins."""
    relation = f"{typed.relation}_once"
    key = ", ".join(identifier(column) for column in typed.loaded.table.primary_key)
    db.execute(
        f"CREATE VIEW {relation} AS SELECT * FROM {typed.relation} QUALIFY row_number() OVER "  # noqa: S608
        f"(PARTITION BY {key} ORDER BY {identifier(typed.row)}) = 1"
    )
    return relation
