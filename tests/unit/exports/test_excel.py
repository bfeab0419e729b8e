"""Cohorts as workbooks, opened again by openpyxl, and by LibreOffice where it is installed."""

import csv
import datetime as dt
import re
import shutil
import subprocess
import zipfile
from itertools import islice

import pytest

from synthgen.errors import ContractError, OutputError, UsageError
from synthgen.exports import excel, export_cohort
from synthgen.exports.workbook import new_workbook
from synthgen.schema.load import load_schema
from synthgen.schema.model import ColumnType

openpyxl = pytest.importorskip("openpyxl", reason="the reader of workbooks is not installed")

NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER)


@pytest.fixture
def cohort(clinical, tmp_path):
    return shutil.copytree(clinical, tmp_path / "cohort")


def exported(cohort, folder):
    export_cohort(cohort, "excel", folder)
    return folder / "cohort.xlsx"


def sheets(path):
    """Cells by sheet, with the head."""
    book = openpyxl.load_workbook(path)
    found = {sheet.title: [list(row) for row in sheet.iter_rows()] for sheet in book}
    book.close()
    return found


def as_csv(cell, column):
    """What a cell says, as the CSV file of a cohort says it."""
    if cell.value is None:
        return ""
    if column.type is ColumnType.DATE:
        assert cell.is_date
        return cell.value.date().isoformat()
    assert cell.data_type == ("n" if column.type in NUMBERS else "s"), column.name
    return cell.value


def same(told, wanted, column):
    if column.type in NUMBERS and wanted:
        return told == float(wanted)
    return told == wanted


def change(cohort, table, column, values):
    """Other values in a column of the first rows of a table."""
    path = cohort / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    for row, value in zip(rows, values, strict=False):
        row[column] = value
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def column_of(path, table, column):
    head, *rows = sheets(path)[table]
    at = [cell.value for cell in head].index(column)
    return [row[at] for row in rows]


def test_a_workbook_gives_every_cell_of_every_table_back(clinical, tmp_path):
    found = sheets(exported(clinical, tmp_path / "x"))
    schema = load_schema("rare-cancer@1.1.0")
    assert list(found) == [table.name for table in schema.tables]
    for table in schema.tables:
        with (clinical / f"{table.name}.csv").open(encoding="utf-8", newline="") as opened:
            wanted = list(csv.DictReader(opened))
        head, *rows = found[table.name]
        assert [cell.value for cell in head] == list(table.column_names)
        assert len(rows) == len(wanted)
        for cells, line in zip(rows, wanted, strict=True):
            for cell, column in zip(cells, table.columns, strict=True):
                told = as_csv(cell, column)
                assert same(told, line[column.name], column), f"{table.name}.{column.name}"


#: Texts that a sheet, an XML reader or a spreadsheet could take for something else.
TEXTS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "0012", "1e5", "2020-01-01", "TRUE", "#N/A",
    "<c r='A1'/> & \"\"", "희귀암 골육종", " two  spaces ", "line\nbreak\tand tab",
    "bell\x07 and return\r\n", "_x0041_", "_x0041_x0042_", "a_x", "\x85\ufffe", "🩺",
)  # fmt: skip


def as_excel_reads(text):
    """Decode ``_xHHHH_``, as Excel does and openpyxl does not (ECMA-376 part 1, 22.4.2.4)."""
    return re.sub("_x([0-9A-F]{4})_", lambda m: chr(int(m[1], 16)), text)


def test_any_text_stays_the_text_that_it_was(cohort, tmp_path):
    lines = (cohort / "measurement.csv").read_text(encoding="utf-8").splitlines()
    more = [f"X{n},{lines[1].partition(',')[2]}" for n in range(len(TEXTS))]
    (cohort / "measurement.csv").write_text("\n".join([lines[0], *more]) + "\n", encoding="utf-8")
    change(cohort, "measurement", "unit", TEXTS)
    cells = column_of(exported(cohort, tmp_path / "x"), "measurement", "unit")
    assert [as_excel_reads(cell.value) for cell in cells] == list(TEXTS)
    assert {(cell.data_type, cell.number_format) for cell in cells} == {("s", "@")}


def test_what_a_cell_cannot_hold_as_a_number_or_a_day_is_text(cohort, tmp_path):
    change(cohort, "patient", "birth_year", ["999999999999999", "9999999999999999", "-3"])
    change(cohort, "measurement", "value_number", ["nan", "-inf", "1e-300"])
    change(cohort, "outcome", "event_date", ["1900-02-28", "1900-03-01", "9999-12-31"])
    path = exported(cohort, tmp_path / "x")
    said = [
        [cell.value for cell in column_of(path, table, column)[:3]]
        for table, column in (
            ("patient", "birth_year"),
            ("measurement", "value_number"),
            ("outcome", "event_date"),
        )
    ]
    days = ["1900-02-28", dt.datetime(1900, 3, 1), dt.datetime(9999, 12, 31)]  # noqa: DTZ001
    assert said == [[999999999999999, "9999999999999999", -3], ["nan", "-inf", 1e-300], days]


