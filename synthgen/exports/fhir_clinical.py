"""FHIR resources of stage, spread, treatment and outcome of rare-cancer 1.1, as plain dicts.

Codes and value sets are those of HL7/fhir-mCODE-ig 543477b (CC0); what a value set has no code
for stands as text, and what mCODE has no profile for is a plain observation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from synthgen.exports.fhir_elements import (
    ATC,
    ICD9,
    ICDO3,
    INTENT,
    LOINC,
    MCODE,
    NCIT,
    RELATED,
    SNOMED,
    Resource,
    category,
    concept,
    condition,
    dotted,
    observation,
    of_tumour_row,
    quantity,
    resource,
    told,
)  # fmt: skip
from synthgen.exports.fhir_findings import biomarker, pathology
from synthgen.exports.fhir_lines import RowLines

Row = Mapping[str, Any]

EDITIONS = {"AJCC7": "443830009", "AJCC8": "897275008"}
"""Methods of TNM (SNOMED CT), mCODE's TNMStagingMethodVS."""

TNM = {
    "t": ("mcode-tnm-primary-tumor-category", {"c": "399504009", "p": "384625004"}),
    "n": ("mcode-tnm-regional-nodes-category", {"c": "399534004", "p": "371494008"}),
    "m": ("mcode-tnm-distant-metastases-category", {"c": "399387003", "p": "371497001"}),
}
GROUPING = {"c": "399537006", "p": "399588009"}
"""Clinical and pathological stage groups (SNOMED CT)."""

SYSTEMS = {
    "FIGO": ((SNOMED, "385361009"), (SNOMED, "254383006")),
    "AnnArbor": ((NCIT, "C141138"), (SNOMED, "254372002")),
    "INRGSS": ((NCIT, "C133427"), (SNOMED, "1287643004")),
    "ENSAT": ((NCIT, "C141099"), None),
    "Masaoka": ((NCIT, "C143151"), (SNOMED, "1287648008")),
}
"""Kind of stage and method of other systems: CancerStageTypeVS, CancerStagingMethodVS."""

SECONDARY = {
    "C34": "C780", "C38": "C782", "C17": "C784", "C18": "C785", "C19": "C785", "C20": "C785",
    "C48": "C786", "C22": "C787", "C64": "C790", "C65": "C790", "C44": "C792", "C70": "C793",
    "C71": "C793", "C40": "C795", "C41": "C795", "C42": "C795", "C56": "C796", "C74": "C797",
    "C77": "C779", "C80": "C799",
}  # fmt: skip
"""ICD-10 category of a metastasis by its site in ICD-O-3; C79.8 of any other."""

PHOTONS = "1156506007"
TECHNIQUES = {"03": "441799006", "05": "1162782007"}
"""Intensity-modulated and three-dimensional external beam radiotherapy (SNOMED CT)."""

TREND = {"CR": "268910001", "PR": "268910001", "SD": "359746009", "PD": "271299001"}
"""Improved, stable, worsened (SNOMED CT), mCODE's ConditionStatusTrendVS."""
UNDETERMINED, IMPROVED, WORSENED = "709137006", "268910001", "271299001"
EVIDENCE = {"1": "363679005", "2": "108257001"}
"""Imaging and anatomic pathology (SNOMED CT)."""


def _intent(purpose: str) -> list[Resource]:
    return [
        {
            "url": f"{MCODE}mcode-procedure-intent",
            "valueCodeableConcept": concept(SNOMED, INTENT[purpose]),
        }
    ]


def staging(row: Row) -> Iterator[Resource]:
    """The stage group, then the categories that it has as members.

    T, N and M of a system other than the TNM (ENSAT) have no profile of mCODE.
    """
    side = "p" if "p" in row["timing"] else "c"
    edition = EDITIONS.get(row["system"])
    kind, by = SYSTEMS.get(row["system"], (None, None))
    if edition:
        method = concept(SNOMED, edition)
    else:
        method = concept(*by) if by else {"text": row["system"]}
    common = {"category": category("exam"), "focus": [of_tumour_row(row)], "method": method}
    date, key = "staging_date", "staging_id"
    members = []
    for letter, (profile, codes) in TNM.items():
        if row[letter] is not None:
            code = concept(SNOMED, codes[side])
            made = told(row, letter, date, key, profile if edition else "", code)
            value = {"text": f"{row['timing']}{row[letter]}"}
            members.append({**made, **common, "valueCodeableConcept": value})
    if row["stage_group"] is not None:
        if edition:
            profile, code = "mcode-tnm-stage-group", concept(SNOMED, GROUPING[side])
        else:
            profile = "mcode-cancer-stage"
            code = concept(*kind) if kind else {"text": f"{row['system']} stage"}
        made = told(row, "", date, key, profile, code) | common
        made["valueCodeableConcept"] = {"text": row["stage_group"]}
        if members:
            made["hasMember"] = [{"reference": f"Observation/{m['id']}"} for m in members]
        yield made
    yield from members


