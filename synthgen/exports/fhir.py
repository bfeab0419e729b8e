"""FHIR R4 resources after mCODE STU4, one NDJSON file for each type, and bundles.

Profiles, fixed codes and systems are those of the mCODE implementation guide, version 4.0.0
(HL7/fhir-mCODE-ig 543477b, CC0).  SNOMED CT codes are used under the licence of the country
in which the files are used; ICD-O-3 and ICD-10 codes carry no labels.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
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
from synthgen.exports.fhir_findings import measurement
from synthgen.exports.fhir_lines import Line, RowLines, line_of
from synthgen.exports.terms import reached_tables
from synthgen.schema.model import ColumnType
from synthgen.schema.rules.sql import identifier

TYPES = ("Patient", "Condition", "Observation", "Procedure")
CLINICAL_TYPES = (*TYPES, "Specimen", "MedicationAdministration")
"""Types of a cohort with clinical tables."""

FILES = (*(f"{kind}.ndjson" for kind in CLINICAL_TYPES), "Bundle.ndjson")
OPTIONS = {"bundles": "0", "country": "KR"}
AT_ONCE = 10_000
"""Rows that are held in memory."""
PEOPLE_AT_ONCE = 500
"""Patients whose lines are written together."""

GENDER = {"1": "male", "2": "female"}
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


def procedures(row: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Resource]:
    """Surgery and radiotherapy of the first course; the registry does not say when.

    Parameters
    ----------
    row : mapping of str to object
        Columns of the tumour.
    known : mapping of str to object
        Clinical rows by table; what they say is not said twice.
    """
    flags = row["first_treatment_flags"] or ""
    common = {
        "status": "completed",
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "reasonReference": [{"reference": f"Condition/{row['tumour_id']}"}],
    }
    if flags[:1] == "1" and not known.get("surgery"):
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
    if flags[2:3] == "1" and not known.get("radiotherapy"):
        yield {
            **resource(
                "Procedure", f"{row['tumour_id']}-radiotherapy", "mcode-radiotherapy-course-summary"
            ),
            **common,
            "category": concept(SNOMED, "108290001", "Radiation oncology AND/OR radiotherapy"),
            "code": concept(SNOMED, "1217123003", "Radiotherapy course of treatment"),
            "performedPeriod": UNKNOWN,
        }


def _spread_at_diagnosis(row: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether the registry's word is all that is known of metastases at diagnosis."""
    until = str(date.fromisoformat(row["diagnosis_date"]) + WITH_DIAGNOSIS)
    seen = any(m["diagnosis_date"] <= until for m in known.get("metastasis", ()))
    return row["metastasis_at_dx"] == "1" and not seen


def of_tumour(
    row: Mapping[str, Any], known: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Resource]:
    """Resources of one tumour's own row, its condition first.

    Parameters
    ----------
    row : mapping of str to object
        Columns of the tumour; dates as ISO text.
    known : mapping of str to sequence of mapping
        Rows of its clinical tables; empty for a cohort without them.
    """
    identity = row["tumour_id"]
    staged = [*stages(row, staged=bool(known.get("staging")))]
    groups = [r["staging_id"] for r in known.get("staging", ()) if r["stage_group"] is not None]
    kind = f"{row['morphology']}/{row['behaviour']}"
    histology = {
        "url": f"{MCODE}mcode-histology-morphology-behavior",
        "valueCodeableConcept": concept(ICDO3, kind),
    }
    primary = condition(identity, row, "mcode-primary-cancer-condition", row["icd10"])
    primary["identifier"] = [{"system": f"{IDENTIFIERS}tumour", "value": identity}]
    primary["extension"].append(histology)
    primary["bodySite"] = [_site(row)]
    assessed = [*groups, *(s["id"] for s in staged)]
    if assessed:
        primary["stage"] = [{"assessment": [{"reference": f"Observation/{i}"}]} for i in assessed]
    yield primary
    if _spread_at_diagnosis(row, known):
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
    yield from procedures(row, known)


