"""Noise of the OpenDP library: the one file that draws any.

OpenDP samples the discrete Gaussian exactly, from the operating system's random numbers, and
has no seed: whoever knew a seed could take the noise away again.  So a private tabulation
cannot be repeated bit by bit, and must not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synthgen.extras import installed_version, require

IntArray = npt.NDArray[np.int64]

EXTRA = "dp"


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


class OpenDPNoise:
    """Noise of OpenDP's core library.

    Raises
    ------
    MissingExtraError
        If the extra ``dp`` is not installed.
    """

    def __init__(self) -> None:
        self._dp: Any = require(EXTRA, "opendp.prelude")
        self._dp.enable_features("contrib")
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
        dp = self._dp
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
        measurement = dp.m.make_gaussian(*space, scale=float(sigma))
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
        dp = self._dp
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
        measure = dp.zero_concentrated_divergence()
        measurement = dp.m.make_noisy_max(*space, measure, scale=float(scale))
        chosen = int(measurement([int(s) for s in scores]))
        return chosen, float(measurement.map(int(sensitivity)))
