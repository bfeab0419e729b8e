"""Densities within the leaves of a forest, as a distribution that can be sampled and conditioned.

A tree is a component of a mixture.  In a component a leaf is drawn, then every variable, or every
group of time and event, by its shares among the rows of the leaf (Watson et al. 2023,
arXiv:2205.09435, algorithm 2); rows of another table draw a leaf of their own given the leaf of
the row they refer to.  Shares are smoothed toward those of all rows within the leaf's box, so
that nothing outside the box is ever drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.enclave.arf import LeafTree, grow, persons_of, ranks_of
from synthgen.models.decomposable import conditional
from synthgen.models.distribution import ConditionalTable
from synthgen.models.domain import Domain
from synthgen.models.latent_tree import LatentTree
from synthgen.models.mixture import Mixture

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

TREE = "forest_tree"
"""Variable that says which tree of the forest a row is drawn from."""

SMOOTHING = 0.1
"""Rows of all, within its box, that each leaf is given beside its own.  Our choice."""

MOST_NUMBERS = 40_000_000
"""Numbers of a model at most; with more rows than that allows, leaves are made larger."""


@dataclass(frozen=True, eq=False)
class LeafRows:
    """Rows of one table, as a forest sees them.

    Parameters
    ----------
    table : str
    parent : int
        Position of the table that they refer to among all, -1 for the first.
    columns : mapping of str to ndarray of intp, shape (n,)
        Positions of categories: own variables and those of the rows they refer to.
    persons : ndarray of intp, shape (n,)
        Whose row it is.
    features : tuple of str
        Variables that trees may ask.
    unordered : frozenset of str
        Those of them whose categories have no order.
    groups : tuple of tuple of str
        Own variables that are drawn together given the leaf; every own variable is in one.
    derived : mapping of str to str
        Own variables that follow from another: other bins of a number and the bins that they are drawn
        from, codes and the combination that holds them.
    """

    table: str
    parent: int
    columns: Mapping[str, IntArray]
    persons: IntArray
    features: tuple[str, ...]
    unordered: frozenset[str]
    groups: tuple[tuple[str, ...], ...]
    derived: Mapping[str, str]

    @property
    def leaf(self) -> str:
        """Variable that says which leaf a row is drawn from."""
        return leaf_name(self.table)


@dataclass(frozen=True, eq=False)
class Leaves:
    """A forest's distribution, and how many persons each leaf is made of.

    Parameters
    ----------
    mixture : Mixture
    persons : mapping of str to tuple of tuple of int
        By leaf variable, for each tree: persons of each leaf.
    accuracy : mapping of str to tuple of float
        By table: how well each round could tell rows from invented ones.
    min_leaf : int
        What every leaf was held to [persons].
    """

    mixture: Mixture
    persons: Mapping[str, tuple[tuple[int, ...], ...]]
    accuracy: Mapping[str, tuple[float, ...]]
    min_leaf: int


def leaf_name(table: str) -> str:
    """Variable for the leaves of a table."""
    return f"forest_leaf_{table.lower()}"[:60]


def codes_of(letter: str, count: int) -> tuple[str, ...]:
    """Codes of trees and leaves: ``T0001``, ``T0002``."""
    return tuple(f"{letter}{number:04d}" for number in range(1, count + 1))


class _Forest:
    """Trees of one table, with the order that they see categories in."""

    def __init__(
        self,
        rows: LeafRows,
        sizes: Mapping[str, int],
        rng: np.random.Generator,
        trees: int,
        min_leaf: int,
    ) -> None:
        self.names = rows.features
        columns = [rows.columns[n] for n in self.names]
        many = [sizes[n] for n in self.names]
        self.ranks = {
            name: ranks_of(columns, many, at) if name in rows.unordered else np.arange(many[at])
            for at, name in enumerate(self.names)
        }
        self.accuracy: tuple[float, ...] = ()
        one = np.array([-1], dtype=np.intp)
        self.trees: tuple[LeafTree, ...] = (LeafTree(one, one, one, np.zeros(1), one + 1),) * trees
        if self.names and len(rows.persons):
            grown = grow(self.seen(rows), rows.persons, rng, trees=trees, min_leaf=min_leaf)
            self.trees, self.accuracy = grown.trees, grown.accuracy

    def seen(self, rows: LeafRows) -> IntArray:
        """Rows of this table, or of one that refers to it, as the trees see them."""
        if not self.names:
            return np.zeros((len(rows.persons), 1), dtype=np.intp)
        return np.stack([self.ranks[n][rows.columns[n]] for n in self.names], axis=1)

    def allowed(self, tree: LeafTree, name: str, size: int) -> npt.NDArray[np.bool_]:
        """Categories of a variable in the box of each leaf, shape (leaves, size)."""
        count = int(tree.leaf.max()) + 1
        if name not in self.names:
            return np.ones((count, size), dtype=np.bool_)
        at = self.names.index(name)
        low, high = tree.boxes([len(self.ranks[n]) for n in self.names])
        rank = self.ranks[name][np.newaxis, :]
        return np.asarray((rank >= low[:, at, np.newaxis]) & (rank <= high[:, at, np.newaxis]))


def fit_leaves(
    tables: Sequence[LeafRows],
    codes: Mapping[str, tuple[str, ...]],
    rng: np.random.Generator,
    *,
    trees: int,
    min_leaf: int,
) -> Leaves:
    """Forests of all tables, parents first, as one mixture over trees.

    Parameters
    ----------
    tables : sequence of LeafRows
        Parents first; the first one holds the persons.
    codes : mapping of str to tuple of str
        Of every variable.
    rng : numpy.random.Generator
    trees : int
    min_leaf : int
        Fewest persons of a leaf.
    """
    sizes = {name: len(c) for name, c in codes.items()}
    wide = sum(int(np.prod([sizes[n] for n in group])) for rows in tables for group in rows.groups)
    most = max(len(rows.persons) for rows in tables)
    used = max(min_leaf, -(-most * trees * wide // MOST_NUMBERS))
    forests = [_Forest(rows, sizes, rng, trees, used) for rows in tables]
    persons: dict[str, list[tuple[int, ...]]] = {rows.leaf: [] for rows in tables}
    follow = [_derived(rows, sizes) for rows in tables]
    parts: list[list[tuple[str, int, list[ConditionalTable]]]] = []
    for number in range(trees):
        at: list[IntArray] = []
        part = []
        for rows, forest, same in zip(tables, forests, follow, strict=True):
            tree = forest.trees[number]
            leaf = tree.leaves(forest.seen(rows))
            at.append(leaf)
            count = int(tree.leaf.max()) + 1
            persons[rows.leaf].append(tuple(persons_of(leaf, rows.persons, count).tolist()))
            made = [_leaf_table(rows, number, tables, forests, leaf, count)]
            made += _densities(rows, forest, tree, leaf, sizes)
            made += same
            part.append((rows.leaf, count, made))
        parts.append(part)
    mixture = _mixture(tables, codes, parts)
    said = {rows.table: forest.accuracy for rows, forest in zip(tables, forests, strict=True)}
    return Leaves(mixture, {k: tuple(v) for k, v in persons.items()}, said, used)


def _leaf_table(
    rows: LeafRows,
    number: int,
    tables: Sequence[LeafRows],
    forests: Sequence[_Forest],
    leaf: IntArray,
    count: int,
) -> ConditionalTable:
    """How often each leaf occurs, given the leaf of the row that rows refer to."""
    whole = np.bincount(leaf, minlength=count).astype(np.float64)
    whole = whole / whole.sum() if whole.sum() else np.full(count, 1.0 / count)
    if rows.parent < 0:
        return ConditionalTable((), (rows.leaf,), whole)
    above = forests[rows.parent]
    tree = above.trees[number]
    many = int(tree.leaf.max()) + 1
    pairs = tree.leaves(above.seen(rows)) * count + leaf
    counts = np.bincount(pairs, minlength=many * count).reshape(many, count)
    share = counts + SMOOTHING * whole
    share /= share.sum(axis=1, keepdims=True)
    return ConditionalTable((tables[rows.parent].leaf,), (rows.leaf,), share)


def _densities(
    rows: LeafRows,
    forest: _Forest,
    tree: LeafTree,
    leaf: IntArray,
    sizes: Mapping[str, int],
) -> list[ConditionalTable]:
    """Shares of every group within every leaf."""
    count = int(tree.leaf.max()) + 1
    made: list[ConditionalTable] = []
    for group in rows.groups:
        shape = tuple(sizes[n] for n in group)
        cells = int(np.prod(shape))
        if len(leaf):
            flat = np.ravel_multi_index([rows.columns[n] for n in group], shape)
            counts = np.bincount(leaf * cells + flat, minlength=count * cells)
        else:
            flat, counts = np.zeros(0, dtype=np.intp), np.ones(count * cells, dtype=np.intp)
        shares = counts.reshape(count, *shape).astype(np.float64)
        prior = np.bincount(flat, minlength=cells).reshape(1, *shape) * np.ones((count, *shape))
        for axis, name in enumerate(group, start=1):
            inside = forest.allowed(tree, name, sizes[name])
            prior *= inside.reshape(
                count, *(-1 if i == axis else 1 for i in range(1, len(shape) + 1))
            )
        axes = tuple(range(1, len(shape) + 1))
        total = prior.sum(axis=axes, keepdims=True)
        shares += SMOOTHING * np.divide(prior, total, out=np.zeros_like(prior), where=total > 0)
        shares /= shares.sum(axis=axes, keepdims=True)
        made.append(ConditionalTable((rows.leaf,), group, shares))
    return made


def _derived(rows: LeafRows, sizes: Mapping[str, int]) -> list[ConditionalTable]:
    """Shares of what follows from other variables, whatever the leaf: all trees share them."""
    made: list[ConditionalTable] = []
    for name, source in rows.derived.items():
        shape = (sizes[source], sizes[name])
        flat = rows.columns[source] * shape[1] + rows.columns[name]
        counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        made.append(conditional(counts.astype(np.float64), (source,), (name,)))
    return made


def _mixture(
    tables: Sequence[LeafRows],
    codes: Mapping[str, tuple[str, ...]],
    parts: Sequence[Sequence[tuple[str, int, list[ConditionalTable]]]],
) -> Mixture:
    most = {rows.leaf: 1 for rows in tables}
    for part in parts:
        for name, count, _ in part:
            most[name] = max(most[name], count)
    trees = codes_of("T", len(parts))
    own = {
        rows.leaf: [n for n in codes if any(n in g for g in rows.groups) or n in rows.derived]
        for rows in tables
    }

    def variables(leaves: Mapping[str, int]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found: list[tuple[str, tuple[str, ...]]] = []
        for name, count in leaves.items():
            found.append((name, codes_of("L", count)))
            found += [(n, codes[n]) for n in own[name]]
        return tuple(found)

    components = {}
    for tree, part in zip(trees, parts, strict=True):
        domain = Domain(variables({name: count for name, count, _ in part}))
        components[tree] = LatentTree(domain, tuple(t for _, _, made in part for t in made))
    domain = Domain(((TREE, trees), *variables(most)))
    return Mixture(domain, TREE, np.full(len(trees), 1.0 / len(trees)), components)
