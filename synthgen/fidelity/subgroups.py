"""U7: the tables of every stratum on its own, and strata that the release has lost."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import encoder_of, rows_of, texts
from synthgen.fidelity.marginals import real_patients, table_distance
from synthgen.fidelity.results import FEWEST, bounded, counted
from synthgen.findings import NO_RECORDS, TOO_FEW, Finding, Inputs, Subjects, not_testable

MEASURE = "subgroups"

NONE_NAMED = "measure.reason.none_named"


def subgroups(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Distance of two-way tables within every stratum; lost strata are counted.

    Parameters
    ----------
    inputs : Inputs
        With ``strata`` and ``train`` or ``control``.
    rng : numpy.random.Generator
        Deals out labels for the sampling floor.

    Returns
    -------
    list of Finding
        ``lost``: share of the strata that real patients are in and no synthetic one, whose
        names are in the detail; ``stratum ...``: as :func:`~synthgen.fidelity.marginals.marginals` for
        two-way tables.  A stratum without synthetic patients has the distance 1.  One with
        fewer than 32 real or synthetic patients is listed as not testable, with both
        numbers: none is left out.

    Notes
    -----
    No average over strata: it would be the large strata's.  Two-way tables of all columns
    that do not define the stratum.
    """
    real = real_patients(inputs)
    if real is None:
        return [not_testable(MEASURE, "U", NO_RECORDS)]
    if not inputs.strata:
        return [not_testable(MEASURE, "U", NONE_NAMED)]
    encoder = encoder_of(real)
    lost: list[str] = []
    findings: list[Finding] = []
    strata = 0
    for columns in inputs.strata:
        others = [c for c in encoder.columns() if c not in columns]
        own, made = _rows(real, columns), _rows(inputs.synthetic, columns)
        for codes in sorted({row for row in own if None not in row}):
            strata += 1
            name = ", ".join(f"{c}={v}" for c, v in zip(columns, codes, strict=True))
            part = f"stratum {name}"
            members = [np.array([row == codes for row in side]) for side in (own, made)]
            n, m = (int(side.sum()) for side in members)
            detail = {"real": n, "synthetic": m}
            if m == 0:
                lost.append(name)
                findings.append(counted(MEASURE, "U", part, 1.0, n, detail))
            elif min(n, m) < FEWEST or len(others) < 2:
                few = not_testable(MEASURE, "U", TOO_FEW, part=part, n=min(n, m), detail=detail)
                findings.append(few)
            else:
                pair = [
                    encoder(rows_of(side, rows))
                    for side, rows in zip((real, inputs.synthetic), members, strict=True)
                ]
                found, more = table_distance(pair[0], pair[1], encoder, others, 2, rng)
                findings.append(bounded(MEASURE, "U", part, found, n + m, detail | more))
    if strata == 0:
        return [not_testable(MEASURE, "U", TOO_FEW)]
    share = len(lost) / strata
    return [counted(MEASURE, "U", "lost", share, strata, {"strata": lost}), *findings]


def _rows(subjects: Subjects, columns: tuple[str, ...]) -> list[tuple[object, ...]]:
    return list(zip(*(texts(subjects.frame[name]) for name in columns), strict=True))
