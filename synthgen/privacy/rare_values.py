"""C8: values that only one real patient has, found again in the release."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from synthgen.fidelity.encoding import Floats, numbers, texts
from synthgen.fidelity.results import counted, excess
from synthgen.findings import CONSTANT, Finding, Inputs, not_testable

MEASURE = "rare_values"

TAIL = 0.05
"""Share of each end of a numeric column that counts as extreme."""


def rare_values(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Codes and numbers of single patients that the release repeats.

    Parameters
    ----------
    inputs : Inputs
        With ``train``, ``control`` and ``k_min``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        ``codes``: how many codes outside the public code lists, of fewer than ``k_min``
        members, stand in the release.  ``numbers``: share of the numbers that one member
        alone has which stand in the release, less the same share of the numbers that one
        other alone has.  ``extreme numbers``: the same in the lowest and highest 5 % of a
        column.

    Notes
    -----
    A code that the schema publishes says nothing about anybody; one that it does not comes
    from the records.  A number is judged against chance, because whole days or years meet
    by accident: the release cannot have taken the numbers of people it has never seen.
    Own definition, after the rule of statistical offices on minima, maxima and rare values
    (Hundepool et al. 2012, doi:10.1002/9781118348239).  Bounds: Newcombe's hybrid score.
    """
    del rng
    train, control = inputs.train, inputs.control
    if train is None or control is None:
        raise ValueError("training and control records are needed")
    totals = {"numbers": np.zeros(4, dtype=int), "extreme numbers": np.zeros(4, dtype=int)}
    for name in train.numeric:
        sides = [numbers(side.frame[name]) for side in (train, control)]
        shown = numbers(inputs.synthetic.frame[name])
        totals["numbers"] += _lonely(sides, shown, None)
        totals["extreme numbers"] += _lonely(sides, shown, TAIL)
    findings = [_codes(inputs)]
    for part, (hits, n, false_hits, m) in totals.items():
        if n + m == 0:
            findings.append(not_testable(MEASURE, "C", CONSTANT, part=part))
            continue
        findings.append(excess(MEASURE, "C", part, (int(hits), int(n)), (int(false_hits), int(m))))
    return findings


def _lonely(sides: list[Floats], shown: Floats, tail: float | None) -> np.ndarray[Any, Any]:
    """Hits and numbers of single members, then of single others."""
    everything = np.concatenate(sides)
    everything = everything[~np.isnan(everything)]
    if len(everything) == 0:
        return np.zeros(4, dtype=int)
    values, counts = np.unique(everything, return_counts=True)
    single = values[counts == 1]
    if tail is not None:
        low, high = np.quantile(everything, [tail, 1 - tail])
        single = single[(single <= low) | (single >= high)]
    released = np.intersect1d(single, shown)
    found = []
    for side in sides:
        found += [int(np.isin(released, side).sum()), int(np.isin(single, side).sum())]
    return np.array(found)


def _codes(inputs: Inputs) -> Finding:
    train = inputs.train
    if train is None:
        raise ValueError("training records are needed")
    leaked: dict[str, int] = {}
    checked = 0
    for name in train.categorical:
        public, patterns = public_codes(inputs.schema, name)
        real = texts(train.frame[name])
        distinct, counts = np.unique(real[real != np.array(None)].astype(str), return_counts=True)
        rare = {c for c, k in zip(distinct.tolist(), counts, strict=True) if k < inputs.k_min}
        checked += len(distinct)
        shown = {v for v in texts(inputs.synthetic.frame[name]) if v is not None}
        found = {
            code
            for code in (rare & shown) - public
            if not any(pattern.fullmatch(code) for pattern in patterns)
        }
        if found:
            leaked[name] = len(found)
    return counted(MEASURE, "C", "codes", sum(leaked.values()), checked, {"columns": leaked})


def public_codes(schema: Any, column: str) -> tuple[set[str], list[re.Pattern[str]]]:
    """Codes that the schema publishes for a column of this name, in whichever table.

    Returns
    -------
    codes : set of str
    patterns : list of re.Pattern
        Of open code lists, such as the whole of ICD-10.
    """
    found: set[str] = set()
    patterns = []
    for table in schema.tables if schema is not None else ():
        for candidate in table.columns:
            if candidate.name == column:
                found |= set(candidate.missing_codes)
                if candidate.codes is not None:
                    found |= {code.code for code in candidate.codes.codes}
                    if candidate.codes.pattern:
                        patterns.append(re.compile(candidate.codes.pattern))
                elif candidate.code_system and candidate.pattern:  # text, but of a code system
                    patterns.append(re.compile(candidate.pattern))
    return found, patterns
