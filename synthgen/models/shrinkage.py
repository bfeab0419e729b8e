"""Few records drawn towards a family: their margins from themselves, their dependence from it.

Ten records of a rare entity say something about each variable and next to nothing about how
variables go together; the family (all other entities of the organ, a larger hospital) says
much about both, the second of which carries over better.  So, from the counts of the few and
the distribution ``q`` of the family:

1. each variable's counts are drawn towards the family's distribution of it;
2. the family is tilted to what came out: the distribution nearest to it with those margins
   (I-projection, Csiszar 1975, doi:10.1214/aop/1176996454), which keeps its odds ratios;
3. counts of several variables are drawn towards the tilted family.

Counts ``y`` of ``n`` records are taken for Dirichlet-multinomial around ``q`` worth ``m``
records (Mosimann 1962, doi:10.1093/biomet/49.1-2.65), so what is drawn is
``(y + m q) / (n + m)``.  ``m`` comes from the counts by moments: their squared distance from
``n q`` over that of a multinomial has the mean ``(n + m) / (1 + m)``.  One table of ten
records cannot tell its own ``m``; in step 1 its ratio and the median over all tables count
alike (the median, because variables that define an entity lie far from its family and say
nothing about the others).  Step 3 has one ``m``, because tables drawn by different ones would
contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.decomposable import cell_values, tables_in_order
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.fit import Fit
from synthgen.models.mixture import Mixture
from synthgen.models.noisy import LEAST_WORTH, MOST_WORTH, NoisyModel
from synthgen.models.noisy_pack import unit_model, weigh_context
from synthgen.models.noisy_table import NoisyTable
from synthgen.models.pack_domain import domain_of
from synthgen.models.structure import zero_potentials
from synthgen.schema.model import Schema
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.statements import block_of

FloatArray = npt.NDArray[np.float64]

#: Records that a family is worth at least.
LEAST_RECORDS = 1.0
#: Tolerance with which drawn counts are met [share of the records].
TOLERANCE = 0.01


@dataclass(frozen=True)
class Worth:
    """Records that a family was worth to the counts that were drawn towards it.

    Parameters
    ----------
    singles : mapping of str to float
        For each variable alone.
    joint : float or None
        For tables of several variables; None where there are none.
    """

    singles: Mapping[str, float]
    joint: float | None


def worths(
    counts: Sequence[FloatArray], expected: Sequence[FloatArray], *, pooled: bool
) -> FloatArray:
    """Records that a reference is worth to each of some tables of the same records.

    Parameters
    ----------
    counts : sequence of ndarray of float64
    expected : sequence of ndarray of float64
        What the reference says, with the totals of the counts.
    pooled : bool
        One worth for all tables; otherwise a table's own spread and the median of all count
        alike.

    Returns
    -------
    ndarray of float64, shape (number of tables,)

    Examples
    --------
    >>> at_odds = worths([np.array([8.0, 2.0])], [np.array([5.0, 5.0])], pooled=True)
    >>> round(float(at_odds[0]), 2)  # 18 / 5 times the squares of a multinomial
    2.46
    """
    totals = np.array([e.sum() for e in expected])
    squares = np.array([((y - e) ** 2).sum() for y, e in zip(counts, expected, strict=True)])
    spread = np.array(
        [(e * (1 - e / max(n, 1e-300))).sum() for e, n in zip(expected, totals, strict=True)]
    )
    if pooled:
        squares, spread = np.full_like(squares, squares.sum()), np.full_like(spread, spread.sum())
    over = np.divide(squares, spread, out=np.ones_like(squares), where=spread > 0)
    over = (over + np.median(over)) / 2
    free = over > 1.0
    found = np.where(free, (totals - over) / np.where(free, over - 1.0, 1.0), np.inf)
    return np.asarray(np.clip(found, LEAST_RECORDS, MOST_WORTH * np.maximum(totals, 1.0)))


def drawn(counts: FloatArray, expected: FloatArray, worth: float) -> FloatArray:
    """Counts drawn towards what is expected of as many records.

    Parameters
    ----------
    counts, expected : ndarray of float64
    worth : float
        Records that the expectation is worth.
    """
    total = float(counts.sum())
    return np.asarray((total * counts + worth * expected) / (total + worth))


def fit_towards(
    model: NoisyModel,
    tables: Sequence[tuple[tuple[str, ...], FloatArray]],
    unknown: frozenset[str] = frozenset(),
) -> Worth:
    """Fit counts of few records, drawn towards the reference of a model.

    Parameters
    ----------
    model : NoisyModel
        Without tables; its reference is the family, its total the number of records.
    tables : sequence of (tuple of str, ndarray of float64)
        Axes in the order of the domain, and exact counts of the same records.
    unknown : frozenset of str
        Variables that the family says nothing about.
    """
    own = [n for n in model.domain.names if n not in model.context]
    singles = {}
    for names, counts in tables:
        for axis, name in enumerate(names):
            if name in own and name not in singles:
                others = tuple(i for i in range(len(names)) if i != axis)
                singles[name] = counts.sum(axis=others)
    expected = {
        name: float(counts.sum()) * model.marginal((name,)) for name, counts in singles.items()
    }
    asked = [name for name in singles if name not in unknown]
    worth = dict.fromkeys(singles, LEAST_RECORDS)
    if asked:
        found = worths([singles[n] for n in asked], [expected[n] for n in asked], pooled=False)
        worth |= dict(zip(asked, found.tolist(), strict=True))
    sigma = TOLERANCE * model.total
    model.add(
        [
            NoisyTable(
                (name,), _scaled(model, drawn(counts, expected[name], worth[name])), sigma, (None,)
            )
            for name, counts in singles.items()
        ]
    )
    model.fit(LEAST_WORTH)
    several = [(names, counts) for names, counts in tables if len(names) > 1]
    if not several:
        return Worth(worth, None)
    model.settle()
    model.tables, model.duals = [], []
    model.add(
        [
            NoisyTable(names, _scaled(model, counts), sigma, (None,) * len(names))
            for names, counts in several
        ]
    )
    said = [float(c.sum()) * model.marginal(names) for names, c in several]
    joint = float(worths([c for _, c in several], said, pooled=True)[0])
    model.tables = [
        NoisyTable(names, _scaled(model, drawn(counts, e, joint)), sigma, (None,) * len(names))
        for (names, counts), e in zip(several, said, strict=True)
    ]
    model.fit(LEAST_WORTH)
    return Worth(worth, joint)


def _scaled(model: NoisyModel, counts: FloatArray) -> FloatArray:
    """Counts with the total of the model."""
    return np.asarray(counts * (model.total / max(float(counts.sum()), 1e-300)))


def holds_exact_counts(pack: StatisticsPack) -> bool:
    """Whether a pack holds exact counts of records that form a junction tree."""
    return pack.unprotected and tables_in_order(pack) is not None


def worth_told(found: Mapping[str, Worth]) -> str:
    """What a family was worth, in one line of English."""
    singles = [m for worth in found.values() for m in worth.singles.values()]
    joints = [worth.joint for worth in found.values() if worth.joint is not None]
    said = f"worth {min(singles):,.0f} to {max(singles):,.0f} records for single variables"
    if joints:
        said += f", {min(joints):,.0f} for several together"
        said += f" to {max(joints):,.0f}" if max(joints) > min(joints) else ""
    return said


def fit_few(
    pack: StatisticsPack, schema: Schema, family: Distribution | Mixture
) -> tuple[Fit, dict[str, Worth]]:
    """Distribution of a pack of exact counts of few records, drawn towards a family.

    Parameters
    ----------
    pack : StatisticsPack
        Whose tables form a junction tree, as records are tabulated.
    schema : Schema
    family : Distribution or Mixture
        Of many records, or of public statistics, over the same schema; of a variable in other
        bins it says nothing.

    Returns
    -------
    Fit
    dict of str to Worth
        What the family was worth in each block.

    Raises
    ------
    StatisticsError
        If the pack's tables form no tree.
    ModelError
        If the family ties more variables together than a clique may hold.
    """
    if tables_in_order(pack) is None:
        raise StatisticsError(
            f"pack {pack.id}: its tables form no junction tree; fit it as published statistics"
        )
    whole = domain_of(pack, schema)
    zeros = zero_potentials(whole, schema)
    known = frozenset(
        n
        for n in family.domain.names
        if not set(family.domain.codes[n]).isdisjoint(whole.codes.get(n, ()))
    )
    earlier: tuple[str, ...] = ()
    made: list[ConditionalTable] = []
    found: dict[str, Worth] = {}
    residual, cells = 0.0, 1
    for block in pack.blocks:
        tables = []
        for table in pack.tables:
            home = block_of(pack, table)
            if table.kind == "counts" and home is not None and home.name == block.name:
                names = whole.ordered({*table.variables, *table.given})
                counts = cell_values(table, whole, names)
                if counts.sum() > 0:
                    tables.append((names, counts))
        total = max((float(counts.sum()) for _, counts in tables), default=1.0)
        asked = [NoisyTable(n, c, TOLERANCE * total, (None,) * len(n)) for n, c in tables]
        model = unit_model(whole, block.variables, earlier, asked, total, zeros, family)
        weigh_context(model, whole, earlier, made)
        found[block.name] = fit_towards(model, tables, frozenset(block.variables) - known)
        made += model.conditional_tables()
        residual = max(residual, model.residual)
        cells = max(cells, *(whole.cells(c) for c in model.tree.cliques))
        earlier = (*earlier, *block.variables)
    return Fit(Distribution(whole, tuple(made)), (), residual, cells), found
