"""The audit and the protection end after a stated amount of work, and say what that left open."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.audit import audit
from synthgen.statistics.audit.work import WHOLE, Work
from synthgen.statistics.protection import protect


def open_cube(two_way):
    """A cube whose hidden cells only linear programs can bound."""
    return two_way(np.random.default_rng(4).poisson(1.2, (9, 2, 4)), 5)


def test_where_the_work_ends_intervals_are_wider_but_hold_the_truth_and_the_report_says_so(
    two_way, schema, monkeypatch
):
    pack = open_cube(two_way)
    whole = audit([pack], schema, explain=False)
    assert (whole.limited, whole.undecided) == ((), 0)
    made = sys.modules["synthgen.statistics.audit.audit"]
    monkeypatch.setattr(made, "Work", lambda: Work(left=0.0, proof=0.0))
    cut = audit([pack], schema, explain=False)
    again = audit([pack], schema, explain=False)
    assert cut.cells == again.cells  # work is counted, not timed
    assert cut.limited
    exact = {cell.where: cell for cell in whole.cells}
    for cell in cut.cells:
        inner = exact[cell.where]
        assert cell.lower <= inner.lower <= inner.upper <= cell.upper
    assert any(c.upper - c.lower > exact[c.where].upper - exact[c.where].lower for c in cut.cells)
    assert any("work allowed" in line for line in cut.lines("en"))
    assert len(cut.lines("en")) == len(cut.lines("ko"))
    assert cut.as_json()["limited"] == list(cut.limited)


def test_what_is_not_known_for_want_of_work_is_not_testable_and_never_a_pass(
    two_way, schema, monkeypatch
):
    pack = protect(open_cube(two_way), schema, min_cell=5, method="round")
    made = sys.modules["synthgen.statistics.audit.audit"]
    monkeypatch.setattr(made, "Work", lambda: Work(left=0.0, proof=0.0))
    cut = audit([pack], schema, explain=False)
    (found,) = [f for f in cut.findings() if f.measure == "reconstruction"]
    assert cut.undecided > 0
    assert not cut.at_risk  # nothing by subtraction alone
    assert (found.estimate, found.reason) == (None, "audit.reason.too_long")
    assert any("not known, for want of work" in line for line in cut.lines("en"))


def test_that_intervals_are_wide_enough_is_shown_after_the_work_for_exact_ones_ended(
    two_way, small, schema, monkeypatch
):
    protected = protect(two_way(small), schema, min_cell=5, method="round")
    made = sys.modules["synthgen.statistics.audit.audit"]
    monkeypatch.setattr(made, "Work", lambda: Work(left=0.0))
    cut = audit([protected], schema, explain=False)
    (found,) = [f for f in cut.findings() if f.measure == "reconstruction"]
    assert cut.limited
    assert (cut.undecided, found.estimate) == (0, 0.0)


def test_a_protection_that_takes_too_much_work_is_refused_in_one_line(
    two_way, small, schema, monkeypatch
):
    made = sys.modules["synthgen.statistics.protection.protect"]
    monkeypatch.setattr(made, "Work", lambda: Work(left=0.0, proof=0.0))
    with pytest.raises(StatisticsError, match="its tables must be fewer or coarser") as refused:
        protect(two_way(small), schema, min_cell=5, method="round")
    assert "\n" not in str(refused.value)


def test_every_round_of_protection_is_told(two_way, small, schema):
    told: list[str] = []
    protect(two_way(small), schema, min_cell=5, notice=told.append)
    assert told[0].endswith("by rounding: audit 1, 0 printed coarser so far.")
    assert any("by suppression" in line for line in told)


def test_a_program_over_whole_numbers_counts_as_many_linear_ones():
    work = Work(left=25.0)
    assert work.allows(2, whole=True)
    assert work.left == 25 - 2 * WHOLE
    assert not work.allows(6)
    assert work.is_spent
    assert work.allows(5)


def test_thirty_tables_of_sixty_four_cells_are_protected_and_pass(two_way, schema):
    rng = np.random.default_rng(5)
    parts = [two_way(rng.poisson(3, (4, 4, 4))) for _ in range(10)]
    tables = tuple(
        replace(
            table, name=f"{table.name}-{i}", population=f"Hospital {i % 3}", period=f"{2000 + i}"
        )
        for i, part in enumerate(parts)
        for table in part.tables
    )
    many = replace(parts[0], tables=tables)
    protected = protect(many, schema, min_cell=5)
    assert len(protected.tables) == len(tables) >= 30
    assert audit([protected], schema).passes


def test_each_population_has_work_of_its_own_and_is_not_asked_again(
    two_way, small, schema, monkeypatch
):
    made = sys.modules["synthgen.statistics.protection.protect"]
    one = two_way(small)
    other = two_way(np.full_like(small, 500))
    tables = [replace(t, name=f"{t.name}-b", population="others") for t in other.tables]
    both = replace(one, tables=(*one.tables, *tables))
    asked, reconstruct = list[str](), made.reconstruct

    def told(population, **options):
        asked.append(population.name)
        return reconstruct(population, **options)

    monkeypatch.setattr(made, "reconstruct", told)
    protect(one, schema, min_cell=5, method="round")
    rounds = len(asked)
    asked.clear()
    whole = protect(both, schema, min_cell=5, method="round")
    assert rounds > 1
    assert sum("others" in name for name in asked) == 1
    assert len(asked) == rounds + 1
    assert (
        whole.tables[: len(one.tables)] == protect(one, schema, min_cell=5, method="round").tables
    )