def metastasis(row: Row) -> Resource:
    """A secondary cancer condition with its site."""
    code = SECONDARY.get(row["site"][:3], "C798")
    made = condition(row["metastasis_id"], row, "mcode-secondary-cancer-condition", code)
    made["bodySite"] = [concept(ICDO3, dotted(row["site"]))]
    made["extension"].append({"url": RELATED, "valueReference": of_tumour_row(row)})
    if row["method"] in EVIDENCE:
        made["evidence"] = [{"code": [concept(SNOMED, EVIDENCE[row["method"]])]}]
    return made


def drug(row: Row) -> Resource:
    """One administration of a drug; the row holds the columns of its line too."""
    made: Resource = {
        **resource(
            "MedicationAdministration",
            row["drug_id"],
            "mcode-cancer-related-medication-administration",
        ),
        "status": "completed",
        "medicationCodeableConcept": concept(ATC, row["atc"]),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": row["start_date"],
        "reasonReference": [of_tumour_row(row)],
        "note": [{"text": f"line {row['line_number']}: {row['regimen']}"}],
    }
    if row["intent"] in {"01", "02", "03", "04", "06", "07"}:
        made["extension"] = _intent("palliative" if row["intent"] == "07" else "curative")
    dosage: Resource = {}
    if row["dose"] is not None:
        dosage["dose"] = {"value": row["dose"], "unit": row["dose_unit"]}
    if row["route"] is not None:
        dosage["route"] = {"text": ROUTES.get(row["route"], "other")}
    if "dose" in dosage:
        made["dosage"] = dosage
    return made


ROUTES = {
    "01": "by mouth", "02": "intramuscular", "03": "intravenous", "04": "intrathecal",
    "05": "intradermal", "06": "subcutaneous",
}  # fmt: skip


def surgery(row: Row) -> Resource:
    """An operation by its code of ICD-9-CM."""
    made: Resource = {
        **resource("Procedure", row["surgery_id"], "mcode-cancer-related-surgical-procedure"),
        "status": "completed",
        "category": concept(SNOMED, "387713003", "Surgical procedure"),
        "code": concept(ICD9, row["procedure_code"]),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "performedDateTime": row["surgery_date"],
        "reasonReference": [of_tumour_row(row)],
    }
    if row["purpose"] in {"1", "2"}:
        made["extension"] = _intent("curative" if row["purpose"] == "1" else "palliative")
    if row["residual"] is not None:
        made["outcome"] = {"text": f"residual tumour {row['residual']}"}
    if row["asa"] is not None:
        made["note"] = [{"text": f"ASA class {row['asa']}"}]
    return made


def radiotherapy(row: Row) -> Resource:
    """A course of radiotherapy, its dose in cGy as mCODE wants it."""
    technique: Resource = {"url": f"{MCODE}mcode-radiotherapy-technique"}
    modality: Resource = {"url": f"{MCODE}mcode-radiotherapy-modality"}
    if row["modality"] in TECHNIQUES:
        modality["valueCodeableConcept"] = concept(SNOMED, PHOTONS)
        technique["valueCodeableConcept"] = concept(SNOMED, TECHNIQUES[row["modality"]])
        inner = [modality, technique]
    else:
        modality["valueCodeableConcept"] = {"text": f"kind {row['modality']} of K-CURE list 40180"}
        inner = [modality]
    extensions: list[Resource] = [
        {"url": f"{MCODE}mcode-radiotherapy-modality-and-technique", "extension": inner}
    ]
    if row["fractions"] is not None or row["total_dose_gy"] is not None:
        dose: list[Resource] = [
            {"url": "volume", "valueReference": {"display": f"site {row['site'] or '99'}"}}
        ]
        if row["total_dose_gy"] is not None:
            total = quantity(round(row["total_dose_gy"] * 100, 6), "cGy")
            dose.append({"url": "totalDoseDelivered", "valueQuantity": total})
        if row["fractions"] is not None:
            dose.append({"url": "fractionsDelivered", "valueUnsignedInt": row["fractions"]})
        extensions.append(
            {"url": f"{MCODE}mcode-radiotherapy-dose-delivered-to-volume", "extension": dose}
        )
    if row["purpose"] in {"1", "2", "3", "4"}:
        extensions += _intent("palliative" if row["purpose"] == "2" else "curative")
    return {
        **resource("Procedure", row["rt_id"], "mcode-radiotherapy-course-summary"),
        "status": "completed",
        "category": concept(SNOMED, "108290001", "Radiation oncology AND/OR radiotherapy"),
        "code": concept(SNOMED, "1217123003", "Radiotherapy course of treatment"),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "performedPeriod": {"start": row["start_date"]},
        "reasonReference": [of_tumour_row(row)],
        "extension": extensions,
    }


