"""OMOP: what the standard demands of the tables, asked in SQL, and a vocabulary of one's own."""

import csv
import re
from collections import Counter

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.exports import export_cohort
from synthgen.exports.omop_quality import omop_quality
from synthgen.exports.omop_tables import standard_tables
from synthgen.exports.targets import mapping_of
from synthgen.exports.vocabulary import read_vocabulary

VERSIONS = ("omop-5.4", "omop-5.3")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    model = load_model("kr-demo")
    folder = tmp_path_factory.mktemp("omop") / "cohort"
    write_cohort(model, settings_for(model, 1500, seed=8), folder, formats=("parquet",))
    return folder


@pytest.fixture(scope="module", params=VERSIONS)
def database(request, cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "out"
    export_cohort(cohort, request.param, folder)
    with duckdb.connect(str(folder / "omop.duckdb"), read_only=True) as db:
        yield request.param, db


def asked(db, query):
    return db.execute(query).fetchone()[0]


def asked_anew(query):
    """Of files, on a connection of its own: the default one is everybody's."""
    with duckdb.connect() as db:
        return asked(db, query)


def test_everybody_is_observed_and_every_tumour_seen_by_somebody_has_its_visit(database):
    _, db = database
    nobody = "SELECT count(*) FROM person ANTI JOIN observation_period USING (person_id)"
    assert asked(db, nobody) == 0
    unseen = (
        "SELECT count(*) FROM condition_occurrence WHERE visit_occurrence_id IS NULL "
        "AND condition_status_source_value <> '0'"
    )
    assert asked(db, unseen) == 0


def test_the_file_has_the_columns_types_and_keys_of_the_standard(database):
    name, db = database
    for table in standard_tables(mapping_of(name)):
        found = db.execute(
            "SELECT column_name, is_nullable FROM information_schema.columns "
            "WHERE table_name = ? ORDER BY ordinal_position",
            [table.name],
        ).fetchall()
        assert [n for n, _ in found] == [c.name for c in table.columns]
        keyed = set(table.key)
        assert {n for n, null in found if null == "NO"} == {
            c.name for c in table.columns if c.required or c.name in keyed
        }
        for column in table.columns:  # DuckDB does not hold a VARCHAR to its length
            limit = column.type.partition("(")[2].rstrip(")")
            if limit:
                longest = asked(db, f'SELECT max(length("{column.name}")) FROM {table.name}')  # noqa: S608
                assert (longest or 0) <= int(limit), column.name
    keys = "SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'"
    every = standard_tables(mapping_of(name))
    assert asked(db, keys) == sum(len(t.references) for t in every)


def test_every_tumour_and_patient_of_the_cohort_arrives(database, cohort):
    _, db = database
    patients = f"SELECT list(patient_id ORDER BY patient_id) FROM '{cohort / 'patient.parquet'}'"  # noqa: S608
    there = asked(db, "SELECT list(person_source_value ORDER BY person_source_value) FROM person")
    assert there == asked(db, patients)
    tumours = asked(db, f"SELECT count(*) FROM '{cohort / 'tumour.parquet'}'")  # noqa: S608
    assert asked(db, "SELECT count(*) FROM condition_occurrence") == tumours
    flags = (
        f"SELECT sum(CAST(first_treatment_flags[1] AS INTEGER)) FROM '{cohort / 'tumour.parquet'}'"  # noqa: S608
    )
    surgery = (
        "SELECT count(*) FROM procedure_occurrence WHERE procedure_source_value LIKE '%surgery'"
    )
    assert asked(db, surgery) == asked(db, flags)


def test_only_5_4_has_episodes(database):
    name, db = database
    query = "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'episode%'"
    assert asked(db, query) == (2 if name == "omop-5.4" else 0)


def athena(folder, concepts, relations, release="v5.0 29-FEB-24"):
    folder.mkdir()
    for name, head, rows in (
        (
            "CONCEPT.csv",
            "concept_id concept_name vocabulary_id standard_concept concept_code",
            concepts,
        ),
        ("CONCEPT_RELATIONSHIP.csv", "concept_id_1 concept_id_2 relationship_id", relations),
        ("VOCABULARY.csv", "vocabulary_id vocabulary_version", [("None", release)]),
    ):
        lines = ["\t".join(head.split()), *("\t".join(row) for row in rows)]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_vocabulary_gives_standard_and_source_concepts(cohort, tmp_path):
    found = asked_anew(
        "SELECT list(DISTINCT morphology || '/' || behaviour || '-' || topography[:3] || '.' "  # noqa: S608
        f"|| topography[4:4]) FROM '{cohort / 'tumour.parquet'}'",
    )
    codes = sorted(found)
    standard, mapped = codes[0], codes[1]
    folder = athena(
        tmp_path / "athena",
        [
            ("11", 'a "quoted" name', "ICDO3", "S", standard),
            ("12", "b", "ICDO3", "", mapped),
            ("13", "c", "SNOMED", "S", codes[2]),
        ],
        [("12", "99", "Maps to"), ("12", "98", "Is a")],
    )
    (tmp_path / "scratch").mkdir()
    found = read_vocabulary(folder, tmp_path / "scratch")
    assert found.version == "v5.0 29-FEB-24"
    assert found.concepts == [("ICDO3", standard, 11, 11), ("ICDO3", mapped, 99, 12)]
    export_cohort(cohort, "omop-5.4", tmp_path / "out", options={"athena": str(folder)})
    with (tmp_path / "out/condition_occurrence.csv").open(encoding="utf-8") as opened:
        found = {
            r["condition_source_value"]: (
                r["condition_concept_id"],
                r["condition_source_concept_id"],
            )
            for r in csv.DictReader(opened)
        }
    assert found[standard] == ("11", "11")
    assert found[mapped] == ("99", "12")
    assert found[codes[2]] == ("0", "0")
    assert "v5.0 29-FEB-24" in (tmp_path / "out/cdm_source.csv").read_text(encoding="utf-8")


def test_an_incomplete_vocabulary_is_one_clear_line(cohort, tmp_path):
    def said(folder):
        with pytest.raises(UsageError) as caught:
            export_cohort(cohort, "omop-5.4", tmp_path / "out", options={"athena": str(folder)})
        assert not (tmp_path / "out").exists()
        return str(caught.value)

    assert "is no folder" in said(tmp_path / "nowhere")
    empty = athena(tmp_path / "empty", [("1", "a", "SNOMED", "S", "b")], [("1", "1", "Maps to")])
    assert "holds no codes of ICDO3" in said(empty)
    (empty / "CONCEPT_RELATIONSHIP.csv").write_text("a,b,c\n", encoding="utf-8")
    assert "CONCEPT_RELATIONSHIP.csv has no column concept_id_1" in said(empty)
    (empty / "CONCEPT_RELATIONSHIP.csv").unlink()
    assert "holds no CONCEPT_RELATIONSHIP.csv; it must hold CONCEPT.csv, " in said(empty)
    commas = athena(tmp_path / "commas", [("1", "a", "ICDO3", "S", "b")], [])
    text = (commas / "CONCEPT.csv").read_text(encoding="utf-8").replace("\t", ",")
    (commas / "CONCEPT.csv").write_text(text, encoding="utf-8")
    assert "CONCEPT.csv has no column concept_id; Athena separates columns by tabs" in said(commas)
    old = athena(tmp_path / "old", [("1", "a", "ICDO3", "S", "b")], [("1", "1", "Maps to")], "v4.5")
    assert "VOCABULARY.csv names release v4.5; it must be one of version 5" in said(old)
    (empty / "CONCEPT.csv").unlink()
    assert "holds no CONCEPT.csv" in said(empty)


def test_a_damaged_vocabulary_is_one_clear_line_that_names_the_file(cohort, tmp_path):
    def said(name, change):
        (tmp_path / name).mkdir()
        many = [(str(n), "a", "ICDO3", "S", f"b{n}") for n in range(3000)]
        folder = athena(tmp_path / name / "athena", many, [("1", "1", "Maps to")] * 3000)
        change(folder)
        with pytest.raises(UsageError) as caught:
            export_cohort(cohort, "omop-5.4", tmp_path / "out", options={"athena": str(folder)})
        return str(caught.value)

    def cut(folder):
        path = folder / "CONCEPT_RELATIONSHIP.csv"
        path.write_bytes(path.read_bytes()[:-9])

    def wide(folder):
        text = (folder / "CONCEPT.csv").read_text(encoding="utf-8")
        (folder / "CONCEPT.csv").write_text(text, encoding="utf-16")

    def strange(folder):
        text = (folder / "CONCEPT.csv").read_text(encoding="utf-8").replace("\n7\t", "\nseven\t")
        (folder / "CONCEPT.csv").write_text(text, encoding="utf-8")

    assert re.search(
        r"CONCEPT_RELATIONSHIP.csv: cannot be read( in line [\d,]+)?; it is damaged or cut off, unpack",
        said("cut", cut),
    )
    assert "CONCEPT.csv is no UTF-8 text, which Athena writes" in said("wide", wide)
    assert "CONCEPT.csv: holds concept ids that are no numbers (1 such)" in said("strange", strange)


def rows(folder, table):
    with (folder / f"{table}.csv").open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def whole(clinical, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinical") / "out"
    export_cohort(clinical, "omop-5.4", folder)
    return folder


def test_clinical_events_have_their_own_dates_codes_and_visits(whole):
    drugs = rows(whole, "drug_exposure")
    assert [(r["drug_source_value"], r["drug_exposure_start_date"], r["quantity"]) for r in drugs][
        :3
    ] == [
        ("L01DB01", "2018-05-14", "150.0"),
        ("L01AA06", "2018-05-14", "9000.0"),
        ("L01DB01", "2018-06-04", "150.0"),
    ]
    procedures = {r["procedure_source_value"] for r in rows(whole, "procedure_occurrence")}
    assert procedures == {"83.49", "43.42", "07.82", "radiotherapy 03", "radiotherapy 04"}
    visits = {r["visit_occurrence_id"]: r for r in rows(whole, "visit_occurrence")}
    days = Counter((v["person_id"], v["visit_start_date"]) for v in visits.values())
    assert set(days.values()) == {1}
    for table, date in (
        ("drug_exposure", "drug_exposure_start_date"),
        ("procedure_occurrence", "procedure_date"),
        ("measurement", "measurement_date"),
    ):
        for row in rows(whole, table):
            if row["person_id"] == "4":  # known from a death certificate only
                assert row["visit_occurrence_id"] == ""
                continue
            visit = visits[row["visit_occurrence_id"]]
            assert (visit["person_id"], visit["visit_start_date"]) == (row["person_id"], row[date])
    operated = [v for v in visits.values() if v["visit_concept_id"] == "9201"]
    assert {v["visit_start_date"] for v in operated} == {"2018-04-09", "2022-02-01", "2020-11-02"}


def test_a_tumour_of_a_death_certificate_has_no_visit(whole):
    (row,) = [r for r in rows(whole, "condition_occurrence") if r["person_id"] == "4"]
    assert row["visit_occurrence_id"] == ""
    assert row["condition_status_source_value"] == "0"


def test_lines_are_episodes_of_their_tumour_and_hold_their_drugs(whole):
    episodes = {r["episode_id"]: r for r in rows(whole, "episode")}
    lines = {i: r for i, r in episodes.items() if r["episode_concept_id"] == "32531"}
    assert [(r["episode_source_value"], r["episode_number"]) for r in lines.values()] == [
        ("Doxorubicin + Ifosfamide", "1"), ("Trabectedin", "2"), ("Imatinib", "1"),
    ]  # fmt: skip
    assert {episodes[r["episode_parent_id"]]["episode_source_value"] for r in lines.values()} == {
        "liposarcoma",
        "gist",
    }
    drugs = {r["drug_exposure_id"]: r["drug_source_value"] for r in rows(whole, "drug_exposure")}
    held = {}
    for event in rows(whole, "episode_event"):
        if event["episode_event_field_concept_id"] == "1147094":
            held.setdefault(lines[event["episode_id"]]["episode_source_value"], []).append(
                drugs[event["event_id"]]
            )
    assert held == {
        "Doxorubicin + Ifosfamide": ["L01DB01", "L01AA06", "L01DB01"],
        "Trabectedin": ["L01CX01", "L01CX01"],
        "Imatinib": ["L01EA01"],
    }


def test_cancer_modifiers_have_the_verified_concepts_and_the_tumour_they_are_of(whole):
    named = {
        (r["measurement_source_value"], r["value_source_value"]): r
        for r in rows(whole, "measurement")
    }
    assert named["FNCLCC grade", "3"]["measurement_concept_id"] == "36770080"
    assert named["distant metastasis", "C341"]["measurement_concept_id"] == "36770283"
    assert named["distant metastasis", "C220"]["measurement_concept_id"] == "36769180"
    assert named["pT AJCC8", "T2"]["measurement_event_id"] == "1"
    assert named["p stage group Masaoka", "II"]["measurement_event_id"] == "4"
    dose = next(r for r in rows(whole, "measurement") if r["value_as_number"] == "50.0")
    assert (dose["unit_source_value"], dose["meas_event_field_concept_id"]) == ("Gy", "1147082")


def test_no_value_of_the_clinical_tables_is_lost(clinical, whole):
    """Every cell stands somewhere, but what follows from others or has no place (see the page)."""
    apart = {
        "line_id", "drug_id", "class", "surgery_id", "rt_id", "dose_per_fraction_gy", "tumour_id",
        "staging_id", "metastasis_id", "biomarker_id", "measurement_id", "outcome_id", "timing",
        "system", "method", "marker", "origin", "grade_system", "modality", "patient_id",
    }  # fmt: skip
    texts = [
        cell
        for table in whole.glob("*.csv")
        for r in rows(whole, table.stem)
        for cell in r.values()
    ]
    held, numbers = set(texts), {float(t) for t in texts if t.replace(".", "", 1).isdigit()}
    for path in sorted(clinical.glob("*.csv")):
        if path.stem in {"patient", "tumour"}:
            continue
        for row in rows(clinical, path.stem):
            for column, cell in row.items():
                if column in apart or not cell:
                    continue
                number = cell.replace(".", "", 1).isdigit() and float(cell) in numbers
                assert cell in held or number, (path.stem, column, cell)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_check_of_the_dashboard_finds_the_clinical_export_wrong(clinical, tmp_path, version):
    export_cohort(clinical, version, tmp_path / "out")
    found = omop_quality(tmp_path / "out")
    assert {b.rule for b in found} == {"completeness.standardConceptRecordCompleteness"}


def test_a_vocabulary_maps_drugs_operations_laboratory_and_units_too(clinical, tmp_path):
    folder = athena(
        tmp_path / "athena",
        [
            ("21", "a", "ICDO3", "S", "8858/3-C49.2"), ("22", "b", "ATC", "C", "L01DB01"),
            ("23", "c", "ICD9Proc", "S", "83.49"), ("24", "d", "LOINC", "S", "8302-2"),
            ("25", "e", "UCUM", "S", "cm"), ("26", "f", "ICD10", "", "C49.2"),
        ],
        [("22", "1338512", "Maps to"), ("26", "77", "Maps to")],
    )  # fmt: skip
    out = tmp_path / "out"
    export_cohort(clinical, "omop-5.4", out, options={"athena": str(folder)})
    drug = rows(out, "drug_exposure")[0]
    assert (drug["drug_concept_id"], drug["drug_source_concept_id"]) == ("1338512", "22")
    operations = {
        r["procedure_source_value"]: r["procedure_concept_id"]
        for r in rows(out, "procedure_occurrence")
    }
    assert (operations["83.49"], operations["43.42"]) == ("23", "0")
    height = next(r for r in rows(out, "measurement") if r["measurement_source_value"] == "8302-2")
    assert (height["measurement_concept_id"], height["unit_concept_id"]) == ("24", "25")
    assert rows(out, "death")[0]["cause_concept_id"] == "77"
    assert rows(out, "cdm_source")[0]["vocabulary_version"] == "v5.0 29-FEB-24"
