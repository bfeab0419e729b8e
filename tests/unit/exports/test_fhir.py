"""FHIR: the structure by an independent library, what mCODE's profiles demand by a table of ours."""

import json
import re
import shutil
from collections import Counter

import duckdb
import pytest
from fhir.resources.R4B import get_fhir_model_class

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.exports import export_cohort
from synthgen.exports.fhir_findings import studied
from synthgen.exports.fhir_lines import RowLines, line_of

PROFILES = "http://hl7.org/fhir/us/mcode/StructureDefinition/"

#: Elements that each profile demands or fixes, after mCODE STU4 and US Core 6.1: a path and
#: the code that must stand there (None: anything).
DEMANDED = {
    "mcode-cancer-patient": {"identifier": None, "name": None, "gender": None},
    "mcode-primary-cancer-condition": {
        "clinicalStatus": "active",
        "verificationStatus": "confirmed",
        "category": "encounter-diagnosis",
        "code": None,
        "subject": None,
        "bodySite": None,
        "extension": None,
    },
    "mcode-secondary-cancer-condition": {
        "clinicalStatus": "active",
        "category": "encounter-diagnosis",
        "code": "C79.9",
        "subject": None,
        "extension": None,
    },
    "mcode-tnm-stage-group": {
        "status": None, "code": "399390009", "subject": None, "effectiveDateTime": None,
        "method": "C188404", "focus": None, "valueCodeableConcept": None,
    },
    "mcode-cancer-stage": {
        "status": None, "category": "exam", "code": None, "subject": None,
        "effectiveDateTime": None, "method": "C15432", "focus": None, "valueCodeableConcept": None,
    },
    "mcode-histologic-behavior-and-type": {
        "status": None, "category": "laboratory", "code": "31206-6", "subject": None,
        "effectiveDateTime": None, "valueCodeableConcept": None,
    },
    "mcode-histologic-grade": {
        "status": None, "category": "laboratory", "code": "C18000", "subject": None,
        "effectiveDateTime": None, "valueCodeableConcept": None,
    },
    "mcode-cancer-related-surgical-procedure": {
        "status": None, "category": "387713003", "code": None, "subject": None,
        "reasonReference": None, "_performedDateTime": None,
    },
    "mcode-radiotherapy-course-summary": {
        "status": None, "category": "108290001", "code": "1217123003", "subject": None,
        "reasonReference": None, "performedPeriod": None,
    },
    "mcode-patient-bundle": {"type": None, "entry": None},
}  # fmt: skip

#: The same for the profiles of clinical tables.
LABORATORY = {"status": None, "category": "laboratory", "subject": None, "effectiveDateTime": None}
STAGED = {
    "status": None, "category": "exam", "subject": None, "effectiveDateTime": None, "method": None, "focus": None,
    "valueCodeableConcept": None,
}  # fmt: skip
CLINICAL = {
    "mcode-primary-cancer-condition": DEMANDED["mcode-primary-cancer-condition"],
    "mcode-secondary-cancer-condition": {
        k: v for k, v in DEMANDED["mcode-secondary-cancer-condition"].items() if k != "code"
    } | {"code": None, "bodySite": None},
    "mcode-tnm-stage-group": {**STAGED, "code": None},
    "mcode-tnm-primary-tumor-category": {**STAGED, "code": None},
    "mcode-tnm-regional-nodes-category": {**STAGED, "code": None},
    "mcode-tnm-distant-metastases-category": {**STAGED, "code": None},
    "mcode-cancer-stage": {**STAGED, "code": None},
    "mcode-human-specimen": {"type": None, "subject": None, "collection": None},
    "mcode-histologic-grade": {**LABORATORY, "code": "C18000", "valueCodeableConcept": None},
    "mcode-tumor-morphology": {**LABORATORY, "code": "77753-2", "valueCodeableConcept": None},
    "mcode-tumor-size": {
        "status": None, "code": "21889-1", "subject": None, "specimen": None, "component": None,
    },
    "mcode-genomic-variant": {
        **LABORATORY, "code": "69548-6", "valueCodeableConcept": None, "component": None,
    },
    "mcode-ecog-performance-status": {
        "status": None, "category": "survey", "code": "89247-1", "subject": None,
        "effectiveDateTime": None, "valueInteger": None,
    },
    "mcode-cancer-related-medication-administration": {
        "status": None, "medicationCodeableConcept": None, "subject": None,
        "effectiveDateTime": None, "reasonReference": None,
    },
    "mcode-cancer-related-surgical-procedure": {
        "status": None, "category": "387713003", "code": None, "subject": None,
        "performedDateTime": None, "reasonReference": None,
    },
    "mcode-radiotherapy-course-summary": {
        "status": None, "category": "108290001", "code": "1217123003", "subject": None,
        "performedPeriod": None, "reasonReference": None, "extension": None,
    },
    "mcode-cancer-disease-status": {
        "status": None, "code": "97509-4", "subject": None, "effectiveDateTime": None,
        "focus": None, "valueCodeableConcept": None,
    },
}  # fmt: skip

