"""Tables of a schema, parents first, with what a model of records decides of each."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.schema.model import Schema, Table, Variable

ROWS_OF = "rows_of_"
"""Begins the name of a variable that says how many rows another table has for a row."""


@dataclass(frozen=True)
class Level:
    """A table of the schema, the one its rows refer to, and the tables that decide its rows."""

    table: Table
    parent: str
    variables: tuple[Variable, ...]
    deciding: tuple[ConditionalTable, ...]


def levels_of(schema: Schema, distribution: Distribution) -> list[Level]:
    """Tables that the model speaks about, parents first."""
    names = distribution.domain.names
    found: list[Level] = []
    of_table: dict[str, set[str]] = {}
    for table in schema.tables:
        of_table[table.name] = {
            n
            for n in names
            if any(
                c.startswith(f"{table.name}.")
                for c in (schema.variable(n).column, *schema.variable(n).joins)
            )
        }
    for variable in map(schema.variable, names):
        if variable.name.startswith(ROWS_OF):
            parent = next(
                k.table
                for k in schema.table(variable.unit.removeprefix("rows of ")).foreign_keys
                if k.table in of_table
            )
            of_table[parent].add(variable.name)
    left = [t for t in schema.tables if of_table[t.name]]
    while left:
        done = {level.table.name for level in found}
        waiting = {t.name for t in left}

        def parent_of(table: Table, known: set[str] = done | waiting) -> str:
            return next((k.table for k in table.foreign_keys if k.table in known), "")

        table = next(t for t in left if parent_of(t) not in waiting - {t.name})
        left.remove(table)
        own = of_table[table.name]
        found.append(
            Level(
                table,
                parent_of(table),
                tuple(schema.variable(n) for n in names if n in own),
                tuple(t for t in distribution.tables if set(t.variables) & own),
            )
        )
    return found
