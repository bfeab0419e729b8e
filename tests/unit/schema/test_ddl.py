import json

import duckdb
import pytest

from synthgen.schema.ddl import create_table, parents_first, to_ddl
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer")
PATIENT = {
    "patient_id": "SY00000001", "sex": "1", "birth_year": 1960, "birth_month": 4,
    "region_code": "51", "vital_status": "1", "last_contact_date": "2024-12-31",
}  # fmt: skip
TUMOUR = {
    "tumour_id": "SY00000001T1", "patient_id": "SY00000001", "tumour_sequence": 1,
    "diagnosis_date": "2020-05-02", "age_at_diagnosis": 60, "topography": "C402",
    "morphology": "9180", "behaviour": "3", "icd10": "C402", "entity": "osteosarcoma",
    "grade": "9", "laterality": "1", "basis_of_diagnosis": "7", "seer_stage": "1",
    "first_treatment_flags": "11000",
}  # fmt: skip


@pytest.fixture
def database():
    with duckdb.connect() as database:
        database.execute(to_ddl(SCHEMA))
        yield database


def insert(database, table, row):
    marks = ", ".join("?" for _ in row)
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))  # noqa: S608


def test_a_good_patient_and_tumour_go_in(database):
    insert(database, "patient", PATIENT)
    insert(database, "tumour", TUMOUR)
    assert database.sql("SELECT count(*) FROM tumour").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        {"patient_id": "RN00000001"},
        {"sex": "3"},
        {"sex": None},
        {"birth_month": 13},
        {"birth_year": 1700},
        {"region_code": "99999"},
        {"vital_status": "2"},
        {"death_date": "2024-12-31"},
        {"death_cause_icd10": "C402"},
        {"death_cause_icd10": "bone"},
    ],
)
def test_the_database_refuses_a_bad_patient(database, change):
    with pytest.raises(duckdb.ConstraintException):
        insert(database, "patient", {**PATIENT, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"patient_id": "SY00000002"},
        {"tumour_id": "T1"},
        {"topography": "C999"},
        {"morphology": "1234"},
        {"age_at_diagnosis": 121},
        {"entity": "gist"},
        {"behaviour": "2"},
        {"grade": "6"},
        {"laterality": "0"},
        {"seer_stage": "0"},
        {"first_treatment_flags": "2"},
        {"diagnosis_date": None},
    ],
)
def test_the_database_refuses_a_bad_tumour(database, change):
    insert(database, "patient", PATIENT)
    with pytest.raises(duckdb.ConstraintException):
        insert(database, "tumour", {**TUMOUR, **change})


def test_the_database_refuses_a_key_twice(database):
    insert(database, "patient", PATIENT)
    with pytest.raises(duckdb.ConstraintException, match="primary key"):
        insert(database, "patient", PATIENT)


def test_parents_come_before_children():
    assert [table.name for table in parents_first(SCHEMA)] == ["patient", "tumour"]


def test_without_keys_only_names_and_types_are_left():
    made = create_table(SCHEMA, SCHEMA.table("patient"), keys=False)
    assert "CHECK" not in made
    assert '"last_contact_date" DATE' in made


def test_hostile_names_are_quoted(tmp_path):
    name = "a'; DROP TABLE x; --"
    (tmp_path / "dataset.json").write_text(
        '{"format": "schema/1", "id": "a", "version": "1.0.0", "title": "A", "tables": ["select"]}'
    )
    columns = {"type": "object", "properties": {name: {"type": "string"}}}
    (tmp_path / "select.schema.json").write_text(json.dumps(columns))
    schema = load_schema(tmp_path)
    with duckdb.connect() as database:
        database.execute(to_ddl(schema))
        assert database.sql('DESCRIBE "select"').fetchall()[0][0] == name
