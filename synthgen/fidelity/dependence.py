"""U2, the other half: how much of what holds columns together the release has lost.

A distance between tables says little about a release whose columns were drawn one by one:
averaged over all pairs it is small wherever most pairs hardly depend on each other.  So
this finding has a scale of its own: 0 is a sample of the same population, 1 is the real
columns shuffled one by one, and only pairs that do depend on each other count.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.stats import chi2

from synthgen.fidelity.encoding import Encoded, Encoder, encoder_of
from synthgen.fidelity.intervals import Z_80, Z_95, Bounded
from synthgen.fidelity.marginals import LEAST_ERROR, SHUFFLES, real_patients, table_distance
from synthgen.fidelity.results import FEWEST, bounded
from synthgen.findings import NO_RECORDS, TOO_FEW, Finding, Inputs, not_testable

MEASURE = "dependence"

BINS = 4
"""Groups of a numeric column: few, so that small samples see dependence at all."""

SURE = 1e-3
"""Probability under independence below which two columns are said to depend on each other."""


def dependence(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Share of the dependence between pairs of columns that the release has lost.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` or ``control``, or both.
    rng : numpy.random.Generator
        Shuffles columns and deals out labels.

    Returns
    -------
    list of Finding
        ``pairs``: excess distance of two-way tables divided by the excess distance that the
        real columns have after they were shuffled one by one; above 1 for a release that is
        worse than that.

    Notes
    -----
    Pairs that depend on each other in the real records (Pearson's test, p under 0.001);
    without one there is nothing to lose, and the finding is not testable.  Own definition.
    The error is that of :func:`~synthgen.fidelity.marginals.table_distance`, carried
    through the ratio.
    """
    real = real_patients(inputs)
    if real is None:
        return [not_testable(MEASURE, "U", NO_RECORDS, part="pairs")]
    n, m = len(real), len(inputs.synthetic)
    if min(n, m) < FEWEST:
        return [not_testable(MEASURE, "U", TOO_FEW, part="pairs", n=min(n, m))]
    encoder = encoder_of(real, BINS)
    own, made = encoder(real), encoder(inputs.synthetic)
    pairs = [
        pair
        for pair in itertools.combinations(encoder.columns(), 2)
        if independence(own, encoder, pair) < SURE
    ]
    if not pairs:
        return [not_testable(MEASURE, "U", TOO_FEW, part="pairs", n=n)]
    columns = encoder.columns()
    found, _ = table_distance(own, made, encoder, columns, 2, rng, pairs)
    shuffled = [
        table_distance(own, _shuffled(own, m, rng), encoder, columns, 2, rng, pairs)[0]
        for _ in range(SHUFFLES)
    ]
    scale = float(np.mean([one.estimate for one in shuffled]))
    detail = {"pairs": len(pairs), "distance": found.estimate, "shuffled": scale}
    if scale <= LEAST_ERROR:
        return [not_testable(MEASURE, "U", TOO_FEW, part="pairs", n=n, detail=detail)]
    ratio = found.estimate / scale
    error = (found.estimate - found.lower) / Z_95
    scale_error = float(np.mean([(one.estimate - one.lower) / Z_95 for one in shuffled]))
    far = float(np.hypot(error, ratio * scale_error)) / scale
    result = Bounded(ratio, ratio - Z_95 * far, ratio + Z_95 * far, (Z_95 + Z_80) * far)
    return [bounded(MEASURE, "U", "pairs", result, n + m, detail)]


def independence(people: Encoded, encoder: Encoder, pair: tuple[str, str]) -> float:
    """Probability of so much dependence under independence: Pearson 1900's test."""
    a, b = pair
    shape = encoder.size(a), encoder.size(b)
    flat = people.codes[a] * shape[1] + people.codes[b]
    counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if freedom == 0:
        return 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), freedom))


def _shuffled(people: Encoded, size: int, rng: np.random.Generator) -> Encoded:
    """As many patients, every column drawn on its own."""
    codes = {
        name: values[rng.integers(len(values), size=size)] for name, values in people.codes.items()
    }
    return Encoded(np.zeros((size, 0)), codes)
