"""The accounting against an independent one, and against the exact Gaussian mechanism."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from synthgen.enclave.private.accounting import (
    delta_of,
    epsilon_of,
    gaussian_rho,
    gumbel_scale_of,
    noisy_best_rho,
    rho_of,
    sigma_of,
)
from synthgen.errors import PrivacyBudgetError

CLAIMS = [(0.1, 1e-9), (1.0, 1e-9), (1.0, 1e-6), (3.0, 1e-5), (10.0, 1e-9), (40.0, 1e-6)]


@pytest.mark.parametrize(("epsilon", "delta"), CLAIMS)
def test_rho_and_epsilon_turn_into_each_other_on_the_safe_side(epsilon, delta):
    rho = rho_of(epsilon, delta)
    back = epsilon_of(rho, delta)
    assert back <= epsilon * (1 + 1e-12)
    assert back == pytest.approx(epsilon, rel=1e-6)
    assert delta_of(rho, epsilon) <= delta


@pytest.mark.parametrize(("epsilon", "delta"), CLAIMS)
def test_the_conversion_is_that_of_opendp(epsilon, delta):
    dp = pytest.importorskip("opendp.prelude", reason="the extra dp is not installed")
    dp.enable_features("contrib")
    rho = rho_of(epsilon, delta)
    space = dp.atom_domain(T="i64"), dp.absolute_distance(T="f64")
    gaussian = dp.m.make_gaussian(*space, scale=sigma_of(1.0, rho))
    theirs = dp.c.make_zCDP_to_approxDP(gaussian).map(1.0).epsilon(delta)
    assert theirs == pytest.approx(epsilon, rel=1e-4)


@pytest.mark.parametrize(("epsilon", "delta"), CLAIMS)
def test_the_conversion_never_claims_more_than_the_gaussian_mechanism_keeps(epsilon, delta):
    # Balle & Wang 2018, theorem 8 (arXiv 1805.06530): the exact delta of Gaussian noise.
    sigma = sigma_of(1.0, rho_of(epsilon, delta))
    first = norm.cdf(1 / (2 * sigma) - epsilon * sigma)
    second = math.exp(epsilon + norm.logcdf(-1 / (2 * sigma) - epsilon * sigma))
    assert first - second <= delta
    assert first - second > delta / 100  # and it is not far from it


def test_the_conversion_is_better_than_the_simple_one():
    for epsilon, delta in CLAIMS:
        rho = rho_of(epsilon, delta)
        assert rho + 2 * math.sqrt(rho * math.log(1 / delta)) > epsilon


def test_noise_and_cost_are_each_others_inverse():
    for rho in (1e-6, 0.01, 3.0):
        assert gaussian_rho(2.0, sigma_of(2.0, rho)) == pytest.approx(rho, rel=1e-12)
        assert noisy_best_rho(3.0, gumbel_scale_of(3.0, rho)) == pytest.approx(rho, rel=1e-12)


def test_a_selection_costs_the_square_of_its_epsilon_over_eight():
    sensitivity, scale = 5.0, 40.0
    epsilon = 2 * sensitivity / scale
    assert noisy_best_rho(sensitivity, scale) == pytest.approx(epsilon**2 / 8)


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [
        (0, 1e-6),
        (-1, 1e-6),
        (math.nan, 1e-6),
        (math.inf, 1e-6),
        (101, 1e-6),
        (1, 0),
        (1, 1),
        (1, math.nan),
    ],
)
def test_what_is_no_claim_is_refused_in_one_line(epsilon, delta):
    with pytest.raises(PrivacyBudgetError) as caught:
        rho_of(epsilon, delta)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "claim", [(1.0, 1e-310), (1.0, 5e-324), (1e-300, 1e-6), (5e-324, 5e-324), (1.0, math.nan)]
)
def test_a_claim_too_small_to_be_added_up_is_refused_in_one_line(claim):
    with pytest.raises(PrivacyBudgetError, match=r"it must be (above|at least)"):
        rho_of(*claim)


def test_the_smallest_claims_are_added_up_without_loss():
    for epsilon, delta in ((1e-12, 1e-300), (1e-12, 1e-6), (100.0, 1e-300)):
        rho = rho_of(epsilon, delta)
        assert rho > 0
        assert epsilon_of(math.fsum([rho / 7] * 7), delta) <= epsilon * (1 + 1e-9)
