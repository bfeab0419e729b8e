import numpy as np
import pytest
from scipy.stats import binom

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain

DOMAIN = Domain((("a", ("0", "1")), ("b", ("0", "1", "2")), ("c", ("0", "1")), ("e", ("0", "1"))))


def chain(rng):
    """A distribution whose e depends on a and c, so that evidence couples them."""
    return Distribution(
        DOMAIN,
        (
            ConditionalTable((), ("a",), rng.dirichlet([1, 1])),
            ConditionalTable(("a",), ("b",), rng.dirichlet([1, 1, 1], size=2)),
            ConditionalTable(("b",), ("c",), rng.dirichlet([1, 1], size=3)),
            ConditionalTable(("a", "c"), ("e",), rng.dirichlet([1, 1], size=(2, 2))),
        ),
    )


@pytest.fixture
def distribution():
    return chain(np.random.default_rng(11))


def joint_of(distribution):
    a, b, c, e = (t.probability for t in distribution.tables)
    return np.einsum("a,ab,bc,ace->abce", a, b, c, e)


def test_marginals_equal_sums_of_the_joint(distribution):
    joint = joint_of(distribution)
    np.testing.assert_allclose(distribution.marginal(("a", "b", "c", "e")), joint, atol=1e-15)
    np.testing.assert_allclose(
        distribution.marginal(("e", "b")), joint.sum(axis=(0, 2)).T, atol=1e-15
    )


def test_conditioning_equals_bayes(distribution):
    joint = joint_of(distribution)
    expected = joint[:, :, :, 1] / joint[:, :, :, 1].sum()
    conditioned = distribution.condition({"e": ("1",)})
    np.testing.assert_allclose(conditioned.marginal(("a", "b", "c")), expected, atol=1e-15)
    np.testing.assert_allclose(
        distribution.marginal(("a", "b", "c"), {"e": ("1",)}), expected, atol=1e-15
    )


def test_evidence_of_several_codes_and_variables(distribution):
    joint = joint_of(distribution).copy()
    joint[:, 1] = 0
    joint[:, :, 0] = 0
    evidence = {"b": ("0", "2"), "c": ("1",)}
    assert distribution.probability(evidence) == pytest.approx(joint.sum(), rel=1e-12)
    np.testing.assert_allclose(
        distribution.condition(evidence).marginal(DOMAIN.names), joint / joint.sum(), atol=1e-15
    )


def test_evidence_of_probability_one_in_a_billion_is_exact():
    tiny = 1e-9
    distribution = Distribution(
        Domain((("a", ("0", "1")), ("b", ("0", "1")))),
        (
            ConditionalTable((), ("a",), np.array([1 - tiny, tiny])),
            ConditionalTable(("a",), ("b",), np.array([[0.25, 0.75], [0.6, 0.4]])),
        ),
    )
    np.testing.assert_allclose(distribution.marginal(("b",), {"a": ("1",)}), [0.6, 0.4], rtol=1e-12)


def test_evidence_of_probability_zero_is_a_named_error():
    distribution = Distribution(
        Domain((("sex", ("1", "2")), ("site", ("testis", "bone")))),
        (
            ConditionalTable((), ("sex",), np.array([0.5, 0.5])),
            ConditionalTable(("sex",), ("site",), np.array([[0.4, 0.6], [0.0, 1.0]])),
        ),
    )
    evidence = {"sex": ("2",), "site": ("testis",)}
    assert distribution.probability(evidence) == 0.0
    for call in (distribution.condition, lambda e: distribution.marginal(("sex",), e)):
        with pytest.raises(EvidenceError, match="^evidence sex in 2; site in testis: has prob"):
            call(evidence)


def test_samples_follow_the_joint(distribution):
    n, rng = 200_000, np.random.Generator(np.random.Philox(2))
    drawn = distribution.sample(n, rng)
    flat = np.ravel_multi_index([drawn[v] for v in DOMAIN.names], DOMAIN.shape(DOMAIN.names))
    counts = np.bincount(flat, minlength=24)
    p = joint_of(distribution).ravel()
    alarm = 1e-6 / 48
    assert (counts >= binom.ppf(alarm, n, p)).all()
    assert (counts <= binom.ppf(1 - alarm, n, p)).all()


def test_the_first_patients_do_not_depend_on_how_many_are_drawn(distribution):
    few = distribution.sample(10, np.random.Generator(np.random.Philox(3)), reserve=1000)
    many = distribution.sample(1000, np.random.Generator(np.random.Philox(3)), reserve=1000)
    for name in DOMAIN.names:
        np.testing.assert_array_equal(few[name], many[name][:10])


def test_rows_that_do_not_sum_to_one_are_refused():
    with pytest.raises(
        ModelError, match=r"^table of b \| a: rows must be probabilities .*\(1 rows"
    ):
        ConditionalTable(("a",), ("b",), np.array([[0.5, 0.5], [0.5, 0.6]]))


def test_a_table_before_its_given_is_refused(distribution):
    with pytest.raises(ModelError, match=r"^table of b \| a: stands before what it is given"):
        Distribution(DOMAIN, distribution.tables[1:])


def test_a_variable_that_no_table_decides_is_refused(distribution):
    with pytest.raises(ModelError, match="^distribution: no table decides e"):
        Distribution(DOMAIN, distribution.tables[:3])


def test_the_numbers_of_a_table_cannot_be_changed(distribution):
    with pytest.raises(ValueError, match="read-only"):
        distribution.tables[0].probability[0] = 1.0
