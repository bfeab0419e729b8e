"""Every published number beside the model's and the cohort's."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from synthgen.fidelity.compare import compare, way_of
from synthgen.fidelity.comparison import NEAR, Outcome, agreement, by_gap
from synthgen.fidelity.distance import count_gap
from synthgen.messages import LANGUAGES


def alone(model, cohort):
    (found,) = compare(model, cohort)
    return found


def test_a_share_is_that_of_the_patients_who_meet_the_condition(make_model, eight, say):
    """Two of four women have mesothelioma."""
    said = say({"site_group": ("mesothelioma",)}, {"sex": ("2",)})
    found = alone(make_model((said, 0.4)), eight)
    assert (found.estimate, found.n, found.outcome) == (0.5, 4, Outcome.COMPARED)
    assert found.standard_error == pytest.approx(math.sqrt(0.4 * 0.6 / 4))
    assert found.cohort_gap == pytest.approx(float(count_gap(2, 4, 0.4)))
    assert found.note("en") == found.note("ko") == ""


def test_rows_without_the_code_are_in_no_denominator(make_model, eight, say):
    """The stage of one woman is not known: one of the other three is distant."""
    said = say({"stage": ("7",)}, {"sex": ("2",)})
    found = alone(make_model((said, 0.25)), eight)
    assert (found.estimate, found.n) == (pytest.approx(1 / 3), 3)


def test_nobody_is_said_in_words_and_is_not_zero(make_model, make_cohort, say):
    cohort = make_cohort(("1", 10, "C400", "9180", "1", 6.0, False))
    said = say({"stage": ("7",)}, {"sex": ("2",)})
    found = alone(make_model((said, 0.25)), cohort)
    assert (found.estimate, found.cohort_gap, found.n) == (None, None, 0)
    assert found.outcome is Outcome.NOBODY
    assert "no such patient" in found.note("en")
    assert "해당 환자가 없음" in found.note("ko")


def test_a_variable_without_a_column_is_not_estimated(make_model, eight, say):
    found = alone(make_model((say({"nowhere": ("a",)}), 0.5)), eight)
    assert (found.estimate, found.outcome) == (None, Outcome.NOT_ESTIMATED)


def survival(say, end, start=None, given=None, **more):
    codes = ("0-1", "1-3", "3-5", "5+")
    first = {0: 0, 1: 1, 3: 2, 5: 3}
    condition = dict(given or {})
    if start:
        condition["net_survival"] = codes[first[start] :]
    event = {**(given or {}), "net_survival": codes[first[end] :]}
    return replace(
        say({"stage": ("1",)}),
        event=event,
        given=condition,
        time=float(end),
        **{"estimator": "observed", "kind": "observed_survival", **more},
    )


def test_survival_is_that_of_kaplan_and_meier(make_model, eight, say):
    """Of eight, two die at .5; at 2 one dies, then one leaves; at 4 one of four dies."""
    at_1, at_3 = survival(say, 1), survival(say, 3, start=1)
    at_5 = survival(say, 5, start=3)
    found = compare(make_model((at_1, 0.8), (at_3, 0.8), (at_5, 0.8)), eight)
    assert [c.estimate for c in found] == pytest.approx([6 / 8, 5 / 6, 3 / 4])
    assert [c.n for c in found] == [8, 6, 4]


def test_the_error_of_a_conditional_survival_is_greenwoods_increment(make_model, eight, say):
    found = alone(make_model((survival(say, 3, start=1), 0.8)), eight)
    own = 5 / 6 * math.sqrt(1 / (6 * 5))
    assert found.standard_error == pytest.approx(max(own, math.sqrt(0.8 * 0.2 / 6)))
    assert found.cohort_gap == pytest.approx((5 / 6 - 0.8) / found.standard_error)


def test_without_deaths_the_error_is_not_zero(make_model, make_cohort, say):
    cohort = make_cohort(*[("1", 10, "C400", "9180", "1", 6.0, False)] * 3)
    found = alone(make_model((survival(say, 5), 0.9)), cohort)
    assert found.estimate == 1.0
    assert found.standard_error == pytest.approx(math.sqrt(0.9 * 0.1 / 3))


def test_a_time_that_nobody_reached_is_said_in_words(make_model, make_cohort, say):
    cohort = make_cohort(*[("1", 10, "C400", "9180", "1", 4.0, False)] * 3)
    found = alone(make_model((survival(say, 5), 0.9)), cohort)
    assert (found.estimate, found.outcome) == (None, Outcome.NOT_FOLLOWED)
    found = alone(make_model((survival(say, 5, start=3), 0.9)), cohort)
    assert found.outcome is Outcome.NOT_FOLLOWED


def test_survival_of_a_stratum_without_patients_is_nobody(make_model, make_cohort, say):
    cohort = make_cohort(("1", 10, "C400", "9180", "1", 4.0, False))
    said = survival(say, 1, given={"sex": ("2",)}, estimator="net")
    assert alone(make_model((said, 0.9)), cohort).outcome is Outcome.NOBODY


def test_net_and_relative_survival_are_observed_where_nobody_else_dies(make_model, eight, say):
    said = survival(say, 3, estimator="net", kind="net_survival")
    values = [
        alone(make_model((said, 0.6), estimator=name), eight).estimate
        for name in ("Pohar Perme", "Ederer II", "")
    ]
    assert values == pytest.approx([5 / 8] * 3)


@pytest.mark.parametrize(
    ("estimator", "published", "way"),
    [
        ("observed", "Kaplan-Meier", "observed"),
        ("net", "Pohar Perme", "net"),
        ("net", "", "net"),
        ("net", "Ederer II", "relative"),
        ("net", "relative survival (Ederer 2)", "relative"),
        ("net", "Ederer I", "net"),
        ("crude", "", None),
    ],
)
def test_the_published_estimator_decides(say, estimator, published, way):
    assert way_of(survival(say, 1, estimator=estimator), published) == way


def test_crude_probabilities_are_not_estimated(make_model, eight, say):
    said = survival(say, 1, estimator="crude")
    assert alone(make_model((said, 0.6)), eight).outcome is Outcome.NOT_ESTIMATED


def test_a_cohort_of_women_is_held_against_the_model_of_women(make_model, make_cohort, say):
    women = make_cohort(
        ("2", 60, "C400", "9220", "1", 2.0, False),
        ("2", 90, "C384", "9050", "7", 0.5, True),
        where={"sex": ["2"]},
    )
    about = {
        "all": say({"site_group": ("mesothelioma",)}),
        "women": say({"site_group": ("mesothelioma",)}, {"sex": ("2",)}),
        "men": say({"site_group": ("mesothelioma",)}, {"sex": ("1",)}),
    }
    fitted = {"all": 0.3, "women": 0.4, "men": 0.2}
    model = make_model(*((about[k], fitted[k]) for k in about))
    found = dict(zip(about, compare(model, women), strict=True))
    assert found["all"].outcome is Outcome.NARROWED
    assert found["all"].fitted == pytest.approx(0.4)
    assert found["all"].model_gap is None
    assert found["all"].published_gap is None
    assert found["all"].estimate == 0.5
    assert found["women"].outcome is Outcome.COMPARED
    assert found["women"].model_gap == 0.0
    assert found["men"].outcome is Outcome.OUTSIDE
    assert found["men"].estimate is None
    assert all(found[k].note(language) for k in ("all", "men") for language in LANGUAGES)


def test_observed_survival_under_conditions_keeps_its_expected_survival(
    make_model, make_cohort, say
):
    """Nobody of the population dies here, so the factor is 1: P(T >= 3) = 0.5."""
    women = make_cohort(("2", 60, "C400", "9220", "1", 6.0, False), where={"sex": ["2"]})
    found = alone(make_model((survival(say, 3), 0.9)), women)
    assert found.outcome is Outcome.NARROWED
    assert found.fitted == pytest.approx(0.5)


def test_the_published_gap_counts_both_errors(make_model, eight, say):
    said = say({"site_group": ("mesothelioma",)}, lower=0.1, upper=0.2, standard_error=0.1)
    found = alone(make_model((said, 0.3)), eight)
    error = math.hypot(0.1, math.sqrt(0.3 * 0.7 / 8))
    assert found.published_gap == pytest.approx((3 / 8 - 0.2) / error)


def test_agreement_counts_steps_apart_and_leaves_out_what_is_unknown(make_model, make_cohort, say):
    cohort = make_cohort(*[("1", 10, "C400", "9180", "1", 6.0, False)] * 50)
    model = make_model((say({"stage": ("7",)}), 0.25), (say({"stage": ("7",)}, {"sex": ("2",)}), 0))
    far = replace(compare(model, cohort)[0], model_gap=NEAR + 0.1)
    counts = agreement((far, compare(model, cohort)[1]))
    assert (counts.statements, counts.model_known, counts.model_near) == (2, 2, 1)
    assert (counts.cohort_known, counts.cohort_near) == (1, 0)


def test_the_largest_gap_comes_first_and_the_unknown_last(make_model, eight, say):
    model = make_model((say({"nowhere": ("a",)}), 0.5), (say({"stage": ("7",)}), 0.25))
    unknown, known = compare(model, eight)
    unknown = replace(unknown, model_gap=None)
    far = replace(known, model_gap=-9.0)
    assert by_gap((unknown, known, far)) == (far, known, unknown)


def test_the_order_is_that_of_the_model(make_model, eight, say):
    said = [say({"stage": (code,)}, row=row) for row, code in enumerate("717", start=2)]
    found = compare(make_model(*((s, 0.5) for s in said)), eight)
    assert [c.statement.row for c in found] == [2, 3, 4]


@pytest.mark.parametrize("n", [20, 1000])
def test_gaps_of_small_and_large_counts_are_standard_normal_deviates(n):
    """Every tenth binomial quantile lies where the normal one does, as far as counts allow."""
    rng = np.random.default_rng(3)
    for p in (0.3, 0.05):
        gaps = count_gap(rng.binomial(n, p, 20_000), n, p)
        assert abs(gaps.mean()) < 0.1
        assert 0.01 < (np.abs(gaps) > NEAR).mean() < 0.09


def test_impossible_counts_are_infinitely_far():
    assert count_gap(1, 10, 0.0) == math.inf
    assert count_gap(9, 10, 1.0) == -math.inf
    assert count_gap(0, 10, 0.0) == 0.0


def test_gaps_beyond_the_digits_of_a_tail_keep_their_size():
    assert count_gap(9_000, 10_000, 0.1) == pytest.approx(8000 / 30, rel=1e-3)
    assert count_gap(1_000, 10_000, 0.9) == pytest.approx(-8000 / 30, rel=1e-3)
