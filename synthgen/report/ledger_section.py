"""What differential privacy cost, as people read it: budget, meaning, questions, hazards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthgen.report.words import Words, percent, plain, say

SHOWN = 30
"""Entries that the page lists; ``ledger.json`` has them all."""

PRIOR = 0.1
"""Probability before anything was seen, of the sentence that says what epsilon means."""

TOLD = {True: "evaluation.yes", False: "evaluation.no", None: "evaluation.ledger.hazard_open"}


@dataclass(frozen=True)
class Fact:
    """One line of facts."""

    name: Words
    value: Words
    code: bool = False


@dataclass(frozen=True)
class EntryRow:
    """One question that was asked of the records."""

    step: Words
    of: Words
    mechanism: Words
    sensitivity: str
    scale: str
    cost: str


@dataclass(frozen=True)
class HazardRow:
    """One hazard of NIST SP 800-226, and what is known of it.

    Parameters
    ----------
    name : Words
    told : Words
        Yes, no, or that people must say.
    verdict : str
        ``pass``, ``fail`` or ``reported``, for the sign beside it.
    """

    name: Words
    told: Words
    verdict: str


@dataclass(frozen=True)
class LedgerSection:
    """One ledger.

    Parameters
    ----------
    pack : str
    meaning : Words
    facts : tuple of Fact
    entries : tuple of EntryRow
    more : int
        Entries that are not listed.
    hazards : tuple of HazardRow
    """

    pack: str
    meaning: Words
    facts: tuple[Fact, ...]
    entries: tuple[EntryRow, ...]
    more: int
    hazards: tuple[HazardRow, ...]


def ledger_sections(document: Mapping[str, Any]) -> tuple[LedgerSection, ...]:
    """Ledgers of an evaluation, of either edition; none where nothing was claimed.

    Parameters
    ----------
    document : mapping
        ``evaluation.json`` or its public edition.
    """
    return tuple(_section(said) for said in document.get("ledgers", ()))


def meaning(epsilon: float, delta: float) -> Words:
    """What epsilon and delta mean for one patient.

    Parameters
    ----------
    epsilon, delta : float

    Notes
    -----
    Odds change by a factor of at most ``exp(epsilon)``; a probability of 10 % beforehand is
    0.1 exp(epsilon) / (0.9 + 0.1 exp(epsilon)) afterwards at most (NIST SP 800-226).
    """
    odds = math.exp(-min(epsilon, 700.0)) * (1 - PRIOR) / PRIOR
    factor = f"{math.exp(epsilon):.3g}" if epsilon < 14 else f"e^{epsilon:.3g}"
    return say(
        "evaluation.ledger.meaning",
        factor=factor,
        delta=f"{delta:.3g}",
        posterior=percent(1.0 / (1.0 + odds)),
    )


def _section(said: Mapping[str, Any]) -> LedgerSection:
    epsilon = max(said["epsilon"], said["epsilon_spent"])
    rows = ", ".join(f"{table} {n}" for table, n in said["rows_per_unit"].items())

    def twice(name: str) -> Words:
        return plain(f"{said[name]:.4g} · {said[f'{name}_spent']:.4g}")

    facts = (
        Fact(say("evaluation.ledger.pack"), plain(said["pack"])),
        Fact(say("evaluation.ledger.epsilon"), twice("epsilon")),
        Fact(say("evaluation.ledger.delta"), plain(f"{said['delta']:.3g}")),
        Fact(say("evaluation.ledger.rho"), twice("rho")),
        Fact(say("evaluation.ledger.unit"), plain(f"{said['unit']} ({said['neighbours']})")),
        Fact(say("evaluation.ledger.rows"), plain(rows or "–")),
        Fact(say("evaluation.ledger.public"), plain("; ".join(said["public"]) or "–")),
        Fact(say("evaluation.ledger.noise"), plain(said["noise"])),
        Fact(say("evaluation.ledger.accounting"), plain(said["accounting"])),
    )
    entries = said["entries"]
    hazards = tuple(
        HazardRow(
            say(f"ledger.hazard.{name}"),
            say(TOLD[told]),
            "reported" if told is None else ("pass" if told else "fail"),
        )
        for name, told in said["hazards"].items()
    )
    return LedgerSection(
        said["pack"],
        meaning(epsilon, said["delta"]),
        facts,
        tuple(_row(entry) for entry in entries[:SHOWN]),
        max(0, len(entries) - SHOWN),
        hazards,
    )


def _row(entry: Mapping[str, Any]) -> EntryRow:
    return EntryRow(
        say(f"ledger.step.{entry['step']}"),
        plain(entry["of"]) if entry["of"] else say("evaluation.ledger.everybody"),
        say(f"ledger.mechanism.{entry['mechanism']}"),
        f"{entry['sensitivity']:.4g}",
        f"{entry['scale']:.4g}",
        f"{entry['rho']:.3g}",
    )


def budget_answer(document: Mapping[str, Any]) -> Words:
    """What was spent, in one line: for the dossier."""
    ledgers = document.get("ledgers", ())
    if not ledgers:
        return say("dossier.a.no_budget")
    held = "G1" in document["decision"]["guarantees"]
    return say(
        "dossier.a.budget",
        epsilon=f"{math.fsum(max(x['epsilon'], x['epsilon_spent']) for x in ledgers):.4g}",
        delta=f"{math.fsum(x['delta'] for x in ledgers):.3g}",
        unit=", ".join(dict.fromkeys(x["unit"] for x in ledgers)),
        n=sum(len(x["entries"]) for x in ledgers),
        state=say("dossier.a.budget_held" if held else "dossier.a.budget_open"),
    )
