"""What is drawn anew for a replicate, and what stays as it was published."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthgen.errors import ModelError
from synthgen.models import replicates
from synthgen.models.domain import Domain
from synthgen.models.fit import Ground, fit_pack
from synthgen.models.interactions import draw_interactions, unpublished_interactions
from synthgen.models.redraw import draw_statements, effective_cases
from synthgen.models.replicates import design_of, fit_replicate
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.model import Block, Relation, Source, StatisticsPack, Target
from synthgen.statistics.sampling import proportion_error
from synthgen.statistics.statement import Statement

DRAWS = 4_000


def coded(name, *codes):
    return Variable(name, name, name, tuple(Category(c, c, c) for c in codes), f"patient.{name}")


AGES = Variable(
    "age", "age", "age",
    tuple(Category(f"a{i}", "a", "a", 10.0 * i, 10.0 * (i + 1)) for i in range(6)), "patient.age",
)  # fmt: skip
SCHEMA = Schema(
    "tiny", "1.0.0", "t", "t", (), {},
    variables=(
        coded("entity", "x", "y"), coded("sex", "1", "2"), AGES, coded("stage", "L", "R", "D")
    ),
)  # fmt: skip
DOMAIN = Domain(tuple((v.name, v.codes) for v in SCHEMA.variables))
BLOCKS = (Block("who", ("entity", "sex", "age")), Block("stage", ("stage",)))


def said(event, value, n=None, given=None, *, row=1, upper=None, error=None, **changes):
    """A share of ``n`` cases, or whatever ``changes`` make of it."""
    given = given or {}
    facts = {
        "table": "t", "row": row, "kind": "shares", "relation": Relation.PUBLISHED,
        "event": {**given, **event}, "given": given, "lower": value,
        "upper": value if upper is None else upper,
        "standard_error": proportion_error(value, n) if error is None else error,
        "cases": n, "estimator": "share",
    }  # fmt: skip
    return Statement(**{**facts, **changes})


def count(event, cases, total, **changes):
    error = math.sqrt(max(cases, 1)) / total
    return said(
        event, cases / total, float(total), error=error, estimator="count", kind="counts", **changes
    )


def values(statements, fitted=None, draws=DRAWS):
    """Middle of every statement over many draws, shape (draws, statements)."""
    rng = np.random.default_rng(5)
    return np.array(
        [[s.value for s in draw_statements(statements, rng, fitted)] for _ in range(draws)]
    )


def near(sample, mean, error):
    """Whether a sample has this mean, within 5 of its own standard errors."""
    return abs(sample.mean() - mean) < 5 * error / math.sqrt(len(sample))


# Statements


@pytest.mark.parametrize("n", [12, 25, 100, 4000])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_a_share_is_drawn_with_its_value_and_its_own_error(share, n):
    drawn = values([said({"sex": ("1",)}, share, n)])[:, 0]
    error = math.sqrt(share * (1 - share) / n)
    assert near(drawn, share, error)
    assert drawn.std() == pytest.approx(error, rel=0.1)


def test_the_number_behind_a_standard_error_is_found_again():
    for n in (3.0, 25.0, 500.0):
        for share in (0.0, 0.02, 0.5, 1.0):
            assert effective_cases(share, proportion_error(share, n)) == pytest.approx(n, rel=1e-6)


def test_counts_that_cover_everybody_still_add_up_and_vary_as_a_sample_does():
    numbers = (2, 38, 60)
    statements = [
        count({"stage": (code,)}, k, 100, row=i)
        for i, (code, k) in enumerate(zip("LRD", numbers, strict=True))
    ]
    drawn = values(statements)
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0, atol=1e-3)
    for column, k in zip(drawn.T, numbers, strict=True):
        binomial = math.sqrt(k / 100 * (1 - k / 100) / 100)
        assert near(column, k / 100, binomial)
        assert column.std() == pytest.approx(binomial, rel=0.1)
    both = np.corrcoef(drawn[:, 1], drawn[:, 2])[0, 1]
    assert both < -0.9  # what one category gains the other loses


def test_a_subtotal_is_the_sum_of_its_parts():
    statements = [
        count({"stage": ("R", "D")}, 55, 100, row=1),
        count({"stage": ("R",)}, 35, 100, row=2),
        count({"stage": ("D",)}, 20, 100, row=3),
        count({"stage": ("L",)}, 45, 100, row=4),
    ]
    drawn = values(statements, draws=200)
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1] + drawn[:, 2], atol=1e-3)


def test_margins_without_cells_each_add_up():
    statements = [
        count({"sex": ("1",)}, 60, 100, row=1),
        count({"sex": ("2",)}, 40, 100, row=2),
        *(count({"stage": (c,)}, k, 100, row=3 + i) for i, (c, k) in enumerate(
            zip("LRD", (50, 30, 20), strict=True))),
    ]  # fmt: skip
    drawn = values(statements, draws=200)
    np.testing.assert_allclose(drawn[:, :2].sum(axis=1), 1.0, atol=1e-3)
    np.testing.assert_allclose(drawn[:, 2:].sum(axis=1), 1.0, atol=1e-3)


def test_a_published_zero_becomes_a_few_cases_around_what_the_model_expects():
    total, expected = 10_000, 0.4
    zero = count({"stage": ("D",)}, 0, total, upper=3 / total)
    rest = count({"stage": ("L", "R")}, total, total, row=2)
    drawn = values([zero, rest], [expected / total, 1.0])[:, 0] * total
    spread = expected / math.sqrt(expected + 0.5)
    assert near(drawn, expected, spread)
    assert drawn.std() == pytest.approx(spread, rel=0.1)


def test_a_share_of_zero_out_of_a_small_sample_is_no_certainty():
    zero = said({"stage": ("D",)}, 0.0, 25, upper=0.0005, error=proportion_error(0.0, 25))
    drawn = values([zero], [0.0004])[:, 0]
    assert near(drawn, 0.02, 0.03)  # half a case in 25
    assert (drawn > 0.05).mean() == pytest.approx(0.1, abs=0.05)


def test_what_the_model_excludes_stays_as_it_is():
    impossible = count({"stage": ("D",)}, 0, 50, upper=3 / 50)
    assert draw_statements([impossible], np.random.default_rng(1), [0.0]) == [impossible]


def test_a_survival_of_everybody_can_fall_and_of_nobody_can_rise():
    everybody = said({"stage": ("L",)}, 1.0, 20, {"sex": ("1",)})
    nobody = said({"stage": ("L",)}, 0.0, 20, {"sex": ("2",)})
    drawn = values([everybody, nobody])
    assert (drawn[:, 0] < 0.99).any()
    assert drawn[:, 0].mean() > 0.95
    assert 0 < drawn[:, 1].mean() < 0.05


def test_bounds_of_one_row_move_together_and_stay_bounds():
    low = said({"age": ("a0", "a1")}, 0.0, 50, upper=0.5, error=0.07, estimator="quantile")
    high = said({"age": ("a0", "a1", "a2")}, 0.5, 50, upper=1.0, error=0.07, estimator="quantile")
    rng = np.random.default_rng(2)
    moved = []
    for _ in range(500):
        first, second = draw_statements([low, high], rng)
        assert (first.lower, second.upper) == (0.0, 1.0)
        assert first.upper == pytest.approx(second.lower)
        moved.append(first.upper)
    assert np.std(moved) == pytest.approx(0.07, rel=0.15)


def test_an_interval_wider_than_its_error_is_drawn_within_and_around():
    wide = said({"stage": ("D",)}, 0.3, 900, upper=0.6, error=0.015)
    drawn = values([wide])[:, 0]
    assert near(drawn, 0.45, 0.3 / math.sqrt(12))
    assert drawn.min() > 0.2
    assert drawn.max() < 0.7


def test_a_noisy_count_may_stay_below_zero():
    noisy = said({"stage": ("D",)}, -0.02, 100, error=0.05, estimator="noisy")
    drawn = values([noisy])[:, 0]
    assert near(drawn, -0.02, 0.05)
    assert (drawn < 0).any()


def test_drawing_changes_no_weight_but_folds_narrow_rounding_in():
    rounded = said({"stage": ("D",)}, 0.195, 100, upper=0.205)
    (drawn,) = draw_statements([rounded], np.random.default_rng(1))
    assert drawn.lower == drawn.upper
    folded = math.sqrt(rounded.standard_error**2 + 0.005**2 / 3)
    assert drawn.standard_error == pytest.approx(folded)


# Associations


def base_statements():
    who = [
        count({"entity": (e,), "sex": (s,)}, k, 400, row=i)
        for i, (e, s, k) in enumerate(
            (("x", "1", 120), ("x", "2", 80), ("y", "1", 90), ("y", "2", 110)), start=2
        )
    ]
    ages = [said({"age": AGES.codes[:3]}, 0.5, 400, row=6, table="ages")]
    stage = [
        said({"stage": ("D",)}, 0.3, 100, {"entity": ("x",)}, row=2, table="stage"),
        said({"stage": ("D",)}, 0.2, 100, {"entity": ("y",), "sex": ("1",)}, row=3, table="stage"),
        said({"stage": ("D",)}, 0.4, 80, {"entity": ("y",), "sex": ("2",)}, row=4, table="stage"),
    ]
    return {"who": [*who, *ages], "stage": stage}


def pack():
    return StatisticsPack(
        "tiny", "1.0.0", "tiny@1.0.0", "t", "t", "public-statistics", Target("p", "p", "2020"), {},
        {"s": Source("s", "c", "l", "open")}, (), BLOCKS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def design():
    ground = Ground(DOMAIN, base_statements(), (), None)
    base = fit_pack(pack(), SCHEMA, ground=ground)
    return design_of(pack(), SCHEMA, base, ground=ground)


def found(design):
    return {(i.earlier, i.later): i for i in design.interactions}


def test_only_associations_that_no_table_ties_are_drawn(design):
    pairs = found(design)
    assert ("entity", "sex") not in pairs  # counted
    assert ("entity", "stage") not in pairs  # shares in both entities
    assert {("entity", "age"), ("sex", "age"), ("sex", "stage"), ("age", "stage")} == set(pairs)


def test_an_association_is_open_entity_by_entity(design):
    by_sex = found(design)["sex", "stage"]
    assert by_sex.names == ("entity", "sex", "stage")
    assert by_sex.strata == 1  # published in y, open in x
    (potential,) = draw_interactions([by_sex], np.random.default_rng(1))
    assert potential.log_values[0].any()
    assert not potential.log_values[1].any()


def test_half_a_published_association_is_still_open():
    statements = [s for rows in base_statements().values() for s in rows if s.row != 4]
    base = fit_pack(pack(), SCHEMA, ground=Ground(DOMAIN, base_statements(), (), None))
    pairs = unpublished_interactions(base.distribution, statements, SCHEMA)
    by_sex = next(p for p in pairs if (p.earlier, p.later) == ("sex", "stage"))
    assert by_sex.strata == 2


@pytest.mark.parametrize("pair", [("sex", "stage"), ("age", "stage"), ("sex", "age")])
def test_the_spread_is_that_of_the_log_odds_ratio_of_a_group_against_the_others(design, pair):
    interaction = found(design)[pair]
    base = design.base.distribution
    names = ("entity", *pair)
    flat = base.marginal(names)
    rng = np.random.default_rng(3)
    log_odds = []
    for _ in range(DRAWS):
        (potential,) = draw_interactions([interaction], rng, 0.1)  # small, so that it is linear
        order = [potential.names.index(n) for n in names if n in potential.names]
        shift = potential.log_values.transpose(order)
        joint = (flat * np.exp(shift))[0]
        joint = joint / joint.sum(axis=1, keepdims=True) * flat[0].sum(axis=1, keepdims=True)
        cut = 1 if pair[0] == "sex" else 3
        other = 3 if pair[1] == "age" else 1
        table = np.array(
            [[b[:, :other].sum(), b[:, other:].sum()] for b in (joint[:cut], joint[cut:])]
        )
        log_odds.append(math.log(table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0])))
    assert np.std(log_odds) == pytest.approx(0.1, rel=0.25)
    assert near(np.array(log_odds), np.mean(log_odds), 1)


def test_random_associations_leave_published_values_where_they_are(design):
    rng = np.random.default_rng(4)
    for _ in range(5):
        drawn = draw_interactions(design.interactions, rng)
        fit = fit_pack(design.pack, design.schema, ground=design.ground, references=drawn)
        assert max(abs(g.standard_errors) for g in fit.gaps) < 0.05


# Replicates


def joint(fit):
    return fit.distribution.marginal(DOMAIN.names)


def test_a_replicate_depends_on_key_seed_and_number_and_on_nothing_else(design):
    first = joint(fit_replicate(design, "ab", 7, 3))
    fit_replicate(design, "ab", 7, 1)
    assert (joint(fit_replicate(design, "ab", 7, 3)) == first).all()
    for other in (("ab", 7, 4), ("ab", 8, 3), ("cd", 7, 3)):
        assert np.abs(joint(fit_replicate(design, *other)) - first).max() > 1e-4


def test_replicates_spread_around_the_published_value(design):
    fits = [fit_replicate(design, "ab", 1, number) for number in range(1, 61)]
    shares = np.array([fit.gaps[5].fitted for fit in fits])
    assert fits[0].gaps[5].statement == base_statements()["stage"][0]
    error = math.sqrt(0.3 * 0.7 / 100)
    assert near(shares, 0.3, error)
    assert shares.std() == pytest.approx(error, rel=0.35)
    for fit in fits:
        gap = fit.gaps[5]
        assert gap.standard_errors == pytest.approx(
            (gap.fitted - 0.3) / gap.statement.standard_error
        )


def test_a_replicate_that_cannot_be_fitted_is_named(design, monkeypatch):
    def fail(*_arguments, **_options):
        raise ModelError("fit: no")

    monkeypatch.setattr(replicates, "fit_pack", fail)
    with pytest.raises(ModelError, match=r"^replicate 9: fit: no$"):
        fit_replicate(design, "ab", 1, 9)
