"""The short self-test: leaks are refused for the right reason, an honest generator is not."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.evaluation.decide import Verdict, decide
from synthgen.evaluation.measures import MEASURES
from synthgen.evaluation.policy import read_policy
from synthgen.evaluation.self_test import (
    BATTERY,
    PRIMARY_ONLY,
    PRIVATE_TABLES,
    SHORT,
    SHORT_FAULTS,
    SIZES,
    findings_of,
    outcome,
    policy_for_controls,
    private_outcome,
    self_test,
)
from synthgen.findings import CRASHED, Finding
from synthgen.privacy.controls.private_tables import FAULTS
from synthgen.privacy.controls.table import LEAKY, control


@pytest.fixture(scope="module")
def short():
    return self_test(1)


def test_every_control_of_the_short_test_comes_out_as_it_must(short):
    wrong = [row for row in short["controls"] if not row["as_expected"]]
    assert wrong == []
    assert short["passes"]
    assert {(row["control"], row["n"]) for row in short["controls"]} == {
        *SHORT,
        (PRIMARY_ONLY, 60),
        *((name, 60) for name in (PRIVATE_TABLES, *SHORT_FAULTS)),
    }


def test_no_leak_passes_with_sixty_records(short):
    leaks = [r for r in short["controls"] if r["n"] == 60 and r["kind"] == LEAKY]
    assert len(leaks) == 5
    assert all(r["verdict"] == "fail" for r in leaks)
    by_name = {r["control"]: r["failed"] for r in leaks}
    assert "refit_audit" in by_name["copier"] and "refit_audit" in by_name["outlier leak"]
    assert "reconstruction" in by_name[PRIMARY_ONLY]
    assert all("distinguishing_audit" in by_name[name] for name in SHORT_FAULTS)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_private_tables_pass_and_each_fault_is_refused_for_the_right_reason(fault, n):
    made = private_outcome(fault or PRIVATE_TABLES, fault, n, 2, read_policy("public"))
    assert made.as_expected, made
    assert (made.verdict == "pass") is (not fault)


@pytest.mark.parametrize("policy", ["enclave", "teaching"])
def test_a_fit_to_a_private_table_passes_with_sixty_records_under_its_guarantee(policy):
    one = control("noisy shares")
    findings = findings_of(one, 60, 3)
    made = outcome(one, 60, findings, read_policy(policy))
    assert (made.verdict, made.as_expected) == ("pass", True)
    without = [f for f in findings if f.measure != "privacy_accounting"]
    assert outcome(one, 60, without, read_policy(policy)).verdict != "pass"


def test_the_raw_columns_are_refused_for_their_raw_values(short):
    (raw,) = [r for r in short["controls"] if r["control"] == "raw columns"]
    assert "rare_values" in raw["failed"]


def test_the_battery_is_a_part_of_the_table_of_measures():
    assert set(BATTERY) <= set(MEASURES)


def test_a_crash_of_a_measure_is_never_as_expected():
    policy = read_policy("public")
    one = control("copier")
    crashed = Finding("refit_audit", "M", "", None, None, None, 0, None, CRASHED)
    found = outcome(one, 60, [crashed], policy)
    assert not found.as_expected


def test_a_missing_measure_never_passes():
    policy = policy_for_controls(read_policy("public"), tables=True)
    findings = findings_of(control("published tables"), 60, 1, measures=("labelling", "validity"))
    decision = decide(findings, policy, {"G0"})
    assert not decision.passes
    assert "refit_audit" in decision.missing
    assert decision.verdict is not Verdict.PASS


def test_the_mirror_is_read_as_a_black_box_without_a_decoder():
    from synthgen.privacy.refit_audit import refit_audit

    for name, access in (("mirror, black box", "black box only"), ("mirror, decoded", "decoder")):
        inputs = control(name).inputs(60, np.random.default_rng(1))
        found = refit_audit(inputs, np.random.default_rng(1), refits=32)
        assert {f.detail["access"] for f in found} == {access}
