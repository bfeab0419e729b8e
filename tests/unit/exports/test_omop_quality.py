"""The checks after OHDSI's DataQualityDashboard: nothing found in an export, all found in damage."""

import shutil

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import ContractError
from synthgen.exports import export_cohort
from synthgen.exports.contract import schema_for
from synthgen.exports.omop_quality import (
    ask_all,
    missing_tables,
    omop_quality,
    quality_checks,
    with_quality,
)
from synthgen.exports.targets import mapping_of
from synthgen.resources import data_root
from synthgen.schema.documents import read_document
from synthgen.schema.load import load_schema
from synthgen.schema.model import Severity
from synthgen.schema.validation import check_tables

UNMAPPED = "completeness.standardConceptRecordCompleteness"
"""Without a vocabulary the standard concepts are 0, and the checks say so."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model = load_model("kr-demo")
    base = tmp_path_factory.mktemp("quality")
    write_cohort(model, settings_for(model, 300, seed=9), base / "cohort", formats=("parquet",))
    export_cohort(base / "cohort", "omop-5.4", base / "omop")
    return base / "omop"


@pytest.fixture(scope="module")
def tables(folder):
    """The tables without constraints, to be damaged."""
    mapping = mapping_of("omop-5.4")
    with duckdb.connect() as db:
        db.execute(f"ATTACH '{folder / 'omop.duckdb'}' AS made (READ_ONLY)")
        for table in mapping.tables:
            db.execute(f'CREATE TABLE "{table.name}" AS SELECT * FROM made."{table.name}"')  # noqa: S608
        db.execute("DETACH made")
        yield db


def found(db, only):
    """What of some of the checks does not hold."""
    listed = db.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'memory'")
    present = frozenset(name for (name,) in listed.fetchall())
    mapping = mapping_of("omop-5.4")
    checks = [check for check in quality_checks(mapping) if only(check)]
    return [
        *missing_tables(mapping, present),
        *ask_all(checks, present, lambda query: db.execute(query).fetchone()),
    ]


#: What is done to the tables, and the check that must see it.
DAMAGE = {
    "conformance.cdmField person": "ALTER TABLE person DROP year_of_birth",
    "conformance.cdmTable person": "DROP TABLE person",
    "conformance.isRequired death.death_date": "UPDATE death SET death_date = NULL",
    "conformance.isPrimaryKey person.person_id": "UPDATE person SET person_id = 1",
    "conformance.isForeignKey death.person_id": "UPDATE death SET person_id = -1",
    "conformance.cdmDatatype person.person_source_value": (
        "UPDATE person SET person_source_value = repeat('x', 51)"
    ),
    "conformance.fkDomain person.gender_concept_id": "UPDATE person SET gender_concept_id = 1",
    "conformance.eventKey measurement.measurement_event_id": (
        "UPDATE measurement SET measurement_event_id = -1"
    ),
    "conformance.parentEpisode episode.episode_parent_id": (
        "UPDATE episode SET episode_parent_id = -1"
    ),
    "completeness.measurePersonCompleteness observation_period": (
        "DELETE FROM observation_period WHERE person_id = 3"
    ),
    "completeness.standardConceptRecordCompleteness person.gender_concept_id": (
        "UPDATE person SET gender_concept_id = 0"
    ),
    "completeness.measureValueCompleteness person.person_source_value": (
        "UPDATE person SET person_source_value = NULL WHERE person_id = 2"
    ),
    "plausibility.plausibleValueLow person.year_of_birth": (
        "UPDATE person SET year_of_birth = 1066"
    ),
    "plausibility.plausibleValueHigh person.month_of_birth": (
        "UPDATE person SET month_of_birth = 13"
    ),
    "plausibility.plausibleTemporalAfter condition_occurrence.condition_start_date": (
        "UPDATE condition_occurrence SET condition_start_date = DATE '1850-01-01'"
    ),
    "plausibility.plausibleAge observation_period.observation_period_end_date": (
        "UPDATE observation_period SET observation_period_end_date = DATE '2150-01-01'"
    ),
    "plausibility.plausibleStartBeforeEnd visit_occurrence.visit_start_date": (
        "UPDATE visit_occurrence SET visit_end_date = visit_start_date - 1"
    ),
    "plausibility.plausibleDuringLife measurement.measurement_date": (
        "UPDATE death SET death_date = DATE '1990-01-01'"
    ),
    "plausibility.withinObservationPeriod specimen.specimen_date": (
        "UPDATE specimen SET specimen_date = DATE '1990-01-01'"
    ),
    "plausibility.withinVisitDates condition_occurrence.condition_start_date": (
        "UPDATE visit_occurrence SET visit_start_date = visit_start_date - 30, "
        "visit_end_date = visit_end_date - 30"
    ),
    "plausibility.visitOfPerson condition_occurrence.visit_occurrence_id": (
        "UPDATE condition_occurrence SET visit_occurrence_id = 1"
    ),
    "plausibility.plausibleTreatment drug_exposure.drug_exposure_start_date": (
        "UPDATE drug_exposure SET drug_exposure_start_date = drug_exposure_start_date - 120"
    ),
    "plausibility.plausibleObservation observation_period.observation_period_end_date": (
        "UPDATE observation_period SET observation_period_end_date = DATE '2099-01-01'"
    ),
    "plausibility.plausibleGender condition_occurrence.condition_source_value": (
        "UPDATE condition_occurrence SET condition_source_value = '8140/3-C56.9'"
    ),
    "plausibility.plausibleCode condition_occurrence.condition_source_value": (
        "UPDATE condition_occurrence SET condition_source_value = 'C56'"
    ),
    "plausibility.plausibleDeath death.person_id": "INSERT INTO death SELECT * FROM death",
}


@pytest.mark.parametrize("check", DAMAGE)
def test_a_check_sees_the_damage_that_it_is_for(tables, check):
    def only(candidate):
        where = f"{candidate.table}.{candidate.field}" if candidate.field else candidate.table
        return f"{candidate.category}.{candidate.id} {where}" == check

    assert found(tables, only) == []
    tables.execute("BEGIN")
    try:
        tables.execute(DAMAGE[check])
        after = found(tables, only)
    finally:
        tables.execute("ROLLBACK")
    seen = {f"{b.rule} {b.where}": b for b in after}
    assert check in seen
    assert 0 < seen[check].count <= seen[check].total
    assert seen[check].message
    assert seen[check].message_ko


def test_two_observation_periods_that_overlap_are_found(tables):
    tables.execute("BEGIN")
    tables.execute(
        "INSERT INTO observation_period SELECT 100000 + observation_period_id, person_id, "
        "observation_period_start_date, observation_period_end_date, period_type_concept_id "
        "FROM observation_period LIMIT 3"
    )
    broken = found(tables, lambda check: check.query.startswith("SELECT count(CASE WHEN earlier"))
    tables.execute("ROLLBACK")
    assert [(b.rule, b.count) for b in broken] == [("plausibility.plausibleObservation", 3)]


def test_every_check_is_seen_to_fire():
    document = read_document(data_root() / "schemas/exports/omop-quality/checks.json")
    fired = {name.partition(" ")[0].partition(".")[2] for name in DAMAGE}
    assert {entry["id"] for entry in document["checks"]} <= fired


def test_every_file_of_sql_is_asked_and_says_what_for():
    folder = data_root() / "schemas/exports/omop-quality"
    document = read_document(folder / "checks.json")
    assert {path.stem for path in folder.glob("*.sql")} == {e["sql"] for e in document["checks"]}
    for path in folder.glob("*.sql"):
        assert path.read_text(encoding="utf-8").startswith("-- "), path.name


def test_5_3_is_asked_only_what_it_has():
    asked = {(c.table, c.field) for c in quality_checks(mapping_of("omop-5.3"))}
    assert ("measurement", "measurement_event_id") not in asked
    assert not any(table.startswith("episode") for table, _ in asked)
    assert ("measurement", "measurement_date") in asked


def test_an_export_holds_as_a_database_and_as_text_alike(folder, tmp_path):
    whole = omop_quality(folder)
    assert {b.rule for b in whole} == {UNMAPPED}
    assert {b.severity for b in whole} == {Severity.UNLIKELY}
    text = tmp_path / "text"
    shutil.copytree(folder, text, ignore=shutil.ignore_patterns("*.duckdb"))
    assert omop_quality(text) == whole


def _upper(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    path.unlink()
    renamed = path.with_name(f"{path.stem.upper()}.CSV")
    renamed.write_text("\n".join([lines[0].upper(), *lines[1:]]), encoding="utf-8")


def _parquet(path):
    out = path.with_suffix(".parquet")
    with duckdb.connect() as db:
        db.execute(f"COPY (SELECT * FROM read_csv('{path}')) TO '{out}'")  # noqa: S608
    path.unlink()


FORMS = {
    "UTF-16": lambda p: p.write_bytes(p.read_text(encoding="utf-8").encode("utf-16")),
    "capitals": _upper,
    "parquet": _parquet,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_questions_are_asked_in_every_form_that_a_delivery_has(folder, tmp_path, form):
    text = tmp_path / "text"
    shutil.copytree(folder, text, ignore=shutil.ignore_patterns("*.duckdb", "*.json", "*.txt"))
    lines = (text / "death.csv").read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace(lines[1][lines[1].index(",") + 1 :][:4], "1900", 1)
    (text / "death.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in sorted(text.glob("*.csv")):
        FORMS[form](path)
    found = [b for b in omop_quality(text) if b.rule != UNMAPPED]
    assert {(b.rule, b.table) for b in found} >= {("plausibility.plausibleTemporalAfter", "death")}


def test_a_database_of_another_name_is_asked_too(folder, tmp_path):
    shutil.copy(folder / "omop.duckdb", tmp_path / "hospital.db")
    assert {b.rule for b in omop_quality(tmp_path)} == {UNMAPPED}
    assert {b.rule for b in omop_quality(tmp_path / "hospital.db")} == {UNMAPPED}


def test_a_cell_of_the_wrong_type_is_counted(folder, tmp_path):
    text = tmp_path / "text"
    shutil.copytree(folder, text, ignore=shutil.ignore_patterns("*.duckdb"))
    lines = (text / "death.csv").read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace("-", "/", 1)
    (text / "death.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    wrong = [b for b in omop_quality(text) if b.rule == "conformance.cdmDatatype"]
    assert [(b.where, b.count) for b in wrong] == [("death.death_date", 1)]


def test_what_is_no_omop_is_one_clear_line(tmp_path):
    with pytest.raises(ContractError, match=r"holds no OMOP tables; it must hold omop\.duckdb"):
        omop_quality(tmp_path)
    (tmp_path / "death.csv").write_text("person_id\n1\n", encoding="utf-8")
    with pytest.raises(ContractError, match="holds no table person"):
        omop_quality(tmp_path)
    (tmp_path / "omop.duckdb").write_text("no database", encoding="utf-8")
    with pytest.raises(ContractError, match="cannot be read as OMOP tables"):
        omop_quality(tmp_path)


def test_the_command_asks_the_dashboard_too_and_says_nothing_twice(folder, tmp_path):
    schema = schema_for("omop@5.4")
    report = with_quality(check_tables(folder, schema), schema, folder)
    assert {b.rule for b in report.broken} == {UNMAPPED}
    text = tmp_path / "text"
    shutil.copytree(folder, text, ignore=shutil.ignore_patterns("*.duckdb", "export.json"))
    lines = (text / "death.csv").read_text(encoding="utf-8").splitlines()
    (text / "death.csv").write_text(
        "\n".join([lines[0], *(line.replace(",20", ",19", 1) for line in lines[1:])]) + "\n",
        encoding="utf-8",
    )
    report = with_quality(check_tables(text, schema), schema, text)
    assert not report.passes
    rules = [(b.rule, b.where) for b in report.broken]
    assert ("plausibility.plausibleDuringLife", "measurement.measurement_date") in rules
    other = check_tables(folder, schema)
    assert with_quality(other, load_schema("rare-cancer"), folder) is other
    assert with_quality(other, schema, tmp_path / "nowhere") is other
