"""The junction-tree fit against the same problem written over every cell of the domain.

The oracle knows nothing of trees, duals or contexts: it minimises relative entropy plus
the penalised misfit of each statement over all cells at once.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from synthgen.models.block import Potential, fit_block
from synthgen.models.constraints import (
    PSEUDO_CASES,
    compile_constraints,
    point_and_width,
    statement_variables,
)
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import Statement

FOUR = Domain(
    (("a", ("0", "1")), ("b", ("0", "1", "2")), ("c", ("0", "1")), ("e", ("0", "1", "2")))
)


def said(event, given=None, lower=0.5, upper=None, error=0.01, row=1):
    given = given or {}
    return Statement(
        table="t",
        row=row,
        kind="shares",
        relation=Relation.PUBLISHED,
        event={**given, **event},
        given=given,
        lower=lower,
        upper=lower if upper is None else upper,
        standard_error=error,
        cases=None,
        estimator="share",
    )


def fitted(domain, statements, potentials=(), new=None, before=None):
    numbered = list(enumerate(statements))
    result = fit_block(domain, before, new or domain.names, [numbered], potentials)
    tables = (before.tables if before else ()) + result.tables
    return Distribution(domain, tables), result


def brute_force(domain, statements, log_reference, masses):
    """Cell probabilities that minimise KL + penalties, over the whole domain at once."""
    names = domain.names
    free = np.isfinite(log_reference.ravel())
    q = np.exp(log_reference.ravel()[free])
    q = q / q.sum()
    rows, middle, width, variance = [], [], [], []
    for statement, mass in zip(statements, masses, strict=True):
        point, half, error = point_and_width(statement)
        event = domain.mask(names, statement.event).ravel()[free]
        given = domain.mask(names, statement.given).ravel()[free]
        rows.append(event - point * given)
        middle.append(0.0)
        width.append(half * mass)
        variance.append(PSEUDO_CASES * error**2 * mass)
    a, half, v = np.array(rows), np.array(width), np.array(variance)

    def value_at(p):
        miss = a @ p
        outside = np.maximum(np.abs(miss) - half, 0.0)
        return float(p @ np.log(p / q) + 0.5 * (outside**2 / v).sum())

    def objective(x):
        x = x - x.max()
        p = np.exp(x) / np.exp(x).sum()
        miss = a @ p
        outside = np.sign(miss) * np.maximum(np.abs(miss) - half, 0.0)
        gradient_p = np.log(p / q) + 1 + a.T @ (outside / v)
        return value_at(p), p * (gradient_p - p @ gradient_p)

    result = minimize(
        objective,
        np.log(q),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 50_000, "maxfun": 500_000, "ftol": 1e-16, "gtol": 1e-12},
    )
    p = np.zeros(log_reference.size)
    p[free] = np.exp(result.x - result.x.max()) / np.exp(result.x - result.x.max()).sum()
    return p.reshape(domain.shape(names)), result.fun, lambda joint: value_at(joint.ravel()[free])


CASES = {
    "a tree": [
        said({"a": ("0",), "b": ("0",)}, lower=0.2, row=1),
        said({"c": ("0",), "b": ("1",)}, lower=0.1, error=0.02, row=2),
        said({"e": ("0", "1")}, {"c": ("1",)}, lower=0.3, row=3),
    ],
    "a cycle": [
        said({"a": ("0",), "b": ("0",)}, lower=0.25, row=1),
        said({"b": ("1",), "c": ("0",)}, lower=0.2, row=2),
        said({"c": ("1",), "e": ("2",)}, lower=0.3, row=3),
        said({"e": ("0",), "a": ("1",)}, lower=0.2, error=0.05, row=4),
    ],
    "disconnected variables": [
        said({"a": ("0",)}, lower=0.9, row=1),
        said({"e": ("2",)}, lower=0.1, row=2),
    ],
    "redundant statements": [
        said({"a": ("0",)}, lower=0.7, row=1),
        said({"a": ("0",)}, lower=0.7, row=2),
        said({"a": ("1",)}, lower=0.3, row=3),
    ],
    "contradictory statements": [
        said({"a": ("0",)}, lower=0.7, error=0.05, row=1),
        said({"a": ("0",)}, lower=0.5, error=0.02, row=2),
        said({"b": ("0",)}, {"a": ("0",)}, lower=0.9, error=0.02, row=3),
    ],
    "wide intervals, active and idle": [
        said({"a": ("0",)}, lower=0.6, upper=0.9, error=0.02, row=1),
        said({"b": ("0", "1")}, lower=0.2, upper=0.95, error=0.02, row=2),
        said({"e": ("0",)}, lower=0.0, upper=0.05, error=0.02, row=3),
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_fit_equals_brute_force(name):
    statements = CASES[name]
    distribution, result = fitted(FOUR, statements)
    joint = distribution.marginal(FOUR.names)
    masses = [float(joint[FOUR.mask(FOUR.names, s.given)].sum()) for s in statements]
    expected, best, value_of = brute_force(
        FOUR, statements, np.zeros(FOUR.shape(FOUR.names)), masses
    )
    assert result.residual < 1e-8
    # The oracle stops early where errors are tiny; it may be worse than the fit, not better.
    assert value_of(joint) <= best + 1e-9
    np.testing.assert_allclose(joint, expected, atol=2e-4)


def test_structural_zeros_and_references_enter_as_potentials():
    reference = np.log(np.array([[3.0, 1.0, 1.0], [1.0, 1.0, 5.0]]))
    zeros = np.array([[0.0, 0.0], [0.0, -np.inf], [0.0, 0.0]])
    potentials = [Potential(("a", "b"), reference), Potential(("b", "c"), zeros)]
    statements = [said({"c": ("1",)}, lower=0.3)]
    distribution, _ = fitted(FOUR, statements, potentials)
    joint = distribution.marginal(FOUR.names)
    log_reference = np.zeros(FOUR.shape(FOUR.names))
    log_reference += reference[:, :, None, None] + zeros[None, :, :, None]
    expected, best, value_of = brute_force(FOUR, statements, log_reference, [1.0])
    assert value_of(joint) <= best + 1e-9
    np.testing.assert_allclose(joint, expected, atol=2e-4)
    assert joint[:, 1, 1, :].sum() == 0.0


def test_a_frozen_block_does_not_move_by_more_than_rounding():
    first = Domain(FOUR.variables[:2])
    before, _ = fitted(first, [said({"a": ("0",), "b": ("0",)}, lower=0.37)])
    frozen = before.marginal(("a", "b"))
    statements = [
        said({"e": ("2",)}, {"a": ("0",)}, lower=0.99, row=1),
        said({"e": ("0",)}, {"b": ("1",)}, lower=0.6, row=2),
        said({"c": ("1",), "e": ("0",)}, lower=0.05, row=3),
    ]
    after, result = fitted(FOUR, statements, new=("c", "e"), before=before)
    assert result.residual < 1e-4  # the statements contradict the frozen block
    np.testing.assert_allclose(after.marginal(("a", "b")), frozen, atol=4e-16)


def test_a_conditional_block_equals_brute_force_in_every_context():
    first = Domain(FOUR.variables[:2])
    before, _ = fitted(first, [said({"a": ("0",), "b": ("0",)}, lower=0.37)])
    statements = [
        said({"e": ("2",)}, {"a": ("0",)}, lower=0.6, row=1),
        said({"e": ("0",)}, lower=0.5, row=2),
    ]
    after, _ = fitted(FOUR, statements, new=("c", "e"), before=before)
    p_a = before.marginal(("a",))

    def mass_of(_names, members):
        return float(p_a[0]) if "a" in members else 1.0

    constraints = compile_constraints(FOUR, statements, ("a",), mass_of)

    def objective(x):
        rows = x.reshape(2, 3)
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
        rows /= rows.sum(axis=1, keepdims=True)
        joint = p_a[:, None] * rows
        miss = np.array([joint[0, 2] - 0.6 * p_a[0], joint[:, 0].sum() - 0.5])
        entropy = (joint * np.log(rows * 3)).sum()
        return entropy + 0.5 * (miss**2 / constraints.penalty).sum()

    best = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-10}).fun
    joint = after.marginal(("a", "e"))
    assert objective(np.log(joint / p_a[:, None]).ravel()) <= best + 1e-9


def test_fit_equals_iterative_proportional_fitting_on_exact_margins():
    rng = np.random.default_rng(3)
    truth = rng.dirichlet(np.ones(12)).reshape(2, 3, 2)
    domain = Domain(FOUR.variables[:3])
    statements = []
    for names in (("a", "b"), ("b", "c"), ("a", "c")):
        axes = tuple(i for i, n in enumerate(domain.names) if n not in names)
        margin = truth.sum(axis=axes)
        for cell in itertools.product(*(range(domain.size(n)) for n in names)):
            members = {n: (domain.codes[n][i],) for n, i in zip(names, cell, strict=True)}
            statements.append(
                said(members, lower=float(margin[cell]), error=1e-6, row=len(statements))
            )
    joint = fitted(domain, statements)[0].marginal(domain.names)
    p = np.full((2, 3, 2), 1 / 12)
    for _ in range(5000):
        for axis in range(3):
            margin = truth.sum(axis=axis, keepdims=True)
            p = p * margin / p.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(joint, p, atol=1e-7)


@pytest.mark.parametrize("bins", [2, 7, 20])
def test_judy_benjamin_a_survival_table_by_stage_leaves_the_stage_reference_alone(bins):
    stage = Domain((("stage", ("L", "D")),))
    before, _ = fitted(stage, [])
    edges = tuple(str(i) for i in range(bins))
    domain = Domain((("stage", ("L", "D")), ("time", edges)))
    statements = [
        said({"time": edges[-1:]}, {"stage": ("L",)}, lower=0.93, row=1),
        said({"time": edges[-1:]}, {"stage": ("D",)}, lower=0.40, row=2),
    ]
    after, _ = fitted(domain, statements, new=("time",), before=before)
    np.testing.assert_allclose(after.marginal(("stage",)), [0.5, 0.5], atol=4e-16)
    joint = after.marginal(("stage", "time"))
    np.testing.assert_allclose(joint[:, -1] / 0.5, [0.93, 0.40], atol=1e-3)


def test_statement_variables_leave_out_variables_that_are_covered_whole():
    statement = said({"a": ("0",), "b": ("0", "1", "2")}, lower=0.2)
    assert statement_variables(FOUR, statement) == ("a",)
