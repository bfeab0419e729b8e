"""Wide rows: one row for each subject, the form in which engines of one table learn records.

A wide row has nothing missing and nothing that names a person.  Codes that the schema ties to
each other are one column whose values are the combinations that occur; whether a number is
missing, and whether a subject has a row in another table, are codes as well.  Dates are whole
days since 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError

FloatArray = npt.NDArray[np.float64]

#: Begins the part of a combination that says whether a number is missing: ``"1"`` if it is.
MISSING = "missing:"
#: Begins the part of a combination that says whether a table has a row: ``"1"`` if it has.
ROWS = "rows:"
#: Most decimals that a number is rounded to.
DECIMALS = 9

Wide = Mapping[str, npt.NDArray[Any]]
"""Values by name: positions of combinations (``intp``) and numbers (``float64``), shape (n,)."""


@dataclass(frozen=True)
class Codes:
    """Columns that are learned as one.

    Parameters
    ----------
    columns : tuple of str
        Qualified columns, or what :data:`MISSING` and :data:`ROWS` begin.
    combinations : tuple of tuple of str
        Values of the columns that occur together, ``""`` for a missing code.
    """

    columns: tuple[str, ...]
    combinations: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """Name of the wide column."""
        return " + ".join(self.columns)

    def texts(self, column: str) -> tuple[str, ...]:
        """Value of one of the columns in each combination."""
        at = self.columns.index(column)
        return tuple(combination[at] for combination in self.combinations)


@dataclass(frozen=True)
class Number:
    """A number, or a date as whole days since 1970-01-01.

    Parameters
    ----------
    column : str
        Qualified.
    decimals : int or None
        Decimals of the records' values, 0 for whole numbers and days; None for any.
    """

    column: str
    decimals: int | None


@dataclass(frozen=True)
class Layout:
    """Which wide columns there are, and what of the schema each decides.

    Parameters
    ----------
    tables : tuple of (str, str)
        Tables that have rows, and the one that each refers to (``""`` for the first).
    codes : tuple of Codes
    numbers : tuple of Number
    order : tuple of (str, str)
        Numbers of which the first is never above the second, where both are there.
    same : tuple of (str, str)
        Columns that a rule keeps equal: the first is no number of its own, it has the value
        of the second; whether it is missing is its own.

    Raises
    ------
    ModelError
        If names repeat, a combination has another length, or the order names no numbers.
    """

    tables: tuple[tuple[str, str], ...]
    codes: tuple[Codes, ...]
    numbers: tuple[Number, ...]
    order: tuple[tuple[str, str], ...] = ()
    same: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [*(c for one in self.codes for c in one.columns), *(n.column for n in self.numbers)]
        names += [column for column, _ in self.same]
        if len(set(names)) != len(names):
            raise ModelError("layout: a column stands twice; each must be decided once")
        for one in self.codes:
            lengths = {len(combination) for combination in one.combinations}
            if lengths != {len(one.columns)} or len(set(one.combinations)) < len(one.combinations):
                raise ModelError(
                    f"layout: combinations of {one.name} must have a value for each column, and "
                    "stand once"
                )
        numbers = {n.column for n in self.numbers}
        if any({*pair} - numbers or pair[0] == pair[1] for pair in self.order):
            raise ModelError("layout: the order must be of two numbers")
        if any(like not in numbers for _, like in self.same):
            raise ModelError("layout: a column must be the same as a number")
        known: set[str] = set()
        for at, (table, parent) in enumerate(self.tables):
            if (at == 0) != (parent == "") or (parent and parent not in known) or table in known:
                raise ModelError("layout: tables must stand once, each after the one it refers to")
            known.add(table)
        for number in self.numbers:
            if number.decimals is not None and not 0 <= number.decimals <= DECIMALS:
                raise ModelError(f"layout: decimals of {number.column} must be 0 to {DECIMALS}")

    @cached_property
    def of_column(self) -> dict[str, Codes]:
        """Wide column that holds a code, by qualified column."""
        return {column: one for one in self.codes for column in one.columns}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all wide columns, codes first."""
        return (*(one.name for one in self.codes), *(n.column for n in self.numbers))

    def in_order(self, wide: Wide) -> npt.NDArray[np.bool_]:
        """Whether each row keeps the order of numbers that are there, shape (n,)."""
        good = np.ones(len(next(iter(wide.values()))), dtype=np.bool_)
        for lower, upper in self.order:
            good &= (
                self._lacks(wide, lower) | self._lacks(wide, upper) | (wide[lower] <= wide[upper])
            )
        return good

    def _lacks(self, wide: Wide, column: str) -> npt.NDArray[np.bool_]:
        """Whether a number is missing, or its table has no row."""
        table = column.partition(".")[0]
        return np.asarray(self.is_missing(wide, column) | ~self.has_row(wide, table))

    def is_missing(self, wide: Wide, column: str) -> npt.NDArray[np.bool_]:
        """Whether a number is missing in each row, shape (n,)."""
        return self._says(wide, f"{MISSING}{column}", absent="0")

    def has_row(self, wide: Wide, table: str) -> npt.NDArray[np.bool_]:
        """Whether each subject has a row of a table, shape (n,)."""
        return self._says(wide, f"{ROWS}{table}", absent="1")

    def _says(self, wide: Wide, part: str, absent: str) -> npt.NDArray[np.bool_]:
        one = self.of_column.get(part)
        if one is None:
            rows = len(next(iter(wide.values())))
            return np.full(rows, absent == "1", dtype=np.bool_)
        said = np.array([text == "1" for text in one.texts(part)], dtype=np.bool_)
        return np.asarray(said[wide[one.name]], dtype=np.bool_)

    def describe(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "tables": [list(pair) for pair in self.tables],
            "codes": [
                {"columns": list(one.columns), "combinations": [list(c) for c in one.combinations]}
                for one in self.codes
            ],
            "numbers": [{"column": n.column, "decimals": n.decimals} for n in self.numbers],
            "order": [list(pair) for pair in self.order],
            "same": [list(pair) for pair in self.same],
        }


def layout_from(said: Mapping[str, Any]) -> Layout:
    """The layout that :meth:`Layout.describe` describes.

    Raises
    ------
    ModelError
        If it is none.
    """

    def pair(values: Any) -> tuple[str, str]:
        first, second = values
        return _text(first), _text(second)

    try:
        return Layout(
            tuple(map(pair, said["tables"])),
            tuple(
                Codes(
                    tuple(map(_text, one["columns"])),
                    tuple(tuple(map(_text, c)) for c in one["combinations"]),
                )
                for one in said["codes"]
            ),
            tuple(Number(_text(n["column"]), _whole(n["decimals"])) for n in said["numbers"]),
            tuple(map(pair, said["order"])),
            tuple(map(pair, said["same"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError("layout: must name tables, codes, numbers and their order") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("must be text")
    return value


def _whole(value: object) -> int | None:
    if value is not None and type(value) is not int:
        raise TypeError("must be a whole number")
    return value
