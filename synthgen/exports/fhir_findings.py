"""FHIR resources of specimens, biomarkers and measurements, after mCODE STU4, as plain dicts.

Codes and value sets are those of HL7/fhir-mCODE-ig 543477b (CC0) and of LOINC's answer lists
LL1971-2 and LL378-1; what mCODE has no profile for is a plain observation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synthgen.exports.fhir_elements import (
    HGVS,
    ICD10,
    LOINC,
    NCIT,
    SNOMED,
    TERMS,
    Resource,
    category,
    concept,
    dotted,
    quantity,
    related,
    resource,
    told,
)  # fmt: skip
from synthgen.schema.genes import SYSTEM, genes_of_markers

Row = Mapping[str, Any]

FNCLCC = {"1": "1155708003", "2": "1286893008", "3": "1155707008"}
"""Low, intermediate and high histologic grade (SNOMED CT), mCODE's HistologicGradeVS."""

PRESENT = {
    "positive": ("LA9633-4", "Present"),
    "negative": ("LA9634-2", "Absent"),
    "equivocal": ("LA11884-6", "Indeterminate"),
    "not_evaluable": ("LA18198-4", "No call"),
}
SOURCE = {"germline": ("LA6683-2", "Germline"), "somatic": ("LA6684-0", "Somatic")}
MOLECULAR = ("NGS", "PCR", "Sanger", "FISH")

ECOG = "89247-1"


def pathology(row: Row) -> Iterator[Resource]:
    """A specimen and what was found in it."""
    identity, date = row["pathology_id"], "specimen_date"
    taken = {"reference": f"Specimen/{identity}"}
    yield {
        **resource("Specimen", identity, "mcode-human-specimen"),
        "type": {"text": row["specimen_type"]},
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "collection": {"collectedDateTime": row[date]},
    }

    def found(name: str, profile: str, code: Resource, **more: Any) -> Resource:
        made = told(row, name, date, "pathology_id", profile, code)
        return {
            **made,
            "category": category("laboratory"),
            "extension": [related(row)],
            "specimen": taken,
            **more,
        }

    if row["grade_value"] is not None:
        text = " ".join(row[k] for k in ("grade_system", "grade_value") if row[k] is not None)
        known = FNCLCC.get(row["grade_value"]) if row["grade_system"] == "FNCLCC" else None
        value = concept(SNOMED, known, text) if known else {"text": text}
        graded = concept(NCIT, "C18000", "Histologic Grade")
        yield found("grade", "mcode-histologic-grade", graded, valueCodeableConcept=value)
    if row["tumour_size_mm"] is not None:
        longest = {
            "code": concept(LOINC, "33728-7"),
            "valueQuantity": quantity(row["tumour_size_mm"], "mm"),
        }
        size = concept(LOINC, "21889-1")
        made = told(row, "size", date, "pathology_id", "mcode-tumor-size", size)
        made |= {"specimen": taken, "component": [longest]}
        if row["specimen_type"] == "resection":
            made["method"] = concept(SNOMED, "787377000")
        yield made
    if row["histology_text"] is not None:
        kind = {"text": row["histology_text"]}
        morphology = concept(LOINC, "77753-2")
        yield found("text", "mcode-tumor-morphology", morphology, valueCodeableConcept=kind)
    for column, words in (("margin", "resection margin"), ("necrosis", "necrosis of the tumour")):
        if row[column] is not None:
            yield found(column, "", {"text": words}, valueCodeableConcept={"text": row[column]})
    for column, words in (
        ("nodes_examined", "lymph nodes examined"),
        ("nodes_positive", "lymph nodes with tumour"),
    ):
        if row[column] is not None:
            name = column.replace("_", "-")
            yield found(name, "", {"text": words}, valueInteger=row[column])
    if row["mitotic_count"] is not None:
        counted = quantity(row["mitotic_count"], "/mm2")
        yield found("mitoses", "", {"text": "mitotic count"}, valueQuantity=counted)


