"""A target as a schema: the same check on what is exported and on what is delivered."""

import csv
import json
import re
import shutil

import duckdb
import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import ContractError, SchemaError
from synthgen.exports import export_cohort
from synthgen.exports.contract import (
    FORMS,
    contract_target,
    contracts,
    exported_as,
    schema_for,
    target_schema,
)
from synthgen.exports.targets import mapping_of
from synthgen.schema.comparison import compare_tables
from synthgen.schema.validation import check_tables


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    model = load_model("kr-demo")
    folder = tmp_path_factory.mktemp("contract") / "cohort"
    write_cohort(model, settings_for(model, 300, seed=8), folder, formats=("parquet",))
    return folder


@pytest.fixture(scope="module")
def library(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract") / "library"
    export_cohort(cohort, "kcure-ccld", folder)
    return folder


@pytest.fixture
def delivery(library, tmp_path):
    """A library as a hospital sends it: another prefix, no export.json."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    for path in library.glob("RRCN_*.csv"):
        shutil.copy(path, folder / path.name.replace("RRCN_", "GSCN_"))
    return folder


def change(path, column, value, *, row=0):
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    rows[row][column] = value
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def broken(folder):
    report = check_tables(folder, schema_for("kcure-ccld@1", folder))
    return {(b.rule, b.where.partition("_")[2]) for b in report.impossible}, report


@pytest.mark.parametrize("target", ["kcure-ccld", "kcure-rgst", "encr-jrc", "omop-5.4", "omop-5.3"])
def test_what_is_exported_keeps_the_contract_of_its_target(cohort, tmp_path, target):
    folder = tmp_path / "out"
    export_cohort(cohort, target, folder)
    assert exported_as(folder) == target
    report = check_tables(folder, schema_for(target, folder))
    assert report.broken == ()
    assert sum(report.rows.values()) >= 300


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("kcure-ccld@1", "kcure-ccld"),
        ("kcure-ccld", "kcure-ccld"),
        ("kcure-rgst@1.0.0", "kcure-rgst"),
        ("omop@5.4", "omop-5.4"),
        ("omop@5.3", "omop-5.3"),
        ("omop-5.4", "omop-5.4"),
        ("encr-jrc@1", "encr-jrc"),
        ("rare-cancer", ""),
        ("rare-cancer@1.0.0", ""),
    ],
)
def test_a_target_is_named_like_a_schema(name, target):
    assert contract_target(name) == target
    assert schema_for(name).tables


def test_a_target_in_no_such_version_is_one_line():
    with pytest.raises(SchemaError, match=r"schema omop: has no version 6.0; there are omop@5"):
        schema_for("omop@6.0")
    with pytest.raises(SchemaError, match="schema omop: has several versions"):
        schema_for("omop")


def test_the_common_core_has_16_tables_with_four_part_keys():
    schema = target_schema(mapping_of("kcure-ccld"), {"prefix": "GSCN"})
    assert len(schema.tables) == 16
    assert sum(len(table.columns) for table in schema.tables) == 295
    for table in schema.tables:
        assert table.name.startswith("GSCN_")
        assert len(table.primary_key) == 4
        assert table.primary_key[:2] == ("HOSP_CD", "PT_SBST_NO")
        assert [c.name for c in table.columns if not c.nullable] == list(table.primary_key)
        assert table.columns[-1].name == "CRTN_DT"


def test_the_prefix_of_a_delivery_is_seen_in_its_files(delivery):
    found, report = broken(delivery)
    assert found == set()
    assert "GSCN_DIAG_INF" in report.rows
    shutil.copy(delivery / "GSCN_DIAG_INF.csv", delivery / "BRCN_DIAG_INF.csv")
    with pytest.raises(ContractError, match=r"has tables of 2 cancers \(BRCN, GSCN\)"):
        schema_for("kcure-ccld@1", delivery)


def test_the_prefix_of_a_delivery_is_seen_in_a_database_too(delivery, tmp_path):
    file = tmp_path / "library.duckdb"
    with duckdb.connect(str(file)) as db:
        for path in delivery.glob("GSCN_*.csv"):
            read = f"read_csv('{path}', header=true, all_varchar=true)"
            db.execute(f'CREATE TABLE "{path.stem}" AS SELECT * FROM {read}')  # noqa: S608
    schema = schema_for("kcure-ccld@1", file)
    assert {t.name.partition("_")[0] for t in schema.tables} == {"GSCN"}
    report = check_tables(file, schema)
    assert not [b for b in report.broken if b.rule.startswith("structure")]
    assert report.rows["GSCN_DIAG_INF"] > 300
    (tmp_path / "broken.duckdb").write_bytes(file.read_bytes()[:5000])
    assert schema_for("kcure-ccld@1", tmp_path / "broken.duckdb").tables[0].name == "RRCN_PT_HLINF"


def test_a_code_with_the_name_of_another_is_wrong_and_an_unknown_name_is_counted(delivery):
    path = delivery / "GSCN_TRTM_RD.csv"
    change(path, "RDT_PRPS_CD", "1", row=0)
    change(path, "RDT_PRPS_NM", "Palliative", row=0)
    change(path, "RDT_PRPS_CD", "1", row=1)
    change(path, "RDT_PRPS_NM", "Curative intent", row=1)
    change(path, "RDT_PRPS_CD", "1", row=2)
    change(path, "RDT_PRPS_NM", "", row=2)
    report = check_tables(delivery, schema_for("kcure-ccld@1", delivery))
    named = [b for b in report.broken if b.rule.startswith("NAME")]
    assert [(b.rule, b.severity.value, b.count) for b in named] == [
        ("NAME-GSCN_TRTM_RD.RDT_PRPS_NM", "impossible", 1),
        ("NAME-UNLISTED-GSCN_TRTM_RD.RDT_PRPS_NM", "unlikely", 1),
    ]
    told = "\n".join(report.lines("en"))
    assert "holds the name of another code than RDT_PRPS_CD" in told
    assert "Palliative" not in told


def test_every_name_that_an_export_writes_is_the_name_of_its_code(clinical, tmp_path):
    """Of the registry table, whose names are mapped on their own, and of the library."""
    for target, options in (("kcure-rgst", {}), ("kcure-ccld", {"availability": "full"})):
        export_cohort(clinical, target, tmp_path / target, options=options)
        schema = schema_for(f"{target}@1", tmp_path / target)
        assert any(rule.id.startswith("NAME-") for rule in schema.rules)
        assert check_tables(tmp_path / target, schema).broken == ()
    names = mapping_of("kcure-rgst").code_lists
    for column in (c for t in mapping_of("kcure-rgst").tables for c in t.columns):
        if column.name_of and column.value is not None:
            code = next(
                c for t in mapping_of("kcure-rgst").tables for c in t.columns
                if c.name == column.name_of
            )  # fmt: skip
            told = column.value.get("codes", {"": column.value.get("constant")})
            assert set(told.values()) <= set(names[code.codes].names.values()), column.name


WRONG = [
    ("DIAG_INF", "DIAG_RGST_YMD", "2020-01-31", "column.pattern"),
    ("DIAG_MTST", "MTDG_YMD", "20230229", "column.pattern"),
    ("DIAG_INF", "HOSP_CD", "", "column.missing"),
    ("DIAG_INF", "PT_SBST_NO", "RN000000001", "column.pattern"),
    ("DIAG_INF", "DIAG_RGST_SEQ", "1000", "column.range"),
    ("TRTM_OPRT", "OPRT_KNCD", "77", "column.code"),
    ("TRTM_OPRT", "OPRT_LDTM", "3 hours", "column.pattern"),
    ("TRTM_RD", "RD_GY", "much", "column.type"),
]


def test_what_the_definitions_forbid_is_found_without_a_value(delivery):
    for row, (table, column, value, _) in enumerate(WRONG):
        change(delivery / f"GSCN_{table}.csv", column, value, row=row)
    found, report = broken(delivery)
    assert found == {(rule, f"{table}.{column}") for table, column, _, rule in WRONG}
    told = "\n".join([*report.lines("en"), *report.lines("ko"), json.dumps(report.as_json())])
    assert not [value for _, _, value, _ in WRONG if len(value) > 4 and value in told]
    assert "^(" not in told  # forms are said in words, not as expressions


def test_a_repeated_key_a_missing_column_and_a_missing_table_are_found(delivery):
    path = delivery / "GSCN_DIAG_INF.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[-1]]) + "\n", encoding="utf-8")
    (delivery / "GSCN_PT_FMHT.csv").unlink()
    head = (delivery / "GSCN_TRTM_RD.csv").read_text(encoding="utf-8").replace("RD_GY", "X", 1)
    (delivery / "GSCN_TRTM_RD.csv").write_text(head, encoding="utf-8")
    found, _ = broken(delivery)
    assert "key.unique" in {rule for rule, where in found if where.startswith("DIAG_INF.")}
    assert ("structure.table", "PT_FMHT") in found
    assert ("structure.column", "TRTM_RD.RD_GY") in found


@pytest.mark.parametrize(
    ("encoding", "separator", "said"),
    [
        ("cp949", ",", ["CP949"]),
        ("euc-kr", "\t", ["CP949", "separator tab"]),
        ("utf-8-sig", ";", ["separator ;"]),
        ("utf-16", "\t", ["UTF-16", "separator tab"]),
        ("utf-16-le", ",", ["UTF-16"]),
        ("utf-8-sig", ",", ["UTF-8 (BOM)"]),
        ("utf-8", ",", []),
    ],
)
def test_encodings_and_separators_of_deliveries_are_read_and_named(
    delivery, encoding, separator, said
):
    path = delivery / "GSCN_TRTM_OPRT.csv"
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    found, report = broken(path)
    assert found == set()
    assert report.rows == {"GSCN_TRTM_OPRT": len(rows) - 1}
    notes = " ".join(note.label("en") for note in report.notes)
    assert all(word in notes for word in said)
    assert ("read as" in notes) == (encoding != "utf-8")


def test_a_file_that_is_no_text_is_one_line(delivery):
    path = delivery / "GSCN_TRTM_OPRT.csv"
    path.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(ContractError, match=r"GSCN_TRTM_OPRT.csv: is a workbook or zip archive"):
        broken(path)


def test_forms_are_days_of_a_calendar():
    days = re.compile(FORMS["YYYYMMDD"])
    good = ["20200229", "20000229", "19990228", "20231231"]
    assert [d for d in good if days.fullmatch(d)] == good
    bad = ["20230229", "19000229", "20200230", "20201301", "20200431", "2020-1-1", "18991231"]
    assert [d for d in bad if days.fullmatch(d)] == []


def test_every_target_with_a_mapping_is_a_contract():
    assert set(contracts()) == {
        "kcure-ccld@1.0.0", "kcure-rgst@1.0.0", "encr-jrc@1.0.0", "omop@5.4", "omop@5.3"
    }  # fmt: skip


def test_the_command_line_checks_and_compares_a_delivery_by_its_target(cohort, tmp_path):
    export_cohort(cohort, "kcure-rgst", tmp_path / "ours")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(tmp_path / "ours/CNCR_RGST.csv", theirs)
    runner = CliRunner()
    checked = runner.invoke(commands, ["check", str(tmp_path / "ours")])
    assert checked.exit_code == 0, checked.output
    assert "kcure-rgst@1.0.0 is kept" in checked.output
    change(theirs / "CNCR_RGST.csv", "SEX", "7")
    checked = runner.invoke(commands, ["check", str(theirs), "--schema", "kcure-rgst@1", "--json"])
    assert checked.exit_code == 4
    assert json.loads(checked.stdout)["broken"][0]["rule"] == "column.code"
    compared = runner.invoke(commands, ["diff", str(tmp_path / "ours"), str(theirs)])
    assert compared.exit_code == 4
    assert "CNCR_RGST.SEX" in compared.output


def test_codes_never_seen_and_columns_that_fill_are_named(library, delivery):
    ours, theirs = library / "RRCN_TRTM_OPRT.csv", delivery / "GSCN_TRTM_OPRT.csv"
    change(theirs, "OPRT_KNCD", "27")
    change(theirs, "OPRT_PRPS_CD", "1")
    found = compare_tables(
        ours,
        theirs,
        schema_for("kcure-ccld", ours),
        schema_b=schema_for("kcure-ccld", theirs),
    )
    kinds = {(d.kind, d.column): d for d in found.differences}
    assert kinds["codes.unseen", "OPRT_KNCD"].codes == ("27",)
    assert ("gaps.filled", "OPRT_PRPS_CD") in kinds


def test_shifts_are_told_by_public_codes_and_distances_and_small_numbers_are_not(cohort, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    export_cohort(cohort, "kcure-rgst", ours)
    theirs.mkdir()
    with (ours / "CNCR_RGST.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    for at, row in enumerate(rows):
        row["FDX"] = f"{int(row['FDX'][:4]) - 5}{row['FDX'][4:6]}28"
        row["SEX"] = "1"
        row["JOBCODE"] = "03" if at < 3 else row["JOBCODE"]
    with (theirs / "CNCR_RGST.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = compare_tables(ours, theirs, schema_for("kcure-rgst"))
    kinds = {(d.kind, d.column): d for d in found.differences}
    assert ("values.shifted", "FDX") in kinds
    assert ("values.shares", "SEX") in kinds
    assert ("values.shifted", "BRTH") not in kinds
    told = "\n".join([*found.lines("en"), *found.lines("ko"), json.dumps(found.as_json())])
    assert not [row["FDX"] for row in rows if row["FDX"] in told]
    same = compare_tables(ours, ours, schema_for("kcure-rgst"))
    assert same.differences == ()


def test_a_count_under_the_threshold_is_not_said(library, delivery):
    ours, theirs = library / "RRCN_TRTM_OPRT.csv", delivery / "GSCN_TRTM_OPRT.csv"
    change(theirs, "OPRT_KNCD", "27")
    named = schema_for("kcure-ccld", theirs)
    found = compare_tables(ours, theirs, schema_for("kcure-ccld", ours), schema_b=named)
    (line,) = [line for line in found.lines("en") if "codes.unseen" in line]
    assert "rows: <5" in line
    (entry,) = [d for d in found.as_json()["differences"] if d["kind"] == "codes.unseen"]
    assert (entry["count"], entry["fewer_than"]) == (0, 5)


def test_a_name_that_is_no_schema_is_told_which_targets_there_are():
    with pytest.raises(
        SchemaError, match=r"^encr@1: is neither .* rare-cancer, omop@5\.4, .*encr-"
    ):
        schema_for("encr@1")


def test_the_last_line_of_a_diff_names_what_was_compared_and_not_every_table(delivery):
    schema = target_schema(mapping_of("kcure-ccld"), {"prefix": "GSCN"})
    path = delivery / "GSCN_TRTM_RD.csv"
    shutil.copytree(delivery, delivery.parent / "other")
    path.write_text(path.read_text(encoding="utf-8").replace("RDT_PRPS_NM", "PURPOSE"), "utf-8")
    found = compare_tables(delivery.parent / "other", delivery, schema)
    with pytest.raises(
        ContractError, match=r"/delivery: would break a program made for [^(]*/other"
    ):
        found.demand()
