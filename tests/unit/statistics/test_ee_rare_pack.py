"""The shipped pack ee-rare: Estonia's own counts, honest zeros, and what children and adults get."""

from __future__ import annotations

import re

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.population import residents_of
from synthgen.resources import shipped
from synthgen.statistics.model import Relation
from synthgen.statistics.read import read_pack

FOLDER = shipped("fitted_models")["ee-rare"]
SAMPLED = 200_000
#: Cases of five years that the pack holds.
CASES = 2149
IN_DEPTH = {
    *("osteosarcoma", "chondrosarcoma", "ewing_sarcoma", "liposarcoma", "leiomyosarcoma"),
    *("undifferentiated_sarcoma", "gist", "uveal_melanoma", "mesothelioma", "testicular_germ_cell"),
}


@pytest.fixture(scope="module")
def pack():
    return read_pack(FOLDER / "statistics")


@pytest.fixture(scope="module")
def model():
    return load_model("ee-rare")


@pytest.fixture(scope="module")
def sampled(model):
    """Codes of 200,000 patients by variable."""
    domain = model.distribution.domain
    drawn = model.distribution.sample(SAMPLED, np.random.default_rng(20131))
    return {n: np.array(domain.codes[n])[drawn[n]] for n in ("entity", "sex", "age_group")}


@pytest.fixture(scope="module")
def ages(sampled):
    """First age of the sampled patients' age groups [years]."""
    return np.array([int(re.match(r"\d+", a)[0]) for a in sampled["age_group"]])


def cell(model, **members):
    """Expected cases of five years."""
    return CASES * model.distribution.probability({n: (c,) for n, c in members.items()})


# --- what is Estonian, and what is not


def test_only_estonian_figures_are_published(pack):
    published = [t for t in pack.tables if t.relation is Relation.PUBLISHED]
    assert {t.population for t in published} == {"Estonia"}
    assert {t.source for t in published} == {"ci5-xii", "wpp-2024"}


def test_korean_figures_are_borrowed_or_pooled(pack):
    korean = [t for t in pack.tables if "Korea" in t.population]
    assert korean
    assert {t.relation for t in korean} <= {Relation.BORROWED, Relation.POOLED}


def test_counts_of_ci5_are_marked_unconfirmed_in_pack_and_cards(pack):
    assert pack.sources["ci5-xii"].redistribution == "unconfirmed"
    for name, words in (("MODEL_CARD.md", "not confirmed"), ("SOURCES.md", "unconfirmed")):
        lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
        assert any(line.startswith("| ci5-xii |") and words in line for line in lines), name


def test_nothing_comes_from_a_non_commercial_source(pack):
    licences = {s.id: s.licence for s in pack.sources.values()}
    assert [i for i, text in licences.items() if re.search(r"\bNC\b|non-commercial", text)] == []


def test_every_table_has_words_in_both_languages(pack):
    for table in pack.tables:
        assert re.search("[가-힣]", table.title_ko), table.name
        assert not table.note_ko or re.search("[가-힣]", table.note_ko), table.name


def test_at_least_twenty_entities_beside_those_in_depth(pack):
    entities = set(pack.scope["entity"])
    assert entities >= IN_DEPTH
    assert len(entities - IN_DEPTH) >= 20


@pytest.mark.parametrize(
    ("site", "sex", "cases"),
    [
        ("larynx", "1", 302),
        ("larynx", "2", 25),
        ("eye", "2", 59),
        ("placenta", "2", 3),
        ("kaposi_sarcoma", "2", 4),
        ("hodgkin_lymphoma", "1", 89),
    ],
)
def test_cases_by_site_and_sex_are_those_of_ci5_xii(pack, model, site, sex, cases):
    cells = pack.table("incidence_site_sex_age").cells
    mine = [c for c in cells if c.members.get("site_group") == (site,)]
    assert sum(c.value for c in mine if c.members["sex"] == (sex,)) == cases
    assert cell(model, site_group=site, sex=sex) == pytest.approx(cases, abs=0.1 * cases**0.5)


