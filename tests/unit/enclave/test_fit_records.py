"""A model of records: rows of the same schema, in order, missing where they were missing."""

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.write import write_cohort
from synthgen.enclave.engines import ENGINES, Request, engine_of, own_engine
from synthgen.errors import ModelError, UsageError
from synthgen.schema.validation import check_tables


@pytest.fixture(scope="module")
def model(tmp_path_factory, frames, schema):
    folder = tmp_path_factory.mktemp("model") / "model"
    return own_engine(frames, schema, folder, Request())


@pytest.fixture(scope="module")
def cohort(model):
    return model.generate(2_000, seed=5)


def test_rows_keep_every_rule_of_the_schema(tmp_path, model, schema):
    from synthgen.cohort.settings import settings_for

    write_cohort(model, settings_for(model, 500, seed=3), tmp_path / "c", formats=("csv", "duckdb"))
    report = check_tables(tmp_path / "c", schema)
    assert [found.rule for found in report.broken if found.severity.value == "impossible"] == []


def test_a_relapse_never_comes_after_death_or_last_contact(cohort):
    people = cohort["operation"]
    assert (people["months_to_relapse"] > people["months_followed"]).sum() == 0
    free = people["relapse"].isin(["none", "dead_without"])
    assert (people["months_to_relapse"] == people["months_followed"])[free].all()
    assert (people["status"][people["relapse"] == "dead_without"] == "dead").all()


def test_dates_are_in_order_and_visits_follow_the_surgery(cohort):
    people, visits = cohort["operation"], cohort["visit"]
    assert (people["surgery_date"] >= people["biopsy_date"]).all()
    of = visits.merge(people, on="operation_no", how="left")
    assert (of["visit_date"] >= of["surgery_date"]).all()
    assert of["surgery_date"].notna().all()


def test_fields_go_missing_together_as_they_did(cohort, frames):
    people = cohort["operation"]
    assert (people["grade"].isna() == people["margin"].isna()).all()
    assert people["grade"].isna().mean() == pytest.approx(
        frames["operation"]["grade"].isna().mean(), abs=0.03
    )


def test_shares_and_associations_are_those_of_the_records(cohort, frames):
    real, made = frames["operation"], cohort["operation"]
    for grade in ("1", "2", "3"):
        real_dead = (real["status"] == "dead")[real["grade"] == grade].mean()
        made_dead = (made["status"] == "dead")[made["grade"] == grade].mean()
        assert made_dead == pytest.approx(real_dead, abs=0.08)
        real_size = real["size_mm"][real["grade"] == grade].mean()
        assert made["size_mm"][made["grade"] == grade].mean() == pytest.approx(real_size, rel=0.1)


def test_the_number_of_linked_rows_is_that_of_the_records(cohort, frames):
    real = len(frames["visit"]) / len(frames["operation"])
    assert len(cohort["visit"]) / len(cohort["operation"]) == pytest.approx(real, rel=0.1)
    assert cohort["visit"]["visit_no"].min() == 1
    assert not cohort["visit"].duplicated(["operation_no", "visit_no"]).any()


def test_identifiers_are_made_and_have_the_form_that_the_schema_asks_for(cohort):
    numbers = cohort["operation"]["operation_no"]
    assert numbers.is_unique
    assert numbers.str.fullmatch("OP[0-9]{4}").all()


def test_more_rows_than_a_pattern_has_numbers_get_synthetic_identifiers(model):
    many = model.generate(10_001, seed=1)["operation"]["operation_no"]
    assert many.is_unique
    assert many.str.startswith("SY").all()


def test_the_same_seed_gives_the_same_rows_whatever_follows_them(model):
    few, more = model.generate(50, seed=9), model.generate(80, seed=9)
    pd.testing.assert_frame_equal(few["operation"], more["operation"].head(50))


def test_conditions_hold_exactly(model):
    only = model.generate(200, seed=2, where={"grade": ("3",)})["operation"]
    assert set(only["grade"]) == {"3"}


def test_the_model_is_marked_and_read_back_as_it_was(tmp_path, frames, schema):
    made = own_engine(frames, schema, tmp_path / "m", Request(model_id="clinic"))
    read = load_model(tmp_path / "m")
    assert read.id == "clinic"
    assert read.pack.unprotected
    assert read.origin == "enclave"
    assert "enclave, no formal protection" in (tmp_path / "m/MODEL_CARD.md").read_text()
    pd.testing.assert_frame_equal(
        made.generate(30, seed=1)["operation"], read.generate(30, seed=1)["operation"]
    )


def test_a_changed_schema_inside_a_model_is_refused(tmp_path, frames, schema):
    own_engine(frames, schema, tmp_path / "m", Request())
    path = tmp_path / "m/statistics/schema/rules.json"
    path.write_text(path.read_text().replace("impossible", "unlikely", 1))
    with pytest.raises(ModelError, match="has been changed"):
        load_model(tmp_path / "m")


def test_the_own_engine_comes_first_and_an_unknown_one_is_named():
    assert next(iter(ENGINES)) == "own"
    with pytest.raises(UsageError, match=r"^engine forest2: there is none"):
        engine_of("forest2")


def test_constant_columns_and_columns_without_values_stay_what_they_are(
    tmp_path, schema, operations
):
    made = operations()
    made["size_mm"] = None
    made["status"] = "alive"
    made["relapse"] = "none"
    made["months_to_relapse"] = made["months_followed"]
    model = own_engine({"operation": made}, schema, tmp_path / "m", Request())
    people = model.generate(300, seed=1)["operation"]
    assert people["size_mm"].isna().all()
    assert set(people["status"]) == {"alive"}
    assert np.isfinite(people["months_followed"].astype(float)).all()
