"""Adversarial random forests: trees that have learned to tell real rows from invented ones.

The trees are grown by scikit-learn, which is imported here and nowhere else in this room; what
leaves this file is plain arrays.

Notes
-----
Watson, Blesch, Kapar & Wright (2023), Adversarial random forests for density estimation and
generative modeling, AISTATS, arXiv:2205.09435, algorithm 1: a forest tells the rows from rows of
which every column is drawn by itself; then from rows drawn column by column within its leaves;
until it can tell them no better than chance, so that columns are nearly independent in a leaf.
Categories without an order are put in the order of their first principal component
(Coppersmith, Hong & Hosking 1999, doi:10.1023/A:1009869804967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from synthgen.extras import require

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

EXTRA = "records"
#: Rounds at most, and the accuracy at which a forest tells nothing any more.
ROUNDS, CHANCE = 10, 0.5


@dataclass(frozen=True, eq=False)
class LeafTree:
    """A tree as arrays; a leaf is a box of positions.

    Parameters
    ----------
    left, right : ndarray of intp, shape (nodes,)
        Children, -1 in a leaf; those of a node stand after it.
    feature : ndarray of intp, shape (nodes,)
        Column that the node asks.
    threshold : ndarray of float64, shape (nodes,)
        Rows go left up to here.
    leaf : ndarray of intp, shape (nodes,)
        Number of the leaf that rows of the node are in, -1 where a node holds none.
    """

    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: FloatArray
    leaf: IntArray

    def leaves(self, x: IntArray) -> IntArray:
        """Leaf of every row, shape (n,)."""
        return np.asarray(self.leaf[self.nodes(x)])

    def nodes(self, x: IntArray) -> IntArray:
        """Last node that every row comes to, shape (n,)."""
        at = np.zeros(len(x), dtype=np.intp)
        going = np.flatnonzero(self.left[at] >= 0)
        while len(going):
            node = at[going]
            down = x[going, self.feature[node]] <= self.threshold[node]
            at[going] = np.where(down, self.left[node], self.right[node])
            going = going[self.left[at[going]] >= 0]
        return at

    def boxes(self, sizes: Sequence[int]) -> tuple[IntArray, IntArray]:
        """Least and greatest position of each column in each leaf, shape (leaves, columns)."""
        nodes, count = len(self.left), int(self.leaf.max()) + 1
        low = np.zeros((nodes, len(sizes)), dtype=np.intp)
        high = np.tile(np.asarray(sizes, dtype=np.intp) - 1, (nodes, 1))
        found_low, found_high = low[:1].repeat(count, axis=0), high[:1].repeat(count, axis=0)
        for node in range(nodes):
            number = self.leaf[node]
            if number >= 0:
                found_low[number], found_high[number] = low[node], high[node]
            if self.left[node] >= 0:
                column, cut = self.feature[node], int(np.floor(self.threshold[node]))
                for child in (self.left[node], self.right[node]):
                    low[child], high[child] = low[node], high[node]
                high[self.left[node], column] = min(high[node, column], cut)
                low[self.right[node], column] = max(low[node, column], cut + 1)
        return found_low, found_high


@dataclass(frozen=True, eq=False)
class Grown:
    """Trees, and how well they could tell rows from invented ones.

    Parameters
    ----------
    trees : tuple of LeafTree
    accuracy : tuple of float
        Of each round, on rows that a tree has not seen.
    """

    trees: tuple[LeafTree, ...]
    accuracy: tuple[float, ...]


def grow(
    x: IntArray,
    persons: IntArray,
    rng: np.random.Generator,
    *,
    trees: int,
    min_leaf: int,
    rounds: int = ROUNDS,
) -> Grown:
    """Adversarial random forest of some rows.

    Parameters
    ----------
    x : ndarray of intp, shape (n, columns)
        Positions, in an order that a threshold can cut.
    persons : ndarray of intp, shape (n,)
        Whose row it is.
    rng : numpy.random.Generator
    trees : int
    min_leaf : int
        Fewest persons of a leaf; rows of leaves that would have fewer go on to the next.
    rounds : int
        At most.

    Raises
    ------
    MissingExtraError
        Without scikit-learn.
    """
    ensemble = require(EXTRA, "sklearn.ensemble")
    invented = np.stack([rng.permutation(x[:, j]) for j in range(x.shape[1])], axis=1)
    best: list[LeafTree] = []
    accuracy: list[float] = []
    for _ in range(rounds):
        forest = ensemble.RandomForestClassifier(
            n_estimators=trees,
            min_samples_leaf=min_leaf,
            random_state=int(rng.integers(0, 2**31 - 1)),
            n_jobs=1,
        )
        both = np.concatenate([x, invented]).astype(np.float32)
        truth = np.repeat([1, 0], [len(x), len(invented)])
        forest.fit(both, truth)
        accuracy.append(_unseen(forest, both, truth))
        if len(accuracy) > 1 and accuracy[-1] > accuracy[-2]:
            break  # it got better at telling: what came before is kept
        best = [_pruned(one.tree_, x, persons, min_leaf) for one in forest.estimators_]
        if accuracy[-1] <= CHANCE:
            break
        invented = _invent(best, x, rng)
    return Grown(tuple(best), tuple(round(value, 4) for value in accuracy))


def _unseen(forest: Any, both: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]) -> float:
    """Accuracy over the rows that each tree has not seen."""
    votes = np.zeros((len(both), 2))
    for one, seen in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.ones(len(both), dtype=np.bool_)
        out[seen] = False
        votes[out] += one.predict_proba(both[out])
    asked = votes.sum(axis=1) > 0
    right = (votes[:, 1] > votes[:, 0]) == (truth == 1)
    return float(right[asked].mean()) if asked.any() else CHANCE


def _pruned(tree: Any, x: IntArray, persons: IntArray, min_leaf: int) -> LeafTree:
    """The tree without leaves of too few persons: their rows go on to the leaves beside them.

    A node of which one side is such a leaf asks no more and becomes its other side, as arfpy
    0.1.1 prunes; what is left of the tree keeps its depth.
    """
    left, right = (np.array(a, dtype=np.intp) for a in (tree.children_left, tree.children_right))
    feature = np.array(tree.feature, dtype=np.intp)
    threshold = np.array(tree.threshold, dtype=np.float64)
    nodes = len(left)
    parent = np.full(nodes, -1, dtype=np.intp)
    for children in (left, right):
        inner = children >= 0
        parent[children[inner]] = np.flatnonzero(inner)
    whole = LeafTree(left, right, feature, threshold, np.arange(nodes))
    while True:
        ends = whole.nodes(x)
        many = persons_of(ends, persons, nodes)
        reached = (left < 0) & ((parent >= 0) | (np.arange(nodes) == 0))
        few = np.flatnonzero(reached & (many < min_leaf) & (parent >= 0))
        if not len(few):
            break
        touched: set[int] = set()
        for leaf in few[np.argsort(many[few], kind="stable")]:
            above = int(parent[leaf])
            if above in touched or above < 0:
                continue
            beside = int(right[above] if left[above] == leaf else left[above])
            if beside in touched:
                continue
            touched |= {above, beside}
            feature[above], threshold[above] = feature[beside], threshold[beside]
            left[above], right[above] = left[beside], right[beside]
            for child in (left[above], right[above]):
                if child >= 0:
                    parent[child] = above
            left[beside] = right[beside] = parent[beside] = parent[leaf] = -1
    number = np.full(nodes, -1, dtype=np.intp)
    found = np.unique(ends)
    number[found] = np.arange(len(found))
    return LeafTree(left, right, feature, threshold, number)


def persons_of(leaf: IntArray, persons: IntArray, count: int) -> IntArray:
    """How many persons have rows in each leaf, shape (count,).

    Parameters
    ----------
    leaf, persons : ndarray of intp, shape (n,)
        Of each row.
    count : int
        Leaves.

    Examples
    --------
    >>> persons_of(np.array([0, 0, 1]), np.array([7, 7, 7]), 3)
    array([1, 1, 0])
    """
    people = int(persons.max(initial=0)) + 1
    return np.bincount(np.unique(leaf * people + persons) // people, minlength=count)


def _invent(trees: Sequence[LeafTree], x: IntArray, rng: np.random.Generator) -> IntArray:
    """As many rows as there are, each column drawn by itself within a leaf of some tree."""
    n, columns = x.shape
    chosen = rng.integers(0, len(trees), (n,))
    seeds = rng.integers(0, n, (n,))  # leaves by how many rows they hold
    made = np.empty_like(x)
    for at, tree in enumerate(trees):
        mine = np.flatnonzero(chosen == at)
        leaves = tree.leaves(x)
        order = np.argsort(leaves, kind="stable")
        ends = np.bincount(leaves).cumsum()
        starts = np.concatenate([[0], ends])
        leaf = leaves[seeds[mine]]
        size = starts[leaf + 1] - starts[leaf]
        for j in range(columns):
            pick = starts[leaf] + np.floor(rng.random(len(mine)) * size).astype(np.intp)
            made[mine, j] = x[order[pick], j]
    return made


def ranks_of(columns: Sequence[IntArray], sizes: Sequence[int], at: int) -> IntArray:
    """Order of a column's categories by the first principal component of all others' shares.

    Parameters
    ----------
    columns : sequence of ndarray of intp, shape (n,)
    sizes : sequence of int
    at : int
        Which column.

    Returns
    -------
    ndarray of intp, shape (sizes[at],)
        Rank of each category.
    """
    own, many = columns[at], sizes[at]
    weight = np.bincount(own, minlength=many).astype(np.float64)
    blocks = [
        np.bincount(own * size + column, minlength=many * size).reshape(many, size)
        for i, (column, size) in enumerate(zip(columns, sizes, strict=True))
        if i != at
    ]
    if many < 3 or not blocks:
        return np.arange(many)
    shares = np.concatenate(blocks, axis=1) / np.maximum(weight, 1.0)[:, np.newaxis]
    mean = (weight @ shares) / max(weight.sum(), 1.0)
    centred = (shares - mean) * np.sqrt(weight)[:, np.newaxis]
    score = np.round((shares - mean) @ _first_component(centred), 9)
    score = score if score[int(weight.argmax())] >= 0 else -score  # a sign of its own
    score[weight == 0] = np.inf
    rank = np.empty(many, dtype=np.intp)
    rank[np.argsort(score, kind="stable")] = np.arange(many)
    return rank


def _first_component(centred: FloatArray) -> FloatArray:
    """First right singular vector, from the smaller of the two products of a matrix with itself."""
    centred = centred[centred.any(axis=1)]
    if not len(centred):
        return np.zeros(centred.shape[1])
    wide = centred.shape[0] < centred.shape[1]
    product = centred @ centred.T if wide else centred.T @ centred
    last = len(product) - 1
    vector: FloatArray = eigh(product, subset_by_index=(last, last))[1][:, 0]
    if wide:
        vector = vector @ centred
        vector /= np.linalg.norm(vector)
    return vector
