"""Every clinical table: rows that cannot be are found, and a cohort as it is made has none."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.schema.load import load_schema
from synthgen.schema.validation.tables import check_tables

SCHEMA = load_schema("rare-cancer@1.1.0")
ENTITIES = (
    "gist", "leiomyosarcoma", "thymoma", "testicular_germ_cell", "uveal_melanoma",
    "adrenocortical_carcinoma",
)  # fmt: skip
DAY = pd.Timedelta(days=1)


@cache
def cohort():
    where = {"entity": ENTITIES}
    return load_model("kr-rare").generate(450, seed=17, where=where, clinical="all")


@dataclass(frozen=True)
class Break:
    """What is done to one row of a table, and the rule that must find it."""

    rule: str
    table: str
    among: str
    change: dict[str, object]


def later(days):
    """So many days after the last contact of the patient."""
    return lambda row: row["last_contact_date"] + days * DAY


def before_diagnosis(days):
    """So many days before the diagnosis."""
    return lambda row: row["diagnosis_date"] - days * DAY


DEAD = "vital_status == '2'"
#: One broken row for each kind of rule and table; ``among`` says which rows it is chosen from.
BREAKS = (
    Break("LATERALITY-UNPAIRED", "tumour", "entity == 'gist'", {"laterality": "1"}),
    Break("STAGING-AFTER-DEATH", "staging", DEAD, {"staging_date": later(3)}),
    Break("STAGING-M1-EARLY", "staging", "m == 'M1' and system == 'AJCC8'", {"stage_group": "I"}),
    Break("STAGING-NODES", "staging", "seer_stage == '1' and timing == 'c' and n == 'N0'", {"n": "N1"}),
    Break("STAGING-SEER-NEAR", "staging", "seer_stage == '1' and timing == 'c' and m == 'M0'", {"m": "M1"}),
    Break("STAGING-ENSAT", "staging", "entity == 'gist'", {"system": "ENSAT"}),
    Break("STAGING-MASAOKA", "staging", "entity == 'uveal_melanoma'", {"system": "Masaoka"}),
    Break("STAGING-TESTIS-IV", "staging", "entity == 'testicular_germ_cell'", {"stage_group": "IV"}),
    Break("METASTASIS-AFTER-DEATH", "metastasis", DEAD, {"diagnosis_date_": later(3)}),
    Break("METASTASIS-AT-DIAGNOSIS", "metastasis", "seer_stage == '1'", {"diagnosis_date_": before_diagnosis(0)}),
    Break("PATHOLOGY-AFTER-DEATH", "pathology", DEAD, {"specimen_date": later(3)}),
    Break("PATHOLOGY-MARGIN", "pathology", "specimen_type == 'biopsy'", {"margin": "R1"}),
    Break("PATHOLOGY-FNCLCC", "pathology", "entity == 'leiomyosarcoma'", {"grade_system": "FNCLCC", "grade_value": "4"}),
    Break("PATHOLOGY-THYMUS", "pathology", "morphology == '8582' and grade_value == 'AB'", {"grade_value": "B3"}),
    Break("PATHOLOGY-NODES", "pathology", "entity == 'gist'", {"nodes_positive": 3, "nodes_examined": 2}),
    Break("BIOMARKER-AFTER-DEATH", "biomarker", DEAD, {"test_date": later(3)}),
    Break("BIOMARKER-VARIANT", "biomarker", "marker == 'PDGFRA' and result == 'negative'", {"hgvs": "p.D842V"}),
    Break("BIOMARKER-UNIT", "biomarker", "marker == 'KIT'", {"value_number": 12}),
    Break("MEASUREMENT-AFTER-DEATH", "measurement", DEAD, {"measured_date": later(3)}),
    Break("MEASUREMENT-RANGE", "measurement", "code == '8302-2'", {"value_number": 17}),
    Break("LINE-AFTER-DEATH", "treatment_line", DEAD, {"start_date": later(3), "end_date": later(4)}),
    Break("LINE-BEFORE-DIAGNOSIS", "treatment_line", "line_number == 1", {"start_date": before_diagnosis(5)}),
    Break("LINE-TWICE", "treatment_line", "line_number == 2", {"line_number": 1}),
    Break("LINE-ORDER", "treatment_line", "line_number == 2", {"line_number": 9, "start_date": before_diagnosis(-1)}),
    Break("DRUG-WITHIN-LINE", "drug_exposure", "line_number == 1", {"start_date_": before_diagnosis(2)}),
    Break("DRUG-AFTER-DEATH", "drug_exposure", DEAD, {"start_date_": later(3)}),
    Break("DRUG-APPROVAL-L01EX19", "drug_exposure", "line_number == 1", {"atc": "L01EX19", "start_date_": lambda _: pd.Timestamp("2019-06-01")}),
    Break("SURGERY-AFTER-DEATH", "surgery", DEAD, {"surgery_date": later(3)}),
    Break("SURGERY-BEFORE-DIAGNOSIS", "surgery", "entity == 'gist'", {"surgery_date": before_diagnosis(40)}),
    Break("SURGERY-EYE", "surgery", "entity == 'gist'", {"procedure_code": "16.49"}),
    Break("SURGERY-SEX", "surgery", "sex == '1'", {"procedure_code": "68.49"}),
    Break("RADIOTHERAPY-AFTER-DEATH", "radiotherapy", DEAD, {"start_date": later(3)}),
    Break("RADIOTHERAPY-DOSE", "radiotherapy", "fractions > 1", {"total_dose_gy": 71.0}),
    Break("OUTCOME-AFTER-DEATH", "outcome", DEAD, {"event_date": later(3)}),
    Break("OUTCOME-BEFORE-DIAGNOSIS", "outcome", "entity == 'gist'", {"event_date": before_diagnosis(1)}),
    Break("OUTCOME-LOCAL-SITE", "outcome", "event_type == 'recurrence_local'", {"site": "C220"}),
)  # fmt: skip


def as_text(frame):
    """Categories as plain values, so that any value can stand in a cell."""
    return frame.astype(
        {c: object for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)}
    )


def beside(tables, name):
    """Rows of a table beside what their line, tumour and patient say; own columns come first."""
    rows = tables[name].rename(
        columns={
            c: f"{c}_"
            for c in ("start_date", "diagnosis_date")
            if name in ("drug_exposure", "metastasis") and c in tables[name]
        }
    )
    if "line_id" in rows and name != "treatment_line":
        rows = rows.merge(
            tables["treatment_line"][["line_id", "tumour_id", "line_number"]], on="line_id"
        )
    key = "tumour_id" if "tumour_id" in rows else "patient_id"
    if name not in ("tumour", "patient"):
        tumour = tables["tumour"].drop_duplicates(key)
        rows = rows.merge(tumour[[key, *(c for c in tumour if c not in rows)]], on=key, how="left")
    if "patient_id" in rows:
        patient = tables["patient"]
        rows = rows.merge(
            patient[["patient_id", *(c for c in patient if c not in rows)]], on="patient_id"
        )
    return rows


def write(tables, folder):
    folder.mkdir()
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Rules that the unbroken and the broken cohort break: id -> rows."""
    tables = {name: as_text(cohort()[name]) for name in cohort()}
    sound = check_tables(write(tables, tmp_path_factory.mktemp("rows") / "sound"), SCHEMA)
    broken = {name: frame.copy() for name, frame in tables.items()}
    taken: set[tuple[str, int]] = set()
    for said in BREAKS:
        rows = beside(tables, said.table).query(said.among)
        assert len(rows) > 0, said
        index = next(i for i in rows.index if (said.table, i) not in taken)
        taken.add((said.table, index))
        for column, value in said.change.items():
            own = column if column in broken[said.table] else column.rstrip("_")
            cell = value(rows.loc[index]) if callable(value) else value
            frame = broken[said.table]
            if not callable(value) and frame[own].dtype.kind not in "OT":
                frame[own] = frame[own].astype(object)
            frame.loc[index, own] = cell
    report = check_tables(write(broken, tmp_path_factory.mktemp("rows") / "broken"), SCHEMA)
    return tuple({b.rule: b for b in r.broken} for r in (sound, report))


def test_breaks_are_told_of_every_clinical_table():
    assert {b.table for b in BREAKS} - {"tumour"} == {t.name for t in SCHEMA.tables[2:]}


@pytest.mark.parametrize("said", BREAKS, ids=lambda b: b.rule)
def test_a_broken_row_is_found(found, said):
    sound, broken = found
    assert said.rule not in sound
    assert said.rule in broken


def test_a_cohort_as_it_is_made_breaks_no_impossible_rule(found):
    sound, _ = found
    impossible = {r.id for r in SCHEMA.rules if r.severity.value == "impossible"}
    assert not impossible & set(sound)
    assert len(np.unique([b.rule for b in BREAKS])) == len(BREAKS)
