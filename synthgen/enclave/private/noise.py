"""Noise of the OpenDP library: the one file that draws any.

OpenDP samples the discrete Gaussian exactly, from the operating system's random numbers, and
has no seed: whoever knew a seed could take the noise away again.  So a private tabulation
cannot be repeated bit by bit, and must not be.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from synthgen.extras import installed_version, require

IntArray = npt.NDArray[np.int64]

EXTRA = "dp"

BATCH = 1000
"""Selections that one call of the library makes, and the fewest draws worth a thread."""

T = TypeVar("T")


class Noise(Protocol):
    """Where noise comes from."""

    name: str

    def gaussian(
        self, counts: IntArray, sigma: float, sensitivity: float
    ) -> tuple[IntArray, float]:
        """Counts with discrete Gaussian noise, and the rho that the library proves."""
        ...

    def best(self, scores: Sequence[int], scale: float, sensitivity: int) -> tuple[int, float]:
        """Position of the largest score with Gumbel noise, and the rho that is proved."""
        ...


class RepeatedNoise(Noise, Protocol):
    """Noise that can be drawn again and again by the same mechanism, to try what it does."""

    def repeated(self, sigma: float, n: int) -> IntArray:
        """So many independent draws of the noise that one count gets."""
        ...

    def choices(self, scores: Sequence[int], scale: float, n: int, seconds: float) -> list[int]:
        """Positions that so many independent selections choose, or as many as there is time for."""
        ...


class OpenDPNoise:
    """Noise of OpenDP's core library.

    Raises
    ------
    MissingExtraError
        If the extra ``dp`` is not installed.
    """

    def __init__(self) -> None:
        # Not its prelude, which loads scikit-learn and whatever else is there.
        self._domains: Any = require(EXTRA, "opendp.domains")
        self._metrics: Any = require(EXTRA, "opendp.metrics")
        self._measures: Any = require(EXTRA, "opendp.measures")
        self._measurements: Any = require(EXTRA, "opendp.measurements")
        self._combinators: Any = require(EXTRA, "opendp.combinators")
        require(EXTRA, "opendp.mod").enable_features("contrib")
        self.name = f"opendp {installed_version('opendp')}"

    def gaussian(
        self, counts: IntArray, sigma: float, sensitivity: float
    ) -> tuple[IntArray, float]:
        """Counts with discrete Gaussian noise.

        Parameters
        ----------
        counts : ndarray of int64, shape (m,)
        sigma : float
            [counts]
        sensitivity : float
            L2, of one patient [counts].

        Returns
        -------
        ndarray of int64, shape (m,)
        float
            Rho that OpenDP proves for this sensitivity.
        """
        measurement = self._counting(sigma)
        drawn = measurement([int(c) for c in counts])
        return np.asarray(drawn, dtype=np.int64), float(measurement.map(float(sensitivity)))

    def best(self, scores: Sequence[int], scale: float, sensitivity: int) -> tuple[int, float]:
        """Noisy maximum with Gumbel noise, on whole scores.

        Parameters
        ----------
        scores : sequence of int
        scale : float
            [score]
        sensitivity : int
            Largest change of a score by one patient.

        Returns
        -------
        int
            Position of the chosen score.
        float
            Rho that OpenDP proves for this sensitivity.
        """
        measurement = self._choosing(scale)
        chosen = int(measurement([int(s) for s in scores]))
        return chosen, float(measurement.map(int(sensitivity)))

    def repeated(self, sigma: float, n: int) -> IntArray:
        """Independent draws of the noise that :meth:`gaussian` adds to one count, from itself.

        Parameters
        ----------
        sigma : float
            [counts]
        n : int

        Returns
        -------
        ndarray of int64, shape (n,)
        """

        def drawn(part: int) -> IntArray:
            return self.gaussian(np.zeros(part, dtype=np.int64), sigma, 1.0)[0]

        return np.concatenate(_in_threads(n, drawn))

    def choices(self, scores: Sequence[int], scale: float, n: int, seconds: float) -> list[int]:
        """Positions that independent selections as by :meth:`best` choose.

        Parameters
        ----------
        scores : sequence of int
        scale : float
            [score]
        n : int
        seconds : float
            Computing time of a thread after which no more are begun: OpenDP 0.14 takes twenty
            times as long as 0.16.

        Returns
        -------
        list of int
            At most ``n``.  One call of the library composes many selections of one measurement.
        """
        whole = [int(s) for s in scores]

        def chosen(part: int) -> list[int]:
            one, began = self._choosing(scale), time.thread_time()
            batch = 1
            found: list[int] = []
            while len(found) < part and time.thread_time() - began < seconds:
                size = min(batch, part - len(found))
                found += [int(c) for c in self._combinators.make_composition([one] * size)(whole)]
                batch = min(8 * batch, BATCH)
            return found

        return [position for part in _in_threads(n, chosen) for position in part]

    def _counting(self, sigma: float) -> Any:
        space = self._vectors(), self._metrics.l2_distance(T="f64")
        return self._measurements.make_gaussian(*space, scale=float(sigma))

    def _choosing(self, scale: float) -> Any:
        space = self._vectors(), self._metrics.linf_distance(T="i64")
        measure = self._measures.zero_concentrated_divergence()
        return self._measurements.make_noisy_max(*space, measure, scale=float(scale))

    def _vectors(self) -> Any:
        return self._domains.vector_domain(self._domains.atom_domain(T="i64"))


def _in_threads(n: int, part_of: Callable[[int], T]) -> list[T]:
    """What ``part_of`` makes of the parts of ``n``, one for each core: the library lets go of Python's lock."""
    threads = min(os.cpu_count() or 1, max(n // BATCH, 1))
    parts = [n // threads + (at < n % threads) for at in range(threads)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(part_of, parts))
