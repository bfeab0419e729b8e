"""What is presumed where no table speaks: the site's age curve, the declared survival curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import StatisticsError
from synthgen.models.domain import Domain
from synthgen.models.references import (
    FLOOR_CASES,
    age_reference,
    bin_edges,
    incidence_reference,
    survival_at,
    time_reference,
)
from synthgen.schema.load import load_schema
from synthgen.statistics.model import (
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    SurvivalReference,
    Target,
)

SCHEMA = load_schema("rare-cancer@1.0.0")
AGES = SCHEMA.variable("age_group").codes
TIME = SCHEMA.variable("net_survival")
BY_AGE = Domain((("site_group", ("bone", "eye")), ("sex", ("1", "2")), ("age_group", AGES)))
DECLARED = SurvivalReference({"entity": ("mesothelioma",)}, 0.9, 0.6, 0.03, "assumed")


def counts(cells, variables=("site_group", "sex", "age_group")):
    return StatisticsTable(
        "cases", "", "", "counts", variables, (), {}, Relation.PUBLISHED, "made-up", "Nowhere",
        "2013-2017", tuple(cells),
    )  # fmt: skip


def cell(value, person_years, **members):
    members = {k: (v,) if isinstance(v, str) else v for k, v in members.items()}
    return Cell(members, value, value, person_years=person_years)


def full_table(cases_of, years_of):
    return counts(
        cell(cases_of(site, sex, i), years_of(sex, i), site_group=site, sex=sex, age_group=age)
        for site in ("bone", "eye")
        for sex in ("1", "2")
        for i, age in enumerate(AGES)
    )


def test_a_constant_rate_gives_expected_cases_in_proportion_to_person_years():
    table = full_table(lambda *_: 50.0, lambda sex, i: 1e6 * (1 + i) * int(sex))
    found = incidence_reference(BY_AGE, table)
    assert found.names == BY_AGE.names
    # 100 cases of both sexes; the rate is smoothed cases over smoothed years, times years.
    expected = np.exp(found.log_values)
    np.testing.assert_allclose(expected[0, 1] / expected[0, 0], 2.0, rtol=1e-12)
    np.testing.assert_array_equal(expected[0], expected[1])
    middle = 9
    smooth_years = np.average(3e6 * (1 + np.arange(7, 12)), weights=[1, 2, 3, 2, 1])
    assert expected[0, 0, middle] == pytest.approx(
        (100 + FLOOR_CASES) / smooth_years * 1e6 * (1 + middle), rel=1e-12
    )


def test_the_curve_is_each_sites_own_and_shared_by_both_sexes():
    table = full_table(
        lambda site, sex, i: (100.0 if i == 0 else 1.0) if site == "eye" and sex == "1" else 1.0,
        lambda *_: 1e6,
    )
    bone, eye = np.exp(incidence_reference(BY_AGE, table).log_values)
    assert eye[1, 0] == eye[0, 0] > 20  # men's peak in infancy counts for women too
    np.testing.assert_allclose(bone, bone[0, 0], rtol=1e-12)


def test_a_published_zero_never_excludes_an_age():
    table = full_table(lambda site, *_: 0.0 if site == "eye" else 10.0, lambda *_: 1e6)
    expected = np.exp(incidence_reference(BY_AGE, table).log_values)
    assert (expected > 0).all()
    assert expected[1].sum() == pytest.approx(2 * 18 * FLOOR_CASES / 2, rel=0.01)


def test_ages_without_people_are_left_alone():
    table = full_table(lambda *_: 5.0, lambda _sex, i: 0.0 if i == 17 else 1e6)
    found = incidence_reference(BY_AGE, table)
    assert np.isfinite(found.log_values).all()
    np.testing.assert_array_equal(found.log_values[..., 17], 0.0)


def test_tables_without_age_or_person_years_declare_no_curve():
    by_sex = counts([cell(5.0, 1e6, sex="1")], ("sex",))
    assert incidence_reference(BY_AGE, by_sex) is None
    without = counts([cell(5.0, None, age_group=age) for age in AGES], ("age_group",))
    assert incidence_reference(BY_AGE, without) is None


BANDS = {AGES[:12]: 370.0, AGES[12:14]: 439.0, AGES[14:16]: 524.0, AGES[16:]: 328.0}


def in_bands(site="bone", sexes=None, times=1.0, scope=None):
    variables = ("age_group",) if scope else ("site_group", "sex", "age_group")
    table = counts(
        (
            cell(v * times, None, age_group=ages, **({} if scope else {"site_group": site}),
                 **({"sex": sex} if sex else {}))
            for ages, v in BANDS.items()
            for sex in (sexes or (None,))
        ),
        variables,
    )  # fmt: skip
    return replace(table, scope=scope or {})


def expected_of(potential, site=0):
    """Expected cases of one site by age group, both sexes, as shares."""
    grid = np.exp(potential.log_values)[site]
    by_age = grid.reshape(-1, len(AGES)).sum(axis=0)
    return by_age / by_age.sum()


def test_coarse_bands_are_not_filled_evenly_but_along_the_rates_between_them():
    shares = expected_of(incidence_reference(BY_AGE, in_bands()))
    in_first_band = shares[:12] / shares[:12].sum()
    assert in_first_band[0] < 0.02  # evenly: one in twelve
    assert (np.diff(shares[:14]) > 0).all()


def test_people_by_age_weigh_the_curve_of_bands():
    grey = counts(
        [cell(1e3 if age == "0-4" else 1e6, None, sex=s, age_group=age) for s in "12" for age in AGES],
        ("sex", "age_group"),
    )  # fmt: skip
    found = incidence_reference(BY_AGE, in_bands(), replace(grey, kind="population"))
    alone = incidence_reference(BY_AGE, in_bands())
    assert expected_of(found)[0] < expected_of(alone)[0] / 100


def test_bands_by_sex_and_bands_of_both_sexes_make_one_curve():
    both = expected_of(incidence_reference(BY_AGE, in_bands()))
    apart = expected_of(incidence_reference(BY_AGE, in_bands(sexes=("1", "2"), times=0.5)))
    with_totals = in_bands(sexes=("1", "2", None), times=0.5)
    np.testing.assert_allclose(apart, both, rtol=1e-12)
    np.testing.assert_allclose(
        expected_of(incidence_reference(BY_AGE, with_totals)), both, rtol=1e-12
    )


def test_a_site_in_bands_stands_beside_a_site_in_groups():
    groups = full_table(lambda *_: 50.0, lambda *_: 1e6)
    bone_in_groups = tuple(c for c in groups.cells if c.members["site_group"] == ("bone",))
    mixed = replace(groups, cells=(*bone_in_groups, *in_bands("eye").cells))
    alone = replace(groups, cells=bone_in_groups)
    found = incidence_reference(BY_AGE, mixed)
    np.testing.assert_array_equal(
        found.log_values[0], incidence_reference(BY_AGE, alone).log_values[0]
    )
    eye = incidence_reference(BY_AGE, in_bands("eye")).log_values[1]
    np.testing.assert_array_equal(found.log_values[1], eye)


def test_a_table_of_one_site_by_its_scope_is_no_curve_of_the_others():
    found = incidence_reference(BY_AGE, in_bands(scope={"site_group": ("eye",)}))
    assert found.names == ("site_group", "age_group")
    np.testing.assert_array_equal(found.log_values[0], 0.0)
    assert expected_of(found, 1)[0] < 0.02


def test_two_tables_of_one_site_do_not_make_its_curve_twice_as_steep():
    first = in_bands(scope={"site_group": ("bone",)})
    once = age_reference(BY_AGE, [first])
    twice = age_reference(BY_AGE, [first, in_bands(times=3.0)])
    np.testing.assert_array_equal(twice.log_values[0, 0], once.log_values[0])
    other = age_reference(BY_AGE, [first, in_bands("eye")])
    assert expected_of(other, 1)[0] < 0.02
    assert age_reference(BY_AGE, []) is None


@pytest.mark.parametrize("years", [0.0, 0.5, 5.0, 40.0])
def test_survival_follows_the_weibull_curve_with_its_cured(years):
    expected = 0.03 + 0.97 * 0.5 ** ((years / 0.6) ** 0.9)
    assert float(survival_at(DECLARED, years)) == pytest.approx(expected, rel=1e-12)


def test_half_of_those_who_are_not_cured_are_alive_at_the_median_and_the_cured_for_ever():
    assert float(survival_at(DECLARED, 0.6)) == pytest.approx(0.03 + 0.97 / 2)
    assert float(survival_at(DECLARED, np.inf)) == pytest.approx(0.03)


def test_bin_edges_end_open():
    np.testing.assert_array_equal(bin_edges(TIME), [0, 0.5, 1, 2, 3, 4, 5, 7, 10, 15, np.inf])


def pack_with(*references):
    return StatisticsPack(
        "tiny", "1.0.0", SCHEMA.key, "Tiny", "작은", "public-statistics",
        Target("Nowhere", "없는 곳", "2013-2017"), {},
        {"assumed": Source("assumed", "Assumed for this test.", "CC0-1.0", "open")}, (), (),
        references,
    )  # fmt: skip


ENTITIES = Domain(
    (("entity", ("mesothelioma", "testicular_germ_cell")), ("net_survival", TIME.codes))
)


def test_the_share_of_each_bin_is_what_dies_in_it_and_the_cured_live_beyond_the_last():
    everybody = replace(DECLARED, members={})
    found = time_reference(ENTITIES, pack_with(everybody), SCHEMA)
    share = np.exp(found.log_values)
    assert found.names == ("net_survival",)
    assert share.sum() == pytest.approx(1.0, abs=1e-15)
    assert share[:4].sum() == pytest.approx(1 - float(survival_at(DECLARED, 3.0)), rel=1e-12)
    assert share[-1] == pytest.approx(float(survival_at(DECLARED, 15.0)), rel=1e-12)


def test_the_last_curve_that_fits_a_patient_holds():
    general = SurvivalReference({}, 1.0, 5.0, 0.5, "assumed")
    found = time_reference(ENTITIES, pack_with(general, DECLARED), SCHEMA)
    mesothelioma, testis = np.exp(found.log_values)
    assert mesothelioma[-1] == pytest.approx(float(survival_at(DECLARED, 15.0)))
    assert testis[-1] == pytest.approx(float(survival_at(general, 15.0)))


def test_a_patient_without_a_curve_is_refused_by_name():
    with pytest.raises(
        StatisticsError, match=r"^pack tiny: no survival reference covers entity=testicular_germ_"
    ):
        time_reference(ENTITIES, pack_with(DECLARED), SCHEMA)
    with pytest.raises(StatisticsError, match="no survival reference covers anybody"):
        time_reference(ENTITIES, pack_with(), SCHEMA)
