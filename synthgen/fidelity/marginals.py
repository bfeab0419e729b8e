"""U2: one-, two- and three-way tables of the release beside those of real patients.

The distance of two tables is never zero, even where both are samples of one population.
So the finding is what lies over the sampling floor: the distance that the same patients
have after their labels, real or synthetic, were dealt out at random.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import Encoded, Encoder, Floats, Positions, encoder_of, joined
from synthgen.fidelity.intervals import Bounded, mean_bounds
from synthgen.fidelity.results import FEWEST, bounded
from synthgen.findings import (
    NO_RECORDS,
    NO_SUCH_COLUMN,
    TOO_FEW,
    Finding,
    Inputs,
    Subjects,
    not_testable,
)

MEASURE = "marginals"

SHUFFLES = 5
"""Times that the labels are dealt out; the floor is a mean over hundreds of tables each."""

MOST_TABLES = 1200
"""Tables of one order; all three-way tables of 20 columns are 1,140."""

MOST_CELLS = 2_000_000
"""Cells of the largest table; larger ones are left out, which the detail counts."""

LEAST_ERROR = 1e-4
"""Standard error that is assumed at least."""


def real_patients(inputs: Inputs) -> Subjects | None:
    """All real patients there are: members and others."""
    there = [side for side in (inputs.train, inputs.control) if side is not None]
    return joined(there) if there else None


def marginals(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Mean distance of one-, two- and three-way tables, less the sampling floor.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` or ``control``, or both.
    rng : numpy.random.Generator
        Deals out labels, and chooses tables where there are too many.

    Returns
    -------
    list of Finding
        ``1-way``, ``2-way``, ``3-way``: total variation distance in excess of the floor,
        between about 0 and 1.

    Notes
    -----
    Total variation distance, half the sum of absolute differences of shares; k-way tables
    as in the score of the United States' synthetic data challenges (Tao et al. 2021,
    arXiv:2112.09238).  Numbers in tenths of the real patients.  The standard error is that
    of the linearised distance: every patient adds half the signs of the differences in the
    cells that hold them, so the dependence between tables is in it.
    """
    real = real_patients(inputs)
    if real is None:
        return [not_testable(MEASURE, "U", NO_RECORDS, part=f"{k}-way") for k in (1, 2, 3)]
    n = min(len(real), len(inputs.synthetic))
    if n < FEWEST:
        return [not_testable(MEASURE, "U", TOO_FEW, part=f"{k}-way", n=n) for k in (1, 2, 3)]
    encoder = encoder_of(real)
    columns = encoder.columns()
    encoded = encoder(real), encoder(inputs.synthetic)
    findings = []
    for order in (1, 2, 3):
        part = f"{order}-way"
        if len(columns) < order:
            findings.append(not_testable(MEASURE, "U", NO_SUCH_COLUMN, part=part))
            continue
        found, detail = table_distance(*encoded, encoder, columns, order, rng)
        findings.append(
            bounded(MEASURE, "U", part, found, len(real) + len(inputs.synthetic), detail)
        )
    return findings


def table_distance(
    real: Encoded,
    synthetic: Encoded,
    encoder: Encoder,
    columns: Sequence[str],
    order: int,
    rng: np.random.Generator,
    tables_wanted: Sequence[tuple[str, ...]] | None = None,
) -> tuple[Bounded, dict[str, float | int]]:
    """Mean excess distance over all tables of an order, or over those that are named.

    Returns
    -------
    Bounded
    dict
        Plain mean distance, floor, and how many tables were compared and left out.
    """
    n = len(real)
    whole = {c: np.concatenate((real.codes[c], synthetic.codes[c])) for c in columns}
    deals = [rng.permutation(n + len(synthetic)) for _ in range(SHUFFLES)]
    sign_sums = np.zeros(n + len(synthetic))
    distance = floor = 0.0
    tables = left_out = 0
    for names in tables_wanted or _tables(columns, order, rng):
        cells = int(np.prod([encoder.size(c) for c in names], dtype=np.int64))
        if cells > MOST_CELLS:
            left_out += 1
            continue
        flat = np.zeros(n + len(synthetic), dtype=np.intp)
        for name in names:
            flat = flat * encoder.size(name) + whole[name]
        flat, cells = _compact(flat, cells)
        difference = _shares(flat[:n], cells) - _shares(flat[n:], cells)
        distance += float(np.abs(difference).sum()) / 2
        sign_sums += np.sign(difference)[flat] / 2
        for deal in deals:
            dealt = flat[deal]
            gap = _shares(dealt[:n], cells) - _shares(dealt[n:], cells)
            floor += float(np.abs(gap).sum()) / 2 / SHUFFLES
        tables += 1
    detail: dict[str, float | int] = {"tables": tables, "left_out": left_out}
    if tables == 0:
        return Bounded(np.nan, np.nan, np.nan, np.nan), detail
    signs = sign_sums / tables
    parts = (signs[:n], signs[n:])
    error = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))
    detail |= {"distance": distance / tables, "floor": floor / tables}
    return mean_bounds((distance - floor) / tables, error, LEAST_ERROR), detail


def _compact(flat: Positions, cells: int) -> tuple[Positions, int]:
    """The same cells numbered without gaps, where most of a large table is empty."""
    if cells <= 4 * len(flat):
        return flat, cells
    distinct, compact = np.unique(flat, return_inverse=True)
    return compact.astype(np.intp), len(distinct)


def _shares(flat: Positions, cells: int) -> Floats:
    return np.bincount(flat, minlength=cells) / len(flat)


def _tables(
    columns: Sequence[str], order: int, rng: np.random.Generator
) -> Iterator[tuple[str, ...]]:
    """All tables of an order, or a random part of them."""
    every = list(itertools.combinations(columns, order))
    if len(every) <= MOST_TABLES:
        yield from every
        return
    chosen: npt.NDArray[np.intp] = np.sort(rng.permutation(len(every))[:MOST_TABLES])
    yield from (every[i] for i in chosen)