def bundle(resources: list[Resource]) -> Resource:
    """All resources of one patient, profile ``mcode-patient-bundle``."""
    identity = resources[0]["id"]
    entries = [
        {"fullUrl": f"{IDENTIFIERS}{r['resourceType']}/{r['id']}", "resource": r} for r in resources
    ]
    made = resource("Bundle", f"{identity}-bundle", "mcode-patient-bundle")
    return {**made, "type": "collection", "entry": entries}


def _rows(cohort: CohortTables, table: str, order: str) -> Iterator[dict[str, Any]]:
    """Rows of a table in an order of its own, dates as ISO text, with the patient's id.

    Rows of a table that leads to the tumour have its id, and drugs the columns of their line.
    """
    reached = {"drug_exposure": ("treatment_line", "tumour"), "tumour": (), "patient": ()}
    path = reached.get(table, ("tumour",))
    if table == "measurement":
        path = ()
    columns: dict[str, str] = {}
    for name in (table, *path):
        for column in cohort.schema.table(name).columns:
            wanted = name != "tumour" or table == "tumour" or column.name == "patient_id"
            if wanted and column.name not in columns:
                cell = f"{identifier(name)}.{identifier(column.name)}"
                dated = column.type is ColumnType.DATE
                columns[column.name] = f"CAST({cell} AS VARCHAR)" if dated else cell
    cells = ", ".join(f"{cell} AS {identifier(name)}" for name, cell in columns.items())
    joins = " ".join(j for j in reached_tables(cohort.schema, table).values() if j)
    query = f"SELECT {cells} FROM {identifier(table)} {joins} ORDER BY {order}"  # noqa: S608
    found = cohort.database.cursor().execute(query)
    names = [column[0] for column in found.description or ()]
    while piece := found.fetchmany(AT_ONCE):
        for row in piece:
            yield dict(zip(names, row, strict=True))


class _Waiting:
    """Rows of a table, handed out patient by patient, in the order of patients."""

    def __init__(self, cohort: CohortTables, table: str, order: str) -> None:
        rows = _rows(cohort, table, f"patient.patient_id, {identifier(table)}.{order}")
        self._groups = groupby(rows, key=itemgetter("patient_id"))
        self._next = self._group()

    def _group(self) -> tuple[str, list[dict[str, Any]]] | None:
        found = next(self._groups, None)
        return None if found is None else (found[0], list(found[1]))

    def take(self, patient_id: str) -> list[dict[str, Any]]:
        if self._next is None or self._next[0] != patient_id:
            return []
        rows = self._next[1]
        self._next = self._group()
        return rows


def people(cohort: CohortTables, country: str) -> Iterator[list[Line]]:
    """The resources of each patient as lines, the patient first."""
    tumours = _Waiting(cohort, "tumour", "tumour_sequence")
    held = {table.name for table in cohort.schema.tables}
    clinical = {t: _Waiting(cohort, t, key) for t, key in OWN.items() if t in held}
    writers = clinical_lines()
    measured = RowLines(
        lambda row: [measurement(row)], ("measurement_id", "patient_id", "measured_date")
    )
    for row in _rows(cohort, "patient", "patient_id"):
        made = [line_of(patient(row, country))]
        rows = {table: waiting.take(row["patient_id"]) for table, waiting in clinical.items()}
        for tumour in tumours.take(row["patient_id"]):
            own = {
                table: [r for r in found if r.get("tumour_id") == tumour["tumour_id"]]
                for table, found in rows.items()
                if found
            }
            made += map(line_of, of_tumour(tumour, own))
            for table, writer in writers.items():
                for found in own.get(table, ()):
                    made += writer.lines(found)
        for found in rows.get("measurement", ()):
            made += measured.lines(found)
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

        waiting: dict[str, list[str]] = {name: [] for name in rows}
        for at, made in enumerate(people(cohort, known["country"]), start=1):
            for kind, text in made:
                waiting[f"{kind}.ndjson"].append(text)
            if left:
                whole = bundle([json.loads(text) for _, text in made])
                waiting["Bundle.ndjson"].append(line_of(whole)[1])
                left -= 1
            if at % PEOPLE_AT_ONCE == 0:
                _put(waiting, out, rows)
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
            lines.clear()
