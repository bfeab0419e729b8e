"""From positions of codes to columns of a table, in the types that a cohort has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.errors import SchemaError
from synthgen.schema.model import ColumnType, Table

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]


def coded(codes: tuple[str, ...], positions: IntArray) -> pd.Categorical:
    """Text column from positions among codes; -1 is missing."""
    import pandas as pd

    make: Any = pd.Categorical.from_codes  # its stubs take no plain positions
    column: pd.Categorical = make(positions, categories=list(codes))
    return column


def text_column(texts: Sequence[str], positions: IntArray) -> pd.Categorical:
    """Text column from positions among texts, which may repeat; an empty one is missing."""
    distinct = tuple(dict.fromkeys(t for t in texts if t))
    rank = {text: i for i, text in enumerate(distinct)}
    lookup = np.array([rank.get(text, -1) for text in texts], dtype=np.intp)
    return coded(distinct or ("",), lookup[positions])


def number_column(values: npt.NDArray[np.float64], *, whole: bool) -> Any:
    """Column of numbers in which NaN is missing."""
    import pandas as pd

    missing = np.isnan(values)
    if whole:
        return pd.arrays.IntegerArray(np.where(missing, 0.0, values).astype(np.int64), missing)
    return pd.arrays.FloatingArray(np.where(missing, 0.0, values), missing)


def joined(parts: Sequence[Any]) -> Any:
    """One column from the parts of several tables, all made in the same way."""
    import pandas as pd

    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return pd.concat([pd.Series(part) for part in parts], ignore_index=True).array


def placeholders(table: Table, rows: int) -> dict[str, Any]:
    """A text for columns that may not be missing and that no model decides."""
    return {
        c.name: coded(("synthetic",), np.zeros(rows, dtype=np.intp))
        for c in table.columns
        if c.type is ColumnType.STRING and not c.nullable and not c.pattern
    }


def no_rows(table: Table) -> dict[str, Any]:
    """Columns of a table without rows."""
    empty: dict[str, Any] = {}
    for column in table.columns:
        if column.type is ColumnType.DATE:
            empty[column.name] = np.empty(0, dtype="datetime64[s]")
        elif column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
            empty[column.name] = np.empty(0, dtype=np.float64)
        else:
            empty[column.name] = coded(("",), np.empty(0, dtype=np.intp))
    return empty


def frame_of(table: Table, columns: Mapping[str, Any], rows: int) -> pd.DataFrame:
    """Frame with all columns of a table, in its order and types; absent ones are missing.

    Parameters
    ----------
    table : Table
    columns : mapping of str to array
        Values by column name.
    rows : int

    Raises
    ------
    SchemaError
        If a column that may not be missing has no values.
    """
    import pandas as pd

    series = {}
    for column in table.columns:
        values = columns.get(column.name)
        if values is None:
            if not column.nullable:
                raise SchemaError(
                    f"{table.name}.{column.name}: must not be missing, and the model does not "
                    "decide it"
                )
            series[column.name] = _missing(column.type, rows)
        elif column.type is ColumnType.DATE:
            series[column.name] = pd.Series(values.astype("datetime64[s]"))
        elif column.type is ColumnType.INTEGER:
            series[column.name] = pd.Series(values).astype("Int64")
        elif column.type is ColumnType.NUMBER:
            series[column.name] = pd.Series(values).astype("Float64")
        else:
            series[column.name] = pd.Series(values)
    return pd.DataFrame(series)


def _missing(kind: ColumnType, rows: int) -> pd.Series[Any]:
    import pandas as pd

    nowhere = np.ones(rows, dtype=np.bool_)
    if kind is ColumnType.DATE:
        return pd.Series(np.full(rows, np.datetime64("NaT", "s")))
    if kind is ColumnType.INTEGER:
        return pd.Series(pd.arrays.IntegerArray(np.ones(rows, dtype=np.int64), nowhere))
    if kind is ColumnType.NUMBER:
        return pd.Series(pd.arrays.FloatingArray(np.ones(rows, dtype=np.float64), nowhere))
    return pd.Series(coded(("",), np.full(rows, -1)))
