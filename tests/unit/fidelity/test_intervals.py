"""Bounds against published examples, other implementations and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from synthgen.fidelity.intervals import (
    exact_share,
    mean_bounds,
    rank_probability,
    share_difference,
    wilson,
)


@pytest.mark.parametrize(("hits", "n"), [(0, 3), (0, 32), (5, 10), (10, 10), (7, 1000)])
def test_the_bounds_of_a_share_are_those_of_clopper_and_pearson(hits, n):
    found = exact_share(hits, n)
    lower = binomtest(hits, n, alternative="greater").proportion_ci(0.95, "exact").low
    upper = binomtest(hits, n, alternative="less").proportion_ci(0.95, "exact").high
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=1e-10)


def test_three_people_without_a_hit_leave_a_risk_of_63_per_cent():
    assert exact_share(0, 3).upper == pytest.approx(1 - 0.05 ** (1 / 3))


def test_wilsons_limits_are_scipys():
    found = binomtest(7, 40).proportion_ci(0.90, "wilson")
    assert wilson(7, 40) == pytest.approx((found.low, found.high), abs=1e-10)


def test_newcombes_bounds_do_what_his_paper_does():
    # 56/70 against 48/80, method 10: 0.0524 to 0.3339 with the two-sided z = 1.96
    low_a, high_a = wilson(56, 70, 1.959964)
    low_b, high_b = wilson(48, 80, 1.959964)
    lower = 0.2 - np.hypot(0.8 - low_a, high_b - 0.6)
    upper = 0.2 + np.hypot(high_a - 0.8, 0.6 - low_b)
    assert (round(lower, 4), round(upper, 4)) == (0.0524, 0.3339)
    found = share_difference(56, 70, 48, 80)
    assert lower < found.lower < found.estimate < found.upper < upper


def test_no_difference_between_two_zeros_still_has_a_width():
    found = share_difference(0, 32, 0, 32)
    assert found.lower < -0.07
    assert found.upper > 0.07


def test_a_rank_probability_counts_pairs_and_half_of_ties():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, 23).astype(float), rng.integers(1, 6, 17).astype(float)
    pairs = (a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean()
    assert rank_probability(a, b).estimate == pytest.approx(pairs)


def test_delongs_variance_is_that_of_the_placements():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal(200) + 0.3, rng.standard_normal(150)
    wins = (a[:, None] > b).astype(float)
    error = np.sqrt(wins.mean(1).var(ddof=1) / 200 + wins.mean(0).var(ddof=1) / 150)
    found = rank_probability(a, b)
    assert found.lower <= found.estimate - 1.6448 * error + 1e-9
    assert found.estimate - found.lower == pytest.approx(1.645 * error, rel=0.05)


@pytest.mark.parametrize("n", [2, 6, 40])
def test_perfectly_sorted_ranks_are_not_certain(n):
    found = rank_probability(np.zeros(n), np.ones(n))
    assert found.estimate == 0.0
    assert found.upper > 1 / (n + 1)


def test_an_advantage_is_twice_the_rank_probability_less_one():
    found = rank_probability(np.arange(5.0, 45.0), np.arange(40.0))
    assert found.as_advantage().estimate == pytest.approx(2 * found.estimate - 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: exact_share(1, 0),
        lambda: share_difference(0, 0, 0, 5),
        lambda: rank_probability(np.array([np.nan]), np.zeros(3)),
        lambda: rank_probability(np.array([]), np.zeros(3)),
    ],
)
def test_nothing_to_count_is_an_error_and_no_bound(call):
    with pytest.raises(ValueError, match="must"):
        call()


def test_a_mean_without_spread_keeps_the_floor_of_its_error():
    assert mean_bounds(0.0, 0.0, floor=0.1).upper == pytest.approx(0.1645, abs=1e-4)
