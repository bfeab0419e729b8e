"""Single years within age groups: even inside, along the survivors in the open last group."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.errors import SchemaError
from synthgen.models.ages import OLDEST_AT_DIAGNOSIS, expected_survival, single_ages
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.life_table import LifeTable, life_table_of
from synthgen.statistics.read import read_pack

SCHEMA = load_schema("rare-cancer@1.0.0")
GROUPS = SCHEMA.variable("age_group")


@pytest.fixture(scope="module")
def korea():
    return life_table_of(read_pack(shipped("fitted_models")["kr-demo"] / "statistics"))


def test_every_group_is_a_distribution_over_its_own_years(korea):
    ages = single_ages(GROUPS, korea)
    np.testing.assert_allclose(ages.sum(axis=2), 1.0, rtol=1e-14)
    for i, category in enumerate(GROUPS.categories[:-1]):
        low, high = int(category.lower), int(category.upper)
        np.testing.assert_allclose(ages[:, i, low:high], 1 / (high - low))
        assert ages[:, i].nonzero()[1].min() == low
        assert ages[:, i].nonzero()[1].max() == high - 1


def test_the_open_group_follows_the_survivors_and_ends(korea):
    ages = single_ages(GROUPS, korea)
    last = ages[:, -1, 85:]
    assert (np.diff(last[:, : OLDEST_AT_DIAGNOSIS - 85], axis=1) < 0).all()
    assert ages[:, -1, OLDEST_AT_DIAGNOSIS + 1 :].sum() == 0.0
    survivors = np.exp(-korea.cumulative_hazard)
    assert last[0, 10] / last[0, 0] == pytest.approx(survivors[0, 95] / survivors[0, 85])


def test_expected_survival_is_averaged_over_single_years_and_not_taken_at_the_middle(korea):
    # Korean men of 85 and over (life table of 2018): the middle of 85-89 would make them live.
    ages = single_ages(GROUPS, korea)
    men = np.zeros((2, len(GROUPS.categories)))
    men[korea.sexes.index("1"), -1] = 1.0
    averaged = expected_survival(men, ages, korea, 5.0)
    sex = np.array([korea.sexes.index("1")])
    at_middle = float(korea.expected_survival(sex, np.array([87.5]), 5.0)[0])
    assert averaged == pytest.approx(0.344, abs=0.001)
    assert at_middle == pytest.approx(0.405, abs=0.001)


def test_expected_survival_of_a_mixed_group_is_the_mean_of_its_parts(korea):
    ages = single_ages(GROUPS, korea)
    parts = []
    mixed = np.zeros((2, len(GROUPS.categories)))
    for sex, group, weight in ((0, 3, 0.2), (1, 17, 0.5), (0, 12, 0.3)):
        alone = np.zeros_like(mixed)
        alone[sex, group] = 1.0
        mixed[sex, group] = weight
        parts.append(weight * expected_survival(alone, ages, korea, 10.0))
    assert expected_survival(mixed, ages, korea, 10.0) == pytest.approx(sum(parts), rel=1e-13)


def test_with_a_constant_hazard_age_does_not_matter():
    table = LifeTable(("1",), np.append(np.full(120, 0.5), 1.0)[np.newaxis])
    ages = single_ages(GROUPS, table)
    everyone = np.full((1, len(GROUPS.categories)), 1 / len(GROUPS.categories))
    assert expected_survival(everyone, ages, table, 2.0) == pytest.approx(0.25, rel=1e-12)
    assert expected_survival(everyone, ages, table, 0.0) == pytest.approx(1.0)


def test_a_variable_without_bins_is_refused(korea):
    with pytest.raises(SchemaError, match="^variable sex: needs bins of age in years"):
        single_ages(SCHEMA.variable("sex"), korea)
