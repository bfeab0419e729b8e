"""Deliveries as they really come: read where that is beyond doubt, and every reading reported."""

from __future__ import annotations

import gzip

import duckdb
import pytest

from synthgen.errors import ContractError


def texts(report):
    return [note.label("en") for note in report.notes]


def readings(report):
    return [note.label("en") for note in report.notes if note.kind == "reading"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_separator_and_line_end_is_read(
    tables, delivered, checked, encoding, separator, end
):
    for row in tables["patient"]:
        row["병원 메모"] = "희귀암 환자, 서울; 똠방각하|\t펲시콜라"
    tables["tumour"][1]["grade"] = "?"
    report = checked(delivered(tables, encoding, separator, end))
    assert [(b.rule, b.count, b.rows) for b in report.impossible] == [("column.code", 1, (3,))]
    assert report.rows == {"patient": 3, "tumour": 3}


@pytest.mark.parametrize(
    ("encoding", "separator", "said"),
    [
        ("cp949", ",", ["patient.csv was read as CP949"]),
        ("utf-8-sig", ",", ["patient.csv was read as UTF-8 (BOM)"]),
        ("utf-16", "\t", ["patient.csv was read as UTF-16", "patient.csv was read with the separator tab"]),
        ("utf-8", ";", ["patient.csv was read with the separator ;"]),
        ("cp1252", ",", ["patient.csv was read as Windows-1252"]),
        ("utf-8", ",", []),
    ],
)  # fmt: skip
def test_every_reading_is_reported(tables, delivered, checked, encoding, separator, said):
    word = "Põltsamaa küla" if encoding == "cp1252" else "서울"
    patients = [row | {"memo": word} for row in tables["patient"]]
    report = checked(delivered({"patient": patients}, encoding, separator) / "patient.csv")
    assert readings(report) == said


def test_packed_files_are_read(tables, delivered, checked):
    folder = delivered(tables, "cp949")
    for path in list(folder.iterdir()):
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    report = checked(folder)
    assert report.passes
    assert readings(report) == ["patient.csv.gz was unpacked (gzip)", "tumour.csv.gz was unpacked (gzip)"]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["TUMOUR.CSV", "Tumour.tsv", "tumour.synthetic.csv", "tumour.txt", "tumour.TXT"]
)
def test_files_are_found_by_their_table_whatever_their_case(tables, delivered, checked, name):
    folder = delivered(tables)
    (folder / "tumour.csv").rename(folder / name)
    report = checked(folder)
    assert report.passes
    assert report.tables[1].file == name


def test_a_file_with_another_name_is_found_by_its_columns(tables, delivered, checked):
    folder = delivered(tables)
    (folder / "tumour.csv").rename(folder / "export (3).csv")
    (folder / "README.txt").write_text("Handle with care")
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    report = checked(folder)
    assert report.passes
    assert texts(report) == [
        "export (3).csv was taken for the table tumour by its columns",
        "notes.csv was not read: it is named after no table of the schema",
    ]


def test_a_workbook_in_a_folder_without_tables_is_named(checked, tmp_path):
    folder = tmp_path / "received"
    folder.mkdir()
    (folder / "delivery.xlsx").write_bytes(b"PK\x03\x04")
    hint = "; delivery.xlsx is a workbook: save its sheets as CSV"
    with pytest.raises(ContractError, match=f"holds no table.*{hint}"):
        checked(folder)
    (folder / "NOTICE.txt").write_text("Handle with care")
    with pytest.raises(ContractError, match=f"holds none of the tables.*{hint}"):
        checked(folder)


