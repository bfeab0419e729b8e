"""A pack is held against itself: totals, subtotals, labels, sexes, shares, sources."""

from __future__ import annotations

import dataclasses
import string

import pytest

from synthgen.schema.load import load_schema
from synthgen.schema.model import Category, Variable
from synthgen.statistics.check import check_pack
from synthgen.statistics.model import Block, Cell, Protection, Relation, Source
from synthgen.statistics.problems import SEVERITIES, TEXTS


def cell(lower, upper=None, **members):
    return Cell(
        {k: v if isinstance(v, tuple) else (v,) for k, v in members.items()},
        float(lower),
        float(lower if upper is None else upper),
        printed=str(lower),
    )


def found(pack, schema, severity=None):
    return [p for p in check_pack(pack, schema) if severity in (None, p.severity)]


def test_a_sound_pack_has_no_findings(schema, make_table, make_pack):
    table = make_table("counts", [cell(30, sex="1"), cell(70, sex="2"), cell(100)])
    assert found(make_pack(table), schema) == []


def test_a_total_that_is_not_the_sum_is_named_with_both_numbers(schema, make_table, make_pack):
    table = make_table("counts", [cell(30, sex="1"), cell(70, sex="2"), cell(101)])
    (problem,) = found(make_pack(table), schema)
    assert problem.severity == "warning"
    assert problem.text() == "t1 row 4: the printed total is 101, its parts add up to 100"
    assert problem.text("ko") == "t1 4행: 인쇄된 합계는 101인데 구성 항목의 합은 100입니다"


def test_subtotals_are_checked_at_every_level(schema, make_table, make_pack):
    cells = [
        cell(value, sex=sex, stage=stage)
        for sex, values in (("1", (1, 2, 3, 4)), ("2", (5, 6, 7, 8)))
        for stage, value in zip(("1", "2", "7", "9"), values, strict=True)
    ]
    cells += [cell(10, sex="1"), cell(27, sex="2"), cell(8, stage="2"), cell(36)]
    table = make_table("counts", cells, variables=("sex", "stage"))
    (problem,) = found(make_pack(table), schema)
    assert problem.text() == "t1 row 11: sex: 2 is 27, its parts add up to 26"


def test_a_suppressed_part_agrees_with_any_total_it_allows(schema, make_table, make_pack):
    cells = [cell(1, 4, sex="1"), cell(70, sex="2")]
    for total, problems in ((73, 0), (75, 1)):
        table = make_table("counts", [*cells, cell(total)])
        assert len(found(make_pack(table), schema)) == problems


def test_noisy_totals_may_differ_by_the_noise(schema, make_table, make_pack):
    cells = [cell(33, sex="1"), cell(70, sex="2"), cell(100)]
    protection = Protection(noise_sd=2.0)
    table = make_table("noisy_counts", cells, protection=protection)
    assert found(make_pack(table), schema) == []


def test_totals_are_checked_within_each_given_stratum(schema, make_table, make_pack):
    cells = []
    for sex, total in (("1", 10), ("2", 99)):
        cells += [
            cell(v, sex=sex, stage=s)
            for s, v in zip(("1", "2", "7", "9"), (1, 2, 3, 4), strict=True)
        ]
        cells.append(cell(total, sex=sex))
    table = make_table("counts", cells, variables=("stage",), given=("sex",))
    (problem,) = found(make_pack(table), schema)
    assert problem.row == 11


@pytest.fixture
def schema_of_organs(schema):
    """The same schema, whose site groups imply topography."""
    sites = Variable(
        "site_group",
        "Site",
        "부위",
        (Category("bone", "bone", "뼈"), Category("testis", "testis", "고환")),
        implies={
            "bone": {"tumour.topography": ("C400-C419",)},
            "testis": {"tumour.topography": ("C620-C629",)},
        },
    )
    others = tuple(v for v in schema.variables if v.name != "site_group")
    return dataclasses.replace(schema, variables=(*others, sites))


def test_female_rows_of_a_male_site_are_caught(schema_of_organs, make_table, make_pack):
    cells = [
        cell(100, site_group="testis", sex="1"),
        cell(100, site_group="testis", sex="2"),
        cell(30, site_group="bone", sex="1"),
        cell(0, site_group="bone", sex="2"),
    ]
    table = make_table("counts", cells, variables=("site_group", "sex"))
    (problem,) = found(make_pack(table), schema_of_organs)
    assert problem.code == "sex"
    assert problem.row == 3
    assert (
        "the rows may be totals of both sexes under a wrong label (1 such rows)" in problem.text()
    )


def test_shares_that_do_not_add_to_100_are_information(schema, make_table, make_pack):
    cells = [
        cell(v / 100, (v + 1) / 100, stage=s)
        for s, v in zip(("1", "2", "7", "9"), (50, 20, 10, 10), strict=True)
    ]
    cells = [dataclasses.replace(c, n=100.0) for c in cells]
    table = make_table("shares", cells, variables=("stage",))
    (problem,) = found(make_pack(table), schema)
    assert (problem.code, problem.severity) == ("shares", "information")
    assert problem.text() == "t1 row 2: shares add up to 92 %, not 100 (Table)"


