"""Statements that no population can satisfy together, found before any fit.

An elastic linear program over the clique marginals of a junction tree: every statement may
be relaxed at a price of one per standard error, marginals of neighbouring cliques must
agree on what they share, and the cheapest relaxation is found (HiGHS; Huangfu & Hall 2018,
doi:10.1007/s12532-017-0130-5).  Locally consistent marginals of a junction tree are the
marginals of some distribution (Wainwright & Jordan 2008, doi:10.1561/2200000001), so no
relaxation means no contradiction, and what is relaxed names the culprit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.sparse

from synthgen.errors import StatisticsError
from synthgen.models.block import Numbered, Potential
from synthgen.models.constraints import point_and_width, statement_variables
from synthgen.models.curvature import cell_index
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree, junction_tree
from synthgen.statistics.statement import Statement

FloatArray = npt.NDArray[np.float64]
#: Sparse arrays; the published stubs of scipy do not follow their products and sums.
SparseArray = Any
sp: Any = scipy.sparse

#: A statement may lie this far from its interval without being called contradicted
#: [standard errors]: sampling error alone takes one in 16,000 so far.
FREE = 4.0
#: Relaxation below this is rounding of the solver [standard errors].
NOTHING = 1e-6


@dataclass(frozen=True)
class Contradiction:
    """A statement that must give way, and by how much at least.

    Parameters
    ----------
    number : int
        Number of the statement.
    statement : Statement
    relaxation : float
        Distance beyond the free range [standard errors].
    """

    number: int
    statement: Statement
    relaxation: float


def find_contradictions(
    domain: Domain, numbered: Sequence[Numbered], potentials: Sequence[Potential]
) -> list[Contradiction]:
    """The cheapest relaxation that makes statements satisfiable together.

    Parameters
    ----------
    domain : Domain
    numbered : sequence of (int, Statement)
        Statements with their numbers.
    potentials : sequence of Potential
        Structural zeros (``-inf``); finite values do not matter.

    Returns
    -------
    list of Contradiction
        Largest relaxation first; empty if all can hold together.

    Raises
    ------
    StatisticsError
        If the linear program cannot be solved.
    ModelError
        If a clique would be too large.
    """
    if not numbered:
        return []
    sets = [frozenset(statement_variables(domain, s)) for _, s in numbered]
    sets += [frozenset(p.names) for p in potentials]
    tree = junction_tree(domain, [s for s in sets if s])
    starts = np.cumsum([0, *(domain.cells(c) for c in tree.cliques)])
    cells = int(starts[-1])
    equalities = [_total(starts, i) for i in range(len(tree.cliques))]
    equalities += _agreements(domain, tree, starts)
    agreement = sp.vstack(equalities).tocsr()
    right = np.zeros(agreement.shape[0])
    right[: len(tree.cliques)] = 1.0
    rows = sp.vstack([_row(domain, tree, starts, s) for _, s in numbered]).tocsr()
    half = np.array([point_and_width(s)[1] for _, s in numbered])
    error = np.array([point_and_width(s)[2] for _, s in numbered])
    # One unit of slack is one standard error on the scale of the given's mass.
    given = np.maximum(_given_masses(domain, [s for _, s in numbered]), 1e-12)
    free = (half + FREE * error) * given
    slack = sp.diags_array(error * given)
    m = len(numbered)
    upper = sp.hstack([rows, -slack, sp.csr_array((m, m))])
    lower = sp.hstack([-rows, sp.csr_array((m, m)), -slack])
    bounds = np.column_stack([np.zeros(cells + 2 * m), np.full(cells + 2 * m, np.inf)])
    bounds[:cells, 1] = _upper_bounds(domain, tree, starts, potentials)
    linprog: Any = scipy.optimize.linprog
    result = linprog(
        np.concatenate([np.zeros(cells), np.ones(2 * m)]),
        A_ub=sp.vstack([upper, lower]).tocsr(),
        b_ub=np.concatenate([free, free]),
        A_eq=sp.hstack([agreement, sp.csr_array((agreement.shape[0], 2 * m))]).tocsr(),
        b_eq=right,
        bounds=bounds,
        method="highs",
    )
    if result.status != 0:
        raise StatisticsError(
            f"contradictions: the linear program over {cells} cells and {m} statements ended "
            f"without an answer (status {result.status})"
        )
    needed = result.x[cells : cells + m] + result.x[cells + m :]
    found = [
        Contradiction(number, statement, float(amount))
        for (number, statement), amount in zip(numbered, needed, strict=True)
        if amount > NOTHING
    ]
    return sorted(found, key=lambda c: -c.relaxation)


def _total(starts: npt.NDArray[np.int64], clique: int) -> SparseArray:
    row = np.zeros((1, int(starts[-1])))
    row[0, starts[clique] : starts[clique + 1]] = 1.0
    return sp.csr_array(row)


def _agreements(
    domain: Domain, tree: JunctionTree, starts: npt.NDArray[np.int64]
) -> list[SparseArray]:
    found = []
    for i, parent in enumerate(tree.parents):
        separator = tree.separators[i]
        if parent < 0 or not separator:
            continue
        parts = []
        for clique, sign in ((i, 1.0), (parent, -1.0)):
            index = cell_index(domain, tree.cliques[clique], separator)
            parts.append((index, starts[clique] + np.arange(len(index)), sign))
        row = np.concatenate([p[0] for p in parts])
        column = np.concatenate([p[1] for p in parts])
        value = np.concatenate([np.full(len(p[0]), p[2]) for p in parts])
        shape = (domain.cells(separator), int(starts[-1]))
        found.append(sp.csr_array((value, (row, column)), shape=shape))
    return found


def _row(
    domain: Domain, tree: JunctionTree, starts: npt.NDArray[np.int64], statement: Statement
) -> SparseArray:
    names = statement_variables(domain, statement)
    home = tree.home(names)
    clique = tree.cliques[home]
    middle = point_and_width(statement)[0]
    given = domain.mask(clique, statement.given)
    event = domain.mask(clique, statement.event) & given
    values = (event - middle * given).ravel()
    column = np.flatnonzero(values)
    row = np.zeros(len(column), dtype=np.intp)
    return sp.csr_array((values[column], (row, starts[home] + column)), shape=(1, int(starts[-1])))


def _given_masses(domain: Domain, statements: Sequence[Statement]) -> FloatArray:
    """Mass of each given as far as the statements say it themselves, else its share of cells.

    Only the price of a relaxation depends on it, not whether one is needed.
    """
    masses = []
    for statement in statements:
        names = statement_variables(domain, statement)
        masses.append(float(domain.mask(names, statement.given).mean()) if names else 1.0)
    return np.array(masses)


def _upper_bounds(
    domain: Domain,
    tree: JunctionTree,
    starts: npt.NDArray[np.int64],
    potentials: Sequence[Potential],
) -> FloatArray:
    bounds = np.ones(int(starts[-1]))
    for potential in potentials:
        home = tree.home(potential.names)
        index = cell_index(domain, tree.cliques[home], potential.names)
        impossible = np.isneginf(potential.log_values).ravel()[index]
        bounds[starts[home] : starts[home + 1]][impossible] = 0.0
    return bounds