def test_many_files_that_are_left_out_are_one_line(tables, delivered, checked):
    folder = delivered(tables)
    for number in range(3):
        (folder / f"notes{number}.csv").write_text("a,b\n1,2\n")
    few = checked(folder)
    assert few.lines()[2:5] == [
        f"notes{n}.csv was not read: it is named after no table of the schema" for n in range(3)
    ]
    (folder / "notes3.csv").write_text("a,b\n1,2\n")
    many = checked(folder)
    assert len(many.notes) == 4
    assert many.lines()[2] == (
        "4 files or tables were not read, being named after no table of the schema: "
        "notes0.csv, notes1.csv, notes2.csv, notes3.csv"
    )
    assert len(many.lines()) == len(few.lines()) - 2
    assert many.lines("ko")[2].startswith("파일·테이블 4개는 읽지 않음")


def test_a_single_file_is_found_by_its_columns_or_by_what_was_said(tables, delivered, checked):
    folder = delivered(tables)
    path = folder / "export.csv"
    (folder / "tumour.csv").rename(path)
    assert checked(path).rows == {"tumour": 3}
    assert checked(path, table="TUMOUR").rows == {"tumour": 3}


def test_header_names_are_read_without_case_and_blanks(tables, delivered, checked):
    tables["patient"] = [
        {f" {name.upper().replace('_', ' ')} ": value for name, value in row.items()}
        for row in tables["patient"]
    ]
    report = checked(delivered(tables))
    assert report.passes
    assert len(readings(report)) == 1
    assert "read without case and blanks:  PATIENT ID" in readings(report)[0].replace("blanks: PA", "blanks:  PA")  # fmt: skip


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("patient", "last_contact_date", "20190302", "dates as YYYYMMDD"),
        ("patient", "last_contact_date", "20190302.0", "dates as YYYYMMDD"),
        ("patient", "last_contact_date", "2019-03-02 00:00:00", "dates that carry a time"),
        ("patient", "last_contact_date", "2019-03-02T00:00:00Z", "dates that carry a time"),
        ("patient", "last_contact_date", "2019-03-02 오전 12:00:00", "dates that carry a time"),
        ("patient", "last_contact_date", "2019/03/02", "dates as YYYY/MM/DD"),
        ("patient", "last_contact_date", "2019.03.02", "dates as YYYY/MM/DD or YYYY.MM.DD"),
        ("patient", "last_contact_date", "02.03.2019", "dates as DD.MM.YYYY"),
        ("patient", "birth_year", "1982.0", "whole numbers as 1.0"),
        ("patient", "sex", "1.0", "whole numbers as 1.0"),
        ("patient", "sex", "1  ", "blanks around values"),
        ("patient", "sex", "\u3000" + "1\u00a0", "blanks around values"),
        ("patient", "region_code", "NA", "marks missing values"),
        ("patient", "birth_month", "NULL", "marks missing values"),
        ("patient", "nationality_code", "99", "with more nines"),
        ("patient", "income_quintile", "99", "marks missing values"),
    ],
)
def test_cells_that_can_only_mean_one_thing_are_read_so(
    tables, delivered, checked, table, column, value, said
):
    tables[table][1][column] = value
    report = checked(delivered(tables))
    assert report.passes, report.lines()
    assert len(readings(report)) == 1
    assert said in readings(report)[0]
    assert f"{column} (1 cell)" in readings(report)[0]


def test_what_was_read_another_way_has_its_value_in_the_rules(
    tables, delivered, checked_with_rules
):
    tables["patient"][1] |= {"sex": "2.0 ", "death_date": "20190301"}
    report = checked_with_rules(delivered(tables))
    found = {b.rule for b in report.impossible}
    assert {"SEX-SITE-FEMALE", "DATE-DEATH-LAST"} <= found


def test_a_missing_value_by_any_name_is_missing_where_one_is_needed(tables, delivered, checked):
    for row, value in zip(tables["patient"], ["NA", "99999999", "9999-12-31"], strict=True):
        row["last_contact_date"] = value
    found = [(b.rule, b.column, b.count) for b in checked(delivered(tables)).impossible]
    assert found[0] == ("column.missing", "last_contact_date", 3)


