"""One row per patient: nobody lost, nobody doubled, no identifier left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.errors import RecordsError, UsageError
from synthgen.evaluation.subjects import (
    columns_named,
    comparable,
    record_tables,
    require_apart,
    subjects_of,
)
from synthgen.findings import Subjects


def test_every_patient_is_one_row_with_the_first_tumour(people, rare_cancer):
    tables = people(400, 3)
    made = subjects_of(tables, rare_cancer)
    assert len(made) == 400 < len(tables["tumour"])
    first = tables["tumour"].sort_values("diagnosis_date").drop_duplicates("patient_id")
    by_patient = first.set_index("patient_id")["age_at_diagnosis"]
    expected = tables["patient"]["patient_id"].map(by_patient).to_numpy(dtype=float)
    assert np.array_equal(made.frame["age_at_diagnosis"].to_numpy(), expected)


def test_no_identifier_and_no_key_is_left(people, rare_cancer):
    made = subjects_of(people(50, 3), rare_cancer)
    assert not {"patient_id", "tumour_id"} & set(made.columns)
    assert "SY" not in made.frame.astype(str).to_string()


def test_dates_are_days_and_missing_values_stay_missing(people, rare_cancer):
    tables = people(200, 3)
    made = subjects_of(tables, rare_cancer)
    died = tables["patient"]["death_date"]
    assert made.frame["death_date"].isna().to_numpy().tolist() == died.isna().tolist()
    day = pd.Timestamp(died.dropna().iloc[0])
    assert made.frame["death_date"].dropna().iloc[0] == (day - pd.Timestamp("1900-01-01")).days
    for name in made.numeric:
        assert made.frame[name].dtype == np.float64
    for name in made.categorical:
        assert made.frame[name].dropna().map(type).eq(str).all()


def test_records_from_files_are_the_same_as_tables_in_memory(people, written_records, rare_cancer):
    inside = subjects_of(people(120, 5), rare_cancer)
    read = subjects_of(record_tables(written_records(120, 5), rare_cancer), rare_cancer)
    assert (read.categorical, read.numeric) == (inside.categorical, inside.numeric)
    for name in inside.columns:
        left, right = read.frame[name], inside.frame[name]
        assert left.isna().tolist() == right.isna().tolist(), name
        assert left.dropna().tolist() == right.dropna().tolist(), name


def test_the_order_of_tumours_in_the_file_changes_nothing(people, rare_cancer):
    tables = people(300, 3)
    turned = tables | {"tumour": tables["tumour"].iloc[::-1].reset_index(drop=True)}
    one, two = (subjects_of(t, rare_cancer).frame for t in (tables, turned))
    pd.testing.assert_frame_equal(one, two)


def test_a_patient_without_a_tumour_stays(people, rare_cancer):
    tables = people(60, 3)
    one = tables["patient"]["patient_id"].iloc[7]
    fewer = tables | {"tumour": tables["tumour"][tables["tumour"]["patient_id"] != one]}
    made = subjects_of(fewer, rare_cancer)
    assert len(made) == 60
    assert made.frame["entity"].isna().tolist().count(True) == 1


def subjects(**columns):
    frame = pd.DataFrame(columns)
    return Subjects(frame, (), tuple(frame.columns))


def test_records_of_another_schema_are_refused():
    ours, other = subjects(a=[1.0], b=[1.0]), subjects(a=[1.0], c=[1.0])
    with pytest.raises(RecordsError, match=r"^records: has a column c that the synthetic"):
        comparable({"synthetic": ours, "records": other, "control": other})
    with pytest.raises(RecordsError, match=r"^control: differs in column b from records"):
        comparable({"synthetic": ours, "records": ours, "control": subjects(a=[1.0])})


def test_columns_that_the_records_do_not_have_are_not_compared():
    made = comparable(
        {
            "synthetic": subjects(a=[1.0], b=[1.0]),
            "records": subjects(b=[1.0]),
            "control": subjects(b=[2.0]),
        }
    )
    assert {name: part.columns for name, part in made.items()} == dict.fromkeys(made, ("b",))


def test_a_column_of_the_policy_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UsageError, match="names column smoker as secret.*they have a, b"):
        columns_named({"secret": ("smoker",)}, subjects(a=[1.0], b=[1.0]))
    assert columns_named({"key": ("patient.a",)}, subjects(a=[1.0])) == {"patient.a": "a"}


def test_nobody_may_be_in_both_records_and_control(people, rare_cancer):
    train, control = people(100, 21), people(80, 22)
    require_apart(train, control, rare_cancer)
    shared = {name: pd.concat([control[name], train[name].head(3)]) for name in control}
    with pytest.raises(RecordsError, match=r"^control: 3 of 83 patients are training records"):
        require_apart(train, shared, rare_cancer)
    with pytest.raises(RecordsError, match="control: 100 of 100"):
        require_apart(train, train, rare_cancer)


def renamed(tables):
    return {
        name: frame.assign(patient_id="X" + frame["patient_id"]) for name, frame in tables.items()
    }


def test_training_records_under_new_identifiers_are_no_control(people, rare_cancer):
    """With them as members and as others, every attack would find nothing."""
    train, control = people(100, 21), people(80, 22)
    said = r"^control: 100 of 100 patients have all values of a training record"
    with pytest.raises(RecordsError, match=said) as refused:
        require_apart(train, renamed(train), rare_cancer)
    assert "\n" not in str(refused.value)
    half = renamed({name: frame.head(40) for name, frame in train.items()})
    mixed = {name: pd.concat([control[name], half[name]]) for name in control}
    with pytest.raises(RecordsError, match="under whatever identifier"):
        require_apart(train, mixed, rare_cancer)


def test_people_who_are_alike_by_chance_are_a_control(people, rare_cancer):
    """Where training records have twins among themselves, so may the control."""

    def coarse(tables):
        keep = {"patient": ["patient_id", "sex"], "tumour": ["patient_id", "tumour_id", "entity"]}
        return {
            name: frame[[c for c in keep[name] if c in frame]] for name, frame in tables.items()
        }

    train, control = coarse(people(300, 21)), coarse(people(200, 22))
    require_apart(train, control, rare_cancer)
    require_apart(train, renamed(train), rare_cancer)  # nothing tells it from another sample


def test_without_identifiers_rows_that_repeat_the_records_are_refused(people, rare_cancer):
    def bare(tables):
        return {name: frame.drop(columns="patient_id") for name, frame in tables.items()}

    train = bare(people(100, 21))
    require_apart(train, bare(people(80, 22)), rare_cancer)
    with pytest.raises(RecordsError, match="word for word"):
        require_apart(train, {name: frame.head(60) for name, frame in train.items()}, rare_cancer)
