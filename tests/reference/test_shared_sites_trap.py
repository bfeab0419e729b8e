"""Sites that entities of different ages share: refused from counts alone, fitted with ages.

Figures: eye and adrenal gland, Republic of Korea 2013-2017, both sexes, cases by five-year age
group (Bray F et al., Cancer Incidence in Five Continents XII, IARC 2023, site groups C69 and
C74).  That 95 % of retinoblastomas are diagnosed before the age of 5 is an assumption of this
test, as is the number of each entity.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import StatisticsError
from synthgen.models.block import Potential
from synthgen.models.fit import fit_pack
from synthgen.models.shared_sites import require_ages_at_shared_sites
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.read import read_pack

SCHEMA = load_schema("rare-cancer@1.0.0")
AGES = SCHEMA.variable("age_group").codes
CASES = {
    "eye": [152, 9, 2, 8, 5, 6, 15, 10, 22, 40, 50, 60, 38, 47, 54, 52, 22, 20],
    "adrenal": [176, 26, 9, 8, 13, 21, 22, 38, 49, 51, 60, 66, 57, 49, 57, 42, 23, 19],
}
INFANTS, CHILDREN, ADULTS = AGES[:1], AGES[:3], AGES[4:]
BLOCKS = (Block("sites", ("site_group", "age_group")), Block("entity", ("entity",)))


def table_of(name, cells, variables, given=(), kind="counts", relation="published", scope=None):
    return StatisticsTable(
        name, name, name, kind, variables, given, scope or {}, Relation(relation), "ci5",
        "Republic of Korea", "2013-2017", tuple(cells),
    )  # fmt: skip


def cell(value, row=2, n=None, quantile=None, **members):
    members = {k: (v,) if isinstance(v, str) else v for k, v in members.items()}
    return Cell(members, value, value, n=n, quantile=quantile, printed=str(value), row=row)


def site_counts(*sites):
    return table_of(
        "incidence",
        [
            cell(cases, row, site_group=site, age_group=age)
            for site in sites
            for row, (age, cases) in enumerate(zip(AGES, CASES[site], strict=True), 2)
        ],
        ("site_group", "age_group"),
    )


def entity_shares(site, **percent):
    total = sum(CASES[site])
    return table_of(
        f"entities_{site}",
        [cell(v / 100, n=total, site_group=site, entity=e) for e, v in percent.items()],
        ("entity",), ("site_group",), "shares",
    )  # fmt: skip


def ages(entity, value, age=INFANTS, relation="assumed"):
    return table_of(
        f"age_{entity}", [cell(value, n=100, age_group=age, entity=entity)],
        ("age_group",), ("entity",), "shares", relation,
    )  # fmt: skip


def pack_of(tables, entities, sites=("eye",)):
    source = Source("ci5", "Cancer Incidence in Five Continents XII", "as found", "cite-only")
    return StatisticsPack(
        "shared", "1.0.0", SCHEMA.key, "", "", "public-statistics",
        Target("Republic of Korea", "대한민국", "2013-2017"),
        {"site_group": sites, "entity": entities}, {"ci5": source}, tuple(tables), BLOCKS,
    )  # fmt: skip


EYE = ("uveal_melanoma", "retinoblastoma")


def eye_pack(*more, entities=EYE):
    return pack_of([site_counts("eye"), entity_shares("eye", retinoblastoma=25), *more], entities)


def test_counts_alone_are_refused_with_the_site_the_entities_and_what_is_missing():
    with pytest.raises(
        StatisticsError,
        match=r"^pack shared: site eye is shared by uveal_melanoma \(skin_and_melanoma\), "
        r"retinoblastoma \(embryonal\), and nothing says .*; give the ages \(age_group given "
        r"entity, a median age, or entity given age_group\) of all but one family "
        r"\(2 families without\)$",
    ):
        fit_pack(eye_pack(), SCHEMA)


def test_counts_alone_would_give_toddlers_melanoma_and_the_old_retinoblastoma(monkeypatch):
    # What the refusal is for: the ages of the whole site for both, 163 of 612 under 15.
    monkeypatch.setattr("synthgen.models.fit.require_ages_at_shared_sites", lambda *_: None)
    joint = fit_pack(eye_pack(), SCHEMA).distribution.marginal(("entity", "age_group"))
    cases = joint * sum(CASES["eye"])
    melanoma, retinoblastoma = EYE.index("uveal_melanoma"), EYE.index("retinoblastoma")
    assert cases[melanoma, :3].sum() > 100
    assert cases[retinoblastoma, 4:].sum() > 100


def cases_of(fit):
    """Cases by entity and age group."""
    joint = fit.distribution.marginal(("entity", "age_group")) * sum(CASES["eye"])
    return dict(zip(fit.distribution.domain.codes["entity"], joint, strict=True))


def test_one_age_statement_settles_both_entities():
    cases = cases_of(fit_pack(eye_pack(ages("retinoblastoma", 0.95, relation="published")), SCHEMA))
    # 145 of the 152 infants; the other 8 retinoblastomas lie along the curve of the site.
    assert cases["retinoblastoma"][0] == pytest.approx(145.4, abs=1)
    assert cases["uveal_melanoma"][0] == pytest.approx(6.6, abs=2)
    assert cases["retinoblastoma"][4:].sum() < 8
    total = sum(cases.values())
    np.testing.assert_allclose(total, CASES["eye"], rtol=0.02, atol=1.5)


def test_an_assumed_age_settles_both_entities_as_well_as_a_published_one():
    cases = cases_of(fit_pack(eye_pack(ages("retinoblastoma", 0.95)), SCHEMA))
    assert cases["retinoblastoma"][0] == pytest.approx(145.4, abs=2)


@pytest.mark.parametrize(
    "statement",
    [
        ages("uveal_melanoma", 0.9, ADULTS, "borrowed"),
        table_of(
            "median",
            [cell(61.0, quantile=0.5, n=200, entity="uveal_melanoma")],
            ("age_group",), ("entity",), "quantiles", "borrowed",
        ),
        table_of(
            "of_infants",
            [cell(0.98, n=152, entity="retinoblastoma", age_group=INFANTS)],
            ("entity",), ("age_group",), "shares",
        ),
    ],
    ids=["ages of the other one", "a median age", "entities of an age"],
)  # fmt: skip
def test_any_statement_about_the_ages_of_one_family_is_enough_for_two(statement):
    fit_pack(eye_pack(statement), SCHEMA)


@pytest.mark.parametrize(
    "statement",
    [
        ages(EYE, 0.25),
        table_of(
            "another_site",
            [cell(0.95, n=60, site_group="adrenal", entity="retinoblastoma", age_group=INFANTS)],
            ("age_group",), ("site_group", "entity"), "shares",
        ),
    ],
    ids=["ages of both together", "ages at another site"],
)  # fmt: skip
def test_statements_that_do_not_tell_the_families_apart_are_not_enough(statement):
    pack = eye_pack()
    said = fit_statements(replace(pack, tables=(statement,)))
    with pytest.raises(StatisticsError, match="^pack shared: site eye is shared by"):
        require_ages_at_shared_sites("shared", SCHEMA, eye_distribution(), said)


def test_a_table_that_only_conditions_on_age_and_entity_does_not_date_it():
    conditional = table_of(
        "sex",
        [cell(0.5, n=60, sex="1", entity="retinoblastoma", age_group=INFANTS)],
        ("sex",), ("entity", "age_group"), "shares",
    )  # fmt: skip
    said = fit_statements(replace(eye_pack(), tables=(conditional,)), extra=("sex",))
    with pytest.raises(StatisticsError, match="^pack shared: site eye is shared by"):
        require_ages_at_shared_sites("shared", SCHEMA, eye_distribution(), said)


def fit_statements(pack, extra=()):
    from synthgen.statistics.statements import statements_of

    return statements_of(replace(pack, blocks=(*pack.blocks, Block("more", extra))), SCHEMA)


def eye_distribution():
    return fit_pack(eye_pack(ages("retinoblastoma", 0.95)), SCHEMA).distribution


def test_a_prior_that_knows_ages_by_entity_settles_them():
    young = np.where(np.array(AGES) == "0-4", 3.0, -3.0)
    prior = Potential(("age_group", "entity"), np.stack([-young, young], axis=1))
    fit_pack(eye_pack(), SCHEMA, references=[prior])


def test_three_families_need_the_ages_of_two():
    entities = ("uveal_melanoma", "retinoblastoma", "eye_carcinoma")
    pack = eye_pack(ages("retinoblastoma", 0.95), entities=entities)
    with pytest.raises(
        StatisticsError, match=r"by uveal_melanoma \(skin_and_melanoma\), eye_carcinoma, and noth"
    ):
        fit_pack(pack, SCHEMA)
    fit_pack(
        eye_pack(ages("retinoblastoma", 0.95), ages("eye_carcinoma", 0.97, ADULTS), entities=entities),
        SCHEMA,
    )  # fmt: skip


def test_a_family_too_small_to_be_noticed_needs_no_ages():
    shares = entity_shares("eye", retinoblastoma=0.5)
    fit_pack(pack_of([site_counts("eye"), shares], EYE), SCHEMA)


def test_entities_of_one_family_may_share_the_ages_of_their_site():
    sarcomas = ("uveal_melanoma", "ocular_surface_melanoma")
    fit_pack(pack_of([site_counts("eye")], sarcomas), SCHEMA)


def test_the_adrenal_gland_is_refused_and_settled_in_the_same_way():
    entities = ("adrenocortical_carcinoma", "neuroblastoma")
    tables = [site_counts("adrenal"), entity_shares("adrenal", neuroblastoma=26)]
    with pytest.raises(StatisticsError, match=r"site adrenal is shared by adrenocortical_carci"):
        fit_pack(pack_of(tables, entities, ("adrenal",)), SCHEMA)
    tables.append(ages("neuroblastoma", 0.85, relation="published"))
    fit = fit_pack(pack_of(tables, entities, ("adrenal",)), SCHEMA)
    joint = fit.distribution.marginal(("entity", "age_group")) * sum(CASES["adrenal"])
    assert joint[0, 0] < 10  # carcinomas in infants
    assert joint[1, 8:].sum() < 26  # neuroblastomas from 40 on


def test_the_shipped_pack_is_not_refused():
    pack = read_pack(shipped("fitted_models")["kr-demo"] / "statistics")
    early = pack.blocks[: 1 + next(i for i, b in enumerate(pack.blocks) if "entity" in b.variables)]
    known = {name for block in early for name in block.variables}
    tables = tuple(t for t in pack.tables if {*t.variables, *t.given, *t.scope} <= known)
    fit = fit_pack(replace(pack, tables=tables, blocks=early), SCHEMA)
    assert set(fit.distribution.domain.codes["site_group"]) >= {"bone", "soft_tissue", "testis"}
