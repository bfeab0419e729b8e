"""Guarantees that a target may claim, before the findings are looked at.

Whether a claimed guarantee holds is decided with the findings
(:func:`synthgen.evaluation.decide.decide`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from synthgen.evaluation.policy import Guarantee, Policy
from synthgen.evaluation.target import PACK, PUBLIC, Target
from synthgen.privacy.accounting import epsilon_spent, exceeds
from synthgen.privacy.privacy_accounting import hazards, ledger_document
from synthgen.statistics.model import StatisticsPack


def packs_behind(target: Target) -> list[StatisticsPack]:
    """Packs from which a target was made: of a model, and of its prior; each once.

    Parameters
    ----------
    target : Target
        Of a cohort whose model is not at hand, or does not give its rows again, nothing is known.
    """
    if target.kind == PACK:
        return [] if target.pack is None else [target.pack]
    if target.model is None or target.doubt:
        return []
    prior = target.model.prior
    return [target.model.pack, *([] if prior is None else [prior.pack])]


def claims_of(target: Target, policy: Policy) -> frozenset[str]:
    """Guarantees that a target may claim under a policy.

    Parameters
    ----------
    target : Target
    policy : Policy

    Returns
    -------
    frozenset of str
        ``"G0"`` where nothing but published statistics went in; ``"G1"`` where every pack
        behind it is public or has a ledger, at least one has, and what they cost together is
        within the policy's limits, as claimed and as added up again.
    """
    claims = {"G0"} if target.is_public else set[str]()
    limits = next((g for g in policy.guarantees if g.kind == "G1"), None)
    if limits is not None and _is_private(packs_behind(target), limits):
        claims.add("G1")
    return frozenset(claims)


def _is_private(packs: Sequence[StatisticsPack], limits: Guarantee) -> bool:
    ledgers = [pack.ledger for pack in packs if pack.ledger is not None]
    bare = [pack for pack in packs if pack.ledger is None and pack.origin != PUBLIC]
    if not ledgers or bare or limits.epsilon_max is None or limits.delta_max is None:
        return False
    epsilon = math.fsum(max(ledger.epsilon, epsilon_spent(ledger)) for ledger in ledgers)
    delta = math.fsum(ledger.delta for ledger in ledgers)
    within = not exceeds(epsilon, limits.epsilon_max) and not exceeds(delta, limits.delta_max)
    return within and all(ledger.unit == limits.unit for ledger in ledgers)


def ledgers_of(target: Target) -> list[dict[str, Any]]:
    """Ledgers behind a target, as an evaluation shows them."""
    return [
        {"pack": pack.id, **said, "hazards": hazards(pack, target.schema)}
        for pack in packs_behind(target)
        for said in (ledger_document(pack),)
        if said is not None
    ]
