"""What FHIR holds of a cohort comes back from its files, and what it does not is a known list."""

import csv
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from synthgen.exports import export_cohort
from synthgen.exports.fhir import LOST
from synthgen.exports.fhir_clinical import EDITIONS, ROUTES, SYSTEMS, TECHNIQUES, TREND
from synthgen.exports.fhir_findings import FNCLCC, PRESENT, SOURCE, VITAL
from synthgen.schema.load import load_schema
from synthgen.schema.model import ColumnType

GOLDEN = Path(__file__).resolve().parents[2] / "golden/exports/cohort"
SCHEMA = load_schema("rare-cancer@1.1.0")
HELD = {
    table.name: [c for c in table.column_names if f"{table.name}.{c}" not in LOST]
    for table in SCHEMA.tables
}


def resources(folder):
    found = defaultdict(list)
    for path in folder.glob("*.ndjson"):
        for line in path.read_text(encoding="utf-8").splitlines():
            made = json.loads(line)
            (profile,) = made["meta"].get("profile", [""])
            found[profile.rpartition("/")[2].removeprefix("mcode-")].append(made)
    return found


def code(concept):
    return concept["coding"][0]["code"] if "coding" in concept else ""


def text(made):
    return made["valueCodeableConcept"]["text"]


def plain(dotted):
    return dotted.replace(".", "")


def leads_to(made, *path):
    """Identifier at the end of a reference."""
    for step in path:
        made = made[step]
    return made["reference"].partition("/")[2]


def extension(made, name):
    return next((e for e in made.get("extension", ()) if e["url"].endswith(name)), None)


def of_tumour(made):
    for path in (("focus", 0), ("reasonReference", 0)):
        if path[0] in made:
            return leads_to(made, *path)
    tied = extension(made, "related-condition") or extension(made, "condition-related")
    return leads_to(tied, "valueReference")


def back(codes, value):
    return next(ours for ours, theirs in codes.items() if theirs == value)


