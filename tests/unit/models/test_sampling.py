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


def shares_of(table):
    """Whole weight of every outcome that an alias table of one row stands for, in units / k."""
    unit, low = int(UNIT), (1 << 32) - 1
    total = [0] * table.k
    for column, word in enumerate(table.packed.tolist()):
        alias, threshold = word >> 32, word & low
        kept = unit if alias == column else threshold
        total[column] += kept
        total[alias] += unit - kept
    return total


@given(
    st.sampled_from([5, 257, 300]),
    st.sampled_from([0.02, 0.5, 30.0]),
    st.integers(0, 10_000),
)
def test_an_alias_table_stands_for_exactly_the_whole_weights(k, concentration, seed):
    p = np.random.default_rng(seed).dirichlet(np.full(k, concentration))[np.newaxis]
    weights = [int(w) * k for w in integer_weights(p)[0]]
    assert shares_of(AliasTable.from_probabilities(p)) == weights


def test_a_table_of_very_many_outcomes_is_made_at_once():
    p = np.random.default_rng(2).dirichlet(np.full(200_000, 0.3))[np.newaxis]
    table = AliasTable.from_probabilities(p)
    words = np.random.Generator(np.random.Philox(1)).integers(0, 2**64, 400_000, dtype=np.uint64)
    drawn = table.draw(None, words)
    head = p[0, :1000].sum()
    found = int((drawn < 1000).sum())
    assert binom.ppf(ALARM / 2, len(words), head) <= found <= binom.isf(ALARM / 2, len(words), head)


def test_long_rows_of_zeros_are_left_alone_beside_others():
    p = np.zeros((2, 300))
    p[1, 7] = 1.0
    table = AliasTable.from_probabilities(p)
    words = np.random.Generator(np.random.Philox(1)).integers(0, 2**64, 1000, dtype=np.uint64)
    assert set(table.draw(np.ones(1000, dtype=np.intp), words).tolist()) == {7}
