"""FHIR R4 resources after mCODE STU4, one NDJSON file for each type, and bundles.

Profiles, fixed codes and systems are those of the mCODE implementation guide, version 4.0.0
(HL7/fhir-mCODE-ig 543477b, CC0).  SNOMED CT codes are used under the licence of the country
in which the files are used; ICD-O-3 and ICD-10 codes carry no labels.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from synthgen.errors import UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.fhir_clinical import clinical_lines
from synthgen.exports.fhir_elements import (
    ICDO3,
    IDENTIFIERS,
    LOINC,
    MCODE,
    MICROSCOPIC,
    NCIT,
    RELATED,
    SIDES,
    SNOMED,
    UNKNOWN,
    Resource,
    category,
    concept,
    condition,
    dotted,
    laboratory,
    observation,
    resource,
)  # fmt: skip
from synthgen.exports.fhir_findings import cause_of_death, measurement, vital_status
from synthgen.exports.fhir_lines import Line, RowLines, line_of
from synthgen.exports.fhir_rows import Rows, Waiting, rows_in_order

TYPES = ("Patient", "Condition", "Observation", "Procedure")
CLINICAL_TYPES = (*TYPES, "Specimen", "MedicationAdministration")
"""Types of a cohort with clinical tables."""

FILES = (*(f"{kind}.ndjson" for kind in CLINICAL_TYPES), "Bundle.ndjson")
OPTIONS = {"bundles": "0", "country": "KR"}
PEOPLE_AT_ONCE = 500
"""Patients whose lines are written together."""

GENDER = {"1": "male", "2": "female"}
LOST = (
    "patient.nationality_code", "patient.income_quintile", "patient.occupation_code",
    "tumour.tumour_sequence", "tumour.age_at_diagnosis", "tumour.entity", "tumour.laterality",
    "tumour.basis_of_diagnosis", "tumour.diagnosis_route", "tumour.stage_group",
    "tumour.metastasis_at_dx", "tumour.first_treatment_flags", "staging.timing",
    "metastasis.method", "metastasis.pattern", "pathology.tumour_id", "pathology.grade_system",
    "biomarker.origin", "biomarker.unit", "measurement.unit", "treatment_line.line_id",
    "treatment_line.tumour_id", "treatment_line.line_number", "treatment_line.intent",
    "treatment_line.regimen", "treatment_line.start_date", "treatment_line.end_date",
    "treatment_line.cycles", "treatment_line.stop_reason", "treatment_line.max_toxicity_grade",
    "drug_exposure.line_id", "drug_exposure.class", "drug_exposure.dose_unit",
    "drug_exposure.route", "surgery.purpose", "radiotherapy.purpose", "radiotherapy.site",
    "radiotherapy.dose_per_fraction_gy", "outcome.method",
)  # fmt: skip
"""Columns of rare-cancer 1.1 that cannot be read back, whole or at all."""

OWN = {
    "staging": "staging_id", "metastasis": "metastasis_id", "pathology": "pathology_id",
    "biomarker": "biomarker_id", "treatment_line": "line_number", "drug_exposure": "drug_id",
    "surgery": "surgery_id", "radiotherapy": "rt_id", "outcome": "outcome_id",
    "measurement": "measurement_id",
}  # fmt: skip
"""Clinical tables, with the column that orders the rows of one patient."""

WITH_DIAGNOSIS = timedelta(days=120)
"""Metastases found so soon are those that the registry knows as present at diagnosis."""


def patient(row: Mapping[str, Any], country: str) -> Resource:
    """A person, profile ``mcode-cancer-patient``."""
    identity = row["patient_id"]
    month = f"-{row['birth_month']:02d}" if row["birth_month"] is not None else ""
    made = {
        **resource("Patient", identity, "mcode-cancer-patient"),
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


def stages(row: Mapping[str, Any], *, staged: bool) -> Iterator[Resource]:
    """Stage group and SEER summary stage, where there are any.

    Parameters
    ----------
    row : mapping of str to object
        Columns of the tumour.
    staged : bool
        Whether a clinical table says the stage group with its edition and day.
    """
    focus = [{"reference": f"Condition/{row['tumour_id']}"}]
    if row["stage_group"] is not None and not staged:
        grouping = concept(SNOMED, "399390009", "TNM stage grouping")
        made = observation(row, "stage", "mcode-tnm-stage-group", grouping)
        union = concept(NCIT, "C188404", "Union for International Cancer Control Stage")
        yield {
            **made,
            "category": category("exam"),
            "focus": focus,
            "method": union,
            "valueCodeableConcept": {"text": row["stage_group"]},
        }
    if row["seer_stage"] is not None:
        summary = {"text": "SEER summary stage"}
        made = observation(row, "seer", "mcode-cancer-stage", summary)
        program = concept(NCIT, "C15432", "Surveillance, Epidemiology, and End Results Program")
        yield {
            **made,
            "category": category("exam"),
            "focus": focus,
            "method": program,
            "valueCodeableConcept": {"text": row["seer_stage"]},
        }


def procedures(row: Mapping[str, Any]) -> Iterator[Resource]:
    """Surgery and radiotherapy of the first course; the registry does not say when.

    What a clinical table says is not said twice.
    """
    flags = row["first_treatment_flags"] or ""
    common = {
        "status": "completed",
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "reasonReference": [{"reference": f"Condition/{row['tumour_id']}"}],
    }
    if flags[:1] == "1" and not row["operated"]:
        yield {
            **resource(
                "Procedure",
                f"{row['tumour_id']}-surgery",
                "mcode-cancer-related-surgical-procedure",
            ),
            **common,
            "category": concept(SNOMED, "387713003", "Surgical procedure"),
            "code": {"text": "surgery of the first course, kind not recorded"},
            "_performedDateTime": UNKNOWN,
        }
    if flags[2:3] == "1" and not row["irradiated"]:
        yield {
            **resource(
                "Procedure", f"{row['tumour_id']}-radiotherapy", "mcode-radiotherapy-course-summary"
            ),
            **common,
            "category": concept(SNOMED, "108290001", "Radiation oncology AND/OR radiotherapy"),
            "code": concept(SNOMED, "1217123003", "Radiotherapy course of treatment"),
            "performedPeriod": UNKNOWN,
        }


def of_tumour(row: Mapping[str, Any]) -> Iterator[Resource]:
    """Resources of one tumour's own row, its condition first.

    Parameters
    ----------
    row : mapping of str to object
        Columns of the tumour, dates as ISO text; identifiers of its stage groups under
        :data:`GROUP` with a number; and what else is known of it in :data:`KNOWN`.
    """
    identity = row["tumour_id"]
    staged = [*stages(row, staged=row["staged"])]
    kind = f"{row['morphology']}/{row['behaviour']}"
    histology = {
        "url": f"{MCODE}mcode-histology-morphology-behavior",
        "valueCodeableConcept": concept(ICDO3, kind),
    }
    primary = condition(identity, row, "mcode-primary-cancer-condition", row["icd10"])
    primary["identifier"] = [{"system": f"{IDENTIFIERS}tumour", "value": identity}]
    primary["extension"].append(histology)
    primary["bodySite"] = [_site(row)]
    assessed = [*(v for k, v in row.items() if k.startswith(GROUP)), *(s["id"] for s in staged)]
    if assessed:
        primary["stage"] = [{"assessment": [{"reference": f"Observation/{i}"}]} for i in assessed]
    yield primary
    if row["spread"]:
        spread = condition(f"{identity}-m", row, "mcode-secondary-cancer-condition", "C799")
        spread["extension"].append(
            {"url": RELATED, "valueReference": {"reference": f"Condition/{identity}"}}
        )
        yield spread
    yield from staged
    if row["basis_of_diagnosis"] in MICROSCOPIC:
        behaviour = concept(LOINC, "31206-6")
        made = laboratory(row, "histology", "mcode-histologic-behavior-and-type", behaviour)
        yield {**made, "valueCodeableConcept": concept(ICDO3, kind)}
    if row["grade"] != "9":
        graded = concept(NCIT, "C18000", "Histologic Grade")
        made = laboratory(row, "grade", "mcode-histologic-grade", graded)
        yield {**made, "valueCodeableConcept": {"text": f"ICD-O-3 grade {row['grade']}"}}
    yield from procedures(row)


def bundle(resources: list[Resource]) -> Resource:
    """All resources of one patient, profile ``mcode-patient-bundle``."""
    identity = resources[0]["id"]
    entries = [
        {"fullUrl": f"{IDENTIFIERS}{r['resourceType']}/{r['id']}", "resource": r} for r in resources
    ]
    made = resource("Bundle", f"{identity}-bundle", "mcode-patient-bundle")
    return {**made, "type": "collection", "entry": entries}


GROUP = "group "
"""Before the number of a staging that has a stage group; no column has a blank at its end."""
KNOWN = ("spread", "staged", "operated", "irradiated")
"""Whether metastases at diagnosis are known by the registry's word only, and what clinical tables say."""
_OF_TUMOUR = (
    "stage_group", "seer_stage", "first_treatment_flags", "topography", "morphology", "behaviour",
    "icd10", "laterality", "basis_of_diagnosis", "grade",
)  # fmt: skip
_IDENTITY = ("patient_id", "tumour_id", "diagnosis_date")
_OF_PATIENT = (
    "patient_id", "sex", "birth_year", "birth_month", "region_code", "vital_status", "death_date",
    "last_contact_date", "death_cause_icd10",
)  # fmt: skip


