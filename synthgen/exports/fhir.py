"""FHIR R4 resources after mCODE STU4, one NDJSON file for each type, and bundles.

Profiles, fixed codes and systems are those of the mCODE implementation guide, version 4.0.0
(HL7/fhir-mCODE-ig 543477b, CC0).  SNOMED CT codes are used under the licence of the country
in which the files are used; ICD-O-3 and ICD-10 codes carry no labels.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from synthgen.errors import UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.terms import ROW
from synthgen.schema.rules.sql import identifier

Resource = dict[str, Any]

TYPES = ("Patient", "Condition", "Observation", "Procedure")
FILES = (*(f"{kind}.ndjson" for kind in TYPES), "Bundle.ndjson")
OPTIONS = {"bundles": "0", "country": "KR"}
AT_ONCE = 10_000
"""Rows that are held in memory."""

MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
TERMS = "http://terminology.hl7.org/CodeSystem/"
SNOMED = "http://snomed.info/sct"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
ICDO3 = f"{TERMS}icd-o-3"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
LOINC = "http://loinc.org"
REASON_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
RELATED = "http://hl7.org/fhir/StructureDefinition/condition-related"
IDENTIFIERS = "https://synthgen.invalid/identifiers/"

TEST_DATA = {"system": f"{TERMS}v3-ActReason", "code": "HTEST", "display": "test health data"}
"""The label by which every FHIR server can tell that a resource is about nobody."""

SIDES = {"1": "24028007", "2": "7771000", "4": "51440002", "5": "399488007"}
"""SNOMED CT qualifiers of mCODE's laterality value set: right, left, both, midline."""

MICROSCOPIC = ("5", "6", "7", "8")
"""Bases of diagnosis for which somebody looked at cells or tissue."""

GENDER = {"1": "male", "2": "female"}
UNKNOWN = {"extension": [{"url": REASON_ABSENT, "valueCode": "unknown"}]}


def concept(system: str, code: str, text: str = "") -> Resource:
    """A codeable concept of one code."""
    made: Resource = {"coding": [{"system": system, "code": code}]}
    return {**made, "text": text} if text else made