def test_na_is_a_word_where_any_text_is_allowed(own_schema, own_delivery):
    from synthgen.schema.validation import check_tables

    report = check_tables(own_delivery("id,name\n1,NA\n2,99\n"), own_schema)
    assert report.tables[0].missing["name"].empty == 0


def test_numbers_may_have_a_decimal_comma_where_commas_do_not_separate(own_schema, own_delivery):
    from synthgen.schema.validation import check_tables

    report = check_tables(own_delivery("id;size\n1;3,5\n2;1e1\n3;-0.5\n"), own_schema)
    assert [(b.rule, b.rows) for b in report.impossible] == [("column.range", (4,))]
    assert readings(report)[-1] == (
        "thing.csv writes numbers with a decimal comma, read as a point: size (1 cell)"
    )
    quoted = check_tables(own_delivery('id,size\n1,"3,5"\n'), own_schema)
    assert [(b.rule, b.rows) for b in quoted.impossible] == [("column.type", (2,))]


@pytest.mark.parametrize("value", ["inf", "nan(1)", "1_000", "0x10", "1e999", "١٢", "--1", "1 000"])
def test_what_is_no_number_is_no_number(own_schema, own_delivery, value):
    from synthgen.schema.validation import check_tables

    report = check_tables(own_delivery(f"id,size\n1,{value}\n"), own_schema)
    assert [(b.rule, b.column) for b in report.impossible] == [("column.type", "size")]


@pytest.fixture
def own_schema():
    from synthgen.schema.model import Column, ColumnType, Schema, Table

    columns = (
        Column("id", ColumnType.INTEGER, False, "id", "번호"),
        Column("name", ColumnType.STRING, True, "name", "이름", tier="X"),
        Column("size", ColumnType.NUMBER, True, "size", "크기", minimum=0, tier="X"),
    )
    thing = Table("thing", "thing", "물건", "thing", columns, ("id",))
    return Schema("own", "1.0.0", "own", "자체", (thing,), {})


@pytest.fixture
def own_delivery(tmp_path):
    def write(text):
        path = tmp_path / "thing.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# Line numbers


def test_lines_are_counted_as_an_editor_counts_them(tables, delivered, checked):
    folder = delivered(tables)
    path = folder / "tumour.csv"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("C629,9061", "C629,?")
    names, first, second, third = lines
    text = f'{names},memo\n{first},"a\nb ""c"""\n\n{second},x\n\n{third},"5"" wide"\n'
    path.write_text(text)
    report = checked(folder)
    assert [(b.rule, b.rows) for b in report.impossible] == [("column.code", (5,))]
    assert report.rows["tumour"] == 3


def test_the_line_that_tells_excel_the_separator_is_no_header(tables, delivered, checked):
    tables["tumour"][1]["grade"] = "?"
    folder = delivered(tables, separator=";")
    path = folder / "tumour.csv"
    path.write_text("sep=;\n" + path.read_text())
    assert [(b.rule, b.rows) for b in checked(folder).impossible] == [("column.code", (4,))]
    path.write_text(path.read_text().replace("C402", '"C402\n"', 1))
    assert (5,) in [b.rows for b in checked(folder).impossible]


def test_records_of_another_width_are_counted_and_left_out(tables, delivered, checked):
    folder = delivered(tables)
    path = folder / "tumour.csv"
    lines = path.read_text().splitlines()
    lines[1] += ",one more"
    lines[3] = "SY1,too few"
    path.write_text("\n".join(lines))
    report = checked(folder)
    assert [(b.rule, b.count, b.rows, b.total) for b in report.impossible] == [
        ("structure.record", 2, (2, 4), 3)
    ]


def test_one_separator_too_many_at_every_end_is_a_reading(tables, delivered, checked):
    folder = delivered(tables)
    path = folder / "tumour.csv"
    names, *records = path.read_text().splitlines()
    path.write_text("\n".join([names, *(f"{record}," for record in records)]))
    report = checked(folder)
    assert report.passes
    assert readings(report) == ["tumour.csv ends its records with one separator too many"]
    path.write_text("\n".join(f"{line}," for line in [names, *records]))
    assert texts(checked(folder)) == []


