"""A mixture of small trees against the same distribution written cell by cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binom

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture, split_by
from synthgen.models.plain import announced_shapes, describe_distribution, distribution_arrays
from synthgen.models.plain import distribution_from as rebuilt

DOMAIN = Domain(
    (
        ("site", ("eye", "bone")),
        ("entity", ("x", "y", "z", "never")),
        ("age", ("0", "1", "2")),
        ("stage", ("L", "R", "D")),
        ("time", ("0", "1")),
    )
)
NAMES = DOMAIN.names
#: Codes that occur with each entity: every component speaks of its own only.
LOCAL = {
    "x": {"site": ("eye",), "age": ("0", "1", "2"), "stage": ("L", "D"), "time": ("0", "1")},
    "y": {"site": ("eye", "bone"), "age": ("2",), "stage": ("L", "R", "D"), "time": ("1",)},
    "z": {"site": ("bone",), "age": ("0", "2"), "stage": ("R",), "time": ("0", "1")},
}
WEIGHTS = np.array([0.7 - 1e-9, 0.3, 1e-9, 0.0])


def component(codes, rng):
    local = Domain(tuple((n, codes[n]) for n in ("site", "age", "stage", "time")))

    def table(given, own):
        shape = local.shape((*given, *own))
        cells = local.cells(own)
        values = rng.dirichlet(np.ones(cells), size=local.cells(given)).reshape(shape)
        return ConditionalTable(given, own, values)

    return Distribution(
        local,
        (table((), ("site", "age")), table(("age",), ("stage",)), table(("stage",), ("time",))),
    )


@pytest.fixture
def mixture():
    rng = np.random.default_rng(21)
    return Mixture(DOMAIN, "entity", WEIGHTS, {c: component(k, rng) for c, k in LOCAL.items()})


def joint_of(mixture):
    """Every cell by hand: weight times the tables' entries, code by code."""
    joint = np.zeros(DOMAIN.shape(NAMES))
    for cell in itertools.product(*(range(DOMAIN.size(n)) for n in NAMES)):
        code = {n: DOMAIN.codes[n][i] for n, i in zip(NAMES, cell, strict=True)}
        weight = mixture.weights[cell[NAMES.index("entity")]]
        if not weight or code["entity"] not in LOCAL:
            continue
        local = mixture.components[code["entity"]].domain
        if any(code[n] not in local.codes[n] for n in local.names):
            continue
        for table in mixture.components[code["entity"]].tables:
            at = tuple(local.codes[n].index(code[n]) for n in (*table.given, *table.variables))
            weight = weight * table.probability[at]
        joint[cell] = weight
    return joint


def axes_but(*names):
    return tuple(i for i, n in enumerate(NAMES) if n not in names)


@pytest.mark.parametrize(
    "names", [NAMES, ("stage",), ("stage", "site"), ("entity", "time"), ("time", "entity", "age")]
)
def test_marginals_equal_sums_over_all_cells(mixture, names):
    expected = joint_of(mixture).sum(axis=axes_but(*names))
    ordered = [n for n in NAMES if n in names]
    expected = expected.transpose([ordered.index(n) for n in names])
    np.testing.assert_allclose(mixture.marginal(names), expected, atol=2e-16)


