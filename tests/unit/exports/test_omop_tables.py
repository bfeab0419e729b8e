"""All tables of the OMOP standard stand in the DuckDB file, and concepts come from opened sources."""

import csv

import duckdb
import pytest

from synthgen.errors import UsageError
from synthgen.exports import export_cohort
from synthgen.exports.omop_tables import empty_tables, standard_tables
from synthgen.exports.targets import mapping_of
from synthgen.exports.vocabulary import (
    VERSION,
    Vocabulary,
    known_concepts,
    listed_concepts,
)

#: Tables of the DDL of each version (OHDSI/CommonDataModel, inst/ddl).
HOW_MANY = {"5.4": 39, "5.3": 37}


@pytest.fixture(scope="module")
def exported(clinical, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "out"
    export_cohort(clinical, "omop-5.4", folder)
    return folder


@pytest.mark.parametrize("version", HOW_MANY)
def test_every_table_of_the_standard_is_named_once_and_leads_to_tables_that_are_there(version):
    tables = standard_tables(mapping_of(f"omop-{version}"))
    names = [t.name for t in tables]
    assert len(names) == len(set(names)) == HOW_MANY[version]
    keys = {t.name: t.key for t in tables}
    for table in tables:
        columns = [c.name for c in table.columns]
        assert len(columns) == len(set(columns))
        assert set(table.key) <= set(columns)
        for column, other in table.references:
            assert column in columns, (table.name, column)
            assert len(keys[other]) == 1, (table.name, other)


def test_the_versions_differ_as_the_standards_do():
    there = {v: {t.name: [c.name for c in t.columns] for t in empty_tables(v)} for v in HOW_MANY}
    assert set(there["5.4"]) ^ set(there["5.3"]) == {"cohort", "attribute_definition"}
    assert set(there["5.4"]["note"]) - set(there["5.3"]["note"]) == {
        "note_event_id",
        "note_event_field_concept_id",
    }
    assert "metadata_id" not in there["5.3"]["metadata"]
    assert "visit_detail_parent_id" in there["5.3"]["visit_detail"]


def test_the_file_holds_every_table_and_only_filled_ones_have_rows(exported):
    filled = {t.name for t in mapping_of("omop-5.4").tables}
    with duckdb.connect(str(exported / "omop.duckdb"), read_only=True) as db:
        found = {row[0] for row in db.execute("SHOW TABLES").fetchall()}
        assert found == {t.name for t in standard_tables(mapping_of("omop-5.4"))}
        for table in found - filled:
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
        with pytest.raises(duckdb.Error):
            db.execute("INSERT INTO person SELECT * FROM person")
    assert {p.stem for p in exported.glob("*.csv")} == filled


def test_csv_files_of_empty_tables_are_made_when_asked_for(clinical, tmp_path):
    out = tmp_path / "out"
    made = export_cohort(clinical, "omop-5.3", out, options={"tables": "all"})
    assert len(list(out.glob("*.csv"))) == HOW_MANY["5.3"] == len(made["rows"])
    head = (out / "note_nlp.csv").read_text(encoding="utf-8")
    assert head.startswith("note_nlp_id,note_id,section_concept_id,snippet,offset,")
    with pytest.raises(UsageError, match="option tables is some; it must be filled or all"):
        export_cohort(clinical, "omop-5.3", tmp_path / "no", options={"tables": "some"})


def test_a_download_from_athena_goes_into_the_tables_as_the_page_says(exported, tmp_path):
    """With quotes and tabs as Athena writes them, and days without dashes."""
    with duckdb.connect(str(exported / "omop.duckdb"), read_only=True) as db:
        head = [row[0] for row in db.execute("DESCRIBE concept").fetchall()]
    row = ["8507", '5" MALE', "Gender", "Gender", "Gender", "S", "M", "19700101", "20991231", ""]
    file = tmp_path / "CONCEPT.csv"
    file.write_text("\t".join(head) + "\n" + "\t".join(row) + "\n", encoding="utf-8")
    copy = tmp_path / "omop.duckdb"
    copy.write_bytes((exported / "omop.duckdb").read_bytes())
    with duckdb.connect(str(copy)) as db:
        db.execute(
            f"COPY concept FROM '{file}' (DELIMITER '\\t', HEADER, QUOTE '', DATEFORMAT '%Y%m%d')"
        )
        named = "SELECT count(*) FROM person JOIN concept ON gender_concept_id = concept_id"
        assert db.execute(named).fetchone() == (2,)


def test_metastasis_at_diagnosis_stands_once_for_each_tumour(clinical, tmp_path):
    tumours = (clinical / "tumour.csv").read_text(encoding="utf-8")
    more = tmp_path / "cohort"
    more.mkdir()
    for path in clinical.iterdir():
        (more / path.name).write_bytes(path.read_bytes())
    # T1 of the first patient is metastatic with a site on that day, T2 of the second without one.
    changed = tumours.replace("7,3,2,IIIA,0,11100", "7,3,7,IV,1,11100")
    changed = changed.replace("7,2,1,I,0,10000", "7,2,7,IV,1,10000")
    assert changed != tumours
    (more / "tumour.csv").write_text(changed, encoding="utf-8")
    sites = (clinical / "metastasis.csv").read_text(encoding="utf-8")
    (more / "metastasis.csv").write_text(sites.replace("2020-02-10", "2018-03-12"), "utf-8")
    for version in HOW_MANY:
        out = tmp_path / version
        export_cohort(more, f"omop-{version}", out)
        with (out / "measurement.csv").open(encoding="utf-8") as opened:
            found = sorted(
                (r["measurement_source_value"], r["measurement_date"], r["value_source_value"])
                for r in csv.DictReader(opened)
                if r["measurement_concept_id"] in {"36769180", "36770283"}
            )
        assert found == [
            ("distant metastasis", "2018-03-12", "C341"),
            ("distant metastasis", "2021-01-11", "C220"),
            ("metastasis at diagnosis", "2022-02-01", "1"),
        ]
        with (out / "observation.csv").open(encoding="utf-8") as opened:
            said = [
                r["value_as_string"]
                for r in csv.DictReader(opened)
                if r["observation_source_value"] == "metastasis at diagnosis"
            ]
        assert sorted(said) == ["0", "0", "9"]


def test_laboratory_results_sizes_and_units_have_listed_concepts(exported):
    with (exported / "measurement.csv").open(encoding="utf-8") as opened:
        found = {
            r["measurement_source_value"]: (r["measurement_concept_id"], r["unit_concept_id"])
            for r in csv.DictReader(opened)
        }
    assert found["8302-2"] == ("3036277", "8582")
    assert found["29463-7"] == ("3025315", "9529")
    assert found["tumour size"] == ("3046581", "8588")
    assert found["mitotic count"] == ("0", "32667")
    assert found["89247-1"] == ("0", "44777566")
    assert found["KIT NGS somatic"] == ("0", "")


def test_every_listed_concept_says_where_it_was_seen_and_stands_once():
    ids = [c.concept for c in listed_concepts()]
    assert len(ids) == len(set(ids))
    codes = [(c.vocabulary, c.ours or c.code) for c in listed_concepts() if c.code]
    assert len(codes) == len(set(codes)) >= 20


def test_codes_that_a_vocabulary_writes_otherwise_are_found_in_it():
    release = "v5.0 29-FEB-24"
    assert VERSION.fullmatch(release)
    own = Vocabulary(release, [("UCUM", "[U]/L", 1, 2), ("ICDO3", "8000/3-C80.9", 3, 4)])
    assert known_concepts(own) == [*own.concepts, ("UCUM", "U/L", 1, 2)]
    assert ("UCUM", "U/L", 8645, 8645) in known_concepts(None)
