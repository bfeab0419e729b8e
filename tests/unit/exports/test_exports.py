"""Cohorts in the formats of registries: against golden files, and as their readers read them."""

import contextlib
import csv
import hashlib
import json
import resource
import sqlite3
import zipfile
from pathlib import Path

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import ContractError, OutputError, SchemaError, UsageError
from synthgen.exports import export_cohort
from synthgen.exports.mapping import load_mapping
from synthgen.exports.rows import select
from synthgen.exports.targets import mapping_of, targets
from synthgen.exports.terms import TermWriter
from synthgen.schema.load import load_schema

MAPPED = [name for name, target in targets().items() if target.mapping is not None]
DELIMITED = [name for name in MAPPED if targets()[name].mapping.form == "csv"]

PATIENTS = """\
patient_id,sex,birth_year,birth_month,nationality_code,region_code,income_quintile,occupation_code,vital_status,last_contact_date,death_date,death_cause_icd10
SY00000002,2,1960,3,2,51,1,04,1,2023-12-31,,
SY00000001,1,1949,,,,,,2,2014-08-24,2014-08-24,C402
"""
TUMOURS = """\
tumour_id,patient_id,tumour_sequence,diagnosis_date,age_at_diagnosis,topography,morphology,behaviour,icd10,entity,grade,laterality,basis_of_diagnosis,diagnosis_route,seer_stage,stage_group,metastasis_at_dx,first_treatment_flags
SY00000002T1,SY00000002,1,2020-05-02,60,C402,9180,3,C402,osteosarcoma,3,2,8,3,7,IVA,1,11000
SY00000002T2,SY00000002,2,2021-01-31,60,C699,8720,3,C699,uveal_melanoma,9,1,3,,,,,
SY00000001T1,SY00000001,1,2013-12-28,64,C499,8803,3,C499,undifferentiated_sarcoma,1,,0,,9,,9,00000
"""


@pytest.fixture
def cohort(tmp_path):
    folder = tmp_path / "cohort"
    folder.mkdir()
    (folder / "patient.csv").write_text(PATIENTS, encoding="utf-8")
    (folder / "tumour.csv").write_text(TUMOURS, encoding="utf-8")
    manifest = {"schema": "rare-cancer@1.0.0", "files": {"patient.csv": {}, "tumour.csv": {}}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    model = load_model("kr-demo")
    folder = tmp_path_factory.mktemp("generated") / "cohort"
    write_cohort(model, settings_for(model, 400, seed=5), folder, formats=("parquet",))
    return folder


def rows(path, separator=","):
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=separator))


def exported(cohort, target, tmp_path, **options):
    export_cohort(cohort, target, tmp_path / target, options=options)
    return tmp_path / target


def test_a_registry_line_of_europe_says_what_the_tumour_says(cohort, tmp_path):
    first, second, third = rows(exported(cohort, "encr-jrc", tmp_path) / "incidence.csv", ";")
    assert len(first) == 39
    told = {k: v for k, v in first.items() if v}
    assert told == {
        "PAT": "SY00000002", "MoB": "3", "YoB": "1960", "Age": "60", "Sex": "2",
        "Geo_Code": "51", "TUM": "SY00000002T1", "MoI": "5", "YoI": "2020", "BoD": "7",
        "Topo": "C402", "Morpho": "9180", "Beh": "3", "Grade": "3", "Autopsy": "1",
        "Vit_stat": "1", "MoF": "12", "YoF": "2023", "Surv_time": "1338", "ToS": "S",
        "Stage": "4", "Surgery": "1", "Rt": "0", "Cht": "1", "It": "0", "Ht": "0",
    }  # fmt: skip
    assert (second["BoD"], second["Stage"], second["ToS"], second["Surgery"]) == (
        "2",
        "9",
        "9",
        "9",
    )
    assert (third["MoB"], third["Geo_Code"], third["CoD"], third["BoD"]) == ("99", "", "C402", "0")
    assert (third["Stage"], third["ToS"], third["Surgery"]) == ("9", "9", "0")


