"""What may leave: protected tables keep their secrets from somebody who knows the rules."""

from datetime import date

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from synthgen.enclave.bins import blurred, record_bins
from synthgen.enclave.plan import read_plan
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate

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


def test_no_bin_of_a_protected_pack_ends_at_a_value_of_somebody(schema, operations):
    frame = operations(200, seed=3)
    frame.loc[0, ["months_followed", "months_to_relapse"]] = 777.7
    frame.loc[0, ["status", "relapse"]] = ["alive", "none"]
    asked = Settings(bins_from_data=True, allow_repeated=True, as_of=date(2030, 1, 1))

    bins = tabulate({"operation": frame}, schema, asked).pack.own_schema.variable("months_followed")

    edges = [c.lower for c in bins.categories if not c.means]
    highest = max(c.upper for c in bins.categories if not c.means)
    assert edges == [round(edge, -1) for edge in edges]
    assert 777.7 < highest == round(highest, -1)
    assert min(edges) == 0


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
