"""Columns of a cohort in the words of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.cohort import Cohort
from synthgen.errors import SchemaError
from synthgen.fidelity.cohort_codes import CohortCodes, base_table, count_table


def codes_of(cohort, schema, name, domain):
    found = CohortCodes(cohort).positions(schema.variable(name), domain.codes[name])
    return [None if p < 0 else domain.codes[name][p] for p in found]


def test_the_table_of_tumours_leads_to_everything(schema):
    assert base_table(schema) == "tumour"


def test_a_column_of_the_patient_follows_the_tumour(eight, schema, domain):
    assert codes_of(eight, schema, "sex", domain) == ["1"] * 4 + ["2"] * 4


def test_ages_fall_into_half_open_bins(eight, schema, domain):
    expected = ["0-40", "0-40", "40-60", "40-60", "60+", "60+", "60+", "60+"]
    assert codes_of(eight, schema, "age_group", domain) == expected


def test_a_missing_code_stays_missing(eight, schema, domain):
    assert codes_of(eight, schema, "stage", domain)[4] is None


def test_joined_codes_are_put_together(eight, schema, domain):
    found = codes_of(eight, schema, "morphology", domain)
    assert found[:4] == ["91803", "91803", "92203", "90503"]


def test_a_code_that_the_model_does_not_know_is_missing(make_cohort, schema, domain):
    cohort = make_cohort(("1", 10, "C400", "8000", "9", 1.0, True))
    assert codes_of(cohort, schema, "morphology", domain) == [None]
    assert codes_of(cohort, schema, "stage", domain) == [None]


def test_what_names_more_columns_goes_first(make_cohort, schema, domain):
    """A mesothelioma in bone is a mesothelioma; an ovary is neither."""
    cohort = make_cohort(
        ("1", 10, "C400", "9050", "1", 1.0, True), ("2", 10, "C569", "8000", "1", 1.0, True)
    )
    assert codes_of(cohort, schema, "site_group", domain) == ["mesothelioma", None]


def test_a_variable_without_any_column_has_no_codes(eight, schema):
    assert CohortCodes(eight).positions(schema.variable("nowhere"), ("a", "b")) is None


def test_a_column_that_the_cohort_does_not_have_has_no_codes(eight, schema, domain):
    bare = Cohort(
        schema,
        {"patient": eight["patient"], "tumour": eight["tumour"].drop(columns=["topography"])},
        {},
    )
    for name in ("site_group",):
        found = CohortCodes(bare).positions(schema.variable(name), domain.codes[name])
        assert found is None


def test_text_columns_do_as_well_as_categories(eight, schema, domain):
    text = {
        n: f.assign(**{c: f[c].astype(object) for c in f if f[c].dtype == "category"})
        for n, f in eight.tables.items()
    }
    plain = Cohort(schema, text, eight.manifest)
    for name in ("sex", "age_group", "site_group", "morphology", "stage"):
        assert codes_of(plain, schema, name, domain) == codes_of(eight, schema, name, domain)


def test_a_tumour_of_nobody_is_refused(eight, schema):
    stray = eight["tumour"].assign(patient_id="X")
    cohort = Cohort(schema, {"patient": eight["patient"], "tumour": stray}, {})
    with pytest.raises(SchemaError, match=r"tumour.patient_id: has values .* \(8 rows\)"):
        CohortCodes(cohort).column("patient.sex")


def test_a_schema_without_a_way_between_its_tables_is_refused(schema):
    apart = replace(schema, tables=tuple(replace(t, foreign_keys=()) for t in schema.tables))
    with pytest.raises(SchemaError, match="no table leads to all of patient, tumour"):
        base_table(apart)


def test_rows_without_a_code_are_in_no_cell():
    positions = {"a": np.array([0, 1, -1, 1]), "b": np.array([0, 0, 0, 1])}
    assert count_table(positions, ("a", "b"), (2, 2)).tolist() == [[1, 0], [1, 1]]


def test_missing_ages_are_in_no_bin(eight, schema, domain):
    tumour = eight["tumour"].assign(age_at_diagnosis=pd.array([None] * 8, dtype="Int64"))
    cohort = Cohort(schema, {"patient": eight["patient"], "tumour": tumour}, {})
    assert codes_of(cohort, schema, "age_group", domain) == [None] * 8
