"""A protected pack that ties too much for the exact fit is fitted as counts with an error."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from synthgen.cohort.record_tables import _most_rows
from synthgen.cohort.rule_orders import numbering_of
from synthgen.enclave.fit import fit_tabulated
from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.models.domain import Domain
from synthgen.models.fit import fit_pack
from synthgen.models.junction_tree import TooTiedError, junction_tree
from synthgen.models.rounded_pack import can_be_rounded, fit_rounded, grids_of
from synthgen.schema.load import load_schema
from synthgen.statistics.model import Cell

PLAN = Plan(
    (
        PlannedTable(("grade", "margin")),
        PlannedTable(("grade", "relapse", "status")),
        PlannedTable(("age_group",), ("grade",)),
    )
)
PAIRS = [("grade", "margin"), ("grade", "relapse"), ("relapse", "status"), ("age_group", "grade")]


@pytest.fixture(scope="module")
def pack(schema, operations):
    """1,000 operations, rounded to fives."""
    asked = Settings(plan=PLAN, round_to=5)
    return tabulate({"operation": operations(1_000, seed=5)}, schema, asked).pack


def test_it_says_what_the_exact_fit_says_up_to_the_rounding(pack):
    whole = fit_pack(pack, pack.own_schema).distribution
    rounded = fit_rounded(pack, pack.own_schema).distribution
    assert rounded.domain == whole.domain
    for names in PAIRS:
        one, other = (d.marginal(whole.domain.ordered(names)) for d in (whole, rounded))
        # Both lie within half a base of what was printed, in every cell of a pair.
        assert np.abs(one - other).max() < 5 / 1_000
        assert 0.5 * np.abs(one - other).sum() < 0.01


def test_it_is_taken_where_rules_and_tables_tie_too_much(pack, monkeypatch):
    made = sys.modules["synthgen.enclave.fit"]
    asked = []

    def too_tied(*given):
        asked.append(given)
        raise TooTiedError("together")

    monkeypatch.setattr(made, "fit_pack", too_tied)
    fit = fit_tabulated(pack, pack.own_schema)
    assert len(asked) == 1
    assert fit.residual < 0.1
    assert len(fit.gaps) == len(fit_pack(pack, pack.own_schema).gaps)


def test_counts_of_groups_of_codes_are_refused_as_before(pack, monkeypatch):
    table = pack.tables[0]
    cell = replace(table.cells[-1], members={"grade": ("1", "2")})
    other = replace(pack, tables=(replace(table, cells=(*table.cells[:-1], cell)),))
    assert can_be_rounded(pack)
    assert not can_be_rounded(other)

    def too_tied(*_):
        raise TooTiedError("together")

    monkeypatch.setattr(sys.modules["synthgen.enclave.fit"], "fit_pack", too_tied)
    with pytest.raises(TooTiedError, match="together"):
        fit_tabulated(other, other.own_schema)


def test_a_table_is_read_with_its_margins_and_the_middle_of_its_ranges(pack):
    domain = Domain((("a", ("x", "y")), ("b", ("1", "2"))))
    cells = (
        Cell({"b": ("1",)}, 8.0, 12.0, printed="10"),
        Cell({"b": ("2",)}, 20.0, 30.0, printed="20-30"),
        Cell({"a": ("x",), "b": ("1",)}, 3.0, 7.0, printed="5"),
        Cell({"a": ("y",), "b": ("2",)}, 0.0, 4.0, printed="0-4"),
        Cell({"a": ("z",), "b": ("2",)}, 1.0, 1.0, printed="1"),
    )
    table = replace(pack.tables[0], variables=("a",), given=("b",), cells=cells)
    (margin, whole), total = grids_of(table, domain)
    assert (margin.names, whole.names) == (("b",), ("a", "b"))
    np.testing.assert_array_equal(margin.counts, [10.0, 25.0])
    np.testing.assert_array_equal(whole.counts, [[5.0, 0.0], [0.0, 2.0]])
    assert whole.sigma == pytest.approx(4 / 12**0.5)
    assert total == 35.0


def test_a_tree_that_would_be_too_large_is_told_apart():
    domain = Domain((("a", ("x", "y")), ("b", ("1", "2"))))
    with pytest.raises(TooTiedError, match=r"a \(2\) x b \(2\)"):
        junction_tree(domain, [("a", "b")], limit=3)


def test_no_patient_has_more_rows_than_can_be_numbered():
    rare = load_schema("rare-cancer")
    tumour = rare.table("tumour")
    assert numbering_of(rare, tumour, "patient").column == "tumour_sequence"
    level = SimpleNamespace(table=tumour, parent="patient")
    assert _most_rows(rare, level) == 9
    level.parent = "nothing"
    assert _most_rows(rare, level) > 10**6
