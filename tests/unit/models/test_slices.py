"""Fitting on a mixture against the dense tree, and both against every cell of the domain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from synthgen.errors import EvidenceError, ModelError, StatisticsError
from synthgen.models import slices
from synthgen.models.block import CAP, Potential, fit_block
from synthgen.models.constraints import PSEUDO_CASES, point_and_width
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import split_by
from synthgen.models.slices import fit_slices
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import Statement

OLD = Domain((("entity", ("x", "y", "z")), ("age", ("0", "1", "2", "3")), ("sex", ("1", "2"))))
ALL = Domain((*OLD.variables, ("stage", ("L", "R", "D")), ("time", ("0", "1", "2"))))
NAMES = ALL.names


def dense_before():
    """Three entities; y never in women, z never in the youngest."""
    joint = np.random.default_rng(8).dirichlet(np.full(24, 0.7)).reshape(3, 4, 2)
    joint[1, :, 1] = 0.0
    joint[2, 0] = 0.0
    return Distribution(OLD, (ConditionalTable((), OLD.names, joint / joint.sum()),))


def said(event, given=None, lower=0.5, upper=None, error=0.01, row=1, relation="published"):
    given = given or {}
    return Statement(
        "t", row, "shares", Relation(relation), {**given, **event}, given, lower,
        lower if upper is None else upper, error, None, "share",
    )  # fmt: skip


def dense(before, new, stages, potentials):
    domain = Domain(tuple(v for v in ALL.variables if v[0] in {*before.domain.names, *new}))
    result = fit_block(domain, before, new, stages, potentials)
    return Distribution(domain, (*before.tables, *result.tables)), result


def sliced(mixture, new, stages, potentials):
    domain = Domain(tuple(v for v in ALL.variables if v[0] in {*mixture.domain.names, *new}))
    return fit_slices(domain, mixture, new, stages, potentials)


CASES = {
    "one entity": [said({"stage": ("L",)}, {"entity": ("x",)}, 0.6)],
    "several entities together": [
        said({"stage": ("D",)}, {"entity": ("x", "y")}, 0.3, row=1),
        said({"stage": ("L",)}, {"entity": ("y", "z")}, 0.5, error=0.03, row=2),
    ],
    "everybody": [said({"stage": ("D",)}, {}, 0.25), said({"time": ("2",)}, {}, 0.5, row=2)],
    "some ages of one entity": [
        said({"time": ("2",)}, {"entity": ("x",), "age": ("0", "1")}, 0.8, row=1),
        said({"time": ("2",)}, {"entity": ("x",)}, 0.55, row=2),
    ],
    "an entity in the event": [
        said({"entity": ("x",), "stage": ("L",)}, {"age": ("2",)}, 0.2, row=1),
        said({"entity": ("y", "z"), "stage": ("D",)}, {"sex": ("1",)}, 0.1, row=2),
    ],
    "a given among the new variables": [
        said({"stage": ("L",)}, {"entity": ("y",), "stage": ("L", "R")}, 0.8, row=1),
        said({"time": ("2",)}, {"stage": ("D",)}, 0.3, row=2),
        said({"time": ("1", "2")}, {"stage": ("D",), "entity": ("z",)}, 0.4, row=3),
    ],
    "contradictions": [
        said({"stage": ("L",)}, {"entity": ("x",)}, 0.7, error=0.05, row=1),
        said({"stage": ("L",)}, {"entity": ("x",)}, 0.5, error=0.02, row=2),
        said({"stage": ("L",)}, {}, 0.2, error=0.02, row=3),
    ],
    "wide intervals, active and idle": [
        said({"stage": ("L",)}, {"entity": ("x",)}, 0.6, 0.9, error=0.02, row=1),
        said({"stage": ("D",)}, {"entity": ("z",)}, 0.1, 0.9, error=0.02, row=2),
        said({"time": ("0",)}, {"sex": ("2",)}, 0.0, 0.05, error=0.02, row=3),
    ],
}
POTENTIALS = [
    Potential(("entity", "stage"), np.log([[5.0, 3, 1], [1, 1, 1], [1, 2, 7]])),
    Potential(("age", "stage"), np.array([[0, 0, -np.inf], [0, 0, 0], [0, 0, 0], [0, 0, 0.0]])),
    Potential(("time",), np.log([1.0, 2.0, 6.0])),
]


@pytest.mark.parametrize("potentials", [[], POTENTIALS], ids=["flat", "references and zeros"])
@pytest.mark.parametrize("name", CASES)
def test_slices_equal_the_dense_tree(name, potentials):
    stages = [list(enumerate(CASES[name]))]
    before = dense_before()
    whole, block = dense(before, ("stage", "time"), stages, potentials)
    fit = sliced(split_by(before, "entity"), ("stage", "time"), stages, potentials)
    assert max(fit.residual, block.residual) < 1e-6
    np.testing.assert_allclose(fit.mixture.marginal(NAMES), whole.marginal(NAMES), atol=1e-9)
    assert fit.multipliers.keys() == block.multipliers.keys()
    for number, multiplier in block.multipliers.items():
        assert fit.multipliers[number] == pytest.approx(multiplier, abs=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_slices_equal_brute_force(name):
    statements = CASES[name]
    joint = sliced(
        split_by(dense_before(), "entity"),
        ("stage", "time"),
        [list(enumerate(statements))],
        POTENTIALS,
    ).mixture.marginal(NAMES)
    reached, slope, best = brute_force(statements, joint)
    # Relative entropy with convex penalties: where nothing slopes down, it is lowest.
    assert np.abs(slope).max() < 1e-6
    assert reached <= best + 1e-9


def brute_force(statements, joint):
    """Penalised relative entropy of the new given the old: of the fit, and the smallest found.

    Knows nothing of duals, slices or merged contexts: one logit for each cell.  The search
    begins beside the fit, where it would notice any way down.
    """
    old = dense_before().marginal(OLD.names).reshape(-1, 1)
    log_q = np.zeros(ALL.shape(NAMES))
    for potential in POTENTIALS:
        shape = [ALL.size(n) if n in potential.names else 1 for n in NAMES]
        log_q = log_q + potential.log_values.reshape(shape)
    log_q = log_q.reshape(24, 9)
    possible = np.isfinite(log_q)
    finite_q = np.where(possible, log_q, 0.0)
    finite_q = finite_q - np.log((np.exp(finite_q) * possible).sum(axis=1, keepdims=True))
    rows, half, variance = [], [], []
    for statement in statements:
        point, width, error = point_and_width(statement)
        event = ALL.mask(NAMES, statement.event)
        given = ALL.mask(NAMES, statement.given)
        mass = float(joint[given].sum())
        rows.append((event - point * given).ravel())
        half.append(width * mass)
        variance.append(PSEUDO_CASES * error**2 * mass)
    matrix, half, variance = np.array(rows), np.array(half), np.array(variance)

    def value_at(p):
        flat = p.reshape(24, 9)
        used = flat > 0
        rest = np.where(used, flat, 1.0) / np.where(old > 0, old, 1.0)
        entropy = float((flat * np.where(used, np.log(rest) - finite_q, 0.0)).sum())
        outside = np.maximum(np.abs(matrix @ flat.ravel()) - half, 0.0)
        return entropy + 0.5 * float((outside**2 / variance).sum())

    def objective(x):
        logits = np.where(possible, x.reshape(24, 9), -np.inf)
        conditional = np.exp(logits - logits.max(axis=1, keepdims=True))
        conditional /= conditional.sum(axis=1, keepdims=True)
        miss = matrix @ (old * conditional).ravel()
        outside = np.sign(miss) * np.maximum(np.abs(miss) - half, 0.0)
        slope = np.log(np.where(possible, conditional, 1.0)) - finite_q
        slope = np.where(possible, slope + (matrix.T @ (outside / variance)).reshape(24, 9), 0.0)
        gradient = conditional * (slope - (conditional * slope).sum(axis=1, keepdims=True)) * old
        return value_at(old * conditional), gradient.ravel()

    cells = joint.reshape(24, 9)
    logits = np.log(np.maximum(cells, 1e-300)).ravel()
    reached, slope = objective(logits)
    beside = logits + np.random.default_rng(1).normal(0, 0.05, logits.shape)
    found = minimize(objective, beside, jac=True, method="L-BFGS-B", options={"maxiter": 400})
    return reached, slope, float(found.fun)


def test_borrowed_tables_shape_what_published_ones_leave_open_just_as_in_the_dense_tree():
    stages = [
        [(0, said({"stage": ("L",)}, {"entity": ("x", "z")}, 0.9, relation="borrowed"))],
        [(1, said({"stage": ("D",)}, {"entity": ("x",)}, 0.3, row=2))],
    ]
    before = dense_before()
    whole, _ = dense(before, ("stage",), stages, [])
    fit = sliced(split_by(before, "entity"), ("stage",), stages, [])
    names = (*OLD.names, "stage")
    np.testing.assert_allclose(fit.mixture.marginal(names), whole.marginal(names), atol=1e-9)
    stage_of_x = fit.mixture.marginal(("stage",), {"entity": ("x",)})
    assert stage_of_x[2] == pytest.approx(0.3, abs=1e-4)
    # .90 : .05 as borrowed; the borrowed table goes on pulling, but no further than its cap.
    assert 18.0 * 0.95 < stage_of_x[0] / stage_of_x[1] < 18.0 * np.exp(CAP) * 1.05


def test_block_after_block_equals_the_dense_tree():
    before = dense_before()
    first = [[(0, said({"stage": ("L",)}, {"entity": ("x",), "age": ("0", "1")}, 0.6))]]
    second = [[(1, said({"time": ("2",)}, {"stage": ("D",), "entity": ("x", "z")}, 0.2))]]
    whole, _ = dense(before, ("stage",), first, POTENTIALS[:2])
    whole, _ = dense(whole, ("time",), second, POTENTIALS[2:])
    mixture = sliced(split_by(before, "entity"), ("stage",), first, POTENTIALS[:2]).mixture
    mixture = sliced(mixture, ("time",), second, POTENTIALS[2:]).mixture
    np.testing.assert_allclose(mixture.marginal(NAMES), whole.marginal(NAMES), atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_frozen_marginals_do_not_move_by_more_than_rounding(name):
    before = split_by(dense_before(), "entity")
    after = sliced(before, ("stage", "time"), [list(enumerate(CASES[name]))], POTENTIALS).mixture
    frozen = before.marginal(OLD.names)
    np.testing.assert_array_equal(after.marginal(OLD.names), frozen)
    np.testing.assert_allclose(after.marginal(NAMES).sum(axis=(3, 4)), frozen, rtol=0, atol=2e-16)


def test_ages_that_no_statement_tells_apart_share_one_context():
    statement = said({"stage": ("L",)}, {"entity": ("x",), "age": ("0", "1")}, 0.9)
    fit = sliced(split_by(dense_before(), "entity"), ("stage",), [[(0, statement)]], [])
    assert fit.cells == (2 + 1 + 1) * 3  # x young, x old, y, z, each with three stages
    by_age = fit.mixture.marginal(("age", "stage"), {"entity": ("x",)})
    conditional = by_age / by_age.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(conditional[0], conditional[1], rtol=1e-15)
    np.testing.assert_allclose(conditional[2:], 1 / 3, atol=1e-15)
    assert conditional[0, 0] == pytest.approx(0.9, abs=1e-3)


def test_a_component_keeps_only_the_codes_that_can_occur_in_it():
    impossible = np.zeros((3, 3))
    impossible[1, 2] = -np.inf  # y is never D
    mixture = sliced(
        split_by(dense_before(), "entity"),
        ("stage",),
        [[(0, said({"stage": ("D",)}, {}, 0.2))]],
        [Potential(("entity", "stage"), impossible)],
    ).mixture
    assert mixture.components["y"].domain.codes["stage"] == ("L", "R")
    assert mixture.components["z"].domain.codes["age"] == ("1", "2", "3")
    assert mixture.probability({"entity": ("y",), "stage": ("D",)}) == 0.0
    with pytest.raises(EvidenceError, match="^evidence entity in y; stage in D: has probability"):
        mixture.condition({"entity": ("y",), "stage": ("D",)})


def test_a_statement_about_patients_who_cannot_exist_is_refused_with_its_row():
    statement = said({"stage": ("L",)}, {"entity": ("y",), "sex": ("2",)}, 0.5, row=7)
    with pytest.raises(StatisticsError, match=r"^t: row 7 is about patients that the earlier"):
        sliced(split_by(dense_before(), "entity"), ("stage",), [[(0, statement)]], [])


def test_an_impossible_event_with_a_positive_value_is_refused():
    never = Potential(("stage",), np.array([0.0, 0.0, -np.inf]))
    statement = said({"stage": ("D",)}, {"entity": ("x",)}, 0.5, row=3)
    with pytest.raises(StatisticsError, match=r"^t: row 3 is about patients that the earlier"):
        sliced(split_by(dense_before(), "entity"), ("stage",), [[(0, statement)]], [never])


def test_rules_that_leave_an_entity_nothing_are_refused():
    nothing = np.zeros((3, 3))
    nothing[2] = -np.inf
    with pytest.raises(ModelError, match="leave no possible combination"):
        sliced(
            split_by(dense_before(), "entity"),
            ("stage",),
            [[(0, said({"stage": ("L",)}, {}, 0.5))]],
            [Potential(("entity", "stage"), nothing)],
        )


def test_a_block_tied_to_too_many_contexts_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(slices, "CLIQUE_CELLS", 20)
    statements = [
        said({"stage": ("L",)}, {"age": (code,)}, 0.4, row=i) for i, code in enumerate("012")
    ]
    with pytest.raises(ModelError, match=r"^block of stage: .* in 11 contexts, 33 cells; at most"):
        sliced(split_by(dense_before(), "entity"), ("stage",), [list(enumerate(statements))], [])


def test_a_block_without_statements_is_its_reference():
    fit = sliced(split_by(dense_before(), "entity"), ("stage", "time"), [[]], POTENTIALS[2:])
    assert fit.multipliers == {}
    np.testing.assert_allclose(fit.mixture.marginal(("time",)), [1 / 9, 2 / 9, 6 / 9], atol=1e-15)
    np.testing.assert_allclose(fit.mixture.marginal(("stage",)), 1 / 3, atol=1e-15)
