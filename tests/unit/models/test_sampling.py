import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from synthgen.models.sampling import UNIT, AliasTable, integer_weights

#: One false alarm in a million over all cells of a test.
ALARM = 1e-6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9).filter(lambda v: sum(v) > 1e-6))
def test_integer_weights_sum_to_the_unit_and_keep_zeros(values):
    p = np.array([values]) / sum(values)
    weights = integer_weights(p)
    assert int(weights.sum()) == int(UNIT)
    assert (weights[p == 0] == 0).all()
    assert np.abs(weights / float(UNIT) - p).max() < 4e-9


def test_a_row_of_zeros_stays_zero():
    assert integer_weights(np.zeros((1, 3))).tolist() == [[0, 0, 0]]


def test_draws_follow_every_row_of_the_table():
    rng = np.random.Generator(np.random.Philox(5))
    p = rng.dirichlet(np.full(7, 0.5), size=4)
    p[2, 3] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    table = AliasTable.from_probabilities(p)
    n = 200_000
    rows = np.repeat(np.arange(4), n)
    words = rng.integers(0, 2**64, size=4 * n, dtype=np.uint64)
    counts = np.bincount(rows * 7 + table.draw(rows, words), minlength=28).reshape(4, 7)
    low = binom.ppf(ALARM / 56, n, p)
    high = binom.ppf(1 - ALARM / 56, n, p)
    assert ((counts >= low) & (counts <= high)).all()
    assert counts[2, 3] == 0


def test_an_outcome_of_probability_one_is_always_drawn():
    table = AliasTable.from_probabilities(np.array([[0.0, 1.0, 0.0]]))
    words = np.array([0, 2**64 - 1, 2**63, 2**32 - 1], dtype=np.uint64)
    assert table.draw(None, words).tolist() == [1, 1, 1, 1]
