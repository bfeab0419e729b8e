"""A hash of records that neither their file format nor the order of their rows changes.

The log of attempts counts by it, so that the same patients in another file, in another order
or under new pseudonyms do not start afresh.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.evaluation.subjects import is_shown
from synthgen.schema.model import Column, ColumnType, Schema, Table

if TYPE_CHECKING:
    import pandas as pd


def records_hash(tables: Mapping[str, pd.DataFrame], schema: Schema) -> str:
    """Hexadecimal SHA-256 of the typed rows of records.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As :func:`~synthgen.evaluation.subjects.record_tables` reads them.
    schema : Schema

    Notes
    -----
    The rows of each table as JSON lists, in the order of their bytes.  Identifiers and keys are
    left out; a row of another table is followed by the row that its foreign key names.  One
    changed cell, or one row more or less, gives another hash: it recognises records that are
    the same, not records that are alike.
    """
    texts: dict[str, list[str]] = {}
    waiting = [table for table in schema.tables if table.name in tables]
    while waiting:
        table = next((t for t in waiting if _parents(t, tables) <= {*texts, t.name}), waiting[0])
        waiting.remove(table)
        texts[table.name] = _rows(table, tables, schema, texts)
    digest = hashlib.sha256(b"synthgen-records-1\n")
    for name in sorted(texts):
        digest.update(json.dumps([name, len(texts[name])]).encode() + b"\n")
        for text in sorted(texts[name]):
            digest.update(text.encode() + b"\n")
    return digest.hexdigest()


def _parents(table: Table, tables: Mapping[str, pd.DataFrame]) -> set[str]:
    return {key.table for key in table.foreign_keys if key.table in tables}


def _rows(
    table: Table,
    tables: Mapping[str, pd.DataFrame],
    schema: Schema,
    texts: Mapping[str, list[str]],
) -> list[str]:
    """Each row of a table as text, without keys but with the rows that they name."""
    frame = tables[table.name]
    shown = [c for c in table.columns if c.name in frame.columns and is_shown(c, table)]
    names = [column.name for column in shown]
    cells = [_cells(frame[column.name], column) for column in shown]
    for key in table.foreign_keys:
        if key.table not in texts or not {*key.columns} <= {*frame.columns}:
            continue
        parent = tables[schema.table(key.table).name]
        if {*key.references} <= {*parent.columns}:
            names.append(f"->{key.table}")
            known = dict(zip(_keys(parent, key.references), texts[key.table], strict=True))
            cells.append([known.get(value) for value in _keys(frame, key.columns)])
    head = json.dumps(names)
    rows = zip(*cells, strict=True) if cells else ([] for _ in range(len(frame)))
    return [head + json.dumps(list(row), ensure_ascii=False) for row in rows]


def _keys(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(frame[list(columns)].astype(object).itertuples(index=False, name=None))


def _cells(values: pd.Series[Any], column: Column) -> list[Any]:
    """Cells as JSON has them: a missing one is null, whatever the type."""
    missing = values.isna().to_numpy(dtype=np.bool_)
    found: list[Any]
    match column.type:
        case ColumnType.DATE:
            found = values.to_numpy(dtype="datetime64[D]").astype(str).tolist()
        case ColumnType.INTEGER:
            found = values.astype("Int64").to_numpy(dtype=np.int64, na_value=0).tolist()
        case ColumnType.NUMBER:
            number = values.astype("Float64").to_numpy(dtype=np.float64, na_value=0.0)
            found = (number + 0.0).tolist()  # minus zero is zero
        case _:
            found = [str(value) for value in values.tolist()]
    return [None if gone else cell for gone, cell in zip(missing, found, strict=True)]
