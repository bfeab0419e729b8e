"""The noise that is drawn is the noise that the ledger says.

OpenDP has no seed: the limits here are passed by chance less than once in a million runs.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, chi2

from synthgen.enclave.private.noise import OpenDPNoise
from synthgen.enclave.private.spending import RESOLUTION, Spender
from synthgen.errors import PrivacyBudgetError

pytest.importorskip("opendp", reason="the extra dp is not installed")
ALARM = 1e-7


def test_gaussian_noise_has_the_standard_deviation_of_the_ledger():
    n = 4_000
    spender = Spender(1.0, OpenDPNoise())
    counts = np.full((n // 4, 4), 5, dtype=np.int64)
    noisy, sigma = spender.measure("measure", "x", counts, 2.0, 0.02)
    assert sigma == pytest.approx(10.0)
    assert noisy.shape == counts.shape
    assert (noisy == np.rint(noisy)).all()
    drawn = noisy - counts
    # The variance of the discrete Gaussian is at most sigma^2, and at sigma = 10 equal to it.
    low, high = chi2.ppf(ALARM / 2, n), chi2.isf(ALARM / 2, n)
    assert low <= float((drawn**2).sum()) / sigma**2 <= high
    assert abs(float(drawn.sum())) < 5.5 * sigma * math.sqrt(n)
    entry = spender.entries[0]
    assert (entry.sensitivity, entry.scale, entry.rho) == (2.0, sigma, pytest.approx(0.02))


def test_selection_has_the_odds_of_the_exponential_mechanism():
    n = 1_500
    spender = Spender(1e9, OpenDPNoise())
    scores = np.array([0, 2 * RESOLUTION], dtype=np.int64)
    chosen = [spender.select("x", scores, RESOLUTION, 0.5) for _ in range(n)]
    # Gumbel scale 1 [counts]: odds exp(2).
    share = math.exp(2) / (1 + math.exp(2))
    low, high = binom.ppf(ALARM / 2, n, share), binom.isf(ALARM / 2, n, share)
    assert low <= sum(chosen) <= high
    entry = spender.entries[0]
    assert (entry.sensitivity, entry.scale, entry.rho) == (1.0, pytest.approx(1.0), 0.5)


def test_nothing_is_drawn_that_the_budget_does_not_allow():
    spender = Spender(0.1, OpenDPNoise())
    counts = np.array([1], dtype=np.int64)
    spender.measure("count", "", counts, 1.0, 0.06)
    with pytest.raises(PrivacyBudgetError, match="is left"):
        spender.measure("measure", "x", counts, 1.0, 0.06)
    with pytest.raises(PrivacyBudgetError, match="is left"):
        spender.select("x", counts, 1, 0.06)
    assert len(spender.entries) == 1


def test_a_library_that_proves_less_than_the_ledger_says_is_not_used():
    class Weaker(OpenDPNoise):
        def gaussian(self, counts, sigma, sensitivity):
            drawn, proved = super().gaussian(counts, sigma / 2, sensitivity)
            return drawn, proved

    spender = Spender(1.0, Weaker())
    with pytest.raises(PrivacyBudgetError, match="nothing is published"):
        spender.measure("measure", "x", np.array([1], dtype=np.int64), 1.0, 0.1)
