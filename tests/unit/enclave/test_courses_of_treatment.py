"""Engines of records on four tables in a row: patients, tumours, lines of treatment, drugs."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.model_card import model_card
from synthgen.cohort.rule_orders import ordered_pairs
from synthgen.enclave.design import design_of
from synthgen.enclave.engines import ENGINES, Request
from synthgen.enclave.learned import learned_design
from synthgen.enclave.records import open_records
from synthgen.schema.load import load_schema
from synthgen.schema.validation import check_tables

TABLES = ("patient", "tumour", "treatment_line", "drug_exposure")


@pytest.fixture(scope="module")
def rare():
    return load_schema("rare-cancer@1.1.0")


@pytest.fixture(scope="module")
def records():
    """Nobody's."""
    cohort = load_model("kr-demo").generate(70, seed=8, clinical="all")
    return {name: cohort.tables[name] for name in TABLES}


@pytest.fixture(scope="module", params=["own", "forest"])
def model(request, rare, records, tmp_path_factory):
    if request.param == "forest":
        pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra records)")
    made = tmp_path_factory.mktemp(request.param) / "model"
    return ENGINES[request.param](records, rare, made, Request(as_of=date(2040, 1, 1)))


@pytest.fixture(scope="module")
def cohort(model):
    return model.generate(60, seed=3).tables


def test_nobody_breaks_a_rule(cohort, rare, tmp_path):
    for name in TABLES:
        cohort[name].to_csv(tmp_path / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    broken = check_tables(tmp_path, rare).broken
    assert [b for b in broken if b.severity.value == "impossible" and b.table in TABLES] == []


def test_treatment_has_as_many_rows_as_in_the_records_and_lies_within_its_line(cohort, records):
    """Patients of whom a row breaks a rule are replaced: few, or those left are the untreated."""
    for name, of in (("treatment_line", "patient"), ("drug_exposure", "treatment_line")):
        many, found = (len(t[name]) / len(t[of]) for t in (records, cohort))
        assert 0.5 * many < found < 2.0 * many
    drugs = cohort["drug_exposure"].merge(cohort["treatment_line"], on="line_id")
    assert (drugs["start_date_x"] >= drugs["start_date_y"]).all()
    assert not (drugs["start_date_x"] > drugs["end_date"]).any()


def test_the_card_claims_no_table_for_what_records_say(model):
    assert "Where each part comes from" in model_card(load_model("kr-demo"), "en")
    assert "Where each part comes from" not in model_card(model, "en")


def test_each_of_several_impossible_conditions_orders_two_dates(rare):
    found = {(a.qualified, b.qualified) for a, b in ordered_pairs(rare)}
    line, drug = "treatment_line.start_date", "drug_exposure.start_date"
    assert {(line, drug), (drug, "treatment_line.end_date")} <= found


def learned(tables, rare):
    with open_records(
        tables, rare, table=None, as_of=date(2040, 1, 1), allow_repeated=True
    ) as opened:
        return learned_design(opened, design_of(opened, from_records=True, detail=True))[0]


def test_units_and_long_texts_with_a_form_are_codes(records, rare):
    long = "A" * 70
    lines = records["treatment_line"].assign(regimen=long)
    design = learned({**records, "treatment_line": lines}, rare)
    codes = {v.name: v.codes for v in design.variables}
    assert long in codes["regimen"]
    assert len(codes["dose_unit"]) > 1


def test_texts_that_can_be_no_codes_are_left_out(records, rare):
    drugs = records["drug_exposure"]
    long = np.where(np.arange(len(drugs)) % 2, "m" * 201, "mg")
    design = learned({**records, "drug_exposure": drugs.assign(dose_unit=long)}, rare)
    assert "drug_exposure.dose_unit (text)" in design.left_out
