"""Measures of usefulness: good releases are near zero, useless ones are not, nothing is hidden."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen import load_model
from synthgen.errors import MissingExtraError
from synthgen.extras import is_present
from synthgen.fidelity import propensity as propensity_file
from synthgen.fidelity.dependence import dependence
from synthgen.fidelity.encoding import encoder_of, rows_of
from synthgen.fidelity.end_points import NO_END_POINT, times_of
from synthgen.fidelity.marginals import marginals, real_patients, table_distance
from synthgen.fidelity.net_survival import kaplan_meier
from synthgen.fidelity.propensity import logistic, propensity
from synthgen.fidelity.sdmetrics_quality import NO_SDV_EXTRA, sdmetrics_quality
from synthgen.fidelity.statement_findings import statements
from synthgen.fidelity.subgroups import subgroups
from synthgen.fidelity.survival_findings import restricted_mean, survival
from synthgen.fidelity.survival_models import cox_overlap, train_on_synthetic
from synthgen.fidelity.validity import validity
from synthgen.findings import MISSING_INPUT, NO_RECORDS, TOO_FEW, Inputs, Subjects
from synthgen.privacy.controls.table import control

BY_RECORDS = (
    marginals,
    dependence,
    propensity,
    survival,
    cox_overlap,
    train_on_synthetic,
    subgroups,
)


def rng():
    return np.random.default_rng(11)


@pytest.fixture(scope="module")
def good() -> Inputs:
    return control("published tables").inputs(500, np.random.default_rng(1))


@pytest.fixture(scope="module")
def useless() -> Inputs:
    return control("raw columns").inputs(500, np.random.default_rng(1))


@pytest.mark.parametrize("measure", BY_RECORDS)
def test_without_records_it_is_said_that_there_are_none(measure, good):
    without = replace(good, train=None, control=None)
    assert {f.reason for f in measure(without, rng())} == {NO_RECORDS}


@pytest.mark.parametrize("measure", BY_RECORDS)
def test_details_are_plain_json_and_seeds_repeat(measure, good):
    found = measure(good, rng())
    assert found == measure(good, rng())
    for finding in found:
        json.dumps(finding.as_json(), allow_nan=False)


@pytest.mark.parametrize("measure", [marginals, dependence, propensity, survival])
def test_a_handful_of_patients_is_not_testable(measure, good):
    few = replace(good, synthetic=rows_of(good.synthetic, np.arange(8)))
    assert {f.reason for f in measure(few, rng())} == {TOO_FEW}


def test_a_sample_of_the_same_population_is_at_the_sampling_floor(good):
    for finding in marginals(good, rng()):
        assert finding.lower < 0.0 + 0.01
        assert abs(finding.estimate) < 0.03
        assert finding.detail["distance"] > finding.estimate


def test_shuffled_columns_keep_shares_and_lose_all_dependence(useless):
    shares = marginals(useless, rng())[0]
    (lost,) = dependence(useless, rng())
    assert shares.upper < 0.05
    assert 0.75 < lost.lower < lost.estimate < lost.upper < 1.25


def test_a_good_release_loses_no_dependence(good):
    assert dependence(good, rng())[0].upper < 0.3


def test_columns_that_do_not_depend_on_each_other_have_nothing_to_lose():
    draw = np.random.default_rng(3)
    sides = [
        Subjects(pd.DataFrame({c: draw.choice(["1", "2"], 200) for c in "ab"}), ("a", "b"), ())
        for _ in range(3)
    ]
    made = replace(
        control("uniform").inputs(60, draw), train=sides[0], control=sides[1], synthetic=sides[2]
    )
    assert dependence(made, rng())[0].reason == TOO_FEW


def test_the_distance_of_a_table_is_half_the_sum_of_absolute_differences(good):
    encoder = encoder_of(real_patients(good))
    a, b = encoder(real_patients(good)), encoder(good.synthetic)
    _, detail = table_distance(a, b, encoder, ("sex", "stage"), 2, rng())
    counts = []
    for side in (a, b):
        pairs = list(zip(side.codes["sex"], side.codes["stage"], strict=True))
        counts.append({c: pairs.count(c) / len(pairs) for c in set(pairs)})
    cells = set(itertools.chain(*counts))
    expected = sum(abs(counts[0].get(c, 0) - counts[1].get(c, 0)) for c in cells) / 2
    assert detail["distance"] == pytest.approx(expected)
    assert detail["tables"] == 1


def test_a_broken_code_a_repeated_key_and_a_range_count_as_broken_rows(good):
    assert validity(good, rng())[0].estimate == 0.0
    frame = good.cohort["patient"].copy()
    frame.loc[0, "sex"], frame.loc[1, "age"] = "7", 999.0
    frame.loc[2, "patient_id"] = frame.loc[3, "patient_id"]
    (broken,) = validity(replace(good, cohort={"patient": frame}), rng())
    assert broken.estimate == pytest.approx(3 / len(frame))  # a repeated key is one row
    assert broken.is_exact


def test_a_cohort_without_tables_or_rows_is_not_valid(good):
    assert validity(replace(good, cohort={}), rng())[0].reason == MISSING_INPUT
    empty = {"patient": good.cohort["patient"].iloc[:0]}
    assert validity(replace(good, cohort=empty), rng())[0].reason == TOO_FEW


def test_the_logistic_regression_is_scikit_learns():
    if not is_present("records"):
        pytest.skip("scikit-learn is not installed (extra records)")
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(5)
    x = draw.standard_normal((300, 3))
    y = (draw.random(300) < 1 / (1 + np.exp(-x[:, 0]))).astype(float)
    z = (x - x.mean(0)) / x.std(0)
    other = LogisticRegression(C=1 / (1e-3 * 300), tol=1e-10, max_iter=1000).fit(z, y)
    np.testing.assert_allclose(logistic(x, y), other.predict_proba(z)[:, 1], atol=1e-5)


def test_classifiers_are_named_and_tell_useless_from_good(good, useless):
    parts = {f.part: f for f in propensity(good, rng())}
    assert all(f.detail["classifier"] for f in parts.values())
    worse = {f.part: f for f in propensity(useless, rng())}
    trees = "SPECKS, gradient boosting"
    assert parts[trees].upper < 0.15 < worse[trees].lower


def test_without_scikit_learn_the_trees_are_not_testable(good, monkeypatch):
    def missing(extra: str, module: str) -> None:
        raise MissingExtraError(f"{extra} {module}")

    monkeypatch.setattr(propensity_file, "require", missing)
    logit, trees = propensity(good, rng())
    assert logit.is_measured
    assert trees.reason == propensity_file.NO_RECORDS_EXTRA


def test_the_restricted_mean_and_its_error_are_the_sample_mean_without_censoring():
    time = np.random.default_rng(6).exponential(2.0, 400)
    curve = kaplan_meier(time, np.ones(400, dtype=bool))
    mean, error = restricted_mean(curve, 3.0)
    cut = np.minimum(time, 3.0)
    assert mean == pytest.approx(cut.mean())
    assert error == pytest.approx(cut.std() / 20, rel=1e-3)


def test_survival_of_the_same_population_agrees_and_of_another_does_not(good):
    for finding in survival(good, rng()):
        assert finding.lower < 0.02
    frame = good.synthetic.frame.assign(days=good.synthetic.frame["days"] * 2)
    longer = replace(good, synthetic=replace(good.synthetic, frame=frame))
    parts = {f.part: f for f in survival(longer, rng())}
    assert parts["largest gap"].lower > 0.05
    assert parts["optimism"].detail["signed"] > 0
    assert parts["restricted mean at 3 years"].lower > 0.02
    shorter = replace(good, synthetic=replace(good.synthetic, frame=frame.assign(days=100.0)))
    sight = {f.part: f for f in survival(shorter, rng())}["sightedness"]
    assert sight.estimate > 0.9


def test_without_times_there_is_no_survival(good):
    side = Subjects(
        good.train.frame.drop(columns="days"),
        good.train.categorical,
        tuple(c for c in good.train.numeric if c != "days"),
    )
    assert times_of(good.schema, side) is None
    reasons = {f.reason for f in survival(replace(good, train=side, control=side), rng())}
    assert reasons == {NO_END_POINT}


def test_times_are_read_from_dates_where_no_end_point_is_declared():
    frame = pd.DataFrame(
        {
            "diagnosis_date": [0.0, 0.0],
            "last_contact_date": [365.25, 0.0],
            "vital_status": ["2", "1"],
        }
    )
    side = Subjects(frame, ("vital_status",), ("diagnosis_date", "last_contact_date"))
    times = times_of(None, side)
    assert times.years.tolist() == pytest.approx([1.0, 0.5 / 365.25])
    assert times.event.tolist() == [True, False]


def test_cox_intervals_overlap_for_good_and_not_for_useless_releases(good, useless):
    (close,), (far,) = cox_overlap(good, rng()), cox_overlap(useless, rng())
    assert close.estimate < far.estimate
    assert close.detail["coefficients"] == close.n


def test_concordance_is_lost_by_training_on_shuffled_columns(good, useless):
    (kept,), (lost,) = train_on_synthetic(good, rng()), train_on_synthetic(useless, rng())
    assert kept.lower < 0.05
    assert lost.lower > 0.05
    assert kept.detail["real"] > 0.6


def test_a_release_without_a_stratum_has_lost_it_and_small_ones_are_listed(good):
    only = rows_of(good.synthetic, (good.synthetic.frame["entity"] != "A").to_numpy())
    findings = subgroups(replace(good, synthetic=only, strata=(("entity",),)), rng())
    assert findings[0].part == "lost"
    assert findings[0].estimate == pytest.approx(1 / 8)
    assert findings[0].detail["strata"] == ["entity=A"]
    parts = {f.part: f for f in findings[1:]}
    assert len(parts) == 8
    assert parts["stratum entity=A"].estimate == 1.0
    assert parts["stratum entity=H"].reason == TOO_FEW
    assert parts["stratum entity=H"].detail["real"] > 0


def test_published_numbers_are_reproduced_by_the_shipped_model(good):
    model = load_model("kr-demo")
    cohort = model.generate(2000, seed=4)
    found = {
        f.part: f for f in statements(replace(good, model=model, cohort=dict(cohort.tables)), rng())
    }
    assert found["release"].estimate < 0.10
    assert found["release"].n > 100
    assert found["model"].lower <= found["model"].estimate <= found["model"].upper


def test_without_a_model_no_statement_can_be_reproduced(good):
    assert statements(good, rng())[0].reason == MISSING_INPUT


def test_without_sdmetrics_its_report_is_not_testable(good):
    if is_present("sdv"):
        pytest.skip("SDMetrics is installed; `.ci/run sdv` tests the report")
    assert sdmetrics_quality(good, rng())[0].reason == NO_SDV_EXTRA
