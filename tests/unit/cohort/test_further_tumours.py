"""Further primary tumours: at the rate asked for, by the rules, and without moving the first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

import synthgen
from synthgen.cohort.further_tumours import PUBLISHED_RATE
from synthgen.cohort.multiple_primaries import rules_for, same_tumour
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.schema.load import load_schema
from synthgen.schema.rules import check_rule, is_caught
from synthgen.schema.validation import check_tables

N = 20_000
RULES = ("MULTIPLE-PRIMARY", "MULTIPLE-PRIMARY-SYSTEMIC", "MULTIPLE-PRIMARY-UNSPECIFIED")


@pytest.fixture(scope="module")
def model():
    return synthgen.load_model("kr-rare")


@pytest.fixture(scope="module")
def made(model):
    """Every tumour beside its patient, at a rate at which some patients have many."""
    cohort = model.generate(N, seed=4, further_tumours=0.2)
    return cohort["tumour"].merge(cohort["patient"], on="patient_id")


def days(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype="datetime64[D]")


def test_two_tumours_are_one_exactly_where_the_rules_of_the_schema_say_so():
    schema = load_schema("rare-cancer")
    checked = [check_rule(schema, rule) for rule in schema.rules if rule.id in RULES]
    assert len(checked) == len(RULES)
    sites = ("C019", "C028", "C402", "C412", "C492", "C421", "C341", "C199", "C209", "C770", "C809")
    histologies = ("8000", "8010", "8070", "8090", "8140", "8246", "8800", "9050", "9140", "9180",
                   "9680", "9823", "9861", "9663", "9590", "8720", "9989", "8720")  # fmt: skip
    morphologies = tuple(f"{h}{b}" for h in histologies for b in "3332")
    rng = np.random.default_rng(5)
    n = 3_000
    site = rng.integers(len(sites), size=(2, n))
    histology = rng.integers(len(morphologies), size=(2, n))
    implied = {
        m: {"tumour.morphology": (m[:4],), "tumour.behaviour": (m[4],)} for m in morphologies
    }
    rules = rules_for(schema, sites, morphologies, implied)
    found = same_tumour(*(rules.kinds(site[i], histology[i]) for i in (0, 1)))
    assert 0.02 < found.mean() < 0.5
    for i in range(n):
        pair: dict[str, str] = {}
        for row, table in ((0, "tumour"), (1, "other")):
            code = morphologies[histology[row, i]]
            pair[f"{table}.topography"] = sites[site[row, i]]
            pair |= {f"{table}.morphology": code[:4], f"{table}.behaviour": code[4]}
        assert found[i] == any(is_caught(schema, rule, pair) for rule in checked), pair


def test_further_tumours_come_at_the_rate_asked_for(model):
    cohort = model.generate(60_000, seed=3)
    tumour, patient = cohort["tumour"], cohort["patient"]
    first = tumour[tumour["tumour_sequence"] == 1]
    years = (days(patient["last_contact_date"]) - days(first["diagnosis_date"])).astype(
        int
    ) / 365.25
    expected = PUBLISHED_RATE * years.sum()
    # One in some is given up, because the pool has none that the patient could have had.
    assert poisson.ppf(1e-6, 0.93 * expected) <= len(tumour) - len(first)
    assert len(tumour) - len(first) <= poisson.isf(1e-6, expected)


def test_the_published_rate_is_that_of_its_source():
    assert pytest.approx(0.00733, abs=5e-6) == PUBLISHED_RATE


def test_first_tumours_and_patients_do_not_depend_on_the_rate(model):
    none, many = (model.generate(3_000, seed=9, further_tumours=rate) for rate in (0, 0.3))
    assert (none["tumour"]["tumour_sequence"] == 1).all()
    first = many["tumour"][many["tumour"]["tumour_sequence"] == 1].reset_index(drop=True)
    assert len(many["tumour"]) > 3_500
    pd.testing.assert_frame_equal(none["tumour"], first, check_categorical=False)
    cause = "death_cause_icd10"  # it may be a later tumour's
    pd.testing.assert_frame_equal(
        none["patient"].drop(columns=cause), many["patient"].drop(columns=cause)
    )
    for patients in (none["patient"], many["patient"]):
        assert patients[cause].isna().sum() == none["patient"][cause].isna().sum()


def test_the_tumours_of_a_patient_stand_in_the_order_of_their_dates(made):
    sequence = made["tumour_sequence"].to_numpy(dtype=int)
    again = (made["patient_id"] == made["patient_id"].shift()).to_numpy(dtype=bool)
    assert sequence.max() >= 5
    assert (sequence[~again] == 1).all()
    rows = np.flatnonzero(again)
    assert (sequence[rows] == sequence[rows - 1] + 1).all()
    day = days(made["diagnosis_date"])
    assert (day[rows] > day[rows - 1]).all()
    assert (day[rows] < days(made["last_contact_date"])[rows]).all()
    made_of_parts = made["patient_id"] + "T" + made["tumour_sequence"].astype(str)
    assert (made["tumour_id"] == made_of_parts).all()


def test_the_age_at_each_diagnosis_is_that_of_the_calendar(made):
    months = (
        days(made["diagnosis_date"]).astype("datetime64[M]").astype(int)
        - 12 * (made["birth_year"].to_numpy(dtype=int) - 1970)
        - (made["birth_month"].to_numpy(dtype=int) - 1)
    )
    age = made["age_at_diagnosis"].to_numpy(dtype=int)
    assert ((age == months // 12) | (age == (months - 1) // 12)).all()


def test_a_death_from_cancer_carries_the_code_of_one_of_the_patients_tumours(made):
    of_cancer = made[made["death_cause_icd10"].astype(object).notna()]
    of_cancer = of_cancer[of_cancer["death_cause_icd10"].astype(object) != "R99"]
    same = of_cancer["icd10"].astype(object) == of_cancer["death_cause_icd10"].astype(object)
    by_patient = same.groupby(of_cancer["patient_id"]).any()
    assert by_patient.all()
    several = of_cancer.groupby("patient_id")["tumour_sequence"].max() > 1
    of_a_later_one = same[of_cancer["tumour_sequence"] > 1].sum()
    assert 0.2 < of_a_later_one / several.sum() < 0.9


def test_nobody_outlives_a_tumour_that_kills_soon(model):
    """Later distant mesotheliomas are those of people whose follow-up ends soon after."""
    cohort = model.generate(N, seed=6, further_tumours=0.3)
    every = cohort["tumour"].merge(cohort["patient"], on="patient_id")
    later = every[every["tumour_sequence"] > 1]
    left = (days(later["last_contact_date"]) - days(later["diagnosis_date"])).astype(int) / 365.25
    deadly = (later["entity"] == "mesothelioma").to_numpy()
    assert deadly.sum() > 30
    assert np.median(left[deadly]) < 0.75 * np.median(left[~deadly])


def test_conditions_hold_for_every_tumour(model):
    where = {"entity": ("thymoma", "gist"), "sex": ("2",), "age_group": ("60-64", "65-69")}
    cohort = model.generate(4_000, seed=2, where=where, further_tumours=0.5)
    tumour = cohort["tumour"]
    assert (tumour["tumour_sequence"] > 1).sum() > 100
    assert set(tumour["entity"]) == {"thymoma", "gist"}
    assert tumour["age_at_diagnosis"].between(60, 69).all()
    alone = model.generate(
        500, seed=2, where={"entity": ("testicular_germ_cell",)}, further_tumours=1.0
    )
    assert (alone["tumour"]["tumour_sequence"] == 1).all()  # two of them would be one tumour


def test_a_cohort_with_many_tumours_breaks_no_rule(model, tmp_path):
    settings = settings_for(model, N, seed=8, further_tumours=1.0)
    write_cohort(model, settings, tmp_path / "c", formats=("parquet",))
    report = check_tables(tmp_path / "c", model.schema)
    assert report.impossible == ()
    assert settings.describe()["further_tumours_per_year"] == 1.0


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_rate_that_makes_no_sense_is_refused(model, rate):
    with pytest.raises(UsageError, match=r"^further tumours: are .* per year; it must be 0 to 1"):
        settings_for(model, 10, further_tumours=rate)
