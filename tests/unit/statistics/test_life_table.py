"""Life tables: exact expected survival, and draws that agree with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.kinds import KINDS
from synthgen.statistics.life_table import LifeTable, life_table_from, life_table_of
from synthgen.statistics.model import Cell


def rows(last_age=100, closing=True):
    """Gompertz-like yearly probabilities of two sexes, closed by a certain death."""
    cells = []
    for sex, level in (("1", 2e-5), ("2", 1e-5)):
        for age in range(last_age + 1):
            closed = closing and age == last_age
            value = 1.0 if closed else 1 - math.exp(-level * math.exp(0.1 * age))
            cells.append(Cell({"sex": (sex,)}, value, value, age=age))
    return cells


@pytest.fixture
def table(make_table):
    return make_table("life_table", rows())


def test_the_hazard_of_the_last_open_age_continues_to_120(table):
    life = life_table_from(table)
    assert life.death_probability.shape == (2, 121)
    assert life.sexes == ("1", "2")
    assert life.death_probability[0, 100] == life.death_probability[0, 99] < 1
    assert life.death_probability[0, 119] == life.death_probability[0, 99]
    assert (life.death_probability[:, 120] == 1).all()


def test_expected_survival_is_the_product_of_yearly_survivals(table):
    life = life_table_from(table)
    chance = life.expected_survival(np.array([0, 1]), np.array([60.0, 60.0]), 10.0)
    expected = np.prod(1 - life.death_probability[:, 60:70], axis=1)
    assert chance == pytest.approx(expected, rel=1e-12)


def test_half_a_year_is_the_square_root_of_a_year(table):
    life = life_table_from(table)
    sex, age = np.array([0]), np.array([90.25])
    half = life.expected_survival(sex, age, 0.5)
    assert half == pytest.approx(np.sqrt(1 - life.death_probability[0, 90]))


def test_nobody_lives_beyond_120(table):
    life = life_table_from(table)
    sex, age = np.array([1, 1]), np.array([100.0, 119.9])
    assert (life.expected_survival(sex, age, np.array([20.0, 0.1])) == 0).all()
    drawn = life.draw_survival(sex, age, np.array([0.0, 0.0]))
    assert drawn == pytest.approx([20.0, 0.1])


def test_draws_invert_expected_survival(table):
    life = life_table_from(table)
    uniform = np.linspace(0.001, 0.999, 997)
    for sex in (0, 1):
        index = np.full(uniform.shape, sex)
        age = np.full(uniform.shape, 63.7)
        years = life.draw_survival(index, age, uniform)
        before_120 = age + years < 120 - 1e-9
        chance = life.expected_survival(index, age, years)
        assert chance[before_120] == pytest.approx(uniform[before_120], abs=1e-12)
        assert before_120.sum() > 900


def test_a_year_without_deaths_is_passed_over():
    probability = np.full((1, 121), 0.1)
    probability[0, 10:20] = 0.0
    probability[0, 120] = 1.0
    life = LifeTable(("1",), probability)
    drawn = life.draw_survival(np.array([0]), np.array([10.0]), np.array([0.95]))
    assert drawn[0] > 10.0
    assert life.draw_survival(np.array([0]), np.array([10.0]), np.array([1 - 1e-16]))[0] >= 0


def test_a_table_without_a_closing_row_is_extended_from_its_last_age(make_table):
    life = life_table_from(make_table("life_table", rows(95, closing=False)))
    assert life.death_probability[0, 110] == life.death_probability[0, 95]


def test_a_gap_in_the_ages_is_refused(schema, make_table):
    table = make_table("life_table", [c for c in rows() if c.age != 40])
    with pytest.raises(StatisticsError, match="ages of sex 1 have gaps"):
        KINDS["life_table"].check(table, schema)
    with pytest.raises(StatisticsError, match="age 40 of sex 1 is missing"):
        life_table_from(table)


def test_a_certain_death_in_the_middle_is_refused(make_table):
    cells = rows()
    cells[50] = Cell({"sex": ("1",)}, 1.0, 1.0, age=50)
    with pytest.raises(StatisticsError, match="probability of death of 1 before its last age"):
        life_table_from(make_table("life_table", cells))


@pytest.mark.parametrize("bad", [-0.1, 1.0, float("nan")])
def test_impossible_probabilities_are_refused(bad):
    probability = np.full((1, 121), 0.1)
    probability[0, 120] = 1.0
    probability[0, 7] = bad
    with pytest.raises(StatisticsError, match="must lie in"):
        LifeTable(("1",), probability)


def test_the_arrays_cannot_be_changed(table):
    life = life_table_from(table)
    with pytest.raises(ValueError, match="read-only"):
        life.death_probability[0, 0] = 0.5


def test_a_pack_without_a_life_table_says_so(make_pack):
    with pytest.raises(StatisticsError, match=r"^pack tiny-pack: has no life table"):
        life_table_of(make_pack())


def test_a_life_table_makes_no_statements(schema, table):
    KINDS["life_table"].check(table, schema)
    assert KINDS["life_table"].statements(table, schema) == ()
