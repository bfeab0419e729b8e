"""Family I in evaluations: what is published already is judged apart from what is withheld."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.decide import Verdict, decide
from synthgen.evaluation.evaluation import asked
from synthgen.evaluation.measures import MEASURES
from synthgen.evaluation.policy import read_policy
from synthgen.evaluation.run import run_measures
from synthgen.evaluation.table_audit import (
    ALREADY_PUBLISHED,
    OF_PRINTED_NUMBERS,
    differences,
    table_finding,
)
from synthgen.findings import Inputs, Subjects
from synthgen.schema.load import load_schema
from synthgen.statistics.audit import audit, limits_for
from synthgen.statistics.model import Cell, Protection
from synthgen.statistics.read import read_pack

PACKS = Path(__file__).resolve().parents[3] / "docs" / "tutorials" / "release-packs"
GATING = ("smallest_cell", "reconstruction", "homogeneity", "implied_counts", "differencing")


def inputs(name, k_min=11, **changes):
    pack = replace(read_pack(PACKS / name, load_schema), **changes)
    schema = load_schema(pack.schema)
    nobody = Subjects(pd.DataFrame(), (), ())
    return Inputs(schema, {}, nobody, None, None, pack, None, None, None, (), (), (), k_min)


def findings(given):
    tables = [one for one in MEASURES.values() if one.family == "I"]
    return run_measures(tables, given, seed=1)


def verdicts(given, policy):
    rules = asked(read_policy(policy), "pack")
    return {j.finding.measure: j.verdict for j in decide(findings(given), rules).judged}


def test_a_number_that_plain_subtraction_gives_away_is_refused_for_that_alone():
    found = verdicts(inputs("hidden-once"), "public")
    assert [name for name, verdict in found.items() if verdict is not Verdict.PASS] == [
        "reconstruction"
    ]
    assert found["reconstruction"] is Verdict.FAIL


@pytest.mark.parametrize("policy", ["public", "enclave", "ema-hc-009"])
def test_the_same_tables_pass_after_protection(policy):
    assert set(verdicts(inputs("protected"), policy).values()) == {Verdict.PASS}


def test_small_printed_numbers_fail_unless_they_are_published_already():
    strict = inputs("protected", k_min=60)
    found = {f.measure: f for f in findings(strict)}
    assert found["smallest_cell"].estimate > 0
    assert found["smallest_cell"].part == ""
    assert verdicts(strict, "simulacrum-50")["smallest_cell"] is Verdict.FAIL
    public = inputs("protected", k_min=60, origin="public-statistics")
    found = {f.measure: f for f in findings(public)}
    assert {name for name, f in found.items() if f.part == ALREADY_PUBLISHED} == {
        *OF_PRINTED_NUMBERS, "differencing",
    }  # fmt: skip
    assert found["smallest_cell"].estimate > 0
    assert verdicts(public, "simulacrum-50")["smallest_cell"] is Verdict.FAIL


def test_what_a_publisher_withheld_is_no_less_withheld_because_the_rest_is_public():
    public = inputs("hidden-once", origin="public-statistics")
    assert verdicts(public, "public")["reconstruction"] is Verdict.FAIL


def test_where_there_is_nothing_of_the_kind_nothing_is_given_away_and_n_says_so():
    (found,) = table_finding("survival_steps", inputs("protected"), np.random.default_rng(1))
    assert (found.estimate, found.n) == (0.0, 11)
    assert found.detail["of_the_kind"] == 0


def test_who_dominates_is_not_known_without_institutions():
    (found,) = table_finding("dominance", inputs("protected"), np.random.default_rng(1))
    assert found.reason is not None


def differences_of(packs, k_min=5):
    schema = load_schema(packs[0].schema)
    report = audit(packs, schema, limits=limits_for(k_min), explain=False)
    (whole,) = [f for f in report.findings() if f.measure == "differencing"]
    return {f.part: f.estimate for f in differences(report, packs, whole)}, whole.estimate


def two_editions(first="public-statistics", second="public-statistics", printed="100"):
    """A total of two sites of 100, and in another edition one of them: 97; 3 are the other's."""
    like = read_pack(PACKS / "protected", load_schema)
    table = next(t for t in like.tables if t.kind == "counts" and len(t.variables) == 1)
    codes = [next(iter(c.members.values()))[0] for c in table.cells if c.members][:2]
    (axis,) = table.variables
    open_ = replace(table, protection=Protection())
    total = Cell({axis: tuple(codes)}, 100.0, 100.0, printed=printed, row=2)
    if printed != "100":
        total = replace(total, lower=99.0, upper=100.0)
    part = Cell({axis: (codes[0],)}, 97.0, 97.0, printed="97", row=2)
    return (
        replace(like, origin=first, tables=(replace(open_, cells=(total,)),)),
        replace(like, origin=second, version="2.0.0", tables=(replace(open_, cells=(part,)),)),
    )


def test_a_small_difference_of_published_numbers_is_published_already():
    found, whole = differences_of(two_editions())
    assert whole == 1
    assert found == {ALREADY_PUBLISHED: 1.0}


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_small_difference_is_new_if_one_of_its_numbers_is_not_published(which):
    found, _ = differences_of(two_editions(**{which: "enclave"}))
    assert found == {"": 1.0}


def test_a_small_difference_is_not_published_where_a_publisher_printed_a_range():
    found, _ = differences_of(two_editions(printed="99..100"))
    assert found == {"": 1.0}


def test_where_nothing_differs_by_little_the_finding_is_of_what_is_published_already():
    public, _ = two_editions()
    assert differences_of((public,))[0] == {ALREADY_PUBLISHED: 0.0}
    assert differences_of((replace(public, origin="enclave"),))[0] == {"": 0.0}


@pytest.mark.parametrize(("policy", "verdict"), [("public", "pass"), ("simulacrum-50", "fail")])
def test_policies_judge_differences_of_published_numbers_by_their_own_limit(policy, verdict):
    pack, other = two_editions()
    both = replace(pack, tables=(*pack.tables, replace(other.tables[0], name="other")))
    given = replace(inputs("protected", k_min=5), pack=both)
    assert verdicts(given, policy)["differencing"].value == verdict
