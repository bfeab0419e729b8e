"""The refit audit on generators whose leak is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.findings import TOO_FEW
from synthgen.privacy.controls.generators import copier, outlier_leak, published
from synthgen.privacy.controls.table import control
from synthgen.privacy.controls.truth import patients
from synthgen.privacy.refit import Refit
from synthgen.privacy.refit_audit import refit_audit
from synthgen.privacy.refit_scores import attack_counts, folds_of, taught

SURE = 4.9
"""Standard errors that chance exceeds once in a million."""


def audit(name: str, n: int, seed: int = 1, **how):
    inputs = control(name).inputs(n, np.random.default_rng(seed))
    found = refit_audit(inputs, np.random.default_rng(seed), **{"refits": 64, **how})
    return {finding.part: finding for finding in found}


def test_a_bootstrap_copy_gives_the_advantage_that_theory_says():
    """Somebody in is copied with probability 1 - (1 - 1/m)^m, somebody out never."""
    n = 60
    found = audit("copier", n)["everybody"]
    expected = 1 - (1 - 1 / n) ** n
    assert abs(found.estimate - expected) < 0.05


def test_outliers_that_are_leaked_are_found_with_sixty_records():
    found = audit("outlier leak", 60)
    assert found["outliers"].lower > 0.5
    assert found["outliers"].lower > found["everybody"].upper


def test_a_generator_that_ignores_the_records_has_no_advantage():
    """Six parts and the Student distribution of 31 degrees of freedom: 7 standard errors."""
    for seed in (1, 2, 3):
        for finding in audit("published tables", 100, seed).values():
            if finding.is_measured:
                error = (finding.estimate - finding.lower) / 1.6
                assert abs(finding.estimate) < 7 * error


def test_the_same_seed_gives_the_same_findings_with_any_number_of_workers():
    assert audit("copier", 60, refits=32) == audit("copier", 60, refits=32, workers=3)


def test_three_people_are_enough_for_a_stratum():
    rng = np.random.default_rng(3)
    inputs = control("copier").inputs(60, rng)
    frame = inputs.train.frame.copy()
    frame["grade"] = ["4"] * 3 + ["5"] * 57
    inputs = replace(
        inputs,
        train=replace(inputs.train, frame=frame),
        control=None,
        strata=(("grade",),),
        refit=Refit(copier),
    )
    found = {f.part: f for f in refit_audit(inputs, np.random.default_rng(4), refits=64)}
    few = found["stratum grade=4"]
    assert few.detail["people"] == 3
    assert few.lower > 0.3


def test_few_records_are_not_testable_and_too_few_refits_an_error():
    rng = np.random.default_rng(5)
    inputs = replace(control("copier").inputs(60, rng), train=patients(20, rng), control=None)
    (finding,) = refit_audit(inputs, rng, refits=32)
    assert finding.reason == TOO_FEW
    for refits in (2, 33):
        with pytest.raises(ValueError, match="refits"):
            refit_audit(inputs, rng, refits=refits)


def test_a_refit_that_makes_nobody_is_an_error_and_no_finding():
    rng = np.random.default_rng(6)
    inputs = control("copier").inputs(60, rng)

    def nobody(records, *_):
        return replace(records, frame=records.frame.iloc[:0])

    empty = Refit(nobody)
    with pytest.raises(ValueError, match="no patients"):
        refit_audit(replace(inputs, refit=empty), rng, refits=32)


@pytest.mark.parametrize("generate", [published, outlier_leak])
def test_features_do_not_depend_on_who_is_asked_about_first(generate):
    rng = np.random.default_rng(7)
    inputs = replace(control("copier").inputs(60, rng), refit=Refit(generate))
    first = refit_audit(inputs, np.random.default_rng(8), refits=32)
    assert first == refit_audit(inputs, np.random.default_rng(8), refits=32)


def test_folds_keep_the_two_runs_of_a_halving_together():
    folds = folds_of(64)
    assert sorted(np.concatenate(folds).tolist()) == list(range(64))
    for fold in folds:
        assert {run ^ 1 for run in fold.tolist()} == set(fold.tolist())


def test_scores_of_pure_noise_have_no_optimism():
    """Features that know nothing, many of them: the mean advantage of 40 audits is zero."""
    rng = np.random.default_rng(9)
    found = []
    for _ in range(40):
        features = rng.standard_normal((30, 64, 6))
        members = np.zeros((30, 64), dtype=bool)
        for run in range(0, 64, 2):
            members[rng.permutation(30)[:15], run] = True
            members[:, run + 1] = ~members[:, run]
        counts, _ = attack_counts(features, members, {"": np.ones(30, dtype=bool)})[""]
        found.append(counts.advantage().estimate)
    assert abs(np.mean(found)) < SURE * np.std(found, ddof=1) / np.sqrt(40)


def test_what_is_taught_points_from_out_to_in():
    rng = np.random.default_rng(10)
    members = rng.random((20, 64)) < 0.5
    features = rng.standard_normal((20, 64, 2))
    features[:, :, 0] += 2.0 * members
    teacher = taught(features, members)
    scores = teacher.scores(features)
    assert scores[members].mean() > scores[~members].mean() + 1
    assert np.abs(teacher.weight[:, 0]).mean() > 5 * np.abs(teacher.weight[:, 1]).mean()
