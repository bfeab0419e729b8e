"""C9: the attacks on one release once more, in every stratum on its own."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.intervals import rank_probability
from synthgen.fidelity.results import FEWEST, bounded, excess
from synthgen.findings import TOO_FEW, Finding, Inputs, not_testable
from synthgen.privacy.attacked import NONE_NAMED, Booleans, attacked, strata_of
from synthgen.privacy.attribute_disclosure import guessed_by_nearest
from synthgen.privacy.proximity import nearness
from synthgen.privacy.replicated_uniques import replicated

MEASURE = "strata"


def strata(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Advantage of three attacks in every stratum; small strata are named, never passed over.

    Parameters
    ----------
    inputs : Inputs
        With ``train``, ``control`` and ``strata``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        For each stratum: replicated uniques (any set of keys), nearness, and guesses of the
        secrets by the nearest synthetic patient.  All are an advantage over chance between
        -1 and 1: a difference of shares, or twice the rank probability less one.  A stratum
        with fewer than 32 members or others has one finding, which is not testable.

    Notes
    -----
    Thirty-two: without a single success among n attacks, the exact 95 % bound of the risk
    is ``1 - 0.05 ** (1 / n)``, 0.089 for n = 32 and 0.63 for n = 3.  Below it, the refit
    audit with its many releases can still tell about membership.
    """
    del rng
    groups = strata_of(inputs)
    if not groups:
        return [not_testable(MEASURE, "C", NONE_NAMED)]
    people = attacked(inputs)
    near = nearness(people)
    attacks: list[tuple[str, Booleans, Booleans]] = []
    shown = [replicated(people, columns) for columns in inputs.keys]
    if shown:
        members = np.any([hit for hit, _ in shown], axis=0)
        attacks.append(("uniques", members, np.any([hit for _, hit in shown], axis=0)))
    for secret in inputs.secrets:
        known = [
            _known(people.encoder.size(secret), part.codes[secret])
            for part in (people.members, people.others)
        ]
        hits = guessed_by_nearest(inputs, people, secret)
        attacks.append((f"secret={secret}", *_spread(hits, (known[0], known[1]))))
    findings: list[Finding] = []
    for name, members, others in groups:
        n, m = int(members.sum()), int(others.sum())
        part = f"stratum {name}"
        if min(n, m) < FEWEST:
            detail = {"members": n, "others": m}
            findings.append(not_testable(MEASURE, "C", TOO_FEW, part=part, n=n, detail=detail))
            continue
        area = rank_probability(near[0][members], near[1][others])
        findings.append(bounded(MEASURE, "C", f"{part}: nearness", area.as_advantage(), n + m))
        for attack, hit, false_hit in attacks:
            inside = (int(hit[members].sum()), n), (int(false_hit[others].sum()), m)
            findings.append(excess(MEASURE, "C", f"{part}: {attack}", *inside))
    return findings


def _known(size: int, codes: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Booleans:
    return np.asarray(codes != size - 1, dtype=np.bool_)


def _spread(
    hits: tuple[Booleans, Booleans], known: tuple[Booleans, Booleans]
) -> tuple[Booleans, Booleans]:
    """Hits of the patients with a known secret, put back beside the others (no hit)."""
    spread = []
    for hit, there in zip(hits, known, strict=True):
        whole = np.zeros(len(there), dtype=np.bool_)
        whole[there] = hit
        spread.append(whole)
    return spread[0], spread[1]