def test_a_line_of_the_korean_registry_says_what_the_tumour_says(cohort, tmp_path):
    first, second, third = rows(exported(cohort, "kcure-rgst", tmp_path) / "CNCR_RGST.csv")
    assert len(first) == 55
    assert {k: v for k, v in first.items() if v} == {
        "HCODE": "SYNTH", "PTNO": "SY00000002", "FDX": "20200502", "CNCR_RGST_SEQ": "1",
        "BRTH": "196003", "AGE": "60", "SEX": "2", "POPCODE": "99", "POPNAME": "기타암",
        "FRGCODE": "2", "FRGNAME": "내국인", "JOBCODE": "04", "JOBNAME": "판매종사직",
        "VISITPATHCODE": "3", "VISITPATHNAME": "증상발현 (임상적 발현)", "TCODE": "C402",
        "LATERCODE": "03", "LATERNAME": "Left: origin of primary", "MCODE": "91803",
        "BUNHWADOCODE": "03", "BUNHWADONAME": "Grade III", "METHODCODE": "08",
        "METHODNAME": "부검", "TXCHECKCODE": "1", "TXCHECKNAME": "시행", "TX": "11000",
        "DBYEAR": "2020", "SEERYEAR": "2000", "SEERCODE": "07",
        "SEERNAME": "Distant site(s)/node(s) involved", "STAGECODE": "TNM", "STAGEDESC": "IVA",
    }  # fmt: skip
    assert (second["CNCR_RGST_SEQ"], second["TXCHECKCODE"], second["SEERCODE"]) == ("2", "", "")
    assert (third["BRTH"], third["EXPIRE"], third["SAIN"]) == ("", "20140824", "C402")
    assert (third["TXCHECKCODE"], third["METHODCODE"]) == ("2", "99")


def test_options_fill_what_only_the_user_knows(cohort, tmp_path):
    folder = exported(cohort, "encr-jrc", tmp_path, geo="EE00", bom="yes")
    assert (folder / "incidence.csv").read_bytes()[:3] == b"\xef\xbb\xbf"
    assert [r["Geo_Code"] for r in rows(folder / "incidence.csv", ";")] == ["51", "51", "EE00"]
    folder = exported(cohort, "kcure-rgst", tmp_path, hospital="TEST")
    assert {r["HCODE"] for r in rows(folder / "CNCR_RGST.csv")} == {"TEST"}


@pytest.mark.parametrize("name", DELIMITED)
def test_a_database_with_the_types_and_keys_of_the_standard_takes_the_file(
    generated, tmp_path, name
):
    folder = exported(generated, name, tmp_path)
    mapping = targets()[name].mapping
    with duckdb.connect() as db:
        for table in mapping.tables:
            columns = [
                f'"{c.name}" {c.type}{" NOT NULL" if c.required else ""}' for c in table.columns
            ]
            key = ", ".join(f'"{n}"' for n in table.key)
            db.execute(f'CREATE TABLE "{table.name}" ({", ".join(columns)}, PRIMARY KEY ({key}))')
            path = folder / f"{table.called(mapping.options)}.csv"
            db.execute(
                f"COPY \"{table.name}\" FROM '{path}' (HEADER, DELIMITER '{mapping.separator}')"
            )
            count = db.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0]  # noqa: S608
            assert count >= 400 or name == "kcure-ccld"
            for column in table.columns:
                limit = column.type.partition("(")[2].rstrip(")")
                if limit and "," not in limit and column.type.startswith("V"):  # 20 is forgotten
                    query = f'SELECT max(length("{column.name}")) FROM "{table.name}"'  # noqa: S608
                    assert (db.execute(query).fetchone()[0] or 0) <= int(limit), column.name


@pytest.mark.parametrize("name", ["encr-jrc", "kcure-rgst", "sqlite"])
def test_the_same_cohort_gives_the_same_bytes(generated, tmp_path, name):
    hashes = set()
    for run in ("a", "b"):
        export_cohort(generated, name, tmp_path / run)
        files = sorted((tmp_path / run).glob("*.[cs][sq][vl]*"))
        assert files
        hashes.add(hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest())
    assert len(hashes) == 1


