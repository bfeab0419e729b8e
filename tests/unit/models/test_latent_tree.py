"""Distributions whose tables are given one variable each: exact, and in the same tables."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.latent_tree import LatentTree

DOMAIN = Domain(
    (
        ("leaf", ("L1", "L2", "L3")),
        ("a", ("x", "y")),
        ("b", ("1", "2", "3")),
        ("c", ("n", "m")),
        ("below", ("B1", "B2")),
        ("d", ("p", "q")),
    )
)


def shares(rng: np.random.Generator, given: int, *shape: int) -> np.ndarray:
    drawn = rng.dirichlet(np.ones(int(np.prod(shape))), given)
    return drawn.reshape(given, *shape)


@pytest.fixture
def tables() -> tuple[ConditionalTable, ...]:
    rng = np.random.default_rng(5)
    joint = shares(rng, 3, 2, 3)
    joint[1, 0] = 0.0
    joint[1] /= joint[1].sum()
    return (
        ConditionalTable((), ("leaf",), np.array([0.5, 0.3, 0.2])),
        ConditionalTable(("leaf",), ("a", "b"), joint),
        ConditionalTable(("b",), ("c",), shares(rng, 3, 2)),
        ConditionalTable(("leaf",), ("below",), shares(rng, 3, 2)),
        ConditionalTable(("below",), ("d",), shares(rng, 2, 2)),
    )


EVIDENCE = [
    {"a": ("x",)},
    {"c": ("m",), "d": ("q",)},
    {"leaf": ("L2", "L3"), "b": ("1", "3"), "d": ("p",)},
]


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_evidence_is_carried_as_the_junction_tree_carries_it(tables, evidence):
    tree, plain = LatentTree(DOMAIN, tables), Distribution(DOMAIN, tables)
    assert tree.probability(evidence) == pytest.approx(plain.probability(evidence), abs=1e-12)
    given, exact = tree.condition(evidence), plain.condition(evidence)
    for names in (("leaf", "a", "b"), ("c", "d"), ("a", "below")):
        assert given.marginal(names) == pytest.approx(exact.marginal(names), abs=1e-12)


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_conditions_leave_the_tables_in_their_order(tables, evidence):
    made = LatentTree(DOMAIN, tables).condition(evidence)
    assert [t.name for t in made.tables] == [t.name for t in tables]


def test_what_cannot_be_is_named(tables):
    tree = LatentTree(DOMAIN, tables)
    assert tree.probability({"leaf": ("L2",), "a": ("x",)}) == 0.0
    with pytest.raises(EvidenceError, match="has probability zero"):
        tree.condition({"leaf": ("L2",), "a": ("x",)})


def test_a_table_given_two_variables_is_refused(tables):
    rng = np.random.default_rng(6)
    wide = ConditionalTable(("a", "b"), ("c",), shares(rng, 6, 2).reshape(2, 3, 2))
    with pytest.raises(ModelError, match="more than one variable"):
        LatentTree(DOMAIN, (*tables[:2], wide, *tables[3:]))
