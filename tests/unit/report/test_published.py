"""What a pack publishes about one group of patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.fidelity.compare import ComparedCohort
from synthgen.report import published
from synthgen.report.model_curve import model_curve

BONE, TESTIS = {"site_group": ("bone",)}, {"site_group": ("testis",)}
OSTEOSARCOMA = {"entity": ("osteosarcoma",)}


def test_published_ages_of_a_site_are_those_of_its_table(model):
    shares = published.age_and_sex(model, [BONE])
    counts = {
        (c.members["sex"][0], c.members["age_group"][0]): c.value
        for c in model.pack.table("incidence").cells
        if c.members["site_group"] == ("bone",)
    }
    assert shares.sum() == pytest.approx(1.0)
    assert shares[1, 3] == pytest.approx(counts["2", "15-19"] / sum(counts.values()))


def test_a_printed_zero_is_zero_and_not_the_middle_of_its_limit(model):
    shares = published.age_and_sex(model, [TESTIS])
    assert (shares[1] == 0).all()
    zero = next(g.statement for g in model.gaps if g.statement.printed == "0")
    assert zero.value > 0
    assert published.central(zero) == 0.0


def test_ages_that_nobody_published_are_none(model):
    assert published.age_and_sex(model, [OSTEOSARCOMA]) is None
    assert published.age_and_sex(model, []) is None


def test_an_alias_lends_its_ages(model):
    entity = {"entity": ("testicular_germ_cell",)}
    assert published.age_and_sex(model, [entity, TESTIS]) is not None


def test_published_shares_are_of_exactly_the_group(model):
    shares = published.shares(model, [OSTEOSARCOMA], "seer_stage")
    assert [codes for codes, _ in shares.rows] == [("1",), ("2", "3"), ("7",)]
    assert published.shares(model, [BONE], "seer_stage") is None


def test_a_stronger_relation_goes_first(model):
    closer = tuple(
        replace(g, statement=replace(g.statement, table="bone"))
        for g in model.gaps
        if g.statement.table == "stage"
    )
    both = replace(model, gaps=(*model.gaps, *closer[:1]))
    assert published.shares(both, [OSTEOSARCOMA], "seer_stage").table.name == "bone"


def test_survival_of_the_group_comes_before_that_of_its_parts(model):
    found = published.survival(model, [OSTEOSARCOMA])
    assert [s.table.name for s in found] == ["survival", "survival_by_stage", "survival_by_stage"]
    assert [p.years for p in found[0].points] == [1, 3, 5]
    assert found[0].points[0].lower == pytest.approx(0.84)
    assert [s.observed for s in found] == [False, True, True]


@pytest.mark.parametrize("observed", [False, True])
def test_the_model_curve_is_the_distribution_at_its_edges(model, cohort, observed):
    compared = ComparedCohort(model, cohort)
    years, survival = model_curve(compared, OSTEOSARCOMA, 10.0, observed=observed)
    share = model.distribution.marginal(("net_survival",), OSTEOSARCOMA)
    net = 1 - np.cumsum(share)
    at_5 = float(survival[np.searchsorted(years, 5.0)])
    if observed:
        assert 0.5 * net[5] < at_5 < net[5]
    else:
        assert at_5 == pytest.approx(net[5])
    assert survival[0] == 1.0
    assert (np.diff(survival) <= 1e-12).all()
