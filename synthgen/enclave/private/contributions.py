"""How much of the records one patient can be: rows are bounded before anything is counted.

Which rows of a patient are kept depends on that patient's rows alone (the first in the order
of their keys, then of all columns), so that adding or removing a patient changes nothing of
the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from synthgen.enclave.records import Records
from synthgen.enclave.units import parents_of
from synthgen.errors import PrivacyBudgetError, RecordsError
from synthgen.schema.model import Table
from synthgen.schema.rules.sql import identifier

ROWS = 1
"""Rows of a patient that are kept of a table, where nobody says otherwise."""

MOST_ROWS = 1_000

UNIT = "synthgen_unit"
"""Column that says whose row it is; its name is none that a schema gives."""


def rows_kept(records: Records, stated: Mapping[str, int]) -> dict[str, int]:
    """Rows of a patient that are kept, by table.

    Parameters
    ----------
    records : Records
    stated : mapping of str to int
        By table; ``""`` for every table that is not named.

    Raises
    ------
    PrivacyBudgetError
        If a table is not one of the records, or a number is out of range.
    """
    known = {table.name for table in records.tables}
    for name, rows in stated.items():
        if name and name not in known:
            raise PrivacyBudgetError(
                f"rows per patient: {name} is no table of the records; they have "
                f"{', '.join(sorted(known))}"
            )
        if not 1 <= rows <= MOST_ROWS:
            raise PrivacyBudgetError(f"rows per patient: is {rows}; it must be 1 to {MOST_ROWS}")
    return {t.name: stated.get(t.name, stated.get("", ROWS)) for t in records.tables}


def bounded(records: Records, kept: Mapping[str, int], patient: str = "") -> Records:
    """Records with so many rows of each patient and table at most.

    Parameters
    ----------
    records : Records
    kept : mapping of str to int
        Rows of a patient by table.
    patient : str
        Column of the first table that says whose a row is; ``""``: every row of the first
        table is a patient.

    Returns
    -------
    Records
        The rows are not counted: nobody may know their number yet.

    Raises
    ------
    RecordsError
        If the tables are not linked, or there is no such column.
    """
    chains = {t.name: parents_of(records, t) for t in records.tables}
    ordered = sorted(records.tables, key=lambda t: len(chains[t.name]))
    roots = [t.name for t in ordered if not chains[t.name]]
    if len(roots) != 1:
        raise RecordsError(
            f"records: tables {', '.join(roots)} are not linked by a key; tabulate one at a time"
        )
    relations: dict[str, str] = {}
    for number, table in enumerate(ordered):
        name = f"bounded_{number}"
        if chains[table.name]:
            sql = _child(records, table, relations, kept[table.name])
        else:
            sql = _root(records, table, patient, kept[table.name])
        records.db.execute(f"CREATE TABLE {name} AS {sql}")
        relations[table.name] = name
    return replace(records, relations=relations, rows=dict.fromkeys(relations, 0))


def _root(records: Records, table: Table, patient: str, rows: int) -> str:
    relation = records.relations[table.name]
    if not patient:
        if rows > 1:
            raise PrivacyBudgetError(
                f"rows per patient: {table.name} has {rows}, but every row of it is a patient; "
                "say with --patient which column says whose a row is"
            )
        return f"SELECT *, row_number() OVER () AS {UNIT} FROM {relation}"  # noqa: S608
    column = patient.partition(".")[2] or patient
    there = {row[0] for row in records.db.execute(f"DESCRIBE {relation}").fetchall()}
    if column not in table.column_names or column not in there:
        raise PrivacyBudgetError(
            f"patient: {column} is no column of {table.name}, the table that the others refer to"
        )
    owner = f"t.{identifier(column)}"
    present = _present(table, "t", there)
    return (
        f"SELECT t.*, {owner} AS {UNIT} FROM {relation} AS t WHERE {owner} IS NOT NULL "  # noqa: S608
        f"QUALIFY row_number() OVER (PARTITION BY {owner} ORDER BY {present}) <= {rows}"
    )


def _present(table: Table, alias: str, there: set[str]) -> str:
    names = (*table.primary_key, *(c.name for c in table.columns))
    kept = [n for n in dict.fromkeys(names) if n in there]
    return ", ".join(f"{alias}.{identifier(n)}" for n in kept)


def _child(records: Records, table: Table, relations: Mapping[str, str], rows: int) -> str:
    key = next(k for k in table.foreign_keys if k.table in records.relations)
    relation = records.relations[table.name]
    there = {row[0] for row in records.db.execute(f"DESCRIBE {relation}").fetchall()}
    same = " AND ".join(
        f"t.{identifier(a)} = p.{identifier(b)}"
        for a, b in zip(key.columns, key.references, strict=True)
    )
    return (
        f"SELECT t.*, p.{UNIT} FROM {relation} AS t JOIN {relations[key.table]} AS p ON {same} "  # noqa: S608
        f"QUALIFY row_number() OVER (PARTITION BY p.{UNIT} ORDER BY {_present(table, 't', there)}) "
        f"<= {rows}"
    )
