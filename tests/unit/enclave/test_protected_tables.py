"""What may leave: protected tables keep their secrets from somebody who knows the rules."""

import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from synthgen.enclave.bins import blurred, record_bins
from synthgen.enclave.counting import coded_units
from synthgen.enclave.design import design_of
from synthgen.enclave.missing import gaps_of
from synthgen.enclave.plan import Plan, PlannedTable, read_plan
from synthgen.enclave.records import open_records
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import RecordsError
from synthgen.statistics.protection import UndecidedError

PLAN = """{"format": "plan/1", "tables": [
 {"variables": ["grade"]}, {"variables": ["margin"]}, {"variables": ["grade", "margin"]},
 {"variables": ["relapse", "status"]}, {"variables": ["relapse", "margin"]}]}"""


def test_a_zero_that_the_rules_tell_hides_no_small_number(schema, operations, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(PLAN, encoding="utf-8")
    asked = Settings(plan=read_plan(path), allow_repeated=True, as_of=date(2030, 1, 1))
    pack = tabulate({"operation": operations(120, seed=5)}, schema, asked).pack
    names = ("grade", "margin", "relapse", "status")
    codes = [pack.own_schema.variable(name).codes for name in names]
    grid = np.array(np.meshgrid(*codes, indexing="ij")).reshape(len(names), -1)
    possible = (grid[0] == "missing") == (grid[1] == "missing")  # no grade without a margin
    possible &= ~((grid[2] == "dead_without") & (grid[3] == "alive"))  # implied by the code list
    cells = [cell for table in pack.tables for cell in table.cells if table.kind == "counts"]
    inside = np.ones((len(cells), grid.shape[1]))
    for row, cell in zip(inside, cells, strict=True):
        for name, members in cell.members.items():
            row *= np.isin(grid[names.index(name)], members)
    printed = LinearConstraint(inside, [c.lower for c in cells], [c.upper for c in cells])
    limits = Bounds(0, np.where(possible, np.inf, 0))

    def most(row):
        whole = np.ones(grid.shape[1])
        return milp(row, constraints=printed, bounds=limits, integrality=whole).fun

    hidden = [
        (row, cell) for row, cell in zip(inside, cells, strict=True) if cell.lower < cell.upper
    ]

    assert hidden
    for row, cell in hidden:
        low, high = round(most(row)), round(-most(-row))
        assert low >= 5 or high - low >= 2, cell.members


def test_a_value_far_from_all_others_makes_no_bin(schema, operations):
    frame = operations(200, seed=3)
    frame.loc[0, ["months_followed", "months_to_relapse"]] = 7777.7
    frame.loc[0, ["status", "relapse"]] = ["alive", "none"]

    with pytest.raises(RecordsError, match="fewer than 5 patients lie far") as refused:
        designed(frame, schema)

    assert "7777" not in str(refused.value)
    assert designed(frame, schema, guarded=False)
    limited = with_column(schema, "months_followed", minimum=0, maximum=9999)
    limited = with_column(limited, "months_to_relapse", minimum=0, maximum=9999)
    bins = designed(frame, limited)["months_followed"]
    edges = [c for c in bins.categories if not c.means]
    assert (edges[0].lower, edges[-1].upper) == (0, np.nextafter(9999, np.inf))


def designed(frame, schema, *, guarded=True, from_records=True):
    """Variables of a design, by name."""
    with open_records({"operation": frame}, schema, allow_repeated=True) as records:
        design = design_of(
            records, from_records=from_records, guarded=guarded, least=5 if guarded else 1
        )
    return {v.name: v for v in design.variables}


def with_column(schema, name, **changes):
    table = schema.table("operation")
    columns = tuple(replace(c, **changes) if c.name == name else c for c in table.columns)
    others = tuple(t for t in schema.tables if t.name != "operation")
    return replace(schema, tables=(replace(table, columns=columns), *others))


def test_every_bin_of_a_protected_pack_holds_enough_patients_and_ends_at_a_round_number(
    schema, operations
):
    frame = operations(200, seed=3)

    bins = designed(frame, schema)["months_followed"]

    plain = [c for c in bins.categories if not c.means]
    assert [c.lower for c in plain] == [round(c.lower, -1) for c in plain]
    assert plain[0].lower == 0
    for category in plain:
        inside = frame["months_followed"].between(category.lower, category.upper, inclusive="left")
        assert inside.sum() >= 5


def _odd(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """The same records, but one of them has a value that no other has."""
    changed = frame.copy()
    changed.loc[7, column] = value
    return changed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("size_mm", 499),
        ("months_to_relapse", 0.0),
        ("grade", None),
        ("margin", None),
        ("age", 100),
    ],
)
def test_one_patient_shapes_nothing_in_a_released_schema(schema, operations, column, value):
    frame = operations(200, seed=3)
    frame[["grade", "margin"]] = frame[["grade", "margin"]].fillna({"grade": "1", "margin": "R0"})

    before = designed(frame, schema)
    after = designed(_odd(frame, column, value), schema)

    assert before.keys() == after.keys()
    for name, variable in before.items():
        again = after[name]
        assert (variable.since, variable.not_above) == (again.since, again.not_above)
        assert {c.means for c in variable.categories} == {c.means for c in again.categories}
        if not variable.is_binned:
            continue
        plain, odd = ([c for c in v.categories if not c.means] for v in (variable, again))
        assert plain[0].lower == odd[0].lower
        # An inner edge is a rounded quantile: it may move by a step, and the last end with it.
        assert odd[-1].upper == pytest.approx(plain[-1].upper, rel=0.05)


