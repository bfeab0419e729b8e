"""What is counted: variables with their SQL, by the table whose rows have them."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.enclave.coding import cell
from synthgen.enclave.records import Records
from synthgen.schema.model import Table, Variable
from synthgen.schema.rules.sql import identifier


@dataclass(frozen=True)
class Counted:
    """A variable of the tabulation.

    Parameters
    ----------
    variable : Variable
    sql : str
        Position of a row's category; null where none fits.
    detail_of : str
        The variable whose bins these bins divide, ``""`` for a variable of its own.
    """

    variable: Variable
    sql: str
    detail_of: str = ""

    @property
    def name(self) -> str:
        """Name of the variable."""
        return self.variable.name


@dataclass(frozen=True)
class Unit:
    """A table whose rows are counted, with what the rows it refers to say.

    Parameters
    ----------
    table : Table
    parents : tuple of str
        Tables it refers to, the nearest first.
    source : str
        ``FROM`` clause: the table and its parents, each under its own name.
    counted : tuple of Counted
        Variables of its own rows.
    """

    table: Table
    parents: tuple[str, ...]
    source: str
    counted: tuple[Counted, ...]


@dataclass(frozen=True)
class Design:
    """Units, parents first, and the columns that are left out, with the reason."""

    units: tuple[Unit, ...]
    left_out: tuple[str, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All variables, unit by unit."""
        return tuple(c.variable for unit in self.units for c in unit.counted)


def parents_of(records: Records, table: Table) -> tuple[str, ...]:
    """Tables that the rows of a table refer to, the nearest first."""
    found: list[str] = []
    at = table
    while True:
        key = next((k for k in at.foreign_keys if k.table in records.relations), None)
        if key is None or key.table in found:
            return tuple(found)
        found.append(key.table)
        at = records.schema.table(key.table)


def source_of(records: Records, table: Table) -> str:
    """SQL of a table joined with the tables that its rows refer to."""
    source = f"{records.relations[table.name]} AS {identifier(table.name)}"
    at = table
    for parent in parents_of(records, table):
        key = next(k for k in at.foreign_keys if k.table == parent)
        same = " AND ".join(
            f"{cell(f'{at.name}.{a}')} = {cell(f'{parent}.{b}')}"
            for a, b in zip(key.columns, key.references, strict=True)
        )
        source += f" JOIN {records.relations[parent]} AS {identifier(parent)} ON {same}"
        at = records.schema.table(parent)
    return source
