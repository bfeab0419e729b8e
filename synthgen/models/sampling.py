"""Drawing codes from conditional tables with integer arithmetic only.

Alias tables (Walker 1977, doi:10.1145/355744.355749; construction after Vose 1991,
doi:10.1109/32.92917) over weights that are whole multiples of 2**-32, so that the same
random words give the same codes on every machine.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNIT = np.uint64(1 << 32)
_SHIFT = np.uint64(32)
_LOW = np.uint64((1 << 32) - 1)
#: Where the low half of a word of 64 bits stands among its two halves.
_HALF = 0 if sys.byteorder == "little" else 1
#: Draws made at a time: their arrays stay in the processor's cache.
CHUNK = 16_384
#: Rows of more outcomes than this are swept: the other construction takes their square.
SWEPT = 256


def integer_weights(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Whole weights that sum to 2**32 in every row, by largest remainder.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (rows, k)
        Each row sums to 1, or is all zero (a row that is never drawn from).

    Returns
    -------
    ndarray of uint64, shape (rows, k)
        Impossible codes get weight 0; an all-zero row stays all zero.
    """
    scaled = probabilities * float(UNIT)
    weights = np.floor(scaled)
    remainder = np.where(probabilities > 0, scaled - weights, -1.0)
    weights = weights.astype(np.int64)
    missing = int(UNIT) - weights.sum(axis=1)
    order = np.argsort(-remainder, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[np.newaxis, :], axis=1)
    possible = (probabilities > 0).sum(axis=1)
    used = possible > 0
    extra = (rank < np.minimum(missing, possible)[:, np.newaxis]) & (probabilities > 0)
    weights += extra & used[:, np.newaxis]
    largest = weights.argmax(axis=1)
    rest = np.where(used, int(UNIT) - weights.sum(axis=1), 0)
    weights[np.arange(len(weights)), largest] += rest
    return weights.astype(np.uint64)


def _packed(
    threshold: npt.NDArray[np.int64], alias: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Alias and threshold in one word, so that a draw reads memory once."""
    low = np.minimum(threshold, int(_LOW)).astype(np.uint64)
    return np.asarray(((alias.astype(np.uint64) << _SHIFT) | low).ravel())


def _sweep(weight: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Thresholds and aliases of one row of many outcomes, in time proportional to them.

    Light outcomes (below one unit) are filled in order by the heavy ones in order; a heavy
    one that falls below a unit itself is filled by the next (the sweeping construction of
    Hübschle-Schneider & Sanders 2019, doi:10.4230/LIPIcs.ESA.2019.59, with cumulative sums).

    Parameters
    ----------
    weight : ndarray of int64, shape (k,)
        Sums to k units, or is all zero.
    """
    unit = int(UNIT)
    threshold = np.full(len(weight), unit, dtype=np.int64)
    alias = np.arange(len(weight), dtype=np.int64)
    light, heavy = np.flatnonzero(weight < unit), np.flatnonzero(weight > unit)
    if len(heavy) == 0:
        return threshold, alias
    needed = np.cumsum(unit - weight[light])
    spare = np.cumsum(weight[heavy] - unit)
    threshold[light] = weight[light]
    before = np.concatenate([[0], needed[:-1]])
    alias[light] = heavy[np.searchsorted(spare, before, side="left")]
    emptied_by = np.searchsorted(needed, spare[:-1], side="right")
    threshold[heavy[:-1]] = unit + spare[:-1] - needed[emptied_by]
    alias[heavy[:-1]] = heavy[1:]
    return threshold, alias


@dataclass(frozen=True, eq=False)
class AliasTable:
    """Draws one of ``k`` outcomes in each of many rows, in constant time.

    Parameters
    ----------
    k : int
        Outcomes of a row.
    packed : ndarray of uint64, shape (rows * k,)
        Alias in the high half; in the low half the threshold, in units of 2**-32, below
        which the column itself is the outcome.  A column that always is has itself as
        alias, so that a threshold of one need not fit.
    """

    k: int
    packed: npt.NDArray[np.uint64]

    @classmethod
    def from_probabilities(cls, probabilities: npt.NDArray[np.float64]) -> AliasTable:
        """Alias table of a conditional table, shape (rows, k)."""
        rows, k = probabilities.shape
        weight = (integer_weights(probabilities) * np.uint64(k)).astype(np.int64)
        if k > SWEPT:
            swept = [_sweep(row) for row in weight]
            return cls(k, np.concatenate([_packed(t, a) for t, a in swept]))
        threshold = np.full((rows, k), int(UNIT), dtype=np.int64)
        alias = np.tile(np.arange(k, dtype=np.int64), (rows, 1))
        active = np.ones((rows, k), dtype=np.bool_)
        every = np.arange(rows)
        top = np.iinfo(np.int64).max
        for _ in range(k - 1):
            least = np.where(active, weight, top).argmin(axis=1)
            most = np.where(active, weight, -1).argmax(axis=1)
            value = weight[every, least]
            threshold[every, least] = value
            alias[every, least] = np.where(value < int(UNIT), most, least)
            weight[every, most] -= int(UNIT) - value
            active[every, least] = False
        return cls(k, _packed(threshold, alias))

    def draw(
        self, rows: npt.NDArray[np.intp] | None, words: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.intp]:
        """Outcome for each random word.

        Parameters
        ----------
        rows : ndarray of intp, shape (n,), or None
            Row of the table for each draw; None where the table has one row.
        words : ndarray of uint64, shape (n,)
            Uniform random words: the high half picks a column, the low half decides
            between the column and its alias.

        Returns
        -------
        ndarray of intp, shape (n,)
        """
        n = len(words)
        words = np.ascontiguousarray(words)
        drawn = np.empty(n, dtype=np.uint64)
        size = min(n, CHUNK)
        column_of = np.empty(size, dtype=np.uint64)
        position_of = np.empty(size, dtype=np.int64)
        kept_of = np.empty(size, dtype=np.bool_)
        k = np.uint64(self.k)
        for start in range(0, n, CHUNK):
            word, out = words[start : start + CHUNK], drawn[start : start + CHUNK]
            column, kept = column_of[: len(word)], kept_of[: len(word)]
            position = column.view(np.int64)
            np.right_shift(word, _SHIFT, out=column)
            np.multiply(column, k, out=column)
            np.right_shift(column, _SHIFT, out=column)
            if rows is not None:
                position = position_of[: len(word)]
                np.multiply(rows[start : start + CHUNK], self.k, out=position)
                np.add(position, column.view(np.int64), out=position)
            np.take(self.packed, position, out=out, mode="clip")  # "raise" would copy
            np.less(word.view(np.uint32)[_HALF::2], out.view(np.uint32)[_HALF::2], out=kept)
            np.right_shift(out, _SHIFT, out=out)
            np.copyto(out, column, where=kept)
        return drawn.view(np.int64).astype(np.intp, copy=False)