class _Tumours:
    """Writes the resources of the rows of tumours."""

    columns = (*_IDENTITY, "metastasis_at_dx", *_OF_TUMOUR)

    def __init__(self, clinical: Mapping[str, RowLines]) -> None:
        self._lines: dict[int, RowLines] = {}
        places = {name: writer.columns.index for name, writer in clinical.items()}
        self._group = places["staging"]("staging_id"), places["staging"]("stage_group")
        self._found = places["metastasis"]("diagnosis_date")

    def lines(self, row: tuple[Any, ...], own: Mapping[str, Rows]) -> list[Line]:
        """Resources of one row, given the rows of its clinical tables."""
        identity, (spread, *other) = row[:3], row[3:]
        named, group = self._group
        groups = [r[named] for r in own.get("staging", ()) if r[group] is not None]
        if spread == "1":
            until = str(date.fromisoformat(identity[2]) + WITH_DIAGNOSIS)
            spread = not any(m[self._found] <= until for m in own.get("metastasis", ()))
        else:
            spread = False
        known = (spread, *(bool(own.get(t)) for t in ("staging", "surgery", "radiotherapy")))
        if len(groups) not in self._lines:
            named_groups = (f"{GROUP}{n}" for n in range(len(groups)))
            self._lines[len(groups)] = RowLines(
                of_tumour, (*_IDENTITY, *named_groups), (*KNOWN, *_OF_TUMOUR)
            )
        return self._lines[len(groups)].lines((*identity, *groups, *known, *other))


