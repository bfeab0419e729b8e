"""A cohort's columns have the frequencies of the model, and every patient fits the schema."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from synthgen.fidelity.cohort_codes import CohortCodes

N = 200_000


@pytest.fixture(scope="module")
def made(korea, patients):
    return patients(korea, N, seed=21)


@pytest.mark.parametrize(
    "column",
    [
        "patient.sex",
        "patient.region_code",
        "tumour.entity",
        "tumour.topography",
        "tumour.laterality",
        "tumour.seer_stage",
        "tumour.grade",
        "tumour.basis_of_diagnosis",
        "tumour.first_treatment_flags",
    ],
)
def test_frequencies_of_a_column_are_those_of_the_model(korea, made, column):
    name = next(v.name for v in korea.schema.variables if v.column == column)
    codes = korea.distribution.domain.codes[name]
    column_values = CohortCodes(made.cohort).column(column).astype("object").to_numpy()
    found = np.array([(column_values == code).sum() for code in codes])
    p = np.clip(korea.distribution.marginal((name,)), 0.0, 1.0)
    alarm = 1e-6 / (2 * len(codes))
    assert (found >= binom.ppf(alarm, N, p)).all()
    assert (found <= binom.isf(alarm, N, p)).all()
    assert found.sum() == N


def test_ages_by_sex_and_site_are_those_of_the_model(korea, made):
    p = np.clip(korea.distribution.marginal(("sex", "age_group")), 0.0, 1.0)
    codes = CohortCodes(made.cohort)
    age = codes.column("tumour.age_at_diagnosis").to_numpy(dtype=np.int64)
    sex = codes.column("patient.sex").astype("object").to_numpy()
    group = np.minimum(age // 5, 17)
    found = np.array([[((sex == s) & (group == g)).sum() for g in range(18)] for s in ("1", "2")])
    alarm = 1e-6 / (2 * p.size)
    assert (found >= binom.ppf(alarm, N, p)).all()
    assert (found <= binom.isf(alarm, N, p)).all()


def test_impossible_combinations_never_occur(korea, made):
    tumour = made.cohort["tumour"].merge(made.cohort["patient"], on="patient_id")
    assert (tumour["tumour_sequence"] > 1).any()
    testis = tumour["topography"].astype("object").str.startswith("C62").to_numpy()
    assert testis.any()
    assert (tumour.loc[testis, "sex"] == "1").all()
    joint = korea.distribution.marginal(("entity", "topography"))
    domain = korea.distribution.domain
    entity = tumour["entity"].cat.codes.to_numpy()
    order = [domain.codes["entity"].index(c) for c in tumour["entity"].cat.categories]
    place = [domain.codes["topography"].index(c) for c in tumour["topography"].cat.categories]
    at = joint[np.array(order)[entity], np.array(place)[tumour["topography"].cat.codes.to_numpy()]]
    assert (at > 0).all()


def test_evidence_of_one_in_a_billion_gives_such_patients(korea):
    evidence = {
        "entity": ("chordoma",),
        "site_group": ("soft_tissue",),
        "age_group": ("0-4",),
        "sex": ("2",),
        "region": ("50",),
        "seer_stage": ("9",),
    }
    probability = korea.distribution.probability(evidence)
    assert 0 < probability < 1e-8
    cohort = korea.generate(50, seed=3, where=evidence)
    assert (cohort["tumour"]["entity"] == "chordoma").all()
    assert (cohort["tumour"]["age_at_diagnosis"] < 5).all()
    assert (cohort["patient"]["region_code"] == "50").all()
    assert (cohort["tumour"]["seer_stage"] == "9").all()
    names = ("morphology", "first_treatment")
    alone = korea.distribution.condition(evidence).marginal(names)
    np.testing.assert_allclose(
        alone, korea.distribution.marginal(names, evidence), rtol=1e-12, atol=1e-300
    )
    by_hand = korea.distribution.marginal((*evidence, "first_treatment"))
    at = tuple(korea.distribution.domain.codes[n].index(c[0]) for n, c in evidence.items())
    assert by_hand[at].sum() == pytest.approx(probability, rel=1e-12)
