"""Nearest patients against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.privacy import neighbours
from synthgen.privacy.neighbours import isolation, most_isolated, nearest, squared_distances


def brute(points, base, k, own=None):
    distances = np.sqrt(((points[:, None] - base[None]) ** 2).sum(axis=2))
    if own is not None:
        distances[np.arange(len(points)), own] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, axis=1), order


@pytest.mark.parametrize("size", [7, 63, 64, 700, 3001])
@pytest.mark.parametrize("k", [1, 5])
def test_nearest_is_brute_force_whatever_the_size(size, k):
    rng = np.random.default_rng(size)
    points, base = rng.standard_normal((40, 6)), rng.standard_normal((size, 6))
    found, rows = nearest(points, base, k)
    expected, order = brute(points, base, k)
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_copy_is_at_distance_zero_even_among_large_numbers():
    base = np.random.default_rng(1).standard_normal((2000, 4)) * 1e4
    assert (nearest(base[::7], base, 1)[0] == 0.0).all()


def test_oneself_does_not_count():
    points = np.random.default_rng(2).standard_normal((300, 3))
    own = np.arange(300)
    found, rows = nearest(points, points, 3, own=own)
    expected, order = brute(points, points, 3, own)
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(found, expected)


def test_small_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    points, base = rng.standard_normal((100, 5)), rng.standard_normal((900, 5))
    whole = nearest(points, base, 2)
    monkeypatch.setattr(neighbours, "BLOCK_CELLS", 2000)
    parts = nearest(points, base, 2)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_there_are_is_an_error(k):
    with pytest.raises(ValueError, match="nearest: wants"):
        nearest(np.zeros((2, 1)), np.zeros((3, 1)), k)


def test_squared_distances_are_never_negative():
    points = np.random.default_rng(4).standard_normal((50, 8)) + 1e6
    assert squared_distances(points, points).min() >= 0.0


def test_isolation_against_some_is_close_to_isolation_against_all(monkeypatch):
    points = np.random.default_rng(5).standard_normal((600, 2))
    points[17] = 40.0
    whole = isolation(points)
    monkeypatch.setattr(neighbours, "MOST_OTHERS", 200)
    some = isolation(points)
    assert np.argmax(whole) == np.argmax(some) == 17
    assert np.corrcoef(whole, some)[0, 1] > 0.9
    everybody = brute(points, points[::3], 6)[0]
    assert some[1] == pytest.approx(everybody[1, :5].mean())  # row 1 is none of the others
    assert some[3] == pytest.approx(everybody[3, 1:].mean())  # row 3 is, at distance zero


def test_the_most_isolated_are_a_share_and_at_least_so_many():
    points = np.random.default_rng(6).standard_normal((100, 2))
    assert most_isolated(points, 0.05, 1).sum() == 5
    assert most_isolated(points, 0.05, 30).sum() == 30
    assert most_isolated(points[:1], 0.05, 3).tolist() == [True]
