r"""What follows from findings under a policy: a pure function from numbers to verdicts.

For a finding with a limit :math:`\tau`, one-sided 95 % bounds and sound numbers:

* **fail** if the lower bound is over the limit, after Holm's correction within the family;
* **pass** if the upper bound is at or under it;
* **inconclusive** otherwise;
* **not testable** where nothing was measured, the measure crashed, nothing stands behind
  it (``n`` is 0), a number is not sound, or the policy has no limit for it.

Notes
-----
*Passing* is an intersection-union test (Berger 1982, doi:10.1080/00401706.1982.10487790): the
release passes only if every required finding does.  If even one true effect is over its
limit, that finding passes with a probability of at most 5 %, and so does the release,
however many findings there are and however they depend on each other.  Nothing is
corrected here, and nothing may be: a correction could only be towards more inconclusive.

*Failing* is where many findings add up to false alarms.  Within each family the hypotheses
"the effect is at or under its limit" are tested together by Holm's method (Holm 1979,
Scandinavian Journal of Statistics 6:65-70), which holds the probability of any false
``fail`` at 5 % under any dependence.  The p-value comes from the finding's own lower bound
on the normal scale: with :math:`s = \mathrm{estimate} - \mathrm{lower}`, which is 1.645
standard errors, :math:`p = 1 - \Phi(1.645\,(\mathrm{estimate} - \tau) / s)`; so p is at most
5 % exactly where the lower bound is at or over the limit.  A finding that Holm's method does not fail is
inconclusive, never a pass.  Exact findings (equal bounds) have no sampling error: they fail
or pass as they are and are not counted among the hypotheses.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from synthgen.evaluation.policy import Guarantee, Limit, Policy
from synthgen.findings import NO_RECORDS, PRIVATE, TOO_FEW, Finding, is_finite

#: One-sided level of the bounds of findings, and of Holm's method within a family.
ALPHA = 0.05

#: Reasons of ``not_testable`` that a guarantee may cover, where the policy says so: nobody
#: could have tested it, or fitted a model of private tables again and got the same.  A crash or a forgotten input is never among them.
COVERABLE = {"G0": (TOO_FEW, NO_RECORDS), "G1": (TOO_FEW, NO_RECORDS, PRIVATE)}

#: Measures that verify a ledger: its arithmetic, and the mechanisms that it names.
OF_A_LEDGER = ("privacy_accounting", "distinguishing_audit")

NO_LIMIT = "decision.why.no_limit"
NOT_SOUND = "decision.why.not_sound"
NOTHING_BEHIND = "decision.why.nothing_behind"
OVER = "decision.why.over"
UNDER = "decision.why.under"
BETWEEN = "decision.why.between"
HOLM = "decision.why.holm"


class Verdict(enum.Enum):
    """What a policy says of a finding; only ``PASS`` passes."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not_testable"


@dataclass(frozen=True)
class Judged:
    """One required finding, held against its limit.

    Parameters
    ----------
    finding : Finding
    limit : Limit or None
        None where the policy has none for its part.
    verdict : Verdict
    why : str
        Catalogue key.
    covered_by : str
        Guarantee that stands in for it (``"G0"``), ``""`` if none does.
    """

    finding: Finding
    limit: Limit | None
    verdict: Verdict
    why: str
    covered_by: str = ""

    @property
    def passes(self) -> bool:
        """Whether it passes, or a guarantee stands in for it."""
        return self.verdict is Verdict.PASS or bool(self.covered_by)

    def as_json(self) -> dict[str, Any]:
        """Plain values: which finding, its limit and verdict."""
        return {
            "measure": self.finding.measure,
            "part": self.finding.part,
            "limit": None if self.limit is None else self.limit.limit,
            "source": None if self.limit is None else self.limit.source,
            "verdict": self.verdict.value,
            "why": self.why,
            "covered_by": self.covered_by,
        }


