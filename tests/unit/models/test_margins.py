"""Margins on the shortest way are the margins, and factors come back the same way."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.errors import ModelError
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import junction_tree
from synthgen.models.margins import margins_of
from synthgen.models.propagation import expand, other_axes

SIZES = (3, 2, 4, 5, 2, 3, 6)
DOMAIN = Domain(tuple((f"v{i}", tuple(map(str, range(n)))) for i, n in enumerate(SIZES)))
TREE = junction_tree(DOMAIN, [("v0", "v1", "v2", "v3"), ("v2", "v3", "v4"), ("v5", "v6")])
WANTED = [
    ("v0", "v1", "v2", "v3"), ("v0", "v3"), ("v0",), ("v2", "v3"), ("v1", "v2"), ("v4",),
    ("v2", "v4"), ("v6",), ("v0", "v3"), ("v5", "v6"),
]  # fmt: skip


def _grids(seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=DOMAIN.shape(c)) for c in TREE.cliques]


def test_margins_are_sums_over_the_other_axes():
    grids = _grids(1)
    made = margins_of(DOMAIN, TREE, WANTED).of(grids)
    for names, margin in zip(WANTED, made, strict=True):
        home = TREE.home(names)
        whole = grids[home].sum(axis=other_axes(TREE.cliques[home], names))
        assert margin == pytest.approx(whole, abs=1e-12)


def test_factors_are_added_to_their_cliques_and_nothing_is_changed():
    grids, rng = _grids(2), np.random.default_rng(3)
    factors = [rng.normal(size=DOMAIN.shape(names)) for names in WANTED]
    wanted = [grid.copy() for grid in grids]
    for names, factor in zip(WANTED, factors, strict=True):
        home = TREE.home(names)
        wanted[home] = wanted[home] + expand(factor, names, TREE.cliques[home])
    before = [grid.copy() for grid in grids]
    made = margins_of(DOMAIN, TREE, WANTED).onto(grids, factors)
    for grid, kept, expected, found in zip(grids, before, wanted, made, strict=True):
        assert np.array_equal(grid, kept)
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_way_is_shared():
    margins = margins_of(DOMAIN, TREE, [("v0",), ("v1",), ("v0", "v1")])
    assert len(margins.steps) == 4  # v3 and v2 go once, then each of the two


def test_variables_without_a_clique_are_told():
    with pytest.raises(ModelError, match="no clique holds v0, v6"):
        margins_of(DOMAIN, TREE, [("v0", "v6")])
