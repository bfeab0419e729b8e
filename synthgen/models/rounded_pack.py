"""Fit of a protected pack that ties too much for statements to be met exactly.

Rules of a schema with long code lists (an entity, its histologies, its sites) tie variables
beyond what a tree can hold once all of them are tabulated.  Here protected counts are taken for
what they also are, counts with an error of known size: a number between two bounds, evenly, is
a number with a standard deviation of their distance over ``sqrt(12)``.  The fit is then that of
noisy counts (:mod:`synthgen.models.noisy`), which holds of the rules what fits beside the
tables; rows that break the others are drawn again by whoever makes rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from synthgen.models.domain import Domain
from synthgen.models.fit import Fit
from synthgen.models.noisy_pack import fit_counts
from synthgen.models.noisy_table import NoisyTable
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, StatisticsPack, StatisticsTable

KIND = "counts"

LEAST_ERROR = 0.3
"""Standard deviation of a count at least [rows]: that of a whole number between two others."""


def can_be_rounded(pack: StatisticsPack) -> bool:
    """Whether all counts of a pack are of single codes, as those of protected records are."""
    counted = [t for t in pack.tables if t.kind == KIND]
    return bool(counted) and all(
        len(codes) == 1 and not t.scope
        for t in counted
        for cell in t.cells
        for codes in cell.members.values()
    )


def fit_rounded(pack: StatisticsPack, schema: Schema) -> Fit:
    """Distribution of a pack of protected counts.

    Parameters
    ----------
    pack : StatisticsPack
        For which :func:`can_be_rounded` holds.
    schema : Schema

    Returns
    -------
    Fit
        Its residual is in standard deviations of the error of a count.

    Raises
    ------
    StatisticsError
        If a table is about patients that cannot exist.
    ModelError
        If a clique of the tables alone is too large.
    """
    return fit_counts(pack, schema, KIND, grids_of)


def grids_of(table: StatisticsTable, domain: Domain) -> tuple[list[NoisyTable], float]:
    """Counts of a table, and of each margin that it prints, on grids of codes.

    Parameters
    ----------
    table : StatisticsTable
    domain : Domain

    Returns
    -------
    list of NoisyTable
        A combination that is not printed has no rows.
    float
        Rows that the table is about: its total where it prints one, else the sum of its
        smallest grid, whose numbers are least rounded.
    """
    sets: dict[tuple[str, ...], list[Cell]] = {}
    total = 0.0
    for cell in table.cells:
        if not cell.published:
            continue
        if not cell.members:
            total = _count(cell)
        elif _is_known(cell.members, domain):
            sets.setdefault(domain.ordered(cell.members), []).append(cell)
    grids = []
    for names, cells in sets.items():
        counts = np.zeros(domain.shape(names))
        for cell in cells:
            counts[tuple(domain.codes[n].index(cell.members[n][0]) for n in names)] = _count(cell)
        grids.append(NoisyTable(names, counts, _error(cells), (None,) * len(names)))
    smallest = min(grids, key=lambda g: g.counts.size, default=None)
    return grids, total or (0.0 if smallest is None else float(smallest.counts.sum()))


def _is_known(members: Mapping[str, tuple[str, ...]], domain: Domain) -> bool:
    return all(codes[0] in domain.codes[name] for name, codes in members.items())


def _count(cell: Cell) -> float:
    """The number that was printed; the middle of a range."""
    try:
        printed = float(cell.printed)
    except ValueError:
        return (cell.lower + cell.upper) / 2
    return printed if cell.lower <= printed <= cell.upper else (cell.lower + cell.upper) / 2


def _error(cells: list[Cell]) -> float:
    """Standard deviation of the counts that are no exact ones."""
    widths = [cell.upper - cell.lower for cell in cells if cell.upper > cell.lower]
    square = sum(w * w for w in widths) / max(len(widths), 1)
    return max(math.sqrt(square / 12), LEAST_ERROR)
