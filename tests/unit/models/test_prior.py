"""What a prior says, what it may not say, and how far it moves what is published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.errors import ModelError, StatisticsError
from synthgen.models.fit import fit_pack, ground_of
from synthgen.models.prior import FURTHEST, Prior, fit_with_prior, prior_references, require_usable
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)

ENTITIES, STAGES = ("x", "y", "z"), ("L", "R", "D")


def coded(name, *codes):
    return Variable(name, name, name, tuple(Category(c, c, c) for c in codes), f"patient.{name}")


AGES = Variable(
    "age_group", "age", "age",
    tuple(Category(f"a{i}", "a", "a", 15.0 * i, 15.0 * (i + 1)) for i in range(6)), "patient.age",
)  # fmt: skip
SCHEMA = Schema(
    "tiny", "1.0.0", "t", "t", (), {},
    variables=(coded("sex", "1", "2"), AGES, coded("entity", *ENTITIES), coded("stage", *STAGES)),
)  # fmt: skip
BLOCKS = (Block("who", ("sex", "age_group")), Block("entity", ("entity",)),
          Block("stage", ("stage",)))  # fmt: skip


def table(name, kind, variables, given, cells):
    return StatisticsTable(
        name, name, name, kind, variables, given, {}, Relation.PUBLISHED, "s", "p", "2020",
        tuple(Cell(row=i, **cell) for i, cell in enumerate(cells, start=2)),
    )  # fmt: skip


def cell(value, n=None, years=None, **members):
    codes = {name: (code,) for name, code in members.items()}
    return {"members": codes, "lower": value, "upper": value, "n": n, "person_years": years}


def pack(name, *tables, origin="public-statistics", scope=None, schema="tiny@1.0.0"):
    return StatisticsPack(
        name, "1.0.0", schema, "t", "t", origin, Target("p", "p", "2020"), scope or {},
        {"s": Source("s", "c", "l", "open")}, tables, BLOCKS,
    )  # fmt: skip


def who(numbers, years=None):
    """Counts by sex and age, shape (2, 6), with person-years where given."""
    return table(
        "who", "counts", ("sex", "age_group"), (),
        [
            cell(float(k), years=None if years is None else years[i][j], sex=s, age_group=a)
            for i, (s, row) in enumerate(zip("12", numbers, strict=True))
            for j, (a, k) in enumerate(zip(AGES.codes, row, strict=True))
        ],
    )  # fmt: skip


def stages(n, *rows):
    """Shares of stages by entity."""
    return table(
        "stage", "shares", ("stage",), ("entity",),
        [
            cell(p, n, entity=e, stage=s)
            for e, shares in zip(ENTITIES, rows, strict=False)
            for s, p in zip(STAGES, shares, strict=True)
        ],
    )  # fmt: skip


WHO = who([[20, 30, 100, 100, 50, 100], [30, 50, 120, 100, 100, 200]])
ENTITY = table("entity", "counts", ("entity",), (),
               [cell(500.0, entity="x"), cell(300.0, entity="y"), cell(200.0, entity="z")])  # fmt: skip
BY_SEX = table(
    "by_sex", "shares", ("stage",), ("entity", "sex"),
    [cell(p, 900.0, entity="x", sex=s, stage="D") for s, p in (("1", 0.5), ("2", 0.1))],
)  # fmt: skip


def prior_from(*tables, **changes):
    made = pack("large", *tables, **changes)
    return Prior("large", "ab" * 32, made, fit_pack(made, SCHEMA).distribution)


def fitted(made, prior=None):
    ground = ground_of(made, SCHEMA)
    references = prior_references(prior, made, SCHEMA, ground) if prior else ()
    return fit_pack(made, SCHEMA, ground=ground, references=references)


def share(fit, of, **given):
    """Distribution of one variable among some patients."""
    return fit.distribution.marginal((of,), {n: (c,) for n, c in given.items()})


LARGE = (WHO, ENTITY, stages(2000.0, (0.5, 0.2, 0.3), (0.7, 0.2, 0.1), (0.1, 0.1, 0.8)), BY_SEX)


def test_what_a_pack_leaves_open_is_as_the_prior_has_it():
    prior = prior_from(*LARGE)
    alone, with_prior = (
        fitted(pack("small", WHO, ENTITY)),
        fitted(pack("small", WHO, ENTITY), prior),
    )
    for entity in ENTITIES:
        np.testing.assert_allclose(share(alone, "stage", entity=entity), 1 / 3, atol=1e-9)
        np.testing.assert_allclose(
            share(with_prior, "stage", entity=entity),
            prior.distribution.marginal(("stage",), {"entity": (entity,)}),
            atol=1e-4,
        )
    joint = ("sex", "age_group", "entity", "stage")
    np.testing.assert_allclose(
        with_prior.distribution.marginal(joint), prior.distribution.marginal(joint), atol=1e-4
    )


def test_an_association_of_the_prior_holds_beside_a_published_margin():
    prior = prior_from(*LARGE)
    small = pack("small", WHO, ENTITY, stages(2000.0, (0.2, 0.2, 0.6)))
    fit = fitted(small, prior)
    assert share(fit, "stage", entity="x")[2] == pytest.approx(0.6, abs=0.001)
    men, women = (share(fit, "stage", entity="x", sex=s)[2] for s in "12")
    odds = men / (1 - men) / (women / (1 - women))
    assert odds == pytest.approx(9.0, rel=0.02)  # 0.5 to 0.1, as in the prior
    assert share(fitted(small), "stage", entity="x", sex="1")[2] == pytest.approx(0.6, abs=0.001)


def test_an_entity_that_the_prior_does_not_know_keeps_its_declared_reference():
    two = {"entity": ("x", "y")}
    known = table("entity", "counts", ("entity",), (),
                  [cell(500.0, entity="x"), cell(300.0, entity="y")])  # fmt: skip
    prior = prior_from(WHO, known, stages(2000.0, (0.5, 0.2, 0.3), (0.7, 0.2, 0.1)), scope=two)
    fit = fitted(pack("small", WHO, ENTITY), prior)
    np.testing.assert_allclose(share(fit, "stage", entity="z"), 1 / 3, atol=1e-9)
    np.testing.assert_allclose(share(fit, "stage", entity="x"), (0.5, 0.2, 0.3), atol=1e-3)


def test_a_code_that_the_prior_does_not_know_keeps_its_declared_share():
    prior = prior_from(
        WHO, ENTITY, table("stage", "shares", ("stage",), (), [cell(0.8, 2000.0, stage="L")]),
        scope={"stage": ("L", "R")},
    )  # fmt: skip
    fit = fitted(pack("small", WHO, ENTITY), prior)
    # D keeps the third that a flat reference gives it; L and R share the rest as 4 to 1.
    np.testing.assert_allclose(share(fit, "stage"), (0.8 * 2 / 3, 0.2 * 2 / 3, 1 / 3), atol=1e-3)


def test_borrowed_ages_become_rates_times_our_person_years():
    cases = [[10, 20, 40, 30, 20, 80]] * 2
    years = [1000.0] * 6, [100.0, 100.0, 100.0, 400.0, 100.0, 50.0]
    prior = prior_from(who(cases, [years[0]] * 2), ENTITY)
    # One case is counted here, so that the ages are as the prior's rates have them.
    small = pack("small", who([[0, 0, 0, 1, 0, 0], [0] * 6], [years[1]] * 2), ENTITY)
    references = prior_references(prior, small, SCHEMA, ground_of(small, SCHEMA))
    expected = np.array(cases[0]) * np.array(years[1])
    declared = fitted(small)
    assert references[0].names == ("sex", "age_group")
    ages = share(fitted(small, prior), "age_group")
    open_ages = [0, 1, 2, 4, 5]  # the counted one is held to its count
    np.testing.assert_allclose(
        ages[open_ages] / ages[open_ages].sum(),
        expected[open_ages] / expected[open_ages].sum(),
        rtol=0.02,
    )
    assert np.abs(share(declared, "age_group") - ages).max() > 0.02


def test_a_prior_moves_a_published_value_by_half_a_standard_error_at_most():
    prior = prior_from(*LARGE)
    small = pack("small", WHO, ENTITY, stages(12.0, (0.1, 0.3, 0.6), (0.4, 0.4, 0.2)))
    plain, drawn = fitted(small, prior), fit_with_prior(small, SCHEMA, prior)
    moves = []
    for before, after in zip(plain.gaps, drawn.fit.gaps, strict=True):
        assert after.statement == before.statement
        moves.append((after.fitted - before.fitted) / before.statement.standard_error)
    assert np.abs(moves).max() == pytest.approx(drawn.largest_move)
    assert 0.2 < drawn.largest_move <= FURTHEST
    # The reference alone, without pseudo-cases, moves published values by next to nothing.
    without = fitted(small)
    for before, after in zip(without.gaps, plain.gaps, strict=True):
        assert abs(after.fitted - before.fitted) < 0.1 * before.statement.standard_error


def test_many_cases_leave_a_prior_nothing_to_move():
    small = pack("small", WHO, ENTITY, stages(20_000.0, (0.1, 0.3, 0.6), (0.4, 0.4, 0.2)))
    fit = fit_with_prior(small, SCHEMA, prior_from(*LARGE)).fit
    np.testing.assert_allclose(share(fit, "stage", entity="x"), (0.1, 0.3, 0.6), atol=2e-3)


def test_no_pseudo_cases_is_the_reference_alone():
    prior, small = prior_from(*LARGE), pack("small", WHO, ENTITY, stages(12.0, (0.1, 0.3, 0.6)))
    made = fit_with_prior(small, SCHEMA, prior, cases=0.0)
    assert made.largest_move == 0
    joint = ("entity", "stage")
    np.testing.assert_array_equal(
        made.fit.distribution.marginal(joint), fitted(small, prior).distribution.marginal(joint)
    )


def test_a_prior_over_another_schema_is_refused():
    prior = replace(prior_from(*LARGE), pack=pack("large", schema="other@2.0.0"))
    with pytest.raises(
        ModelError,
        match=r"^prior large: speaks schema other@2\.0\.0; pack small speaks tiny@1\.0\.0, and "
        "both must speak the same$",
    ):
        require_usable(prior, pack("small"))


def test_published_statistics_do_not_rest_on_records():
    prior = replace(prior_from(*LARGE), pack=pack("large", origin="enclave"))
    with pytest.raises(StatisticsError, match=r"^prior large: its origin is enclave; a pack of"):
        require_usable(prior, pack("small"))
    require_usable(prior, pack("small", origin="enclave"))
    require_usable(prior_from(*LARGE), pack("small", origin="enclave"))


def test_a_prior_that_ties_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("synthgen.models.prior.CLIQUE_CELLS", 20)
    with pytest.raises(ModelError, match=r"^prior large: ties sex x age_group x entity together"):
        fitted(pack("small", WHO, ENTITY), prior_from(*LARGE))
