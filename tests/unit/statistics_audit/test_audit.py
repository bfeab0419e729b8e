"""The audit finds what subtraction and programs recover, and says by which numbers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import UsageError
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.audit import Limits, audit, limits_for
from synthgen.statistics.audit.facts import Fact, Population, Where, populations_of
from synthgen.statistics.audit.periods import years_of
from synthgen.statistics.audit.reconstruction import reconstruct
from synthgen.statistics.model import Cell, Protection, Relation, StatisticsPack, StatisticsTable


def fact(row, lower, upper, hidden=False, **members):
    region = {k: frozenset(v if isinstance(v, tuple) else (v,)) for k, v in members.items()}
    return Fact(Where("p@1", "t", row), region, float(lower), float(upper), hidden, "count")


def table(kind, cells, **changes):
    settings = {
        "name": "t1", "title": "T", "title_ko": "표", "kind": kind, "variables": ("stage",),
        "given": (), "scope": {}, "relation": Relation.PUBLISHED, "source": "s",
        "population": "Gangwon", "period": "2020",
        "cells": tuple(replace(c, row=i) for i, c in enumerate(cells, 2)),
    }  # fmt: skip
    return StatisticsTable(**{**settings, **changes})


def pack(*tables, like, **changes):
    return replace(like, tables=tables, **changes)


@pytest.fixture
def like(two_way, small) -> StatisticsPack:
    return two_way(small)


def test_one_hidden_cell_beside_its_total_is_recovered_and_the_others_are_named(schema, like):
    cells = [Cell({"stage": (c,)}, v, v) for c, v in (("c00", 9), ("c01", 12), ("c02", 20))]
    cells += [Cell({"stage": ("c03",)}, 1, 4, printed="<5"), Cell({}, 44, 44)]
    report = audit([pack(table("counts", cells), like=like)], schema)
    (cell,) = report.cells
    assert (cell.lower, cell.upper, cell.recovered, cell.at_risk) == (3, 3, True, True)
    assert sorted(w.row for w in cell.because) == [2, 3, 4, 6]
    assert cell.method == "subtraction"
    assert cell.irreducible
    assert cell.remedy == Where("cube@1", "t1", 2)
    assert report.failed == ("reconstruction",)
    assert not report.passes


def test_two_hidden_cells_protect_each_other(schema, like):
    cells = [Cell({"stage": (c,)}, v, v) for c, v in (("c00", 9), ("c01", 12))]
    cells += [Cell({"stage": (c,)}, 1, 4, printed="<5") for c in ("c02", "c03")]
    report = audit([pack(table("counts", [*cells, Cell({}, 26, 26)]), like=like)], schema)
    assert [(c.lower, c.upper) for c in report.cells] == [(1, 4), (1, 4)]
    assert report.passes


def pairs(*totals):
    """Three groups of whom every two are printed together."""
    two = [("x", "y"), ("y", "z"), ("x", "z")]
    facts = [fact(i, n, n, v=p) for i, (n, p) in enumerate(zip(totals, two, strict=True), 1)]
    facts += [fact(9, 0, 9, True, v="x")]
    return Population("p", tuple(facts), {"v": frozenset({"x", "y", "z"})})


def test_a_program_finds_what_subtraction_cannot():
    found = reconstruct(pairs(5, 5, 4))
    node = next(line.node for line in found.grid.lines if line.fact.hidden)
    assert found.bounds.upper[node] > 2
    assert (found.lower[node], found.upper[node]) == (2, 2)
    assert node in found.by_program


def test_numbers_that_no_whole_numbers_solve_are_set_aside():
    found = reconstruct(pairs(1, 1, 1))  # halves would solve it
    assert found.set_aside


def test_every_hidden_cell_is_bounded_by_what_brute_force_allows():
    rng = np.random.default_rng(4)
    for _ in range(15):
        x = rng.integers(0, 4, (2, 3))
        facts = [fact(i, x.sum(1)[i], x.sum(1)[i], v=f"r{i}") for i in range(2)]
        facts += [fact(9 + j, x.sum(0)[j], x.sum(0)[j], w=f"c{j}") for j in range(3)]
        facts += [
            fact(20 + 3 * i + j, 0, 3, True, v=f"r{i}", w=f"c{j}")
            for i in range(2) for j in range(3)
        ]  # fmt: skip
        domains = {"v": frozenset({"r0", "r1"}), "w": frozenset({"c0", "c1", "c2"})}
        found = reconstruct(Population("p", tuple(facts), domains), narrow=9.0)
        tables = [
            np.array([a, b, c, *(x.sum(0) - (a, b, c))]).reshape(2, 3)
            for a in range(4) for b in range(4) for c in range(4)
        ]  # fmt: skip
        fits = [
            t for t in tables if (t >= 0).all() and (t <= 3).all() and (t.sum(1) == x.sum(1)).all()
        ]
        for line in found.grid.lines:
            if line.fact.hidden:
                i, j = divmod(line.fact.where.row - 20, 3)
                values = [int(t[i, j]) for t in fits]
                assert (found.lower[line.node], found.upper[line.node]) == (
                    min(values),
                    max(values),
                )


def test_two_releases_are_subtracted_from_each_other(schema, like):
    one = table("counts", [Cell({}, 40, 40, printed="40")], name="all", period="2013-2017")
    two = replace(one, cells=(Cell({}, 42, 42, printed="42", row=2),), period="2013-2018")
    old = pack(one, like=like)
    new = pack(two, like=like, version="2")
    assert audit([old], schema).passes
    report = audit([old, new], schema)
    assert report.failed == ("differencing",)
    (problem,) = report.problems["differencing"]
    assert (problem.lower, problem.upper) == (2, 2)
    assert {w.release for w in problem.because} == {"cube@1", "cube@2"}


def test_nested_groupings_are_subtracted(schema, like):
    wide = Cell({"stage": ("c00", "c01", "c02")}, 30, 30, printed="30")
    close = Cell({"stage": ("c00", "c01")}, 27, 27, printed="27")
    tables = [
        table("counts", [wide, Cell({}, 60, 60)], name="a"),
        table("counts", [close, Cell({}, 60, 60)], name="b"),
    ]
    report = audit([pack(*tables, like=like)], schema)
    assert [(p.lower, p.upper) for p in report.problems["differencing"]] == [(3, 3)]


def test_percentages_with_their_denominator_are_counts(schema, like):
    cells = [
        Cell({"stage": ("c00",)}, 0.0745, 0.0755, n=40, printed="7.5"),
        Cell({"stage": ("c01",)}, 0.9245, 0.9255, n=40, printed="92.5"),
    ]
    report = audit([pack(table("shares", cells), like=like)], schema)
    found = report.problems["implied_counts"]
    assert [(p.where.row, p.lower, p.upper) for p in found] == [(2, 3, 3), (3, 3, 3)]


def test_steps_of_survival_curves_are_deaths(schema, like):
    cells = [
        Cell({}, 0.8995, 0.9005, n=60, time=1.0),
        Cell({}, 0.8495, 0.8505, n=60, time=2.0),
        Cell({}, 0.1995, 0.2005, n=60, time=5.0),
        Cell({}, 0.0995, 0.1005, n=60, time=9.0),
        Cell({}, 0.0495, 0.0505, n=60, time=10.0),
    ]
    curve = table("observed_survival", cells, variables=("stage",))
    report = audit([pack(curve, like=like)], schema)
    found = [(p.where.row, p.upper) for p in report.problems["survival_steps"]]
    assert found == [(3, 3), (6, 6)]  # 3 deaths; 6 at risk


def test_a_small_group_that_is_all_alike_is_named(schema, like):
    cells = [Cell({"stage": ("c03",)}, 7, 7), Cell({"stage": ("c00", "c01", "c02")}, 0, 0)]
    report = audit([pack(table("counts", [*cells, Cell({}, 7, 7)]), like=like)], schema)
    assert [p.where.row for p in report.problems["homogeneity"]] == [2]


def test_the_largest_institution_is_found_where_a_table_has_one(schema, like):
    cells = [Cell({"site": (c,)}, v, v) for c, v in (("a00", 90), ("a01", 5), ("a02", 5))]
    one = table("counts", [*cells, Cell({}, 100, 100)], variables=("site",))
    report = audit([pack(one, like=like)], schema, institution="site")
    finding = next(f for f in report.findings() if f.measure == "dominance")
    assert finding.estimate == pytest.approx(0.9)
    assert "dominance" in report.failed
    other = audit([pack(one, like=like)], schema)
    unknown = next(f for f in other.findings() if f.measure == "dominance")
    assert unknown.reason == "audit.reason.no_institution"


def test_findings_are_exact_and_of_family_i(two_way, small, schema):
    found = audit([two_way(small, 5)], schema).findings()
    assert [f.measure for f in found] == [
        "smallest_cell", "reconstruction", "homogeneity", "implied_counts", "survival_steps",
        "differencing", "dominance",
    ]  # fmt: skip
    assert all(f.family == "I" for f in found)
    assert all(f.is_exact for f in found if f.is_measured)


def test_an_unprotected_cube_fails_by_its_smallest_cell(two_way, small, schema):
    report = audit([two_way(small)], schema)
    assert "smallest_cell" in report.failed
    finding = report.findings()[0]
    assert finding.estimate == 4  # a cell of one patient lies four below five


def test_primary_suppression_alone_fails(two_way, small, schema):
    report = audit([two_way(small, 5)], schema)
    assert "reconstruction" in report.failed
    assert len(report.recovered) > 0
    truth = {}
    for exact in two_way(small).tables:
        truth.update({(exact.name, c.row): c.lower for c in exact.cells})
    for cell in report.cells:
        true = truth[cell.where.table, cell.where.row]
        assert cell.lower <= true <= cell.upper


def test_because_is_enough_and_irreducible(two_way, small, schema):
    hidden = two_way(small, 5)
    report = audit([hidden], schema)
    (population,) = populations_of((hidden,), schema)
    checked = 0
    for cell in [c for c in report.at_risk if c.irreducible and c.because][:4]:
        behind = {*cell.because, cell.where}
        kept = [f for f in population.facts if f.where in behind]
        for left_out in (None, *cell.because):
            facts = tuple(f for f in kept if f.where != left_out)
            found = reconstruct(replace(population, facts=facts))
            node = next(li.node for li in found.grid.lines if li.fact.where == cell.where)
            narrow = found.upper[node] - found.lower[node] <= cell.upper - cell.lower
            assert narrow == (left_out is None)
        checked += 1
    assert checked


def test_contradicting_tables_are_set_aside_and_named(schema, like):
    cells = [Cell({"stage": ("c00",)}, 9, 9), Cell({"stage": ("c01", "c02", "c03")}, 9, 9)]
    report = audit([pack(table("counts", [*cells, Cell({}, 44, 44)]), like=like)], schema)
    assert report.set_aside
    assert any("contradicts" in line for line in report.lines())


def test_a_report_has_the_same_lines_in_both_languages_and_is_json(two_way, small, schema):
    report = audit([two_way(small, 5)], schema)
    assert len(report.lines("en")) == len(report.lines("ko"))
    document = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert document["recovered"] == len(report.recovered)


def test_packs_of_different_schemas_are_refused(two_way, small):
    one, two = two_way(small), two_way(small, schema="other@1.0.0")
    with pytest.raises(UsageError, match=r"must speak about one schema \(2 schemas\)"):
        audit([one, two])
    with pytest.raises(UsageError, match="no pack is given"):
        audit([])


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="min_width is 0; it must be at least 1"):
        Limits(min_width=0)
    assert limits_for(11).min_width == 5


@pytest.mark.parametrize(
    ("period", "years"),
    [("2013-2017", 5), ("2023년", 1), ("2019~2021", 3), ("2023-2019", 0), ("various", 0)],
)
def test_years_are_read_from_periods(period, years):
    assert len(years_of(period)) == years


def test_rounded_numbers_are_intervals(schema, like):
    cells = [Cell({"stage": (c,)}, 0, 2, printed="0") for c in ("c00", "c01", "c02", "c03")]
    whole = Cell({}, 8, 12, printed="10")
    rounded = table("counts", [*cells, whole], protection=Protection(rounded_to=5.0))
    report = audit([pack(rounded, like=like)], schema)
    # Four times at most 2 is at least 8: every cell is 2.
    assert [(c.lower, c.upper) for c in report.at_risk] == [(2, 2)] * 4


def test_assumptions_are_about_nobody(schema, like):
    one = table("counts", [Cell({"stage": ("c00",)}, 2, 2)], relation=Relation.ASSUMED)
    assert audit([pack(one, like=like)], schema).findings()[0].n == 0


def cube_schema(sizes):
    return Schema(
        id="cube", version="1.0.0", title="Cube", title_ko="큐브", tables=(), code_lists={},
        variables=tuple(
            Variable(n, n, n, tuple(Category(f"{x}{i:02d}", "c", "c") for i in range(size)))
            for n, x, size in zip(("site", "sex", "stage"), "abc", sizes, strict=True)
        ),
    )  # fmt: skip


def naive(cells, totals):
    """Totals minus parts, one unknown at a time, again and again: pencil and paper."""
    known = {k: v for k, (v, hidden) in cells.items() if not hidden}
    moved = True
    while moved:
        moved = False
        for parent, parts in totals:
            group = [parent, *parts]
            unknown = [k for k in group if k not in known]
            if len(unknown) == 1:
                (left,) = unknown
                total = sum(known[p] for p in parts if p != left)
                known[left] = total if left == parent else known[parent] - total
                moved = True
    return {k for k, (_, hidden) in cells.items() if hidden and k in known}


def test_whatever_pencil_and_paper_recovers_in_a_hierarchy_is_named(like):
    rng = np.random.default_rng(5)
    cube = rng.poisson(rng.gamma(0.7, 12.0, (12, 1, 1)) * np.ones((12, 2, 3)))
    groups = [tuple(range(i, i + 4)) for i in (0, 4, 8)]
    singles = [(i,) for i in range(12)]
    everything = tuple(range(12))
    cells, totals, printed = {}, [], []
    sites = [*singles, *groups, everything]
    sexes, stages = [(0,), (1,), (0, 1)], [(0,), (1,), (2,), (0, 1, 2)]
    for s, x, t in [(s, x, t) for s in sites for x in sexes for t in stages]:
        value = int(cube[np.ix_(s, x, t)].sum())
        cells[s, x, t] = value, 0 < value < 5
        members = {"site": tuple(f"a{i:02d}" for i in s), "sex": tuple(f"b{i:02d}" for i in x)}
        members["stage"] = tuple(f"c{i:02d}" for i in t)
        low, high = (1, 4) if 0 < value < 5 else (value, value)
        printed.append(Cell(members, low, high, printed=str((s, x, t))))
        inner = groups if s == everything else [(i,) for i in s] if len(s) > 1 else []
        totals += [((s, x, t), [(part, x, t) for part in inner])] if inner else []
        totals += [((s, x, t), [(s, (i,), t) for i in x])] if len(x) > 1 else []
        totals += [((s, x, t), [(s, x, (i,)) for i in t])] if len(t) > 1 else []
    one = table("counts", printed, variables=("site", "sex", "stage"))
    report = audit([pack(one, like=like)], cube_schema((12, 2, 3)))
    wanted = naive(cells, totals)
    assert len(wanted) > 5
    found = {c.where.row: c for c in report.recovered}
    rows = {str(k): i for i, k in enumerate(cells, start=2)}
    for key in wanted:
        cell = found[rows[str(key)]]
        assert cell.lower == cells[key][0]
        assert cell.because
    everyone = {rows[str(k)]: v for k, (v, _) in cells.items()}
    assert all(c.lower <= everyone[c.where.row] <= c.upper for c in report.cells)
