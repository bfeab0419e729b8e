"""M2: whether the mechanisms that a ledger names keep its claim, tried and not believed.

What is run is the code of this installation, with the sensitivities and scales of the ledger:
noise that somebody else drew elsewhere cannot be drawn again.  Noise of OpenDP has no seed, so
that the proven epsilon differs a little from run to run; what is decided differs in one of ten
million.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.enclave.private.noise import OpenDPNoise, RepeatedNoise
from synthgen.errors import MissingExtraError
from synthgen.fidelity.results import counted
from synthgen.findings import Finding, Inputs, not_testable
from synthgen.privacy.accounting import epsilon_of
from synthgen.privacy.distinguishing import Audited, audited
from synthgen.privacy.privacy_accounting import NO_CLAIM, packs_of
from synthgen.privacy.private_mechanisms import (
    audit_of_gaussian,
    audit_of_selection,
    reach,
)
from synthgen.privacy.tabulation_audit import audit_of_tabulation
from synthgen.statistics.ledger import Ledger, LedgerEntry

MEASURE = "distinguishing_audit"
NO_DP_EXTRA = "measure.reason.no_dp_extra"
"""Catalogue key: OpenDP is not installed, so that its noise cannot be drawn."""

NOISE, SELECTION, TOGETHER, WHOLE = (
    "noise",
    "selection",
    "all questions together",
    "whole tabulation",
)
"""Parts."""

DRAWS = 100_000
"""Draws of Gaussian noise.  Each answers on both data sets, which the bounds allow: they hold
together however the two depend on each other.  So many prove an epsilon of up to 8.4."""

SELECTIONS = 40_000
"""Selections, on both data sets together."""

SECONDS = 0.5
"""Computing time of a thread for the selections on either data set, after which fewer will do.
What is drawn is not looked at before, so that the bounds hold."""

MOST_ENTRIES = 1_000
"""Questions that are put together, the most expensive first."""


def distinguishing_audit(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Epsilon that is proven of a ledger's mechanisms, less the one that is claimed.

    Parameters
    ----------
    inputs : Inputs
        With ``pack``, or a model.
    rng : numpy.random.Generator
        Not used: the noise of releases has no seed.

    Returns
    -------
    list of Finding
        ``noise`` and ``selection``, the most expensive question of each mechanism against its
        own cost; ``all questions together`` against the whole claim; ``whole tabulation``, the
        code of this installation on invented patients against a claim of its own.  Over zero, a
        claim is false.  ``no claim`` where there is no ledger.
    """
    del rng
    ledgers = [pack.ledger for pack in packs_of(inputs) if pack.ledger is not None]
    if not ledgers:
        return [counted(MEASURE, "M", NO_CLAIM, 0.0, 1, {"of_the_kind": 0})]
    try:
        noise = OpenDPNoise()
    except MissingExtraError:
        return [not_testable(MEASURE, "M", NO_DP_EXTRA)]
    found = []
    for number, ledger in enumerate(ledgers, start=1):
        suffix = f" {number}" if len(ledgers) > 1 else ""
        found += [
            finding_of(part + suffix, one, noise.name) for part, one in audits_of(ledger, noise)
        ]
    return [*found, finding_of(WHOLE, audit_of_tabulation(noise), noise.name)]


def finding_of(part: str, found: Audited, noise: str) -> Finding:
    """Finding of one audit: exact, because its error is in the bound already.

    Parameters
    ----------
    part : str
    found : Audited
    noise : str
        What drew it.
    """
    detail = {
        "epsilon_proven": found.epsilon_proven,
        "epsilon_claimed": found.epsilon,
        "delta": found.delta,
        "provable": found.ceiling,
        "of": found.name,
        "noise": noise,
    }
    return counted(MEASURE, "M", part, found.excess, found.draws, detail)


def audits_of(
    ledger: Ledger, noise: RepeatedNoise, draws: int = DRAWS, selections: int = SELECTIONS
) -> list[tuple[str, Audited]]:
    """Audits of a ledger's mechanisms, with the name of their part.

    Parameters
    ----------
    ledger : Ledger
    noise : RepeatedNoise
        What draws it.
    draws, selections : int
        Of noise; of selections, on both data sets together.
    """
    made = []
    measured = _most_expensive(ledger.entries, "discrete_gaussian")
    if measured:
        first = measured[0]
        claim = (epsilon_of(first.rho, ledger.delta), ledger.delta)
        one = audit_of_gaussian(noise.repeated, first.sensitivity, first.scale, claim, draws)
        made.append((NOISE, one))
    chosen = _most_expensive(ledger.entries, "exponential")
    if chosen:
        first = chosen[0]
        claim = (epsilon_of(first.rho, ledger.delta), ledger.delta)
        selected = audit_of_selection(
            lambda scores, scale, n: _choices(noise, scores, scale, n),
            first.sensitivity,
            first.scale,
            claim,
            selections,
        )
        made.append((SELECTION, selected))
    if len(measured) > 1:
        made.append((TOGETHER, _together(measured[:MOST_ENTRIES], ledger, noise, draws)))
    return made


def _most_expensive(entries: Sequence[LedgerEntry], mechanism: str) -> list[LedgerEntry]:
    own = [entry for entry in entries if entry.mechanism == mechanism]
    return sorted(own, key=lambda entry: entry.scale / entry.sensitivity)


UNITS = 1024
"""Whole numbers that a score's unit is divided into: the library selects on whole numbers."""


def _choices(noise: RepeatedNoise, scores: Sequence[float], scale: float, n: int) -> list[int]:
    unit = UNITS / max(abs(score) for score in scores)
    whole = [round(score * unit) for score in scores]
    return noise.choices(whole, scale * unit, n, SECONDS)


def _together(
    entries: Sequence[LedgerEntry], ledger: Ledger, noise: RepeatedNoise, draws: int
) -> Audited:
    """Audit of all noisy counts at once: the person changes each by its whole sensitivity."""
    runs = max(1, draws // len(entries))
    scores = [np.zeros(runs), np.zeros(runs)]
    for entry in entries:
        shift = max(1.0, float(np.floor(entry.sensitivity)))
        drawn = noise.repeated(entry.scale, runs).astype(np.float64)
        for side, answer in enumerate((drawn, drawn + shift)):
            scores[side] += shift * (answer - shift / 2.0) / entry.scale**2
    loss = sum(0.5 * (max(1.0, np.floor(e.sensitivity)) / e.scale) ** 2 for e in entries)
    name = f"{len(entries)} noisy questions"
    claim = (ledger.epsilon, ledger.delta)
    return audited(name, scores[0], scores[1], claim, reach(float(loss)))
