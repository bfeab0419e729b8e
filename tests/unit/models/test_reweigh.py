"""Weighting the first table and knowing a leaf: the same as conditioning, table by table."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.errors import ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import split_by
from synthgen.models.reweigh import conditioned, only, relocated, reweighted

DOMAIN = Domain(
    (
        ("entity", ("a", "b")),
        ("sex", ("1", "2")),
        ("age", ("y", "m", "o")),
        ("region", ("N", "S")),
        ("stage", ("L", "D")),
    )
)


def rows(rng, *shape):
    values = rng.random(shape)
    return values / values.sum(axis=-1, keepdims=True)


@pytest.fixture
def whole():
    rng = np.random.default_rng(5)
    first = rng.random((2, 2, 3))
    return Distribution(
        DOMAIN,
        (
            ConditionalTable((), ("entity", "sex", "age"), first / first.sum()),
            ConditionalTable(("sex", "age"), ("region",), rows(rng, 2, 3, 2)),
            ConditionalTable(("entity", "age"), ("stage",), rows(rng, 2, 3, 2)),
        ),
    )


@pytest.fixture
def mixture(whole):
    head = Distribution(Domain(DOMAIN.variables[:3]), whole.tables[:1])
    parts = split_by(head, "entity")
    rest = Domain(DOMAIN.variables[1:])
    grown = {
        code: Distribution(
            rest,
            (
                component.tables[0],
                whole.tables[1],
                ConditionalTable(("age",), ("stage",), whole.tables[2].probability[i]),
            ),
        )
        for i, (code, component) in enumerate(parts.components.items())
    }
    return type(parts)(DOMAIN, "entity", parts.weights, grown)


def joint(distribution):
    return distribution.marginal(DOMAIN.names)


def test_knowing_a_leaf_is_conditioning(whole, mixture):
    for distribution in (whole, mixture):
        found = only(distribution, "region", "S")
        np.testing.assert_allclose(
            joint(found), joint(distribution.condition({"region": ("S",)})), rtol=1e-12, atol=0
        )


def test_the_other_tables_stay(whole):
    assert only(whole, "region", "N").tables[2] is whole.tables[2]


def test_what_others_depend_on_is_no_leaf(whole, mixture):
    assert only(whole, "age", "o") is None
    tied = Distribution(
        DOMAIN,
        (
            *whole.tables[:2],
            ConditionalTable(("region",), ("stage",), np.array([[0.5, 0.5], [0.1, 0.9]])),
        ),
    )
    assert only(tied, "region", "S") is None
    assert only(mixture, "age", "o") is None


def test_nobody_is_no_distribution(whole):
    assert only(whole, "region", "W") is None


def test_weights_multiply_and_their_sum_is_given(whole, mixture):
    weight = np.array([[1.0, 2.0, 0.0], [0.5, 1.0, 4.0]])
    expected = joint(whole) * weight[np.newaxis, :, :, np.newaxis, np.newaxis]
    for distribution in (whole, mixture):
        found, total = reweighted(distribution, ("sex", "age"), weight)
        assert total == pytest.approx(expected.sum())
        np.testing.assert_allclose(joint(found), expected / expected.sum(), rtol=1e-12, atol=1e-15)


def test_only_the_first_table_can_be_weighted(whole):
    with pytest.raises(ModelError, match="does not decide stage in one table"):
        reweighted(whole, ("stage",), np.ones(2))


def test_relocated_patients_are_the_same_but_for_the_region(whole, mixture):
    for distribution in (whole, mixture):
        found = relocated(distribution, "region", "N")
        assert found.probability({"region": ("N",)}) == pytest.approx(1.0)
        others = ("entity", "sex", "age", "stage")
        np.testing.assert_allclose(found.marginal(others), distribution.marginal(others))


def test_a_variable_decided_with_others_cannot_be_relocated(whole):
    with pytest.raises(ModelError, match="decides sex together with"):
        relocated(whole, "sex", "1")


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"region": ("S",)},
        {"region": ("S",), "stage": ("D",)},
        {"region": ("S", "N"), "age": ("o", "m")},
        {"entity": ("b",), "region": ("N",)},
    ],
)
def test_conditioning_gives_the_same_with_or_without_leaves(whole, mixture, evidence):
    for distribution in (whole, mixture):
        np.testing.assert_allclose(
            joint(conditioned(distribution, evidence)),
            joint(distribution.condition(evidence)),
            rtol=1e-12,
            atol=1e-15,
        )


def test_evidence_that_cannot_happen_is_refused(whole, mixture):
    for distribution in (whole, mixture):
        with pytest.raises(ModelError):
            conditioned(distribution, {"region": ("W",)})
