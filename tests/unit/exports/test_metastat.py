"""Meta-statistics counted from a cohort are what a hospital's are: read, checked and tabulated."""

import csv
import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.exports import export_cohort
from synthgen.exports.contract import schema_for
from synthgen.schema.load import load_schema
from synthgen.schema.model import ColumnType
from synthgen.statistics.metastatistics import read_metastatistics
from synthgen.statistics.read import read_pack


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    model = load_model("kr-demo")
    folder = tmp_path_factory.mktemp("metastat") / "cohort"
    write_cohort(model, settings_for(model, 300, seed=6), folder, formats=("parquet",))
    return folder


@pytest.fixture(scope="module")
def counted(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("metastat") / "counted"
    export_cohort(cohort, "kcure-metastat", folder)
    return folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def told(folder, table):
    return rows(folder / f"CNCR_TBL_{table}_STATS.csv")


def test_codes_are_counted_as_they_stand_in_the_cohort(cohort, counted):
    with duckdb.connect() as db:
        stages = db.execute(f"SELECT seer_stage FROM '{cohort}/tumour.parquet'").fetchall()  # noqa: S608
    wanted = Counter(code for (code,) in stages if code is not None)
    mine = [
        r
        for r in told(counted, "CD_DTRN")
        if (r["TBL_ID"], r["COL_ID"]) == ("TUMOUR", "SEER_STAGE")
    ]
    assert {r["CD_VL"]: int(r["ROW_CNT"]) for r in mine} == dict(wanted)
    assert all(int(r["PT_CNT"]) <= int(r["ROW_CNT"]) for r in mine)
    years = [r for r in told(counted, "CD_YR") if r["COL_ID"] == "SEER_STAGE"]
    assert sum(int(r["ROW_CNT"]) for r in years) == sum(wanted.values())
    gaps = next(r for r in told(counted, "COL_DTRN") if r["COL_ID"] == "SEER_STAGE")
    assert int(gaps["ROW_CNT"]) - int(gaps["NULL_NCS"]) == sum(wanted.values())


def test_the_columns_are_those_of_the_definition(counted):
    assert list(told(counted, "CD_YR")[0]) == [
        "HOSP_CD", "TBL_ID", "COL_ID", "CD_VL", "COL_SEQ", "CRIT_YR", "ROW_CNT", "PT_CNT",
        "STATS_WORK_YMD", "COLL_STRT_YMD", "COLL_END_YMD", "CRTN_DT",
    ]  # fmt: skip
    assert list(told(counted, "COL_DTRN")[0])[3:14] == [
        "COL_SEQ", "ROW_CNT", "NULL_NCS", "PT_CNT", "AVE_VL", "MIN_VL", "N1_QRTL_CNT",
        "N2_QRTL_CNT", "N3_QRTL_CNT", "N4_QRTL_CNT", "MODE_VL",
    ]  # fmt: skip


def test_ages_have_their_quartiles_and_texts_have_none(cohort, counted):
    with duckdb.connect() as db:
        wanted = db.execute(
            "SELECT round(avg(age_at_diagnosis), 3), min(age_at_diagnosis), "  # noqa: S608
            "quantile_disc(age_at_diagnosis, 0.5), max(age_at_diagnosis) "
            f"FROM '{cohort}/tumour.parquet'"
        ).fetchone()
    found = {r["COL_ID"]: r for r in told(counted, "COL_DTRN")}
    age = found["AGE_AT_DIAGNOSIS"]
    mine = [age[k] for k in ("AVE_VL", "MIN_VL", "N2_QRTL_CNT", "N4_QRTL_CNT")]
    assert [float(v) for v in mine] == pytest.approx([float(v) for v in wanted])
    assert found["TOPOGRAPHY"]["AVE_VL"] == ""


def test_they_are_read_as_a_pack(counted):
    pack = read_metastatistics(counted, load_schema("rare-cancer"))
    assert {"sex", "seer_stage"} <= {table.name for table in pack.tables}


def test_the_tables_of_the_library_are_counted_too(cohort, tmp_path):
    export_cohort(cohort, "kcure-metastat", tmp_path / "out", options={"tables": "kcure"})
    mine = told(tmp_path / "out", "CD_DTRN")
    assert {"CNCR_RGST", "RRCN_DIAG_MTST", "RRCN_TRTM_OPRT"} >= {
        r["TBL_ID"] for r in mine if "BYPS" not in r["TBL_ID"]
    }
    sexes = {r["CD_VL"]: int(r["ROW_CNT"]) for r in mine if r["COL_ID"] == "SEX"}
    assert set(sexes) == {"1", "2"}
    pack = read_metastatistics(tmp_path / "out", schema_for("kcure-rgst@1"))
    assert {c.members["sex"][0]: c.value for c in pack.table("sex").cells if c.members} == sexes


def test_options_that_cannot_be_meant_are_one_line(cohort, tmp_path):
    for options, said in (
        ({"tables": "all"}, "option tables is all; it must be cohort or kcure"),
        ({"colour": "red"}, "has no option colour; it has: hospital, tables, prefix, bom"),
    ):
        with pytest.raises(UsageError, match=said):
            export_cohort(cohort, "kcure-metastat", tmp_path / "x", options=options)


EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"
CODE_ROWS = """HOSP_CD,TBL_ID,COL_ID,CD_VL,COL_SEQ,ROW_CNT,PT_CNT
H1,OPERATION,STATUS,alive,9,97,97
H1,OPERATION,STATUS,dead,9,3,3
"""


def test_the_command_line_checks_them_and_makes_a_protected_pack(tmp_path):
    folder = tmp_path / "counts"
    folder.mkdir()
    (folder / "CNCR_TBL_CD_DTRN_STATS.csv").write_text(CODE_ROWS)
    runner = CliRunner()
    checked = runner.invoke(commands, ["check", str(folder), "--schema", str(EXAMPLE), "--json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["passes"]
    asked = ["tabulate", str(folder), "--schema", str(EXAMPLE), "-o", str(tmp_path / "pack")]
    made = runner.invoke(commands, asked)
    assert made.exit_code == 0, made.output
    (table,) = read_pack(tmp_path / "pack").tables
    assert table.variables == ("status",)
    assert [c for c in table.cells if c.lower == c.upper and 0 < c.value < 5] == []
    refused = runner.invoke(commands, [*asked, "--unprotected"])
    assert refused.exit_code == 2
    assert "holds meta-statistics" in refused.output
    (folder / "CNCR_TBL_CD_DTRN_STATS.csv").write_text(
        CODE_ROWS + "H2,OPERATION,STATUS,dead,9,9,9\n"
    )
    several = runner.invoke(commands, asked)
    assert "holds 2 hospitals" in several.output
    one = runner.invoke(commands, [*asked, "--hospital", "H2", "--force", "--dry-run"])
    assert one.exit_code == 0, one.output


HOSPITAL = """HOSP_CD,TBL_ID,COL_ID,CD_VL,COL_SEQ,ROW_CNT,PT_CNT,STATS_WORK_YMD,COLL_STRT_YMD,COLL_END_YMD,CRTN_DT
10050,99010,9901007,99,7,40,38,20230216,20100101,20211231,2023-02-16
10050,99010,9901017,3,17,30,30,20230216,20100101,20211231,2023-02-16
10050,99010,9901048,TNM,48,20,20,20230216,20100101,20211231,2023-02-16
10050,99010,9901033,07,33,12,12,20230216,20100101,20211231,2023-02-16
"""


def test_the_numbers_that_a_hospitals_scripts_write_are_understood(tmp_path):
    """Of the scripts, and of CNCR_TBL_COL_META, which counts one column more."""
    (tmp_path / "CNCR_TBL_CD_DTRN_STATS.csv").write_text(HOSPITAL, encoding="utf-8")
    pack = read_metastatistics(tmp_path, schema_for("kcure-rgst@1"))
    counted = {
        table.name: {
            c.members[table.name][0]: c.value for c in table.cells if c.value and c.members
        }
        for table in pack.tables
    }
    assert counted == {"popcode": {"99": 40}, "visitpathcode": {"3": 30}, "methodcode": {"07": 12}}


def test_every_column_of_every_clinical_table_is_counted_as_it_is(clinical, tmp_path):
    """What the tables can hold: codes, gaps, patients and quartiles; of texts and days, how many."""
    export_cohort(clinical, "kcure-metastat", tmp_path / "out")
    codes, columns = told(tmp_path / "out", "CD_DTRN"), told(tmp_path / "out", "COL_DTRN")
    counted = {(r["TBL_ID"], r["COL_ID"]): r for r in columns}
    owner = {r["tumour_id"]: r["patient_id"] for r in rows(clinical / "tumour.csv")}
    line = {r["line_id"]: r["tumour_id"] for r in rows(clinical / "treatment_line.csv")}
    schema = load_schema("rare-cancer@1.1.0")
    assert len(counted) == len(columns) == sum(len(t.columns) for t in schema.tables)
    for table in schema.tables:
        mine = rows(clinical / f"{table.name}.csv")
        people = [
            r.get("patient_id") or owner[r.get("tumour_id") or line[r["line_id"]]] for r in mine
        ]
        for column in table.columns:
            key = (table.name.upper(), column.name.upper())
            cells = [r[column.name] for r in mine]
            filled = [cell for cell in cells if cell]
            row = counted[key]
            told_counts = [int(row[k]) for k in ("ROW_CNT", "NULL_NCS", "PT_CNT")]
            assert told_counts == [len(mine), len(mine) - len(filled), len(set(people))], key
            with_codes = {
                r["CD_VL"]: (int(r["ROW_CNT"]), int(r["PT_CNT"]))
                for r in codes
                if (r["TBL_ID"], r["COL_ID"]) == key
            }
            held = {
                code: (
                    count,
                    len({p for p, cell in zip(people, cells, strict=True) if cell == code}),
                )
                for code, count in Counter(filled).items()
            }
            assert with_codes == (held if column.codes is not None else {}), key
            least, most = row["MIN_VL"], row["N4_QRTL_CNT"]
            numbers = column.type in (ColumnType.INTEGER, ColumnType.NUMBER) and filled
            ends = [min(map(float, filled)), max(map(float, filled))] if numbers else []
            assert [float(v) for v in (least, most) if v] == ends, key


@pytest.mark.parametrize("tables", ["cohort", "kcure"])
def test_what_is_counted_is_defined(cohort, tmp_path, tables):
    """Every table, column and code of the counts has a row that says what it is."""
    out = tmp_path / "out"
    export_cohort(cohort, "kcure-metastat", out, options={"tables": tables, "hospital": "H1"})
    named = {r["TBL_ID"]: r for r in rows(out / "CNCR_TBL_META.csv")}
    columns = {(r["TBL_ID"], r["COL_ID"]): r for r in rows(out / "CNCR_TBL_COL_META.csv")}
    codes = {(r["CD_NM"], r["CD_VL"]): r for r in rows(out / "CNCR_CODE_META.csv")}
    assert {r["TBL_ID"] for r in told(out, "COL_DTRN")} == set(named)
    counted = {(r["TBL_ID"], r["COL_ID"]): r["COL_SEQ"] for r in told(out, "COL_DTRN")}
    assert {key: r["COL_SEQ"] for key, r in columns.items()} == counted
    assert all(
        r["KOR_COL_NM"] and r["DATA_TP_CONT"] and r["HOSP_CD"] == "H1" for r in columns.values()
    )
    for row in told(out, "CD_DTRN"):
        listed = columns[row["TBL_ID"], row["COL_ID"]]["CD_NM"]
        assert listed
        if (listed, row["CD_VL"]) in codes:
            assert codes[listed, row["CD_VL"]]["CD_VL_NM"]
    place = ("TUMOUR", "TUMOUR_ID") if tables == "cohort" else ("CNCR_RGST", "FDX")
    assert columns[place]["COL_PK_YN"] == ("PK_1" if tables == "cohort" else "PK_3")
    if tables == "kcure":
        stages = named["RRCN_DIAG_STAG"]
        told_of_it = [stages[k] for k in ("TBL_LCLS_CD", "TBL_MCLS_CD", "YR_CRIT_ENG_COL_NM")]
        assert told_of_it == ["03", "06", "DIAG_STAG_RCRD_YMD"]
        day = columns["CNCR_RGST", "FDX"]
        assert (day["DATA_TP_CONT"], day["DATA_LNTH_CONT"]) == ("VARCHAR", "8")
        male = codes["성별코드", "1"]
        assert (male["CD_VL_NM"], male["HOSP_CD"], male["CD_CLCD"]) == ("남", "99000", "1")
    else:
        assert named["PATIENT"]["YR_CRIT_ENG_COL_NM"] == "LAST_CONTACT_DATE"
        assert columns["TUMOUR", "ENTITY"]["CD_NM"]
