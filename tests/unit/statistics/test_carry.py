"""Carrying published counts to the target population: people, totals, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synthgen.errors import StatisticsError
from synthgen.schema.load import load_schema
from synthgen.statistics.carry import carried, people_of_target, years_in
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.statements import statements_of

SCHEMA = load_schema("rare-cancer")
AGES = SCHEMA.variable("age_group").codes
OLD, YOUNG = ("85+",), AGES[:-1]
SITES = ("bone", "larynx")


def cell(value, row, person_years=None, **members):
    codes = {n: (c,) if isinstance(c, str) else c for n, c in members.items()}
    return Cell(codes, float(value), float(value), person_years=person_years, row=row)


def table(name, kind, variables, cells, **options):
    return StatisticsTable(
        name=name,
        title=name,
        title_ko=name,
        kind=kind,
        variables=variables,
        given=(),
        scope=options.pop("scope", {}),
        relation=options.pop("relation", Relation.PUBLISHED),
        source="us",
        population="here",
        period=options.pop("period", "2011-2015"),
        cells=tuple(cells),
        **options,
    )


# Rates of five years: a thousand young and a hundred old person-years of either sex.
PERSON_YEARS = {YOUNG: 1000.0, OLD: 100.0}
CASES = {("bone", YOUNG): 20, ("bone", OLD): 1, ("larynx", YOUNG): 10, ("larynx", OLD): 30}


def incidence():
    rows = [
        cell(CASES[site, ages], row, PERSON_YEARS[ages], site_group=site, sex=sex, age_group=ages)
        for row, (site, sex, ages) in enumerate(
            ((i, s, a) for i in SITES for s in "12" for a in (YOUNG, OLD)), start=2
        )
    ]
    return table("rates", "counts", ("site_group", "sex", "age_group"), [*rows, cell(122, 99)])


def people(old=40.0, young=170.0):
    """Of one year: as many old as ten person-years of the rates, twice."""
    rows = [
        cell(old if age == "85+" else young / len(YOUNG), row, sex=sex, age_group=age)
        for row, (sex, age) in enumerate(((s, a) for s in "12" for a in AGES), start=2)
    ]
    return table("people", "population", ("sex", "age_group"), rows, period="2020")


def totals(larynx=30.0, **options):
    rows = [cell(larynx, 2, site_group="larynx", sex="1")]
    return table(
        "totals",
        "counts",
        ("site_group", "sex"),
        rows,
        scope={"site_group": ("larynx",)},
        period=options.pop("period", "2020"),
        carries=options.pop("carries", ("rates",)),
        **options,
    )


def pack(*tables, target_people="people"):
    return StatisticsPack(
        id="carried",
        version="1",
        schema=SCHEMA.key,
        title="",
        title_ko="",
        origin="public-statistics",
        target=Target("here", "여기", "2020", people=target_people),
        scope={"site_group": SITES},
        sources={"us": Source("us", "us", "ours", "open")},
        tables=tables,
        blocks=(Block("incidence", ("site_group", "sex", "age_group")),),
    )


def values(found):
    return {
        (c.members["site_group"][0], c.members["sex"][0], c.members["age_group"]): c.value
        for c in found.pack.table("rates").cells
        if c.members
    }


def test_without_people_of_the_target_counts_stay_as_they_were():
    given = pack(incidence(), people(), target_people="")
    found = carried(given, SCHEMA)
    assert found.pack is given
    assert found.cases_per_year == 0
    assert people_of_target(given, SCHEMA) is None


def test_rates_meet_the_people_of_the_target():
    found = carried(pack(incidence(), people()), SCHEMA)
    # 40 of 210 people of a sex are old, where 100 of 1,100 person-years were.
    by_hand = 2 * (20 * 170 / 1000 + 1 * 40 / 100 + 10 * 170 / 1000 + 30 * 40 / 100)
    assert found.cases_per_year == pytest.approx(by_hand)
    made = values(found)
    assert sum(made.values()) == pytest.approx(by_hand * 2200 / 420)
    assert made["larynx", "1", OLD] / made["larynx", "1", YOUNG] == pytest.approx(
        (30 * 40 / 100) / (10 * 170 / 1000)
    )
    assert made["bone", "2", YOUNG] / made["larynx", "2", YOUNG] == pytest.approx(2.0)


def test_the_same_people_change_nothing_but_the_year():
    found = carried(pack(incidence(), people(old=20.0, young=200.0)), SCHEMA)
    assert found.cases_per_year == pytest.approx(122 / 5)
    assert values(found) == pytest.approx(
        {(s, x, a): CASES[s, a] for s in SITES for x in "12" for a in (YOUNG, OLD)}
    )


def test_a_printed_total_becomes_what_its_parts_became():
    found = carried(pack(incidence(), people()), SCHEMA)
    (total,) = [c for c in found.pack.table("rates").cells if not c.members]
    assert total.value == pytest.approx(sum(values(found).values()))


def test_a_total_of_the_target_year_moves_its_site_and_sex_by_one_number():
    plain = values(carried(pack(incidence(), people()), SCHEMA))
    found = carried(pack(incidence(), people(), totals()), SCHEMA)
    made = values(found)
    level = 30 / (10 * 170 / 1000 + 30 * 40 / 100)
    for key, value in made.items():
        moved = key[:2] == ("larynx", "1")
        assert value == pytest.approx(plain[key] * (level if moved else 1.0))
    ((members, stated),) = found.levels
    assert members == {"site_group": ("larynx",), "sex": ("1",)}
    assert stated == pytest.approx(level)


def test_a_total_of_several_years_is_of_one_of_them():
    one = carried(pack(incidence(), people(), totals(30.0)), SCHEMA).levels[0][1]
    three = carried(pack(incidence(), people(), totals(90.0, period="2019-2021")), SCHEMA)
    assert three.levels[0][1] == pytest.approx(one)


def test_statements_keep_the_sampling_error_of_the_counts_as_printed():
    given = pack(incidence(), people(), totals())
    for said in statements_of(given, SCHEMA):
        if said.table == "rates" and said.value > 0:
            printed = {"bone": {True: 20, False: 1}, "larynx": {True: 10, False: 30}}
            site = said.event["site_group"][0]
            count = printed[site][said.event["age_group"] != OLD]
            assert said.standard_error / said.value == pytest.approx(1 / count**0.5)


def test_a_band_of_ages_is_exposed_as_the_people_of_the_target_are():
    assert people_of_target(pack(incidence(), people()), SCHEMA).among(
        {"sex": ("1",), "age_group": YOUNG}
    ) == pytest.approx(170.0)


def test_people_must_be_counted_for_every_combination():
    some = people()
    some = replace(some, cells=some.cells[1:])
    with pytest.raises(StatisticsError, match=r"^people: the people of the target .* \(1 comb"):
        carried(pack(incidence(), some), SCHEMA)


def test_people_must_be_a_population_by_sex_and_age():
    with pytest.raises(StatisticsError, match="it must be a table of kind population by sex and"):
        carried(pack(incidence(), people(), target_people="rates"), SCHEMA)


def test_only_rates_of_the_target_can_be_carried():
    with pytest.raises(StatisticsError, match="^totals: carries people; it must be a table of"):
        carried(pack(incidence(), people(), totals(carries=("people",))), SCHEMA)
    borrowed = replace(incidence(), relation=Relation.BORROWED)
    with pytest.raises(StatisticsError, match="^totals: carries rates; it must be a table of"):
        carried(pack(borrowed, people(), totals()), SCHEMA)
    with pytest.raises(StatisticsError, match="^totals: carries rates"):
        carried(pack(incidence(), people(), totals(), target_people=""), SCHEMA)


def test_a_total_that_no_rate_can_give_is_refused():
    with pytest.raises(StatisticsError, match=r"^totals row 2: 0 cases cannot be carried"):
        carried(pack(incidence(), people(), totals(0.0)), SCHEMA)


def test_two_totals_of_one_rate_are_refused():
    again = replace(totals(), name="again")
    with pytest.raises(StatisticsError, match=r"^rates row 6: is carried by 2 totals"):
        carried(pack(incidence(), people(), totals(), again), SCHEMA)


@pytest.mark.parametrize(("period", "years"), [("2023", 1), ("2021-2023", 3), ("2021–2023", 3)])
def test_years_of_a_period(period, years):
    assert years_in(totals(period=period)) == years


@pytest.mark.parametrize("period", ["lately", "2023-2021", ""])
def test_a_total_must_say_of_which_years_it_is(period):
    with pytest.raises(StatisticsError, match="must say a year or two"):
        carried(pack(incidence(), people(), totals(period=period)), SCHEMA)


def test_rates_without_person_years_meet_the_people_of_the_target():
    rows = [
        cell(0.3, 2, age_group=OLD),
        cell(0.1, 3, age_group=YOUNG),
    ]
    rates = table("borrowed", "rates", ("age_group",), rows, relation=Relation.BORROWED)
    older = table("older", "population", ("sex", "age_group"), people(9.0, 9.0).cells)
    said = statements_of(pack(older, rates, people()), SCHEMA)
    assert [s.value for s in said] == pytest.approx([24 / 58, 34 / 58])


def test_people_are_counted_among_those_described_whatever_else_is_said():
    found = people_of_target(pack(incidence(), people()), SCHEMA)
    assert found.among({}) == pytest.approx(420.0)
    assert found.among({"sex": ("2",), "site_group": ("bone",)}) == pytest.approx(210.0)
    assert sum(c.value for c in found.by_sex_and_age.cells) == pytest.approx(420.0)
