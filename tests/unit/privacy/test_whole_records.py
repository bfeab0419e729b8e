"""One copied person is found, and a coincidence is not taken for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.decide import Verdict, decide
from synthgen.evaluation.policy import read_policy
from synthgen.fidelity.encoding import joined, rows_of
from synthgen.findings import Inputs
from synthgen.privacy.density_attack import density_attack
from synthgen.privacy.k_map import KEY_UNIQUENESS, key_uniqueness
from synthgen.privacy.proximity import REASON_NEARER, proximity
from synthgen.privacy.whole_records import PART, copies, whole_records


def leaking(inputs: Inputs, people: int) -> Inputs:
    """A release of strangers and, among them, some members word for word."""
    if inputs.train is None:
        raise ValueError("members are needed")
    worst = rows_of(inputs.train, np.arange(people))
    return replace(inputs, synthetic=joined((worst, inputs.synthetic)))


def found(inputs: Inputs):
    findings = key_uniqueness(inputs, np.random.default_rng(1))
    return [one for one in findings if one.part == PART]


def verdict(inputs: Inputs) -> Verdict:
    policy = read_policy("public")
    rules = tuple(rule for rule in policy.measures if rule.measure == KEY_UNIQUENESS)
    return decide(found(inputs), replace(policy, measures=rules)).verdict


def test_strangers_repeat_nobody(apart):
    (finding,) = found(apart)
    assert (finding.lower, finding.estimate, finding.upper) == (0, 0, 0)
    assert verdict(apart) is Verdict.PASS


def test_one_copied_person_does_not_pass_and_many_fail(apart):
    (one,) = found(leaking(apart, 1))
    assert (one.lower, one.estimate, one.upper) == (0, 1, 1)
    assert verdict(leaking(apart, 1)) is Verdict.INCONCLUSIVE
    (many,) = found(leaking(apart, 10))
    assert many.lower is not None
    assert many.lower >= 5
    assert many.upper == 10
    assert verdict(leaking(apart, 10)) is Verdict.FAIL


def test_a_missing_value_is_a_value(inputs_of, of_frame):
    train = of_frame(sex=["a", None], n_age=[np.nan, 3.5])
    control = of_frame(sex=["b"], n_age=[4.0])
    release = of_frame(sex=["a", "a"], n_age=[np.nan, 3.5])
    (finding,) = whole_records(inputs_of(train, control, release), KEY_UNIQUENESS)
    assert finding.upper == 1


def test_coincidences_of_few_columns_prove_nothing(inputs_of, of_frame):
    """What members and others have as often is no copy; what several persons have is nobody's."""
    train = of_frame(n_x=[*map(float, range(20)), 50.0, 50.0])
    control = of_frame(n_x=[*map(float, range(20, 40)), 60.0])
    shown = of_frame(n_x=[float(x) for x in (*range(5), *range(20, 25), 50)])
    assert whole_records(inputs_of(train, control, shown), KEY_UNIQUENESS) == []
    copied = of_frame(n_x=[*map(float, range(21))])  # all members and one other
    (finding,) = whole_records(inputs_of(train, control, copied), KEY_UNIQUENESS)
    assert finding.lower is not None
    assert finding.lower > 0
    twins = of_frame(n_x=[50.0])
    (none,) = whole_records(inputs_of(train, control, twins), KEY_UNIQUENESS)
    assert none.upper == 0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_coincidences_alone_are_rarely_called_copies(share):
    """One-sided 5 %: 20,000 draws, so that 0.055 is over three standard errors away."""
    rng = np.random.default_rng(3)
    total = rng.poisson(12, 20_000)
    members = rng.binomial(total, share)
    cells = pd.Series(list(zip(members, total - members, strict=True))).value_counts()
    wrong = sum(n for (x, y), n in cells.items() if copies(int(x), int(y), share) > 0)
    assert wrong / 20_000 < 0.055


def test_a_copy_does_not_pass_because_training_and_control_records_were_swapped(apart, copied):
    swapped = replace(copied, train=copied.control, control=copied.train)
    (finding,) = found(swapped)
    assert finding.lower >= 90
    assert verdict(swapped) is Verdict.FAIL
    for measure in (proximity, density_attack):
        (one,) = measure(swapped, np.random.default_rng(1))
        assert one.reason == REASON_NEARER
        (one,) = measure(apart, np.random.default_rng(1))
        assert one.is_measured
