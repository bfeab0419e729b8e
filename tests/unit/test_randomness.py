"""A block depends on the model, the seed and its number, and on nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synthgen.randomness import BLOCK_SIZE, block_generator, block_sizes

MODEL = "5e" * 32

#: First words of block 3 of that model with seed 7, as release 0.1.0 drew them.
RECORDED = [4670954587955586472, 4919242139450126592, 9055653069253304983]


def draw(*args: object, **kwargs: object) -> list[int]:
    return block_generator(*args, **kwargs).integers(2**63, size=4).tolist()  # type: ignore[arg-type]


def test_these_are_the_numbers_of_every_machine_and_release():
    """The stream is part of the format: other numbers here are other cohorts everywhere.

    Raw words, because NumPy may change what it makes of them, but not Philox itself.
    """
    generator = block_generator(MODEL, 7, 3)
    assert generator.bit_generator.random_raw(3).tolist() == RECORDED


def test_a_block_made_alone_is_the_block_of_the_whole():
    whole = {block: draw(MODEL, 7, block) for block in range(8)}
    assert draw(MODEL, 7, 5) == whole[5]


def test_the_order_in_which_blocks_are_made_does_not_matter():
    in_order = {block: draw(MODEL, 7, block) for block in range(16)}
    assert {block: draw(MODEL, 7, block) for block in reversed(range(16))} == in_order


def test_the_global_state_of_numpy_is_neither_read_nor_moved():
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    first = draw(MODEL, 7, 0)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert str(before) == str(after)
    assert draw(MODEL, 7, 0) == first


names = st.lists(st.text("abcdef:/ ", min_size=1, max_size=4), max_size=2).map(tuple)
arguments = st.tuples(
    st.text("0123456789abcdef", min_size=1, max_size=4),
    st.integers(0, 200),
    st.integers(0, 200),
    names,
)


@given(st.lists(arguments, min_size=2, max_size=5, unique=True))
def test_another_model_seed_block_or_stream_is_another_stream(calls):
    drawn = {tuple(draw(model, seed, block, *stream)) for model, seed, block, stream in calls}
    assert len(drawn) == len(calls)


def test_digits_that_move_from_seed_to_block_are_another_stream():
    assert draw(MODEL, 1, 23) != draw(MODEL, 12, 3)
    assert draw(MODEL, 1, 2, "3") != draw(MODEL, 1, 23)


def test_neighbouring_blocks_are_independent():
    """Correlations between blocks stay within what chance allows.

    For independent uniforms the correlation of n pairs has standard deviation 1/sqrt(n)
    and is close to normal; with 28 pairs of blocks a bound of 5.5 standard deviations is
    passed by chance in about one of a million runs (and the seed is fixed).
    """
    n = 20_000
    blocks = [block_generator(MODEL, 7, block).random(n) for block in range(8)]
    worst = max(
        abs(np.corrcoef(a, b)[0, 1]) * np.sqrt(n) for a, b in itertools.combinations(blocks, 2)
    )
    assert 28 * 2 * stats.norm.sf(5.5) < 1.1e-6
    assert worst < 5.5


def test_the_numbers_of_one_block_are_uniform():
    counts = np.histogram(block_generator(MODEL, 7, 0).random(100_000), bins=64, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 1e-6


@given(st.integers(0, 10 * BLOCK_SIZE))
def test_the_blocks_of_a_cohort_hold_all_patients_and_only_the_last_is_smaller(n):
    sizes = block_sizes(n)
    assert sum(sizes) == n
    assert all(size == BLOCK_SIZE for size in sizes[:-1])
    assert all(0 < size <= BLOCK_SIZE for size in sizes)


@pytest.mark.parametrize(("n", "sizes"), [(0, []), (1, [1]), (65_536, [65_536])])
def test_block_sizes_at_the_edges(n, sizes):
    assert block_sizes(n) == sizes


def test_the_block_size_is_part_of_the_format():
    assert BLOCK_SIZE == 65_536