def test_a_cohort_that_holds_only_a_database_is_exported_like_its_files(generated, tmp_path):
    model = load_model("kr-demo")
    write_cohort(model, settings_for(model, 400, seed=5), tmp_path / "db", formats=("duckdb",))
    assert not list((tmp_path / "db").glob("*.parquet"))
    made = exported(tmp_path / "db", "kcure-rgst", tmp_path) / "CNCR_RGST.csv"
    export_cohort(generated, "kcure-rgst", tmp_path / "of-files")
    assert made.read_bytes() == (tmp_path / "of-files/CNCR_RGST.csv").read_bytes()
    (tmp_path / "db/cohort.duckdb").write_bytes(b"DUCK" * 2000)
    with pytest.raises(ContractError, match=r"cohort.duckdb: is not a whole DuckDB file"):
        export_cohort(tmp_path / "db", "kcure-rgst", tmp_path / "x")


def test_sqlite_holds_every_row_and_its_keys(generated, tmp_path):
    folder = exported(generated, "sqlite", tmp_path)
    with duckdb.connect() as source:
        wanted = source.execute(
            f"SELECT tumour_id, CAST(diagnosis_date AS VARCHAR), age_at_diagnosis "  # noqa: S608
            f"FROM '{generated / 'tumour.parquet'}' ORDER BY 1"
        ).fetchall()
    db = sqlite3.connect(folder / "cohort.sqlite")
    try:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = db.execute(
            "SELECT tumour_id, diagnosis_date, age_at_diagnosis FROM tumour ORDER BY 1"
        ).fetchall()
        assert found == wanted
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("INSERT INTO patient SELECT * FROM patient LIMIT 1")
    finally:
        db.close()


def test_invented_names_are_in_the_database_and_the_workbook(tmp_path):
    model = load_model("kr-demo")
    write_cohort(model, settings_for(model, 20, seed=5, names="ko"), tmp_path / "named")
    wanted = [row["demonstration_name"] for row in rows(tmp_path / "named/patient.csv")]
    assert all(name.endswith("(가상)") for name in wanted)
    database = exported(tmp_path / "named", "sqlite", tmp_path) / "cohort.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as db:
        found = db.execute("SELECT demonstration_name FROM patient ORDER BY rowid").fetchall()
    assert [name for (name,) in found] == wanted
    workbook = exported(tmp_path / "named", "excel", tmp_path) / "cohort.xlsx"
    with zipfile.ZipFile(workbook) as book:
        texts = "".join(book.read(name).decode() for name in book.namelist())
    assert texts.count("(가상)") == len(wanted)
    assert "demonstration_name" in texts


