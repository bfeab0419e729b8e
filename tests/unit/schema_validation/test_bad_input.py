"""Bad input is normal input: one clear line, exit code 4, nothing left behind."""

from __future__ import annotations

import csv
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from synthgen.errors import ContractError, OutputError
from synthgen.schema.load import load_schema
from synthgen.schema.validation import check_tables, layout, sources, text_files

ROOT = Path(__file__).resolve().parents[3]


def refusal(checked, path, **options):
    with pytest.raises(ContractError) as caught:
        checked(path, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 600
    return line


# What is there


def test_a_path_that_leads_nowhere(checked, tmp_path):
    path = tmp_path / "nothing"
    assert refusal(checked, path) == f"{path}: is neither a file nor a folder"


def test_an_empty_folder(checked, tmp_path):
    assert "holds no table; CSV, Parquet or DuckDB files named after tables" in refusal(
        checked, tmp_path
    )


def test_a_folder_of_other_tables(checked, tmp_path):
    (tmp_path / "sales.csv").write_text("day,sum\n1,2\n")
    assert "holds none of the tables of rare-cancer@1.0.0 (patient, tumour)" in refusal(
        checked, tmp_path
    )


def test_a_file_that_could_be_any_table(checked, tmp_path):
    (tmp_path / "x.csv").write_text("patient_id,x\n1,2\n")
    assert "do not say which table it is; say --table (patient, tumour)" in refusal(
        checked, tmp_path / "x.csv"
    )


def test_a_folder_or_a_pipe_in_place_of_a_file(checked, tmp_path):
    (tmp_path / "tumour.csv").mkdir()
    assert "tumour.csv is a folder; it must be a file" in refusal(checked, tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "patient.csv")
        assert refusal(checked, tmp_path).endswith("patient.csv: is not a file; a table is needed")


def test_a_link_that_leads_nowhere(checked, tmp_path):
    (tmp_path / "patient.csv").symlink_to(tmp_path / "gone")
    assert "patient.csv: cannot be read: No such file" in refusal(checked, tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(tables, delivered, checked):
    folder = delivered(tables)
    (folder / "patient.csv").chmod(0)
    assert "cannot be read: Permission denied" in refusal(checked, folder)


# What is no text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "patient.csv: is empty; a table needs at least a line of column names"),
        (b"\n\n\n", "patient.csv: line 1 holds no column names"),
        (b",,,\n1,2,3,4\n", "patient.csv: line 1 holds no column names"),
        (b"PK\x03\x04rest", "patient.csv: is a workbook or zip archive; save the table as CSV"),
        (b"SQLite format 3\0", "patient.csv: is an SQLite database; save the table as CSV"),
        (b"%PDF-1.7", "patient.csv: is a PDF; save the table as CSV"),
        (b"sex\n1\0\n", "patient.csv: holds a zero byte in line 2; it is not a text file"),
        ("sex\n1\n".encode("utf-32"), "patient.csv: is UTF-32; save it as UTF-8"),
        (b"sex\n\x81\n", "patient.csv: is neither UTF-8, UTF-16, CP949 nor Windows-1252 (line 2)"),
        ("sex,메모\n1,희귀암".encode()[:-1], "patient.csv: is UTF-8 up to line 2, and there it is"),
        ("sex\n1\n".encode("utf-16")[:-1], "patient.csv: is not UTF-16 (line 2)"),
        (gzip.compress(b"sex\n1\n" * 500, mtime=0)[:-9], "patient.csv: is not a whole gzip file"),
        (gzip.compress(b"", mtime=0), "patient.csv: is empty"),
        (b"\x1f\x8bnonsense", "patient.csv: is not a whole gzip file"),
        (b'sex\n"1\n' + b"1\n" * 100_000, "patient.csv: cannot be read from line 2 on: field"),
        (b"1,2,1960\n2,1,1950\n", "patient.csv: has none of the 12 columns of patient; the first"),
        (b"PAR1", "patient.csv: is not a whole Parquet file; its end is missing"),
    ],
)
def test_a_file_that_is_no_table(checked, tmp_path, content, said):
    path = tmp_path / "patient.csv"
    path.write_bytes(content)
    assert said in refusal(checked, path)


