"""Engines of records on the whole schema of rare cancers: tied codes, ages, several tumours."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.record_levels import draw_positions, levels_of
from synthgen.cohort.record_tables import record_tables
from synthgen.cohort.row_rules import RowRules
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.enclave.design import design_of
from synthgen.enclave.engines import ENGINES, Request
from synthgen.enclave.learned import learned_design
from synthgen.enclave.records import open_records
from synthgen.errors import ModelError
from synthgen.schema.load import load_schema
from synthgen.schema.validation import check_tables

TIED = ["entity", "topography", "morphology", "behaviour", "icd10"]
PATIENTS = 80


@pytest.fixture(scope="module")
def rare():
    return load_schema("rare-cancer")


@pytest.fixture(scope="module")
def records():
    """Patients of whom every sixth has two tumours: nobody's."""
    tables = load_model("kr-demo").generate(150, seed=8, further_tumours=0.05).tables
    return {name: tables[name] for name in ("patient", "tumour")}


@pytest.fixture(scope="module", params=["own", "forest"])
def folder(request, rare, records, tmp_path_factory):
    if request.param == "forest":
        pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra records)")
    made = tmp_path_factory.mktemp(request.param) / "model"
    ENGINES[request.param](records, rare, made, Request(as_of=date(2040, 1, 1)))
    return made


@pytest.fixture(scope="module")
def model(folder):
    return load_model(folder)


@pytest.fixture(scope="module")
def cohort(model):
    return model.generate(PATIENTS, seed=3).tables


def test_a_cohort_of_the_whole_schema_breaks_no_rule_and_workers_change_no_byte(
    model, cohort, rare, tmp_path
):
    settings = settings_for(model, PATIENTS, seed=3)
    write_cohort(model, settings, tmp_path / "c", formats=("csv",), jobs=2)
    report = check_tables(tmp_path / "c", rare)
    broken = [found for found in report.broken if found.severity.value == "impossible"]
    assert broken == []
    for name in ("patient", "tumour"):
        cohort[name].to_csv(tmp_path / "one.csv", index=False, date_format="%Y-%m-%d")
        lines = (tmp_path / "one.csv").read_text().splitlines()
        assert lines == (tmp_path / "c" / f"{name}.csv").read_text().splitlines()
    assert len(cohort["patient"]) == PATIENTS
    assert cohort["patient"]["patient_id"].is_unique
    assert cohort["tumour"]["tumour_id"].is_unique
    assert set(cohort["tumour"]["patient_id"]) == set(cohort["patient"]["patient_id"])


def test_tied_codes_are_combinations_of_the_records(cohort, records):
    seen = set(records["tumour"][TIED].astype(str).itertuples(index=False, name=None))
    made = set(cohort["tumour"][TIED].astype(str).itertuples(index=False, name=None))
    assert made <= seen
    real = records["tumour"]["entity"].value_counts(normalize=True)
    share = cohort["tumour"]["entity"].value_counts(normalize=True)
    assert 0.5 * share.sub(real, fill_value=0.0).abs().sum() < 0.25


def test_tumours_of_a_patient_are_numbered_as_they_came(cohort):
    ordered = cohort["tumour"].sort_values(["patient_id", "tumour_sequence"])
    groups = ordered.groupby("patient_id", observed=True)
    assert (ordered["tumour_sequence"] == groups.cumcount() + 1).all()
    assert (groups["diagnosis_date"].diff().dropna() >= pd.Timedelta(0)).all()
    assert groups.size().max() > 1


def test_ages_go_with_births_and_diagnoses(cohort):
    of = cohort["tumour"].merge(cohort["patient"], on="patient_id")
    day, born = of["diagnosis_date"].dt, of["birth_year"].astype(float)
    months = (day.year - born) * 12 + day.month - of["birth_month"].astype(float)
    age = of["age_at_diagnosis"].astype(float)
    assert (months - age * 12).dropna().between(0, 12).all()
    assert (of["diagnosis_date"] <= of["last_contact_date"]).all()


