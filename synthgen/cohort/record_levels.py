"""Tables of a schema, parents first, with what a model of records decides of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.cohort.leaf_record import LEAF_UNIT
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.latent_tree import LatentTree
from synthgen.models.mixture import Mixture
from synthgen.models.parents_first import parents_first
from synthgen.models.reweigh import conditioned
from synthgen.models.sampling import AliasTable
from synthgen.schema.model import Schema, Table, Variable

IntArray = npt.NDArray[np.intp]
Drawn = dict[str, IntArray]

ROWS_OF = "rows_of_"
"""Begins the name of a variable that says how many rows another table has for a row."""

TIED_UNIT = "combination of "
"""Begins the unit of the variable that says which combination of tied codes a row of a table has."""


@dataclass(frozen=True)
class Level:
    """A table of the schema, the one its rows refer to, and the tables that decide its rows.

    Parameters
    ----------
    table : Table
    parent : str
    variables : tuple of Variable
    deciding : tuple of (Distribution, tuple of ConditionalTable)
        For each component of a mixture, in the order of the codes it is split by; one for a
        distribution that is none.  A component of weight 0 has no tables.
    """

    table: Table
    parent: str
    variables: tuple[Variable, ...]
    deciding: tuple[tuple[Distribution, tuple[ConditionalTable, ...]], ...]


def _components(distribution: Distribution | Mixture) -> list[Distribution]:
    """Parts of a distribution that know all codes, in the order of what they are split by."""
    if isinstance(distribution, Distribution):
        return [distribution]
    codes = distribution.domain.codes[distribution.split]
    empty = next(iter(distribution.components.values()))
    return [distribution.components.get(code, empty) for code in codes]


def draw_positions(
    distribution: Distribution | Mixture,
    level: Level,
    context: Mapping[str, IntArray],
    rows: int,
    stream: Callable[..., np.random.Generator],
    label: str,
    only: IntArray | None = None,
) -> Drawn:
    """Positions of every variable of a table's rows, and those of what the rows refer to.

    Parameters
    ----------
    distribution : Distribution or Mixture
    level : Level
    context : mapping of str to ndarray of intp, shape (rows,)
        Of the rows that these refer to; a mixture's part is theirs.
    rows : int
    stream : callable
        Random generator by name.
    label : str
        Which of its draws this is.
    only : ndarray of intp, shape (m,), optional
        The only rows to draw: as they would be drawn among all.

    Returns
    -------
    dict of str to ndarray of intp, shape (rows,) or (m,)
    """

    def words(*what: str) -> npt.NDArray[np.uint64]:
        rng = stream("variables", *what, label)
        found = rng.integers(0, 2**64, size=rows, dtype=np.uint64)
        return found if only is None else found[only]

    drawn: Drawn = {k: v if only is None else v[only] for k, v in context.items()}
    count = rows if only is None else len(only)
    if isinstance(distribution, Distribution):
        component, tables = level.deciding[0]
        for number, table in enumerate(tables):
            _decide(component, table, drawn, words(str(number)))
        return drawn
    split = distribution.split
    if split not in drawn:
        alias = AliasTable.from_probabilities(distribution.weights[np.newaxis, :])
        drawn[split] = alias.draw(None, words(split))
    random = [words(str(n)) for n in range(max(len(tables) for _, tables in level.deciding))]
    made: Drawn = {}
    for at, (component, tables) in enumerate(level.deciding):
        mine = np.flatnonzero(drawn[split] == at)
        if not len(mine):
            continue
        part = {name: column[mine] for name, column in drawn.items() if name != split}
        for table, word in zip(tables, random, strict=False):
            _decide(component, table, part, word[mine])
            for name in table.variables:
                made.setdefault(name, np.zeros(count, dtype=np.intp))[mine] = part[name]
    return drawn | made


def _decide(
    component: Distribution,
    table: ConditionalTable,
    drawn: Drawn,
    words: npt.NDArray[np.uint64],
) -> None:
    row: IntArray | None = None
    for name in table.given:
        row = drawn[name] if row is None else row * component.domain.size(name) + drawn[name]
    flat = table.sampler.draw(row, words)
    shape = component.domain.shape(table.variables)
    drawn |= zip(table.variables, np.unravel_index(flat, shape), strict=True)


def levels_of(schema: Schema, distribution: Distribution | Mixture) -> list[Level]:
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
        elif variable.unit.startswith((LEAF_UNIT, TIED_UNIT)) and not variable.column:
            table_name = variable.unit.removeprefix(LEAF_UNIT).removeprefix(TIED_UNIT)
            if table_name in of_table:
                of_table[table_name].add(variable.name)
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
                tuple(
                    (part, tuple(t for t in part.tables if set(t.variables) & own))
                    for part in _components(distribution)
                ),
            )
        )
    return found


def conditioned_rows(
    schema: Schema,
    distribution: Distribution | Mixture,
    where: Mapping[str, tuple[str, ...]],
) -> Distribution | Mixture:
    """A distribution of records among rows that conditions describe: it still decides parents first.

    Parameters
    ----------
    schema : Schema
    distribution : Distribution or Mixture
    where : mapping of str to tuple of str
        Codes by variable, of any table; as if every row referred to had one row of it.

    Raises
    ------
    EvidenceError
        If nobody can be as ``where`` says.
    """
    levels = levels_of(schema, distribution)
    if not where or len(levels) < 2 or isinstance(distribution, Mixture | LatentTree):
        return conditioned(distribution, where)
    return parents_first(
        distribution, where, [[v.name for v in level.variables] for level in levels]
    )