def test_a_line_of_two_gigabytes_is_refused_at_its_first_mebibyte(checked, tmp_path):
    path = tmp_path / "patient.csv"
    path.write_bytes(b"sex,memo\n1," + b"a" * (3 * text_files.CHUNK))
    os.truncate(path, 2**31)  # the rest is a hole: reading it would take seconds
    assert refusal(checked, path) == (
        "patient.csv: line 2 has more than 1,048,576 bytes; is it a table with line ends?"
    )


def test_a_long_line_in_any_packing_is_refused(checked, tmp_path):
    text = b"sex,memo\n1," + b"a" * (3 * text_files.CHUNK)
    packed, wide = tmp_path / "patient.csv.gz", tmp_path / "patient.csv"
    packed.write_bytes(gzip.compress(text))
    wide.write_bytes(text.decode().encode("utf-16"))
    assert "line 2 has more than" in refusal(checked, packed)
    assert "line 2 has more than" in refusal(checked, wide)


def test_a_long_record_of_short_lines_is_refused(checked, tmp_path, monkeypatch):
    from synthgen.schema.validation import records

    monkeypatch.setattr(records, "LONGEST_LINE", 1000)
    (tmp_path / "patient.csv").write_text('sex,memo\n1,"' + "a\n" * 2000 + '"\n')
    assert "the record in line 2 has more than 1,000 characters" in refusal(
        checked, tmp_path / "patient.csv"
    )


def test_a_file_that_expands_like_a_bomb_is_refused(checked, tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "SMALLEST_BOMB", 2**20)
    path = tmp_path / "patient.csv.gz"
    path.write_bytes(gzip.compress(b"sex\n" + b"1\n" * 2**22))
    assert "expands to more than 200 times its size" in refusal(checked, path)


def test_a_million_columns_are_refused(checked, tmp_path):
    path = tmp_path / "patient.csv"
    names = ",".join(f"c{n}" for n in range(1_000_000))
    path.write_text(f"{names}\n{names}\n")
    assert "line 1 has more than 1,048,576 bytes" in refusal(checked, path)
    path.write_text(",".join(["sex"] * 100_000) + "\n")
    assert "has 100,000 columns; at most 10,000 are read" in refusal(checked, path)


@pytest.mark.parametrize("form", ["parquet", "duckdb"])
def test_too_many_columns_are_refused_in_every_form(checked, tmp_path, monkeypatch, form):
    monkeypatch.setattr(layout, "MOST_COLUMNS", 100)
    path = tmp_path / f"patient.{form}"
    names = ", ".join(f"1 AS c{n}" for n in range(101))
    with duckdb.connect(str(path) if form == "duckdb" else ":memory:") as db:
        if form == "duckdb":
            db.execute(f"CREATE TABLE patient AS SELECT {names}")
        else:
            db.execute(f"COPY (SELECT {names}) TO '{path}'")
    assert "has 101 columns; at most 100 are read" in refusal(checked, path)


# Parquet and DuckDB


@pytest.fixture
def parquet(tmp_path):
    path = tmp_path / "patient.parquet"
    with duckdb.connect() as db:
        db.execute(f"COPY (SELECT '1' AS sex, i AS birth_year FROM range(10000) t(i)) TO '{path}'")  # noqa: S608
    return path


def test_a_parquet_file_without_its_end(checked, parquet):
    parquet.write_bytes(parquet.read_bytes()[:-100])
    assert refusal(checked, parquet).endswith("is not a whole Parquet file; its end is missing")


def test_a_parquet_file_with_a_hole_in_its_description(checked, parquet):
    content = bytearray(parquet.read_bytes())
    content[-60:-20] = b"\xff" * 40
    parquet.write_bytes(bytes(content))
    assert "patient.parquet: cannot be read" in refusal(checked, parquet)


def test_a_parquet_file_with_damaged_pages(checked, parquet):
    content = bytearray(parquet.read_bytes())
    content[4:200] = b"\xff" * 196
    parquet.write_bytes(bytes(content))
    assert "patient.parquet: cannot be read" in refusal(checked, parquet)


