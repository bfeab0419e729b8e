"""The shipped pack kr-demo: sourced, licensed, readable, and what it says is what was published."""

from __future__ import annotations

import re

import pytest

from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.check import check_pack
from synthgen.statistics.life_table import life_table_of
from synthgen.statistics.model import Relation
from synthgen.statistics.read import read_pack
from synthgen.statistics.statements import block_of, statements_of
from synthgen.statistics.write import write_pack

FOLDER = shipped("fitted_models")["kr-demo"]


@pytest.fixture(scope="module")
def pack():
    return read_pack(FOLDER / "statistics")


@pytest.fixture(scope="module")
def schema(pack):
    return load_schema(pack.schema)


@pytest.mark.parametrize("name", sorted(shipped("fitted_models")))
def test_every_shipped_table_has_a_citation_and_a_licence(name):
    shipped_pack = read_pack(shipped("fitted_models")[name] / "statistics")
    sources = (shipped("fitted_models")[name] / "SOURCES.md").read_text(encoding="utf-8")
    for table in shipped_pack.tables:
        source = shipped_pack.source_of(table)
        assert len(source.citation) > 20, table.name
        assert source.licence, table.name
        assert source.id in sources, table.name
        assert table.title_ko, table.name
        assert table.population, table.name
        assert table.period, table.name


def test_the_pack_has_nothing_to_correct(pack, schema):
    found = [p for p in check_pack(pack, schema) if p.severity != "information"]
    assert [p.text() for p in found] == []


def test_no_table_is_redistributed_under_a_non_commercial_licence(pack):
    for table in pack.tables:
        source = pack.source_of(table)
        if re.search(r"\bNC\b|non-commercial", source.licence, re.IGNORECASE):
            assert source.redistribution == "cite-only"
            assert len(table.cells) <= 8


def test_an_assumption_is_marked_in_both_places(pack):
    for table in pack.tables:
        assert (table.relation is Relation.ASSUMED) == table.source.startswith("assumed-")
    assert all(r.source.startswith("assumed-") for r in pack.survival_references)


def test_the_files_are_what_the_writer_writes(pack, tmp_path):
    again = write_pack(pack, tmp_path / "again")
    for path in sorted(p for p in again.rglob("*") if p.is_file()):
        stored = FOLDER / "statistics" / path.relative_to(again)
        assert stored.read_bytes() == path.read_bytes(), path.name
    names = {p.name for p in (FOLDER / "statistics").rglob("*") if p.is_file()}
    assert names == {p.name for p in again.rglob("*") if p.is_file()}


def test_it_holds_statistics_and_no_records(pack):
    for table in pack.tables:
        assert len(table.cells) < 250, table.name
    assert pack.origin == "public-statistics"


@pytest.mark.parametrize(
    ("site", "sex", "cases"),
    [
        ("bone", "1", 1432),
        ("bone", "2", 1287),
        ("soft_tissue", "1", 3164),
        ("soft_tissue", "2", 2357),
        ("mesothelioma", "1", 469),
        ("mesothelioma", "2", 224),
        ("testis", "1", 1360),
        ("testis", "2", 0),
    ],
)
def test_cases_by_site_and_sex_are_those_of_ci5_xii(pack, site, sex, cases):
    cells = pack.table("incidence_site_sex_age").cells
    mine = [c for c in cells if c.members["site_group"] == (site,) and c.members["sex"] == (sex,)]
    assert len(mine) == 18
    assert sum(c.value for c in mine) == cases


@pytest.mark.parametrize(
    ("table", "row", "printed"),
    [
        ("entity_bone_2023", 2, "168"),
        ("entity_bone_2023", 6, "446"),
        ("osteosarcoma_age", 2, "1309"),
        ("survival_osteosarcoma_korea", 4, "68"),
        ("survival_soft_tissue_korea", 2, "56.4"),
        ("survival_mesothelioma_usa", 3, "33"),
        ("survival_testis_seoul", 2, "95"),
        ("stage_mesothelioma_usa", 2, "71.60"),
        ("treatment_england", 6, "93.312"),
    ],
)
def test_figures_stand_as_printed(pack, table, row, printed):
    (cell,) = [c for c in pack.table(table).cells if c.row == row]
    assert cell.printed == printed


def test_every_table_has_its_block_and_makes_statements(pack, schema):
    said = {s.table for s in statements_of(pack, schema)}
    for table in pack.tables:
        if block_of(pack, table) is None:
            assert table.kind in {"life_table", "population"}
            assert table.name not in said
        else:
            assert table.name in said, table.name


def test_every_entity_of_the_scope_has_a_survival_reference(pack):
    named = [code for r in pack.survival_references for code in r.members["entity"]]
    assert sorted(named) == sorted(pack.scope["entity"])


def test_region_shares_are_those_of_the_population_table(pack):
    people = {}
    for cell in pack.table("population_region_sex_2015").cells:
        (region,) = cell.members["region"]
        people[region] = people.get(region, 0.0) + cell.value
    total = sum(people.values())
    assert total == 51529338
    for cell in pack.table("region_share_assumed").cells:
        share = people[cell.members["region"][0]] / total
        assert cell.lower <= share <= cell.upper


def test_the_korean_life_table_continues_from_99(pack):
    life = life_table_of(pack)
    assert life.death_probability[0, 0] == 0.00313
    assert life.death_probability[1, 99] == 0.30481
    assert life.death_probability[0, 100] == life.death_probability[0, 119] == 0.34962


def test_readings_name_the_awkward_values(pack):
    assert "stage_testis_usa row 2: '~68' is read as 0.675 to 0.685" in pack.readings
    assert "stage_ewing_usa row 3: '26-28' is read as 0.26 to 0.28" in pack.readings
