"""Counts become shares with their own error; totals, subtotals, zeros, suppression."""

from __future__ import annotations

import math

import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.kinds import KINDS
from synthgen.statistics.model import Cell, Protection

COUNTS = KINDS["counts"]


def cell(lower, upper=None, **members):
    return Cell(
        {k: v if isinstance(v, tuple) else (v,) for k, v in members.items()},
        float(lower),
        float(lower if upper is None else upper),
    )


def test_a_count_is_its_share_of_the_sum_with_a_poisson_error(schema, make_table):
    said = COUNTS.statements(make_table("counts", [cell(30, sex="1"), cell(70, sex="2")]), schema)
    assert [(s.event, s.given, s.lower, s.upper) for s in said] == [
        ({"sex": ("1",)}, {}, 0.3, 0.3),
        ({"sex": ("2",)}, {}, 0.7, 0.7),
    ]
    assert said[0].standard_error == pytest.approx(math.sqrt(30) / 100)
    assert said[0].cases == 100
    assert said[0].row == 2


def test_a_printed_total_is_the_denominator_and_no_statement_of_its_own(schema, make_table):
    table = make_table("counts", [cell(30, sex="1"), cell(69, sex="2"), cell(100)])
    said = COUNTS.statements(table, schema)
    assert [s.lower for s in said] == [0.3, 0.69]


def test_subtotals_are_statements_but_do_not_swell_the_total(schema, make_table):
    cells = [
        cell(10, sex="1", stage="1"),
        cell(20, sex="1", stage=("2", "7", "9")),
        cell(30, sex="2", stage="1"),
        cell(40, sex="2", stage=("2", "7", "9")),
        cell(30, sex="1"),
        cell(40, stage="1"),
    ]
    said = COUNTS.statements(make_table("counts", cells, variables=("sex", "stage")), schema)
    assert len(said) == 6
    assert said[0].lower == 0.1
    assert (said[4].event, said[4].lower) == ({"sex": ("1",)}, 0.3)
    assert (said[5].event, said[5].lower) == ({"stage": ("1",)}, 0.4)


def test_a_published_zero_is_bounded_by_the_rule_of_three(schema, make_table):
    said = COUNTS.statements(make_table("counts", [cell(0, sex="1"), cell(60, sex="2")]), schema)
    assert (said[0].lower, said[0].upper) == (0.0, 3 / 60)
    assert said[0].standard_error == pytest.approx(1 / 60)


def test_a_suppressed_cell_is_an_interval(schema, make_table):
    said = COUNTS.statements(
        make_table("counts", [cell(1, 4, sex="1"), cell(97.5, sex="2")]), schema
    )
    assert (said[0].lower, said[0].upper) == (0.01, 0.04)


def test_the_scope_is_a_condition(schema, make_table):
    cells = [cell(3, entity="osteosarcoma"), cell(1, entity="chondrosarcoma")]
    cells.append(cell(0, entity="germ_cell"))
    table = make_table("counts", cells, variables=("entity",), scope={"site_group": ("bone",)})
    said = COUNTS.statements(table, schema)
    assert said[0].given == {"site_group": ("bone",)}
    assert said[0].event == {"site_group": ("bone",), "entity": ("osteosarcoma",)}


def test_given_variables_split_a_table_into_strata_with_their_own_totals(schema, make_table):
    cells = [
        cell(1, sex="1", stage="1"),
        cell(3, sex="1", stage=("2", "7", "9")),
        cell(50, sex="2", stage="1"),
        cell(50, sex="2", stage=("2", "7", "9")),
    ]
    table = make_table("counts", cells, variables=("stage",), given=("sex",))
    assert [s.lower for s in COUNTS.statements(table, schema)] == [0.25, 0.75, 0.5, 0.5]


def test_a_table_of_some_ages_speaks_of_patients_of_those_ages(schema, make_table):
    cells = [cell(1, age_group="15-19"), cell(3, age_group="20-24")]
    said = COUNTS.statements(make_table("counts", cells, variables=("age_group",)), schema)
    assert said[0].given == {"age_group": ("15-19", "20-24")}
    assert said[0].event == {"age_group": ("15-19",)}


def test_holes_without_a_total_are_refused(schema, make_table):
    cells = [cell(1, sex="1", stage="1"), cell(3, sex="2", stage="2")]
    table = make_table("counts", cells, variables=("sex", "stage"))
    with pytest.raises(StatisticsError, match=r"^t1: some combinations .* \(2 combinations\)$"):
        COUNTS.check(table, schema)


def test_overlapping_margins_without_a_total_are_refused(schema, make_table):
    cells = [cell(1, sex="1"), cell(3, sex="2"), cell(4, stage="1")]
    table = make_table("counts", cells, variables=("sex", "stage"))
    with pytest.raises(StatisticsError, match=r"^t1: its cells overlap and no total is printed"):
        COUNTS.check(table, schema)


def test_an_empty_stratum_is_refused(schema, make_table):
    with pytest.raises(StatisticsError, match=r"^t1 row 2: the total is 0; it must be positive"):
        COUNTS.check(make_table("counts", [cell(0, sex="1"), cell(0, sex="2")]), schema)


def test_weight_multiplies_the_information(schema, make_table):
    cells = [cell(30, sex="1"), cell(70, sex="2")]
    full, quarter = (
        COUNTS.statements(make_table("counts", cells, weight=w), schema)[0].standard_error
        for w in (1.0, 0.25)
    )
    assert quarter == pytest.approx(2 * full)


def test_noise_adds_to_the_error_and_may_fall_below_zero(schema, make_table):
    cells = [cell(-3, sex="1"), cell(103, sex="2")]
    table = make_table("noisy_counts", cells, protection=Protection(noise_sd=4.0))
    KINDS["noisy_counts"].check(table, schema)
    said = KINDS["noisy_counts"].statements(table, schema)
    assert said[0].lower == said[0].upper == -0.03
    assert said[0].standard_error == pytest.approx(math.sqrt(17) / 100)


def test_noisy_counts_must_state_their_noise(schema, make_table):
    table = make_table("noisy_counts", [cell(3, sex="1"), cell(3, sex="2")])
    with pytest.raises(StatisticsError, match=r"^t1: protection has no noise_sd"):
        KINDS["noisy_counts"].check(table, schema)


def test_thousands_of_cells_are_handled_in_seconds(schema, make_table):
    cells = [
        cell(1, sex=sex, age_group=age, stage=stage, entity=entity)
        for sex in schema.variable("sex").codes
        for age in schema.variable("age_group").codes
        for stage in schema.variable("stage").codes
        for entity in schema.variable("entity").codes
    ]
    cells += [cell(216, sex=sex) for sex in ("1", "2")]
    table = make_table("counts", cells, variables=("sex", "age_group", "stage", "entity"))
    said = COUNTS.statements(table, schema)
    assert said[0].cases == 432
    assert len(said) == 434
