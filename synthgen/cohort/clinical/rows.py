"""Rows of a clinical table: put together, ordered within a tumour, numbered, named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.columns import coded

IntArray = npt.NDArray[np.intp]
DayArray = npt.NDArray[np.int64]
Rows = dict[str, Any]
"""Columns of a table by name: positions of codes, days, numbers; ``at`` is the parent's row."""


def joined(parts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Rows:
    """Parts one after the other; a column that a part lacks is missing there (NaN or -1)."""
    made: Rows = {}
    for name in names:
        kinds = [np.asarray(p[name]).dtype for p in parts if name in p]
        floating = any(kind.kind == "f" for kind in kinds)
        columns = []
        for part in parts:
            n = len(part["at"])
            lacking = np.full(n, np.nan) if floating else np.full(n, -1, dtype=np.int64)
            columns.append(np.asarray(part.get(name, lacking)))
        empty = np.empty(0, dtype=np.float64 if floating else np.int64)
        made[name] = np.concatenate(columns) if columns else empty
    return made


def in_order(rows: Rows, *by: str) -> Rows:
    """Rows sorted by their parent, then by the named columns; equal ones stay as they are."""
    order = np.lexsort([rows[name] for name in reversed(("at", *by))])
    return {name: values[order] for name, values in rows.items()}


def numbers(at: IntArray) -> IntArray:
    """Number of each row within its parent, from 1; equal parents must stand together."""
    if not len(at):
        return np.zeros(0, dtype=np.intp)
    first = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
    sizes = np.diff(np.append(first, len(at)))
    return np.asarray(np.arange(len(at)) - np.repeat(first, sizes) + 1, dtype=np.intp)


def child_ids(
    parents: npt.NDArray[np.bytes_], letter: str, number: IntArray, digits: int = 2
) -> npt.NDArray[np.bytes_]:
    """Identifiers of rows: the parent's, a letter and a number.

    Parameters
    ----------
    parents : ndarray of bytes, shape (n,)
        All of one length.
    letter : str
    number : ndarray of intp, shape (n,)
        From 1.
    digits : int
    """
    width = parents.dtype.itemsize
    text = np.empty((len(parents), width + 1 + digits), dtype=np.uint8)
    text[:, :width] = np.ascontiguousarray(parents).view(np.uint8).reshape(-1, width)
    text[:, width] = ord(letter)
    left = number.copy()
    for place in range(width + digits, width, -1):
        left, digit = np.divmod(left, 10)
        text[:, place] = ord("0") + digit
    return text.view(f"S{width + 1 + digits}").ravel()


class Words:
    """Texts met so far, each with a position: the codes of a column as it is made."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def at(self, word: str | None) -> int:
        """Position of a text; -1 for none."""
        return -1 if word is None else self._places.setdefault(word, len(self._places))

    def positions(self, words: Sequence[str | None]) -> IntArray:
        """Positions of texts."""
        return np.array([self.at(word) for word in words], dtype=np.intp)

    def column(self, positions: IntArray) -> Any:
        """Text column from positions."""
        return coded(tuple(self._places) or ("",), positions)


def days(values: DayArray) -> npt.NDArray[np.datetime64]:
    """Dates from days since 1970."""
    return np.asarray(values.astype("datetime64[D]"))