class Reader:
    """Rows of a cohort, cell by cell, by table and key."""

    def __init__(self, folder):
        self.rows = {table.name: defaultdict(dict) for table in SCHEMA.tables}
        self.found = resources(folder)
        self.patients()
        self.tumours()
        self.stagings()
        self.pathology()
        self.others()

    def put(self, table, key, **cells):
        named = SCHEMA.table(table).primary_key[0]
        self.rows[table][key] |= {named: key, **{k: v for k, v in cells.items() if v is not None}}

    def patients(self):
        for made in self.found["cancer-patient"]:
            year, _, month = made["birthDate"].partition("-")
            self.put(
                "patient", made["id"],
                sex={"male": "1", "female": "2"}[made["gender"]],
                birth_year=year, birth_month=month or None,
                region_code=made.get("address", [{}])[0].get("state"),
                death_date=made.get("deceasedDateTime"),
            )  # fmt: skip

    def tumours(self):
        for made in self.found["primary-cancer-condition"]:
            kind = code(extension(made, "morphology-behavior")["valueCodeableConcept"])
            self.put(
                "tumour", made["id"], patient_id=leads_to(made, "subject"),
                diagnosis_date=made["onsetDateTime"], icd10=plain(code(made["code"])),
                topography=plain(code(made["bodySite"][0])),
                morphology=kind.split("/")[0], behaviour=kind.split("/")[1], grade="9",
            )  # fmt: skip
        for made in self.found["cancer-stage"]:
            if code(made["method"]) == "C15432":
                self.put("tumour", of_tumour(made), seer_stage=text(made))
        for made in self.found["histologic-grade"]:
            if "specimen" not in made:
                self.put("tumour", of_tumour(made), grade=text(made).split()[-1])

    def stagings(self):
        methods = {theirs: ours for ours, theirs in EDITIONS.items()}
        methods |= {by[1]: system for system, (_, by) in SYSTEMS.items() if by}
        listed = [*self.found["tnm-stage-group"], *self.found["cancer-stage"]]
        for made in listed:
            if not made["id"].endswith(("-seer", "-stage")):
                self.put("staging", made["id"], stage_group=text(made))
        categories = ("primary-tumor", "regional-nodes", "distant-metastases")
        listed += [m for c in categories for m in self.found[f"tnm-{c}-category"]]
        listed += [m for m in self.found[""] if re.search("-[tnm]$", m["id"])]
        for made in listed:
            key, _, letter = made["id"].partition("-")
            if letter in ("seer", "stage"):
                continue
            method = made["method"]
            system = methods.get(code(method)) or method["text"]
            day = made["effectiveDateTime"]
            self.put("staging", key, tumour_id=of_tumour(made), staging_date=day, system=system)
            if letter:
                self.put("staging", key, **{letter: text(made).lstrip("cpy")})

    def pathology(self):
        for made in self.found["human-specimen"]:
            self.put(
                "pathology", made["id"], specimen_type=made["type"]["text"],
                specimen_date=made["collection"]["collectedDateTime"],
            )  # fmt: skip
        for made in self.found["tumor-size"]:
            (longest,) = made["component"]
            size = str(longest["valueQuantity"]["value"])
            self.put("pathology", leads_to(made, "specimen"), tumour_size_mm=size)
        for made in self.found["tumor-morphology"]:
            self.put("pathology", leads_to(made, "specimen"), histology_text=text(made))
        for made in self.found["histologic-grade"]:
            if "specimen" in made:
                value = made["valueCodeableConcept"]
                known = code(value) and back(FNCLCC, code(value))
                grade = known or value["text"].split(" ", 1)[-1]
                self.put("pathology", leads_to(made, "specimen"), grade_value=grade)
        for made in self.found[""]:
            if "specimen" in made:
                name = made["id"].partition("-")[2].replace("-", "_")
                number = made.get("valueInteger", made.get("valueQuantity", {}).get("value"))
                value = text(made) if number is None else str(number)
                name = {"mitoses": "mitotic_count"}.get(name, name)
                self.put("pathology", leads_to(made, "specimen"), **{name: value})

    def others(self):
        for made in self.found["secondary-cancer-condition"]:
            if not made["id"].endswith("-m"):
                self.put(
                    "metastasis", made["id"], tumour_id=of_tumour(made),
                    diagnosis_date=made["onsetDateTime"], site=plain(code(made["bodySite"][0])),
                )  # fmt: skip
        for made in self.found["genomic-variant"]:
            self.variant(made)
        for made in (*self.found[""], *self.found["ecog-performance-status"]):
            self.observed(made)
        for made in self.found["cancer-related-medication-administration"]:
            dosage = made.get("dosage", {})
            self.put(
                "drug_exposure", made["id"], start_date=made["effectiveDateTime"],
                atc=code(made["medicationCodeableConcept"]),
                dose=str(dosage["dose"]["value"]) if dosage else None,
            )  # fmt: skip
            assert not dosage or dosage["route"]["text"] in {*ROUTES.values(), "other"}
        for made in self.found["cancer-related-surgical-procedure"]:
            if "performedDateTime" in made:
                residual = made.get("outcome", {}).get("text", "").rpartition(" ")[2] or None
                note = made.get("note", [{}])[0].get("text", "").rpartition(" ")[2] or None
                self.put(
                    "surgery", made["id"], tumour_id=of_tumour(made), residual=residual, asa=note,
                    surgery_date=made["performedDateTime"], procedure_code=code(made["code"]),
                )  # fmt: skip
        for made in self.found["radiotherapy-course-summary"]:
            if "performedPeriod" in made:
                self.course(made)
        for made in self.found["cancer-disease-status"]:
            value = made["valueCodeableConcept"]
            if made["id"].endswith("-response"):
                best = value["text"].rpartition(" ")[2]
                assert TREND.get(best, code(value)) == code(value)
                self.put("treatment_line", made["id"].removesuffix("-response"), best_response=best)
                continue
            kind, _, site = value["text"].partition(", ")
            self.put(
                "outcome", made["id"], tumour_id=of_tumour(made), site=plain(site) or None,
                event_date=made["effectiveDateTime"], event_type=kind.replace(" ", "_"),
            )  # fmt: skip

    def variant(self, made):
        parts = {
            code(c["code"]) or c["code"]["text"]: c.get("valueCodeableConcept", c)
            for c in made["component"]
        }
        change = parts.get("48005-3") or parts.get("48004-6")
        level = parts.get("level")
        shown = back({k: v[0] for k, v in PRESENT.items()}, code(made["valueCodeableConcept"]))
        assert code(parts["48002-0"]) in {v[0] for v in SOURCE.values()}
        self.put(
            "biomarker", made["id"], tumour_id=of_tumour(made), test_date=made["effectiveDateTime"],
            method=made["method"]["text"], marker=parts["48018-6"]["text"], result=shown,
            hgvs=change and code(change),
            value_number=level and str(level["valueQuantity"]["value"]),
        )  # fmt: skip

    def observed(self, made):
        day = made.get("effectiveDateTime")
        if made["id"].endswith("-vital"):
            status = back(VITAL, text(made))
            self.put(
                "patient", leads_to(made, "subject"), last_contact_date=day, vital_status=status
            )
        elif made["id"].endswith("-death"):
            cause = plain(code(made["valueCodeableConcept"]))
            self.put("patient", leads_to(made, "subject"), death_cause_icd10=cause)
        elif extension(made, "related-condition") and "specimen" not in made:
            marker, _, method = made["code"]["text"].rpartition(", ")
            number = made.get("valueQuantity", {}).get("value")
            result = text(made) if number is None else made["interpretation"][0]["text"]
            self.put(
                "biomarker", made["id"], tumour_id=of_tumour(made), test_date=day, marker=marker,
                method=method, result=result,
                value_number=None if number is None else str(number),
            )  # fmt: skip
        elif "coding" in made["code"] and "specimen" not in made and "method" not in made:
            value = made.get("valueInteger", made.get("valueQuantity", {}).get("value"))
            self.put(
                "measurement", made["id"], patient_id=leads_to(made, "subject"), measured_date=day,
                code=code(made["code"]), value_number=None if value is None else str(value),
            )  # fmt: skip

    def course(self, made):
        inner = extension(made, "modality-and-technique")["extension"]
        how = {e["url"].rpartition("/")[2]: e["valueCodeableConcept"] for e in inner}
        known = how.get("mcode-radiotherapy-technique")
        dose = extension(made, "dose-delivered-to-volume") or {"extension": ()}
        told = {e["url"]: e for e in dose["extension"]}
        total = told.get("totalDoseDelivered")
        number = told.get("fractionsDelivered", {}).get("valueUnsignedInt")
        self.put(
            "radiotherapy", made["id"], tumour_id=of_tumour(made),
            start_date=made["performedPeriod"]["start"],
            modality=back(TECHNIQUES, code(known)) if known
            else re.search(r"\d\d", how["mcode-radiotherapy-modality"]["text"])[0],
            fractions=None if number is None else str(number),
            total_dose_gy=str(total["valueQuantity"]["value"] / 100) if total else None,
        )  # fmt: skip


