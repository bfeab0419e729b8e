"""Rows of linked tables that stand in the release, word for word, under whatever patient.

The other attacks look at one row for each patient, with the first row of every table that
refers to the patients.  Second tumours, and tables that refer to a tumour, are looked at here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.fidelity.encoding import texts
from synthgen.fidelity.intervals import Bounded
from synthgen.fidelity.results import bounded
from synthgen.findings import Finding, Inputs
from synthgen.privacy.whole_records import LEVEL, STRANGE, copies
from synthgen.schema.model import Schema, Sensitivity, Table

if TYPE_CHECKING:
    import pandas as pd

PART = "rows of "
"""Beginning of the part of a finding; the name of the table follows."""

Row = tuple[str | None, ...]
Tables = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True)
class Owned:
    """Rows of one table, and the position of the patient whose each is (-1: nobody's)."""

    rows: list[Row]
    owners: list[int]


def linked_rows(inputs: Inputs, measure: str) -> list[Finding]:
    """Number of members of whom the release repeats rows of a linked table.

    Parameters
    ----------
    inputs : Inputs
        With ``cohort`` and ``real``.
    measure : str
        Id of the measure that reports it.

    Returns
    -------
    list of Finding
        At most one for each table with a foreign key, in persons: members with a row that no
        other real patient has and that stands in the release, as far as the rows of others do
        not explain them.  None where coincidence explains all of them: chance repeats short
        rows, and a row of its own says less than a whole record.

    Notes
    -----
    Where others are repeated far more often than members, they are counted instead.

    A person counts once, however many rows are repeated, because the rows of a person go
    together.  The test is that of :func:`~synthgen.privacy.whole_records.whole_records`, at
    5 % for all tables together (Bonferroni), so that an honest release is refused in at most one
    of twenty evaluations.  Keys and identifiers are left out of the rows: a copy under another
    patient is a copy.
    """
    schema, sides = inputs.schema, [inputs.real.get(name) for name in ("train", "control")]
    train, control = sides
    if schema is None or train is None or control is None or not inputs.cohort:
        return []
    linked = [t for t in schema.tables if t.foreign_keys and t.name in inputs.cohort]
    linked = [t for t in linked if t.name in train and t.name in control]
    sizes = [len(_root(schema, side)) for side in (train, control)]
    share = sizes[0] / max(sum(sizes), 1)
    findings = []
    for table in linked:
        columns = _columns(table, (train, control, inputs.cohort))
        owned = [_owned(schema, side, table, columns) for side in (train, control)]
        if not columns or any(one is None for one in owned):
            continue
        shown = set(_rows(inputs.cohort[table.name], columns))
        members, others = _repeated([one for one in owned if one is not None], shown)
        proved = copies(members, others, share, LEVEL / len(linked))
        detail = {"members": members, "others": others, "columns": len(columns)}
        if taken := copies(others, members, 1 - share, STRANGE / len(linked)):
            limits = Bounded(float(taken), float(taken), float(others), np.nan)
            findings.append(bounded(measure, "C", PART + table.name, limits, sizes[1], detail))
            continue
        if members and not proved:
            continue
        likely = max(float(proved), members - others * share / max(1 - share, 1e-9))
        limits = Bounded(min(likely, float(members)), float(proved), float(members), np.nan)
        findings.append(bounded(measure, "C", PART + table.name, limits, sizes[0], detail))
    return findings


def _repeated(sides: list[Owned], shown: set[Row]) -> tuple[int, int]:
    """Members, and others, with a row in the release that no other real patient has."""
    people: Counter[Row] = Counter()
    for side in sides:
        for row, _ in set(zip(side.rows, side.owners, strict=True)):
            people[row] += 1
    found = [
        len(
            {o for row, o in zip(side.rows, side.owners, strict=True) if _is(row, o, people, shown)}
        )
        for side in sides
    ]
    return found[0], found[1]


def _is(row: Row, owner: int, people: Counter[Row], shown: set[Row]) -> bool:
    return owner >= 0 and people[row] == 1 and row in shown and any(v is not None for v in row)


def _root(schema: Schema, tables: Tables) -> pd.DataFrame:
    return tables[next((t for t in schema.tables if not t.foreign_keys), schema.tables[0]).name]


def _columns(table: Table, sides: tuple[Tables, ...]) -> tuple[str, ...]:
    """Columns of a table that say something, and that every side has."""
    keys = {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}
    return tuple(
        column.name
        for column in table.columns
        if column.sensitivity is not Sensitivity.IDENTIFIER
        and column.name not in keys
        and all(column.name in side[table.name].columns for side in sides)
    )


def _owned(schema: Schema, tables: Tables, table: Table, columns: tuple[str, ...]) -> Owned | None:
    owners = _owners(schema, tables, table)
    return None if owners is None else Owned(list(_rows(tables[table.name], columns)), owners)


def _owners(schema: Schema, tables: Tables, table: Table) -> list[int] | None:
    """Position of the patient of each row, up the foreign keys; None where they lead nowhere."""
    frame = tables[table.name]
    if not table.foreign_keys:
        return list(range(len(frame)))
    for key in table.foreign_keys:
        if key.table == table.name or key.table not in tables:
            continue
        parent = tables[key.table]
        if not {*key.columns} <= {*frame.columns} or not {*key.references} <= {*parent.columns}:
            continue
        above = _owners(schema, tables, schema.table(key.table))
        if above is None:
            continue
        known = dict(zip(_keys(parent, key.references), above, strict=True))
        return [known.get(value, -1) for value in _keys(frame, key.columns)]
    return None


def _keys(frame: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    return frame[list(columns)].astype(object).itertuples(index=False, name=None)


def _rows(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[Row]:
    """Every row as texts of its values; None where missing."""
    sides: list[list[str | None]] = [list(texts(frame[name].astype(object))) for name in columns]
    return list(zip(*sides, strict=True))
