"""Observed survival divided by what the general population of these ages would have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import StatisticsError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import split_by
from synthgen.models.observed import to_net
from synthgen.schema.load import load_schema
from synthgen.statistics.life_table import LifeTable
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import Statement

SCHEMA = load_schema("rare-cancer@1.0.0")
AGES = SCHEMA.variable("age_group").codes
LATER = SCHEMA.variable("net_survival").codes[6:]  # alive at 5 years
EARLIER = SCHEMA.variable("net_survival").codes[2:]  # alive at 1 year


def halving(q=0.1):
    """Everybody dies at the same rate, whatever their age; women not at all."""
    men = np.append(np.full(120, q), 1.0)
    women = np.append(np.zeros(120), 1.0)
    return LifeTable(("1", "2"), np.stack([men, women]))


def before(share_of_men=0.5):
    domain = Domain((("entity", ("x", "y")), ("sex", ("1", "2")), ("age_group", AGES)))
    joint = np.zeros((2, 2, 18))
    joint[0] = np.array([[share_of_men], [1 - share_of_men]]) * 0.5 / 18
    joint[1, 1] = 0.5 / 18  # y: women only
    return Distribution(domain, (ConditionalTable((), domain.names, joint),))


def statement(value=0.4, given=None, estimator="observed", time=5.0, codes=LATER):
    given = {"entity": ("x",)} if given is None else given
    return Statement(
        "t", 2, "observed_survival", Relation.PUBLISHED, {**given, "net_survival": codes}, given,
        value, value, 0.02, 100.0, estimator, time,
    )  # fmt: skip


@pytest.mark.parametrize("split", [False, True], ids=["dense", "mixture"])
@pytest.mark.parametrize(
    ("share", "expected"), [(1.0, 0.9**5), (0.0, 1.0), (0.5, (0.9**5 + 1) / 2)]
)
def test_the_factor_is_one_over_the_expected_survival_of_the_stratum(split, share, expected):
    people = split_by(before(share), "entity") if split else before(share)
    (found,) = to_net([statement()], people, SCHEMA, halving())
    # The last years of life end at 120; from 105 on the factor notices it a little.
    assert found.factor == pytest.approx(1 / expected, rel=2e-3)
    assert found.statement.lower == pytest.approx(0.4 * found.factor)
    assert found.statement.standard_error == pytest.approx(0.02 * found.factor)


def test_women_only_need_no_correction():
    (found,) = to_net([statement(given={"entity": ("y",)})], before(), SCHEMA, halving())
    assert found.factor == pytest.approx(1.0, abs=1e-3)


def test_net_survival_is_left_as_it_is():
    said = statement(estimator="net")
    (found,) = to_net([said], None, SCHEMA, None)
    assert found.statement is said
    assert found.factor == 1.0


def test_between_two_times_only_the_years_between_count():
    given = {"entity": ("x",), "net_survival": EARLIER}
    (found,) = to_net([statement(given=given)], before(1.0), SCHEMA, halving())
    assert found.factor == pytest.approx(1 / 0.9**4, rel=2e-3)


def test_net_survival_above_one_is_one():
    (found,) = to_net([statement(0.9)], before(1.0), SCHEMA, halving())
    assert found.statement.lower == found.statement.upper == 1.0


def test_observed_survival_without_a_life_table_or_ages_is_refused():
    for people, table in ((before(), None), (None, halving())):
        with pytest.raises(StatisticsError, match="^t: is about observed survival; the pack needs"):
            to_net([statement()], people, SCHEMA, table)


def test_a_stratum_that_would_be_dead_anyway_is_refused():
    with pytest.raises(
        StatisticsError, match=r"^t: row 2: only 0.00\d of these patients would be alive after 5"
    ):
        to_net([statement()], before(1.0), SCHEMA, halving(0.7))


def test_statements_keep_their_order_and_number():
    said = [statement(), replace(statement(), estimator="net"), statement(0.3)]
    found = to_net(said, before(), SCHEMA, halving())
    assert [c.statement.row for c in found] == [2, 2, 2]
    assert [c.factor == 1.0 for c in found] == [False, True, False]
