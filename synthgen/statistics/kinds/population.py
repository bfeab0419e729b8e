"""The people at risk: life tables and population counts, which state nothing of patients."""

from __future__ import annotations

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.kinds.kind import Kind, no_statements, place
from synthgen.statistics.model import StatisticsTable


def check_life_table(table: StatisticsTable, schema: Schema) -> None:
    """Refuse a life table with a missing age or sex, or a probability outside [0, 1]."""
    if table.variables != ("sex",):
        raise StatisticsError(
            f"{table.name}: variables are {', '.join(table.variables) or 'none'}; a life table "
            "must be by sex, with a column age"
        )
    ages: dict[str, list[int]] = {}
    for cell in table.cells:
        if cell.age is None or len(cell.members.get("sex", ())) != 1:
            raise StatisticsError(f"{place(table, cell)}: must name one sex and one age in years")
        ages.setdefault(cell.members["sex"][0], []).append(cell.age)
    for code in schema.variable("sex").codes:
        found = sorted(ages.get(code, []))
        if not found or found != list(range(found[-1] + 1)):
            raise StatisticsError(
                f"{table.name}: ages of sex {code} have gaps; every year from 0 to the last must "
                f"stand once ({len(found)} rows)"
            )


def check_population(table: StatisticsTable, schema: Schema) -> None:
    """Refuse negative numbers of people."""
    del schema
    for cell in table.cells:
        if cell.lower < 0:
            raise StatisticsError(
                f"{place(table, cell)}: a population is negative; it must be 0 or more"
            )


LIFE_TABLE = Kind(
    "life_table",
    {"probability": 1.0, "per 1000": 1e-3, "per 100000": 1e-5},
    check_life_table,
    no_statements,
    needs=("age",),
    bounds=(0.0, 1.0),
)
POPULATION = Kind(
    "population",
    {"persons": 1.0, "thousand persons": 1e3, "person-years": 1.0},
    check_population,
    no_statements,
)