def test_one_row_in_which_two_fields_are_missing_makes_no_rule(schema, operations):
    frame = operations(200, seed=3)
    frame[["grade", "margin"]] = frame[["grade", "margin"]].fillna({"grade": "1", "margin": "R0"})
    frame.loc[7, ["grade", "margin"]] = None
    assert not found_rules(frame, schema)
    frame.loc[:20, ["grade", "margin"]] = None
    assert len(found_rules(frame, schema)) == 1


def found_rules(frame, schema):
    with open_records({"operation": frame}, schema, allow_repeated=True) as records:
        design = design_of(records, from_records=False, guarded=True, least=5)
        (unit,) = coded_units(records, design)
        return gaps_of(unit, unit.sample(), schema, least=5).rules


def test_a_column_that_few_patients_have_gets_no_bins_of_theirs(schema, operations):
    frame = operations(200, seed=3)
    few = with_column(schema, "size_mm", minimum=None, maximum=None, nullable=True)
    few = replace(few, variables=tuple(v for v in few.variables if v.column != "operation.size_mm"))
    frame["size_mm"] = frame["size_mm"].astype("Int64")
    frame.loc[4:, "size_mm"] = pd.NA

    assert "size_mm" not in designed(frame, few)
    assert "size_mm" in designed(frame, few, guarded=False)


def test_days_before_a_date_have_bins_whether_or_not_somebody_has_them(schema, operations):
    frame = operations(200, seed=3)
    free = replace(schema, rules=())
    before = designed(frame, free, from_records=False)
    frame.loc[7, "surgery_date"] = frame.loc[7, "biopsy_date"] - pd.Timedelta(days=40)
    assert designed(frame, free, from_records=False) == before


def test_calendar_years_of_a_protected_pack_are_public_ones(schema, operations):
    frame = operations(200, seed=3)
    asked = Settings(bins_from_data=True, allow_repeated=True, as_of=date(2030, 1, 1))

    bins = tabulate({"operation": frame}, schema, asked).pack.own_schema.variable("biopsy_date")

    assert (bins.categories[0].lower, bins.categories[-1].upper) == (1900.0, 2050.0)


@pytest.mark.parametrize("seed", range(20))
def test_blurred_bins_hold_every_value_and_keep_published_limits(schema, seed):
    rng = np.random.default_rng(seed)
    values = np.unique(rng.choice([rng.normal(0, 1e3, 50), rng.exponential(9, 50)]).round(2))
    values = values[:1] if seed == 7 else values
    made = record_bins(values.tolist(), [1] * len(values), whole=False, coarse=8, fine=20)
    edges = blurred(made.coarse, whole=False)
    assert edges[0][0] <= values[0]
    assert edges[-1][1] > values[-1]
    assert all(a < b for a, b in edges)
    ages = [(18.0, 40.0), (40.0, 71.0), (71.0, 110.0)]
    column = schema.table("operation").column("age")
    assert blurred(ages, column, whole=True) == [(0.0, 40.0), (40.0, 71.0), (71.0, 111.0)]


def test_rows_of_one_patient_are_not_several_patients(schema, frames):
    """Two fields are missing together in eight visits: of two patients, or of eight."""
    visit, grade = schema.table("visit"), schema.table("operation").column("grade")
    asked = tuple(replace(grade, name=name, nullable=True) for name in ("pain", "sleep"))
    tables = tuple(
        replace(t, columns=(*t.columns, *asked)) if t.name == "visit" else t for t in schema.tables
    )
    longer = replace(schema, tables=tables)
    rng = np.random.default_rng(1)
    visits = frames["visit"].assign(
        pain=rng.choice(["1", "2"], len(frames["visit"])),
        sleep=rng.choice(["1", "2"], len(frames["visit"])),
    )
    often = visits["operation_no"].value_counts()
    assert often.iloc[0] == often.iloc[1] == 4
    of_two = visits["operation_no"].isin(often.index[:2])
    of_many = visits.index.isin(visits.drop_duplicates("operation_no").index[:20])

    def found(lost):
        frame = visits.mask(
            pd.DataFrame({c: lost if c in ("pain", "sleep") else False for c in visits.columns})
        )
        settings = Settings(min_cell=5, allow_repeated=True, as_of=date(2030, 1, 1))
        pack = tabulate({**frames, "visit": frame}, longer, settings).pack
        return [r.id for r in pack.own_schema.rules if r.id.startswith("MISSING-TOGETHER-visit")]

    assert visit.foreign_keys
    assert not found(of_two)
    assert found(of_many)


def test_tables_that_nobody_can_judge_are_chosen_again_smaller(schema, operations, monkeypatch):
    made = sys.modules["synthgen.enclave.tabulate"]
    monkeypatch.setattr(made, "FEWER", 100)
    monkeypatch.setattr(made, "FEWEST_CELLS", 10)
    whole, sizes, told = made.protect, list[int](), list[str]()

    def of_little_patience(pack, *rest, **options):
        sizes.append(max(len(t.cells) for t in pack.tables if len(t.variables) > 1))
        if sizes[-1] > 20:
            raise UndecidedError("too much work")
        return whole(pack, *rest, **options)

    monkeypatch.setattr(made, "protect", of_little_patience)
    records = {"operation": operations(4_000, seed=5)}
    pack = tabulate(records, schema, Settings(), notice=told.append).pack
    assert len(sizes) == 2
    assert sizes[0] > 20 >= sizes[1]
    assert "at most 20 cells" in told[0]
    assert any(table.protection.rounded_to for table in pack.tables)
    for given in (
        {"max_cells": 2_000},
        {"plan": Plan((PlannedTable(("status", "relapse", "grade")),))},
    ):
        sizes.clear()
        with pytest.raises(UndecidedError):  # what was asked for is made or refused
            tabulate(records, schema, Settings(**given))
        assert len(sizes) == 1
