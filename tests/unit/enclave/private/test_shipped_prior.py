"""A shipped pack of public statistics as the beginning of a private one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthgen import __file__ as here
from synthgen.cohort.artefact import load_model
from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.private.prior import read_public_prior
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.private.tabulate import dry_run, tabulate_private
from synthgen.enclave.settings import Settings
from synthgen.errors import PrivacyBudgetError
from synthgen.models.block import Potential
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture
from synthgen.models.noisy_pack import fit_noisy
from synthgen.models.structure import held_zeros, zero_potentials
from synthgen.schema.load import load_schema
from synthgen.statistics.read import read_pack
from synthgen.statistics.write import write_pack

PACK = Path(here).parents[1] / "fitted_models" / "kr-demo" / "statistics"


def asked(*tables):
    return Settings(plan=Plan(tuple(PlannedTable(names) for names in tables)))


@pytest.fixture(scope="module")
def rare():
    return load_schema("rare-cancer")


@pytest.fixture(scope="module")
def cohort():
    return load_model("kr-demo").generate(150, seed=5)


@pytest.fixture(scope="module")
def prior():
    return read_public_prior(PACK)


def test_a_mixture_is_a_prior_by_the_marginals_that_are_counted(
    rare, cohort, prior, noise, tmp_path
):
    model = load_model("kr-demo").distribution
    assert isinstance(model, Mixture)
    settings = PrivateSettings(
        1.0, 1e-6, asked(("sex",), ("entity",), ("seer_stage",)), prior=prior
    )
    pack = tabulate_private(cohort, rare, settings, noise=noise).pack
    assert {t.kind for t in pack.tables} == {"counts", "noisy_counts"}
    write_pack(pack, tmp_path / "private")
    read = read_pack(tmp_path / "private")
    assert prior.sha256 in read.sources["prior-kr-demo"].citation
    fitted = fit_noisy(read, read.own_schema).distribution
    for code in ("osteosarcoma", "soft_tissue_sarcoma_nos"):
        given = {"entity": (code,)}
        public = dict(
            zip(
                model.domain.codes["seer_stage"],
                model.marginal(("seer_stage",), given),
                strict=True,
            )
        )
        private = dict(
            zip(
                fitted.domain.codes["seer_stage"],
                fitted.marginal(("seer_stage",), given),
                strict=True,
            )
        )
        apart = sum(abs(private.get(c, 0.0) - share) for c, share in public.items()) / 2
        assert apart < 0.2  # 150 patients of 27 entities at epsilon 1: alone, they would be noise


def test_a_prior_about_nothing_that_is_counted_is_refused_before_anything_is_spent(
    rare, cohort, prior, noise, tmp_path
):
    settings = PrivateSettings(
        1.0, 1e-6, asked(("birth_month",)), prior=prior, budget=tmp_path / "budget.json"
    )
    with pytest.raises(PrivacyBudgetError, match="says nothing about what is counted"):
        tabulate_private(cohort, rare, settings, noise=noise)
    assert not (tmp_path / "budget.json").exists()
    assert not noise.asked


def test_a_prior_that_cannot_be_fitted_is_refused_in_one_line(rare, cohort, prior):
    broken = replace(prior, pack=replace(prior.pack, scope={"sex": ("7",)}))
    settings = PrivateSettings(1.0, 1e-6, asked(("sex",)), prior=broken, expected_n=150)
    with pytest.raises(PrivacyBudgetError, match="prior kr-demo: cannot be fitted"):
        dry_run(cohort, rare, settings)


def test_the_rules_of_a_wide_schema_do_not_make_a_model_that_is_too_large(rare):
    names = ("morphology", "topography", "entity")
    domain = Domain(tuple((n, rare.variable(n).codes) for n in names))
    zeros = zero_potentials(domain, rare)
    held = held_zeros(domain, zeros, [])
    scopes = {frozenset(z.names) for z in held}
    assert {frozenset({"morphology", "entity"}), frozenset({"topography", "entity"})} <= scopes
    assert frozenset({"morphology", "topography"}) not in scopes  # with entity: 23 million cells


def test_small_rules_are_held_before_large_ones_and_beside_what_must_be_there():
    codes = tuple(str(i) for i in range(10))
    domain = Domain((("a", codes), ("b", codes), ("c", codes), ("d", ("0", "1"))))
    zeros = [Potential(n, np.zeros(domain.shape(n))) for n in (("a", "c"), ("c", "d"), ("b", "c"))]
    assert [z.names for z in held_zeros(domain, zeros, [("a", "b")], limit=100)] == [
        ("c", "d"),
        ("a", "c"),
    ]
    assert len(held_zeros(domain, zeros, [("a", "b", "c")], limit=1)) == 3
