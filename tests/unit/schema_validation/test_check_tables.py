"""What breaks the contract, each in one line with its count and first row numbers."""

from __future__ import annotations

import json

import pytest

from synthgen.errors import ContractError, SchemaError, UsageError
from synthgen.schema.model import Severity
from synthgen.schema.validation import Missing


def rules_of(report):
    return [(b.rule, b.table, b.column, b.count, b.rows) for b in report.impossible]


def test_a_good_delivery_keeps_the_contract(tables, delivered, checked_with_rules):
    report = checked_with_rules(delivered(tables))
    assert report.passes
    assert report.broken == ()
    assert report.notes == ()
    assert report.rows == {"patient": 3, "tumour": 3}
    report.demand()


def test_missing_values_and_missing_codes_are_counted_apart(tables, delivered, checked):
    tables["patient"][0]["birth_month"] = "99"
    report = checked(delivered(tables))
    missing = report.tables[0].missing
    assert missing["birth_month"] == Missing(empty=0, coded=1)
    assert missing["region_code"] == Missing(empty=0, coded=1)
    assert missing["death_date"] == Missing(empty=2, coded=0)
    assert report.passes


def test_a_missing_code_is_no_value_to_the_rules(tables, delivered, checked_with_rules):
    tables["patient"][0]["birth_year"] = "9999"  # would be born after the diagnosis
    assert checked_with_rules(delivered(tables)).passes


@pytest.mark.parametrize(
    ("table", "column", "value", "rule"),
    [
        ("patient", "birth_year", "MCML", "column.type"),
        ("patient", "birth_year", "1.5", "column.type"),
        ("patient", "birth_year", "1700", "column.range"),
        ("patient", "birth_month", "13", "column.range"),
        ("patient", "last_contact_date", "2020-02-30", "column.type"),
        ("patient", "last_contact_date", "20200230", "column.type"),
        ("patient", "last_contact_date", "infinity", "column.type"),
        ("patient", "last_contact_date", "43831", "column.type"),
        ("patient", "last_contact_date", "01/02/2020", "column.type"),
        ("patient", "region_code", "777", "column.code"),
        ("patient", "death_cause_icd10", "C6", "column.pattern"),
        ("tumour", "morphology", "1234", "column.code"),
        ("tumour", "icd10", "c402", "column.pattern"),
        ("patient", "sex", "", "column.missing"),
        ("patient", "last_contact_date", "", "column.missing"),
    ],
)
def test_a_wrong_cell_is_named_by_column_and_line(
    tables, delivered, checked, table, column, value, rule
):
    tables[table][1][column] = value
    report = checked(delivered(tables))
    assert (rule, table, column, 1, (3,)) in rules_of(report)
    assert value not in " ".join(report.lines("en") + report.lines("ko")) or len(value) < 2


def test_a_value_is_shown_only_when_asked_for(tables, delivered, checked):
    tables["tumour"][2]["grade"] = "Pfefferkuchen"
    folder = delivered(tables)
    hidden, shown = checked(folder), checked(folder, show_values=True)
    assert "Pfefferkuchen" not in json.dumps(hidden.as_json())
    assert "Pfefferkuchen" not in "\n".join(hidden.lines())
    assert shown.broken[0].values == ("Pfefferkuchen",)
    assert "4 (Pfefferkuchen)" in "\n".join(shown.lines())


def test_the_values_of_a_rule_are_those_it_looks_at(tables, delivered, checked_with_rules):
    tables["patient"][1]["sex"] = "2"
    report = checked_with_rules(delivered(tables), show_values=True)
    found = {b.rule: b for b in report.impossible}["SEX-SITE-FEMALE"]
    assert (found.count, found.rows) == (1, (3,))
    assert found.values == ("sex=2, topography=C629",)


def test_only_the_first_rows_are_named_and_all_are_counted(tables, delivered, checked):
    first = tables["patient"][0]
    tables["patient"] += [first | {"patient_id": f"SY9999{n:04d}", "sex": "X"} for n in range(50)]
    report = checked(delivered(tables))
    assert rules_of(report) == [("column.code", "patient", "sex", 50, (5, 6, 7, 8, 9))]
    assert report.broken[0].total == 53