EVIDENCE = {
    "one code": {"stage": ("D",)},
    "several variables": {"site": ("eye",), "age": ("1", "2")},
    "entities": {"entity": ("x", "z"), "time": ("0",)},
    "a code that some components lack": {"stage": ("R",)},
    "whole variables": {"stage": ("L", "R", "D"), "time": ("1",)},
    "probability of one in a billion": {"entity": ("z",), "age": ("2",)},
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_conditioning_equals_bayes(mixture, name):
    evidence = EVIDENCE[name]
    joint = joint_of(mixture) * DOMAIN.mask(NAMES, evidence)
    probability = joint.sum()
    assert mixture.probability(evidence) == pytest.approx(probability, rel=1e-13)
    conditioned = mixture.condition(evidence)
    for found in (conditioned.marginal(NAMES), mixture.marginal(NAMES, evidence)):
        np.testing.assert_allclose(found, joint / probability, rtol=1e-12, atol=1e-18)


def test_evidence_of_probability_one_in_a_billion_is_exact_and_can_be_sampled(mixture):
    evidence = {"entity": ("z",), "age": ("2",)}
    assert 0 < mixture.probability(evidence) < 1e-9
    drawn = mixture.condition(evidence).sample(1000, np.random.Generator(np.random.Philox(4)))
    assert set(drawn["entity"]) == {2}
    assert set(drawn["age"]) == {2}
    assert set(drawn["stage"]) == {1}
    assert set(drawn["site"]) == {1}


@pytest.mark.parametrize(
    "evidence",
    [
        {"entity": ("never",)},
        {"entity": ("x",), "site": ("bone",)},
        {"entity": ("z",), "stage": ("L", "D")},
    ],
)
def test_evidence_of_probability_zero_is_a_named_error_and_never_nan(mixture, evidence):
    assert mixture.probability(evidence) == 0.0
    with pytest.raises(EvidenceError, match="^evidence entity in .*: has probability zero"):
        mixture.condition(evidence)
    with pytest.raises(EvidenceError, match="^evidence entity in .*: has probability zero"):
        mixture.marginal(("age",), evidence)


def test_evidence_about_unknown_variables_and_codes_is_refused(mixture):
    with pytest.raises(ModelError, match="^domain: has no variable gene"):
        mixture.condition({"gene": ("1",)})
    with pytest.raises(ModelError, match="^variable stage: has no code X"):
        mixture.condition({"stage": ("X",)})
    with pytest.raises(ModelError, match="^variable entity: has no code X"):
        mixture.condition({"entity": ("X",)})


def test_no_evidence_changes_nothing(mixture):
    assert mixture.condition({}) is mixture
    assert mixture.probability({}) == pytest.approx(1.0, abs=1e-15)


def test_samples_follow_the_joint(mixture):
    n = 200_000
    drawn = mixture.sample(n, np.random.Generator(np.random.Philox(2)))
    flat = np.ravel_multi_index([drawn[v] for v in NAMES], DOMAIN.shape(NAMES))
    p = np.clip(joint_of(mixture).ravel(), 0.0, 1.0)
    counts = np.bincount(flat, minlength=len(p))
    alarm = 1e-6 / (2 * len(p))
    assert (counts >= binom.ppf(alarm, n, p)).all()
    assert (counts <= binom.ppf(1 - alarm, n, p)).all()
    assert (counts[p == 0] == 0).all()


def test_the_first_patients_do_not_depend_on_how_many_are_drawn(mixture):
    few = mixture.sample(10, np.random.Generator(np.random.Philox(3)), reserve=1000)
    many = mixture.sample(1000, np.random.Generator(np.random.Philox(3)), reserve=1000)
    for name in NAMES:
        np.testing.assert_array_equal(few[name], many[name][:10])


def test_splitting_a_distribution_and_writing_it_down_keep_it():
    rng = np.random.default_rng(5)
    values = rng.dirichlet(np.full(24, 0.3)).reshape(4, 3, 2)
    values[1, 2] = 0.0
    values[3] = 0.0
    values /= values.sum()
    domain = Domain(tuple(v for v in DOMAIN.variables if v[0] in {"entity", "age", "time"}))
    head = Distribution(domain, (ConditionalTable((), domain.names, values),))
    mixture = split_by(head, "entity")
    assert set(mixture.components) == {"x", "y", "z"}
    assert mixture.components["y"].domain.codes["age"] == ("0", "1")
    np.testing.assert_allclose(mixture.marginal(domain.names), values, atol=2e-16)
    described = describe_distribution(mixture)
    arrays = distribution_arrays(mixture)
    assert announced_shapes(described) == {k: v.shape for k, v in arrays.items()}
    again = rebuilt(domain, described, arrays)
    np.testing.assert_array_equal(again.marginal(domain.names), mixture.marginal(domain.names))


def test_weights_that_are_no_probabilities_are_refused(mixture):
    for weights in ([0.7, 0.2, 0.0, 0.0], [1.1, -0.1, 0.0, 0.0], [1.0]):
        with pytest.raises(ModelError, match="^mixture over entity: weights must be probabilities"):
            Mixture(DOMAIN, "entity", np.array(weights), mixture.components)


def test_a_component_that_is_missing_is_refused(mixture):
    with pytest.raises(ModelError, match="^mixture over entity: the component of never must hold"):
        Mixture(DOMAIN, "entity", np.array([0.5, 0.3, 0.1, 0.1]), mixture.components)


def test_the_weights_cannot_be_changed(mixture):
    with pytest.raises(ValueError, match="read-only"):
        mixture.weights[0] = 0.5
