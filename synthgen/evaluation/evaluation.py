"""An evaluation: findings, and what a policy decides on them, as they are written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.errors import VerificationError
from synthgen.evaluation.decide import OF_A_LEDGER, Decision, decide
from synthgen.evaluation.documents import read_format, require_format
from synthgen.evaluation.measures import MEASURES
from synthgen.evaluation.policy import Policy, narrowed, policy_from
from synthgen.evaluation.target import FAMILIES_OF
from synthgen.findings import Finding

FORMAT = "evaluation/1"
EVALUATION = "evaluation.json"
PUBLIC_EDITION = "evaluation.public.json"
POLICY = "policy.json"
SELF_TEST = "self_test.json"
REPORT = "report.html"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Findings under a policy.

    Parameters
    ----------
    document : mapping
        All of it, as in ``evaluation.json``.
    policy : Policy
        The whole policy; of a pack, only what it asks about tables was asked.
    findings : tuple of Finding
    decision : Decision
    """

    document: Mapping[str, Any]
    policy: Policy
    findings: tuple[Finding, ...]
    decision: Decision

    @property
    def passes(self) -> bool:
        """Whether the policy lets it pass."""
        return self.decision.passes

    def __repr__(self) -> str:
        target = self.document["target"]
        return (
            f"<Evaluation of {target['kind']} {target['name']} under {self.policy.id}: "
            f"{self.decision.verdict.value}, {len(self.findings)} findings>"
        )


def asked(policy: Policy, kind: str) -> Policy:
    """What a policy asks about one kind of target: of a pack, its tables and its ledger.

    Raises
    ------
    RefusedError
        If it asks nothing about it.
    """
    families = FAMILIES_OF[kind]
    return narrowed(
        policy,
        [n for n, one in MEASURES.items() if one.family in families or n in OF_A_LEDGER],
    )


def decided(
    findings: tuple[Finding, ...], policy: Policy, kind: str, claims: frozenset[str]
) -> Decision:
    """Decision on findings about one kind of target."""
    return decide(findings, asked(policy, kind), claims)


def evaluation_from(
    document: Mapping[str, Any], policy_document: Mapping[str, Any], where: object
) -> Evaluation:
    """Evaluation of its two documents; what follows from the findings is decided anew.

    Raises
    ------
    VerificationError
        If a document is of another form, the policy is another one, a finding cannot be
        true, or the decision that stands there does not follow from the findings.
    """
    require_format(document, FORMAT, where, VerificationError)
    require_format(policy_document, "policy/1", f"{where}: policy", VerificationError)
    policy = policy_from(policy_document, where)
    if policy.sha256 != document["policy"]["sha256"]:
        raise VerificationError(f"{where}: was made under another policy than {POLICY} beside it")
    unknown = sorted({rule.measure for rule in policy.measures} - set(MEASURES))
    if unknown:
        raise VerificationError(
            f"{where}: this synthgen has no measure {unknown[0]}; use the version that made it"
        )
    try:
        findings = tuple(Finding(**said) for said in document["findings"])
    except (TypeError, ValueError) as error:
        raise VerificationError(f"{where}: holds a finding that cannot be true") from error
    kind, claims = document["target"]["kind"], frozenset(document["claims"])
    decision = decided(findings, policy, kind, claims)
    if decision.as_json() != document["decision"]:
        raise VerificationError(f"{where}: its decision does not follow from its findings")
    return Evaluation(document, policy, findings, decision)


def read_evaluation(folder: Path) -> Evaluation:
    """Evaluation in a folder, decided anew.

    Raises
    ------
    VerificationError
        If a file is missing, cannot be read, or says something that does not follow.
    """
    path = folder / EVALUATION
    document = read_format(path, FORMAT, VerificationError)
    policy = read_format(folder / POLICY, "policy/1", VerificationError)
    return evaluation_from(document, policy, path)
