"""The one door between the records and everything that is published: it counts what it costs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from synthgen.enclave.private.accounting import (
    gaussian_rho,
    gumbel_scale_of,
    noisy_best_rho,
    sigma_of,
)
from synthgen.enclave.private.noise import Noise
from synthgen.errors import PrivacyBudgetError
from synthgen.statistics.ledger import LedgerEntry

IntArray = npt.NDArray[np.int64]

#: Scores are whole multiples of one in so many counts: sums of whole numbers have no rounding
#: that could make the sensitivity larger than it is said to be.
RESOLUTION = 1024
#: Share by which a sum of entries may pass its limit, and the library's rho ours: rounding.
_ROUNDING = 1e-9


class Spender:
    """Answers questions about records as long as the budget lasts.

    Parameters
    ----------
    rho : float
        All there is to spend.
    noise : Noise
    """

    def __init__(self, rho: float, noise: Noise) -> None:
        self.rho = rho
        self.noise = noise
        self.entries: list[LedgerEntry] = []

    @property
    def left(self) -> float:
        """Rho that is not spent."""
        return self.rho - math.fsum(entry.rho for entry in self.entries)

    def _enter(self, entry: LedgerEntry) -> None:
        if entry.rho > self.left + self.rho * _ROUNDING:
            raise PrivacyBudgetError(
                f"{entry.of or 'count'}: costs rho {entry.rho:.3g}; {max(self.left, 0):.3g} is left"
            )
        self.entries.append(entry)

    def measure(
        self, step: str, of: str, counts: IntArray, sensitivity: float, rho: float
    ) -> tuple[npt.NDArray[np.float64], float]:
        """Counts with noise.

        Parameters
        ----------
        step : {"count", "measure"}
        of : str
        counts : ndarray of int64
            Exact; one patient changes them by at most ``sensitivity`` in L2.
        sensitivity : float
        rho : float
            What it may cost.

        Returns
        -------
        ndarray of float64, shape of ``counts``
            Whole numbers, below zero too.
        float
            Standard deviation of the noise [counts].
        """
        sigma = sigma_of(sensitivity, rho)
        entry = LedgerEntry(
            step, of, "discrete_gaussian", sensitivity, sigma, gaussian_rho(sensitivity, sigma)
        )
        self._enter(entry)  # entered before it is drawn: what fails half-way was spent
        drawn, proved = self.noise.gaussian(counts.ravel(), sigma, sensitivity)
        self._agree(entry, proved)
        return drawn.reshape(counts.shape).astype(np.float64), sigma

    def select(self, of: str, scores: IntArray, sensitivity: int, rho: float) -> int:
        """Position of a score that is about the largest.

        Parameters
        ----------
        of : str
        scores : ndarray of int64, shape (m,)
            In units of one in :data:`RESOLUTION` counts.
        sensitivity : int
            Largest change of one score by one patient, in the same unit.
        rho : float
        """
        scale = gumbel_scale_of(float(sensitivity), rho)
        unit = float(RESOLUTION)
        entry = LedgerEntry(
            "select",
            of,
            "exponential",
            sensitivity / unit,
            scale / unit,
            noisy_best_rho(sensitivity, scale),
        )
        self._enter(entry)
        chosen, proved = self.noise.best([int(s) for s in scores], scale, sensitivity)
        self._agree(entry, proved)
        return chosen

    def _agree(self, entry: LedgerEntry, proved: float) -> None:
        """Refuse to go on where the library proves less than the ledger says."""
        if proved > entry.rho * (1 + _ROUNDING):
            raise PrivacyBudgetError(
                f"{entry.of or 'count'}: {self.noise.name} proves rho {proved:.12g}, the ledger "
                f"says {entry.rho:.12g}; nothing is published"
            )
