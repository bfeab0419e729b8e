"""What protect makes passes the audit, holds the truth, and reads back as it was written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synthgen.errors import UsageError
from synthgen.statistics.audit import audit
from synthgen.statistics.model import Cell, Relation, StatisticsTable
from synthgen.statistics.protection import protect
from synthgen.statistics.protection.ladder import Rules, shown
from synthgen.statistics.protection.protect import information_lost, protect_with_record
from synthgen.statistics.read import read_pack
from synthgen.statistics.statements import statements_of
from synthgen.statistics.write import write_pack

FINE = ("smallest_cell", "reconstruction", "homogeneity", "implied_counts", "differencing")


def of_kind(kind, cells, **changes):
    settings = {
        "name": "more", "title": "T", "title_ko": "표", "kind": kind, "variables": ("stage",),
        "given": (), "scope": {}, "relation": Relation.PUBLISHED, "source": "s",
        "population": "Gangwon", "period": "2018-2022",
        "cells": tuple(replace(c, row=i) for i, c in enumerate(cells, 2)),
    }  # fmt: skip
    return StatisticsTable(**{**settings, **changes})


def inside(exact, protected):
    """Whether every protected cell holds the number it stands for."""
    for table in protected.tables:
        truth = {c.row: c for c in exact.table(table.name).cells}
        for cell in table.cells:
            true = truth[cell.row]
            assert cell.lower <= true.lower + 1e-9, (table.name, cell)
            assert cell.upper >= true.upper - 1e-9, (table.name, cell)


@pytest.mark.parametrize("method", ["round", "suppress"])
def test_a_protected_cube_passes_where_primary_suppression_fails(two_way, small, schema, method):
    exact = two_way(small)
    protected = protect(exact, schema, min_cell=5, method=method)
    assert audit([protected], schema).passes
    assert not audit([two_way(small, 5)], schema).passes
    inside(exact, protected)


def test_the_way_that_loses_less_is_taken_and_said(two_way, small, schema):
    exact = two_way(small)
    best = protect_with_record(exact, schema, min_cell=5)
    lost = {
        method: protect_with_record(exact, schema, min_cell=5, method=method).lost
        for method in ("round", "suppress")
    }
    assert best.lost == min(lost.values())
    assert "loses less than" in best.pack.description
    assert "정보 손실이 적어" in best.pack.description_ko
    assert best.lost == information_lost(best.pack, schema)


def test_a_base_asks_for_rounding_and_totals_are_rounded_by_themselves(two_way, small, schema):
    protected = protect(two_way(small), schema, min_cell=5, round_to=10)
    assert all(t.protection.rounded_to == 10 for t in protected.tables)
    plain = [c for t in protected.tables for c in t.cells if ".." not in c.printed]
    assert plain
    assert all(int(c.printed) % 10 == 0 for c in plain)


def test_a_protected_pack_reads_back_the_same_and_can_be_fitted(two_way, small, schema, tmp_path):
    for method in ("round", "suppress"):
        protected = protect(two_way(small), schema, min_cell=5, method=method)
        folder = write_pack(protected, tmp_path / method)
        back = read_pack(folder, lambda _: schema)
        for table in protected.tables:
            again = back.table(table.name)
            assert [(c.lower, c.upper) for c in again.cells] == [
                (c.lower, c.upper) for c in table.cells
            ]
            assert again.protection == table.protection
        assert statements_of(back, schema)
        assert audit([back], schema).passes


def test_shares_are_protected_through_their_counts(two_way, small, schema):
    exact = two_way(small)
    stages = small.sum(axis=(0, 1))
    n = float(stages.sum())
    cells = [
        Cell({"stage": (f"c{i:02d}",)}, v / n - 0.0005, v / n + 0.0005, n=n, printed=f"{100 * v / n:.1f}")
        for i, v in enumerate(stages.tolist())
    ]  # fmt: skip
    shares = of_kind("shares", cells)
    pack = replace(exact, tables=(*exact.tables, shares))
    for method in ("round", "suppress"):
        protected = protect(pack, schema, min_cell=5, method=method)
        report = audit([protected], schema)
        assert not set(report.failed) & set(FINE)
    alone = replace(exact, tables=(replace(shares, name="alone"),))
    few = replace(alone.tables[0].cells[0], lower=0.0325, upper=0.0335, n=60.0, printed="3.3")
    alone = replace(alone, tables=(replace(alone.tables[0], cells=(few,)),))
    assert "implied_counts" in audit([alone], schema).failed
    assert audit([protect(alone, schema, min_cell=5, method="suppress")], schema).passes


def test_survival_curves_keep_only_times_with_enough_deaths_and_patients(two_way, small, schema):
    values = [0.95, 0.9, 0.8, 0.5, 0.3, 0.15, 0.1]
    cells = [
        Cell({}, v - 0.0005, v + 0.0005, n=60, time=float(t), printed=f"{100 * v:.1f}")
        for t, v in enumerate(values, 1)
    ]
    exact = two_way(small)
    curve = of_kind("observed_survival", cells, variables=("stage",))
    pack = replace(exact, tables=(*exact.tables, curve))
    assert "survival_steps" in audit([pack], schema).failed
    protected = protect(pack, schema, min_cell=5, method="round")
    assert audit([protected], schema).passes
    kept = [c.time for c in protected.table("more").cells]
    assert kept == [2, 3, 4, 5]  # 6, 6, 18 and 12 deaths; then fewer than 11 are at risk
    for cell in protected.table("more").cells:
        assert cell.lower <= values[int(cell.time) - 1] <= cell.upper
        assert cell.n == 60


def test_groups_too_small_leave_the_curve_and_the_quantiles(two_way, small, schema):
    few = Cell({}, 0.5, 0.5, n=4, time=1.0, printed="50")
    median = Cell({}, 60.0, 60.0, n=3, quantile=0.5, printed="60")
    exact = two_way(small)
    more = [
        of_kind("observed_survival", [few], name="curve", variables=("stage",)),
        of_kind("quantiles", [median], name="median"),
    ]
    protected = protect(replace(exact, tables=(*exact.tables, *more)), schema, min_cell=5)
    assert {t.name for t in protected.tables} == {t.name for t in exact.tables}


def test_other_people_stay_as_they_are(two_way, small, schema):
    people = of_kind("population", [Cell({"sex": ("b00",)}, 3, 3, printed="3")], variables=("sex",))
    pack = replace(two_way(small), tables=(people, *two_way(small).tables))
    assert protect(pack, schema, min_cell=5).tables[0] == people


def test_the_ladder_goes_from_exact_to_wider_blocks():
    suppress, rounding = Rules(5, None, 2), Rules(5, 5, 2)

    def bounds(count, step, rules, zeros=True):
        found = shown(count, step, rules, zeros_are_printed=zeros)
        return found.lower, found.upper, found.text

    assert bounds(3, 0, suppress) == (1, 4, "<5")
    assert bounds(3, 0, suppress, zeros=False) == (0, 4, "<5")
    assert bounds(12, 0, suppress) == (12, 12, "12")
    assert bounds(12, 1, suppress) == (10, 19, "10..19")
    assert bounds(0, 1, suppress) == (0, 4, "0..4")
    assert bounds(7, 0, rounding) == (2.5, 7.5, "5")
    assert bounds(1, 0, rounding) == (0, 2.5, "0")
    assert bounds(7, 1, rounding) == (0, 9, "0..9")


def test_limits_that_make_no_sense_are_refused(two_way, small, schema):
    exact = two_way(small)
    with pytest.raises(UsageError, match="min_cell is 1; it must be at least 2"):
        protect(exact, schema, min_cell=1)
    with pytest.raises(UsageError, match="round_to is 1; it must be at least 2"):
        protect(exact, schema, round_to=1)
    with pytest.raises(UsageError, match="method is 'hide'; it must be one of auto, round"):
        protect(exact, schema, method="hide")
