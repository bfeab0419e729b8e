"""The fit of noisy counts: against the answer that is known, and where noise drowns a count."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.models.block import Potential
from synthgen.models.descent import descend
from synthgen.models.domain import Domain
from synthgen.models.noisy import LEAST_WORTH, NoisyModel, fit_in_stages
from synthgen.models.noisy_table import NoisyTable

DOMAIN = Domain((("a", ("1", "2", "3")), ("b", ("1", "2")), ("c", ("1", "2", "3", "4"))))


def _table(names, counts, sigma=1.0, groups=None):
    values = np.asarray(counts, dtype=float)
    return NoisyTable(names, values, sigma, groups or (None,) * values.ndim)


def test_a_convex_function_is_lowered_to_its_least_value():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(30, 30))
    matrix = root @ root.T + np.eye(30)
    wanted = rng.normal(size=30)

    def function(x):
        gradient = matrix @ (x - wanted)
        return float(0.5 * (x - wanted) @ gradient), gradient

    found = descend(function, np.zeros(30), lambda g: float(np.abs(g).max()) < 1e-8, 2_000)
    assert found.point == pytest.approx(wanted, abs=1e-6)
    assert found.evaluations < 2_000


def test_counts_without_noise_to_speak_of_are_met():
    rng = np.random.default_rng(2)
    joint = rng.dirichlet(np.ones(24)).reshape(3, 2, 4)
    model = NoisyModel(DOMAIN, 1000.0)
    tables = [
        _table(("a", "b"), 1000 * joint.sum(axis=2), 0.01),
        _table(("b", "c"), 1000 * joint.sum(axis=0), 0.01),
    ]
    fit_in_stages(model, tables, informed=False)
    assert model.marginal(("a", "b")) == pytest.approx(joint.sum(axis=2), abs=1e-4)
    assert model.marginal(("b", "c")) == pytest.approx(joint.sum(axis=0), abs=1e-4)


def test_one_table_is_met_as_the_optimality_condition_says():
    counts = np.array([60.0, 50.0, -4.0])
    model = NoisyModel(DOMAIN, 100.0)
    model.add([_table(("a",), counts, 3.0)])
    model.fit(5.0)
    p = model.marginal(("a",))
    # Stationary in p: m log(p / q) + n (n p - y) / sigma^2 is the same for all codes.
    condition = 5.0 * np.log(p * 3) + 100.0 * (100.0 * p - counts) / 9.0
    assert condition - condition.mean() == pytest.approx(0.0, abs=0.05)
    assert p.sum() == pytest.approx(1.0)
    assert (p > 0).all()


def test_what_noise_drowns_stays_with_the_reference():
    skewed = np.log(np.array([0.7, 0.2, 0.1]))
    near, far = (NoisyModel(DOMAIN, 50.0, reference=[Potential(("a",), skewed)]) for _ in range(2))
    near.add([_table(("a",), [40.0, 5.0, 5.0], 40.0)])
    near.fit(near.estimate_worth(near.tables))
    assert near.marginal(("a",)) == pytest.approx(np.exp(skewed), abs=0.03)
    far.add([_table(("a",), [5.0, 5.0, 40.0], 0.5)])
    far.fit(far.estimate_worth(far.tables))
    assert far.marginal(("a",)) == pytest.approx([0.1, 0.1, 0.8], abs=0.03)


def test_the_worth_of_a_reference_is_found_where_it_is_known():
    rng = np.random.default_rng(3)
    domain = Domain((("x", tuple(str(i) for i in range(400))),))
    for concentration in (50.0, 800.0):
        model = NoisyModel(domain, 2000.0)
        truth = rng.dirichlet(np.full(400, concentration / 400))
        table = _table(("x",), 2000 * truth + rng.normal(0, 2.0, 400), 2.0)
        model.add([table])
        # The sum of 400 squares: a twentieth of it is about 1.4 standard deviations (kurtosis
        # included, three); a factor of two is beyond seven.
        assert concentration / 2 < model.estimate_worth([table]) < concentration * 2


def test_a_code_is_drawn_towards_its_family():
    domain = Domain((("entity", ("1", "2", "3")), ("stage", ("L", "D"))))
    groups = (np.array([0, 0, 1], dtype=np.intp), None)
    tables = [
        _table(("entity",), [1000.0, 12.0, 988.0], 5.0),
        _table(("stage",), [1012.0, 988.0], 5.0),
        _table(("entity", "stage"), [[950.0, 60.0], [60.0, 930.0]], 5.0, groups),
        _table(("entity", "stage"), [[940.0, 62.0], [-8.0, 17.0], [58.0, 930.0]], 15.0),
    ]
    model = NoisyModel(domain, 2000.0)
    fit_in_stages(model, tables, informed=False)
    joint = model.marginal(("entity", "stage"))
    share = joint / joint.sum(axis=1, keepdims=True)
    assert share[0, 0] > 0.85
    assert share[2, 1] > 0.85
    assert share[1, 0] > 0.4  # its own counts say none; the noise is larger than they are


def test_structural_zeros_stay_zero():
    zeros = np.zeros((3, 2))
    zeros[2, 1] = -np.inf
    model = NoisyModel(DOMAIN, 100.0, reference=[Potential(("a", "b"), zeros)])
    model.add([_table(("a", "b"), [[20.0, 20.0], [20.0, 20.0], [10.0, 10.0]])])
    model.fit(LEAST_WORTH)
    assert model.marginal(("a", "b"))[2, 1] == 0.0


def test_counting_twice_is_as_good_as_less_noise():
    model = NoisyModel(DOMAIN, 20.0)
    model.add([_table(("a",), [10.0, 0.0, 4.0], 2.0), _table(("b",), [10.0, 0.0], 2.0)])
    model.add([_table(("a",), [20.0, 2.0, 4.0], 2.0)])
    assert len(model.tables) == 2
    assert model.tables[0].counts == pytest.approx([15.0, 1.0, 4.0])
    assert model.tables[0].sigma == pytest.approx(2.0 / 2**0.5)


def test_contradictory_counts_of_many_rows_end_at_the_optimum():
    """Large counts, small noise: margins that differ, empty cells, a worth of a tenth of a row."""
    rng = np.random.default_rng(4)
    joint = rng.dirichlet(np.full(24, 0.3)).reshape(3, 2, 4)
    joint[1, :, 2] = joint[0, :, 3] = joint[:, 1, 0] = 0.0  # the first by a rule, two unknown
    zeros = np.zeros((3, 4))
    zeros[1, 2] = -np.inf
    n, m, sigma = 50_000.0, 0.1, 6.0
    model = NoisyModel(DOMAIN, n, reference=[Potential(("a", "c"), zeros)])
    scopes = [("a",), ("b",), ("c",), ("a", "b"), ("b", "c"), ("a", "c")]
    tables = []
    for scope in scopes:
        lost = tuple(i for i, name in enumerate(DOMAIN.names) if name not in scope)
        exact = n * joint.sum(axis=lost) / joint.sum()
        tables.append(_table(scope, exact + rng.normal(0, sigma, exact.shape), sigma))
    tables[4].counts[1, 0] = tables[5].counts[0, 3] = -40.0
    model.add(tables)
    model.fit(m)
    assert model.residual < 0.05
    p = model.marginal(("a", "b", "c"))
    pull = np.zeros_like(p)
    for table in tables:
        lost = tuple(i for i, name in enumerate(DOMAIN.names) if name not in table.names)
        apart = n * (n * p.sum(axis=lost) - table.counts) / sigma**2
        pull += np.expand_dims(apart, lost)
    held, free = p > 1e-7, np.isfinite(zeros)[:, None, :] & np.ones_like(p, dtype=bool)
    slope = m * np.log(np.where(held, p, 1.0)) + pull
    # Optimal where the slope is level over all cells that hold somebody, and higher elsewhere;
    # one patient more in a cell moves it by n / sigma^2 = 1,389 for each table.
    assert np.ptp(slope[held]) < 6 * 0.05 * n / sigma
    assert pull[free & ~held].min() > slope[held].min() - 6 * 0.05 * n / sigma


def test_variables_of_other_units_are_given_and_not_decided():
    model = NoisyModel(DOMAIN, 100.0, context=("a",))
    model.add([_table(("a", "b"), [[30.0, 10.0], [10.0, 30.0], [10.0, 10.0]])])
    model.fit(LEAST_WORTH)
    decided = model.conditional_tables()
    assert {n for t in decided for n in t.variables} == {"b", "c"}
    of_b = next(t for t in decided if "b" in t.variables)
    assert of_b.given == ("a",)
    assert of_b.probability[0] == pytest.approx([0.75, 0.25], abs=0.02)