def status(row: Row, identity: str, date: str, code: str, words: str, method: str = "") -> Resource:
    """What became of the tumour, profile ``mcode-cancer-disease-status``."""
    disease = concept(LOINC, "97509-4")
    made = observation(row, "", "mcode-cancer-disease-status", disease)
    made |= {"id": identity, "effectiveDateTime": date, "focus": [of_tumour_row(row)]}
    made["valueCodeableConcept"] = concept(SNOMED, code, words)
    if method in EVIDENCE:
        made["extension"] = [
            {
                "url": f"{MCODE}mcode-cancer-disease-status-evidence-type",
                "valueCodeableConcept": concept(SNOMED, EVIDENCE[method]),
            }
        ]
    return made


def outcome(row: Row) -> Resource:
    """A recurrence, progression or remission."""
    code = IMPROVED if row["event_type"] == "remission" else WORSENED
    words = row["event_type"].replace("_", " ")
    if row["site"] is not None:
        words += f", {dotted(row['site'])}"
    return status(row, row["outcome_id"], row["event_date"], code, words, row["method"] or "")


def response(row: Row) -> Iterator[Resource]:
    """The best response of a line of treatment, where it is known."""
    if row["best_response"] is not None:
        code = TREND.get(row["best_response"], UNDETERMINED)
        words = f"best response of line {row['line_number']}: {row['best_response']}"
        date = row["end_date"] or row["start_date"]
        yield status(row, f"{row['line_id']}-response", date, code, words)


def _one(write: Callable[[Row], Resource]) -> Callable[[Row], Iterator[Resource]]:
    def rows(row: Row) -> Iterator[Resource]:
        yield write(row)

    return rows


WRITERS: Mapping[str, tuple[Callable[[Row], Iterator[Resource]], str, str]] = {
    "metastasis": (_one(metastasis), "metastasis_id diagnosis_date", "site method"),
    "staging": (staging, "staging_id staging_date", "timing system t n m stage_group"),
    "pathology": (
        pathology,
        "pathology_id specimen_date",
        "specimen_type histology_text grade_system grade_value tumour_size_mm margin "
        "nodes_examined nodes_positive mitotic_count necrosis",
    ),
    "treatment_line": (response, "line_id start_date end_date", "line_number best_response"),
    "biomarker": (
        _one(biomarker),
        "biomarker_id test_date",
        "method marker origin result hgvs value_number unit",
    ),
    "drug_exposure": (
        _one(drug),
        "drug_id start_date",
        "line_number regimen intent atc dose dose_unit route",
    ),
    "surgery": (_one(surgery), "surgery_id surgery_date", "procedure_code purpose residual asa"),
    "radiotherapy": (
        _one(radiotherapy),
        "rt_id start_date",
        "modality purpose site fractions total_dose_gy",
    ),
    "outcome": (_one(outcome), "outcome_id event_date", "event_type site method"),
}
"""By clinical table of a tumour: its resources, its columns with identifiers and dates, and others."""


def clinical_lines() -> dict[str, RowLines]:
    """A writer of lines for each clinical table of a tumour, in the order of the files."""
    return {
        table: RowLines(write, ("patient_id", "tumour_id", *varying.split()), tuple(same.split()))
        for table, (write, varying, same) in WRITERS.items()
    }