@contextlib.contextmanager
def small_files():
    """No file can grow beyond 256 KiB; those in temporary folders stay smaller here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**18, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_the_one_of_the_destination(cohort, tmp_path):
    head, first, *_ = TUMOURS.splitlines()
    more = [first.replace("00002T1", f"00002T{n}") for n in range(300)]
    (cohort / "tumour.csv").write_text("\n".join([head, *more, ""]))
    destination = tmp_path / "x"
    with small_files(), pytest.raises(OutputError, match=rf"^{destination}: cannot be written"):
        export_cohort(cohort, "fhir-mcode", destination)
    assert not destination.exists()


def test_a_cohort_of_a_schema_of_ones_own_is_exported_by_it(tmp_path):
    own = Path(__file__).parents[3] / "docs/how-to/examples/sarcoma-surgery"
    schema = load_schema(str(own))
    folder = tmp_path / "cohort"
    folder.mkdir()
    for table in schema.tables:
        (folder / f"{table.name}.csv").write_text(",".join(table.column_names) + "\n")
    files = {f"{table.name}.csv": {} for table in schema.tables}
    (folder / "manifest.json").write_text(json.dumps({"schema": schema.key, "files": files}))
    with pytest.raises(
        SchemaError, match="speaks sarcoma-surgery@1.0.0, which is not shipped; --s"
    ):
        export_cohort(folder, "sqlite", tmp_path / "x")
    with pytest.raises(SchemaError, match="is rare-cancer@1.1.0; the cohort speaks sarcoma-surg"):
        export_cohort(folder, "sqlite", tmp_path / "x", own_schema="rare-cancer@1.1.0")
    for target in ("sqlite", "excel"):
        made = export_cohort(folder, target, tmp_path / target, own_schema=str(own))
        assert made["rows"] == {"operation": 0, "visit": 0}


@pytest.mark.parametrize("name", MAPPED)
def test_every_column_is_filled_or_says_in_both_languages_why_not(name):
    mapping = mapping_of(name)
    assert mapping.differences
    for table in mapping.tables:
        select(mapping, table, load_schema("rare-cancer"), targets()[name].options)
        for column in table.columns:
            assert bool(column.empty) == bool(column.empty_ko)
            assert bool(column.note) == bool(column.note_ko)


def test_what_cannot_be_exported_is_one_clear_line(cohort, tmp_path):
    with pytest.raises(UsageError, match=r"target encr: is not known; did you mean encr-jrc\?"):
        export_cohort(cohort, "encr", tmp_path / "x")
    with pytest.raises(UsageError, match="kcure-rgst: has no option geo; it has: hospital, bom"):
        export_cohort(cohort, "kcure-rgst", tmp_path / "x", options={"geo": "EE"})
    with pytest.raises(UsageError, match="option bom is perhaps; it must be yes or no"):
        export_cohort(cohort, "encr-jrc", tmp_path / "x", options={"bom": "perhaps"})
    with pytest.raises(UsageError, match="sqlite: has no option a"):
        export_cohort(cohort, "sqlite", tmp_path / "x", options={"a": "b"})
    with pytest.raises(ContractError, match="is no cohort"):
        export_cohort(tmp_path, "sqlite", tmp_path / "x")
    (cohort / "tumour.csv").write_text(TUMOURS.replace("2020-05-02", "yesterday"), "utf-8")
    with pytest.raises(ContractError, match=r"tumour.csv: a cell does not fit its column"):
        export_cohort(cohort, "sqlite", tmp_path / "x")
    (cohort / "tumour.csv").unlink()
    with pytest.raises(ContractError, match=r"has no tumour.parquet or tumour.csv that"):
        export_cohort(cohort, "sqlite", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert not list(tmp_path.glob(".*"))


MAPPING = {
    "format": "export/1", "id": "mine", "title": "t", "title_ko": "t", "standard": "s",
    "licence": "l", "schema": "rare-cancer", "form": "csv", "differences": [],
    "tables": [
        {
            "name": "t", "title": "t", "title_ko": "t", "parts": [{"rows": "tumour"}],
            "columns": [{"name": "a", "type": "VARCHAR", "value": {"column": "tumour.entity"}}],
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": {"column": "tumour.colour"}}, "colour"),
        ({"value": {"column": "surgery.date"}}, "surgery.date cannot be reached"),
        ({"value": {"date": "tumour.entity", "as": "YYYY"}}, "tumour.entity is no date"),
        ({"value": {"sql": "1"}}, "sql"),
        ({"value": {"column": "x; DROP TABLE y"}}, "does not match"),
        ({"value": {"column": "tumour.entity"}, "type": "VARCHAR); DROP"}, "does not match"),
        ({"value": {}}, "non-empty|enough properties"),
        ({}, "must have a value, or a reason why"),
        ({"value": {"codes": {"a": "b"}}}, "a term must have one of"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(tmp_path, change, said):
    document = json.loads(json.dumps(MAPPING))
    column = document["tables"][0]["columns"][0]
    del column["value"]
    column.update(change)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SchemaError, match=said):
        mapping = load_mapping(path)
        select(mapping, mapping.tables[0], load_schema("rare-cancer"), {})


def test_hostile_constants_stay_text():
    writer = TermWriter(load_schema("rare-cancer"), "tumour", {}, "here")
    made = writer.write({"constant": "'; DROP TABLE patient; --"})
    with duckdb.connect() as db:
        assert db.execute(f"SELECT {made}").fetchone() == ("'; DROP TABLE patient; --",)


def test_the_page_on_exports_is_what_its_script_makes(load_script):
    here = Path(__file__).resolve().parents[3] / "docs/reference"
    if not (here.parents[1] / "evaluation/benchmarks").is_dir():
        pytest.skip("a source distribution holds no benchmarks")
    script = load_script(here / "exports.py")
    assert (here / "exports.md").read_text(encoding="utf-8") == script.page()
