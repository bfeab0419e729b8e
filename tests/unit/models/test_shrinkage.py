"""Few records drawn towards a family: against what is known, and against both alone."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.errors import StatisticsError
from synthgen.models.block import Potential
from synthgen.models.decomposable import fit_decomposable
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.noisy import NoisyModel
from synthgen.models.shrinkage import (
    LEAST_RECORDS,
    drawn,
    fit_few,
    fit_towards,
    holds_exact_counts,
    worths,
)
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

DOMAIN = Domain((("a", ("1", "2")), ("b", ("1", "2", "3")), ("c", ("1", "2", "3", "4"))))
#: Pairs that are counted, and the axis that is left out of them.
LEFT = {("a", "b"): 2, ("b", "c"): 0}


def _model(total, joint):
    reference = [Potential(DOMAIN.names, np.log(joint))]
    return NoisyModel(DOMAIN, float(total), reference=reference)


def _pairs(counts):
    return [(("a", "b"), counts.sum(axis=2)), (("b", "c"), counts.sum(axis=0))]


def test_the_worth_of_a_family_is_found_where_it_is_known():
    rng = np.random.default_rng(1)
    n, tables, cells = 60, 400, 12
    for worth in (5.0, 40.0):
        q = np.full(cells, 1 / cells)
        counts = [rng.multinomial(n, rng.dirichlet(worth * q)).astype(float) for _ in range(tables)]
        found = worths(counts, [n * q] * tables, pooled=True)
        assert found == pytest.approx(found[0])
        # The ratio of squares is (n + m) / (1 + m) on average; its standard error over the
        # tables, taken through to m, times 4.
        ratios = np.array([((y - n * q) ** 2).sum() / (n * (1 - 1 / cells)) for y in counts])
        error = ratios.std(ddof=1) / np.sqrt(tables)
        slope = (n - 1) / (1 + worth) ** 2
        assert abs(found[0] - worth) < 4 * error / slope


def test_records_alike_to_the_family_make_it_worth_much_and_others_little():
    q = np.array([0.5, 0.3, 0.2])
    tables = [100 * q, 100 * q, np.array([0.0, 0.0, 100.0])]
    alike, _, other = worths(tables, [100 * q] * 3, pooled=False)
    assert alike > 50 * other
    (pooled,) = set(worths([100 * q, 100 * q], [100 * q] * 2, pooled=True).tolist())
    assert pooled == pytest.approx(1e4 * 100)


def test_a_variable_that_defines_the_entity_does_not_speak_for_the_others():
    rng = np.random.default_rng(2)
    q = np.full(5, 0.2)
    near = [rng.multinomial(40, q).astype(float) for _ in range(8)]
    apart = np.array([40.0, 0, 0, 0, 0])
    beside = worths([*near, apart], [40 * q] * 9, pooled=False)
    # A ratio of 40 for the one apart would make the mean over 9 exceed 40 / 9, and then no
    # table could find a worth of more than (40 - 2.2) / 1.2 = 31 records.
    assert (beside[:8] > 31).all()
    assert beside[8] < 2


def test_drawn_counts_keep_their_number_and_lie_between():
    y, e = np.array([8.0, 2.0]), np.array([5.0, 5.0])
    made = drawn(y, e, 30.0)
    assert made.sum() == pytest.approx(10.0)
    assert made == pytest.approx([(10 * 8 + 30 * 5) / 40, (10 * 2 + 30 * 5) / 40])


def test_margins_alone_leave_the_odds_ratios_of_the_family():
    rng = np.random.default_rng(3)
    joint = rng.dirichlet(np.full(24, 2.0)).reshape(2, 3, 4)
    model = _model(500, joint)
    margins = {"a": [400.0, 100.0], "b": [100.0, 100.0, 300.0]}
    fit_towards(model, [((n,), np.array(v)) for n, v in margins.items()])
    said = model.marginal(("a", "b", "c"))

    def odds(p):
        return p[0, :-1] * p[1, 1:] / (p[0, 1:] * p[1, :-1])

    assert odds(said) == pytest.approx(odds(joint), rel=1e-6)
    assert said.sum(axis=(1, 2)) == pytest.approx([0.8, 0.2], abs=0.03)


def test_many_records_speak_for_themselves():
    rng = np.random.default_rng(4)
    family, own = (rng.dirichlet(np.ones(24)).reshape(2, 3, 4) for _ in range(2))
    model = _model(1e6, family)
    worth = fit_towards(model, _pairs(1e6 * own))
    assert worth.joint is not None
    assert worth.joint < 100
    assert model.marginal(("a", "b")) == pytest.approx(own.sum(axis=2), abs=2e-3)
    assert model.marginal(("b", "c")) == pytest.approx(own.sum(axis=0), abs=2e-3)


def test_what_the_family_does_not_know_stays_as_counted():
    counts = np.array([30.0, 10.0])
    model = NoisyModel(DOMAIN, 40.0)
    worth = fit_towards(model, [(("a",), counts)], frozenset({"a"}))
    assert worth.singles == {"a": LEAST_RECORDS}
    assert worth.joint is None
    assert model.marginal(("a",)) == pytest.approx(counts / 40, abs=0.01)


def test_few_records_do_better_with_their_family_than_alone_and_than_the_family_alone():
    rng = np.random.default_rng(5)
    gains = {"own": [], "family": []}
    for _ in range(60):
        family = rng.dirichlet(np.full(24, 1.5)).reshape(2, 3, 4)
        tilt = [rng.dirichlet(np.full(k, 6.0)) * k for k in (2, 3, 4)]
        truth = family * tilt[0][:, None, None] * tilt[1][:, None] * tilt[2]
        truth /= truth.sum()
        counts = rng.multinomial(20, truth.ravel()).reshape(2, 3, 4).astype(float)
        model = _model(20, family)
        fit_towards(model, _pairs(counts))

        def error(said, wanted=truth):
            margins = LEFT.items()
            return np.mean([np.abs(said(p) - wanted.sum(axis=ax)).sum() for p, ax in margins])

        mine = error(model.marginal)
        gains["own"].append(error(lambda p, y=counts: y.sum(axis=LEFT[p]) / 20) - mine)
        gains["family"].append(error(lambda p, q=family: q.sum(axis=LEFT[p])) - mine)
    for label, said in gains.items():
        values = np.array(said)
        assert values.mean() > 4 * values.std(ddof=1) / np.sqrt(len(values)), label


# Packs ----------------------------------------------------------------------------------

SCHEMA = Schema(
    "tiny", "1.0.0", "t", "t", (), {},
    variables=tuple(
        Variable(n, n, n, tuple(Category(c, c, c) for c in codes), f"patient.{n}")
        for n, codes in DOMAIN.variables
    ),
)  # fmt: skip


WHOLE = (Block("all", DOMAIN.names),)


def _pack(tables, *, blocks=WHOLE, unprotected=True):
    made = []
    for at, (names, counts) in enumerate(tables):
        cells = [Cell({}, counts.sum(), counts.sum(), row=2)]
        for row, index in enumerate(np.ndindex(counts.shape), start=3):
            codes = {n: (DOMAIN.codes[n][i],) for n, i in zip(names, index, strict=True)}
            cells.append(Cell(codes, counts[index], counts[index], row=row))
        made.append(
            StatisticsTable(
                f"t{at}", "t", "t", "counts", names, (), {}, Relation.PUBLISHED, "s", "p", "2020",
                tuple(cells),
            )
        )  # fmt: skip
    return StatisticsPack(
        "few", "1.0.0", "tiny@1.0.0", "t", "t", "enclave", Target("p", "p", "2020"), {},
        {"s": Source("s", "c", "l", "open")}, tuple(made), blocks, unprotected=unprotected, own_schema=SCHEMA,
    )  # fmt: skip


def _family(joint):
    tables = (
        ConditionalTable((), ("a", "b"), joint.sum(axis=2)),
        ConditionalTable(("a", "b"), ("c",), joint / joint.sum(axis=2, keepdims=True)),
    )
    return Distribution(DOMAIN, tables)


def test_a_pack_of_exact_counts_is_drawn_and_keeps_its_odds_from_the_family():
    rng = np.random.default_rng(6)
    joint = rng.dirichlet(np.full(24, 3.0)).reshape(2, 3, 4)
    counts = rng.multinomial(15, joint.ravel()).reshape(2, 3, 4).astype(float)
    pack = _pack(_pairs(counts))
    assert holds_exact_counts(pack)
    fit, worth = fit_few(pack, SCHEMA, _family(joint))
    assert set(worth) == {"all"}
    assert set(worth["all"].singles) == {"a", "b", "c"}
    wanted, alone = joint.sum(axis=2), fit_decomposable(pack, SCHEMA).distribution
    mine = np.abs(fit.distribution.marginal(("a", "b")) - wanted).sum()
    assert mine < np.abs(alone.marginal(("a", "b")) - wanted).sum()


def test_what_is_given_is_weighted_as_the_records_of_the_block_before_are():
    joint = np.full((2, 3, 4), 1 / 24)
    joint[0, :, 0], joint[1, :, 3] = 0.15, 0.15
    joint /= joint.sum()
    # Everybody is of code 1 of `a`; the family of those is mostly code 1 of `c`.
    first = np.array([40.0, 0.0])
    given_a = np.zeros((2, 4))
    given_a[0] = 40 * joint[0].sum(axis=0) / joint[0].sum()
    pack = _pack(
        [(("a",), first), (("b",), np.array([14.0, 13.0, 13.0])), (("a", "c"), given_a)],
        blocks=(Block("one", ("a",)), Block("two", ("b", "c"))),
    )
    fit, worth = fit_few(pack, SCHEMA, _family(joint))
    assert worth["two"].singles["c"] > 1000  # nothing tells against the family
    share = fit.distribution.marginal(("a", "c"))[0]
    assert share / share.sum() == pytest.approx(given_a[0] / 40, abs=0.01)


def test_tables_that_are_no_tree_are_refused():
    counts = np.ones((2, 3, 4))
    pairs = [*_pairs(counts), (("a", "c"), counts.sum(axis=1))]
    assert not holds_exact_counts(_pack(pairs))
    assert not holds_exact_counts(_pack(_pairs(counts), unprotected=False))
    with pytest.raises(StatisticsError, match="no junction tree"):
        fit_few(_pack(pairs), SCHEMA, _family(counts / 24))
