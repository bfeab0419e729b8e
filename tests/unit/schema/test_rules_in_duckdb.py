"""The SQL of every rule catches what the rule's own examples say."""

import duckdb
import pytest

from synthgen.schema.ddl import create_table
from synthgen.schema.load import load_schema
from synthgen.schema.rules import all_rules, check_rule, implied_rules, is_caught, to_sql
from synthgen.schema.rules.sql import identifier

SCHEMA = load_schema("rare-cancer")


@pytest.fixture
def database():
    with duckdb.connect() as database:
        for table in SCHEMA.tables:
            database.execute(create_table(SCHEMA, table, keys=False))
        yield database


def fill(database, table, row, prefix):
    names = {name.split(".")[1]: value for name, value in row.items() if name.startswith(prefix)}
    columns = ", ".join(identifier(name) for name in names)
    marks = ", ".join("?" for _ in names)
    database.execute(
        f"INSERT INTO {identifier(table)} ({columns}) VALUES ({marks})",  # noqa: S608
        list(names.values()),
    )


def caught(database, checked, row):
    for table in SCHEMA.tables:
        database.execute(f"DELETE FROM {identifier(table.name)}")  # noqa: S608
    fill(database, "patient", {**row, "patient.patient_id": "SY00000001"}, "patient.")
    own = {**row, "tumour.patient_id": "SY00000001", "tumour.tumour_id": "SY00000001T1"}
    fill(database, "tumour", own, "tumour.")
    if any(name.startswith("other.") for name in row):
        other = {**row, "other.patient_id": "SY00000001", "other.tumour_id": "SY00000001T2"}
        fill(database, "tumour", other, "other.")
    key = "patient_id" if checked.table == "patient" else "tumour_id"
    query = to_sql(SCHEMA, checked).select(f"{identifier(checked.table)}.{identifier(key)}")
    return any(
        found[0] in ("SY00000001", "SY00000001T1") for found in database.sql(query).fetchall()
    )


@pytest.mark.parametrize("rule", SCHEMA.rules, ids=lambda rule: rule.id)
def test_the_sql_of_a_rule_agrees_with_its_examples(rule, database):
    checked = check_rule(SCHEMA, rule)
    assert not [row for row in rule.passes if caught(database, checked, row)]
    assert [row for row in rule.caught if caught(database, checked, row)] == list(rule.caught)


def test_a_pair_rule_does_not_pair_a_row_with_itself_or_with_another_patient(database):
    checked = next(c for c in all_rules(SCHEMA) if c.rule.id == "MULTIPLE-PRIMARY")
    row = {"tumour.topography": "C341", "tumour.morphology": "8140", "tumour.behaviour": "3"}
    assert not caught(database, checked, row)
    fill(
        database,
        "tumour",
        {**row, "tumour.patient_id": "SY00000002", "tumour.tumour_id": "SY00000002T1"},
        "tumour.",
    )
    assert not database.sql(to_sql(SCHEMA, checked).select("1")).fetchall()


def test_a_code_that_does_not_go_with_the_row_is_caught(database):
    (checked,) = implied_rules(SCHEMA)
    good = {
        "tumour.entity": "osteosarcoma",
        "tumour.topography": "C402",
        "tumour.morphology": "9180",
        "tumour.behaviour": "3",
    }
    for change, wrong in (
        ({}, False),
        ({"tumour.topography": "C492"}, True),
        ({"tumour.morphology": "9220"}, True),
        ({"tumour.behaviour": "2"}, True),
        ({"tumour.topography": None}, False),
        ({"tumour.entity": "other_tumour", "tumour.morphology": "8500"}, False),
    ):
        row = {**good, **change}
        assert is_caught(SCHEMA, checked, row) is wrong, change
        assert caught(database, checked, row) is wrong, change
