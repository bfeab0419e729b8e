"""Survival values become conditional survivals; medians become bounds on shares."""

from __future__ import annotations

import math

import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.kinds import KINDS
from synthgen.statistics.kinds.survival import codes_from
from synthgen.statistics.model import Cell, Relation

TIME = ("net_survival",)


def point(time, value, n=None, ci=(None, None), **members):
    return Cell(
        {k: (v,) for k, v in members.items()},
        value,
        value,
        n=n,
        time=time,
        ci_lower=ci[0],
        ci_upper=ci[1],
    )


def test_the_first_time_is_unconditional_and_the_next_one_given_alive_before(schema, make_table):
    cells = [point(5.0, 0.4, n=100), point(1.0, 0.8, n=100)]
    said = KINDS["net_survival"].statements(
        make_table("net_survival", cells, variables=TIME), schema
    )
    first, second = said
    assert (first.time, first.lower, first.given) == (1.0, 0.8, {})
    assert first.event == {"net_survival": codes_from(1.0, schema)}
    assert (second.time, second.lower) == (5.0, pytest.approx(0.5))
    assert second.given == {"net_survival": codes_from(1.0, schema)}
    assert second.event == {"net_survival": codes_from(5.0, schema)}
    assert codes_from(5.0, schema) == ("5-7", "7-10", "10-15", "15+")


def test_the_error_of_a_conditional_survival_is_binomial_in_those_at_risk(schema, make_table):
    cells = [point(1.0, 0.8, n=1000), point(5.0, 0.4, n=1000)]
    table = make_table("relative_survival", cells, variables=TIME)
    said = KINDS["relative_survival"].statements(table, schema)
    assert said[1].standard_error == pytest.approx(math.sqrt(0.25 / 800), rel=0.01)


def test_confidence_limits_give_the_error(schema, make_table):
    cells = [point(5.0, 0.51, ci=(0.43, 0.58))]
    table = make_table("observed_survival", cells, variables=TIME)
    said = KINDS["observed_survival"].statements(table, schema)
    assert said[0].standard_error == pytest.approx(0.038, abs=0.001)
    assert said[0].estimator == "observed"


def test_increments_of_confidence_limits_give_the_error_of_the_ratio(schema, make_table):
    cells = [point(1.0, 0.8, ci=(0.78, 0.82)), point(5.0, 0.4, ci=(0.375, 0.425))]
    table = make_table("net_survival", cells, variables=TIME)
    said = KINDS["net_survival"].statements(table, schema)
    se1, se5 = 0.02 / 1.96, 0.025 / 1.96
    expected = 0.5 * math.sqrt((se5 / 0.4) ** 2 - (se1 / 0.8) ** 2)
    assert said[1].standard_error == pytest.approx(expected, rel=0.01)


def test_a_time_off_the_grid_bounds_its_neighbours(schema, make_table):
    cells = [point(6.0, 0.4, n=100)]
    table = make_table("net_survival", cells, variables=TIME)
    said = KINDS["net_survival"].statements(table, schema)
    assert [(s.event["net_survival"][0], s.lower, s.upper) for s in said] == [
        ("5-7", 0.4, 1.0),
        ("7-10", 0.0, 0.4),
    ]


def test_strata_are_kept_apart(schema, make_table):
    cells = [point(1.0, 0.8, stage="1"), point(5.0, 0.4, stage="7")]
    table = make_table("net_survival", cells, variables=TIME, given=("stage",))
    said = KINDS["net_survival"].statements(table, schema)
    assert [s.given for s in said] == [{"stage": ("1",)}, {"stage": ("7",)}]


def test_survival_that_rises_is_refused_with_its_row(schema, make_table):
    cells = [point(1.0, 0.4), point(5.0, 0.5)]
    table = make_table("net_survival", cells, variables=TIME)
    with pytest.raises(StatisticsError, match=r"^t1 row 3: survival at 5 years is 0.5, above 0.4"):
        KINDS["net_survival"].check(table, schema)


def test_a_cumulative_incidence_is_the_complement(schema, make_table):
    table = make_table("cumulative_incidence", [point(5.0, 0.3, n=50)], variables=TIME)
    KINDS["cumulative_incidence"].check(table, schema)
    said = KINDS["cumulative_incidence"].statements(table, schema)
    assert said[0].lower == pytest.approx(0.7)
    assert said[0].estimator == "crude"


def test_survival_tables_must_be_about_the_time_variable(schema, make_table):
    with pytest.raises(StatisticsError, match="must be about net_survival"):
        KINDS["net_survival"].check(make_table("net_survival", [point(5.0, 0.3)]), schema)


@pytest.mark.parametrize("time", [None, 0.0, -1.0, float("inf")])
def test_a_time_must_be_positive_and_finite(schema, make_table, time):
    table = make_table("net_survival", [point(time, 0.3)], variables=TIME)
    with pytest.raises(StatisticsError, match="it must be a positive number of years"):
        KINDS["net_survival"].check(table, schema)