def test_a_parquet_file_that_describes_itself_at_too_great_length(checked, parquet, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST_FOOTER", 10)
    assert "describes itself in" in refusal(checked, parquet)


def test_a_text_that_calls_itself_parquet(checked, tmp_path):
    path = tmp_path / "patient.parquet"
    path.write_text("sex\n1\n")
    assert refusal(checked, path).endswith("is not a Parquet file")


def test_a_damaged_duckdb_file(checked, tmp_path):
    path = tmp_path / "delivery.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE patient AS SELECT '1' AS sex")
    content = bytearray(path.read_bytes())
    content[:8] = b"\0" * 8
    path.write_bytes(bytes(content))
    assert "delivery.duckdb: cannot be read" in refusal(checked, path)


def test_the_views_of_a_duckdb_file_are_left_alone(checked, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("sex\nsecret\n")
    path = tmp_path / "delivery.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute(f"CREATE VIEW patient AS SELECT * FROM read_csv('{secret}')")  # noqa: S608
    assert "holds none of the tables" in refusal(checked, path)
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE MACRO trim(x, y) AS 'hacked'")
        db.execute("CREATE TABLE tumour AS SELECT '1' AS behaviour, ' 1' AS laterality")
    report = checked(path, show_values=True)
    assert report.rows == {"tumour": 1}
    assert "secret" not in str(report.as_json())


def test_a_table_that_a_duckdb_file_does_not_have(checked, tmp_path):
    path = tmp_path / "delivery.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE tumour AS SELECT '1' AS behaviour")
    assert refusal(checked, path, table="patient").endswith("has no table patient")


def test_nothing_but_the_files_can_be_read_or_written(tmp_path):
    from synthgen.schema.validation.database import locked_database

    inside, outside = tmp_path / "inside.csv", tmp_path / "outside.csv"
    inside.write_text("a\n1\n")
    outside.write_text("a\n1\n")
    (tmp_path / "work").mkdir()
    with locked_database(tmp_path / "work", [inside]) as db:
        assert db.execute(f"SELECT * FROM read_csv('{inside}')").fetchall() == [(1,)]  # noqa: S608
        for statement in (
            f"SELECT * FROM read_csv('{outside}')",  # noqa: S608
            f"SELECT * FROM read_text('{outside}')",  # noqa: S608
            f"SELECT * FROM glob('{tmp_path}/*')",  # noqa: S608
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/other.duckdb'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET threads = 8",
            "RESET allowed_paths",
        ):
            with pytest.raises(duckdb.Error):
                db.execute(statement)
        local = inside
        with pytest.raises(duckdb.Error):
            db.execute("SELECT * FROM local")
        assert local.exists()


# Zero rows, hostile names and values


@pytest.mark.parametrize("form", ["csv", "parquet", "duckdb"])
def test_a_table_without_rows_keeps_the_contract(tables, delivered, checked_with_rules, form):
    folder = delivered(tables)
    for path in list(folder.iterdir()):
        names = path.read_text().split("\n")[0]
        selected = ", ".join(f"'' AS {name}" for name in names.split(","))
        if form == "csv":
            path.write_text(names)
            continue
        path.unlink()
        target = folder / "delivery.duckdb"
        with duckdb.connect(str(target) if form == "duckdb" else ":memory:") as db:
            if form == "duckdb":
                db.execute(f"CREATE TABLE {path.stem} AS SELECT {selected} LIMIT 0")
            else:
                db.execute(f"COPY (SELECT {selected} LIMIT 0) TO '{path.with_suffix('.parquet')}'")
    report = checked_with_rules(folder)
    assert report.passes, report.lines()
    assert report.rows == {"patient": 0, "tumour": 0}
    assert len([n for n in report.notes if "has no rows" in n.label("en")]) == 2


HOSTILE = [
    '"; DROP TABLE text_0; --',
    "'); ATTACH 'x' AS y; --",
    "a\nb",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A1",
    "c0",
    "rowid",
    "line",
    "x" * 5000,
    "\u202e\u2066\x1b[31m",
    "{rows}",
]


