"""Random numbers of the clinical tables: one named stream for each purpose of a block.

A stream gives one number to each tumour in order, so that what happens to a tumour does not
depend on how many come after it, nor on what else is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.templates import ASSUMED
from synthgen.randomness import block_generator

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: Spread of the logarithm of a length that is assumed as a whole.
SPREAD = 0.5
#: Distance of the quartiles of a standard normal distribution.
_QUARTILES = 1.3489795003921634


@dataclass(frozen=True)
class Draws:
    """Streams of one block.

    Parameters
    ----------
    model_hash : str
    seed : int
    block : int
    """

    model_hash: str
    seed: int
    block: int

    def uniform(self, purpose: str, n: int) -> FloatArray:
        """Numbers in [0, 1), shape (n,)."""
        rng = block_generator(self.model_hash, self.seed, self.block, "clinical", purpose)
        return np.asarray(rng.random(n))

    def normal(self, purpose: str, n: int) -> FloatArray:
        """Standard normal numbers, shape (n,), by Box and Muller from two streams.

        NumPy's own normal numbers take a varying number of words each, so the k-th would not
        depend on k alone.
        """
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(f"{purpose} radius", n)))
        return np.asarray(radius * np.cos(2.0 * math.pi * self.uniform(f"{purpose} angle", n)))


def spread_of(duration: Mapping[str, Any]) -> float:
    """Standard deviation of the logarithm of a duration or size.

    A published median without quartiles names its spread apart (``spread``), so that a cohort
    without assumptions is without it: the spread is 0 then.

    Parameters
    ----------
    duration : mapping
        ``median`` and ``quartiles`` (lower and upper) or ``spread`` (``log_sd``), if any.

    Examples
    --------
    >>> spread_of({"median": 24, "source": "x", "spread": {"log_sd": 0.4, "source": "assumed"}})
    0.4
    >>> spread_of({"median": 24, "source": "x"}), spread_of({"median": 24, "source": "assumed"})
    (0.0, 0.5)
    """
    if "quartiles" in duration:
        lower, upper = duration["quartiles"]
        return math.log(upper / lower) / _QUARTILES
    if "spread" in duration:
        return float(duration["spread"]["log_sd"])
    return SPREAD if duration.get("source") == ASSUMED else 0.0


def lengths(duration: Mapping[str, Any], normal: FloatArray) -> FloatArray:
    """Log-normal lengths with the median and spread of a source; all the median without one."""
    return np.asarray(float(duration["median"]) * np.exp(spread_of(duration) * normal))


def picked(shares: Sequence[float], uniform: FloatArray) -> IntArray:
    """Positions among shares that need not add to one, by inversion."""
    cumulative = np.cumsum(np.asarray(shares, dtype=np.float64))
    cumulative /= cumulative[-1]
    found = np.searchsorted(cumulative, uniform, side="right")
    return np.asarray(np.minimum(found, len(cumulative) - 1), dtype=np.intp)


def picked_among(shares: FloatArray, uniform: FloatArray) -> IntArray:
    """Positions by row of a table of shares, shape (n, k); -1 where all are zero."""
    cumulative = np.cumsum(shares, axis=1)
    total = cumulative[:, -1]
    found = (cumulative <= (uniform * total)[:, np.newaxis]).sum(axis=1)
    found = np.minimum(found, shares.shape[1] - 1)
    return np.asarray(np.where(total > 0, found, -1), dtype=np.intp)