def test_an_impossible_rule_breaks_the_contract(tables, delivered, checked_with_rules):
    tables["patient"][1]["death_date"] = ""
    report = checked_with_rules(delivered(tables))
    assert rules_of(report) == [("DATE-DEATH-DEAD", "patient", "", 1, (3,))]
    with pytest.raises(ContractError, match=r"breaks rare-cancer@1\.0\.0 in \d+ ways?"):
        report.demand()


def test_an_unlikely_rule_is_only_counted(tables, delivered, checked_with_rules):
    tables["patient"][2]["birth_year"] = "2014"
    tables["patient"][2]["birth_month"] = "1"
    tables["tumour"][2]["age_at_diagnosis"] = "4"  # osteosarcoma at 0 to 5 years
    report = checked_with_rules(delivered(tables))
    assert report.passes
    assert [(b.rule, b.count, b.rows) for b in report.unlikely] == [("CHILD-OSTEOSARCOMA", 1, ())]
    assert report.unlikely[0].rate == pytest.approx(1 / 3)
    assert report.unlikely[0].severity is Severity.UNLIKELY


def test_what_a_code_implies_is_checked(tables, delivered, checked):
    tables["tumour"][0]["topography"] = "C500"  # no bone
    report = checked(delivered(tables))
    assert ("IMPLIES-tumour.entity", "tumour", "", 1, (2,)) in rules_of(report)


def test_a_key_that_stands_twice_is_found_and_counts_once_in_the_rules(
    tables, delivered, checked_with_rules
):
    tables["patient"].append(dict(tables["patient"][1]))
    tables["patient"][1]["sex"] = tables["patient"][3]["sex"] = "2"
    report = checked_with_rules(delivered(tables))
    assert ("key.unique", "patient", "patient_id", 1, (5,)) in rules_of(report)
    assert ("SEX-SITE-FEMALE", "tumour", "", 1, (3,)) in rules_of(report)


def test_rows_without_a_key_are_missing_keys_and_not_repeats(tables, delivered, checked):
    for row in tables["tumour"]:
        row["tumour_id"] = ""
    assert rules_of(checked(delivered(tables))) == [
        ("column.missing", "tumour", "tumour_id", 3, (2, 3, 4))
    ]


def test_a_key_that_leads_nowhere_is_found(tables, delivered, checked):
    tables["tumour"][2] |= {"patient_id": "SY00000009"}
    assert ("key.foreign", "tumour", "patient_id", 1, (4,)) in rules_of(checked(delivered(tables)))


def test_a_missing_column_is_named_and_its_rules_are_not_guessed(
    tables, delivered, checked_with_rules
):
    for row in tables["tumour"]:
        del row["grade"]
    report = checked_with_rules(delivered(tables))
    assert rules_of(report) == [("structure.column", "tumour", "grade", 3, ())]
    unchecked = [n for n in report.notes if n.kind == "unchecked"]
    assert "not checked, for want of tumour.grade" in unchecked[0].label("en")


def test_a_missing_optional_column_is_a_note(tables, delivered, checked):
    for row in tables["patient"]:
        del row["income_quintile"]
    report = checked(delivered(tables))
    assert report.passes
    assert [n.label("en") for n in report.notes] == [
        "patient.csv lacks optional columns: income_quintile"
    ]


def test_a_renamed_column_is_guessed_by_its_title(tables, delivered, checked):
    for row in tables["tumour"]:
        row["분화도코드"] = row.pop("grade")
        row["site_code"] = row.pop("topography")
    messages = {b.column: b.message for b in checked(delivered(tables)).impossible}
    assert messages["topography"] == "the column is missing; site_code looks like it"


