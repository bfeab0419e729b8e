"""Every way in which a finding can be held against a limit; nothing unsound ever passes."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm

from synthgen.evaluation.decide import ALPHA, Verdict, decide, p_value
from synthgen.evaluation.policy import Limit, MeasureRule, Policy
from synthgen.findings import (
    CRASHED,
    MISSING_INPUT,
    NO_RECORDS,
    PRIVATE,
    TOO_FEW,
    Finding,
    not_testable,
)

LIMIT = 0.1
VALUES = (None, math.nan, math.inf, -math.inf, -1.0, 0.0, 0.05, LIMIT, 0.2, True, "0.0")


def finding(lower=0.0, estimate=0.02, upper=0.05, *, name="linkability", family="C", part="", n=60):
    return Finding(name, family, part, estimate, lower, upper, n, None)


def unsound(**changes):
    """A finding that could not be made: its fields are changed behind its back."""
    made = finding()
    for name, value in changes.items():
        object.__setattr__(made, name, value)
    return made


@pytest.mark.parametrize(
    ("lower", "estimate", "upper", "verdict"),
    [
        (0.0, 0.02, 0.05, Verdict.PASS),
        (0.0, 0.02, LIMIT, Verdict.PASS),
        (0.0, 0.02, LIMIT + 1e-12, Verdict.INCONCLUSIVE),
        (0.05, 0.12, 0.2, Verdict.INCONCLUSIVE),
        (LIMIT, 0.12, 0.2, Verdict.INCONCLUSIVE),
        (LIMIT + 1e-12, 0.12, 0.2, Verdict.FAIL),
        (0.2, 0.3, 0.4, Verdict.FAIL),
        (0.0, 0.0, 0.0, Verdict.PASS),
        (LIMIT, LIMIT, LIMIT, Verdict.PASS),
        (0.11, 0.11, 0.11, Verdict.FAIL),
        (None, 0.02, 0.05, Verdict.PASS),
        (0.0, 0.02, None, Verdict.INCONCLUSIVE),
        (0.2, 0.3, None, Verdict.FAIL),
        (None, 0.02, None, Verdict.INCONCLUSIVE),
        (0.0, 0.3, 0.05, Verdict.INCONCLUSIVE),  # the estimate itself is over the limit
    ],
)
def test_the_rule_of_three_verdicts(small_policy, lower, estimate, upper, verdict):
    decision = decide([finding(lower, estimate, upper)], small_policy())
    assert decision.judged[0].verdict is verdict
    assert decision.passes is (verdict is Verdict.PASS)
    assert decision.verdict is verdict


def test_of_all_combinations_of_awkward_numbers_only_the_sound_and_small_pass(small_policy):
    policy = small_policy()
    passed = set()
    for estimate, lower, upper in itertools.product(VALUES, repeat=3):
        for n in (60, 0, -1, None, math.nan):
            made = unsound(estimate=estimate, lower=lower, upper=upper, n=n)
            if decide([made], policy).passes:
                passed.add((estimate, lower, upper, n))
    assert passed
    for estimate, lower, upper, n in passed:
        assert n == 60
        assert {type(estimate), type(upper)} == {float}
        assert estimate <= LIMIT
        assert upper <= LIMIT
        assert lower is None or (type(lower) is float and math.isfinite(lower) and lower <= upper)


@given(
    st.floats() | st.none(),
    st.floats() | st.none(),
    st.floats() | st.none(),
    st.floats() | st.none(),
)
def test_no_finding_and_no_limit_whatsoever_passes_without_an_upper_bound_under_it(
    estimate, lower, upper, limit
):
    rule = MeasureRule("linkability", True, (Limit(None, limit, "made up"),))
    policy = Policy("p", "1.0.0", "", (rule,), (), (), (), (), 5, 1, None, {})
    if decide([unsound(estimate=estimate, lower=lower, upper=upper)], policy).passes:
        assert math.isfinite(limit)
        assert math.isfinite(upper)
        assert max(upper, estimate) <= limit


def test_crossed_bounds_are_not_testable(small_policy):
    (judged,) = decide([unsound(lower=0.05, upper=0.01)], small_policy()).judged
    assert (judged.verdict, judged.why) == (Verdict.NOT_TESTABLE, "decision.why.not_sound")


def test_a_number_beside_a_reason_is_not_testable(small_policy):
    (judged,) = decide([unsound(reason=CRASHED)], small_policy()).judged
    assert judged.verdict is Verdict.NOT_TESTABLE


def test_nothing_found_is_no_pass(small_policy):
    decision = decide([], small_policy())
    assert not decision.passes
    assert decision.missing == ("linkability",)
    assert decision.verdict is Verdict.NOT_TESTABLE


def test_a_required_measure_without_a_finding_is_no_pass_whatever_the_others_say(
    small_policy, asks
):
    policy = small_policy([asks("linkability", 0.1), asks("rules", 0.0)])
    assert not decide([finding()], policy).passes
    assert decide([finding(), finding(0.0, 0.0, 0.0, name="rules", family="U")], policy).passes


def test_a_finding_that_nobody_asked_for_decides_nothing(small_policy):
    assert not decide([finding(name="unknown")], small_policy()).passes
    bad = finding(0.5, 0.6, 0.7, name="unknown")
    assert decide([finding(), bad], small_policy()).passes


def test_a_measure_that_is_only_reported_decides_nothing(small_policy, asks):
    policy = small_policy([asks("linkability", 0.1), asks("closest_record", required=False)])
    assert decide([finding(), finding(0.5, 0.6, 0.7, name="closest_record")], policy).passes


def test_a_part_without_a_limit_is_no_pass(small_policy, asks):
    policy = small_policy([asks("linkability", ("outliers", 0.1))])
    assert decide([finding(part="outliers")], policy).passes
    decision = decide([finding(part="outliers"), finding(part="other")], policy)
    assert decision.judged[1].why == "decision.why.no_limit"
    assert not decision.passes


def test_every_part_must_pass_and_the_closest_limit_holds(small_policy, asks):
    policy = small_policy([asks("linkability", 0.01, ("stratum *", 0.5), ("stratum a", 0.1))])
    parts = {"": 0.01, "pooled": 0.01, "stratum b": 0.5, "stratum a": 0.1}
    for part, limit in parts.items():
        (judged,) = decide([finding(part=part)], policy).judged
        assert judged.limit.limit == limit
    assert not decide([finding(part="stratum b"), finding(part="pooled")], policy).passes


def test_one_failure_among_many_passes_is_a_failure(small_policy):
    findings = [finding(part=str(i)) for i in range(50)] + [finding(0.5, 0.6, 0.7, part="leak")]
    decision = decide(findings, small_policy())
    assert decision.verdict is Verdict.FAIL
    assert [j.finding.part for j in decision.judged if not j.passes] == ["leak"]


def test_a_decision_does_not_depend_on_the_order_of_findings(small_policy):
    spread = np.random.default_rng(5).normal(0.1, 0.05, 12)
    findings = [finding(float(x) - 0.02, float(x), float(x) + 0.02, part=str(x)) for x in spread]
    forward = {j.finding.part: j.verdict for j in decide(findings, small_policy()).judged}
    backward = {j.finding.part: j.verdict for j in decide(findings[::-1], small_policy()).judged}
    assert forward == backward


ALL_COVERED = {"linkability": ["inconclusive", "not_testable"]}
INCONCLUSIVE = finding(0.05, 0.12, 0.2)
TABLES = finding(0.0, 0.0, 0.0, name="reconstruction", family="I")
LEDGER = [
    finding(-0.1, -0.1, -0.1, name="privacy_accounting", family="M", part="claim"),
    finding(-0.5, -0.5, -0.5, name="distinguishing_audit", family="M", part="noise"),
]


@pytest.mark.parametrize("kind", ["G0", "G1"])
@pytest.mark.parametrize(
    ("made", "covers", "covered"),
    [
        (INCONCLUSIVE, ALL_COVERED, True),
        (INCONCLUSIVE, {"linkability": ["not_testable"]}, False),
        (not_testable("linkability", "C", TOO_FEW, n=9), ALL_COVERED, True),
        (not_testable("linkability", "C", NO_RECORDS), ALL_COVERED, True),
        (not_testable("linkability", "C", TOO_FEW), {"linkability": ["inconclusive"]}, False),
        (not_testable("linkability", "C", CRASHED), ALL_COVERED, False),
        (not_testable("linkability", "C", MISSING_INPUT), ALL_COVERED, False),
        (finding(0.2, 0.3, 0.4), ALL_COVERED, False),
        (finding(0.2, 0.2, 0.2), ALL_COVERED, False),
        (unsound(upper=math.nan), ALL_COVERED, False),
        (unsound(n=0), ALL_COVERED, False),
    ],
)
def test_a_guarantee_covers_only_what_the_policy_says_and_never_a_failure(
    small_policy, asks, guaranteed, kind, made, covers, covered
):
    ledger = [asks("privacy_accounting", 0.0), asks("distinguishing_audit", 0.0)]
    policy = small_policy(
        [asks("linkability", LIMIT), asks("reconstruction", 0.0), *ledger],
        guarantees=[guaranteed(kind, **covers)],
    )
    found = [made, TABLES, *LEDGER]
    decision = decide(found, policy, {kind})
    assert decision.judged[0].verdict is not Verdict.PASS
    assert decision.judged[0].covered_by == (kind if covered else "")
    assert decision.passes is covered
    assert not decide(found, policy).passes  # nobody claims it
    assert not decide(found, policy, {"G2", "g0", ""}).passes


@pytest.mark.parametrize(
    ("ledger", "required", "holds"),
    [
        (LEDGER, True, True),
        (LEDGER, False, False),  # reported only: nobody asked whether it is true
        (LEDGER[:1], True, False),
        (LEDGER[1:], True, False),
        ([], True, False),
        ([replace(LEDGER[0], lower=1e-9, estimate=1e-9, upper=1e-9), LEDGER[1]], True, False),
        ([*LEDGER, finding(1.0, 1.0, 1.0, name="privacy_accounting", family="M")], True, False),
        ([LEDGER[0], not_testable("distinguishing_audit", "M", MISSING_INPUT)], True, False),
        ([LEDGER[0], not_testable("distinguishing_audit", "M", TOO_FEW)], True, False),
        ([not_testable("privacy_accounting", "M", CRASHED), LEDGER[1]], True, False),
    ],
)
def test_a_ledger_guarantees_nothing_before_all_that_was_asked_of_it_passed(
    small_policy, asks, guaranteed, ledger, required, holds
):
    limits = (0.0,) if required else ()
    names = ("privacy_accounting", "distinguishing_audit")
    policy = small_policy(
        [asks("linkability", LIMIT), *(asks(n, *limits, required=required) for n in names)],
        guarantees=[guaranteed("G1", **ALL_COVERED)],
    )
    decision = decide([INCONCLUSIVE, *ledger], policy, {"G1"})
    assert decision.guarantees == (("G1",) if holds else ())
    assert decision.passes is holds


@pytest.mark.parametrize("kind", ["G0", "G1"])
def test_only_differential_privacy_covers_a_model_that_cannot_be_fitted_again(
    small_policy, asks, guaranteed, kind
):
    names = ("privacy_accounting", "distinguishing_audit", "reconstruction")
    policy = small_policy(
        [asks("linkability", LIMIT), *(asks(n, 0.0) for n in names)],
        guarantees=[guaranteed(kind, **ALL_COVERED)],
    )
    found = [not_testable("linkability", "C", PRIVATE), TABLES, *LEDGER]
    assert decide(found, policy, {kind}).passes is (kind == "G1")


@pytest.mark.parametrize(
    "tables",
    [
        [],
        [finding(1.0, 1.0, 1.0, name="reconstruction", family="I")],
        [not_testable("reconstruction", "I", CRASHED)],
        [TABLES, not_testable("reconstruction", "I", TOO_FEW, part="b")],
    ],
)
def test_published_tables_guarantee_nothing_before_they_passed_the_audit(
    small_policy, asks, guaranteed, tables
):
    policy = small_policy(
        [asks("linkability", LIMIT), asks("reconstruction", 0.0)],
        guarantees=[guaranteed("G0", **ALL_COVERED)],
    )
    decision = decide([INCONCLUSIVE, *tables], policy, {"G0"})
    assert decision.guarantees == ()
    assert not decision.passes


@pytest.mark.parametrize("family", ["I", "U"])
def test_a_guarantee_says_nothing_about_tables_or_usefulness(
    small_policy, asks, guaranteed, family
):
    policy = small_policy(
        [asks("linkability", LIMIT), asks("reconstruction", 0.0)],
        guarantees=[guaranteed("G1", **ALL_COVERED)],
    )
    assert not decide([replace(INCONCLUSIVE, family=family), TABLES], policy, {"G1"}).passes


def test_holm_fails_step_by_step_within_a_family_and_never_turns_a_failure_into_a_pass(
    small_policy,
):
    """p-values .010, .020, .040 of three: .05/3 rejects the first, .05/2 the second, .05 the third."""

    def with_p(p, part):
        z = norm.ppf(1 - p)
        spread = 0.01
        estimate = LIMIT + z * spread
        return finding(estimate - norm.ppf(0.95) * spread, estimate, estimate + 0.02, part=part)

    verdicts = [
        j.verdict
        for j in decide([with_p(p, str(p)) for p in (0.04, 0.01, 0.02)], small_policy()).judged
    ]
    assert verdicts == [Verdict.FAIL] * 3
    verdicts = [
        j.verdict
        for j in decide([with_p(p, str(p)) for p in (0.04, 0.01, 0.03)], small_policy()).judged
    ]
    assert verdicts == [Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.INCONCLUSIVE]
    other = [replace(with_p(p, str(p)), family="M") for p in (0.03, 0.04)]
    decision = decide([with_p(0.04, "alone"), *other], small_policy())
    assert decision.judged[0].verdict is Verdict.FAIL  # families do not mix
    assert not decision.passes


def test_an_exact_finding_over_its_limit_fails_among_any_number_of_others(small_policy):
    crowd = [finding(0.05, 0.1, 0.15, part=str(i)) for i in range(200)]
    decision = decide([finding(1.0, 1.0, 1.0, part="exact"), *crowd], small_policy())
    assert decision.judged[0].verdict is Verdict.FAIL


def test_the_p_value_is_five_percent_where_the_lower_bound_meets_the_limit():
    assert p_value(finding(LIMIT, 0.15, 0.2), LIMIT) == pytest.approx(ALPHA)
    assert p_value(finding(None, 0.15, 0.2), LIMIT) == 1.0
    assert p_value(finding(0.2, 0.15, 0.2), LIMIT) == 0.0


# What the two error rates are, by simulation: effects exactly at their limits, where both
# errors are most likely.  A rate of 5 % in 2,000 runs has a standard error of 0.5 %; seven
# percent would be four of them.

RUNS = 2_000
MANY = 20


def normal_findings(rng, effects, se=0.03):
    z = norm.ppf(0.95)
    return [
        finding(x - z * se, x, x + z * se, part=str(i))
        for i, x in enumerate(map(float, rng.normal(effects, se)))
    ]


def exact_findings(rng, effects, n=120):
    """Shares of attacks that succeeded, with Clopper and Pearson's one-sided bounds."""
    made = []
    for i, hits in enumerate(map(int, rng.binomial(n, effects))):
        lower, upper = exact_bounds(hits, n)
        made.append(finding(lower, hits / n, upper, part=str(i), n=n))
    return made