#: Codes that mCODE's value sets hold, for the elements whose binding we fill (STU4, 543477b).
BOUND = {
    ("mcode-tnm-stage-group", "code"): {"399390009", "399537006", "399588009"},
    ("mcode-tnm-stage-group", "method"): {"443830009", "897275008", "C188404"},
    ("mcode-tnm-primary-tumor-category", "code"): {"78873005", "399504009", "384625004"},
    ("mcode-tnm-regional-nodes-category", "code"): {"277206009", "399534004", "371494008"},
    ("mcode-tnm-distant-metastases-category", "code"): {"277208005", "399387003", "371497001"},
    ("mcode-cancer-stage", "code"): {
        "C143151", "C133427", "C141138", "C141099", "385361009", None,
    },
    ("mcode-cancer-stage", "method"): {
        "C15432", "1287648008", "1287643004", "254372002", "254383006", None,
    },
    ("mcode-histologic-grade", "valueCodeableConcept"): {
        "1155708003", "1286893008", "1155707008", None,
    },
    ("mcode-tumor-size", "method"): {"787377000"},
    ("mcode-cancer-disease-status", "valueCodeableConcept"): {
        "268910001", "359746009", "271299001", "709137006",
    },
    ("mcode-genomic-variant", "valueCodeableConcept"): {
        "LA9633-4", "LA9634-2", "LA18198-4", "LA11884-6",
    },
    ("mcode-secondary-cancer-condition", "code"): {"C78.0", "C78.7", "C79.9"},
}  # fmt: skip
FORBIDDEN = {"mcode-tnm-stage-group": ("component", "device", "referenceRange")}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    model = load_model("kr-rare")
    folder = tmp_path_factory.mktemp("fhir") / "cohort"
    write_cohort(model, settings_for(model, 300, seed=4), folder, formats=("csv",))
    return folder


