"""C5, second half: keys whose synthetic holders all have one and the same secret."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import Positions
from synthgen.fidelity.results import excess
from synthgen.findings import Finding, Inputs, not_testable
from synthgen.privacy.attacked import NONE_NAMED, Attacked, Booleans, attacked

MEASURE = "homogeneous_keys"


def revealed(people: Attacked, columns: tuple[str, ...], secret: str) -> tuple[Booleans, Booleans]:
    """Whether the release gives each member, and each other, away without a doubt.

    True where everybody in the release with the same keys has one secret, and it is theirs.
    """
    members, others, synthetic = people.keys(columns)
    said = people.synthetic.codes[secret]
    size = people.encoder.size(secret)
    missing = size - 1
    usable = synthetic >= 0
    pairs = np.unique(np.stack((synthetic[usable], said[usable])), axis=1)
    codes, first, counts = np.unique(pairs[0], return_index=True, return_counts=True)
    single = counts == 1
    codes, only = codes[single], pairs[1][first[single]]

    def given_away(keys: Positions, truth: Positions) -> Booleans:
        if len(codes) == 0:
            return np.zeros(len(keys), dtype=np.bool_)
        at = np.minimum(np.searchsorted(codes, keys), len(codes) - 1)
        hit = (codes[at] == keys) & (only[at] == truth) & (truth != missing)
        return np.asarray(hit, dtype=np.bool_)

    return (
        given_away(members, people.members.codes[secret]),
        given_away(others, people.others.codes[secret]),
    )


def homogeneous_keys(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Share of members whom a homogeneous key gives away, less the same share of others.

    Parameters
    ----------
    inputs : Inputs
        With ``train``, ``control``, ``keys`` and ``secrets``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        One for each set of keys and each secret that is not among them.

    Notes
    -----
    Disclosive in synthetic, correct in original ("DiSCO"): Raab, Nowok & Dibben 2024,
    arXiv:2406.16826, here less its rate among people whose records were not used.  Numbers
    are compared in tenths of the real patients.  Bounds: Newcombe's hybrid score.
    """
    del rng
    wanted = [(k, s) for k in inputs.keys for s in inputs.secrets if s not in k]
    if not wanted:
        return [not_testable(MEASURE, "C", NONE_NAMED)]
    people = attacked(inputs)
    findings = []
    for columns, secret in wanted:
        members, others = revealed(people, columns, secret)
        findings.append(
            excess(
                MEASURE,
                "C",
                f"secret={secret}, keys={'+'.join(columns)}",
                (int(members.sum()), len(members)),
                (int(others.sum()), len(others)),
            )
        )
    return findings