def test_a_column_that_stands_twice_is_named(tables, delivered, checked):
    folder = delivered(tables)
    path = folder / "patient.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{lines[0]},SEX", *(f"{line},2" for line in lines[1:])]))
    found = checked(folder).impossible
    assert [(b.rule, b.column) for b in found] == [("structure.twice", "sex")]
    assert found[0].message == "the column stands twice; number 13 was not read"


# Parquet and DuckDB


@pytest.fixture
def converted(tables, delivered, tmp_path):
    """The delivery in another form: SQL over the tables of text."""

    def convert(form, tumour="SELECT * FROM tumour", patient="SELECT * FROM patient"):
        folder = delivered(tables)
        database = tmp_path / "delivery.duckdb"
        with duckdb.connect(str(database) if form == "duckdb" else ":memory:") as db:
            for name, query in (("patient", patient), ("tumour", tumour)):
                source = f"read_csv('{folder}/{name}.csv', all_varchar = true)"
                if form == "duckdb":
                    db.execute(f"CREATE TABLE {name} AS {query.replace(f'FROM {name}', f'FROM {source}')}")  # fmt: skip
                else:
                    db.execute(f"COPY ({query.replace(f'FROM {name}', f'FROM {source}')}) TO '{folder}/{name}.parquet'")  # fmt: skip
        for path in folder.glob("*.csv"):
            path.unlink()
        return database if form == "duckdb" else folder

    return convert


TYPED = (
    "SELECT * REPLACE (CAST(diagnosis_date AS TIMESTAMP) AS diagnosis_date, "
    "CAST(age_at_diagnosis AS DOUBLE) AS age_at_diagnosis, CAST(behaviour AS SMALLINT) AS behaviour) "
    "FROM tumour"
)


@pytest.mark.parametrize("form", ["parquet", "duckdb"])
def test_parquet_and_duckdb_are_read_whatever_their_types(tables, converted, checked, form):
    tables["tumour"][2]["grade"] = "?"
    report = checked(converted(form, TYPED))
    assert [(b.rule, b.rows) for b in report.impossible] == [("column.code", (3,))]
    assert report.tables[0].numbered == "row"
    assert [text.split(" has ")[0].split(" w")[0] for text in readings(report)]
    assert any("whole numbers as 1.0" in text for text in readings(report))
    assert any("carry a time" in text for text in readings(report))


def test_a_csv_file_is_preferred_to_a_parquet_file_of_the_same_table(
    tables, converted, delivered, checked
):
    converted("parquet")
    report = checked(delivered(tables))
    assert report.tables[0].file == "patient.csv"
    assert texts(report) == [
        f"{name}.parquet was not read: the table was read from another file"
        for name in ("patient", "tumour")
    ]


def test_nested_columns_are_wrong_values_and_no_crash(converted, checked):
    nested = "SELECT * REPLACE ([grade] AS grade, {'a': laterality} AS laterality) FROM tumour"
    report = checked(converted("parquet", nested))
    assert {(b.rule, b.column) for b in report.impossible} == {
        ("column.code", "grade"),
        ("column.code", "laterality"),
    }


def test_a_duckdb_file_with_changes_that_are_still_in_its_log_is_read(converted, checked, tmp_path):
    path = converted("duckdb")
    copy = tmp_path / "open.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("INSERT INTO tumour SELECT * REPLACE ('?' AS grade) FROM tumour LIMIT 1")
        copy.write_bytes(path.read_bytes())
        log = path.with_name(path.name + ".wal")
        if log.exists():
            copy.with_name(copy.name + ".wal").write_bytes(log.read_bytes())
    assert checked(copy).rows["tumour"] == 4
