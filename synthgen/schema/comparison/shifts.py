"""Whether the values of a column are distributed in another way, without saying what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthgen.schema.model import Column, ColumnType
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.columns import TypedTable
from synthgen.schema.validation.database import count_where, row_of

if TYPE_CHECKING:
    import duckdb

FAR = 0.1
"""Distance of distributions, beyond what chance makes, that is worth a line; a tenth, ours."""

FEWEST = 5
"""Rows below which a share of a code, or a count, is not said: one patient is not a number."""

LOOKED_AT = 100_000
"""Rows, evenly spread over the table, by which values are parted into tenths."""

_CRITICAL = 1.63
"""Of Smirnov's two-sample statistic at 1 % (Smirnov N, Ann Math Stat 1948;19:279)."""

_ORDERED = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE)
_DATED = ("YYYYMMDD", "YYYYMM", "YYYY")


def is_ordered(column: Column) -> bool:
    """Whether the values of a column are numbers or days, in whatever form."""
    return column.type in _ORDERED or column.form in _DATED


def cuts_of(
    db: duckdb.DuckDBPyConnection, typed: TypedTable
) -> dict[str, tuple[tuple[Any, int], ...]]:
    """Nine values that part each ordered column into tenths, with the cells up to each.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    typed : TypedTable

    Returns
    -------
    dict of str to tuple of (object, int)
        By column; columns without a value are left out.
    """
    names = [n for n, reader in typed.readers.items() if is_ordered(reader.column)]
    if not names or not typed.loaded.rows:
        return {}
    step = math.ceil(typed.loaded.rows / LOOKED_AT)
    tenths = [n / 10 for n in range(1, 10)]
    asked = ", ".join(f"quantile_disc({identifier(n)}, {tenths})" for n in names)
    some = f"{typed.relation} WHERE {identifier(typed.row)} % {step} = 0"
    found = row_of(db, f"SELECT {asked} FROM {some}")  # noqa: S608
    values = {n: cuts for n, cuts in zip(names, found, strict=True) if cuts}
    return {n: tuple(zip(c, cells_up_to(db, typed, n, c), strict=True)) for n, c in values.items()}


def cells_up_to(
    db: duckdb.DuckDBPyConnection, typed: TypedTable, name: str, cuts: Sequence[Any]
) -> tuple[int, ...]:
    """Cells of a column that are at most each of some values."""
    cell = identifier(name)
    asked = ", ".join(count_where(f"{cell} <= {literal(cut)}") for cut in cuts)
    return tuple(int(n) for n in row_of(db, f"SELECT {asked} FROM {typed.relation}"))  # noqa: S608


def far_apart(a: Sequence[int], rows_a: int, b: Sequence[int], rows_b: int) -> float:
    """Largest difference of two distributions at the same values, if it is more than chance.

    Parameters
    ----------
    a, b : sequence of int
        Cells up to each value.
    rows_a, rows_b : int
        Cells with a value.

    Returns
    -------
    float
        In [0, 1]; 0 where it is at most :data:`FAR` beyond the 1 % limit of chance.

    Examples
    --------
    >>> far_apart([10, 50, 90], 100, [40, 80, 99], 100), far_apart([10], 100, [14], 100)
    (0.3..., 0.0)
    """
    if not rows_a or not rows_b:
        return 0.0
    most = max(abs(x / rows_a - y / rows_b) for x, y in zip(a, b, strict=True))
    chance = _CRITICAL * math.sqrt((rows_a + rows_b) / (rows_a * rows_b))
    return most if most > max(FAR, chance) else 0.0


def shares_apart(a: Mapping[str, int], b: Mapping[str, int]) -> tuple[float, tuple[str, ...]]:
    """Total variation distance of the shares of codes, if it is more than chance.

    Parameters
    ----------
    a, b : mapping of str to int
        Cells by code.

    Returns
    -------
    float
        In [0, 1]; 0 where it is at most :data:`FAR` beyond what two samples of one
        distribution differ by on average.
    tuple of str
        Codes whose shares differ most, of those with at least :data:`FEWEST` cells on both
        sides.
    """
    rows_a, rows_b = sum(a.values()), sum(b.values())
    if not rows_a or not rows_b:
        return 0.0, ()
    apart = {c: abs(a.get(c, 0) / rows_a - b.get(c, 0) / rows_b) for c in (*a, *b)}
    pooled = {c: (a.get(c, 0) + b.get(c, 0)) / (rows_a + rows_b) for c in apart}
    noise = (1 / rows_a + 1 / rows_b) * 2 / math.pi
    chance = sum(math.sqrt(p * (1 - p) * noise) for p in pooled.values()) / 2
    far = sum(apart.values()) / 2
    named = [c for c in apart if min(a.get(c, 0), b.get(c, 0)) >= FEWEST]
    most = tuple(sorted(named, key=lambda c: (-apart[c], c))[:3])
    return (far, most) if far > FAR + chance else (0.0, ())