def people(cohort: CohortTables, country: str) -> Iterator[list[Line]]:
    """The resources of each patient as lines, the patient first."""
    writers = clinical_lines()
    of_tumours = _Tumours(writers)
    tumours = Waiting(cohort, "tumour", of_tumours.columns, "tumour_sequence")
    measured = RowLines(
        lambda row: [measurement(row)],
        ("patient_id", "measurement_id", "measured_date"),
        ("code", "value_number", "unit"),
    )
    living = RowLines(
        lambda row: [vital_status(row)], ("patient_id", "last_contact_date"), ("vital_status",)
    )
    dying = RowLines(cause_of_death, ("patient_id", "death_date"), ("death_cause_icd10",))
    pick_living, pick_dying = (
        itemgetter(*map(_OF_PATIENT.index, lines.columns)) for lines in (living, dying)
    )
    held = {table.name for table in cohort.schema.tables}
    clinical = {
        table: Waiting(cohort, table, (writers.get(table) or measured).columns, key)
        for table, key in OWN.items()
        if table in held
    }
    for person in rows_in_order(cohort, "patient", _OF_PATIENT, "patient_id"):
        made = [line_of(patient(dict(zip(_OF_PATIENT, person, strict=True)), country))]
        made += living.lines(pick_living(person))
        made += dying.lines(pick_dying(person))
        rows = {table: waiting.take(person[0]) for table, waiting in clinical.items()}
        values = rows.pop("measurement", ())
        mine = tumours.take(person[0])
        for tumour in mine:
            own = {
                table: found if len(mine) == 1 else [r for r in found if r[1] == tumour[1]]
                for table, found in rows.items()
                if found
            }
            made += of_tumours.lines(tumour, own)
            for table, writer in writers.items():
                for row in own.get(table, ()):
                    made += writer.lines(row)
        for row in values:
            made += measured.lines(row)
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
    clinical = any(table.name in OWN for table in cohort.schema.tables)
    types = CLINICAL_TYPES if clinical else TYPES
    rows = {f"{kind}.ndjson": 0 for kind in types} | ({"Bundle.ndjson": 0} if left else {})
    with contextlib.ExitStack() as stack:
        out: dict[str, IO[str]] = {
            name: stack.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            for name in rows
        }

        pool = stack.enter_context(ThreadPoolExecutor(1))  # writes while the next are made
        written: Future[None] | None = None
        waiting: dict[str, list[str]] = {name: [] for name in rows}
        for at, made in enumerate(people(cohort, known["country"]), start=1):
            for kind, text in made:
                waiting[f"{kind}.ndjson"].append(text)
            if left:
                whole = bundle([json.loads(text) for _, text in made])
                waiting["Bundle.ndjson"].append(line_of(whole)[1])
                left -= 1
            if at % PEOPLE_AT_ONCE == 0:
                if written is not None:
                    written.result()
                written = pool.submit(_put, waiting, out, rows)
                waiting = {name: [] for name in rows}
        if written is not None:
            written.result()
        _put(waiting, out, rows)
    return rows


def _put(
    waiting: Mapping[str, list[str]], out: Mapping[str, IO[str]], rows: dict[str, int]
) -> None:
    """Write the lines that wait for each file, and count them."""
    for name, lines in waiting.items():
        if lines:
            out[name].write("\n".join([*lines, ""]))
            rows[name] += len(lines)
