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
lie from ``q`` (empirical Bayes, by moments).  Counts below zero are what they are: nothing is
clipped before the fit, and the fit is a distribution.

The dual is smooth and is minimised by L-BFGS; success is the residual that is measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synthgen.models.block import Potential
from synthgen.models.descent import descend
from synthgen.models.distribution import ConditionalTable
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import CLIQUE_CELLS, JunctionTree, junction_tree
from synthgen.models.propagation import Calibrated, calibrate, expand, other_axes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: Rows that a reference is worth at least: below one, a reference is none.
LEAST_WORTH = 0.1
#: Rows that a reference is worth at most, as a multiple of the rows there are.
MOST_WORTH = 1e4
#: Evaluations of the dual at most, in a fit and in a step of a search.
EVALUATIONS, STEP_EVALUATIONS = 800, 40
#: Largest residual at which the descent stops [standard deviations of the noise].
RESIDUAL = 1e-3


@dataclass(frozen=True, eq=False)
class NoisyTable:
    """Counts with noise on a grid of groups of codes.

    Parameters
    ----------
    names : tuple of str
        Axes, in the order of the domain.
    counts : ndarray of float64
        One axis per name.
    sigma : float
        Standard deviation of the noise of each count.
    groups : tuple of (ndarray of intp or None)
        Position on the axis for each code of the domain; None where every code has its own.
    """

    names: tuple[str, ...]
    counts: FloatArray
    sigma: float
    groups: tuple[IntArray | None, ...]

    @property
    def is_grouped(self) -> bool:
        """Whether an axis is coarser than the domain."""
        return any(group is not None for group in self.groups)

    def gather(self, grid: FloatArray) -> FloatArray:
        """Sums of a grid of codes over the groups."""
        for axis, group in enumerate(self.groups):
            if group is not None:
                shape = list(grid.shape)
                shape[axis] = self.counts.shape[axis]
                summed = np.zeros(shape)
                np.add.at(np.moveaxis(summed, axis, 0), group, np.moveaxis(grid, axis, 0))
                grid = summed
        return grid

    def spread(self, values: FloatArray) -> FloatArray:
        """A value of each group at each of its codes."""
        for axis, group in enumerate(self.groups):
            if group is not None:
                values = values.take(group, axis=axis)
        return values


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

    def tree_with(self, more: Sequence[tuple[str, ...]] = ()) -> JunctionTree:
        """Tree that holds further sets as well.

        Raises
        ------
        ModelError
            If a clique would exceed the limit.
        """
        scopes = [*self.scopes(), *more]
        used = {n for s in scopes for n in s}
        root = [n for n in self.context if n in used]
        own = [(n,) for n in self.domain.names if n not in self.context]
        return junction_tree(self.domain, [*scopes, *own], root=root, limit=self.limit)

    def _rebuild(self) -> None:
        self.tree = self.tree_with()
        self._base = [np.zeros(self.domain.shape(c)) for c in self.tree.cliques]
        for potential in self.reference:
            home = self.tree.home(potential.names)
            self._base[home] = self._base[home] + expand(
                potential.log_values, potential.names, self.tree.cliques[home]
            )
        self.calibrated = self._calibrate(self.duals)

    def _calibrate(self, duals: Sequence[FloatArray]) -> Calibrated:
        potentials = list(self._base)
        for table, dual in zip(self.tables, duals, strict=True):
            home = self.tree.home(table.names)
            shift = expand(table.spread(dual), table.names, self.tree.cliques[home])
            potentials[home] = potentials[home] + shift
        return calibrate(self.domain, self.tree, potentials)

    def marginal(self, names: tuple[str, ...]) -> FloatArray:
        """Joint probability of variables that share a clique."""
        return self._marginal(self.calibrated, names)

    def _marginal(self, calibrated: Calibrated, names: tuple[str, ...]) -> FloatArray:
        home = self.tree.home(names)
        values: FloatArray = calibrated.marginals[home].sum(
            axis=other_axes(self.tree.cliques[home], names)
        )
        return values

    def refresh(self) -> None:
        """Build the tree again after the domain, the context or the reference was changed."""
        self._rebuild()

    # Learning -------------------------------------------------------------------------

    def add(self, tables: Sequence[NoisyTable]) -> None:
        """Take tables in; :meth:`fit` makes the model meet them."""
        self.tables += tables
        self.duals += [np.zeros(t.counts.shape) for t in tables]
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
        targets = [t.counts / self.total for t in self.tables]
        penalties = [worth * (t.sigma / self.total) ** 2 for t in self.tables]
        scale = np.concatenate(
            [
                np.sqrt(np.maximum(target, 0.0) + penalty + 1e-9).ravel()
                for target, penalty in zip(targets, penalties, strict=True)
            ]
        )
        target = np.concatenate([t.ravel() for t in targets])
        penalty = np.concatenate(
            [np.full(t.size, p) for t, p in zip(targets, penalties, strict=True)]
        )

        def dual(scaled: FloatArray) -> tuple[float, FloatArray]:
            theta = scaled / scale
            calibrated = self._calibrate(self._split(theta))
            said = np.concatenate(
                [t.gather(self._marginal(calibrated, t.names)).ravel() for t in self.tables]
            )
            value = calibrated.objective - theta @ target + 0.5 * penalty @ theta**2
            return float(value), (said - target + penalty * theta) / scale

        start = np.concatenate([d.ravel() for d in self.duals]) * scale
        sigma = np.concatenate([np.full(t.counts.size, t.sigma) for t in self.tables]) / self.total
        found = descend(
            dual,
            start,
            lambda gradient: float(np.abs(gradient * scale / sigma).max()) < RESIDUAL,
            evaluations,
        )
        theta = found.point / scale
        gradient = found.gradient * scale
        self.residual = float(np.abs(gradient / sigma).max())
        self.duals = self._split(theta)
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


def merged(tables: Sequence[NoisyTable]) -> list[NoisyTable]:
    """Tables of which none has the axes of another: several counts of one thing become one.

    Parameters
    ----------
    tables : sequence of NoisyTable

    Returns
    -------
    list of NoisyTable
        Means weighted by the inverse variance of the noise, which is theirs.
    """
    found: dict[tuple[object, ...], list[NoisyTable]] = {}
    for table in tables:
        groups = tuple(None if g is None else tuple(g.tolist()) for g in table.groups)
        found.setdefault((table.names, groups), []).append(table)
    made = []
    for same in found.values():
        weights = np.array([table.sigma**-2 for table in same])
        counts = sum(w * t.counts for w, t in zip(weights, same, strict=True)) / weights.sum()
        first = same[0]
        sigma = float(weights.sum() ** -0.5)
        made.append(NoisyTable(first.names, np.asarray(counts), sigma, first.groups))
    return made


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
    tables = merged(tables)
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
