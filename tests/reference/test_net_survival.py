"""Survival estimators against sums done by hand, lifelines, and brute-force integration."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.fidelity.net_survival import ederer2, kaplan_meier, pohar_perme
from synthgen.statistics.life_table import LifeTable

HERE = Path(__file__).parent


def constant_hazards(*hazards):
    """Life table in which each sex has one hazard at all ages."""
    rows = [np.append(np.full(120, 1 - math.exp(-h)), 1.0) for h in hazards]
    return LifeTable(tuple(str(i + 1) for i in range(len(hazards))), np.array(rows))


def gompertz():
    """Life table of two sexes whose hazard rises with age."""
    yearly = 1 - np.exp(-2e-5 * np.exp(0.1 * np.arange(120)))
    return LifeTable(("1", "2"), np.array([np.append(yearly, 1), np.append(yearly * 0.6, 1)]))


def test_kaplan_meier_is_that_of_lifelines():
    number = np.arange(1, 98)
    time, event = ((number * 37) % 53 + 1) / 4.0, (number * 7) % 5 > 1
    curve = kaplan_meier(time, event)
    with (HERE / "net_survival_lifelines.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert curve.time.tolist() == [float(row["time"]) for row in rows]
    assert curve.at_risk.tolist() == [int(row["at_risk"]) for row in rows]
    expected = np.array([[float(row["survival"]), float(row["log_variance"])] for row in rows])
    found = np.array([curve.survival, curve.log_variance]).T
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_greenwood_by_hand():
    """Four patients, one lost in between: S = 3/4, 3/8, 0."""
    curve = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]))
    assert curve.survival.tolist() == [0.75, 0.75, 0.375, 0.0]
    expected = [1 / 12, 1 / 12, 1 / 12 + 1 / 2, math.inf]
    np.testing.assert_allclose(curve.log_variance, expected, rtol=1e-14)
    assert curve.at_risk.tolist() == [4, 3, 2, 1]


def test_with_one_hazard_for_all_both_are_observed_over_expected_survival():
    """If everybody has the hazard h, net = relative = observed * exp(h t), by hand."""
    time = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
    event = np.array([True, True, False, True, False, True])
    sex, age = np.zeros(6, dtype=np.int64), np.linspace(40.0, 90.3, 6)
    observed = np.array([5 / 6, 4 / 6, 4 / 6, 4 / 9, 4 / 9, 0.0])
    for estimate in (ederer2, pohar_perme):
        curve = estimate(time, event, sex, age, constant_hazards(0.1))
        np.testing.assert_allclose(curve.survival, observed * np.exp(0.1 * time), rtol=1e-12)


def test_pohar_perme_of_two_groups_by_hand():
    """Two men with hazard .2 and two women with hazard 0; a man dies at 1, a woman at 2.

    W(1-) = 2 e^.2 + 2;  W(1+) = e^.2 + 2;  W(2-) = e^.4 + 2.
    """
    life = constant_hazards(0.2, 0.0)
    time, event = np.array([1.0, 3.0, 2.0, 3.0]), np.array([True, False, True, False])
    sex, age = np.array([0, 0, 1, 1]), np.full(4, 50.5)
    curve = pohar_perme(time, event, sex, age, life)
    e1, e2, e3 = math.exp(0.2), math.exp(0.4), math.exp(0.6)
    first = (1 - e1 / (2 * e1 + 2)) * (2 * e1 + 2) / 4
    second = first * (e2 + 2) / (e1 + 2) * (1 - 1 / (e2 + 2))
    third = second * (e3 + 1) / (e2 + 1)
    np.testing.assert_allclose(curve.survival, [first, second, third], rtol=1e-12)
    variance = [(e1 / (2 * e1 + 2)) ** 2]
    variance += [variance[0] + (1 / (e2 + 2)) ** 2] * 2
    np.testing.assert_allclose(curve.log_variance, variance, rtol=1e-12)


def test_ederer2_of_two_groups_by_hand():
    """The same four patients: mean hazards .1 until 1, .2/3 until 2, .1 until 3."""
    life = constant_hazards(0.2, 0.0)
    time, event = np.array([1.0, 3.0, 2.0, 3.0]), np.array([True, False, True, False])
    curve = ederer2(time, event, np.array([0, 0, 1, 1]), np.full(4, 50.5), life)
    hazard = np.cumsum([0.1, 0.2 / 3, 0.1])
    observed = np.array([3 / 4, 1 / 2, 1 / 2])
    np.testing.assert_allclose(curve.survival, observed * np.exp(hazard), rtol=1e-12)


def test_a_birthday_changes_the_expected_hazard_on_the_day():
    """One person of 59.6 years: hazard .1 for .4 years, then .3."""
    yearly = np.full(121, 1.0)
    yearly[:60], yearly[60:120] = 1 - math.exp(-0.1), 1 - math.exp(-0.3)
    life = LifeTable(("1",), yearly[None, :])
    for estimate in (ederer2, pohar_perme):
        curve = estimate(
            np.array([2.0]), np.array([False]), np.array([0]), np.array([59.6]), life, at=(1.0,)
        )
        expected = np.exp([0.1 * 0.4 + 0.3 * 0.6, 0.1 * 0.4 + 0.3 * 1.6])
        np.testing.assert_allclose(curve.survival, expected, rtol=1e-12)


def integrated(time, event, sex, age, life, weighted):
    """The defining integral in steps that end at every exit and every birthday."""
    hazards = np.diff(life.cumulative_hazard, axis=1)
    birthdays = (np.arange(121)[:, None] - age[None, :]).ravel()
    birthdays = birthdays[(birthdays > 0) & (birthdays < time.max())]
    knots = np.unique(np.concatenate((time, birthdays)))
    survival, last, found = 1.0, 0.0, {}
    node, share = np.polynomial.legendre.leggauss(12)

    def weight(people, years):
        gained = life.hazard_to(sex[people], age[people] + years) - life.hazard_to(
            sex[people], age[people]
        )
        return np.exp(gained) if weighted else np.ones(len(people))

    for knot in knots:
        here = np.flatnonzero(time >= knot)
        rate = 0.0
        for x, part in zip(node, share, strict=True):
            u = (last + knot) / 2 + x * (knot - last) / 2
            w = weight(here, u)
            rate += part / 2 * (w * hazards[sex[here], (age[here] + u).astype(int)]).sum() / w.sum()
        dying = here[(time[here] == knot) & event[here]]
        survival *= math.exp(rate * (knot - last))
        survival *= 1 - weight(dying, knot).sum() / weight(here, knot).sum()
        last = knot
        found[knot] = survival
    return np.array([found[t] for t in np.unique(time)])


@pytest.mark.parametrize(("estimate", "weighted"), [(ederer2, False), (pohar_perme, True)])
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_estimates_are_the_integrals_that_define_them(estimate, weighted, n):
    rng = np.random.default_rng(n)
    time, event = np.ceil(rng.exponential(4.0, n) * 20) / 20, rng.random(n) < 0.7
    sex, age = rng.integers(0, 2, n), rng.uniform(40, 95, n)
    curve = estimate(time, event, sex, age, gompertz())
    expected = integrated(time, event, sex, age, gompertz(), weighted)
    np.testing.assert_allclose(curve.survival, expected, rtol=1e-9, atol=1e-12)


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, 1), st.integers(0, 380)),
        min_size=1,
        max_size=30,
    )
)
def test_without_deaths_in_the_population_all_three_are_the_same(patients):
    time = np.array([p[0] for p in patients]) / 4
    event = np.array([p[1] for p in patients])
    sex = np.array([p[2] for p in patients])
    age = np.array([p[3] for p in patients]) / 4
    observed = kaplan_meier(time, event)
    for estimate in (ederer2, pohar_perme):
        curve = estimate(time, event, sex, age, constant_hazards(0.0, 0.0))
        np.testing.assert_allclose(curve.survival, observed.survival, atol=1e-12)
        assert curve.time.tolist() == observed.time.tolist()


def test_net_survival_is_recovered_when_age_drives_both_cancer_and_other_deaths():
    """100,000 patients whose cancer kills the old faster: Pohar Perme sees the true mean.

    Excess hazard .05 below 65 and .5 above.  The bound is 5 standard errors: a false alarm
    has a probability below 1e-6.
    """
    rng = np.random.default_rng(11)
    n, life = 100_000, gompertz()
    sex, age = rng.integers(0, 2, n), rng.uniform(30.0, 90.0, n)
    rate = np.where(age < 65, 0.05, 0.5)
    cancer = rng.exponential(1.0, n) / rate
    other = life.draw_survival(sex, age, rng.random(n))
    end = rng.uniform(5.0, 10.0, n)
    dead = np.minimum(cancer, other)
    time, event = np.minimum(dead, end), dead <= end
    curve = pohar_perme(time, event, sex, age, life, at=(1.0, 5.0))
    for years in (1.0, 5.0):
        truth = np.exp(-rate * years).mean()
        error = truth * math.sqrt(float(curve.log_variance_at(years)))
        assert abs(float(curve.at(years)) - truth) < 5 * error


def test_a_curve_says_nothing_after_the_last_patient():
    curve = kaplan_meier(np.array([1.0, 2.0]), np.array([True, False]))
    assert curve.at(0.5) == 1.0
    assert curve.at(2.0) == 0.5
    assert math.isnan(curve.at(2.1))
    assert curve.followed_to(1.5) == 1
    assert curve.followed_to(2.1) == 0


def test_a_curve_stays_at_zero_when_everybody_died():
    curve = kaplan_meier(np.array([1.0, 2.0]), np.array([True, True]))
    assert curve.at(9.0) == 0.0
    lower, upper = curve.limits()
    assert lower[-1] == upper[-1] == 0.0
    assert 0 < lower[0] < 0.5 < upper[0] <= 1.0


@pytest.mark.parametrize("time", [[], [0.0], [1.0, -1.0], [math.inf], [math.nan]])
def test_times_must_be_positive_numbers(time):
    with pytest.raises(ValueError, match="times must be finite and positive"):
        kaplan_meier(np.array(time), np.ones(len(time), dtype=bool))
