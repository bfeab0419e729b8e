"""Exact second derivatives of the dual: covariances of constraints across the tree.

Within a clique the second moments are one sparse product.  Between cliques the
conditional mean of each constraint is carried along the tree from separator to
separator, which is exact because cliques are independent given what lies between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import splu

from synthgen.models.propagation import Calibrated, other_axes

if TYPE_CHECKING:
    from synthgen.models.domain import Domain
    from synthgen.models.maxent import Problem

FloatArray = npt.NDArray[np.float64]
#: Sparse arrays; the published stubs of scipy do not follow their products and sums.
SparseArray = Any
sp: Any = scipy.sparse
IndexArray = npt.NDArray[np.intp]

#: Contexts that more constraints than this touch are kept out of the sparse matrix.
WIDE = 200
#: One clique with up to this many coefficients (constraints x cells) is handled densely:
#: below it the sparse bookkeeping costs many times the arithmetic.
FEW = 1024
#: Systems up to this size are solved densely.
DENSE = 100
#: Added to the diagonal, relative to its mean, so that redundant statements stay solvable.
RIDGE = 1e-12


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


def _clique_matrices(problem: Problem) -> dict[int, tuple[IndexArray, SparseArray]]:
    """Constraints of each clique, as rows over the clique's cells."""
    found: dict[int, list[tuple[IndexArray, SparseArray]]] = {}
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


def _summing(index: IndexArray, size: int) -> SparseArray:
    """Matrix that adds up cells into the coarser cells they lie in."""
    cells = len(index)
    return sp.csr_array((np.ones(cells), (np.arange(cells), index)), shape=(cells, size))


@dataclass(frozen=True, eq=False)
class Curvature:
    """Second derivatives of the dual: ``local - wide diag(weight) wide.T``.

    Parameters
    ----------
    local : sparse or dense array of float64, shape (m, m)
    wide : ndarray of float64, shape (m, r)
        Means of the constraints in contexts that many constraints touch.  They are kept
        apart because one of them would fill a sparse matrix (Sherman, Morrison & Woodbury:
        Golub & Van Loan 2013, section 2.1.4).
    weight : ndarray of float64, shape (r,)
    """

    local: SparseArray | FloatArray
    wide: FloatArray
    weight: FloatArray

    def dense(self) -> FloatArray:
        """All of it as one matrix, shape (m, m)."""
        return _dense(self.local) - (self.wide * self.weight) @ self.wide.T

    def newton_step(
        self, free: IndexArray, scale: FloatArray, penalty: FloatArray, gradient: FloatArray
    ) -> FloatArray:
        """Step that solves ``(curvature + diag(penalty)) step = -gradient`` where free.

        Parameters
        ----------
        free : ndarray of intp, shape (f,)
            Constraints that may move.
        scale, penalty, gradient : ndarray of float64, shape (m,)

        Returns
        -------
        ndarray of float64, shape (f,)
        """
        unit = 1.0 / scale[free]
        right = -gradient[free] * unit
        if isinstance(self.local, np.ndarray) or len(free) <= DENSE:
            matrix = self.dense()[np.ix_(free, free)] * np.outer(unit, unit)
            matrix[np.diag_indices_from(matrix)] += penalty[free] * unit**2
            return unit * _solve_dense(matrix, right)
        scaling = sp.dia_array((unit[np.newaxis, :], [0]), shape=(len(free), len(free)))
        local = scaling @ self.local[free][:, free] @ scaling
        shift = penalty[free] * unit**2
        ridge = RIDGE * float(local.diagonal().mean())
        diagonal = sp.dia_array(((shift + ridge)[np.newaxis, :], [0]), shape=local.shape)
        factor = splu(sp.csc_matrix(local + diagonal))
        wide = self.wide[free] * unit[:, np.newaxis]
        solved = factor.solve(np.column_stack([right, wide]))
        capacity = np.diag(1.0 / self.weight) - wide.T @ solved[:, 1:]
        step = solved[:, 0] + solved[:, 1:] @ np.linalg.solve(capacity, wide.T @ solved[:, 0])
        return np.asarray(unit * step)


