"""The shipped pack kr-rare: sourced, fitted as stored, and free of the traps of shared sites."""

from __future__ import annotations

import re

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.models.fit import fit_pack
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.check import check_pack
from synthgen.statistics.model import Relation
from synthgen.statistics.read import read_pack

FOLDER = shipped("fitted_models")["kr-rare"]
PATIENTS = 100_000
DEEP = {
    "osteosarcoma",
    "ewing_sarcoma",
    "chondrosarcoma",
    "other_bone_sarcoma",
    "liposarcoma",
    "leiomyosarcoma",
    "synovial_sarcoma",
    "rhabdomyosarcoma",
    "undifferentiated_sarcoma",
    "myxofibrosarcoma",
    "angiosarcoma",
    "dermatofibrosarcoma",
    "nerve_sheath_tumour",
    "solitary_fibrous_tumour",
    "gist",
    "thymoma",
    "thymic_carcinoma",
    "uveal_melanoma",
    "adrenocortical_carcinoma",
    "mesothelioma",
    "testicular_germ_cell",
}


@pytest.fixture(scope="module")
def pack():
    return read_pack(FOLDER / "statistics")


@pytest.fixture(scope="module")
def schema(pack):
    return load_schema(pack.schema)


@pytest.fixture(scope="module")
def distribution():
    return load_model("kr-rare").distribution


@pytest.fixture(scope="module")
def refitted(pack, schema):
    return fit_pack(pack, schema)


def expected(distribution, **members):
    """Patients of 100,000 in the cell, exactly."""
    return PATIENTS * distribution.probability(
        {name: (codes,) if isinstance(codes, str) else codes for name, codes in members.items()}
    )


def ages(low, high):
    return tuple(f"{a}-{a + 4}" for a in range(low, min(high, 85), 5)) + (
        ("85+",) if high > 85 else ()
    )


def test_the_pack_has_nothing_to_correct(pack, schema):
    found = [p for p in check_pack(pack, schema) if p.severity != "information"]
    assert [p.text() for p in found] == []


def test_every_table_cites_a_source_with_a_licence(pack):
    listed = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    for table in pack.tables:
        source = pack.source_of(table)
        assert len(source.citation) > 20, table.name
        assert source.licence, table.name
        assert source.id in listed, table.name
        assert (table.relation is Relation.ASSUMED) == source.id.startswith("assumed-"), table.name
        if re.search(r"\bNC\b", source.licence):
            assert source.redistribution == "cite-only"
            assert len(table.cells) <= 8, table.name


def test_counts_of_ci5_are_marked_unconfirmed(pack):
    for table in pack.tables:
        if table.source == "ci5-xii":
            assert pack.source_of(table).redistribution == "unconfirmed"


def test_research_cohorts_are_borrowed_with_low_weight(pack):
    tables = [t for t in pack.tables if t.source == "tcga-cdr-2018"]
    assert len(tables) == 4
    assert all(t.relation is Relation.BORROWED and t.weight <= 0.2 for t in tables)


def test_deep_entities_and_at_least_twenty_more(pack):
    entities = set(pack.scope["entity"])
    assert entities >= DEEP
    assert len(entities - DEEP) >= 20


@pytest.mark.parametrize(
    ("site", "sex", "cases"),
    [
        ("salivary_glands", "1", 1468),
        ("larynx", "2", 360),
        ("eye", "1", 331),
        ("adrenal", "2", 365),
        ("placenta", "2", 179),
        ("hodgkin_lymphoma", "1", 893),
    ],
)
def test_cases_by_site_and_sex_are_those_of_ci5_xii(pack, site, sex, cases):
    cells = pack.table("incidence_site_sex_age").cells
    mine = [c for c in cells if c.members.get("site_group") == (site,)]
    assert sum(c.value for c in mine if c.members["sex"] == (sex,)) == cases


def test_a_refit_gives_the_stored_model(refitted, distribution):
    again = refitted.distribution
    assert again.domain == distribution.domain
    np.testing.assert_allclose(again.weights, distribution.weights, rtol=1e-5, atol=1e-9)
    for names in (("site_group", "age_group"), ("seer_stage",), ("net_survival",)):
        np.testing.assert_allclose(
            again.marginal(names), distribution.marginal(names), rtol=1e-4, atol=1e-8
        )


def test_no_published_value_is_further_than_three_standard_errors(refitted):
    far = [g for g in refitted.gaps if abs(g.standard_errors) > 3]
    assert [(g.statement.table, g.statement.row) for g in far] == []


def test_no_child_has_uveal_melanoma(distribution):
    assert expected(distribution, entity="uveal_melanoma") > 200
    assert expected(distribution, entity="uveal_melanoma", age_group=ages(0, 5)) < 0.1
    assert expected(distribution, entity="uveal_melanoma", age_group=ages(0, 15)) < 0.5


def test_tumours_of_children_stay_with_children(distribution):
    assert expected(distribution, entity="retinoblastoma", age_group=ages(0, 10)) > 150
    assert expected(distribution, entity="retinoblastoma", age_group=ages(20, 86)) < 0.5
    assert expected(distribution, entity="nephroblastoma", age_group=ages(10, 86)) < 0.5
    # An older country: the same small shares of more tumours past forty.
    assert expected(distribution, entity="neuroblastoma", age_group=ages(40, 86)) < 30


def test_sex_of_genital_tumours(distribution):
    female = ("vulva_carcinoma", "vagina_carcinoma", "trophoblastic_tumour")
    male = ("penis_carcinoma", "testicular_germ_cell", "testis_sex_cord_stromal")
    assert expected(distribution, entity=female, sex="1") == 0
    assert expected(distribution, entity=male, sex="2") == 0
    assert expected(distribution, site_group=("vulva", "vagina", "placenta"), sex="1") == 0


def test_published_zeros_are_possible_but_rare(distribution):
    at_80 = {"site_group": "placenta", "sex": "2", "age_group": ages(80, 86)}
    assert 0 < expected(distribution, **at_80) < 2


def test_stromal_tumours_are_of_adults_and_split_by_organ(distribution):
    all_ages = expected(distribution, entity="gist")
    stomach = expected(distribution, entity="gist", site_group="stomach")
    assert 0.50 < stomach / all_ages < 0.65
    assert expected(distribution, entity="gist", age_group=ages(0, 20)) < 0.005 * all_ages
    assert expected(distribution, site_group="stomach") == pytest.approx(stomach, rel=1e-3)


def test_entities_without_a_published_stage_have_none(distribution):
    staged = ("1", "2", "3", "4", "5", "7")
    for entity in ("nephroblastoma", "ureter_carcinoma", "mucosal_melanoma"):
        whole = expected(distribution, entity=entity)
        assert expected(distribution, entity=entity, seer_stage=staged) < 1e-3 * whole


def test_the_folder_stays_small():
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) < 2 * 1024**2