@pytest.mark.parametrize("limit", ["MOST_ROWS", "MOST_XML"])
def test_a_table_longer_than_a_sheet_goes_on_in_further_sheets(
    clinical, tmp_path, monkeypatch, limit
):
    whole = sheets(exported(clinical, tmp_path / "x"))
    monkeypatch.setattr(excel, limit, 3)  # three rows, or as many as are written at once
    monkeypatch.setattr(excel, "AT_ONCE", 2 if limit == "MOST_ROWS" else 3)
    parts = sheets(exported(clinical, tmp_path / "y"))
    mine = [name for name in parts if name.startswith("tumour")]
    assert mine == ["tumour", "tumour_2"]
    for name, (head, *rows) in whole.items():
        found = [parts[part] for part in parts if re.fullmatch(rf"{name}(_\d+)?", part)]
        assert len(found) == max(1, -(-len(rows) // 3))
        assert all(
            [c.value for c in part[0]] == [c.value for c in head] and len(part) <= 4
            for part in found
        )
        joined = [[c.value for c in row] for part in found for row in part[1:]]
        assert joined == [[c.value for c in row] for row in rows]


def test_sheets_have_names_that_a_workbook_may_have():
    assert excel.sheet_name("tumour", {"patient"}) == "tumour"
    assert excel.sheet_name("Drug", {"drug", "DRUG_2"}) == "Drug_3"
    assert excel.sheet_name("history", ()) == "history_2"
    long = "조" * 40
    assert excel.sheet_name(long, ()) == "조" * 31
    assert excel.sheet_name(long, {"조" * 31}) == "조" * 29 + "_2"


def test_a_table_without_rows_is_a_sheet_with_its_head(cohort, tmp_path):
    head = (cohort / "outcome.csv").read_text(encoding="utf-8").splitlines()[0]
    (cohort / "outcome.csv").write_text(head + "\n", encoding="utf-8")
    found = sheets(exported(cohort, tmp_path / "x"))
    assert [[c.value for c in row] for row in found["outcome"]] == [head.split(",")]


def test_the_head_stays_in_view_and_the_file_says_that_it_is_synthetic(clinical, tmp_path):
    book = openpyxl.load_workbook(exported(clinical, tmp_path / "x"))
    assert {sheet.freeze_panes for sheet in book} == {"A2"}
    assert book["tumour"].column_dimensions["D"].width >= len("2020-01-01")
    assert book.properties.title.startswith("Synthetic data")
    book.close()


def test_the_same_cohort_gives_the_same_workbook_without_the_time(clinical, tmp_path):
    one, two = (exported(clinical, tmp_path / name) for name in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {part.date_time[0] for part in archive.infolist()} == {1980}
        assert archive.testzip() is None


def test_a_text_longer_than_a_cell_is_refused_and_not_cut(cohort, tmp_path):
    change(cohort, "pathology", "histology_text", ["x" * 32_767, "x" * 32_768])
    said = (
        r"^excel: pathology.histology_text: holds texts of more than 32,767 characters.*\(1 such\)$"
    )
    with pytest.raises(ContractError, match=said):
        exported(cohort, tmp_path / "x")
    with pytest.raises(UsageError, match="excel: has no option bom; it has: none"):
        export_cohort(cohort, "excel", tmp_path / "x", options={"bom": "yes"})
    assert not (tmp_path / "x").exists()


def test_a_workbook_that_cannot_be_written_is_one_line(clinical, tmp_path):
    with pytest.raises(OSError, match="No such file"), new_workbook(tmp_path / "no/x.xlsx", ""):
        pass
    with excel_of(clinical) as tables, pytest.raises(OutputError, match=r"^cohort.xlsx: cannot be"):
        excel.write(tables, tmp_path / "no", {})


def excel_of(cohort):
    from synthgen.exports.cohort_tables import open_cohort

    return open_cohort(cohort)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_reads_the_first_sheet(clinical, tmp_path):
    path = exported(clinical, tmp_path / "x")
    subprocess.run(
        [
            shutil.which("soffice"),
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            *("--headless", "--convert-to", "csv", "--outdir", str(tmp_path), str(path)),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    with (tmp_path / "cohort.csv").open(encoding="utf-8", newline="") as opened:
        told = [row[:3] for row in csv.reader(opened)]
    with (clinical / "patient.csv").open(encoding="utf-8", newline="") as opened:
        assert told == [row[:3] for row in islice(csv.reader(opened), len(told))]
