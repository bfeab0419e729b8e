"""Tabulating records: every form of input, every kind of column, nothing lost and nothing added."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen.enclave.plan import Plan, PlannedCurve, PlannedTable, read_plan
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import RecordsError, UsageError
from synthgen.statistics.read import read_pack, schema_of
from synthgen.statistics.write import write_pack

EXACT = Settings(unprotected=True)
FROM_DATA = replace(EXACT, bins_from_data=True)


def counted(pack, name):
    """Counts of a table by codes, without its total."""
    table = pack.table(name)
    names = (*table.given, *table.variables)
    return {
        tuple(c.members[n][0] for n in names): c.value
        for c in table.cells
        if len(c.members) == len(names)
    }


@pytest.fixture(scope="module")
def tabulated(frames, schema):
    return tabulate(frames, schema, FROM_DATA).pack


@pytest.mark.parametrize("form", ["csv", "parquet", "duckdb"])
def test_every_form_of_file_gives_the_same_pack_as_frames(
    tmp_path, writers, frames, schema, tabulated, form
):
    source = writers[form](tmp_path / form, frames)
    assert tabulate(source, schema, FROM_DATA).pack == tabulated


def test_a_plan_counts_what_it_names_and_nothing_else(frames, schema):
    plan = Plan(
        (PlannedTable(("grade", "margin")), PlannedTable(("age_group",))),
        (PlannedCurve("relapse", ("grade",)),),
    )
    pack = tabulate(frames, schema, replace(EXACT, plan=plan)).pack
    assert [t.name for t in pack.tables] == [
        "grade-margin",
        "age_group",
        "kaplan_meier-relapse-grade",
        "aalen_johansen-relapse-grade",
    ]
    found = counted(pack, "grade-margin")
    people = frames["operation"]
    both = people.groupby([people["grade"].fillna("missing"), people["margin"].fillna("missing")])
    assert found == {key: float(n) for key, n in both.size().items()}


def test_numbers_go_to_the_public_bins_of_the_schema(frames, schema):
    plan = Plan((PlannedTable(("size_group",)),))
    found = counted(tabulate(frames, schema, replace(EXACT, plan=plan)).pack, "size_group")
    size = frames["operation"]["size_mm"]
    assert found["up to 5 cm",] == (size <= 50).sum()
    assert found["over 10 cm",] == (size > 100).sum()


def test_bins_made_of_the_records_are_marked_and_only_made_when_asked_for(frames, schema):
    public = tabulate(frames, schema, EXACT)
    assert {v.bins_from for v in schema_of(public.pack).variables} == {"schema"}
    assert public.left_out == (
        "operation.months_followed (no public bins)",
        "operation.months_to_relapse (no public bins)",
    )
    made = {
        v.name: v.bins_from for v in schema_of(tabulate(frames, schema, FROM_DATA).pack).variables
    }
    assert made["months_followed"] == "records"
    assert made["age_group"] == "schema"


def test_fields_that_go_missing_together_become_a_rule_and_a_table(tabulated):
    schema = schema_of(tabulated)
    rule = next(r for r in schema.rules if r.id.startswith("MISSING-TOGETHER"))
    assert "operation.grade is null and operation.margin is not null" in rule.when
    assert any({"grade", "margin"} <= {*t.variables, *t.given} for t in tabulated.tables)


def test_a_field_that_a_category_never_has_becomes_a_rule(schema, operations):
    made = operations()
    made["margin"] = np.where(made["grade"] == "1", None, "R0")
    made["grade"] = made["grade"].fillna("2")
    pack = tabulate({"operation": made}, schema, EXACT).pack
    rules = [r.when for r in schema_of(pack).rules if r.id.startswith("NEVER")]
    assert rules == ["operation.grade in ['1'] and operation.margin is not null"]


def test_linked_rows_are_counted_given_what_they_belong_to(tabulated, frames):
    visit_tables = [t for t in tabulated.tables if "visit_date" in t.variables]
    total = sum(
        c.value for c in visit_tables[0].cells if len(c.members) == 1 + len(visit_tables[0].given)
    )
    assert total == len(frames["visit"])
    assert schema_of(tabulated).variable("visit_date").since == "operation.surgery_date"
    assert [b.name for b in tabulated.blocks] == ["operation", "visit"]


def test_survival_is_the_kaplan_meier_estimate(frames, schema):
    plan = Plan((PlannedTable(("grade",)),), (PlannedCurve("overall_survival"),))
    table = tabulate(frames, schema, replace(EXACT, plan=plan)).pack.table(
        "kaplan_meier-overall_survival"
    )
    people = frames["operation"]
    alive = 1.0
    for month in np.sort(people["months_followed"][people["status"] == "dead"].unique()):
        if month <= 24:
            at_risk = (people["months_followed"] >= month).sum()
            died = ((people["months_followed"] == month) & (people["status"] == "dead")).sum()
            alive *= 1 - died / at_risk
    two_years = next(c for c in table.cells if c.time == 2.0)
    assert two_years.value == pytest.approx(alive, abs=1e-4)
    assert two_years.n == (people["months_followed"] >= 24).sum()


def test_incidence_and_survival_of_competing_end_points_add_up(frames, schema):
    plan = Plan((PlannedTable(("grade",)),), (PlannedCurve("relapse"),))
    pack = tabulate(frames, schema, replace(EXACT, plan=plan)).pack
    free = {c.time: c.value for c in pack.table("kaplan_meier-relapse").cells}
    relapsed = {c.time: c.value for c in pack.table("aalen_johansen-relapse").cells}
    assert all(free[t] + relapsed[t] <= 1 + 1e-9 for t in free)
    assert relapsed[5.0] > 0.1


def test_a_pack_brings_its_schema_along_and_is_read_back(tmp_path, tabulated):
    write_pack(tabulated, tmp_path / "pack")
    read = read_pack(tmp_path / "pack")
    assert schema_of(read) == schema_of(tabulated)
    assert read.unprotected
    assert [len(t.cells) for t in read.tables] == [len(t.cells) for t in tabulated.tables]
    document = json.loads((tmp_path / "pack/datapackage.json").read_text())
    assert document["x-synthgen"]["protection"] == "enclave, no formal protection"


def test_a_variable_with_one_bin_is_counted_once(tmp_path, frames, schema):
    operations = frames["operation"].assign(biopsy_date=pd.Timestamp("2015-07-01"))
    operations["surgery_date"] = pd.Timestamp("2015-08-01")
    asked = replace(FROM_DATA, plan=Plan((PlannedTable(("biopsy_date",)),)))
    pack = tabulate({"operation": operations}, schema, asked).pack
    assert len(pack.own_schema.variable("biopsy_date").categories) == 1
    write_pack(pack, tmp_path / "pack")
    (cell,) = read_pack(tmp_path / "pack").tables[0].cells
    assert cell.printed == str(len(operations))


def test_exact_tables_must_be_asked_for():
    with pytest.raises(UsageError, match="say --unprotected"):
        Settings(min_cell=1)


def test_a_plan_that_asks_for_too_large_a_table_is_refused(frames, schema):
    plan = Plan((PlannedTable(("age_group", "size_group", "grade", "margin")),))
    with pytest.raises(
        RecordsError, match=r"^plan: the table of age_group, .* has 320 cells; at most 100"
    ):
        tabulate(frames, schema, replace(EXACT, plan=plan, max_cells=100))


def test_a_plan_that_names_no_variable_is_refused(frames, schema):
    plan = Plan((PlannedTable(("ages",)),))
    with pytest.raises(RecordsError, match=r"^plan: ages is no variable of these records"):
        tabulate(frames, schema, replace(EXACT, plan=plan))


def test_a_plan_is_read_from_json_and_nothing_else(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"format": "plan/1", "tables": [{"variables": ["grade"]}]}')
    assert read_plan(path).tables == (PlannedTable(("grade",)),)
    path.write_text('{"format": "plan/1", "tabels": []}')
    with pytest.raises(RecordsError):
        read_plan(path)


def test_one_patient_under_two_ids_is_refused_unless_allowed(frames, schema):
    people = frames["operation"]
    twice = pd.concat([people, people.iloc[[3]].assign(operation_no="OP9999")], ignore_index=True)
    with pytest.raises(RecordsError, match=r"as if one patient had two.*\(1 such rows\)$"):
        tabulate({"operation": twice}, schema, EXACT)
    allowed = tabulate({"operation": twice}, schema, replace(EXACT, allow_repeated=True))
    assert allowed.pack.tables
