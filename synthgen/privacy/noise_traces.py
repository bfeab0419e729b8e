"""M1, the traces: whether noisy tables look as noisy as their ledger says.

Noise that was drawn cannot be proven from a pack, but its absence often can.  Every test here
is of the hypothesis "the stated noise was drawn", knows nothing of the true counts, and holds
whatever they are: of all true values, zero lets a noisy number fall near zero most often
(Anderson 1955, doi:10.1090/S0002-9939-1955-0069229-1).  So a small p-value is evidence against
whoever wrote the ledger; a large one is no evidence for anything.

* *zeros*: numbers of one table that are exactly zero, of rare diseases most of the true ones;
* *closeness*: squares of the numbers of one table, which noise alone makes larger;
* *margins*: a margin that two tables share, counted from each: with independent noise the two
  differ.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, chi2

from synthgen.statistics.model import Cell, StatisticsPack, StatisticsTable

KIND = "noisy_counts"
LEAST_VARIANCE = 1.0
"""Variance of discrete noise under which it is too coarse for the tests of squares."""

MOST_PAIRS = 2_000
"""Pairs of tables whose margins are compared; more only cost time."""

Codes = tuple[str, ...]
Leaves = dict[tuple[Codes, ...], float]


@dataclass(frozen=True)
class Trace:
    """One test of whether noise was drawn.

    Parameters
    ----------
    test : {"zeros", "closeness", "margins"}
    tables : tuple of str
        One table, or the two that share a margin.
    n : int
        Numbers that were looked at.
    p : float
        Probability that stated noise looks so little like noise, or less; never too small.
    """

    test: str
    tables: tuple[str, ...]
    n: int
    p: float


def noise_traces(pack: StatisticsPack) -> list[Trace]:
    """All tests of a pack, in the order of its tables.

    Parameters
    ----------
    pack : StatisticsPack
        Tables that state no noise are left out.
    """
    tables = [t for t in pack.tables if t.kind == KIND and (t.protection.noise_sd or 0.0) > 0]
    leaves = {table.name: leaves_of(table) for table in tables}
    made: list[Trace] = []
    for table in tables:
        values = np.array([*leaves[table.name].values()], dtype=np.float64)
        if len(values):
            made += _alone(table, values)
    pairs = itertools.islice(itertools.combinations(tables, 2), MOST_PAIRS)
    for one, other in pairs:
        trace = _together(one, leaves[one.name], other, leaves[other.name])
        if trace is not None:
            made.append(trace)
    return made


def leaves_of(table: StatisticsTable) -> Leaves:
    """Numbers of the cells that say every variable, by the codes of each.

    Parameters
    ----------
    table : StatisticsTable
        Its subtotals are left out: they may be sums of the same numbers.
    """
    axes = (*table.variables, *table.given)
    return {
        tuple(tuple(cell.members[axis]) for axis in axes): cell.value
        for cell in table.cells
        if cell.published and _says_all(cell, axes)
    }


def _says_all(cell: Cell, axes: Sequence[str]) -> bool:
    return all(axis in cell.members for axis in axes)


def _sd(table: StatisticsTable) -> float:
    return table.protection.noise_sd or 0.0


def probability_of_zero(sd: float) -> float:
    """Probability that a discrete Gaussian is zero.

    Parameters
    ----------
    sd : float
        Its scale [counts].

    Examples
    --------
    >>> round(probability_of_zero(1.0), 4), round(probability_of_zero(20.0), 4)
    (0.3989, 0.0199)
    """
    most = math.ceil(12.0 * sd) + 1
    if most > 10_000:  # the sum is the integral to all digits
        return 1.0 / (sd * math.sqrt(2.0 * math.pi))
    away = np.arange(1, most + 1, dtype=np.float64)
    return float(1.0 / (1.0 + 2.0 * np.exp(-0.5 * (away / sd) ** 2).sum()))


def _alone(
    table: StatisticsTable, values: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> list[Trace]:
    sd, n = _sd(table), len(values)
    zeros = int((values == 0.0).sum())
    names = (table.name,)
    made = [Trace("zeros", names, n, float(binom.sf(zeros - 1, n, probability_of_zero(sd))))]
    if sd**2 >= LEAST_VARIANCE:
        made.append(Trace("closeness", names, n, _too_close(values, sd**2)))
    return made


def _too_close(values: np.ndarray[tuple[int], np.dtype[np.float64]], variance: float) -> float:
    """Probability that so many draws of whole noise are together so small.

    A whole number within half of a continuous one: half is added to each, so that the
    probability is never understated.
    """
    total = float(((np.abs(values) + 0.5) ** 2).sum()) / variance
    return float(chi2.cdf(total, len(values)))


def _together(
    one: StatisticsTable, left: Leaves, other: StatisticsTable, right: Leaves
) -> Trace | None:
    """Test of the margin over the variables that two tables share; None where there is none."""
    if dict(one.scope) != dict(other.scope):
        return None
    if (one.population, one.period) != (other.population, other.period):
        return None
    axes = [(*t.variables, *t.given) for t in (one, other)]
    shared = [axis for axis in axes[0] if axis in axes[1]]
    found = [_margin(c, a, shared) for c, a in zip((left, right), axes, strict=True)]
    if found[0] is None or found[1] is None or found[0].keys() != found[1].keys():
        return None
    keys = [*found[0]]
    gaps = np.array([found[0][k][0] - found[1][k][0] for k in keys])
    variances = np.array(
        [found[0][k][1] * _sd(one) ** 2 + found[1][k][1] * _sd(other) ** 2 for k in keys]
    )
    if not len(keys) or variances.min() < LEAST_VARIANCE:
        return None
    total = float(((np.abs(gaps) + 0.5) ** 2 / variances).sum())
    return Trace("margins", (one.name, other.name), len(keys), float(chi2.cdf(total, len(keys))))


def _margin(
    leaves: Leaves, axes: Sequence[str], shared: Sequence[str]
) -> dict[tuple[Codes, ...], tuple[float, int]] | None:
    """Sum and number of cells for each label of the shared variables.

    None where the table is empty, or not every combination is in it, or labels overlap: sums
    over it would be about other people than sums over the other table.
    """
    labels = [list(dict.fromkeys(key[at] for key in leaves)) for at in range(len(axes))]
    if not leaves or len(leaves) != math.prod(len(found) for found in labels):
        return None
    if any(_overlap(found) for found in labels):
        return None
    at = [list(axes).index(axis) for axis in shared]
    sums: dict[tuple[Codes, ...], tuple[float, int]] = {}
    for key, value in leaves.items():
        margin = tuple(key[i] for i in at)
        total, cells = sums.get(margin, (0.0, 0))
        sums[margin] = (total + value, cells + 1)
    return sums


def _overlap(labels: Iterable[Codes]) -> bool:
    codes = [code for label in labels for code in label]
    return len(set(codes)) < len(codes)
