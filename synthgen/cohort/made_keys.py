"""Keys of rows of any schema: visibly synthetic, and of the form that the schema asks for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.identifiers import patient_ids
from synthgen.randomness import BLOCK_SIZE
from synthgen.schema.model import Column, ColumnType, Sensitivity, Table

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]

_PART = re.compile(
    r"(\[[^\]]+\]|\\d|\(\?:|[()|.*+?^$]|\\.|[^\\\[\](){}|.*+?^$])(?:\{(\d+)(?:,\d*)?\})?"
)
#: Rows of a further table that a row of the first has on average at most: numbers are kept free.
MOST_ROWS = 128
_CLASSES = {r"\d": "0123456789"}


def characters_of(pattern: str) -> list[str] | None:
    """Characters allowed at each place of a pattern of fixed length; None for any other.

    Examples
    --------
    >>> characters_of("^OP[0-9]{2}$")
    ['O', 'P', '0123456789', '0123456789']
    """
    text = pattern.removeprefix("^").removesuffix("$")
    places: list[str] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None or match[1] in {"(?:", *"()|.*+?^$"}:
            return None
        at = match.end()
        allowed = _characters(match[1])
        if not allowed:
            return None
        places += [allowed] * int(match[2] or 1)
    return places


def _characters(part: str) -> str:
    if part in _CLASSES:
        return _CLASSES[part]
    if not part.startswith("["):
        return part.removeprefix("\\")
    inside = part[1:-1]
    if inside.startswith("^") or "\\" in inside:
        return ""
    made: list[str] = []
    at = 0
    while at < len(inside):
        if at + 2 < len(inside) and inside[at + 1] == "-":
            made += [chr(c) for c in range(ord(inside[at]), ord(inside[at + 2]) + 1)]
            at += 3
        else:
            made.append(inside[at])
            at += 1
    return "".join(dict.fromkeys(made))


def made_keys(
    model: FittedModel,
    seed: int,
    block: int,
    table: Table,
    rows: int,
    frames: Mapping[str, pd.DataFrame],
    parent_rows: IntArray | None,
) -> dict[str, Any]:
    """Primary and foreign keys, and columns that identify.

    Parameters
    ----------
    model : FittedModel
    seed : int
    block : int
        Number of the block.
    table : Table
    rows : int
    frames : mapping of str to DataFrame
        Tables made before: what foreign keys refer to.
    parent_rows : ndarray of intp, shape (rows,), or None
        Row of the parent of each row.
    """
    made: dict[str, Any] = {}
    if parent_rows is not None:
        for key in table.foreign_keys:
            if key.table in frames:
                for own, theirs in zip(key.columns, key.references, strict=True):
                    made[own] = frames[key.table][theirs].iloc[parent_rows].reset_index(drop=True)
                break
    named = [
        c
        for c in table.columns
        if c.name not in made
        and (
            c.name in table.primary_key
            or c.sensitivity is Sensitivity.IDENTIFIER
            or (c.type is ColumnType.STRING and c.pattern and not c.nullable)
        )
    ]
    sequence = _sequence(rows, parent_rows)
    first = block * BLOCK_SIZE * (1 if parent_rows is None else MOST_ROWS)
    shared = any(c in made for c in table.primary_key)
    for column in named:
        if column.type is ColumnType.DATE or column.type is ColumnType.CODE:
            continue
        if column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
            within = shared and column.name in table.primary_key
            start = 1 if column.minimum is None else max(int(np.ceil(column.minimum)), 1)
            number = sequence if within else first + np.arange(rows)
            made[column.name] = np.asarray(number + start, dtype=np.int64)
        else:
            made[column.name] = _texts(model, seed, first, table, column, rows)
    return made


def _sequence(rows: int, parent_rows: IntArray | None) -> IntArray:
    """Number of each row among those of its parent, from 0."""
    if parent_rows is None or not rows:
        return np.zeros(rows, dtype=np.intp)
    starts = np.searchsorted(parent_rows, parent_rows, side="left")
    return np.asarray(np.arange(rows) - starts, dtype=np.intp)


def _texts(
    model: FittedModel, seed: int, first: int, table: Table, column: Column, rows: int
) -> npt.NDArray[np.str_]:
    """Identifiers of the schema's form, or ``SY`` and eight characters where it has none."""
    key = f"{model.sha256}:{table.name}.{column.name}"
    places = characters_of(column.pattern) if column.pattern else None
    capacity = 1
    for allowed in places or []:
        capacity *= len(allowed)
    if places is None or capacity < first + rows:
        return patient_ids(key, seed, first, rows)
    digest = hashlib.sha256(f"synthgen-keys-1\x1f{key}\x1f{seed}".encode()).digest()
    offset = int.from_bytes(digest[:8], "big") % capacity
    number = (np.arange(first, first + rows, dtype=np.int64) + offset) % min(capacity, 2**62)
    texts = np.full(rows, "", dtype=f"<U{max(len(places), 1)}")
    for allowed in reversed(places):
        number, digit = np.divmod(number, len(allowed))
        texts = np.char.add(np.array(list(allowed))[digit], texts)
    return texts
