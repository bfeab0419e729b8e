"""Somebody who holds the schema subtracts with what cannot be: the audit must know it, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.schema.load import load_schema
from synthgen.schema.model import Schema
from synthgen.statistics.audit import audit, limits_for
from synthgen.statistics.audit.facts import Fact, Population, Where, populations_of
from synthgen.statistics.audit.impossible import Impossible
from synthgen.statistics.audit.reconstruction import reconstruct
from synthgen.statistics.model import Cell, Relation, StatisticsPack, StatisticsTable
from synthgen.statistics.protection import protect

MEN, WOMEN = "1", "2"


@pytest.fixture(scope="module")
def rare() -> Schema:
    return load_schema("rare-cancer@1.1.0")


def counted(value, **members) -> Cell:
    codes = {name: (c,) if isinstance(c, str) else c for name, c in members.items()}
    if isinstance(value, tuple):
        return Cell(codes, *map(float, value), printed=f"<{value[1] + 1}")
    return Cell(codes, float(value), float(value), printed=str(value))


def table(name, *cells: Cell, **changes) -> StatisticsTable:
    settings = {
        "name": name, "title": name, "title_ko": name, "kind": "counts",
        "variables": tuple(dict.fromkeys(v for c in cells for v in c.members)), "given": (),
        "scope": {}, "relation": Relation.PUBLISHED, "source": "s", "population": "Gangwon",
        "period": "2018-2022", "cells": tuple(replace(c, row=i) for i, c in enumerate(cells, 2)),
    }  # fmt: skip
    return StatisticsTable(**{**settings, **changes})


@pytest.fixture
def pack(two_way, small):
    like = two_way(small)

    def make(*tables: StatisticsTable) -> StatisticsPack:
        return replace(like, tables=tables, schema="rare-cancer@1.1.0")

    return make


def others(schema: Schema, variable: str, *named: str) -> tuple[str, ...]:
    """All codes but some."""
    return tuple(code for code in schema.variable(variable).codes if code not in named)


def by_sex_and_site(
    schema, prostate=(1, 10), ovary=(1, 10)
) -> tuple[StatisticsTable, StatisticsTable]:
    """Six men and eight women behind two suppressed cells of a table by site alone."""
    sites = table(
        "sites",
        counted(prostate, site_group="prostate"),
        counted(ovary, site_group="ovary"),
        counted(40, site_group="bladder"),
        counted(0, site_group=others(schema, "site_group", "prostate", "ovary", "bladder")),
        counted(54),
    )
    sexes = table(
        "sexes",
        counted(20, sex=MEN, site_group="bladder"),
        counted(20, sex=WOMEN, site_group="bladder"),
        counted(26, sex=MEN),
        counted(28, sex=WOMEN),
    )
    return sites, sexes


def test_a_site_that_one_sex_has_gives_a_hidden_number_away(pack, rare):
    report = audit([pack(*by_sex_and_site(rare))], rare, limits=limits_for(11))
    assert [(c.lower, c.upper, c.at_risk) for c in report.cells] == [(6, 6, True), (8, 8, True)]
    assert "reconstruction" in report.failed
    assert {w.table for c in report.cells for w in c.because} == {"sites", "sexes"}
    without = replace(rare, rules=())
    blind = audit([pack(*by_sex_and_site(rare))], without, limits=limits_for(11))
    assert [(c.lower, c.upper) for c in blind.cells] == [(4, 10), (4, 10)]


def test_protection_hides_what_the_schema_gives_away(pack, rare):
    exact = pack(*by_sex_and_site(rare, 6, 8))
    for method in ("suppress", "round"):
        made = protect(exact, rare, min_cell=11, method=method)
        report = audit([made], rare, limits=limits_for(11))
        assert "reconstruction" not in report.failed
        assert "differencing" not in report.failed
        for whole in exact.tables:
            for true, cell in zip(whole.cells, made.table(whole.name).cells, strict=True):
                assert cell.lower <= true.lower <= cell.upper


def test_what_an_entity_implies_of_its_site_gives_a_hidden_number_away(pack, rare):
    entities = table(
        "entities",
        counted((1, 10), entity="uveal_melanoma"),
        counted((1, 10), entity="osteosarcoma"),
        counted(0, entity=others(rare, "entity", "uveal_melanoma", "osteosarcoma")),
        counted(14),
    )
    sites = table("sites", counted(8, site_group="eye"), counted(14))
    zeros = Impossible(rare).among({"entity", "site_group"})
    assert zeros
    report = audit([pack(entities, sites)], rare, limits=limits_for(11))
    assert sorted((c.lower, c.upper) for c in report.cells) == [(6, 6), (8, 8)]


def test_a_hidden_number_that_everybody_knows_to_be_zero_is_no_secret(pack, rare):
    cells = [counted((0, 4), sex=WOMEN, site_group="prostate")]
    cells += [counted(30, sex=MEN, site_group="prostate"), counted(80)]
    report = audit([pack(table("t", *cells))], rare)
    assert not report.cells
    assert report.passes


def test_that_all_with_a_prostate_are_men_is_no_homogeneous_group(pack, rare):
    cells = [counted(7, sex=MEN, site_group="prostate"), counted(7, site_group="prostate")]
    assert "homogeneity" not in audit([pack(table("t", *cells))], rare).failed
    cells = [counted(7, sex=MEN, site_group="bladder"), counted(7, site_group="bladder")]
    assert "homogeneity" in audit([pack(table("t", *cells))], rare).failed


def test_printed_numbers_are_believed_rather_than_the_rules(pack, rare):
    sites, sexes = by_sex_and_site(rare)
    odd = table("odd", counted(30, sex=WOMEN, site_group="prostate"))
    report = audit([pack(sites, odd)], rare, limits=limits_for(11))
    assert not report.unruly
    women = replace(sexes, cells=(replace(sexes.cells[3], lower=54.0, upper=54.0),))
    report = audit([pack(sites, women)], rare, limits=limits_for(11))
    assert report.unruly == ("Gangwon",)
    assert any("rules" in line for line in report.lines())
    assert [(c.lower, c.upper) for c in report.cells] == [(4, 10), (4, 10)]


def test_a_code_that_the_schema_does_not_have_may_be_anywhere(rare):
    def fact(row, lower, upper, hidden=False, **region) -> Fact:
        members = {k: frozenset({v}) for k, v in region.items()}
        return Fact(Where("p", "t", row), members, lower, upper, hidden, "count")

    facts = (
        fact(2, 1.0, 9.0, True, sex="?", site_group="prostate"),
        fact(3, 0.0, 9.0, True, sex=WOMEN, site_group="prostate"),
        fact(4, 12.0, 12.0, site_group="prostate"),
    )
    population = Population("p", facts, {}, Impossible(rare).among({"sex", "site_group"}))
    found = reconstruct(population, narrow=9.0)
    assert [(found.lower[i], found.upper[i]) for i in range(2)] == [(1, 9), (0, 0)]
    assert found.grid.nobody == {1}


def test_intervals_are_what_brute_force_allows_under_the_rules(rare):
    """Two sexes and three sites of which one sex has two: every table that fits is listed."""
    sites = ("prostate", "ovary", "bladder")
    rng = np.random.default_rng(3)
    can_be = np.array([[1, 0], [0, 1], [1, 1]])
    for _ in range(12):
        x = rng.integers(0, 6, (3, 2)) * can_be
        cells = [
            counted((0, 9), site_group=s, sex=c) for s in sites for c in (MEN, WOMEN)
        ]  # fmt: skip
        cells += [counted(int(x[:, j].sum()), sex=c) for j, c in enumerate((MEN, WOMEN))]
        cells += [counted(int(x[i].sum()), site_group=s) for i, s in enumerate(sites)]
        whole = table("t", *cells)
        settings = {"id": "p", "version": "1", "tables": (whole,), "scope": {}}
        facts = populations_of((_bare(settings),), rare, Impossible(rare))
        found = reconstruct(facts[0], narrow=9.0)
        fits = [
            np.array([[a, 0], [0, b], [c, d]])
            for a in range(10) for b in range(10) for c in range(10) for d in range(10)
            if a + c == x[:, 0].sum() and b + d == x[:, 1].sum()
            and (a, b, c + d) == tuple(x.sum(1))
        ]  # fmt: skip
        for line in found.grid.lines[:6]:
            if line.node in found.grid.nobody:
                continue
            i, j = divmod(line.fact.where.row - 2, 2)
            values = [int(t[i, j]) for t in fits]
            assert (found.lower[line.node], found.upper[line.node]) == (min(values), max(values))


def _bare(settings) -> StatisticsPack:
    from synthgen.statistics.model import Block, Source, Target

    return StatisticsPack(
        schema="rare-cancer@1.1.0", title="t", title_ko="t", origin="enclave",
        target=Target("Gangwon", "강원", "2018-2022"),
        sources={"s": Source("s", "Somebody", "none", "open")},
        blocks=(Block("all", ("sex", "site_group")),), **settings,
    )  # fmt: skip