def test_bands_hold_the_cases_of_their_ages(pack):
    single = {
        (*c.members["site_group"], *c.members["sex"], *c.members["age_group"]): c.value
        for c in pack.table("incidence_site_sex_age").cells
        if set(c.members) >= {"site_group", "sex", "age_group"}
    }
    for band in pack.table("incidence_by_band").cells:
        site, sex = band.members["site_group"][0], band.members["sex"][0]
        assert band.value == sum(single[site, sex, age] for age in band.members["age_group"])
        assert band.value >= 5


def test_people_die_as_estonians_did(model):
    table = model.life_table
    alive = np.exp(-table.cumulative_hazard)
    expectancy = dict(zip(table.sexes, alive[:, 1:].sum(axis=1) + 0.5, strict=True))
    # World Population Prospects 2024, Estonia, 2015-2020: about 73.8 and 82.4 years.
    assert expectancy["1"] == pytest.approx(73.8, abs=0.3)
    assert expectancy["2"] == pytest.approx(82.4, abs=0.3)


# --- zeros


def test_published_zeros_stay_possible_and_as_rare_as_in_the_neighbouring_countries(pack, model):
    people = {
        (*c.members["sex"], *c.members["age_group"]): c.value
        for c in pack.table("population_sex_age").cells
    }
    rates = {
        (*c.members["site_group"], *c.members["sex"], *c.members["age_group"]): c.value
        for c in pack.table("incidence_age_neighbours").cells
    }
    printed = [
        ((*c.members["site_group"], *c.members["sex"], *c.members["age_group"]), c.value)
        for c in pack.table("incidence_site_sex_age").cells
        if set(c.members) >= {"site_group", "sex", "age_group"}
    ]
    by_cell = model.distribution.marginal(("site_group", "sex", "age_group")) * CASES
    codes = model.distribution.domain.codes

    def fitted(key):
        at = zip(("site_group", "sex", "age_group"), key, strict=True)
        return by_cell[tuple(codes[name].index(code) for name, code in at)]

    zeros = [key for key, value in printed if value == 0]
    assert len(zeros) / len(printed) == pytest.approx(0.43, abs=0.01)
    assert min(fitted(key) for key in zeros) > 0
    # The neighbours' ages, at the number of cases that Estonia has of that site and sex.
    foreign = {key: rates[key] * people[key[1:]] for key, _ in printed}
    whole, counted = dict.fromkeys((k[:2] for k, _ in printed), 0.0), {}
    for key, value in printed:
        whole[key[:2]] += foreign[key]
        counted[key[:2]] = counted.get(key[:2], 0.0) + value
    expected = sum(foreign[key] / whole[key[:2]] * counted[key[:2]] for key in zeros)
    assert 0.03 < sum(fitted(key) for key in zeros) / CASES < 0.06
    # Fewer than there: that nobody was counted also says that Estonia has a little less.
    assert 0.65 < sum(fitted(key) for key in zeros) / expected < 1.05
    assert max(fitted(key) for key in zeros) < 3


# --- who has which tumour


def test_no_child_has_an_eye_tumour_of_adults(sampled, ages):
    adult = np.isin(sampled["entity"], ["uveal_melanoma", "ocular_surface_melanoma"])
    assert adult.sum() > 3000
    assert (ages[adult] < 15).sum() == 0


def test_retinoblastoma_and_nephroblastoma_end_with_childhood(sampled, ages):
    assert ages[sampled["entity"] == "retinoblastoma"].max() < 15
    assert ages[sampled["entity"] == "nephroblastoma"].max() < 10
    neuroblastoma = ages[sampled["entity"] == "neuroblastoma"]
    assert (neuroblastoma >= 40).mean() < 0.05


