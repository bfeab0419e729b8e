"""What a cohort's rows say in the words of the model: the code of every model variable.

Statistics speak about model variables (age group, site group, entity); a cohort has
columns (age, topography, histology).  The schema says how the two belong together, and this
file follows it for whole columns at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.errors import SchemaError
from synthgen.schema.codesets import code_set
from synthgen.schema.model import Schema, Variable

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.cohort.cohort import Cohort

IntArray = npt.NDArray[np.intp]

SEQUENCE = "tumour_sequence"
"""Column that numbers the tumours of a patient, from 1."""


@dataclass(frozen=True, eq=False)
class CohortCodes:
    """Rows of a cohort, seen from the table in which everything can be looked up.

    Statistics of patients count each patient once: where a table numbers the tumours of a
    patient, only the rows of first tumours are looked at.

    Parameters
    ----------
    cohort : Cohort
    """

    cohort: Cohort

    @cached_property
    def table(self) -> str:
        """Table whose foreign keys lead to all others that model variables name (tumours)."""
        return base_table(self.cohort.schema)

    def __len__(self) -> int:
        return len(self._frame)

    @cached_property
    def _frame(self) -> pd.DataFrame:
        """The base table, first tumours only."""
        frame = self.cohort[self.table]
        if SEQUENCE not in frame.columns:
            return frame
        further = (frame[SEQUENCE] > 1).fillna(value=False).to_numpy(dtype=np.bool_)
        return frame[~further].reset_index(drop=True) if further.any() else frame

    def has(self, column: str) -> bool:
        """Whether the cohort has a column, written ``"tumour.topography"``."""
        table, _, name = column.partition(".")
        return table in self.cohort.tables and name in self.cohort[table].columns

    def column(self, column: str) -> pd.Series[Any]:
        """A column, one value per row of :attr:`table`.

        Raises
        ------
        SchemaError
            If no foreign key leads to its table.
        """
        table, _, name = column.partition(".")
        if table == self.table:
            return self._frame[name]
        values = self.cohort[table][name]
        rows = self._rows[table]
        return values.take(rows).reset_index(drop=True)

    @cached_property
    def _rows(self) -> dict[str, IntArray]:
        """Row of each other table that belongs to each row of the base table."""
        import pandas as pd

        found = {}
        for key in self.cohort.schema.table(self.table).foreign_keys:
            own = pd.Index(self._frame[key.columns[0]])
            other = pd.Index(self.cohort[key.table][key.references[0]])
            rows = other.get_indexer(own)
            if (rows < 0).any():
                raise SchemaError(
                    f"{self.table}.{key.columns[0]}: has values that {key.table} does not have "
                    f"({int((rows < 0).sum())} rows)"
                )
            found[key.table] = np.asarray(rows, dtype=np.intp)
        return found

    def positions(self, variable: Variable, codes: tuple[str, ...]) -> IntArray | None:
        """Position of every row's code among ``codes``; None if no column tells.

        Parameters
        ----------
        variable : Variable
        codes : tuple of str
            Codes of the variable that the model knows.

        Returns
        -------
        ndarray of intp, shape (rows,), or None
            -1 where the value is missing or not among the codes.
        """
        if variable.joins and all(self.has(c) for c in variable.joins):
            return self._joined(variable, codes)
        if variable.column:
            if not self.has(variable.column):
                return None
            if variable.is_binned:
                return self._binned(variable, codes)
            return _positions(self.column(variable.column), codes)
        implied = {column for code in codes for column in variable.implies.get(code, {})}
        if implied and all(self.has(c) for c in implied):
            return self._implied(variable, codes)
        return None

    def _binned(self, variable: Variable, codes: tuple[str, ...]) -> IntArray:
        values = self.column(variable.column).astype("Float64").to_numpy(float, na_value=np.nan)
        found = np.full(len(values), -1, dtype=np.intp)
        for i, category in enumerate(c for c in variable.categories if c.code in codes):
            low = -np.inf if category.lower is None else category.lower
            high = np.inf if category.upper is None else category.upper
            found[(values >= low) & (values < high)] = i
        return found

    def _joined(self, variable: Variable, codes: tuple[str, ...]) -> IntArray:
        """Codes that are those of several columns written one after the other."""
        parts = [{c: variable.implies[c][column][0] for c in codes} for column in variable.joins]
        distinct = [tuple(dict.fromkeys(part.values())) for part in parts]
        lookup = np.full([len(d) + 1 for d in distinct], -1, dtype=np.intp)
        for i, code in enumerate(codes):
            at = (d.index(part[code]) for d, part in zip(distinct, parts, strict=True))
            lookup[tuple(at)] = i
        # -1 (missing) points at the last place of each axis, which stays -1
        rows = tuple(
            _positions(self.column(column), known)
            for column, known in zip(variable.joins, distinct, strict=True)
        )
        return np.asarray(lookup[rows])

    def _implied(self, variable: Variable, codes: tuple[str, ...]) -> IntArray:
        """Categories that no column holds but others imply: a site group from topography.

        Where several fit, the one that says more (that names more columns) counts, then
        the earlier one.
        """
        columns = {c for code in codes for c in variable.implies.get(code, {})}
        values = {column: _factorised(self.column(column)) for column in columns}
        found = np.full(len(self), -1, dtype=np.intp)
        by_detail = sorted(
            range(len(codes)), key=lambda i: -len(variable.implies.get(codes[i], {}))
        )
        for i in by_detail:
            allowed = variable.implies.get(codes[i], {})
            if not allowed:
                continue
            fits = found < 0
            for column, items in allowed.items():
                rows, distinct = values[column]
                inside = np.array([*_inside(items, distinct), False])
                fits &= inside[rows]
            found[fits] = i
        return found


def _inside(items: Iterable[str], distinct: tuple[str, ...]) -> list[bool]:
    allowed = code_set(items)
    return [code in allowed for code in distinct]


def _positions(values: pd.Series[Any], codes: tuple[str, ...]) -> IntArray:
    rows, distinct = _factorised(values)
    rank = {code: i for i, code in enumerate(codes)}
    known = np.array([*(rank.get(code, -1) for code in distinct), -1], dtype=np.intp)
    return np.asarray(known[rows])


def _factorised(values: pd.Series[Any]) -> tuple[IntArray, tuple[str, ...]]:
    """Positions among the distinct values, -1 for missing ones."""
    import pandas as pd

    made = pd.Categorical(values)
    return np.asarray(made.codes, dtype=np.intp), tuple(str(c) for c in made.categories)


def base_table(schema: Schema) -> str:
    """Table from which all columns of model variables can be reached by foreign keys.

    Raises
    ------
    SchemaError
        If there is none.
    """
    needed = {column.partition(".")[0] for column in _columns(schema.variables)}
    needed = needed or {table.name for table in schema.tables}
    for table in schema.tables:
        reached = {table.name} | {key.table for key in table.foreign_keys}
        if table.name in needed and needed <= reached:
            return table.name
    raise SchemaError(
        f"schema {schema.key}: no table leads to all of {', '.join(sorted(needed))} by its foreign "
        "keys; model variables need one that does"
    )


def _columns(variables: Iterable[Variable]) -> set[str]:
    found: set[str] = set()
    for variable in variables:
        found |= {variable.column} if variable.column else set()
        found |= set(variable.joins)
        for implied in variable.implies.values():
            found |= set(implied)
    return found


def count_table(
    positions: Mapping[str, IntArray], names: tuple[str, ...], shape: tuple[int, ...]
) -> npt.NDArray[np.int64]:
    """Rows in every cell of a grid of variables; rows without a code are left out.

    Parameters
    ----------
    positions : mapping of str to ndarray of intp, shape (rows,)
    names : tuple of str
        Axes of the grid.
    shape : tuple of int
        Codes of each.
    """
    rows = len(next(iter(positions.values()))) if positions else 0
    known = np.ones(rows, dtype=np.bool_)
    flat = np.zeros(rows, dtype=np.intp)
    for name, size in zip(names, shape, strict=True):
        known &= positions[name] >= 0
        flat = flat * size + positions[name]
    cells = int(np.prod(shape, dtype=np.int64))
    return np.bincount(flat[known], minlength=cells).reshape(shape)
