"""What reading patients of kr-rare one by one found wrong stays put right."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.population import people_of_model

SURGERY = ("10000", "11000", "10100", "11100")
RADIOTHERAPY = ("00100", "10100", "01100", "11100")
WITHOUT_MICROSCOPE = ("0", "1", "2", "4")
EWING = ("ewing_sarcoma", "ewing_sarcoma_soft_tissue")
#: Ewing sarcoma in Korea 1999-2017 per million (Lee 2022): under 15, 15-39, 40-64, from 65.
EWING_RATES = {(0, 15): 1.6, (15, 40): 0.93, (40, 65): 0.44, (65, 90): 0.53}


@pytest.fixture(scope="module")
def model():
    return load_model("kr-rare")


@pytest.fixture(scope="module")
def share(model):
    """Probability of the members, given others."""

    def of(event, **given):
        given = {n: (c,) if isinstance(c, str) else c for n, c in given.items()}
        both = {**given, **{n: (c,) if isinstance(c, str) else c for n, c in event.items()}}
        probability = model.distribution.probability
        return probability(both) / probability(given)

    return of


def ages(low, high):
    every = [f"{a}-{a + 4}" for a in range(0, 85, 5)] + ["85+"]
    return tuple(every[low // 5 : high // 5])


def test_ewing_sarcoma_has_the_published_rates_at_every_age(model):
    target = people_of_model(model)
    for (low, high), rate in EWING_RATES.items():
        band = {"age_group": ages(low, high)}
        cases = target.cases_per_year * model.distribution.probability({"entity": EWING, **band})
        assert 1e6 * cases / target.people.among(band) == pytest.approx(rate, rel=0.25), (low, high)


def test_bone_tumours_of_the_young_are_not_all_osteosarcoma(share):
    young = {"site_group": "bone", "age_group": ages(20, 40)}
    assert 0.02 < share({"entity": "ewing_sarcoma"}, **young) < 0.2
    assert share({"entity": "osteosarcoma"}, **young) < 0.65


@pytest.mark.parametrize(
    ("entity", "most"),
    [
        ("synovial_sarcoma", 0.30),
        ("dermatofibrosarcoma", 0.35),
        ("epithelioid_sarcoma", 0.55),
        ("clear_cell_sarcoma", 0.45),
        ("nerve_sheath_tumour", 0.60),
    ],
)
def test_sarcomas_of_the_young_are_not_mostly_past_sixty(share, entity, most):
    assert share({"age_group": ages(60, 90)}, entity=entity) < most


def test_adults_past_fifty_have_no_embryonal_rhabdomyosarcoma(share):
    old = {"entity": "rhabdomyosarcoma", "age_group": ages(50, 90)}
    assert share({"morphology": "89103"}, **old) < 0.08


@pytest.mark.parametrize(
    ("entity", "morphology"),
    [
        ("thymic_carcinoma", ("85003", "85503", "84103", "81203")),
        ("vulva_carcinoma", ("85813", "85823", "85833", "85843", "85853", "85863")),
        ("other_bone_sarcoma", ("90403", "90413", "95813", "88063")),
        ("uveal_melanoma", ("87433", "87463")),
    ],
)
def test_types_of_other_organs_are_nearly_absent(share, entity, morphology):
    assert share({"morphology": morphology}, entity=entity) < 2e-3


@pytest.mark.parametrize("entity", [*EWING, "rhabdomyosarcoma", "angiosarcoma"])
def test_high_grade_entities_are_not_of_low_grade(share, entity):
    assert share({"grade": "1"}, entity=entity) < 0.01


def test_grade_follows_the_type(share):
    assert share({"grade": ("1", "2")}, entity="osteosarcoma", morphology="91803") < 0.04
    assert share({"grade": ("3", "4")}, entity="liposarcoma", morphology="88513") < 0.03
    assert share({"grade": "1"}, entity="liposarcoma", morphology="88583") < 0.01
    assert share({"grade": ("1", "2")}, entity="chondrosarcoma", morphology="92433") < 0.1


def test_radiotherapy_of_the_testis_is_for_seminoma(share):
    for code in ("90703", "90803", "90853"):
        tumour = {"entity": "testicular_germ_cell", "morphology": code}
        assert share({"first_treatment": RADIOTHERAPY}, **tumour) < 0.03
    seminoma = {"entity": "testicular_germ_cell", "morphology": "90613"}
    assert 0.05 < share({"first_treatment": RADIOTHERAPY}, **seminoma) < 0.25
    assert share({"first_treatment": "00000"}, entity="testicular_germ_cell") < 0.015


def test_hardly_anybody_has_the_tumour_on_both_sides(share):
    for entity in ("uveal_melanoma", "osteosarcoma", "mesothelioma"):
        assert share({"laterality": "4"}, entity=entity) < 2e-3
    assert share({"laterality": "4"}, entity="retinoblastoma") > 0.2


def test_sarcoma_of_the_mediastinum_is_not_in_the_thymus(share):
    for entity in ("angiosarcoma", "leiomyosarcoma"):
        at = {"entity": entity, "site_group": "other_thoracic"}
        assert share({"topography": "C379"}, **at) < 0.08
    assert share({"topography": "C380"}, site_group="other_thoracic", entity="angiosarcoma") > 0.4


def test_operated_patients_and_named_types_were_seen_under_a_microscope(share):
    basis = {"basis_of_diagnosis": WITHOUT_MICROSCOPE}
    for treatment in SURGERY:
        assert share(basis, first_treatment=treatment) < 0.01
    for entity, code in (
        ("mesothelioma", "90523"),
        ("gist", "89363"),
        ("osteosarcoma", "91803"),
        ("testicular_germ_cell", "90613"),
    ):
        assert share(basis, entity=entity, morphology=code) < 0.01
    assert share(basis, entity="uveal_melanoma", morphology="87203") > 0.1


def test_patients_of_a_sex_and_age_live_where_people_of_them_live(model):
    people = people_of_model(model).people
    domain = model.distribution.domain
    joint = model.distribution.marginal(("sex", "age_group", "region"))
    share = joint / joint.sum(axis=2, keepdims=True)
    for (i, j, k), value in np.ndenumerate(share):
        who = {"sex": (domain.codes["sex"][i],), "age_group": (domain.codes["age_group"][j],)}
        here = {**who, "region": (domain.codes["region"][k],)}
        assert value == pytest.approx(people.among(here) / people.among(who), rel=1e-6)


def test_the_people_are_those_of_the_population_pack(model, root, load_script):
    path = root / "docs" / "reference" / "people_table.py"
    if not path.is_file():
        pytest.skip("this distribution holds no documentation")
    rows = load_script(path).people_rows(load_model("kr-population"))[1:]
    table = model.pack.table(model.pack.target.people)
    found = [[*(c.members[n][0] for n in table.variables), c.printed] for c in table.cells]
    assert found == rows
