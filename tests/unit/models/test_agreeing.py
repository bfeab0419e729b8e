"""Counts that agree say the same of every distribution as the noisy ones they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.models.agreeing import LEAST_TILT, agreed
from synthgen.models.noisy_table import NoisyTable

SIZES = {"a": 3, "b": 2, "c": 4}
TOTAL, WORTH = 300.0, 2_000.0


def _tables(rng, spread=20.0):
    made = []
    for names, sigma in (
        (("a",), 2.0), (("b",), 5.0), (("a", "b"), 3.0), (("b", "c"), 2.0), (("a", "b", "c"), 4.0),
    ):  # fmt: skip
        shape = tuple(SIZES[n] for n in names)
        counts = TOTAL / np.prod(shape) + rng.normal(0, spread, shape)
        made.append(NoisyTable(names, counts, sigma, (None,) * len(names)))
    groups = (np.array([0, 0, 1], dtype=np.intp), None)
    made.append(NoisyTable(("a", "c"), rng.normal(40, spread, (2, 4)), 3.0, groups))
    return made


def _penalties(tables):
    return [WORTH * (t.sigma / TOTAL) ** 2 for t in tables]


def _margin(joint, table):
    lost = tuple(i for i, name in enumerate(SIZES) if name not in table.names)
    return table.gather(joint.sum(axis=lost))


def _loss(joint, tables, counts, tilts):
    """Half the sum of squares, less what the fixed multipliers say."""
    value = 0.0
    for table, y, tilt in zip(tables, counts, tilts, strict=True):
        p = _margin(joint, table)
        value += float(((TOTAL * p - y) ** 2).sum()) / (2 * table.sigma**2)
        value -= WORTH * float((tilt * p).sum())
    return value


@pytest.mark.parametrize("rounds", [0, 1, 3, 40])
def test_no_distribution_is_judged_otherwise(rounds):
    rng = np.random.default_rng(5)
    tables = _tables(rng)
    allowed = np.ones((3, 2, 4), dtype=bool)
    allowed[0, 1, 2] = False
    possible = [_margin(allowed.astype(float), t) > 0 for t in tables]
    counts, tilts = agreed(tables, TOTAL, _penalties(tables), possible, rounds)
    assert min(t.min() for t in tilts) > LEAST_TILT  # none is cut off here
    plain = [np.zeros(t.counts.shape) for t in tables]
    gaps = []
    for _ in range(20):
        joint = rng.dirichlet(np.full(24, 0.2)).reshape(3, 2, 4) * allowed
        joint /= joint.sum()
        said = _loss(joint, tables, [t.counts for t in tables], plain)
        gaps.append(said - _loss(joint, tables, counts, tilts))
    assert np.ptp(gaps) < 1e-9 * max(abs(gap) for gap in gaps)


def test_margins_agree_and_no_count_is_negative():
    tables = _tables(np.random.default_rng(6))
    possible = [np.ones(t.counts.shape, dtype=bool) for t in tables]
    counts, tilts = agreed(tables, TOTAL, _penalties(tables), possible, 200)
    a, b, ab, bc, abc, grouped = counts
    assert ab == pytest.approx(abc.sum(axis=2))
    assert bc == pytest.approx(abc.sum(axis=0))
    assert a == pytest.approx(ab.sum(axis=1))
    assert b == pytest.approx(ab.sum(axis=0))
    assert [c.sum() for c in counts] == pytest.approx([TOTAL] * 6)
    assert grouped.shape == (2, 4)
    for table, values in zip(tables, counts, strict=True):
        assert values.min() > -0.02 * table.sigma
    assert any((t < 0).any() for t in tilts)


def test_a_fixed_multiplier_is_bounded():
    table = NoisyTable(("a",), np.array([200.0, 120.0, -20.0]), 1.0, (None,))
    possible = [np.ones(3, dtype=bool)]
    counts, tilts = agreed([table], TOTAL, [1e-12], possible, 50)
    assert tilts[0].tolist() == [0.0, 0.0, LEAST_TILT]
    assert counts[0] == pytest.approx([190.0, 110.0, 0.0], abs=0.02)
