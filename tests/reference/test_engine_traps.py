"""Wrong medicine that one flat fit of the same figures would make, and the ordered fit must not.

Figures.  Korean counts, population and life table: the shipped pack ``kr-demo``, with their
sources.  Osteosarcoma by stage (77/64/27 %): Cancer.Net, Osteosarcoma: Statistics, 01/2020,
quoting SEER.  Osteosarcoma by age (60/50/30 %): NCDB, Clin Orthop Relat Res 2007;459:40.  Bone
cancer of children and teenagers (34 % Ewing, 56 % osteosarcoma): Cancer.Net, Bone Cancer, 2018.
Histology of bone cancer, Korea 2023: cancer.go.kr.  Stomach cancer by age, Korea 2013-2017, both
sexes: Cancer Incidence in Five Continents XII.  Stromal tumours of the stomach by age, England
2013-2015: NCRAS Get Data Out, release of 2020-01-04.  Thymoma, five-year net survival 90.6 %,
Korea 2013-2017: Shin DW et al., J Thorac Oncol 2022;17:827.  What is assumed is named assumed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from synthgen.models.fit import fit_pack
from synthgen.models.references import survival_at
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.schema.model import Category
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    SurvivalReference,
    Target,
)
from synthgen.statistics.read import read_pack

SCHEMA = load_schema("rare-cancer@1.0.0")
AGES = SCHEMA.variable("age_group").codes
KOREA = read_pack(shipped("fitted_models")["kr-demo"] / "statistics")
STOMACH = [1, 1, 3, 20, 92, 320, 1164, 2778, 6270, 8722, 14965, 19603, 20405, 20428, 21412, 18016, 10955, 5846]  # fmt: skip
BEFORE = (("site_group", "sex", "age_group"), ("entity",))
SLOW = SurvivalReference({}, 1.0, 3.0, 0.4, "figures")


def table_of(name, kind, variables, cells, given=(), relation="published", scope=None):
    return StatisticsTable(
        name, name, name, kind, variables, given, scope or {}, Relation(relation), "figures",
        "", "", tuple(cells),
    )  # fmt: skip


def cell(value, row=2, n=None, time=None, **members):
    members = {k: (v,) if isinstance(v, str) else v for k, v in members.items()}
    return Cell(members, value, value, n=n, time=time, printed=str(value), row=row)


def korean(*sites):
    """Korean cases and life table of some sites of the shipped pack."""
    incidence = KOREA.table("incidence_site_sex_age")
    kept = tuple(c for c in incidence.cells if c.members["site_group"][0] in sites)
    return [replace(incidence, cells=kept), KOREA.table("life_table_2018")]


def pack_of(tables, entities, blocks, sites=("bone",), references=(SLOW,), **scope):
    sources = {**KOREA.sources, "figures": Source("figures", "See the test.", "facts", "open")}
    return StatisticsPack(
        "trap", "1.0.0", SCHEMA.key, "", "", "public-statistics",
        Target("Republic of Korea", "대한민국", "2013-2017"),
        {"site_group": sites, "entity": entities, **scope}, sources, tuple(tables),
        tuple(Block("+".join(b), b) for b in blocks), references,
    )  # fmt: skip


def with_bins(schema, bins):
    """The schema with another grid of survival time: ``bins`` of them, the last from 5 years."""
    edges = [*np.linspace(0.0, 5.0, bins), None]
    categories = tuple(
        Category(f"{low:.3f}-{high:.3f}" if high else f"{low:g}+", "", "", float(low), high)
        for low, high in pairwise(edges)
    )
    time = replace(schema.variable("net_survival"), categories=categories)
    others = tuple(v for v in schema.variables if v.name != "net_survival")
    return replace(schema, variables=(*others, time))


STAGES = {"seer_stage": ("1", "2", "7", "9")}
BY_STAGE = table_of(
    "survival_by_stage",
    "relative_survival",
    ("net_survival",),
    [
        cell(value, row, n=500, time=5.0, seer_stage=stage)
        for row, (stage, value) in enumerate((("1", 0.77), ("2", 0.64), ("7", 0.27)), 2)
    ],
    given=("seer_stage",),
    relation="borrowed",
)
ASSUMED_STAGE = table_of(
    "stage",
    "shares",
    ("seer_stage",),
    [cell(v, r, n=16, seer_stage=s) for r, (s, v) in enumerate({"1": 0.45, "2": 0.3, "7": 0.2, "9": 0.05}.items(), 2)],
    relation="assumed",
)  # fmt: skip


@pytest.mark.parametrize("bins", [2, 7, 10, 20])
@pytest.mark.parametrize("assumed", [[], [ASSUMED_STAGE]], ids=["flat reference", "assumed stage"])
def test_judy_benjamin_survival_by_stage_leaves_the_stage_reference_alone(bins, assumed):
    blocks = (*BEFORE, ("seer_stage",), ("net_survival",))
    schema = with_bins(SCHEMA, bins)
    without = pack_of([*korean("bone"), *assumed], ("osteosarcoma",), blocks, **STAGES)
    reference = fit_pack(without, schema).distribution.marginal(("seer_stage",))
    told = replace(without, tables=(*without.tables, BY_STAGE))
    joint = fit_pack(told, schema).distribution.marginal(("seer_stage", "net_survival"))
    np.testing.assert_allclose(joint.sum(axis=1), reference, rtol=0, atol=2e-16)
    np.testing.assert_allclose(joint[:3, -1] / reference[:3], [0.77, 0.64, 0.27], atol=2e-3)
    expected = [0.45, 0.3, 0.2, 0.05] if assumed else [0.25] * 4
    np.testing.assert_allclose(reference, expected, atol=1e-3)


def test_one_flat_block_would_let_the_survival_table_decide_the_stage():
    flat = pack_of(
        [*korean("bone"), BY_STAGE], ("osteosarcoma",),
        (*BEFORE, ("seer_stage", "net_survival")), **STAGES,
    )  # fmt: skip
    stage = fit_pack(flat, SCHEMA).distribution.marginal(("seer_stage",))
    assert abs(stage - 0.25).max() > 0.02


BY_AGE = table_of(
    "survival_by_age",
    "relative_survival",
    ("net_survival",),
    [
        cell(value, row, n=1000, time=5.0, age_group=ages)
        for row, (ages, value) in enumerate(
            ((AGES[:6], 0.60), (AGES[6:10], 0.50), (AGES[10:], 0.30)), 2
        )
    ],
    given=("age_group",),
    relation="borrowed",
)


def test_a_foreign_survival_table_by_age_does_not_move_korean_ages():
    blocks = (*BEFORE, ("net_survival",))
    entities = ("osteosarcoma", "chondrosarcoma")
    names = ("sex", "age_group", "entity")
    without = pack_of(korean("bone"), entities, blocks)
    told = replace(without, tables=(*without.tables, BY_AGE))
    before = fit_pack(without, SCHEMA).distribution.marginal(names)
    after = fit_pack(told, SCHEMA).distribution
    np.testing.assert_array_equal(after.marginal(names), before)
    summed = after.marginal((*names, "net_survival")).sum(axis=3)
    np.testing.assert_allclose(summed, before, rtol=0, atol=2e-16)
    young = after.marginal(("net_survival",), {"age_group": AGES[:6]})
    assert young[6:].sum() == pytest.approx(0.60, abs=2e-3)


HISTOLOGY = table_of(
    "histology_2023",
    "counts",
    ("entity",),
    [cell(168, 2, entity="osteosarcoma"), cell(107, 3, entity="chondrosarcoma"),
     cell(1, 4, entity="ewing_sarcoma"), cell(170, 5, entity=("other_bone_sarcoma", "other_bone"))],
)  # fmt: skip
TEENS = table_of(
    "teens_usa",
    "shares",
    ("entity",),
    [cell(0.34, 2, n=400, entity="ewing_sarcoma"), cell(0.56, 3, n=400, entity="osteosarcoma")],
    relation="borrowed",
    scope={"age_group": AGES[:4]},
)
BONE = ("osteosarcoma", "chondrosarcoma", "ewing_sarcoma", "other_bone_sarcoma", "other_bone")


def test_a_borrowed_share_moves_published_values_by_half_a_standard_error_at_most():
    without = pack_of([*korean("bone"), HISTOLOGY], BONE, BEFORE)
    told = replace(without, tables=(*without.tables, TEENS))
    before = [g for g in fit_pack(without, SCHEMA).gaps if g.statement.kind == "counts"]
    after = [g for g in fit_pack(told, SCHEMA).gaps if g.statement.kind == "counts"]
    moved = [
        (b.fitted - a.fitted) / b.statement.standard_error
        for a, b in zip(before, after, strict=True)
    ]
    assert len(moved) == 36 + 4
    assert np.abs(moved).max() < 0.5
    assert max(abs(g.standard_errors) for g in after) < 0.5


def test_a_borrowed_share_that_no_published_table_speaks_against_is_taken():
    without = pack_of(korean("bone"), BONE, BEFORE)
    fit = fit_pack(replace(without, tables=(*without.tables, TEENS)), SCHEMA)
    teens = fit.distribution.marginal(("entity",), {"age_group": AGES[:4]})
    order = fit.distribution.domain.codes["entity"]
    assert teens[order.index("ewing_sarcoma")] == pytest.approx(0.34, abs=1e-3)
    assert teens[order.index("osteosarcoma")] == pytest.approx(0.56, abs=1e-3)


BANDS = {AGES[:12]: 370, AGES[12:14]: 439, AGES[14:16]: 524, AGES[16:]: 328}


@pytest.fixture(scope="module")
def stromal():
    """Stromal tumours among Korean stomach cancers, their ages borrowed from England in bands."""
    stomach = table_of(
        "stomach",
        "counts",
        ("site_group", "age_group"),
        [
            cell(cases, row, site_group="stomach", age_group=age)
            for row, (age, cases) in enumerate(zip(AGES, STOMACH, strict=True), 2)
        ],
    )
    england = table_of(
        "england",
        "counts",
        ("age_group",),
        [cell(v, row, age_group=ages, entity="gist") for row, (ages, v) in enumerate(BANDS.items(), 2)],
        given=("entity",),
        relation="borrowed",
    )  # fmt: skip
    share = table_of("share", "shares", ("entity",), [cell(0.03, n=5000, entity="gist")])
    pack = pack_of(
        [stomach, england, share],
        ("gist", "other_tumour"),
        (("site_group", "age_group"), ("entity",)),
        sites=("stomach",),
    )
    return fit_pack(pack, SCHEMA).distribution


def test_coarse_ages_of_an_entity_are_filled_along_the_curve_of_its_site(stromal):
    gist = stromal.marginal(("age_group",), {"entity": ("gist",)})
    total = 0.03 * sum(STOMACH)
    assert gist[0] * total < 0.5  # stromal tumours in infants; uniform within 0-59 made 76
    assert gist[:4].sum() * total < 3
    site = stromal.marginal(("age_group",))
    np.testing.assert_allclose(gist[:12] / gist[:12].sum(), site[:12] / site[:12].sum(), rtol=1e-9)


def test_a_site_that_is_counted_in_coarse_bands_only_is_filled_along_its_rates_and_the_people():
    bands = table_of(
        "bands",
        "counts",
        ("site_group", "age_group"),
        [cell(v, row, site_group="stomach", age_group=a) for row, (a, v) in enumerate(BANDS.items(), 2)],
    )  # fmt: skip
    pack = pack_of(
        [bands, KOREA.table("population_sex_age")],
        ("gist",),
        (("site_group", "age_group"), ("entity",)),
        sites=("stomach",),
    )
    cases = 1661 * fit_pack(pack, SCHEMA).distribution.marginal(("age_group",))
    assert cases[0] < 3  # evenly within 0-59: 31
    assert cases[:4].sum() < 20
    found = [cases[:12].sum(), cases[12:14].sum(), cases[14:16].sum(), cases[16:].sum()]
    np.testing.assert_allclose(found, list(BANDS.values()), rtol=1e-3)


def test_borrowed_ages_hold_beside_a_published_share(stromal):
    gist = stromal.marginal(("age_group",), {"entity": ("gist",)})
    assert gist[:12].sum() == pytest.approx(370 / 1661, abs=0.02)


def test_an_unmentioned_category_keeps_its_reference_share():
    # What is published of soft-tissue sarcoma (Cancer.Net, 2016) leaves 10 % unstaged; a table
    # among staged patients says nothing of the unstaged, who keep the assumed 5 %.
    staged = ("1", "2", "7")
    among_staged = table_of(
        "among_staged", "shares", ("seer_stage",),
        [cell(v, r, n=2000, seer_stage=s) for r, (s, v) in enumerate({"1": 0.62, "2": 0.21, "7": 0.17}.items(), 2)],
        scope={"seer_stage": staged},
    )  # fmt: skip
    blocks = (*BEFORE, ("seer_stage",))
    pack = pack_of([*korean("bone"), ASSUMED_STAGE, among_staged], ("osteosarcoma",), blocks, **STAGES)  # fmt: skip
    stage = fit_pack(pack, SCHEMA).distribution.marginal(("seer_stage",))
    assert stage[3] == pytest.approx(0.05, abs=0.005)
    np.testing.assert_allclose(stage[:3] / stage[:3].sum(), [0.62, 0.21, 0.17], atol=1e-3)


def test_published_zeros_stay_possible_and_rare():
    fit = fit_pack(pack_of(korean("bone", "mesothelioma"), ("osteosarcoma", "mesothelioma"), BEFORE, ("bone", "mesothelioma")), SCHEMA)  # fmt: skip
    zeros = [g for g in fit.gaps if g.statement.printed == "0"]
    cases = np.array([g.fitted * g.statement.cases for g in zeros])
    assert len(cases) >= 4
    assert (cases > 0).all()
    assert (cases < 3).all()
    assert all(g.standard_errors == 0 for g in zeros)


def test_survival_after_the_last_published_time_follows_the_reference():
    reference = SurvivalReference({}, 1.0, 6.0, 0.7, "figures")
    thymoma = table_of(
        "thymoma", "net_survival", ("net_survival",), [cell(0.906, n=3000, time=5.0)]
    )
    pack = pack_of(
        [*korean("bone"), thymoma], ("osteosarcoma",), (*BEFORE, ("net_survival",)),
        references=(reference,),
    )  # fmt: skip
    bins = fit_pack(pack, SCHEMA).distribution.marginal(("net_survival",))
    alive = 1 - np.cumsum(bins)
    five, ten, fifteen = alive[5], alive[7], alive[8]
    assert five == pytest.approx(0.906, abs=1e-3)
    for later, years in ((ten, 10.0), (fifteen, 15.0)):
        expected = survival_at(reference, years) / survival_at(reference, 5.0)
        assert later / five == pytest.approx(float(expected), rel=1e-9)
    assert ten > 0.8


def test_observed_survival_does_not_bend_net_survival_by_age():
    observed = table_of(
        "observed", "observed_survival", ("net_survival",), [cell(0.6, n=500, time=5.0)]
    )
    pack = pack_of([*korean("bone"), observed], ("osteosarcoma",), (*BEFORE, ("net_survival",)))
    fit = fit_pack(pack, SCHEMA)
    joint = fit.distribution.marginal(("age_group", "net_survival"))
    conditional = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(conditional, conditional[[0]].repeat(18, axis=0), rtol=1e-12)
    net = conditional[0, 6:].sum()
    assert 0.6 < net < 0.75  # what others die of is taken off once, on the average of all ages
    gap = fit.gaps[-1]
    assert gap.fitted == pytest.approx(0.6, abs=1e-3)
