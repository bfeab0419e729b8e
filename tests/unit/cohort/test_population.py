"""Cases of a population: names of regions, expected cases, Poisson counts, bad requests."""

from __future__ import annotations

import filecmp
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from synthgen.cohort.artefact import load_model
from synthgen.cohort.population import (
    cases_of,
    drawn_cases,
    expected_of,
    people_of_model,
    residents_of,
    with_expected,
)
from synthgen.cohort.settings import requested, settings_of_population
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError

#: Cases a year of Gangwon that the crude Korean rates of 2013-2017 (CI5 XII: cases / 5 through
#: the mean population) give among 1,517,000 people of any age, printed to 0.1.
GANGWON_CRUDE = {
    "salivary_glands": 16.0,
    "nasopharynx": 12.5,
    "hypopharynx": 12.7,
    "small_intestine": 25.6,
    "anus": 8.5,
    "nose_sinuses": 11.2,
    "larynx": 35.4,
    "bone": 16.2,
    "mesothelioma": 4.1,
    "kaposi_sarcoma": 1.8,
    "soft_tissue": 32.9,
    "vulva": 4.7,
    "vagina": 2.3,
    "placenta": 1.1,
    "penis": 2.1,
    "testis": 8.1,
    "renal_pelvis": 15.2,
    "ureter": 17.1,
    "eye": 3.6,
    "adrenal": 4.7,
    "hodgkin_lymphoma": 8.5,
}
GANGWON_CRUDE_PEOPLE = 1_517_000
#: Printed to one decimal, of rates that were printed to three.
ROUNDING = 0.1
#: Cases of 2023 in Korea: larynx, testis, Hodgkin (national registry, yearly totals), bone
#: (National Cancer Information Center).
KOREA_2023 = {"larynx": 1254, "testis": 315, "hodgkin_lymphoma": 356, "bone": 446}


@pytest.fixture(scope="module")
def model():
    return load_model("kr-rare")


def by_site(model, population, **options):
    return expected_of(model, residents_of(model, population, **options)).by["site_group"]


@pytest.fixture(scope="module")
def gangwon(model):
    return by_site(model, "gangwon")


def test_without_ages_and_trend_gangwon_has_its_share_of_heads(model):
    crude = by_site(model, "gangwon", age_adjusted=False, trend=False)
    people = people_of_model(model).people.among({"region": ("51",)})
    for site, printed in GANGWON_CRUDE.items():
        scaled = crude[site] * GANGWON_CRUDE_PEOPLE / people
        assert scaled == pytest.approx(printed, abs=ROUNDING), site
    assert people == pytest.approx(GANGWON_CRUDE_PEOPLE, rel=0.015)


def test_with_ages_the_difference_is_that_of_the_ages_of_gangwon(model, gangwon):
    heads = by_site(model, "gangwon", age_adjusted=False)
    change = {site: gangwon[site] / heads[site] - 1 for site in GANGWON_CRUDE}
    assert min(change.values()) > -0.10
    assert max(change.values()) < 0.45
    assert change["ureter"] > 0.15 > 0.0 > change["placenta"]


def test_ages_explain_the_whole_difference(model, gangwon):
    """By hand: cases of the country by sex and age, times Gangwon's share of these people."""
    people = people_of_model(model).people
    names = ("site_group", "sex", "age_group")
    cases = model.distribution.marginal(names) * people_of_model(model).cases_per_year
    codes = model.distribution.domain.codes
    by_hand = dict.fromkeys(codes["site_group"], 0.0)
    for (i, j, k), value in np.ndenumerate(cases):
        who = {"sex": (codes["sex"][j],), "age_group": (codes["age_group"][k],)}
        share = people.among({**who, "region": ("51",)}) / people.among(who)
        by_hand[codes["site_group"][i]] += value * share
    for site, value in gangwon.items():
        assert value == pytest.approx(by_hand[site], rel=1e-6), site


def test_the_country_has_the_published_totals_of_the_target_year(model):
    korea = by_site(model, "korea")
    for site, printed in KOREA_2023.items():
        assert korea[site] == pytest.approx(printed, rel=1e-3), site
    assert sum(korea.values()) == pytest.approx(people_of_model(model).cases_per_year)