@pytest.fixture(scope="module")
def files(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fhir") / "out"
    export_cohort(cohort, "fhir-mcode", folder, options={"bundles": "20"})
    return {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in folder.glob("*.ndjson")
    }


@pytest.fixture(scope="module")
def resources(files):
    return [r for found in files.values() for r in found]


def codes_at(resource, element):
    """Codes of a codeable concept, or of a list of them."""
    found = resource[element]
    concepts = found if isinstance(found, list) else [found]
    return {c.get("code") for item in concepts for c in item.get("coding", [])}


def counted(cohort, table, where="true"):
    query = f"SELECT count(*) FROM read_csv('{cohort / table}.csv', all_varchar=true) WHERE {where}"  # noqa: S608
    with duckdb.connect() as db:
        return db.execute(query).fetchone()[0]


def test_an_independent_library_reads_every_resource(resources):
    for resource in resources:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_every_resource_has_what_its_profile_demands_and_no_more(resources):
    seen = Counter()
    for resource in resources:
        if "profile" not in resource["meta"]:
            assert resource["id"].endswith(("-vital", "-death"))
            continue
        (profile,) = resource["meta"]["profile"]
        name = profile.removeprefix(PROFILES)
        seen[name] += 1
        for element, code in DEMANDED[name].items():
            assert resource.get(element), (name, element)
            if code is not None:
                assert code in codes_at(resource, element), (name, element)
        assert not set(FORBIDDEN.get(name, ())) & set(resource)
    assert set(seen) >= set(DEMANDED) - {"mcode-tnm-stage-group"}


def test_every_resource_says_that_it_is_test_data(resources):
    for resource in resources:
        assert {s["code"] for s in resource["meta"]["security"]} == {"HTEST"}


def test_every_reference_leads_to_a_resource_and_no_id_stands_twice(files):
    listed = [r for name, found in files.items() if name != "Bundle.ndjson" for r in found]
    known = {f"{r['resourceType']}/{r['id']}" for r in listed}
    assert len(known) == len(listed)

    def references(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "reference":
                    yield inner
                else:
                    yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for resource in listed:
        assert set(references(resource)) <= known


def test_nothing_of_the_cohort_is_lost_that_the_files_can_hold(files, cohort):
    assert len(files["Patient.ndjson"]) == counted(cohort, "patient")
    spread = counted(cohort, "tumour", "metastasis_at_dx = '1'")
    assert len(files["Condition.ndjson"]) == counted(cohort, "tumour") + spread
    flags = "first_treatment_flags"
    treated = sum(counted(cohort, "tumour", f"{flags}[{at}] = '1'") for at in (1, 3))
    assert len(files["Procedure.ndjson"]) == treated
    observed = sum(
        counted(cohort, "tumour", condition)
        for condition in (
            "seer_stage IS NOT NULL",
            "stage_group IS NOT NULL",
            "grade <> '9'",
            "basis_of_diagnosis IN ('5', '6', '7', '8')",
        )
    )
    observed += counted(cohort, "patient")
    observed += counted(cohort, "patient", "death_cause_icd10 IS NOT NULL")
    assert len(files["Observation.ndjson"]) == observed
    assert len(files["Bundle.ndjson"]) == 20
    dead = sum("deceasedDateTime" in r for r in files["Patient.ndjson"])
    assert dead == counted(cohort, "patient", "death_date IS NOT NULL")


@pytest.mark.parametrize("value", ["-1", "some", "1.5", "٣"])
def test_a_number_of_bundles_that_is_none_is_one_clear_line(cohort, tmp_path, value):
    with pytest.raises(UsageError, match="option bundles is .*; it must be a whole number"):
        export_cohort(cohort, "fhir-mcode", tmp_path / "x", options={"bundles": value})
    assert not (tmp_path / "x").exists()


@pytest.fixture(scope="module")
def whole(clinical, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fhir") / "clinical"
    export_cohort(clinical, "fhir-mcode", folder, options={"bundles": "2"})
    return {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in folder.glob("*.ndjson")
    }


def named(files, profile):
    return [
        r
        for name, found in files.items()
        if name != "Bundle.ndjson"
        for r in found
        if r["meta"].get("profile") == [PROFILES + profile]
    ]


def test_an_independent_library_reads_every_clinical_resource(whole):
    for name, found in whole.items():
        for resource in found:
            assert f"{resource['resourceType']}.ndjson" == name
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
            assert {s["code"] for s in resource["meta"]["security"]} == {"HTEST"}


def test_every_clinical_resource_has_what_its_profile_demands(whole):
    for profile, demanded in CLINICAL.items():
        found = named(whole, profile)
        assert found, profile
        for resource in found:
            for element, code in demanded.items():
                assert resource.get(element) not in (None, [], {}), (profile, element)
                if code is not None:
                    assert code in codes_at(resource, element), (profile, element)


def test_every_code_is_one_of_the_value_set_that_its_element_is_bound_to(whole):
    for (profile, element), codes in BOUND.items():
        for resource in named(whole, profile):
            if element in resource:
                assert (codes_at(resource, element) or {None}) <= codes, (profile, element)


def test_every_reference_of_the_clinical_files_leads_somewhere_and_ids_are_short(whole):
    listed = [r for name, found in whole.items() if name != "Bundle.ndjson" for r in found]
    known = [f"{r['resourceType']}/{r['id']}" for r in listed]
    assert len(set(known)) == len(known)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", r["id"]) for r in listed)
    text = json.dumps(listed)
    assert set(re.findall(r'"reference": "([^"]+)"', text)) <= set(known)


def test_the_story_of_one_patient_is_told_in_order_and_once(whole):
    mine = [
        r
        for name, found in whole.items()
        if name != "Bundle.ndjson"
        for r in found
        if "SY00000001" in json.dumps(r)
    ]
    assert Counter(r["resourceType"] for r in mine) == {
        "Patient": 1, "Condition": 3, "Observation": 31, "Procedure": 2, "Specimen": 2,
        "MedicationAdministration": 5,
    }  # fmt: skip
    spread = {
        r["code"]["coding"][0]["code"]: r for r in mine if r["id"].startswith("SY00000001T1M")
    }
    assert set(spread) == {"C78.0", "C78.7"}
    (course,) = [r for r in mine if r["id"] == "SY00000001T1R01"]
    (dose,) = [e for e in course["extension"] if e["url"].endswith("dose-delivered-to-volume")]
    told = {e["url"]: e.get("valueQuantity", e.get("valueUnsignedInt")) for e in dose["extension"]}
    assert told["totalDoseDelivered"]["value"] == 6000
    assert told["totalDoseDelivered"]["code"] == "cGy"
    assert told["fractionsDelivered"] == 30
    (operation,) = [r for r in mine if r["id"] == "SY00000001T1S01"]
    assert operation["performedDateTime"] == "2018-04-09"
    assert operation["outcome"] == {"text": "residual tumour R1"}
    groups = [r for r in mine if r["id"].startswith("SY00000001T1G") and "hasMember" in r]
    assert [len(r["hasMember"]) for r in groups] == [3, 3]
    (primary,) = [r for r in mine if r["id"] == "SY00000001T1"]
    assert len(primary["stage"]) == 3
    last = max(r.get("effectiveDateTime", "") for r in mine)
    assert last <= next(r for r in mine if r["resourceType"] == "Patient")["deceasedDateTime"]


def test_what_only_the_registry_knows_is_still_said(clinical, tmp_path):
    """Without rows of its own, a treatment of the first course has no date."""
    copy = tmp_path / "cohort"
    shutil.copytree(clinical, copy)
    for name in ("surgery", "staging", "metastasis"):
        head = (copy / f"{name}.csv").read_text("utf-8").splitlines()[0]
        (copy / f"{name}.csv").write_text(head + "\n", encoding="utf-8")
    text = (copy / "tumour.csv").read_text("utf-8").replace(",IIIA,0,", ",IIIA,1,")
    (copy / "tumour.csv").write_text(text, encoding="utf-8")
    export_cohort(copy, "fhir-mcode", tmp_path / "out")
    found = {
        r["id"]: r
        for path in (tmp_path / "out").glob("*.ndjson")
        for r in map(json.loads, path.read_text("utf-8").splitlines())
    }
    assert "_performedDateTime" in found["SY00000001T1-surgery"]
    assert found["SY00000001T1-stage"]["valueCodeableConcept"] == {"text": "IIIA"}
    assert found["SY00000001T1-m"]["code"]["coding"][0]["code"] == "C79.9"
    assert "SY00000001T1-radiotherapy" not in found


def test_a_row_written_from_memory_is_the_row_written_anew():
    """Rows of one content share a form; values that could break it are written by themselves."""

    def write(row):
        yield {"resourceType": "Observation", "id": row["id"], "note": row["text"], "on": row["on"]}

    lines = RowLines(write, ("id", "on"), ("text",))
    rows = [
        {"id": "A-1", "on": "2020-01-02", "text": 'a "quote", 100 %s and 100 %'},
        {"id": "A-2", "on": "2020-01-03", "text": 'a "quote", 100 %s and 100 %'},
        {"id": "A-2", "on": None, "text": 'a "quote", 100 %s and 100 %'},
        {"id": 'b"', "on": "2020-01-03", "text": "plain"},
        {"id": "A-3", "on": "2020-01-03", "text": "⟦id⟧"},
    ]
    for row in rows:
        (made,) = write(row)
        assert lines.lines(tuple(row[name] for name in lines.columns)) == [line_of(made)]


def test_genes_of_a_variant_have_their_numbers_and_an_arm_of_a_chromosome_is_text():
    def told(marker):
        return [
            (g.get("coding", [{}])[0].get("code"), g["text"]) for g in studied({"marker": marker})
        ]

    assert told("KIT") == [("HGNC:6342", "KIT")]
    assert told("NAB2::STAT6") == [("HGNC:7627", "NAB2::STAT6"), ("HGNC:11368", "NAB2::STAT6")]
    assert told("8q_gain") == [(None, "8q_gain")]
    (kit,) = studied({"marker": "KIT"})
    assert kit["coding"][0]["system"] == "http://www.genenames.org/geneId"
