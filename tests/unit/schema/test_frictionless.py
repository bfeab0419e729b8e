import csv
import json

import frictionless
import pytest

from synthgen.schema.frictionless import resource_names, to_datapackage
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer")
ROWS = {
    "patient": [
        {"patient_id": "SY00000001", "sex": "1", "birth_year": "1960", "birth_month": "4",
         "region_code": "51", "vital_status": "1", "last_contact_date": "2024-12-31"},
    ],
    "tumour": [
        {"tumour_id": "SY00000001T1", "patient_id": "SY00000001", "tumour_sequence": "1",
         "diagnosis_date": "2020-05-02", "age_at_diagnosis": "60", "topography": "C402",
         "morphology": "9180", "behaviour": "3", "icd10": "C402", "entity": "osteosarcoma",
         "grade": "9", "basis_of_diagnosis": "7"},
    ],
}  # fmt: skip


def write(folder, rows):
    for table in SCHEMA.tables:
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, table.column_names)
            writer.writeheader()
            writer.writerows(rows[table.name])
    path = folder / "datapackage.json"
    path.write_text(json.dumps(to_datapackage(SCHEMA), ensure_ascii=False), "utf-8")
    return path


def errors(path):
    report = frictionless.validate(str(path))
    return [tuple(e) for e in report.flatten(["type", "fieldName"])]


def test_frictionless_finds_a_good_cohort_valid(tmp_path):
    assert errors(write(tmp_path, ROWS)) == []


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("tumour", {"topography": "C999"}, ("constraint-error", "topography")),
        ("tumour", {"age_at_diagnosis": "121"}, ("constraint-error", "age_at_diagnosis")),
        ("tumour", {"age_at_diagnosis": "x"}, ("type-error", "age_at_diagnosis")),
        ("tumour", {"diagnosis_date": "20200502"}, ("type-error", "diagnosis_date")),
        ("tumour", {"morphology": "91803"}, ("constraint-error", "morphology")),
        ("tumour", {"grade": ""}, ("constraint-error", "grade")),
        ("tumour", {"patient_id": "SY00000002"}, ("foreign-key", None)),
        ("patient", {"sex": "M"}, ("constraint-error", "sex")),
    ],
)
def test_frictionless_finds_what_is_wrong(tmp_path, table, change, found):
    rows = {name: [dict(row) for row in held] for name, held in ROWS.items()}
    rows[table][0].update(change)
    assert found in errors(write(tmp_path, rows))


def test_tables_that_are_left_out_are_not_described():
    made = to_datapackage(SCHEMA, {"patient": "tables/p.csv"}, name="mine", more={"licences": []})
    assert [item["path"] for item in made["resources"]] == ["tables/p.csv"]
    assert (made["name"], made["licences"]) == ("mine", [])


def test_a_korean_table_has_a_name_that_frictionless_takes(tmp_path):
    (tmp_path / "dataset.json").write_text(
        '{"format": "schema/1", "id": "a", "version": "1.0.0", "title": "A", "tables": ["환자"]}',
        "utf-8",
    )
    (tmp_path / "환자.schema.json").write_text(
        '{"type": "object", "properties": {"나이": {"type": "integer"}}}', "utf-8"
    )
    schema = load_schema(tmp_path)
    assert resource_names(schema) == {"환자": "table-1"}
    descriptor = to_datapackage(schema)
    assert frictionless.Package.from_descriptor(descriptor).resource_names == ["table-1"]