def test_regions_add_up_to_the_country(model):
    codes = model.distribution.domain.codes["region"]
    cases = [cases_of(model, residents_of(model, code)).expected() for code in codes]
    assert len(codes) == 17
    assert sum(cases) == pytest.approx(people_of_model(model).cases_per_year, rel=1e-9)


def test_years_multiply(model):
    one, five = (cases_of(model, residents_of(model, "jeju", y)).expected() for y in (1, 5))
    assert five == pytest.approx(5 * one)


@pytest.mark.parametrize(
    "name",
    ["gangwon", "Gangwon", "51", "강원", "강원도", "강원특별자치도", " gangwon ", "Gangwon-do"],
)
def test_a_region_goes_by_many_names(model, name):
    assert residents_of(model, name).region == "51"


@pytest.mark.parametrize(
    ("name", "code"),
    [("충북", "43"), ("전남", "46"), ("경북", "47"), ("서울", "11"), ("세종", "36")],
)
def test_short_korean_names_are_known(model, name, code):
    assert residents_of(model, name).region == code


@pytest.mark.parametrize("name", ["", "Korea", "all", "대한민국", "Republic of Korea"])
def test_the_whole_target_goes_by_its_name(model, name):
    assert residents_of(model, name).region == ""


@pytest.mark.parametrize("name", ["gangwan", "강원시도", "kangwon"])
def test_an_unknown_region_is_answered_with_near_names(model, name):
    with pytest.raises(UsageError, match=r"no such region of kr-rare; did you mean .*Gangwon"):
        residents_of(model, name)


@pytest.mark.parametrize("name", ["Chuncheon", "chuncheon-si", "춘천", "춘천시"])
def test_a_district_is_answered_with_its_province(model, name):
    with pytest.raises(
        UsageError, match=r"is a part of Gangwon .*\(Chuncheon-si, 춘천시\); ask for Gan"
    ):
        residents_of(model, name)


@pytest.mark.parametrize("name", ["홍천", "Hongcheon", "hongcheon-gun"])
def test_a_county_is_answered_with_its_province(model, name):
    with pytest.raises(UsageError, match=r"is a part of Gangwon "):
        residents_of(model, name)


def test_a_name_near_none_is_answered_with_all(model):
    with pytest.raises(UsageError, match="known are Republic of Korea, Seoul, Busan"):
        residents_of(model, "xyzzy")


@pytest.mark.parametrize("years", [0, -3, 101])
def test_years_must_be_some(model, years):
    with pytest.raises(UsageError, match=rf"^years: is {years}; it must be 1 to 100$"):
        residents_of(model, "gangwon", years)


def test_a_pack_that_counts_no_people_has_no_population():
    with pytest.raises(UsageError, match="^kr-demo: its pack does not count the people"):
        residents_of(load_model("kr-demo"), "", 5)


def test_a_model_of_people_makes_no_patients():
    with pytest.raises(UsageError, match="^kr-population: is no model of patients"):
        load_model("kr-population").generate(5)


def test_either_patients_or_years(model):
    with pytest.raises(UsageError, match="both are given; it must be one of them"):
        model.generate(5, years=5)
    with pytest.raises(UsageError, match="neither is given; it must be one of them"):
        model.generate()
    with pytest.raises(UsageError, match="^population: goes with a number of years"):
        model.generate(5, population="gangwon")
    with pytest.raises(UsageError, match="^--where region: the population says"):
        model.generate(years=5, population="gangwon", where={"region": ("11",)})


def test_counts_are_poisson_around_the_expected_cases(model):
    residents = with_expected(model, residents_of(model, "jeju"), {"entity": ("thymoma",)})
    assert 3 < residents.expected < 20
    drawn = np.array([drawn_cases(model, residents, seed) for seed in range(4_000)])
    error = np.sqrt(residents.expected / len(drawn))
    assert abs(drawn.mean() - residents.expected) < 5 * error
    edges = np.arange(int(drawn.max()) + 2)
    seen = np.histogram(drawn, edges)[0]
    wanted = len(drawn) * stats.poisson.pmf(edges[:-1], residents.expected)
    enough = wanted >= 5
    counts = [*seen[enough], seen[~enough].sum()]
    means = [*wanted[enough], len(drawn) - wanted[enough].sum()]
    assert stats.chisquare(counts, means).pvalue > 1e-6


