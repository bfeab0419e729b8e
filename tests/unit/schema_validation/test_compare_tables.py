"""What a program made for cohort A meets in delivery B."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from synthgen.errors import ContractError
from synthgen.exports.contract import schema_for
from synthgen.schema.comparison import compare_tables


@pytest.fixture
def compared(tables, delivered, schema, tmp_path):
    """Differences from the good delivery to a changed one, as (kind, where) by weight."""
    from dataclasses import replace

    plain = replace(schema, rules=())

    def compare(change=None, *, full=False, **options):
        a = delivered(tables).rename(tmp_path / "a")
        other = deepcopy(tables)
        if change is not None:
            change(other)
        b = delivered(other, **options).rename(tmp_path / "b")
        found = compare_tables(a, b, plain)
        if full:
            return found
        breaking = [(d.kind, d.where) for d in found.breaking]
        return breaking, [(d.kind, d.where) for d in found.new]

    return compare


def every(table, **values):
    def change(tables):
        for row in tables[table]:
            row.update(values)

    return change


def test_the_same_delivery_has_no_differences(compared):
    assert compared() == ([], [])


def test_order_and_further_columns_are_only_new(compared):
    def change(tables):
        tables["patient"] = [
            {"memo": "x"} | dict(reversed(row.items())) for row in tables["patient"]
        ]

    assert compared(change) == (
        [],
        [("column.new", "patient.memo"), ("columns.order", "patient")],
    )


def test_a_missing_column_breaks(compared):
    def change(tables):
        for row in tables["tumour"]:
            del row["grade"]

    assert compared(change) == ([("column.missing", "tumour.grade")], [])


def test_a_missing_table_breaks(compared):
    def change(tables):
        del tables["patient"]

    assert compared(change)[0] == [("table.missing", "patient")]


def test_a_renamed_column_is_guessed_by_content_and_not_called_new(compared):
    def change(tables):
        for row in tables["tumour"]:
            row["x1"] = row.pop("topography")

    found = compared(change, full=True)
    (difference,) = [d for d in found.differences if d.kind != "columns.order"]
    assert difference.kind == "column.looks_renamed"
    assert difference.label("en") == "the column is missing in B; x1 looks like it"


def test_another_spelling_of_a_name_breaks_a_program_that_reads_by_name(compared):
    def change(tables):
        for row in tables["patient"]:
            row["SEX"] = row.pop("sex")

    assert ("column.spelt", "patient.sex") in compared(change)[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoding": "cp949"}, 'the file is UTF-8, "," in A and CP949, "," in B'),
        ({"separator": ";"}, 'the file is UTF-8, "," in A and UTF-8, ";" in B'),
    ],
)
def test_another_form_of_the_file_breaks(compared, options, said):
    def change(tables):
        for row in tables["patient"] + tables["tumour"]:
            row["메모"] = "한글"

    found = compared(change, full=True, **options)
    assert [d.label("en") for d in found.breaking] == [said, said]


@pytest.mark.parametrize(
    ("table", "column", "value", "kind"),
    [
        ("patient", "last_contact_date", "20190302", "form.compact_date"),
        ("patient", "last_contact_date", "2019-03-02 00:00", "form.timed_date"),
        ("patient", "birth_year", "1982.0", "form.decimal"),
        ("patient", "sex", "1 ", "form.padded"),
        ("patient", "birth_month", "NA", "form.marked"),
        ("patient", "birth_month", "", "gaps.empty"),
        ("patient", "birth_month", "99", "gaps.coded"),
        ("patient", "birth_month", "13", "column.wrong"),
        ("patient", "region_code", "26", "codes.unseen"),
        ("tumour", "grade", "1", "codes.unseen"),
        ("tumour", "grade", "?", "column.wrong"),
    ],
)
def test_what_a_program_has_never_seen_breaks(compared, table, column, value, kind):
    def change(tables):
        tables[table][1][column] = value

    assert (kind, f"{table}.{column}") in compared(change)[0]


def test_another_form_throughout_breaks_once(compared):
    found = compared(every("tumour", diagnosis_date="20160229"))
    assert found[0] == [("form.compact_date", "tumour.diagnosis_date")]


def test_what_a_never_fills_has_no_form_and_is_only_new(compared):
    assert compared(every("patient", income_quintile="3.0")) == (
        [],
        [("gaps.filled", "patient.income_quintile")],
    )


def test_a_column_that_b_never_fills_breaks(compared):
    assert compared(every("tumour", laterality=""))[0] == [("gaps.all", "tumour.laterality")]


def test_values_beyond_the_range_of_a_are_counted_and_only_new(compared):
    def change(tables):
        tables["tumour"][1]["age_at_diagnosis"] = "101"

    found = compared(change, full=True)
    assert [(d.kind, d.count) for d in found.differences] == [("values.beyond", 1)]
    assert "101" not in json.dumps(found.as_json())


def test_keys_that_no_longer_hold_break(compared):
    def change(tables):
        again = dict(tables["tumour"][0])
        lost = dict(tables["tumour"][0]) | {"tumour_id": "SY00000009T1", "patient_id": "SY00000009"}
        del tables["tumour"][2]
        tables["tumour"] += [again, lost]

    assert {kind for kind, _ in compared(change)[0]} >= {
        "key.repeated",
        "key.orphans",
        "key.childless",
        "key.several",
    }


def test_a_delivery_without_rows_breaks(compared, tables):
    def change(other):
        other["patient"] = [dict.fromkeys(tables["patient"][0], "")]

    assert ("gaps.all", "patient.sex") in compared(change)[0]


def test_codes_are_named_and_values_outside_the_lists_are_counted(
    tables, delivered, schema, tmp_path
):
    a = delivered(tables).rename(tmp_path / "a")
    tables["tumour"][0]["grade"] = "Birnbaum"
    tables["tumour"][1]["laterality"] = "3"
    b = delivered(tables).rename(tmp_path / "b")
    hidden = compare_tables(a, b, schema)
    unseen = next(d for d in hidden.breaking if d.kind == "codes.unseen")
    assert (unseen.codes, unseen.count) == (("3",), 1)
    assert unseen.label("ko") == "A에 없던 코드가 B에 있음: 3"
    wrong = next(d for d in hidden.breaking if d.kind == "column.wrong")
    assert (wrong.count, wrong.shown) == (1, ())
    assert "Birnbaum" not in json.dumps(hidden.as_json()) + "".join(hidden.lines())
    shown = compare_tables(a, b, schema, show_values=True)
    assert "[Birnbaum]" in "\n".join(shown.lines())
    with pytest.raises(ContractError, match="would break a program made for"):
        hidden.demand()


def test_types_of_parquet_files_are_compared(tables, delivered, schema, tmp_path):
    import duckdb

    folder = delivered(tables)
    paths = []
    for name, kind in (("a", "INTEGER"), ("b", "VARCHAR")):
        paths.append(tmp_path / f"{name}.parquet")
        with duckdb.connect() as db:
            db.execute(
                f"COPY (SELECT * REPLACE (CAST(sex AS {kind}) AS sex) FROM "  # noqa: S608
                f"read_csv('{folder}/patient.csv', all_varchar = true)) TO '{paths[-1]}'"
            )
    found = compare_tables(*paths, schema)
    assert [(d.kind, d.label("en")) for d in found.differences] == [
        ("column.type", "the type is INTEGER in A and VARCHAR in B")
    ]


def test_every_line_is_there_in_both_languages(compared):
    found = compared(every("tumour", diagnosis_date="20160229"), full=True)
    assert len(found.lines("en")) == len(found.lines("ko")) == 4
    assert found.lines("en")[2:] == [
        "BREAKS  form.compact_date  tumour.diagnosis_date: dates are written as YYYYMMDD in B; "
        "not so in A",
        "1 difference would break a program made for A; 0 are only new.",
    ]


def test_a_number_that_names_a_row_is_not_compared_as_an_amount(tmp_path):
    omop = schema_for("omop@5.4")
    for name, first in (("a", 1), ("b", 5001)):
        (tmp_path / name).mkdir()
        people = "".join(f"{first + n},{first % 90 + 1900}\n" for n in range(400))
        deaths = "".join(f"{first + n},2020-01-01\n" for n in range(400))
        (tmp_path / name / "person.csv").write_text("person_id,year_of_birth\n" + people)
        (tmp_path / name / "death.csv").write_text("person_id,death_date\n" + deaths)
    found = compare_tables(tmp_path / "a", tmp_path / "b", omop)
    assert [(d.kind, d.where) for d in found.new] == [
        ("values.shifted", "person.year_of_birth"),
        ("values.beyond", "person.year_of_birth"),
    ]
