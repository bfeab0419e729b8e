"""What may leave: protected tables keep their secrets from somebody who knows the rules."""

from datetime import date

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

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
