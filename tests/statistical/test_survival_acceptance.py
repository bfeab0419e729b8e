"""Patients live as long as the fitted model says, by estimators in exact time.

Each entity alone: in a mixed cohort of 200,000 some entities would have a thousand patients,
and an error of a few hundredths would pass.  All entities of the pack are compared by
``evaluation/benchmarks/bench_survival.py``; here a few that differ: short and long survivors,
young and old patients, survival by age and stage, by morphology, observed and net tables.
"""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.cohort.follow_up import FollowUpRule
from synthgen.models.ages import OLDEST
from synthgen.models.references import bin_edges

N = 200_000
ENTITIES = (
    "mesothelioma",
    "osteosarcoma",
    "chondrosarcoma",
    "soft_tissue_sarcoma_nos",
    "testicular_germ_cell",
)
TIMES = (5.0, 10.0)
#: Everybody can be followed for fifteen years: diagnoses end in 2017.
LONG = FollowUpRule("2032-12-31")


def model_survival(model, where, years):
    """Net survival of the fitted model at edges of its grid."""
    bins = model.distribution.marginal(("net_survival",), where)
    edges = bin_edges(model.schema.variable("net_survival"))
    return np.array([bins[np.searchsorted(edges, y) :].sum() for y in years])


def deviations(curve, expected, years):
    """Standard errors between an estimated curve and what the model says."""
    found = curve.at(np.array(years))
    error = found * np.sqrt(curve.log_variance_at(np.array(years)))
    return (found - expected) / error


@pytest.mark.parametrize("entity", ENTITIES)
def test_cohort_survival_is_that_of_the_fitted_model(korea, patients, beyond, entity):
    where = {"entity": (entity,)}
    made = patients(korea, N, seed=11, where=where, follow_up=LONG)
    expected = model_survival(korea, where, TIMES)
    curve = made.seen.curve(made.everybody, "net", TIMES)
    limit = beyond(len(ENTITIES) * len(TIMES))
    assert np.abs(deviations(curve, expected, TIMES)).max() < limit
    # Standard errors are small enough for this to mean something.
    assert (
        np.sqrt(curve.log_variance_at(np.array(TIMES))) * curve.at(np.array(TIMES)) < 0.004
    ).all()


def test_relative_survival_by_ederer_ii_agrees_where_age_matters_little(korea, patients, beyond):
    where = {"entity": ("mesothelioma",)}
    made = patients(korea, N, seed=12, where=where, follow_up=LONG)
    curve = made.seen.curve(made.everybody, "relative", TIMES)
    found = deviations(curve, model_survival(korea, where, TIMES), TIMES)
    assert np.abs(found).max() < beyond(len(TIMES))


def test_survival_by_stage_is_that_of_the_fitted_model(korea, patients, beyond):
    made = patients(korea, N, seed=13, where={"entity": ("osteosarcoma",)}, follow_up=LONG)
    stage = made.cohort["tumour"]["seer_stage"].astype("object").to_numpy()
    stages = ("1", "2", "7")
    for code in stages:
        where = {"entity": ("osteosarcoma",), "seer_stage": (code,)}
        curve = made.seen.curve(stage == code, "net", TIMES)
        found = deviations(curve, model_survival(korea, where, TIMES), TIMES)
        assert np.abs(found).max() < beyond(len(stages) * len(TIMES)), code


def test_loss_to_follow_up_leaves_the_estimate_alone(korea, patients, beyond):
    where = {"entity": ("soft_tissue_sarcoma_nos",)}
    rule = FollowUpRule(LONG.cut_off, lost_per_year=0.1)
    made = patients(korea, N, seed=14, where=where, follow_up=rule)
    alive = (made.cohort["patient"]["vital_status"] == "1").to_numpy()
    early = alive & (made.cohort["patient"]["last_contact_date"] < "2032-12-31").to_numpy()
    assert early.mean() > 0.2
    curve = made.seen.curve(made.everybody, "net", TIMES)
    found = deviations(curve, model_survival(korea, where, TIMES), TIMES)
    assert np.abs(found).max() < beyond(len(TIMES))
    # Nobody's loss depends on the cancer: lost patients are as many as the hazard says.
    expected = 0.1 * made.seen.time.sum()
    assert abs(early.sum() - expected) < beyond(1) * np.sqrt(expected)


def test_an_early_cut_off_leaves_the_estimate_alone(korea, patients, beyond):
    where = {"entity": ("mesothelioma",)}
    made = patients(korea, N, seed=15, where=where, follow_up=FollowUpRule("2017-12-31"))
    years = (1.0, 3.0)
    curve = made.seen.curve(made.everybody, "net", years)
    found = deviations(curve, model_survival(korea, where, years), years)
    assert np.abs(found).max() < beyond(len(years))


def test_nobody_dies_or_is_seen_after_the_cut_off(korea, patients):
    rule = FollowUpRule("2019-06-30", lost_per_year=0.02)
    patient = patients(korea, 60_000, seed=16, follow_up=rule).cohort["patient"]
    assert patient["last_contact_date"].max() == np.datetime64("2019-06-30")
    assert patient["death_date"].max() <= np.datetime64("2019-06-30")
    dead = (patient["vital_status"] == "2").to_numpy()
    assert (patient.loc[dead, "death_date"] == patient.loc[dead, "last_contact_date"]).all()
    assert patient.loc[~dead, "death_date"].isna().all()


def test_everybody_dies_and_nobody_after_the_age_of_120(korea, patients):
    made = patients(
        korea, 20_000, seed=17, where={"age_group": ("80-84", "85+")},
        follow_up=FollowUpRule("2140-12-31"),
    )  # fmt: skip
    patient = made.cohort["patient"]
    assert (patient["vital_status"] == "2").all()
    born = patient["birth_year"] * 12 + patient["birth_month"] - 1
    died = patient["death_date"].dt.year * 12 + patient["death_date"].dt.month - 1
    assert ((died - born) <= 12 * OLDEST).all()
    assert ((died - born) / 12 > 100).sum() > 50  # the old do grow old


def test_the_cause_of_death_follows_from_which_death_came_first(korea, patients, beyond):
    where = {"entity": ("chondrosarcoma",)}
    made = patients(korea, N, seed=18, where=where, follow_up=LONG)
    patient, tumour = made.cohort["patient"], made.cohort["tumour"]
    cause = patient["death_cause_icd10"].astype("object")
    dead = (patient["vital_status"] == "2").to_numpy()
    assert cause[~dead].isna().all()
    assert cause[dead].notna().all()
    other = (cause == "R99").to_numpy()
    of_cancer = dead & ~other
    own = tumour["icd10"].astype("object").to_numpy()
    assert (cause.to_numpy()[of_cancer] == own[of_cancer]).all()
    # Deaths from other causes are as many as the life table expects of people of these ages
    # and sexes while they were followed (a martingale: mean zero, variance the expectation).
    seen, table = made.seen, korea.life_table
    suffered = table.hazard_to(seen.sex_index, seen.age + seen.time) - table.hazard_to(
        seen.sex_index, seen.age
    )
    expected = float(suffered.sum())
    assert expected > 10_000
    assert abs(other.sum() - expected) < beyond(1) * np.sqrt(expected)
