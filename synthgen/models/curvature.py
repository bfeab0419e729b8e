"""Exact second derivatives of the dual: covariances of constraints across the tree.

Within a clique the second moments are one sparse product.  Between cliques the
conditional mean of each constraint is carried along the tree from separator to
separator, which is exact because cliques are independent given what lies between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from synthgen.models.propagation import Calibrated, other_axes

if TYPE_CHECKING:
    from synthgen.models.domain import Domain
    from synthgen.models.maxent import Problem

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]


def cell_index(domain: Domain, names: tuple[str, ...], of: tuple[str, ...]) -> IndexArray:
    """Cell of the grid ``of`` that each cell of the grid ``names`` lies in.

    Both in the order of the domain, ``of`` part of ``names``; C order; shape
    ``(domain.cells(names),)``.
    """
    index = np.zeros(domain.shape(names), dtype=np.intp)
    stride = 1
    for name in reversed(of):
        axis = names.index(name)
        codes = np.arange(domain.size(name), dtype=np.intp) * stride
        index += codes.reshape([-1 if i == axis else 1 for i in range(len(names))])
        stride *= domain.size(name)
    return index.ravel()


def _clique_matrices(problem: Problem) -> dict[int, tuple[IndexArray, sp.csr_array]]:
    """Constraints of each clique, as rows over the clique's cells."""
    found: dict[int, list[tuple[IndexArray, sp.csr_array]]] = {}
    for group in problem.constraints.groups:
        home = problem.tree.home(group.names)
        index = cell_index(problem.domain, problem.tree.cliques[home], group.names)
        rows = sp.csr_array(sp.csc_array(group.matrix)[:, index])
        found.setdefault(home, []).append((group.positions, rows))
    return {
        home: (
            np.concatenate([p for p, _ in parts]),
            sp.csr_array(sp.vstack([r for _, r in parts])),
        )
        for home, parts in found.items()
    }


def _summing(index: IndexArray, size: int) -> sp.csr_array:
    """Matrix that adds up cells into the coarser cells they lie in."""
    cells = len(index)
    return sp.csr_array((np.ones(cells), (np.arange(cells), index)), shape=(cells, size))


def curvature(problem: Problem, calibrated: Calibrated) -> FloatArray:
    """Mean over contexts of the covariance matrix of the constraints.

    Parameters
    ----------
    problem : Problem
    calibrated : Calibrated
        Marginals at the current multipliers.

    Returns
    -------
    ndarray of float64, shape (m, m)
        Second derivatives of ``E_c log Z_c``.
    """
    m = len(problem.constraints)
    matrices = _clique_matrices(problem)
    second = np.zeros((m, m))
    context_cells = problem.domain.cells(problem.context)
    by_context = np.zeros((m, context_cells))
    for home, (positions, rows) in matrices.items():
        weighted = rows.multiply(calibrated.marginals[home].ravel()[np.newaxis, :]).tocsr()
        second[np.ix_(positions, positions)] = (weighted @ rows.T).toarray()
        _carry(problem, calibrated, matrices, home, (positions, weighted), second, by_context)
    weight = (
        np.ones(1)
        if problem.context_probability is None
        else problem.context_probability.ravel()
    )
    inverse = np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
    sparse = sp.csr_array(by_context)
    second -= (sparse.multiply(inverse[np.newaxis, :]).tocsr() @ sparse.T).toarray()
    return second


def _carry(
    problem: Problem,
    calibrated: Calibrated,
    matrices: dict[int, tuple[IndexArray, sp.csr_array]],
    home: int,
    own: tuple[IndexArray, sp.csr_array],
    second: FloatArray,
    by_context: FloatArray,
) -> None:
    """Carry the constraints of one clique through the tree, filling both outputs."""
    domain, tree = problem.domain, problem.tree
    positions, weighted = own
    reach = _paths(tree.parents, home, {0, *matrices} - {home})
    mass: dict[int, FloatArray | sp.csr_array] = {home: weighted}
    for came_from, at in reach:
        edge = max(at, came_from)
        separator = tree.separators[edge]
        down = cell_index(domain, tree.cliques[came_from], separator)
        carried = _dense(mass[came_from] @ _summing(down, domain.cells(separator)))
        marginal = calibrated.marginals[at]
        between = marginal.sum(axis=other_axes(tree.cliques[at], separator)).ravel()
        mean = np.divide(carried, between, out=np.zeros_like(carried), where=between > 0)
        up = cell_index(domain, tree.cliques[at], separator)
        mass[at] = mean[:, up] * marginal.ravel()
        if at in matrices:
            there, rows = matrices[at]
            second[np.ix_(there, positions)] = rows @ mass[at].T
    index = cell_index(domain, tree.cliques[0], problem.context)
    by_context[positions] = _dense(mass[0] @ _summing(index, by_context.shape[1]))


def _dense(matrix: FloatArray | sp.csr_array) -> FloatArray:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def _paths(parents: tuple[int, ...], home: int, wanted: set[int]) -> list[tuple[int, int]]:
    """Edges (from, to) outward from ``home`` that lead to wanted cliques, in walking order."""
    neighbours: dict[int, list[int]] = {i: [] for i in range(len(parents))}
    for child, parent in enumerate(parents):
        if parent >= 0:
            neighbours[child].append(parent)
            neighbours[parent].append(child)
    walk: list[tuple[int, int]] = []
    stack = [(home, -1)]
    while stack:
        at, came_from = stack.pop()
        for other in neighbours[at]:
            if other != came_from:
                walk.append((at, other))
                stack.append((other, at))
    needed = set(wanted)
    for start, end in reversed(walk):
        if end in needed:
            needed.add(start)
    return [(start, end) for start, end in walk if end in needed]
