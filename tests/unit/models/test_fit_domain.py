"""Which codes a pack is about, which combinations cannot be, and what each block is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import ModelError, StatisticsError
from synthgen.models.domain import Domain
from synthgen.models.fit import fit_pack, statements_by_block
from synthgen.models.pack_domain import domain_of
from synthgen.models.structure import zero_potentials, zero_scopes
from synthgen.schema.load import load_schema
from synthgen.schema.model import Category, Variable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)

SCHEMA = load_schema("rare-cancer@1.0.0")
MADE_UP = Source("made-up", "Made up for this test.", "CC0-1.0", "open")


def pack_of(scope, blocks, tables=()):
    return StatisticsPack(
        "tiny", "1.0.0", SCHEMA.key, "Tiny", "작은", "public-statistics",
        Target("Nowhere", "없는 곳", "2013-2017"), scope, {"made-up": MADE_UP}, tuple(tables),
        tuple(Block("+".join(b), b) for b in blocks),
    )  # fmt: skip


def table_of(name, variables, cells, given=(), kind="counts", scope=None, relation="published"):
    return StatisticsTable(
        name, name, name, kind, variables, given, scope or {}, Relation(relation), "made-up",
        "Nowhere", "2013-2017", tuple(cells),
    )  # fmt: skip


def cell(value, row, n=None, **members):
    members = {k: (v,) if isinstance(v, str) else v for k, v in members.items()}
    return Cell(members, value, value, n=n, printed=str(value), row=row)


def test_the_domain_holds_the_scope_in_the_order_of_the_schema():
    pack = pack_of({"site_group": ("testis", "bone")}, [("site_group", "sex")])
    domain = domain_of(pack, SCHEMA)
    assert domain.names == ("site_group", "sex")
    assert domain.codes["site_group"] == ("bone", "testis")
    assert domain.codes["sex"] == ("1", "2")


def test_codes_that_no_combination_leaves_are_dropped():
    # Testis is a site of men; its entities exclude everything that bone holds.
    pack = pack_of({"site_group": ("testis",)}, [("site_group", "sex"), ("entity",)])
    domain = domain_of(pack, SCHEMA)
    assert domain.codes["sex"] == ("1",)
    assert "testicular_germ_cell" in domain.codes["entity"]
    assert "osteosarcoma" not in domain.codes["entity"]


def test_dropping_codes_goes_on_until_nothing_changes():
    # Osteosarcoma leaves bone, bone leaves its topographies and no uterus.
    pack = pack_of(
        {"entity": ("osteosarcoma",), "site_group": ("bone", "corpus_uteri")},
        [("site_group", "sex"), ("entity",), ("topography",)],
    )
    domain = domain_of(pack, SCHEMA)
    assert domain.codes["site_group"] == ("bone",)
    assert domain.codes["sex"] == ("1", "2")
    assert all("C400" <= code <= "C419" for code in domain.codes["topography"])


def test_a_scope_with_unknown_codes_is_refused():
    pack = pack_of({"site_group": ("bone", "elbow")}, [("site_group",)])
    with pytest.raises(StatisticsError, match=r"scope of site_group has codes .* \(1 such codes\)"):
        domain_of(pack, SCHEMA)


def test_a_scope_that_the_rules_leave_empty_is_refused():
    pack = pack_of(
        {"site_group": ("testis",), "sex": ("2",)}, [("site_group", "sex"), ("topography",)]
    )
    with pytest.raises(StatisticsError, match="the rules of rare-cancer@1.0.0 leave no code of"):
        domain_of(pack, SCHEMA)


def test_zero_potentials_are_the_impossible_combinations_and_no_others():
    domain = Domain(
        (
            ("site_group", ("bone", "testis")),
            ("sex", ("1", "2")),
            ("entity", ("osteosarcoma", "testicular_germ_cell")),
            ("seer_stage", ("1", "7")),
        )
    )
    by_names = {p.names: p.log_values for p in zero_potentials(domain, SCHEMA)}
    np.testing.assert_array_equal(by_names["site_group", "entity"], [[0, -np.inf], [-np.inf, 0]])
    np.testing.assert_array_equal(by_names["site_group", "sex"], [[0, 0], [0, -np.inf]])
    assert not any("seer_stage" in names for names in by_names)
    values = np.concatenate([v.ravel() for v in by_names.values()])
    assert set(values.tolist()) <= {0.0, -np.inf}


def test_a_rule_is_a_zero_only_where_it_is_impossible_and_not_merely_unlikely():
    # CHILD-MESOTHELIOMA is unlikely: rare cancers live there, so it excludes nobody.
    assert ("age_group", "entity") not in {
        p.names
        for p in zero_potentials(
            Domain(
                (
                    ("age_group", SCHEMA.variable("age_group").codes),
                    ("entity", ("mesothelioma", "retinoblastoma")),
                )
            ),
            SCHEMA,
        )
    }
    assert frozenset({"morphology", "grade"}) in zero_scopes(SCHEMA, ("morphology", "grade"))


def test_the_fit_gives_impossible_combinations_no_probability():
    pack = pack_of(
        {
            "site_group": ("bone", "testis"),
            "entity": ("osteosarcoma", "testicular_germ_cell"),
        },
        [("site_group", "sex"), ("entity",)],
        [
            table_of(
                "sites",
                ("site_group", "sex"),
                [
                    cell(60, 2, site_group="bone", sex="1"),
                    cell(40, 3, site_group="bone", sex="2"),
                    cell(25, 4, site_group="testis", sex="1"),
                    cell(0, 5, site_group="testis", sex="2"),
                ],
            )
        ],
    )
    fit = fit_pack(pack, SCHEMA)
    joint = fit.distribution.marginal(("sex", "entity"))
    assert joint[1, 1] == 0.0
    np.testing.assert_allclose(joint, [[0.48, 0.2], [0.32, 0.0]], atol=1e-3)
    assert fit.residual < 1e-6


def test_statements_lose_codes_outside_the_scope_and_refuse_to_be_about_nobody():
    shares = table_of(
        "shares",
        ("sex",),
        [cell(0.6, 2, n=50, sex="1", site_group=("bone", "testis"))],
        given=("site_group",),
        kind="shares",
    )
    pack = pack_of({"site_group": ("bone", "eye")}, [("site_group", "sex")], [shares])
    domain = domain_of(pack, SCHEMA)
    (statement,) = statements_by_block(pack, SCHEMA, domain)["site_group+sex"]
    assert statement.given == {"site_group": ("bone",)}
    outside = replace(shares, cells=(cell(0.6, 2, n=50, sex="1", site_group="testis"),))
    with pytest.raises(StatisticsError, match=r"^shares: row 2 is about codes of site_group"):
        statements_by_block(replace(pack, tables=(outside,)), SCHEMA, domain)


def test_a_pack_without_blocks_is_refused():
    with pytest.raises(StatisticsError, match="^pack tiny: has no blocks"):
        fit_pack(pack_of({}, []), SCHEMA)


def test_the_gap_table_shows_conflicts_in_standard_errors():
    # The total and its parts cannot both hold: 100 of 200 men, 160 of 200 men.
    tables = [
        table_of("first", ("sex",), [cell(0.5, 2, n=200, sex="1")], kind="shares"),
        table_of("second", ("sex",), [cell(0.8, 2, n=200, sex="1")], kind="shares"),
    ]
    fit = fit_pack(pack_of({"site_group": ("bone",)}, [("site_group", "sex")], tables), SCHEMA)
    first, second = fit.gaps
    assert first.statement.table == "first"
    assert first.fitted == second.fitted == pytest.approx(0.67, abs=0.02)
    assert first.standard_errors > 3
    assert second.standard_errors < -3
    assert first.multiplier * second.multiplier < 0


def test_a_block_that_cannot_be_fitted_in_memory_is_refused_before_it_is_built():
    names = ("age_group", "region", "first_treatment", "grade", "laterality", "basis_of_diagnosis")
    first = {name: SCHEMA.variable(name).codes[0] for name in names}
    tied = table_of("tied", names, [cell(0.5, 2, n=9, **first)], kind="shares")
    with pytest.raises(ModelError, match="cells, at most 8e\\+06 are allowed: coarsen or drop"):
        fit_pack(pack_of({}, [names], [tied]), SCHEMA)


def test_what_rows_of_another_table_cannot_say_of_a_row_says_nothing_if_it_need_not_have_any():
    # Nobody known by a death certificate alone has a line of treatment.
    schema = load_schema("rare-cancer@1.1.0")
    bins = (Category("1-2", "1-2", "1-2", 1.0, 3.0), Category("3-", "3-", "3-", 3.0, 99.0))
    line = Variable("line", "Line", "차수", bins, "treatment_line.line_number")
    count = (Category("0", "0", "0", 0.0, 1.0), Category("1+", "1+", "1+", 1.0, np.inf))
    rows = Variable("rows", "Rows", "행", count, unit="rows of treatment_line")
    pack = pack_of({}, [("basis_of_diagnosis",), ("line",)])
    sure = domain_of(pack, replace(schema, variables=(*schema.variables, line)))
    assert "0" not in sure.codes["basis_of_diagnosis"]
    free = domain_of(pack, replace(schema, variables=(*schema.variables, line, rows)))
    assert "0" in free.codes["basis_of_diagnosis"]
    assert free.codes["line"] == ("1-2", "3-")
