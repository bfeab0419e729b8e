"""SDV itself judges the metadata; needs the extra ``sdv``."""

from pathlib import Path

import pandas as pd
import pytest

from synthgen.schema.load import load_schema
from synthgen.schema.sdv_metadata import to_sdv_metadata

pytestmark = pytest.mark.sdv

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/how-to/examples/sarcoma-surgery"
PATIENT = {
    "patient_id": "SY00000001", "sex": "1", "birth_year": 1960, "birth_month": 4,
    "nationality_code": "2", "region_code": "51", "income_quintile": 3, "occupation_code": "14",
    "vital_status": "1", "last_contact_date": "2024-12-31", "death_date": None,
    "death_cause_icd10": None,
}  # fmt: skip
TUMOUR = {
    "tumour_id": "SY00000001T1", "patient_id": "SY00000001", "tumour_sequence": 1,
    "diagnosis_date": "2020-05-02", "age_at_diagnosis": 60, "topography": "C402",
    "morphology": "9180", "behaviour": "3", "icd10": "C402", "entity": "osteosarcoma",
    "grade": "9", "laterality": "1", "basis_of_diagnosis": "7", "diagnosis_route": "3",
    "seer_stage": "1", "stage_group": "II", "metastasis_at_dx": "0",
    "first_treatment_flags": "11000",
}  # fmt: skip


def metadata(schema):
    sdv = pytest.importorskip("sdv.metadata")
    return sdv.Metadata.load_from_dict(to_sdv_metadata(schema))


@pytest.mark.parametrize("where", ["rare-cancer", EXAMPLE])
def test_sdv_finds_the_metadata_valid(where):
    metadata(load_schema(where)).validate()


def test_sdv_finds_a_cohort_valid_under_it():
    tables = {"patient": pd.DataFrame([PATIENT]), "tumour": pd.DataFrame([TUMOUR])}
    metadata(load_schema("rare-cancer")).validate_data(tables)
