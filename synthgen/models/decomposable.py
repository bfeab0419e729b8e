"""Closed-form fit of tables that form a junction tree, as records are tabulated.

Where every table brings in new variables and shares with the earlier ones only variables that
stand together in one of them, the distribution of maximum entropy is the product of the tables
over their separators (Lauritzen 1996, *Graphical Models*, section 4.4).  As conditional tables:
each new variable given those it was counted with.  Nothing has to converge, so a million records
are fitted as fast as they are counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Fit
from synthgen.models.pack_domain import domain_of
from synthgen.schema.model import Schema
from synthgen.statistics.model import StatisticsPack, StatisticsTable
from synthgen.statistics.statements import DESCRIBING

FloatArray = npt.NDArray[np.float64]


def tables_in_order(pack: StatisticsPack) -> list[tuple[StatisticsTable, tuple[str, ...]]] | None:
    """Tables that decide variables, each with the ones it decides; None if they are no tree.

    Tables about variables that an earlier table holds together add nothing and are left out.
    """
    sets: list[set[str]] = []
    known: set[str] = set()
    found: list[tuple[StatisticsTable, tuple[str, ...]]] = []
    for table in pack.tables:
        if table.kind in DESCRIBING:
            continue
        names = {*table.variables, *table.given}
        if table.kind != "counts" or table.scope:
            return None
        new = tuple(n for n in table.variables if n not in known)
        if not new:
            if not any(names <= earlier for earlier in sets):
                return None
            continue
        old = names - set(new)
        if table.given and set(new) != set(table.variables):
            return None
        if not table.given and old and not any(old <= earlier for earlier in sets):
            return None
        if not old <= known:
            return None
        sets.append(names)
        known |= names
        found.append((table, new))
    wanted = {name for block in pack.blocks for name in block.variables}
    return found if known == wanted else None


def fit_decomposable(pack: StatisticsPack, schema: Schema) -> Fit:
    """Distribution of a pack whose tables form a junction tree.

    Parameters
    ----------
    pack : StatisticsPack
        A cell that is not listed was not seen, if the table prints its total.
    schema : Schema

    Raises
    ------
    StatisticsError
        If the tables form no tree.
    """
    ordered = tables_in_order(pack)
    if ordered is None:
        raise StatisticsError(
            f"pack {pack.id}: its tables form no junction tree; fit it as published statistics"
        )
    domain = domain_of(pack, schema)
    tables = []
    largest = 1
    for table, new in ordered:
        names = domain.ordered({*table.variables, *table.given})
        own = domain.ordered(new)
        given = tuple(n for n in names if n not in own)
        counts = cell_values(table, domain, names)
        axes = [names.index(n) for n in (*given, *own)]
        tables.append(conditional(counts.transpose(axes), given, own))
        largest = max(largest, counts.size)
    return Fit(Distribution(domain, _sorted(tables)), (), 0.0, largest)


def cell_values(table: StatisticsTable, domain: Domain, names: Sequence[str]) -> FloatArray:
    """Counts of a table on the grid of its variables; the middle where only bounds are known.

    Parameters
    ----------
    table : StatisticsTable
    domain : Domain
    names : sequence of str
        Axes, in the order of the domain.

    Returns
    -------
    ndarray of float64, shape ``domain.shape(names)``
    """
    rank = {name: {c: i for i, c in enumerate(domain.codes[name])} for name in names}
    grid = np.zeros(domain.shape(names))
    positions: list[list[int]] = []
    values: list[float] = []
    for cell in table.cells:
        codes = [cell.members.get(name, ()) for name in names]
        single = [rank[n].get(c[0], -1) for n, c in zip(names, codes, strict=True) if len(c) == 1]
        if len(single) == len(names) and cell.published and min(single) >= 0:
            positions.append(single)
            values.append(cell.value)
    if positions:
        grid[tuple(np.array(positions, dtype=np.intp).T)] = values
    return grid


def conditional(
    counts: FloatArray, given: tuple[str, ...], own: tuple[str, ...]
) -> ConditionalTable:
    """Counts as probabilities of the last axes given the first.

    A combination of the given that nobody has takes the shares of those who agree in fewer
    variables: the last one is forgotten first.
    """
    shape = counts.shape
    rows = counts.reshape(*shape[: len(given)], -1)
    total = rows.sum(axis=-1, keepdims=True)
    coarser = rows
    for axis in range(len(given) - 1, -1, -1):
        if (total > 0).all():
            break
        coarser = coarser.sum(axis=axis, keepdims=True)
        rows = np.where(total > 0, rows, np.broadcast_to(coarser, rows.shape))
        total = rows.sum(axis=-1, keepdims=True)
    probability = np.divide(rows, total, out=np.zeros_like(rows), where=total > 0)
    return ConditionalTable(given, own, probability.reshape(shape))


def _sorted(tables: list[ConditionalTable]) -> tuple[ConditionalTable, ...]:
    """Tables in an order in which what is given is decided before."""
    left, known, done = list(tables), set[str](), list[ConditionalTable]()
    while left:
        table = next(t for t in left if set(t.given) <= known)
        left.remove(table)
        done.append(table)
        known |= set(table.variables)
    return tuple(done)
