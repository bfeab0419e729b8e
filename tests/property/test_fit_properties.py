"""What must hold of every fit, whatever the statements."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthgen.models.block import Potential, fit_block
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import Statement

DOMAIN = Domain((("a", ("0", "1")), ("b", ("0", "1", "2")), ("c", ("0", "1", "2"))))


def said(event, lower, upper, error, row, given=None):
    given = given or {}
    return Statement(
        "t", row, "shares", Relation.PUBLISHED, {**given, **event}, given, lower, upper, error,
        None, "share",
    )  # fmt: skip


@st.composite
def statements(draw):
    """Statements about one population, each off by at most two standard errors."""
    seed = draw(st.integers(0, 10_000))
    truth = np.random.default_rng(seed).dirichlet(np.ones(18)).reshape(2, 3, 3)

    def mass(members):
        return float(truth[DOMAIN.mask(DOMAIN.names, members)].sum())

    made = []
    for row in range(draw(st.integers(1, 6))):
        names = draw(st.lists(st.sampled_from(DOMAIN.names), min_size=1, max_size=2, unique=True))
        event = {n: (draw(st.sampled_from(DOMAIN.codes[n])),) for n in names}
        others = [n for n in DOMAIN.names if n not in names]
        given = {}
        if draw(st.booleans()):
            name = draw(st.sampled_from(others))
            given = {name: (draw(st.sampled_from(DOMAIN.codes[name])),)}
        width = draw(st.sampled_from([0.0, 0.0, 0.05, 0.3]))
        error = draw(st.sampled_from([0.003, 0.01, 0.05]))
        value = mass({**given, **event}) / mass(given) + draw(st.floats(-2, 2)) * error
        lower = min(max(value, 0.0), 1.0 - width)
        made.append(said(event, lower, lower + width, error, row, given))
    return made


def joint(domain, said_so, potentials=()):
    fit = fit_block(domain, None, domain.names, [list(enumerate(said_so))], list(potentials))
    assert fit.residual < 1e-4
    return Distribution(domain, fit.tables).marginal(domain.names)


@given(statements(), st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(made, random):
    shuffled = made[:]
    random.shuffle(shuffled)
    np.testing.assert_allclose(joint(DOMAIN, made), joint(DOMAIN, shuffled), atol=1e-6)


@given(statements(), st.permutations(["0", "1", "2"]), st.permutations(DOMAIN.names))
def test_the_order_of_categories_and_variables_does_not_matter(made, codes, names):
    sizes = dict(DOMAIN.variables) | {"b": tuple(codes)}
    other = Domain(tuple((n, sizes[n]) for n in names))
    there = joint(other, made).transpose([names.index(n) for n in DOMAIN.names])
    there = there[:, [codes.index(c) for c in DOMAIN.codes["b"]]]
    np.testing.assert_allclose(joint(DOMAIN, made), there, atol=1e-6)


@given(statements())
def test_a_statement_that_the_fit_already_meets_changes_nothing(made):
    before = joint(DOMAIN, made)
    value = float(before[0, 1].sum())
    implied = said({"a": ("0",), "b": ("1",)}, value, value, 0.001, 99)
    np.testing.assert_allclose(joint(DOMAIN, [*made, implied]), before, atol=2e-6)


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_merging_categories_that_no_statement_tells_apart_commutes_with_fitting(first, second):
    # Categories 1 and 2 of b are never told apart; the merged domain weighs them together.
    made = [
        said({"b": ("0",)}, first, first, 0.01, 1),
        said({"a": ("0",)}, second, second, 0.01, 2, {"b": ("1", "2")}),
    ]
    fine = joint(DOMAIN, made)
    merged = Domain((("a", ("0", "1")), ("b", ("0", "12")), ("c", ("0", "1", "2"))))
    coarse_made = [
        said({"b": ("0",)}, first, first, 0.01, 1),
        said({"a": ("0",)}, second, second, 0.01, 2, {"b": ("12",)}),
    ]
    weight = Potential(("b",), np.log([1.0, 2.0]))
    coarse = joint(merged, coarse_made, [weight])
    np.testing.assert_allclose(fine[:, 1:].sum(axis=1), coarse[:, 1], atol=1e-6)


@given(st.floats(0.01, 0.8), st.floats(0.03, 0.19))
def test_an_interval_is_held_up_to_its_error_and_left_alone_inside(lower, width):
    statement = said({"b": ("1",)}, lower, lower + width, 0.004, 1)
    value = float(joint(DOMAIN, [statement])[:, 1].sum())
    if lower <= 1 / 3 <= lower + width:
        assert abs(value - 1 / 3) < 1e-9
    else:
        nearest = lower if lower > 1 / 3 else lower + width
        assert abs(value - nearest) < 0.004