def test_a_condition_on_tumours_reaches_their_patients(model):
    where = {"seer_stage": ("7",)}
    distribution = settings_for(model, 1, where=where).distribution(model)
    levels = levels_of(model.schema, distribution)
    rng = np.random.default_rng(1)
    drawn = {}
    for level in levels:
        drawn = draw_positions(distribution, level, drawn, 50, lambda *_: rng, "0")
    stages = np.array(distribution.domain.codes["seer_stage"])[drawn["seer_stage"]]
    assert set(stages) == {"7"}
    real = model.distribution.marginal(("vital_status",), where)
    np.testing.assert_allclose(distribution.marginal(("vital_status",)), real, atol=1e-9)


def design(tables, rare):
    with open_records(
        tables, rare, table=None, as_of=date(2040, 1, 1), allow_repeated=True
    ) as opened:
        plain = design_of(opened, from_records=True, detail=True)
        learned, tied = learned_design(opened, plain)
    return {v.name for v in learned.variables}, tied, learned.left_out


def test_numbers_are_left_out_only_if_all_records_are_numbered_in_order(records, rare):
    names, tied, left_out = design(records, rare)
    assert "tumour_sequence" not in names
    assert "tumour.tumour_sequence (the order of rows)" in left_out
    assert {"icd10", "death_cause_icd10"} <= names
    assert not any("icd10" in reason for reason in left_out)
    assert set(tied["tumour"].members) == {"entity", "topography", "morphology", "icd10"}
    assert tied["tumour"].heads == ("entity",)
    other = records["tumour"].copy()
    other.loc[0, "tumour_sequence"] = 5
    assert "tumour_sequence" in design({**records, "tumour": other}, rare)[0]


def test_texts_of_ones_own_are_no_codes(records, rare):
    tumours = records["tumour"].copy()
    tumours["icd10"] = [f"C{i // 10 % 100:02d}{i % 10}" for i in range(len(tumours))]
    names, tied, left_out = design({**records, "tumour": tumours}, rare)
    assert "icd10" not in names
    assert "tumour.icd10 (text)" in left_out
    assert "icd10" not in tied["tumour"].members


def test_only_families_of_rows_drawn_again_are_asked(records, rare):
    tables = {name: frame.reset_index(drop=True) for name, frame in records.items()}
    tumours, table, rules = tables["tumour"], rare.table("tumour"), RowRules(rare)
    place = {key: at for at, key in enumerate(tables["patient"]["patient_id"])}
    parents = np.array([place[key] for key in tumours["patient_id"]])
    second = int(np.flatnonzero(tumours["tumour_sequence"] == 2)[0])
    first = int(np.flatnonzero(parents == parents[second])[0])
    tumours.loc[second, "tumour_sequence"] = 1
    tumours["behaviour"] = tumours["behaviour"].astype(object)
    tumours.loc[0, "behaviour"] = "2"
    far = np.setdiff1d(np.arange(len(tumours)), [0, first, second])
    for again, codes, numbers in (
        (far, [], []),
        (np.array([0]), [0], []),
        (np.array([first]), [], [first, second]),
    ):
        found = rules.broken_again(table, tables, again, parents)
        assert [rows.tolist() for rows in found] == [codes, numbers]


def test_a_schema_that_hardly_a_row_keeps_ends_in_an_error(small_model):
    with pytest.raises(ModelError, match="however often they are drawn"):
        record_tables(small_model, small_model.distribution, 1, 0, 50)


@pytest.fixture(scope="module")
def small_model(tmp_path_factory):
    """A model whose schema was made to forbid what all its rows are."""
    from dataclasses import replace

    from synthgen.schema.model import Rule, Severity
    from synthgen.testing import small_records, small_schema

    folder = tmp_path_factory.mktemp("small") / "model"
    model = ENGINES["own"]({"patient": small_records(200)}, small_schema(), folder, Request())
    column = model.schema.tables[0].columns
    name = next(c.name for c in column if c.codes is not None)
    codes = next(c.codes for c in column if c.codes is not None)
    rule = Rule(
        "NOBODY",
        Severity.IMPOSSIBLE,
        f"patient.{name} in ['{codes.codes[0].code}'-'{codes.codes[-1].code}']",
        "nobody",
        "아무도",
        "a test",
        (),
        (),
    )
    return replace(model, pack=replace(model.pack), schema=replace(model.schema, rules=(rule,)))