def biomarker(row: Row) -> Resource:
    """A genomic variant, or a laboratory observation of a stain or a serum test."""
    date, key = "test_date", "biomarker_id"
    if row["method"] not in MOLECULAR:
        code = {"text": f"{row['marker']}, {row['method']}"}
        made = told(row, "", date, key, "", code)
        if row["value_number"] is not None:
            made["valueQuantity"] = quantity(row["value_number"], row["unit"] or "1")
            made["interpretation"] = [{"text": row["result"]}]
        else:
            made["valueCodeableConcept"] = {"text": row["result"]}
    else:
        made = told(row, "", date, key, "mcode-genomic-variant", concept(LOINC, "69548-6"))
        made["valueCodeableConcept"] = concept(LOINC, *PRESENT[row["result"]])
        made["method"] = {"text": row["method"]}
        source = concept(LOINC, *SOURCE[row["origin"]])
        made["component"] = [
            *({"code": concept(LOINC, "48018-6"), "valueCodeableConcept": g} for g in studied(row)),
            {"code": concept(LOINC, "48002-0"), "valueCodeableConcept": source},
        ]
        if row["value_number"] is not None:
            level = quantity(row["value_number"], row["unit"] or "1")
            made["component"].append({"code": {"text": "level"}, "valueQuantity": level})
        if row["hgvs"] is not None:
            change = "48005-3" if row["hgvs"].startswith("p.") else "48004-6"
            made["component"].append(
                {
                    "code": concept(LOINC, change),
                    "valueCodeableConcept": concept(HGVS, row["hgvs"]),
                }
            )
    return {**made, "category": category("laboratory"), "extension": [related(row)]}


def studied(row: Row) -> list[Resource]:
    """Genes of a marker as codeable concepts: two of a fusion, a text alone where it is none."""
    text = {"text": row["marker"]}
    genes = genes_of_markers().get(row["marker"], ())
    codings = [{"system": SYSTEM, "code": g.number, "display": g.symbol} for g in genes]
    return [{"coding": [coding], **text} for coding in codings] or [text]


def vital_status(row: Row) -> Resource:
    """What was known of the patient at the last contact: Patient has no place for the day."""
    return {
        **resource("Observation", f"{row['patient_id']}-vital", ""),
        "status": "final",
        "code": {"text": "vital status at last contact"},
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": row["last_contact_date"],
        "valueCodeableConcept": {"text": VITAL.get(row["vital_status"], "unknown")},
    }


VITAL = {"1": "alive", "2": "dead", "9": "unknown"}


def cause_of_death(row: Row) -> Iterator[Resource]:
    """The underlying cause of death, where it is known."""
    if row["death_cause_icd10"] is not None:
        made: Resource = {
            **resource("Observation", f"{row['patient_id']}-death", ""),
            "status": "final",
            "code": {"text": "underlying cause of death"},
            "subject": {"reference": f"Patient/{row['patient_id']}"},
            "valueCodeableConcept": concept(ICD10, dotted(row["death_cause_icd10"])),
        }
        if row["death_date"] is not None:
            made["effectiveDateTime"] = row["death_date"]
        yield made


def measurement(row: Row) -> Resource:
    """The performance status, or any measurement by its LOINC code."""
    ecog = row["code"] == ECOG
    made = {
        **resource(
            "Observation",
            row["measurement_id"],
            "mcode-ecog-performance-status" if ecog else "",
        ),
        "status": "final",
        "category": category("survey" if ecog else "exam"),
        "code": concept(LOINC, row["code"]),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": row["measured_date"],
    }
    if row["value_number"] is None:
        made["dataAbsentReason"] = concept(f"{TERMS}data-absent-reason", "unknown")
    elif ecog:
        made["valueInteger"] = int(row["value_number"])
    else:
        made["valueQuantity"] = quantity(row["value_number"], row["unit"] or "1")
    return made
