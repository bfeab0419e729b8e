"""M3: fit the generator again and again without half of the people, and try to tell who was in.

The strongest attack that an enclave can afford, because it knows the generator and all
records; and the only one with something to say about a stratum of three patients, because
every refit is another trial.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import Floats, encoder_of, joined, rows_of, texts
from synthgen.fidelity.results import FEWEST, bounded
from synthgen.findings import TOO_FEW, Finding, Inputs, Subjects, not_testable
from synthgen.privacy.neighbours import farthest, isolation
from synthgen.privacy.refit_features import Watched, watched
from synthgen.privacy.refit_scores import Booleans, attack_counts

MEASURE = "refit_audit"
EVERYBODY, OUTLIERS, STRICT = "everybody", "outliers", "outliers at 1 % false alarms"
"""Parts of the findings; strata have parts of their own, ``stratum entity=...``."""

REFITS = 256
"""Refits for a release; 64 are enough to try whether anything leaks."""

FEWEST_REFITS = 32
ISOLATED = 0.05
"""Share of the records, the most isolated ones, that is attacked as a group of its own."""

FEWEST_OUTLIERS = 6
"""Outliers are at least so many: with fewer, one person would be the whole group."""

MOST_TARGETS = 1000
"""People attacked: outliers and small strata first, then at random."""


@dataclass(frozen=True, eq=False)
class Audit:
    """All refits of an audit.

    Parameters
    ----------
    features : ndarray of float64, shape (targets, runs, features)
    members : ndarray of bool, shape (targets, runs)
        Who was in.
    groups : dict of str to ndarray of bool, shape (targets,)
    access : {"black box only", "decoder"}
        What the attacker knew beside the releases.
    """

    features: Floats
    members: Booleans
    groups: dict[str, Booleans]
    access: str


def refit_audit(
    inputs: Inputs,
    rng: np.random.Generator,
    *,
    refits: int = REFITS,
    workers: int = 1,
    progress: Callable[[int, int, float], None] | None = None,
) -> list[Finding]:
    """Advantage of an attacker who must tell whose records a release was made from.

    Parameters
    ----------
    inputs : Inputs
        With ``refit`` and ``train``; ``control`` adds people to draw from.
    rng : numpy.random.Generator
        Every refit has a stream of its own, so the number of workers changes nothing.
    refits : int
        Even, at least 32; 256 for a release.
    workers : int
        Threads; a ``refit`` that is not safe in threads needs 1.
    progress : callable, optional
        Called with refits done, all, and seconds so far.

    Returns
    -------
    list of Finding
        ``everybody``, ``outliers``, one for each ``stratum``, and ``outliers at 1 % false
        alarms``.  The unit is the attacker's advantage, the rate of true less that of false
        alarms: 0 for chance and 1 for certainty.

    Notes
    -----
    Membership inference by shadow models (LiRA: Carlini et al. 2022, arXiv:2112.03570; for
    synthetic data Stadler, Oprisanu & Troncoso 2022, arXiv:2011.07018; Houssiau et al.
    2022, arXiv:2211.06550), with worst cases reported on their own (Meeus et al. 2023,
    arXiv:2306.10308).  The generator is fitted to half of the records each time, which
    leaks more than a fit to all of them; two runs share a halving, so that everybody is in
    as often as out.  Scores are split-sample, see :mod:`synthgen.privacy.refit_scores`; the
    bounds are over pairs of runs and hold for these records and this attacker: a better
    attacker may exist.  How often they cover on generators that leak nothing is measured in
    ``evaluation/controls``.
    """
    if inputs.train is None or inputs.refit is None:
        raise ValueError("training records and a generator to refit are needed")
    if refits < FEWEST_REFITS or refits % 2:
        raise ValueError(f"refits ({refits}) must be even and at least {FEWEST_REFITS}")
    real = inputs.train if inputs.control is None else joined((inputs.train, inputs.control))
    if len(real) < FEWEST:
        return [not_testable(MEASURE, "M", TOO_FEW, part=EVERYBODY, n=len(real))]
    audit = run_audit(inputs, real, rng, refits=refits, workers=workers, progress=progress)
    return _findings(audit)


def run_audit(
    inputs: Inputs,
    real: Subjects,
    rng: np.random.Generator,
    *,
    refits: int,
    workers: int,
    progress: Callable[[int, int, float], None] | None = None,
) -> Audit:
    """Fit and sample in every run, and look at every target.

    A ``refit`` that says ``by_position`` gets rows whose index is their position in ``real``.
    """
    refit = inputs.refit
    if refit is None:
        raise ValueError("a generator to refit is needed")
    encoder = encoder_of(real)
    everybody = encoder(real)
    alone = isolation(everybody.points)
    groups = _groups(real, alone, inputs.strata)
    targets = _targets(groups, len(real), rng)
    seen = watched(encoder, everybody, alone, targets, rng)
    decode = getattr(refit, "decode", None)
    by_position = getattr(refit, "by_position", False)
    halves = _halves(len(real), refits, rng)
    seeds = np.random.SeedSequence(rng.integers(2**32, size=4).tolist()).spawn(refits)
    streams = [np.random.default_rng(one) for one in seeds]

    def run(number: int) -> Floats:
        records = rows_of(real, halves[:, number])
        if by_position:
            records.frame.index = np.flatnonzero(halves[:, number])
        release = refit(records, len(records), streams[number])
        return features_of(seen, release, decode)

    made: list[Floats] = []
    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        for one in pool.map(run, range(refits)):
            made.append(one)
            if progress is not None:
                progress(len(made), refits, time.perf_counter() - began)
    features = np.stack(made, axis=1)
    if not np.isfinite(features).all():
        raise ValueError("a refit gave features that are no numbers")
    return Audit(
        features,
        halves[targets],
        {name: group[targets] for name, group in groups.items()},
        "black box only" if decode is None else "decoder",
    )


def features_of(seen: Watched, release: Subjects, decode: Any | None) -> Floats:
    """Features of a release, and of what a decoder makes of it beside them."""
    if len(release) == 0:
        raise ValueError("a refit made no patients")
    plain = seen.features(release)
    return plain if decode is None else np.hstack((plain, seen.features(decode(release))))


def _groups(
    real: Subjects, alone: Floats, strata: tuple[tuple[str, ...], ...]
) -> dict[str, Booleans]:
    groups = {
        EVERYBODY: np.ones(len(real), dtype=np.bool_),
        OUTLIERS: farthest(alone, ISOLATED, FEWEST_OUTLIERS),
    }
    for columns in strata:
        rows = list(zip(*(texts(real.frame[name]) for name in columns), strict=True))
        for codes in sorted({row for row in rows if None not in row}):
            name = ", ".join(f"{c}={v}" for c, v in zip(columns, codes, strict=True))
            groups[f"stratum {name}"] = np.array([row == codes for row in rows], dtype=np.bool_)
    return groups


def _targets(
    groups: dict[str, Booleans], size: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """People attacked: small groups whole, large ones by a random part."""
    if size <= MOST_TARGETS:
        return np.arange(size, dtype=np.intp)
    chosen = groups[OUTLIERS].copy()
    order = rng.permutation(size)
    for group in groups.values():
        members = order[group[order]]
        chosen[members[: max(FEWEST, MOST_TARGETS // (2 * len(groups)))]] = True
    left = order[~chosen[order]]
    chosen[left[: max(MOST_TARGETS - int(chosen.sum()), 0)]] = True
    return np.flatnonzero(chosen)


def _halves(size: int, refits: int, rng: np.random.Generator) -> Booleans:
    """Who is in each run; every second run takes those whom the one before left out."""
    inside = np.zeros((size, refits), dtype=np.bool_)
    for run in range(0, refits, 2):
        inside[rng.permutation(size)[: size // 2], run] = True
        inside[:, run + 1] = ~inside[:, run]
    return inside


def _findings(audit: Audit) -> list[Finding]:
    refits = audit.members.shape[1]
    detail = {"refits": refits, "access": audit.access, "features": audit.features.shape[2]}
    counts = attack_counts(audit.features, audit.members, audit.groups)
    findings = []
    for name, (best, _) in counts.items():
        people = int(audit.groups[name].sum())
        said = detail | {"people": people}
        findings.append(bounded(MEASURE, "M", name, best.advantage(), people * refits, said))
    strict = counts[OUTLIERS][1]
    people = int(audit.groups[OUTLIERS].sum())
    if strict is None:
        findings.append(not_testable(MEASURE, "M", TOO_FEW, part=STRICT, n=people, detail=detail))
    else:
        said = detail | {"true_alarms": float(strict.hits.sum() / strict.members.sum())}
        findings.append(bounded(MEASURE, "M", STRICT, strict.advantage(), people * refits, said))
    return findings