def _solve_dense(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of a positive system, with as little added to its diagonal as it needs."""
    ridge = RIDGE * max(float(np.trace(matrix)) / len(matrix), 1e-300)
    for _ in range(12):
        try:
            factor = scipy.linalg.cho_factor(matrix + ridge * np.eye(len(matrix)))
        except np.linalg.LinAlgError:
            ridge *= 100
            continue
        return np.asarray(scipy.linalg.cho_solve(factor, right))
    return np.asarray(right / np.maximum(np.diag(matrix), 1e-300))


def curvature(problem: Problem, calibrated: Calibrated) -> Curvature:
    """Mean over contexts of the covariance matrix of the constraints.

    Parameters
    ----------
    problem : Problem
    calibrated : Calibrated
        Marginals at the current multipliers.
    """
    m = len(problem.constraints)
    cells = problem.domain.cells(problem.context)
    weight = (
        np.ones(1) if problem.context_probability is None else problem.context_probability.ravel()
    )
    inverse = np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
    if len(problem.tree.cliques) == 1 and m * calibrated.marginals[0].size <= FEW:
        return _few(problem, calibrated, cells, inverse)
    matrices = _clique_matrices(problem)
    if set(matrices) == {0}:
        positions, rows = matrices[0]
        order = np.argsort(positions)
        rows = rows[order]
        weighted = rows.multiply(calibrated.marginals[0].ravel()[np.newaxis, :]).tocsr()
        index = cell_index(problem.domain, problem.tree.cliques[0], problem.context)
        by_context = sp.csc_array(weighted @ _summing(index, cells))
        touched = np.diff(by_context.indptr)
        wide = np.flatnonzero((touched > WIDE) & (inverse > 0))
        narrow = np.flatnonzero((touched <= WIDE) & (touched > 0))
        thin = sp.csr_array(by_context[:, narrow])
        scaled = thin.multiply(inverse[narrow][np.newaxis, :]).tocsr()
        local = sp.csr_array(weighted @ rows.T - scaled @ thin.T)
        return Curvature(local, by_context[:, wide].toarray(), inverse[wide])
    second = np.zeros((m, m))
    means = np.zeros((m, cells))
    for home, (positions, rows) in matrices.items():
        weighted = rows.multiply(calibrated.marginals[home].ravel()[np.newaxis, :]).tocsr()
        second[np.ix_(positions, positions)] = (weighted @ rows.T).toarray()
        _carry(problem, calibrated, matrices, home, (positions, weighted), second, means)
    used = np.flatnonzero(inverse)
    return Curvature(second, means[:, used], inverse[used])


def _few(problem: Problem, calibrated: Calibrated, cells: int, inverse: FloatArray) -> Curvature:
    """As :func:`curvature`, for one small clique."""
    clique = problem.tree.cliques[0]
    marginal = calibrated.marginals[0].ravel()
    rows = np.zeros((len(problem.constraints), len(marginal)))
    for group in problem.constraints.groups:
        index = cell_index(problem.domain, clique, group.names)
        rows[group.positions] = group.matrix.toarray()[:, index]
    weighted = rows * marginal
    index = cell_index(problem.domain, clique, problem.context)
    means = weighted @ (index[:, np.newaxis] == np.arange(cells)).astype(np.float64)
    used = np.flatnonzero(inverse)
    return Curvature(weighted @ rows.T, means[:, used], inverse[used])


def _carry(
    problem: Problem,
    calibrated: Calibrated,
    matrices: dict[int, tuple[IndexArray, SparseArray]],
    home: int,
    own: tuple[IndexArray, SparseArray],
    second: FloatArray,
    by_context: FloatArray,
) -> None:
    """Carry the constraints of one clique through the tree, filling both outputs."""
    domain, tree = problem.domain, problem.tree
    positions, weighted = own
    reach = _paths(tree.parents, home, {0, *matrices} - {home})
    mass: dict[int, FloatArray | SparseArray] = {home: weighted}
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


def _dense(matrix: FloatArray | SparseArray) -> FloatArray:
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
