"""C1: real patients who are alone with their keys, and whose keys stand in the release."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.results import excess
from synthgen.findings import Finding, Inputs, not_testable
from synthgen.privacy.attacked import NONE_NAMED, Attacked, Booleans, attacked

MEASURE = "replicated_uniques"


def replicated(people: Attacked, columns: tuple[str, ...]) -> tuple[Booleans, Booleans]:
    """Whether each member, and each other, is unique and stands in the release.

    Unique among members and others together, so that both sides are counted alike whatever
    their sizes.  Patients with a missing key are nobody's target.
    """
    members, others, synthetic = people.keys(columns)
    codes, counts = np.unique(np.concatenate((members, others)), return_counts=True)
    alone = codes[(counts == 1) & (codes >= 0)]
    shown = np.intersect1d(alone, synthetic)
    return np.isin(members, shown), np.isin(others, shown)


def replicated_uniques(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Share of unique members who are replicated, less the same share of others, for each key.

    Parameters
    ----------
    inputs : Inputs
        With ``train``, ``control`` and ``keys``.
    rng : numpy.random.Generator
        Not used: nothing is random.

    Returns
    -------
    list of Finding
        One for each set of keys; ``n`` counts members and others.

    Notes
    -----
    Replicated uniques: Raab, Nowok & Dibben 2024, arXiv:2406.16826 ("repU"), who count
    uniques of the training records only.  A unique of the control records that stands in
    the release got there by chance; taking its rate off leaves what the records caused.
    Bounds: Newcombe's hybrid score.
    """
    del rng
    if not inputs.keys:
        return [not_testable(MEASURE, "C", NONE_NAMED)]
    people = attacked(inputs)
    findings = []
    for columns in inputs.keys:
        members, others = replicated(people, columns)
        findings.append(
            excess(
                MEASURE,
                "C",
                f"keys={'+'.join(columns)}",
                (int(members.sum()), len(members)),
                (int(others.sum()), len(others)),
            )
        )
    return findings
