"""Counting: every row once as positions of categories, then cross-tabulations of any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.enclave.records import Records
from synthgen.enclave.units import Counted, Design, Unit
from synthgen.errors import RecordsError
from synthgen.messages import amount
from synthgen.schema.validation.database import count_where, row_of

if TYPE_CHECKING:
    import duckdb

IntArray = npt.NDArray[np.int64]

SAMPLE = 60_000
"""Rows on which marginals are compared with each other; the tables count all rows."""


@dataclass(frozen=True)
class Coded:
    """Rows of one unit as positions of categories.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    relation : str
        One column for each variable, its own and those of the tables it refers to.
    unit : Unit
    variables : mapping of str to Counted
        Own variables first, then those of parents.
    context : tuple of str
        Names of the parents' variables.
    rows : int
    """

    db: duckdb.DuckDBPyConnection
    relation: str
    unit: Unit
    variables: dict[str, Counted]
    context: tuple[str, ...]
    rows: int

    @cached_property
    def _columns(self) -> dict[str, str]:
        return {name: f"v{at}" for at, name in enumerate(self.variables)}

    def column(self, name: str) -> str:
        """Column of the relation that holds a variable's positions."""
        return self._columns[name]

    def size(self, name: str) -> int:
        """Number of categories of a variable."""
        return len(self.variables[name].variable.categories)

    def cells(self, names: Sequence[str]) -> int:
        """Cells of the grid of some variables."""
        product = 1
        for name in names:
            product *= self.size(name)
        return product

    def count(self, names: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Cells that some rows have.

        Returns
        -------
        ndarray of int64, shape (m, len(names))
            Positions of categories, in lexicographic order.
        ndarray of int64, shape (m,)
            Rows of each.
        """
        columns = ", ".join(self._columns[name] for name in names)
        found = self.db.execute(
            f"SELECT {columns}, count(*) AS n FROM {self.relation} GROUP BY {columns} "  # noqa: S608
            f"ORDER BY {columns}"
        ).fetchnumpy()
        arrays = [np.asarray(found[self._columns[name]], dtype=np.int64) for name in names]
        return np.stack(arrays, axis=1), np.asarray(found["n"], dtype=np.int64)

    def sample(self) -> dict[str, npt.NDArray[np.int32]]:
        """Positions of some rows, spread evenly over all of them."""
        step = max(1, -(-self.rows // SAMPLE))
        columns = ", ".join(self._columns.values())
        found = self.db.execute(
            f"SELECT {columns} FROM {self.relation} WHERE rowid % {step} = 0"  # noqa: S608
        ).fetchnumpy()
        return {n: np.asarray(found[c], dtype=np.int32) for n, c in self._columns.items()}


def coded_units(records: Records, design: Design) -> tuple[Coded, ...]:
    """Rows of every unit as positions.

    Raises
    ------
    RecordsError
        If a value lies in no category of its variable, or no column can be counted.
    """
    by_table = {unit.table.name: unit for unit in design.units}
    told = [unit for unit in design.units if unit.counted]
    if not told:
        raise RecordsError(
            "records: no column can be tabulated; give the columns code lists or bins"
        )
    return tuple(_coded(records, unit, by_table, at) for at, unit in enumerate(told))


def _coded(records: Records, unit: Unit, by_table: dict[str, Unit], at: int) -> Coded:
    variables = {c.name: c for c in unit.counted}
    context: list[str] = []
    for parent in unit.parents:
        for counted in by_table[parent].counted:
            if counted.variable.column or counted.variable.joins:  # counts of rows are no cause
                variables[counted.name] = counted
                context.append(counted.name)
    relation = f"coded_{at}"
    selected = ", ".join(
        f"CAST({c.sql} AS USMALLINT) AS v{i}" for i, c in enumerate(variables.values())
    )
    records.db.execute(f"CREATE TABLE {relation} AS SELECT {selected} FROM {unit.source}")  # noqa: S608
    asked = ", ".join(count_where(f"v{i} IS NULL") for i in range(len(variables)))
    rows, *lost = row_of(records.db, f"SELECT count(*), {asked} FROM {relation}")  # noqa: S608
    for counted, many in zip(variables.values(), lost, strict=True):
        if many:
            where = counted.variable.column or ", ".join(counted.variable.joins)
            raise RecordsError(
                f"{where}: has values in no category of {counted.name}; widen its bins or add the "
                f"codes ({amount(int(many), 'row')})"
            )
    return Coded(records.db, relation, unit, variables, tuple(context), int(rows))
