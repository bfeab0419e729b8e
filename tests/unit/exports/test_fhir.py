"""FHIR: the structure by an independent library, what mCODE's profiles demand by a table of ours."""

import json
from collections import Counter

import duckdb
import pytest
from fhir.resources.R4B import get_fhir_model_class

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.exports import export_cohort

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
        "status": None, "code": None, "subject": None, "effectiveDateTime": None,
        "method": "C15432", "focus": None, "valueCodeableConcept": None,
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
    assert len(files["Observation.ndjson"]) == observed
    assert len(files["Bundle.ndjson"]) == 20
    dead = sum("deceasedDateTime" in r for r in files["Patient.ndjson"])
    assert dead == counted(cohort, "patient", "death_date IS NOT NULL")


@pytest.mark.parametrize("value", ["-1", "some", "1.5", "٣"])
def test_a_number_of_bundles_that_is_none_is_one_clear_line(cohort, tmp_path, value):
    with pytest.raises(UsageError, match="option bundles is .*; it must be a whole number"):
        export_cohort(cohort, "fhir-mcode", tmp_path / "x", options={"bundles": value})
    assert not (tmp_path / "x").exists()
