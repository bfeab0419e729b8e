"""The distribution behind noisy counts: maximum entropy relative to a reference.

Counts with Gaussian noise of known size are statements of the form "so many, up to this
standard deviation".  The fit minimises, over distributions ``p`` that factor over a junction
tree,

    m KL(p || q) + sum over tables of |n p_r - y_r|^2 / (2 sigma_r^2)

with ``y_r`` the noisy counts of table ``r``, ``n`` the (noisy) number of rows and ``q`` a
reference that is worth ``m`` rows.  It is the estimator of Private-PGM (McKenna, Sheldon &
Miklau 2019, arXiv 1901.09136) with a reference: where noise drowns a count, the reference
speaks.  ``m`` is found from the counts themselves, as the concentration of a Dirichlet
distribution around ``q`` whose variance, with that of the noise, explains how far the counts
lie from ``q`` (empirical Bayes, by moments).  Counts below zero keep what they say:
nothing is lost before the fit, and the fit is a distribution.

The tables are made to agree first (:mod:`synthgen.models.agreeing`), which leaves this estimate
where it is and its multipliers small.  The dual is smooth and is minimised by L-BFGS; success is
the residual that is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from synthgen.models.agreeing import agreed
from synthgen.models.block import Potential
from synthgen.models.descent import descend, inner
from synthgen.models.distribution import ConditionalTable
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import CLIQUE_CELLS, junction_tree, triangulated
from synthgen.models.margins import margins_of
from synthgen.models.noisy_table import NoisyTable
from synthgen.models.propagation import Calibrated, calibrate, expand, other_axes

FloatArray = npt.NDArray[np.float64]

#: Rows that a reference is worth at least: below one, a reference is none.
LEAST_WORTH = 0.1
#: Rows that a reference is worth at most, as a multiple of the rows there are.
MOST_WORTH = 1e4
#: Evaluations of the dual at most, in a fit and in a step of a search.
EVALUATIONS, STEP_EVALUATIONS = 600, 40
#: Rounds in which the tables come to agree, in a fit and in a step of a search.
AGREEING, STEP_AGREEING = 60, 5
#: Largest residual at which the descent stops [standard deviations of the noise].
RESIDUAL = 1e-3


@dataclass(eq=False)
class NoisyModel:
    """A model of the rows of one unit that grows with what is measured of them.

    Parameters
    ----------
    domain : Domain
    total : float
        Rows [noisy].
    context : tuple of str
        Variables of other units: the root of the tree holds those that are used.
    limit : int
        Largest clique [cells].
    reference : list of Potential
        Factors of the distribution that the counts are drawn towards.
    """

    domain: Domain
    total: float
    context: tuple[str, ...] = ()
    limit: int = CLIQUE_CELLS
    reference: list[Potential] = field(default_factory=list)
    tables: list[NoisyTable] = field(default_factory=list)
    duals: list[FloatArray] = field(default_factory=list)
    worth: float = LEAST_WORTH
    residual: float = 0.0

    def __post_init__(self) -> None:
        self._rebuild()

    # Structure ------------------------------------------------------------------------

    def scopes(self) -> list[tuple[str, ...]]:
        """Sets of variables that stand in one clique."""
        return [*(t.names for t in self.tables), *(p.names for p in self.reference)]

    def cells_with(self, names: tuple[str, ...]) -> float:
        """Cells of all cliques of the tree that holds one more set of variables.

        Infinite where one of them would exceed the limit.
        """
        pairs = frozenset(combinations(self.domain.ordered(names), 2)) - self._joined
        root = tuple(n for n in self.context if n in self._used or n in names)
        if (pairs, root) not in self._cells:
            cliques = triangulated(self.domain, [*self._widest, *pairs, root])
            cells = [self.domain.cells(clique) for clique in cliques]
            found = sum(cells) if max(cells) <= self.limit else math.inf
            self._cells[pairs, root] = found
        return self._cells[pairs, root]

    def _rebuild(self) -> None:
        scopes = {frozenset(s) for s in self.scopes()}
        self._used = frozenset().union(*scopes)
        root = [n for n in self.context if n in self._used]
        scopes |= {frozenset([n]) for n in self.domain.names if n not in self.context}
        scopes.add(frozenset(root))
        self._widest = [s for s in scopes if not any(s < other for other in scopes)]
        self._joined = {
            pair for s in self._widest for pair in combinations(self.domain.ordered(s), 2)
        }
        self._cells: dict[tuple[frozenset[tuple[str, str]], tuple[str, ...]], float] = {}
        self.tree = junction_tree(self.domain, self._widest, root=root, limit=self.limit)
        self._base = [np.zeros(self.domain.shape(c)) for c in self.tree.cliques]
        for potential in self.reference:
            home = self.tree.home(potential.names)
            self._base[home] = self._base[home] + expand(
                potential.log_values, potential.names, self.tree.cliques[home]
            )
        self._margins = margins_of(self.domain, self.tree, [t.names for t in self.tables])
        self.calibrated = self._calibrate(self.duals)

    def _calibrate(self, duals: Sequence[FloatArray]) -> Calibrated:
        spread = [t.spread(dual) for t, dual in zip(self.tables, duals, strict=True)]
        return calibrate(self.domain, self.tree, self._margins.onto(self._base, spread))

    def marginal(self, names: tuple[str, ...]) -> FloatArray:
        """Joint probability of variables that share a clique."""
        home = self.tree.home(names)
        values: FloatArray = self.calibrated.marginals[home].sum(
            axis=other_axes(self.tree.cliques[home], names)
        )
        return values

    def _gathered(self, calibrated: Calibrated) -> list[FloatArray]:
        """Probability of each cell of each table."""
        grids = self._margins.of(calibrated.marginals)
        return [t.gather(grid) for t, grid in zip(self.tables, grids, strict=True)]

    def refresh(self) -> None:
        """Build the tree again after the domain, the context or the reference was changed."""
        self._rebuild()

    # Learning -------------------------------------------------------------------------

    def add(self, tables: Sequence[NoisyTable]) -> None:
        """Take tables in; :meth:`fit` makes the model meet them.

        A table of the same variables and groups as an earlier one is pooled with it.
        """
        for table in tables:
            same = next((i for i, t in enumerate(self.tables) if t.counts_like(table)), None)
            if same is None:
                self.tables.append(table)
                self.duals.append(np.zeros(table.counts.shape))
            else:
                self.tables[same] = self.tables[same].pooled(table)
        self._rebuild()

    def settle(self) -> None:
        """Make what was fitted the reference of what comes."""
        for table, dual in zip(self.tables, self.duals, strict=True):
            self.reference.append(Potential(table.names, table.spread(dual)))
        self.duals = [np.zeros_like(dual) for dual in self.duals]
        self._rebuild()

    def estimate_worth(self, tables: Sequence[NoisyTable]) -> float:
        """Rows that the current model is worth as a reference for some tables."""
        spread = excess = 0.0
        for table in tables:
            expected = self.total * table.gather(self.marginal(table.names))
            excess += float(((table.counts - expected) ** 2).sum())
            excess -= table.counts.size * table.sigma**2
            spread += float((expected * (self.total - expected)).sum())
        if spread <= 0:
            return LEAST_WORTH
        most = MOST_WORTH * self.total
        if excess <= spread / most:
            return most
        return float(np.clip(spread / excess - 1.0, LEAST_WORTH, most))

    def fit(self, worth: float, evaluations: int = EVALUATIONS) -> None:
        """Multipliers at which the model meets its tables as well as their noise allows.

        Parameters
        ----------
        worth : float
            Rows that the reference is worth.
        evaluations : int
            Of the dual, at most.
        """
        self.worth = worth
        if not self.tables:
            return
        penalties = [worth * (t.sigma / self.total) ** 2 for t in self.tables]
        unfitted = self._calibrate([np.zeros_like(d) for d in self.duals])
        possible = [grid > 0 for grid in self._gathered(unfitted)]
        rounds = AGREEING if evaluations > STEP_EVALUATIONS else STEP_AGREEING
        counts, tilts = agreed(self.tables, self.total, penalties, possible, rounds)
        target = np.concatenate([c.ravel() for c in counts]) / self.total
        penalty = np.repeat(penalties, [c.size for c in counts])
        tilt = np.concatenate([t.ravel() for t in tilts])
        free = np.concatenate([p.ravel() for p in possible])
        scale = np.sqrt(np.maximum(target, 0.0) + penalty + 1e-9)

        def dual(scaled: FloatArray) -> tuple[float, FloatArray]:
            theta = scaled / scale
            calibrated = self._calibrate(self._split(theta + tilt))
            said = np.concatenate([grid.ravel() for grid in self._gathered(calibrated)])
            value = calibrated.objective - inner(theta, target - 0.5 * penalty * theta)
            gradient = np.where(free, said - target + penalty * theta, 0.0)
            return value, gradient / scale

        begun = np.repeat([bool(d.any()) for d in self.duals], [c.size for c in counts])
        before = np.concatenate([d.ravel() for d in self.duals])
        start = np.where(begun & free, before - tilt, 0.0) * scale
        sigma = np.repeat([t.sigma for t in self.tables], [c.size for c in counts]) / self.total
        found = descend(
            dual,
            start,
            lambda gradient: float(np.abs(gradient * scale / sigma).max()) < RESIDUAL,
            evaluations,
        )
        self.residual = float(np.abs(found.gradient * scale / sigma).max())
        self.duals = self._split(found.point / scale + tilt)
        self.calibrated = self._calibrate(self.duals)

    def _split(self, theta: FloatArray) -> list[FloatArray]:
        parts, at = [], 0
        for table in self.tables:
            size = table.counts.size
            parts.append(theta[at : at + size].reshape(table.counts.shape))
            at += size
        return parts

    # Result ---------------------------------------------------------------------------

    def conditional_tables(self) -> list[ConditionalTable]:
        """Own variables given each other and the context, in sampling order."""
        return self._conditional(self.context)

    def sampling_tables(self) -> list[ConditionalTable]:
        """All variables of the tree, those of the context as well, in sampling order."""
        return self._conditional(())

    def _conditional(self, context: tuple[str, ...]) -> list[ConditionalTable]:
        made = []
        for at, clique in enumerate(self.tree.cliques):
            separator = self.tree.separators[at]
            given = tuple(n for n in clique if n in context) if at == 0 else separator
            own = tuple(n for n in clique if n not in given)
            if not own:
                continue
            joint = self.calibrated.marginals[at]
            order = [clique.index(n) for n in (*given, *own)]
            made.append(ConditionalTable(given, own, _rows(joint.transpose(order), len(given))))
        return made


def _rows(joint: FloatArray, given: int) -> FloatArray:
    """A joint distribution as rows that sum to one, or to zero where they cannot happen."""
    flat = joint.reshape(*joint.shape[:given], -1)
    total = flat.sum(axis=-1, keepdims=True)
    rows = np.divide(flat, total, out=np.zeros_like(flat), where=total > 0)
    return np.asarray(rows.reshape(joint.shape))


def fit_in_stages(model: NoisyModel, tables: Sequence[NoisyTable], *, informed: bool) -> None:
    """Meet tables from the coarse to the fine, each stage drawn towards the one before.

    Parameters
    ----------
    model : NoisyModel
        Without tables; its reference is where the first stage starts.
    tables : sequence of NoisyTable
    informed : bool
        Whether the reference is a prior that the single variables are drawn towards, too.

    Notes
    -----
    First the distribution of each variable; then tables of groups (a family of entities);
    then all tables, so that an entity is drawn towards its family and a pair of variables
    towards independence, by as much as the counts themselves ask for.
    """
    single = [t for t in tables if len(t.names) == 1 and not t.is_grouped]
    grouped = [t for t in tables if t.is_grouped]
    fine = [t for t in tables if len(t.names) > 1 and not t.is_grouped]
    done: list[NoisyTable] = []
    for stage, first in ((single, not informed), (grouped, False), (fine, False)):
        if not stage:
            continue
        if done:
            model.settle()
        model.add(stage)
        worth = LEAST_WORTH if first else model.estimate_worth(stage)
        model.fit(worth)
        done += stage
