"""OMOP: what the standard demands of the tables, asked in SQL, and a vocabulary of one's own."""

import csv

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.exports import export_cohort
from synthgen.exports.targets import mapping_of
from synthgen.exports.vocabulary import read_vocabulary

VERSIONS = ("omop-5.4", "omop-5.3")

#: Modelled on the checks of OHDSI's DataQualityDashboard (Blacketer et al. 2021,
#: doi:10.1093/jamia/ocab132): each query counts rows that break a rule; {t} is a table.
PLAUSIBILITY = {
    "nobody is born after a diagnosis": (
        "SELECT count(*) FROM condition_occurrence JOIN person USING (person_id) "
        "WHERE year_of_birth > year(condition_start_date)"
    ),
    "no event lies outside the observation period": (
        "SELECT count(*) FROM condition_occurrence JOIN observation_period USING (person_id) "
        "WHERE condition_start_date < observation_period_start_date "
        "OR condition_start_date > observation_period_end_date"
    ),
    "observation periods end after they begin": (
        "SELECT count(*) FROM observation_period "
        "WHERE observation_period_end_date < observation_period_start_date"
    ),
    "nothing happens after death": (
        "SELECT count(*) FROM measurement JOIN death USING (person_id) "
        "WHERE measurement_date > death_date"
    ),
    "observation ends on the day of death": (
        "SELECT count(*) FROM observation_period JOIN death USING (person_id) "
        "WHERE observation_period_end_date <> death_date"
    ),
    "drugs end after they begin": (
        "SELECT count(*) FROM drug_exposure WHERE drug_exposure_end_date < drug_exposure_start_date"
    ),
    "no man has a gynaecological tumour": (
        "SELECT count(*) FROM condition_occurrence JOIN person USING (person_id) WHERE "
        "gender_concept_id = 8507 AND regexp_matches(condition_source_value, '-C5[1-8]')"
    ),
    "source values have the form of ICD-O-3": (
        "SELECT count(*) FROM condition_occurrence WHERE NOT regexp_full_match("
        "condition_source_value, '[0-9]{4}/[0-3]-C[0-9]{2}\\.[0-9]')"
    ),
    "everybody has a sex that OMOP knows": (
        "SELECT count(*) FROM person WHERE gender_concept_id NOT IN (8507, 8532)"
    ),
}
COMPLETENESS = {
    "everybody is observed": "SELECT count(*) FROM person ANTI JOIN observation_period USING (person_id)",
    "everybody has a tumour": (
        "SELECT count(*) FROM person ANTI JOIN condition_occurrence USING (person_id)"
    ),
    "every tumour has its visit": (
        "SELECT count(*) FROM condition_occurrence ANTI JOIN visit_occurrence "
        "USING (visit_occurrence_id)"
    ),
}


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


@pytest.mark.parametrize("rule", [*PLAUSIBILITY, *COMPLETENESS])
def test_no_row_breaks_a_rule_of_the_dashboard(database, rule):
    _, db = database
    assert asked(db, {**PLAUSIBILITY, **COMPLETENESS}[rule]) == 0


def test_the_file_has_the_columns_types_and_keys_of_the_standard(database):
    name, db = database
    for table in mapping_of(name).tables:
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
    assert asked(db, keys) == sum(len(t.references) for t in mapping_of(name).tables)


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