@cache
def exact_bounds(hits, n):
    lower = float(beta.ppf(0.05, hits, n - hits + 1)) if hits else 0.0
    return lower, float(beta.ppf(0.95, hits + 1, n - hits)) if hits < n else 1.0


@pytest.mark.parametrize("make", [normal_findings, exact_findings])
def test_false_failures_in_a_family_of_twenty_stay_at_five_percent(small_policy, make):
    rng, policy = np.random.default_rng(11), small_policy()
    effects = np.full(MANY, LIMIT)
    failed = sum(
        any(j.verdict is Verdict.FAIL for j in decide(make(rng, effects), policy).judged)
        for _ in range(RUNS)
    )
    assert failed / RUNS < 0.07


@pytest.mark.parametrize("make", [normal_findings, exact_findings])
@pytest.mark.parametrize("others", [0.0, LIMIT])
def test_a_release_with_one_effect_at_its_limit_passes_in_at_most_five_percent(
    small_policy, make, others
):
    rng, policy = np.random.default_rng(12), small_policy()
    effects = np.full(MANY, others)
    effects[3] = LIMIT
    passed = sum(decide(make(rng, effects), policy).passes for _ in range(RUNS))
    assert passed / RUNS < 0.07


def test_without_holm_false_failures_would_be_the_rule():
    """Guards the simulation: with single tests of the same findings most families would fail."""
    rng = np.random.default_rng(11)
    effects = np.full(MANY, LIMIT)
    failed = sum(any(f.lower > LIMIT for f in normal_findings(rng, effects)) for _ in range(RUNS))
    assert failed / RUNS > 0.5
