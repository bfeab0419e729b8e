"""All statements of a pack, and the block of the fit that each table belongs to."""

from __future__ import annotations

from dataclasses import replace

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.carry import People, carried, people_of_target
from synthgen.statistics.kinds import kind_of
from synthgen.statistics.model import Block, Cell, StatisticsPack, StatisticsTable
from synthgen.statistics.statement import Statement, without_whole

OTHER_PEOPLE = frozenset({"population", "life_table"})
"""Kinds of tables about the general population: nobody's record went into them, and
rates and survival are reckoned with them."""

DESCRIBING = OTHER_PEOPLE | {"kaplan_meier", "aalen_johansen"}
"""Kinds that say nothing to the fit: they describe the population, or what counts say too."""


def statements_of(pack: StatisticsPack, schema: Schema) -> tuple[Statement, ...]:
    """What the tables of a pack say about its target, in the order of tables and rows.

    Raises
    ------
    StatisticsError
        If a table cannot be turned into statements.
    """
    said: list[Statement] = []
    pack = carried(pack, schema).pack
    for table in pack.tables:
        said.extend(statements_of_table(pack, table, schema))
    return tuple(said)


def statements_of_table(
    pack: StatisticsPack, table: StatisticsTable, schema: Schema
) -> tuple[Statement, ...]:
    """What one table of a pack says; rates without person-years get the pack's population.

    Raises
    ------
    StatisticsError
        If the table cannot be turned into statements.
    """
    whole = with_person_years(pack, table, schema)
    return kind_of(table.kind, table.name).statements(whole, schema)


def with_person_years(
    pack: StatisticsPack, table: StatisticsTable, schema: Schema
) -> StatisticsTable:
    """A table of rates whose missing person-years come from the pack's population table.

    The people of the target come first: borrowed rates become cases among them.  The table must have all variables of the rates that a population can have
    (those of its own columns), and cells that add up to each rate's people.
    """
    if table.kind != "rates" or all(c.person_years is not None for c in table.cells):
        return table
    target = people_of_target(pack, schema)
    populations = [t for t in pack.tables if t.kind == "population"]
    return replace(
        table,
        cells=tuple(_with_years(cell, table, target, populations, schema) for cell in table.cells),
    )


def _with_years(
    cell: Cell,
    table: StatisticsTable,
    target: People | None,
    populations: list[StatisticsTable],
    schema: Schema,
) -> Cell:
    if cell.person_years is not None:
        return cell
    if target is not None:
        return replace(cell, person_years=target.among(cell.members))
    for population in populations:
        people = people_of(population, cell, schema)
        if people is not None:
            return replace(cell, person_years=people)
    raise StatisticsError(
        f"{table.name} row {cell.row}: has no person-years and no population table covers it; "
        "give the column person_years, or a population table by the same variables"
    )


def people_of(population: StatisticsTable, cell: Cell, schema: Schema) -> float | None:
    """People [persons or person-years] that a cell is about, None if they cannot be summed."""
    wanted = without_whole(
        {v: c for v, c in cell.members.items() if v in population.variables}, schema
    )
    total, filled = 0.0, 0
    for row in population.cells:
        inside = True
        volume = 1
        for name in population.variables:
            codes = schema.variable(name).codes
            own = set(row.members.get(name, codes))
            volume *= len(own)
            inside = inside and own <= set(wanted.get(name, codes))
        if inside:
            total += row.value
            filled += volume
    needed = 1
    for name in population.variables:
        needed *= len(wanted.get(name, schema.variable(name).codes))
    return total if filled == needed else None


def block_of(pack: StatisticsPack, table: StatisticsTable) -> Block | None:
    """The last block of anything that a table speaks about.

    Ages by entity (``age_group`` given ``entity``) say which entity patients of an age have:
    they belong to the block of the entity, and leave the ages of the earlier block alone.

    Returns
    -------
    Block or None
        None for tables that describe the population (``population``, ``life_table``).

    Raises
    ------
    StatisticsError
        If a variable of the table, its condition or its scope is in no block.
    """
    if table.kind in DESCRIBING:
        return None
    position = {v: i for i, block in enumerate(pack.blocks) for v in block.variables}
    spoken = {*table.variables, *table.given, *table.scope}
    missing = sorted(spoken - set(position))
    if missing:
        raise StatisticsError(
            f"{table.name}: {missing[0]} is in no block of the pack; every variable of a table "
            f"must be ({len(missing)} such variables)"
        )
    return pack.blocks[max(position[v] for v in spoken)]