@pytest.mark.parametrize(
    ("entity", "low", "high"),
    [
        ("retinoblastoma", 0, 4),
        ("nephroblastoma", 0, 4),
        ("neuroblastoma", 0, 4),
        ("rhabdomyosarcoma", 0, 14),
        ("ewing_sarcoma", 10, 24),
        ("testicular_germ_cell", 30, 39),
        ("hodgkin_lymphoma", 35, 49),
        ("chondrosarcoma", 50, 69),
        ("liposarcoma", 55, 69),
        ("gist", 60, 74),
        ("larynx_carcinoma", 60, 69),
        ("uveal_melanoma", 60, 69),
        ("mesothelioma", 60, 74),
        ("vulva_carcinoma", 70, 79),
        ("renal_pelvis_carcinoma", 70, 79),
    ],
)
def test_median_age_of_sampled_patients(sampled, ages, entity, low, high):
    assert low <= np.median(ages[sampled["entity"] == entity]) <= high


@pytest.mark.parametrize(
    "entity",
    [
        *("larynx_carcinoma", "hypopharynx_carcinoma", "vulva_carcinoma", "penis_carcinoma"),
        *("anus_carcinoma", "small_intestine_carcinoma", "renal_pelvis_carcinoma", "gist"),
        *("mesothelioma", "ureter_carcinoma", "vagina_carcinoma", "thymoma"),
    ],
)
def test_carcinoma_of_adults_is_of_adults(sampled, ages, entity):
    mine = ages[sampled["entity"] == entity]
    assert (mine < 15).mean() < 0.006
    assert (mine < 20).mean() < 0.02


def test_sex_of_genital_tumours(sampled):
    female = np.isin(
        sampled["entity"], ["vulva_carcinoma", "vagina_carcinoma", "trophoblastic_tumour"]
    )
    male = np.isin(
        sampled["entity"], ["penis_carcinoma", "testicular_germ_cell", "testis_sex_cord_stromal"]
    )
    assert female.sum() > 10_000
    assert male.sum() > 10_000
    assert set(sampled["sex"][female]) == {"2"}
    assert set(sampled["sex"][male]) == {"1"}


def test_entities_without_a_published_stage_have_none(model):
    known = ("1", "2", "3", "4", "5", "7")
    for entity in ("nephroblastoma", "ureter_carcinoma", "mucosal_melanoma", "penis_carcinoma"):
        whole = model.distribution.probability({"entity": (entity,)})
        staged = model.distribution.probability({"entity": (entity,), "seer_stage": known})
        assert staged < 1e-3 * whole


def test_no_entity_is_left_to_bear_the_survival_of_a_group(model):
    """A statement about all sarcoma once left five in a hundred of four types alive."""
    later = ("5-7", "7-10", "10-15", "15+")
    for entity in ("fibrosarcoma", "other_soft_tissue_sarcoma", "other_bone_sarcoma"):
        whole = model.distribution.probability({"entity": (entity,)})
        alive = model.distribution.probability({"entity": (entity,), "net_survival": later})
        assert 0.45 < alive / whole < 0.75, entity


# --- cohorts of Estonia


def test_dates_are_those_of_the_registry_years_and_the_region_is_empty(model):
    cohort = model.generate(400, seed=2, further_tumours=0)
    dates = cohort["tumour"]["diagnosis_date"].astype(str)
    assert dates.min() >= "2013-01-01"
    assert dates.max() <= "2017-12-31"
    assert cohort["patient"]["last_contact_date"].astype(str).max() <= "2022-12-31"
    assert cohort["patient"]["region_code"].isna().all()


def test_five_years_of_estonia_expect_what_was_counted(model):
    for name in ("estonia", "Estonia", "에스토니아", ""):
        assert residents_of(model, name, 5).title == "Estonia"
    cohort = model.generate(years=5, population="estonia", seed=1, further_tumours=0)
    expected = cohort.manifest["expected_cases"]
    assert expected["total"] == pytest.approx(CASES, rel=1e-3)
    assert expected["site_group"]["larynx"] == pytest.approx(327, abs=1)
    assert len(cohort["patient"]) == pytest.approx(CASES, abs=5 * CASES**0.5)