def dotted(code: str) -> str:
    """``C402`` as ``C40.2``."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def _resource(kind: str, identity: str, profile: str) -> Resource:
    return {
        "resourceType": kind,
        "id": identity,
        "meta": {"profile": [MCODE + profile], "security": [TEST_DATA]},
    }


def patient(row: Mapping[str, Any], country: str) -> Resource:
    """A person, profile ``mcode-cancer-patient``."""
    identity = row["patient_id"]
    month = f"-{row['birth_month']:02d}" if row["birth_month"] is not None else ""
    made = {
        **_resource("Patient", identity, "mcode-cancer-patient"),
        "identifier": [{"system": f"{IDENTIFIERS}patient", "value": identity}],
        "name": [{"family": "Synthetic", "given": [identity]}],
        "gender": GENDER.get(row["sex"], "unknown"),
        "birthDate": f"{row['birth_year']:04d}{month}",
    }
    if row["death_date"] is not None:
        made["deceasedDateTime"] = row["death_date"]
    elif row["vital_status"] == "1":
        made["deceasedBoolean"] = False
    if row["region_code"] is not None:
        made["address"] = [{"state": row["region_code"], "country": country}]
    return made


def _site(row: Mapping[str, Any]) -> Resource:
    made = concept(ICDO3, dotted(row["topography"]))
    side = SIDES.get(row["laterality"])
    if side:
        qualifier = {
            "url": f"{MCODE}mcode-laterality-qualifier",
            "valueCodeableConcept": concept(SNOMED, side),
        }
        made["extension"] = [qualifier]
    return made


def _condition(identity: str, row: Mapping[str, Any], profile: str, code: str) -> Resource:
    return {
        **_resource("Condition", identity, profile),
        "clinicalStatus": concept(f"{TERMS}condition-clinical", "active"),
        "verificationStatus": concept(f"{TERMS}condition-ver-status", "confirmed"),
        "category": [concept(f"{TERMS}condition-category", "encounter-diagnosis")],
        "code": concept(ICD10, dotted(code)),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "onsetDateTime": row["diagnosis_date"],
    }


def _observation(row: Mapping[str, Any], suffix: str, profile: str, code: Resource) -> Resource:
    return {
        **_resource("Observation", f"{row['tumour_id']}-{suffix}", profile),
        "status": "final",
        "code": code,
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": row["diagnosis_date"],
    }


def _laboratory(row: Mapping[str, Any], suffix: str, profile: str, code: Resource) -> Resource:
    made = _observation(row, suffix, profile, code)
    made["category"] = [concept(f"{TERMS}observation-category", "laboratory")]
    made["extension"] = [
        {
            "url": f"{MCODE}mcode-related-condition",
            "valueReference": {"reference": f"Condition/{row['tumour_id']}"},
        }
    ]
    return made


def stages(row: Mapping[str, Any]) -> Iterator[Resource]:
    """Stage group and SEER summary stage, where there are any."""
    focus = [{"reference": f"Condition/{row['tumour_id']}"}]
    if row["stage_group"] is not None:
        grouping = concept(SNOMED, "399390009", "TNM stage grouping")
        made = _observation(row, "stage", "mcode-tnm-stage-group", grouping)
        union = concept(NCIT, "C188404", "Union for International Cancer Control Stage")
        yield {
            **made,
            "focus": focus,
            "method": union,
            "valueCodeableConcept": {"text": row["stage_group"]},
        }
    if row["seer_stage"] is not None:
        summary = {"text": "SEER summary stage"}
        made = _observation(row, "seer", "mcode-cancer-stage", summary)
        program = concept(NCIT, "C15432", "Surveillance, Epidemiology, and End Results Program")
        yield {
            **made,
            "focus": focus,
            "method": program,
            "valueCodeableConcept": {"text": row["seer_stage"]},
        }


def procedures(row: Mapping[str, Any]) -> Iterator[Resource]:
    """Surgery and radiotherapy of the first course; the registry does not say when."""
    flags = row["first_treatment_flags"] or ""
    common = {
        "status": "completed",
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "reasonReference": [{"reference": f"Condition/{row['tumour_id']}"}],
    }
    if flags[:1] == "1":
        yield {
            **_resource(
                "Procedure",
                f"{row['tumour_id']}-surgery",
                "mcode-cancer-related-surgical-procedure",
            ),
            **common,
            "category": concept(SNOMED, "387713003", "Surgical procedure"),
            "code": {"text": "surgery of the first course, kind not recorded"},
            "_performedDateTime": UNKNOWN,
        }
    if flags[2:3] == "1":
        yield {
            **_resource(
                "Procedure", f"{row['tumour_id']}-radiotherapy", "mcode-radiotherapy-course-summary"
            ),
            **common,
            "category": concept(SNOMED, "108290001", "Radiation oncology AND/OR radiotherapy"),
            "code": concept(SNOMED, "1217123003", "Radiotherapy course of treatment"),
            "performedPeriod": UNKNOWN,
        }


def of_tumour(row: Mapping[str, Any]) -> Iterator[Resource]:
    """All resources of one tumour, its condition first.

    Parameters
    ----------
    row : mapping of str to object
        Columns of the tumour; dates as ISO text.
    """
    identity = row["tumour_id"]
    staged = list(stages(row))
    kind = f"{row['morphology']}/{row['behaviour']}"
    histology = {
        "url": f"{MCODE}mcode-histology-morphology-behavior",
        "valueCodeableConcept": concept(ICDO3, kind),
    }
    primary = _condition(identity, row, "mcode-primary-cancer-condition", row["icd10"])
    primary["identifier"] = [{"system": f"{IDENTIFIERS}tumour", "value": identity}]
    primary["extension"] = [histology]
    primary["bodySite"] = [_site(row)]
    if staged:
        primary["stage"] = [
            {"assessment": [{"reference": f"Observation/{s['id']}"}]} for s in staged
        ]
    yield primary
    if row["metastasis_at_dx"] == "1":
        spread = _condition(f"{identity}-m", row, "mcode-secondary-cancer-condition", "C799")
        spread["extension"] = [
            {"url": RELATED, "valueReference": {"reference": f"Condition/{identity}"}}
        ]
        yield spread
    yield from staged
    if row["basis_of_diagnosis"] in MICROSCOPIC:
        behaviour = concept(LOINC, "31206-6")
        made = _laboratory(row, "histology", "mcode-histologic-behavior-and-type", behaviour)
        yield {**made, "valueCodeableConcept": concept(ICDO3, kind)}
    if row["grade"] != "9":
        graded = concept(NCIT, "C18000", "Histologic Grade")
        made = _laboratory(row, "grade", "mcode-histologic-grade", graded)
        yield {**made, "valueCodeableConcept": {"text": f"ICD-O-3 grade {row['grade']}"}}
    yield from procedures(row)


def bundle(resources: list[Resource]) -> Resource:
    """All resources of one patient, profile ``mcode-patient-bundle``."""
    identity = resources[0]["id"]
    entries = [
        {"fullUrl": f"{IDENTIFIERS}{r['resourceType']}/{r['id']}", "resource": r} for r in resources
    ]
    made = _resource("Bundle", f"{identity}-bundle", "mcode-patient-bundle")
    return {**made, "type": "collection", "entry": entries}


def _rows(cohort: CohortTables, table: str, order: str) -> Iterator[dict[str, Any]]:
    """Rows of a table in an order of its own, dates as ISO text."""
    source = identifier(table)
    query = (
        f"SELECT * EXCLUDE ({identifier(ROW)}) REPLACE ({_dates(cohort, table)}) "  # noqa: S608
        f"FROM {source} ORDER BY {order}"
    )
    found = cohort.database.cursor().execute(query)
    names = [column[0] for column in found.description or ()]
    while piece := found.fetchmany(AT_ONCE):
        for row in piece:
            yield dict(zip(names, row, strict=True))


def _dates(cohort: CohortTables, table: str) -> str:
    names = [c.name for c in cohort.schema.table(table).columns if c.type.value == "date"]
    return ", ".join(f"CAST({identifier(n)} AS VARCHAR) AS {identifier(n)}" for n in names)


def people(cohort: CohortTables, country: str) -> Iterator[list[Resource]]:
    """The resources of each patient, the patient first."""
    waiting = _rows(cohort, "tumour", "patient_id, tumour_sequence")
    tumour = next(waiting, None)
    for row in _rows(cohort, "patient", "patient_id"):
        made = [patient(row, country)]
        while tumour is not None and tumour["patient_id"] == row["patient_id"]:
            made += of_tumour(tumour)
            tumour = next(waiting, None)
        yield made


def write(cohort: CohortTables, folder: Path, options: Mapping[str, str]) -> dict[str, int]:
    """Write one NDJSON file for each resource type, and bundles where they are asked for.

    Parameters
    ----------
    cohort : CohortTables
        Of schema ``rare-cancer``.
    folder : Path
    options : mapping of str to str
        ``country`` of the addresses, and ``bundles``: of how many patients.

    Returns
    -------
    dict of str to int
        Resources by file.

    Raises
    ------
    UsageError
        If ``bundles`` is no whole number from 0 on.
    """
    known = {**OPTIONS, **options}
    if not (known["bundles"].isascii() and known["bundles"].isdigit()):
        raise UsageError(
            f"fhir-mcode: option bundles is {known['bundles']}; it must be a whole number from 0 on"
        )
    left = int(known["bundles"])
    rows = dict.fromkeys(FILES if left else FILES[:-1], 0)
    with contextlib.ExitStack() as stack:
        out: dict[str, IO[str]] = {
            name: stack.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            for name in rows
        }

        def say(name: str, resource: Resource) -> None:
            out[name].write(json.dumps(resource, ensure_ascii=False, separators=(",", ":")) + "\n")
            rows[name] += 1

        for made in people(cohort, known["country"]):
            for resource in made:
                say(f"{resource['resourceType']}.ndjson", resource)
            if left:
                say("Bundle.ndjson", bundle(made))
                left -= 1
    return rows
