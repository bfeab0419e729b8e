"""What a table kind is: how its numbers are read, checked and turned into statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, StatisticsTable
from synthgen.statistics.statement import Statement


@dataclass(frozen=True)
class Kind:
    """One kind of published table.

    Parameters
    ----------
    name : str
        As a descriptor names it.
    units : mapping of str to float
        Units a descriptor may name, and the factor from a printed number to the kind's
        natural unit; the first is used where a descriptor names none.
    check : callable
        ``check(table, schema)`` raises StatisticsError, with table and row, for cells this
        kind cannot mean.
    statements : callable
        ``statements(table, schema)`` returns what the table says; ``()`` for kinds that
        describe the population and not the patients.
    needs : tuple of str
        Columns beside the value that every row must have.
    has_own_columns : bool
        Whether the table's own variables are columns (False where the value, or ``time``,
        takes their place: survival and quantiles).
    bounds : tuple of float
        Smallest and largest value in the natural unit; values above the largest are
        clipped if ``clips`` is set (relative survival over 100 %), else refused.
    clips : bool
    rounded : bool
        Whether a printed number stands for half a unit of its last place on either side
        (percentages, rates, medians); counts stand for themselves.
    whole : bool
        Whether values are whole numbers, so that ``<5`` means at most 4.
    """

    name: str
    units: Mapping[str, float]
    check: Callable[[StatisticsTable, Schema], None]
    statements: Callable[[StatisticsTable, Schema], tuple[Statement, ...]]
    needs: tuple[str, ...] = ()
    has_own_columns: bool = True
    bounds: tuple[float, float] = (0.0, float("inf"))
    clips: bool = False
    rounded: bool = False
    whole: bool = False

    def factor(self, unit: str, table: str) -> float:
        """Factor from a printed number to the natural unit.

        Raises
        ------
        StatisticsError
            If the kind does not know the unit.
        """
        if not unit:
            return next(iter(self.units.values()))
        if unit not in self.units:
            raise StatisticsError(
                f"{table}: unit is {unit!r}; a table of kind {self.name} must be in "
                f"{', '.join(self.units)}"
            )
        return self.units[unit]


def no_statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """Statements of a kind that describes the population, not the patients: none."""
    del table, schema
    return ()


def place(table: StatisticsTable, cell: Cell) -> str:
    """Where a cell stands, as errors and reports name it."""
    return f"{table.name} row {cell.row}"