def quantile(q, lower, upper, **members):
    return Cell({k: (v,) for k, v in members.items()}, lower, upper, quantile=q)


def test_a_median_between_edges_bounds_the_shares_at_both(schema, make_table):
    table = make_table("quantiles", [quantile(0.5, 21.5, 22.5)], variables=("age_group",))
    KINDS["quantiles"].check(table, schema)
    at_20, at_25 = KINDS["quantiles"].statements(table, schema)
    assert (at_20.lower, at_20.upper, at_20.event["age_group"][-1]) == (0.0, 0.5, "15-19")
    assert (at_25.lower, at_25.upper, at_25.event["age_group"][-1]) == (0.5, 1.0, "20-24")


def test_a_median_on_an_edge_is_a_share(schema, make_table):
    table = make_table("quantiles", [quantile(0.25, 49.5, 50.5)], variables=("age_group",))
    (said,) = KINDS["quantiles"].statements(table, schema)
    assert (said.lower, said.upper, said.event["age_group"][-1]) == (0.25, 0.25, "45-49")


def test_a_median_survival_speaks_of_those_alive(schema, make_table):
    cells = [quantile(0.5, 0.63, 0.64, sex="1")]
    table = make_table("quantiles", cells, variables=TIME, given=("sex",), estimator="Kaplan-Meier")
    at_half, at_one = KINDS["quantiles"].statements(table, schema)
    assert (at_half.time, at_half.lower, at_half.upper) == (0.5, 0.5, 1.0)
    assert (at_one.time, at_one.lower, at_one.upper) == (1.0, 0.0, 0.5)
    assert at_half.event["net_survival"] == codes_from(0.5, schema)
    assert at_half.estimator == "observed"


def test_a_quantile_beyond_the_last_edge_bounds_one_side(schema, make_table):
    table = make_table("quantiles", [quantile(0.5, 90.0, 90.0)], variables=("age_group",))
    (said,) = KINDS["quantiles"].statements(table, schema)
    assert (said.event["age_group"][-1], said.lower, said.upper) == ("80-84", 0.0, 0.5)


def test_quantiles_of_codes_are_refused(schema, make_table):
    table = make_table("quantiles", [quantile(0.5, 1.0, 1.0)], variables=("stage",))
    with pytest.raises(StatisticsError, match="quantiles must be of a binned variable"):
        KINDS["quantiles"].check(table, schema)


def test_a_share_keeps_its_printed_bounds_and_gets_the_error_of_its_n(schema, make_table):
    cell = Cell({"stage": ("7",), "entity": ("osteosarcoma",)}, 0.1765, 0.1775, n=200)
    table = make_table("shares", [cell], variables=("stage",), given=("entity",))
    (said,) = KINDS["shares"].statements(table, schema)
    assert said.given == {"entity": ("osteosarcoma",)}
    assert said.event == {"stage": ("7",), "entity": ("osteosarcoma",)}
    assert (said.lower, said.upper) == (0.1765, 0.1775)
    assert said.standard_error == pytest.approx(math.sqrt(0.177 * 0.823 / 200), rel=0.02)
    assert said.label(schema) == "stage: 7 | entity: osteosarcoma"


def test_an_assumption_weighs_less_than_a_publication(schema, make_table):
    cell = Cell({"stage": ("7",)}, 0.2, 0.2)
    errors = [
        KINDS["shares"]
        .statements(make_table("shares", [cell], variables=("stage",), relation=relation), schema)[
            0
        ]
        .standard_error
        for relation in (Relation.ASSUMED, Relation.PUBLISHED)
    ]
    assert errors[0] > errors[1]


def test_a_share_outside_its_scope_is_refused(schema, make_table):
    cell = Cell({"entity": ("germ_cell",)}, 0.2, 0.2)
    scope = {"entity": ("osteosarcoma", "chondrosarcoma")}
    table = make_table("shares", [cell], variables=("entity",), scope=scope)
    with pytest.raises(StatisticsError, match=r"^t1 row 2: its codes of entity lie outside"):
        KINDS["shares"].check(table, schema)


def test_relative_survival_may_rise_by_chance_only(schema, make_table):
    cells = [point(1.0, 0.95, n=100), point(5.0, 0.96, n=100)]
    table = make_table("relative_survival", cells, variables=TIME)
    KINDS["relative_survival"].check(table, schema)
    said = KINDS["relative_survival"].statements(table, schema)
    assert (said[1].lower, said[1].upper) == (1.0, 1.0)
    cells = [point(1.0, 0.60, n=100), point(5.0, 0.96, n=100)]
    with pytest.raises(StatisticsError, match="it must not rise"):
        KINDS["relative_survival"].check(
            make_table("relative_survival", cells, variables=TIME), schema
        )