@pytest.mark.parametrize("form", ["csv", "parquet", "duckdb"])
def test_hostile_column_names_are_only_names(tables, delivered, checked, tmp_path, form):
    for row in tables["patient"]:
        row.update(dict.fromkeys(HOSTILE, "1"))
    folder = delivered(tables)
    if form != "csv":
        names = ", ".join(
            f"'{value}' AS \"" + name.replace('"', '""') + '"'
            for name, value in tables["patient"][0].items()
        )
        (folder / "patient.csv").unlink()
        target = tmp_path / "p.duckdb"
        with duckdb.connect(str(target)) as db:
            db.execute(f"CREATE TABLE patient AS SELECT {names}")
            if form == "parquet":
                db.execute(f"COPY patient TO '{folder}/patient.parquet'")
        if form == "duckdb":
            target.rename(folder / "p.duckdb")
    report = checked(folder)
    assert not [b for b in report.impossible if b.table == "patient"]
    said = [n.label("en") for n in report.notes if n.table == "patient"]
    assert len(said) == 1
    assert f"{len(HOSTILE)} more columns" in said[0]
    assert said[0].isprintable()
    assert len(said[0]) < 800


@pytest.mark.parametrize("name", ["we*rd[1]?'{a,b}", "it's\nnew", "--force", "%s{0}", "환자 (1)"])
def test_hostile_file_names_are_only_names(tables, delivered, checked, tmp_path, name):
    folder = delivered(tables).rename(tmp_path / name)
    assert checked(folder).passes
    (folder / "tumour.csv").rename(folder / f"{name}.csv")
    assert checked(folder).rows["tumour"] == 3


def test_hostile_values_stay_on_their_line(tables, delivered, checked):
    for value in HOSTILE:
        tables["tumour"][0]["grade"] = value
        report = checked(delivered(tables), show_values=True)
        assert [b.rule for b in report.impossible] == ["column.code"]
        assert all(line.isprintable() and len(line) < 600 for line in report.lines())


def test_a_row_column_of_ones_own_does_not_clash(delivered, tables, schema):
    from dataclasses import replace

    patient = schema.table("patient")
    mine = replace(patient.columns[2], name="row", title="row", title_ko="행")
    other = replace(patient, columns=(*patient.columns[:2], mine, *patient.columns[3:]))
    for row in tables["patient"]:
        row["row"] = row.pop("birth_year")
    tables["patient"][1]["row"] = "x"
    own = replace(schema, tables=(other,), rules=(), variables=())
    report = check_tables(delivered({"patient": tables["patient"]}), own)
    assert [(b.column, b.rows) for b in report.impossible] == [("row", (3,))]


# The machine


RUN = """
import sys
import time
from pathlib import Path
from synthgen.schema.load import load_schema
from synthgen.schema.validation import check_tables
{before}
print("ready", flush=True)
try:
    check_tables(Path(sys.argv[1]), load_schema("rare-cancer"))
except BaseException as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def large(tmp_path):
    """A delivery that takes some seconds."""
    folder = tmp_path / "large"
    folder.mkdir()
    names = [c.name for c in load_schema("rare-cancer").table("tumour").columns]
    row = ",".join(str(n) for n in range(len(names)))
    (folder / "tumour.csv").write_text(",".join(names) + "\n" + f"{row}\n" * 400_000)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_the_check_and_leaves_nothing(large, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", RUN.format(before=""), str(large)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while process.poll() is None and not list((tmp_path / "temporary").rglob("*.duckdb")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert said.startswith("KeyboardInterrupt")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_is_one_line_and_leaves_nothing(large, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(before=limit), str(large)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split("\n")[1].startswith(
        f"OutputError temporary folder {tmp_path / 'temporary'}: cannot be written"
    ), done
    assert list((tmp_path / "temporary").iterdir()) == []
    assert OutputError.exit_code == 74


def test_an_open_quote_is_found_also_where_another_package_lifted_the_limit_of_csv(
    checked, tmp_path
):
    path = tmp_path / "patient.csv"
    path.write_bytes(b'sex\n"1\n' + b"1\n" * 100_000)
    before = csv.field_size_limit(2**31 - 1)
    try:
        assert "patient.csv: cannot be read from line 2 on: field" in refusal(checked, path)
    finally:
        csv.field_size_limit(before)