def as_told(column, cell):
    """A cell of a CSV file, numbers by their value."""
    number = SCHEMA_COLUMNS[column].type in (ColumnType.INTEGER, ColumnType.NUMBER)
    return float(cell) if number and cell else cell


SCHEMA_COLUMNS = {f"{t.name}.{c.name}": c for t in SCHEMA.tables for c in t.columns}


#: Rows that have what the others have not: levels, a grade without a system, no dose, a lost patient.
MORE = {
    "biomarker": """\
SY00000001T1B02,SY00000001T1,2018-03-20,serum,AFP,somatic,equivocal,,812.5,ng/mL
SY00000001T1B03,SY00000001T1,2018-03-21,NGS,TP53,germline,positive,c.215C>G,0.31,
""",
    "pathology": """\
SY00000001T1P03,SY00000001T1,2018-05-01,cytology,,,high,,,,,,
""",
    "radiotherapy": """\
SY00000001T1R02,SY00000001T1,2019-07-02,99,,,,,
""",
    "patient": """\
SY00000005,1,1980,,,,,,9,2020-01-01,,
""",
}


@pytest.fixture(scope="module")
def fuller(clinical, tmp_path_factory):
    cohort = shutil.copytree(clinical, tmp_path_factory.mktemp("fuller") / "cohort")
    for table, rows in MORE.items():
        with (cohort / f"{table}.csv").open("a", encoding="utf-8") as opened:
            opened.write(rows)
    return cohort


@pytest.mark.parametrize("which", ["fuller", "golden"])
def test_every_column_that_fhir_can_hold_comes_back(fuller, tmp_path, which):
    cohort = fuller if which == "fuller" else GOLDEN
    export_cohort(cohort, "fhir-mcode", tmp_path / "out")
    told = Reader(tmp_path / "out").rows
    for table in SCHEMA.tables:
        (key,) = table.primary_key
        with (cohort / f"{table.name}.csv").open(encoding="utf-8", newline="") as opened:
            ours = {row[key]: row for row in csv.DictReader(opened)}
        if f"{table.name}.{key}" not in LOST:
            assert set(told[table.name]) == set(ours), table.name
        for identity, row in ours.items():
            mine = told[table.name].get(identity, {})
            for column in HELD[table.name]:
                name = f"{table.name}.{column}"
                assert as_told(name, mine.get(column, "")) == as_told(name, row[column]), (
                    name,
                    identity,
                )


def test_the_list_of_what_is_lost_is_exact(fuller, tmp_path):
    """No column of the list comes back, every other does, and the page names each."""
    export_cohort(fuller, "fhir-mcode", tmp_path / "out")
    read = {
        f"{table}.{column}"
        for table, rows in Reader(tmp_path / "out").rows.items()
        for row in rows.values()
        for column in row
    }
    assert read - {"treatment_line.line_id"} == set(SCHEMA_COLUMNS) - set(LOST)
    assert "treatment_line.line_id" in read  # of lines with a response only
    page = (GOLDEN.parents[3] / "docs/reference/exports.md").read_text(encoding="utf-8")
    assert [name for name in LOST if f"`{name}`" not in page] == []
