from pathlib import Path

from synthgen.schema.load import load_schema
from synthgen.schema.sdv_metadata import to_sdv_metadata

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"


def test_codes_are_categories_and_identifiers_are_ids():
    made = to_sdv_metadata(load_schema("rare-cancer"))
    columns = made["tables"]["tumour"]["columns"]
    assert columns["topography"] == {"sdtype": "categorical"}
    assert columns["tumour_id"] == {"sdtype": "id", "regex_format": "SY[0-9A-Z]{8}T[1-9]"}
    assert columns["patient_id"]["sdtype"] == "id"
    assert columns["diagnosis_date"] == {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"}
    assert columns["age_at_diagnosis"] == {"sdtype": "numerical"}
    assert made["relationships"] == [
        {
            "parent_table_name": "patient",
            "parent_primary_key": "patient_id",
            "child_table_name": "tumour",
            "child_foreign_key": "patient_id",
        }
    ]


def test_a_key_of_two_columns_is_left_out():
    made = to_sdv_metadata(load_schema(EXAMPLE))
    assert "primary_key" not in made["tables"]["visit"]
    assert made["tables"]["operation"]["primary_key"] == "operation_no"