def test_a_cohort_of_a_population(model):
    cohort = model.generate(years=5, population="gangwon", seed=7, further_tumours=0.0)
    patients, tumours = cohort["patient"], cohort["tumour"]
    assert set(patients["region_code"]) == {"51"}
    years = tumours["diagnosis_date"].dt.year
    assert (years.min(), years.max()) == (2019, 2023)
    asked = cohort.manifest["settings"]["population"]
    expected = asked["expected_cases"]
    assert abs(len(patients) - expected) < 6 * expected**0.5
    assert cohort.manifest["expected_cases"]["total"] == expected
    again = model.generate(years=5, population="강원", seed=7, further_tumours=0.0)
    assert again["tumour"].equals(tumours)


def test_without_age_adjustment_the_patients_have_the_ages_of_the_country(model):
    old = ("65-69", "70-74", "75-79", "80-84", "85+")
    share = {}
    for adjusted in (True, False):
        residents = residents_of(model, "gangwon", age_adjusted=adjusted)
        distribution = cases_of(model, residents).conditioned()
        share[adjusted] = distribution.probability({"age_group": old})
        assert distribution.probability({"region": ("51",)}) == pytest.approx(1.0)
    assert share[False] == pytest.approx(model.distribution.probability({"age_group": old}))
    assert share[True] > share[False] + 0.05
    cohort = model.generate(years=2, population="gangwon", age_adjusted=False, trend=False)
    assert set(cohort["patient"]["region_code"]) == {"51"}


def test_nobody_is_a_cohort_too(model, tmp_path):
    settings = settings_of_population(
        model, 1, "sejong", where={"entity": ("clear_cell_sarcoma_of_kidney",)}
    )
    assert settings.n == 0
    manifest = write_cohort(model, settings, tmp_path / "empty")
    assert manifest["tables"]["patient"]["rows"] == 0
    header = (tmp_path / "empty" / "patient.csv").read_text(encoding="utf-8").splitlines()
    assert len(header) == 1
    assert header[0].startswith("patient_id,")


def test_districts_are_expected_totals_and_nothing_else(model, tmp_path):
    settings = settings_of_population(model, 5, "gangwon")
    manifest = write_cohort(model, settings, tmp_path / "cohort")
    places = manifest["expected_cases"]["places"]
    assert len(places) == 18
    total = sum(place["expected_cases"] for place in places)
    assert total == pytest.approx(manifest["expected_cases"]["total"], abs=0.02)
    assert places[0]["title"] == "Wonju-si"
    assert places[0]["expected_cases"] / total == pytest.approx(360_807 / 1_536_498, rel=1e-3)
    for name in ("patient.csv", "tumour.csv"):
        text = (tmp_path / "cohort" / name).read_text(encoding="utf-8")
        assert "Wonju" not in text
        assert "원주" not in text


def test_the_number_of_workers_changes_nothing(model, tmp_path):
    made = requested(model, None, 7, "korea", seed=3)
    assert made.n > 65_536
    hashes = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        write_cohort(model, made, folder, formats=("parquet",), jobs=jobs)
        hashes.append(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"])
    assert hashes[0] == hashes[1]
    assert filecmp.cmp(tmp_path / "1" / "patient.parquet", tmp_path / "2" / "patient.parquet")


def test_a_replicate_draws_its_own_number_of_cases(model):
    asked = settings_of_population(model, 5, "gangwon")
    one, two = (
        asked.of_replicate(replace(model, sha256=sha * 64), number, 2)
        for number, sha in enumerate("ab", start=1)
    )
    assert one.replicate == (1, 2)
    assert one.n != two.n
    assert abs(one.n - asked.residents.expected) < 6 * asked.residents.expected**0.5
    alone = requested(model, 40, None)
    assert alone.of_replicate(model, 1, 2).n == 40
