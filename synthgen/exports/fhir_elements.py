"""Parts of FHIR resources after mCODE STU4 that several profiles share, as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Resource = dict[str, Any]

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

UCUM = "http://unitsofmeasure.org"
ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"
ATC = "http://www.whocc.no/atc"
HGVS = "http://varnomen.hgvs.org"

INTENT = {"curative": "373808002", "palliative": "363676003"}
"""SNOMED CT codes of mCODE's procedure intents."""

ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
"""Extension with the day of diagnosis; ``onsetDateTime`` says when symptoms began."""

UNKNOWN = {"extension": [{"url": REASON_ABSENT, "valueCode": "unknown"}]}


def concept(system: str, code: str, text: str = "") -> Resource:
    """A codeable concept of one code."""
    made: Resource = {"coding": [{"system": system, "code": code}]}
    return {**made, "text": text} if text else made


def dotted(code: str) -> str:
    """``C402`` as ``C40.2``."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def resource(kind: str, identity: str, profile: str) -> Resource:
    """The head of a resource; ``profile`` is the name of mCODE's, ``""`` where it has none."""
    meta: Resource = {"profile": [MCODE + profile]} if profile else {}
    return {"resourceType": kind, "id": identity, "meta": {**meta, "security": [TEST_DATA]}}


def condition(identity: str, row: Mapping[str, Any], profile: str, code: str) -> Resource:
    """A diagnosis of the day of ``row``."""
    return {
        **resource("Condition", identity, profile),
        "clinicalStatus": concept(f"{TERMS}condition-clinical", "active"),
        "verificationStatus": concept(f"{TERMS}condition-ver-status", "confirmed"),
        "category": [concept(f"{TERMS}condition-category", "encounter-diagnosis")],
        "code": concept(ICD10, dotted(code)),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "onsetDateTime": row["diagnosis_date"],
        "extension": [{"url": ASSERTED, "valueDateTime": row["diagnosis_date"]}],
    }


def observation(row: Mapping[str, Any], suffix: str, profile: str, code: Resource) -> Resource:
    """An observation about the tumour of ``row``, of the day of its diagnosis."""
    return {
        **resource("Observation", f"{row['tumour_id']}-{suffix}", profile),
        "status": "final",
        "code": code,
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": row.get("diagnosis_date"),
    }


def told(
    row: Mapping[str, Any], name: str, date: str, key: str, profile: str, code: Resource
) -> Resource:
    """An observation of the day ``date`` of a clinical row, named after its key."""
    made = observation(row, name, profile, code)
    identity = f"{row[key]}-{name}" if name else row[key]
    return {**made, "id": identity, "effectiveDateTime": row[date]}


def of_tumour_row(row: Mapping[str, Any]) -> Resource:
    """Reference to the condition of a row's tumour."""
    return {"reference": f"Condition/{row['tumour_id']}"}


def related(row: Mapping[str, Any]) -> Resource:
    """Extension that ties an observation to its tumour."""
    return {"url": f"{MCODE}mcode-related-condition", "valueReference": of_tumour_row(row)}


def quantity(value: float, unit: str) -> Resource:
    """A number with a unit of UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def category(code: str) -> list[Resource]:
    """Category of an observation."""
    return [concept(f"{TERMS}observation-category", code)]


def laboratory(row: Mapping[str, Any], suffix: str, profile: str, code: Resource) -> Resource:
    """An observation of the laboratory, tied to the tumour as mCODE does."""
    made = observation(row, suffix, profile, code)
    return {**made, "category": category("laboratory"), "extension": [related(row)]}