def test_shares_within_rounding_of_100_are_fine(schema, make_table, make_pack):
    cells = [
        dataclasses.replace(cell(v - 0.005, v + 0.005, stage=s), n=100.0)
        for s, v in zip(("1", "2", "7", "9"), (0.5, 0.2, 0.1, 0.19), strict=True)
    ]
    assert found(make_pack(make_table("shares", cells, variables=("stage",))), schema) == []


def test_a_group_named_like_another_code_is_caught(schema, make_table, make_pack):
    cells = [cell(30, entity="osteosarcoma"), cell(70, entity=("chondrosarcoma", "germ_cell"))]
    groups = {
        "entity": {
            "germ_cell ": ("chondrosarcoma", "germ_cell"),
            "Chondrosarcoma": ("osteosarcoma",),
        }
    }
    table = make_table("counts", cells, variables=("entity",), groups=groups)
    (problem,) = found(make_pack(table), schema)
    assert problem.text() == (
        "t1: group Chondrosarcoma of entity is the title of code chondrosarcoma but stands for "
        "osteosarcoma"
    )


def test_proportions_under_a_percent_sign_are_caught(schema, make_table, make_pack):
    cells = [
        dataclasses.replace(cell(v / 100, stage=s), n=50.0)
        for s, v in zip(("1", "2"), (0.5, 0.2), strict=True)
    ]
    (problem,) = found(make_pack(make_table("shares", cells, variables=("stage",))), schema)
    assert problem.code == "unit"


def test_values_without_n_are_counted(schema, make_table, make_pack):
    table = make_table("shares", [cell(0.2, stage="1")], variables=("stage",))
    (problem,) = found(make_pack(table), schema)
    assert problem.text() == (
        "t1: 1 values have neither n nor confidence limits; they are given the weight of 25 cases"
    )


def test_observed_survival_needs_a_life_table(schema, make_table, make_pack):
    survival = Cell({}, 0.5, 0.5, n=10, time=5.0)
    table = make_table("observed_survival", [survival], variables=("net_survival",))
    assert [p.code for p in found(make_pack(table), schema, "error")] == ["life_table"]


def test_terms_of_sources_are_reported(schema, make_table, make_pack):
    table = make_table("counts", [cell(30, sex="1"), cell(70, sex="2")])
    sources = {
        "s1": Source("s1", "A", "CC BY 4.0", "open"),
        "s2": Source("s2", "B", "CC BY-NC-SA 4.0", "open"),
        "s3": Source("s3", "C", "not stated", "unconfirmed"),
    }
    problems = found(make_pack(table, sources=sources), schema)
    assert [(p.code, p.severity) for p in problems] == [
        ("non_commercial", "error"),
        ("unused_source", "information"),
        ("unused_source", "information"),
        ("unconfirmed", "information"),
    ]


def test_a_broken_pack_is_one_error(schema, make_table, make_pack):
    table = make_table("counts", [cell(1, sex="1"), cell(1, sex="2")], source="nobody")
    (problem,) = found(make_pack(table), schema)
    assert problem.severity == "error"
    assert "source 'nobody' is not among the pack's sources" in problem.text("ko")


def test_cells_outside_the_scope_of_the_pack_are_named(schema, make_table, make_pack):
    cells = [cell(1, site_group="bone"), cell(1, site_group="testis")]
    table = make_table("counts", cells, variables=("site_group",))
    (problem,) = found(make_pack(table, scope={"site_group": ("bone",)}), schema)
    assert problem.code == "scope"


def test_an_assumption_weighs_what_the_design_says(schema, make_table, make_pack):
    table = make_table(
        "shares", [cell(0.2, stage="1")], variables=("stage",), relation=Relation.ASSUMED
    )
    (problem,) = found(make_pack(table), schema)
    assert "the weight of 16 cases" in problem.text()


def test_every_text_exists_in_both_languages_with_the_same_placeholders():
    for english, korean in TEXTS.values():
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for text in (english, korean)
        ]
        assert fields[0] == fields[1]
    assert SEVERITIES[0] == "error"


@pytest.mark.parametrize(
    ("site", "sex", "caught"),
    [
        ("prostate", "2", True),
        ("testis", "2", True),
        ("ovary", "1", True),
        ("cervix_uteri", "1", True),
        ("breast", "1", False),
        ("bone", "2", False),
        ("mesothelioma", "2", False),
    ],
)
def test_sites_of_one_sex_are_known_from_the_shipped_schema(
    make_table, make_pack, site, sex, caught
):
    shipped = load_schema("rare-cancer@1.0.0")
    people = [
        dataclasses.replace(cell(rate / 1e5, site_group=site, sex=s), person_years=1e6)
        for s, rate in (("1", 59.0), ("2", 59.0))
    ]
    table = make_table("rates", people, variables=("site_group", "sex"))
    blocks = (Block("incidence", ("site_group", "sex")),)
    problems = check_pack(make_pack(table, blocks=blocks), shipped)
    wrong_rows = [p.row for p in problems if p.code == "sex"]
    assert wrong_rows == ([3 if sex == "2" else 2] if caught else [])