@dataclass(frozen=True)
class Decision:
    """What a policy says of all findings together.

    Parameters
    ----------
    judged : tuple of Judged
        Findings of required measures, in their order.
    missing : tuple of str
        Required measures without a finding.
    guarantees : tuple of str
        Guarantees that hold, of those that were claimed.
    """

    judged: tuple[Judged, ...]
    missing: tuple[str, ...]
    guarantees: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether the policy lets it pass: something was required, and all of it passes."""
        return bool(self.judged) and not self.missing and all(j.passes for j in self.judged)

    @property
    def verdict(self) -> Verdict:
        """The worst that was found: fail, not testable, inconclusive, pass, in this order."""
        if self.passes:
            return Verdict.PASS
        open_ones = {j.verdict for j in self.judged if not j.passes}
        if Verdict.FAIL in open_ones:
            return Verdict.FAIL
        if self.missing or not self.judged or Verdict.NOT_TESTABLE in open_ones:
            return Verdict.NOT_TESTABLE
        return Verdict.INCONCLUSIVE

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "passes": self.passes,
            "verdict": self.verdict.value,
            "missing": list(self.missing),
            "guarantees": list(self.guarantees),
            "judged": [judged.as_json() for judged in self.judged],
        }


def decide(
    findings: Sequence[Finding], policy: Policy, claims: Collection[str] = frozenset()
) -> Decision:
    """Hold findings against a policy.

    Parameters
    ----------
    findings : sequence of Finding
    policy : Policy
    claims : collection of str
        Guarantees that somebody else has made sure of: ``"G0"``, only published statistics
        went in; ``"G1"``, a verified ledger of differential privacy within the policy's
        limits.  G0 holds only if, beside that, every required finding about the input
        tables (family I) passes, and there is one; G1 only if every finding about the ledger
        (:data:`OF_A_LEDGER`) is required and passes, and there is one of each measure.

    Returns
    -------
    Decision
        Depends on nothing else; equal arguments give equal decisions.
    """
    required = set(policy.required)
    asked = [finding for finding in findings if finding.measure in required]
    limits = [_limit(finding, policy) for finding in asked]
    failed = _failed(asked, limits)
    judged = [
        _judge(finding, limit, holm=holm)
        for finding, limit, holm in zip(asked, limits, failed, strict=True)
    ]
    held = _held(judged, policy, claims)
    present = {finding.measure for finding in asked}
    return Decision(
        tuple(_covered(one, held) for one in judged),
        tuple(measure for measure in policy.required if measure not in present),
        tuple(guarantee.kind for guarantee in held),
    )


def _limit(finding: Finding, policy: Policy) -> Limit | None:
    rule = policy.rule(finding.measure)
    return rule.limit_for(finding.part) if rule is not None else None


def _is_sound(finding: Finding) -> bool:
    """Whether its numbers can be read at all, however it was made."""
    bounds = [b for b in (finding.lower, finding.upper) if b is not None]
    if not is_finite(finding.estimate) or not all(is_finite(b) for b in bounds):
        return False
    return len(bounds) < 2 or bounds[0] <= bounds[1]


def _is_testable(finding: Finding, limit: Limit | None) -> bool:
    return (
        finding.reason is None
        and _is_sound(finding)
        and is_finite(finding.n)
        and finding.n > 0
        and limit is not None
        and is_finite(limit.limit)
    )


def p_value(finding: Finding, limit: float) -> float:
    """Probability of such a lower bound if the effect were at its limit, on the normal scale.

    Parameters
    ----------
    finding : Finding
        Measured, with sound numbers.
    limit : float

    Examples
    --------
    >>> measured = Finding("linkability", "C", "", 0.2, 0.1, 0.3, n=60, detectable=None)
    >>> round(p_value(measured, 0.1), 4)
    0.05
    """
    if finding.lower is None or finding.estimate is None:
        return 1.0
    if finding.lower >= finding.estimate:  # no error on this side: over the limit or not
        return 0.0 if finding.lower > limit else 1.0
    normal = NormalDist()
    spread = (finding.estimate - finding.lower) / normal.inv_cdf(1 - ALPHA)
    return 1.0 - normal.cdf((finding.estimate - limit) / spread)


def _failed(asked: Sequence[Finding], limits: Sequence[Limit | None]) -> list[bool]:
    """Which findings Holm's method fails, family by family."""
    failed = [False] * len(asked)
    families: dict[str, list[tuple[float, int]]] = {}
    for at, (finding, limit) in enumerate(zip(asked, limits, strict=True)):
        if not _is_testable(finding, limit) or limit is None or limit.limit is None:
            continue
        if finding.is_exact:
            failed[at] = True  # counts only where it is over the limit
        else:
            families.setdefault(finding.family, []).append((p_value(finding, limit.limit), at))
    for members in families.values():
        for rank, (p, at) in enumerate(sorted(members)):
            if p > ALPHA / (len(members) - rank):
                break
            failed[at] = True
    return failed


def _judge(finding: Finding, limit: Limit | None, *, holm: bool) -> Judged:
    def judged(verdict: Verdict, why: str) -> Judged:
        return Judged(finding, limit, verdict, why)

    if finding.reason is not None:
        return judged(Verdict.NOT_TESTABLE, finding.reason)
    if not _is_sound(finding):
        return judged(Verdict.NOT_TESTABLE, NOT_SOUND)
    if limit is None or limit.limit is None or not is_finite(limit.limit):
        return judged(Verdict.NOT_TESTABLE, NO_LIMIT)
    if not _is_testable(finding, limit):
        return judged(Verdict.NOT_TESTABLE, NOTHING_BEHIND)
    estimate, lower, upper = finding.estimate, finding.lower, finding.upper
    if lower is not None and lower > limit.limit:
        return judged(Verdict.FAIL, OVER) if holm else judged(Verdict.INCONCLUSIVE, HOLM)
    under = upper is not None and upper <= limit.limit
    if under and estimate is not None and estimate <= limit.limit:
        return judged(Verdict.PASS, UNDER)
    return judged(Verdict.INCONCLUSIVE, BETWEEN)


def _held(
    judged: Sequence[Judged], policy: Policy, claims: Collection[str]
) -> tuple[Guarantee, ...]:
    """Guarantees of the policy that hold."""
    tables = [one for one in judged if one.finding.family == "I"]
    holds = {"G0": bool(tables), "G1": True}
    holds["G0"] &= all(one.verdict is Verdict.PASS for one in tables)
    for measure in OF_A_LEDGER:
        found = [one for one in judged if one.finding.measure == measure]
        holds["G1"] &= bool(found) and all(one.verdict is Verdict.PASS for one in found)
    return tuple(
        guarantee
        for guarantee in policy.guarantees
        if guarantee.kind in claims and holds.get(guarantee.kind, False)
    )


def _covered(one: Judged, held: Sequence[Guarantee]) -> Judged:
    if one.verdict in (Verdict.PASS, Verdict.FAIL) or one.finding.family in ("I", "U"):
        return one  # what guarantees speak about is people, neither tables nor usefulness
    for guarantee in held:
        if one.verdict is Verdict.NOT_TESTABLE and one.why not in COVERABLE[guarantee.kind]:
            continue
        if one.verdict.value in guarantee.covers.get(one.finding.measure, ()):
            return Judged(one.finding, one.limit, one.verdict, one.why, guarantee.kind)
    return one