def test_extra_and_reordered_columns_are_notes(tables, delivered, checked):
    tables["patient"] = [{"memo": "x"} | dict(reversed(row.items())) for row in tables["patient"]]
    report = checked(delivered(tables))
    assert report.passes
    assert [n.label("en") for n in report.notes] == [
        "patient.csv has 1 more column, which was not checked: memo",
        "patient.csv has its columns in another order than the schema",
    ]


def test_swapped_contents_are_named(tables, delivered, checked):
    for row in tables["tumour"]:
        row["topography"], row["morphology"] = row["morphology"], row["topography"]
    messages = {b.column: b.message for b in checked(delivered(tables)).impossible}
    assert messages["topography"].endswith("; the values of morphology would fit")
    assert messages["morphology"].endswith("; the values of topography would fit")


@pytest.mark.parametrize(
    ("column", "values", "hint"),
    [
        ("topography", ["c402", "c629", "c402"], "most would be codes in capital letters"),
        ("topography", ["C40.2", "C62.9", "C40.2"], "most would be codes without the dot"),
        ("seer_stage", ["01", "02", "07"], "most would be codes without the leading zero"),
    ],
)
def test_what_wrong_codes_have_in_common_is_named(tables, delivered, checked, column, values, hint):
    for row, value in zip(tables["tumour"], values, strict=True):
        row[column] = value
    messages = {b.column: b.message for b in checked(delivered(tables)).impossible}
    assert messages[column].endswith(hint)


def test_a_lost_leading_zero_is_named(tables, delivered, checked):
    for row in tables["patient"]:
        row["occupation_code"] = "1"
    messages = [b.message for b in checked(delivered(tables)).impossible]
    assert messages == [
        "is not a code of the list occupation; most would be codes with a leading zero"
    ]


def test_a_missing_table_breaks_a_folder_and_not_a_single_file(tables, delivered, checked):
    del tables["patient"]
    folder = delivered(tables)
    assert rules_of(checked(folder)) == [("structure.table", "patient", "", 1, ())]
    alone = checked(folder / "tumour.csv")
    assert alone.passes
    assert {n.kind for n in alone.notes} == {"unchecked"}


def test_every_line_is_there_in_both_languages(tables, delivered, checked):
    tables["tumour"][0]["grade"] = "?"
    report = checked(delivered(tables))
    english, korean = report.lines("en"), report.lines("ko")
    assert len(english) == len(korean)
    assert english[2] == (
        "IMPOSSIBLE  column.code  tumour.grade: is not a code of the list grade; rows: 1 (33.3 %); "
        "first lines: 2"
    )
    assert korean[2] == (
        "불가능  column.code  tumour.grade: 코드 목록 grade에 없는 코드; 1행(33.3 %); 처음 줄 번호: 2"
    )


def test_the_report_is_json(tables, delivered, checked):
    tables["tumour"][0]["grade"] = "?"
    document = json.loads(json.dumps(checked(delivered(tables)).as_json()))
    assert document["passes"] is False
    assert document["tables"][1]["numbered_by"] == "line"
    assert document["broken"][0] | {"message": "", "message_ko": ""} == {
        "rule": "column.code",
        "severity": "impossible",
        "table": "tumour",
        "column": "grade",
        "message": "",
        "message_ko": "",
        "count": 1,
        "rows_checked": 3,
        "first_rows": [2],
        "values": [],
    }


def test_a_pattern_that_looks_ahead_is_a_schema_problem(tables, delivered, schema):
    from dataclasses import replace

    from synthgen.schema.validation import check_tables

    patient = schema.table("patient")
    first = replace(patient.columns[0], pattern="^SY(?=[0-9]).*$")
    other = replace(patient, columns=(first, *patient.columns[1:]))
    with pytest.raises(SchemaError, match="column patient_id: its pattern cannot be checked"):
        check_tables(delivered(tables), replace(schema, tables=(other, schema.tables[1])))


def test_a_table_that_the_schema_lacks_is_a_usage_error(tables, delivered, checked):
    with pytest.raises(UsageError, match=r"^table therapy: rare-cancer@1\.0\.0 has no such table"):
        checked(delivered(tables), table="therapy")
