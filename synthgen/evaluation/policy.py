"""Policies: which measures must run, on what, with which limits, each limit with its source.

A policy is data (``<id>.policy.json``, format ``policy/1``).  Its hash stands in every
evaluation that was made under it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthgen.errors import RefusedError, UsageError
from synthgen.evaluation.documents import document_hash, read_format
from synthgen.findings import is_finite
from synthgen.resources import data_root
from synthgen.schema.documents import one_line

FORMAT = "policy/1"
ENDING = ".policy.json"
FOLDER = "evaluation/policies"
PATIENT = "patient"


@dataclass(frozen=True)
class Limit:
    """Upper limit of the estimates of one measure, or of parts of it.

    Parameters
    ----------
    part : str or None
        Part that it holds for; with ``*`` at the end, every part that begins so; None for
        every part without a limit of its own.
    limit : float or None
        None where the steward must still fill it in.
    source : str
        Who says so.
    """

    part: str | None
    limit: float | None
    source: str

    def fit(self, part: str) -> int:
        """How closely it fits a part: the greater the closer, -1 if it does not."""
        if self.part is None:
            return 0
        if self.part.endswith("*"):
            return len(self.part) if part.startswith(self.part[:-1]) else -1
        return 1_000_000 if self.part == part else -1


@dataclass(frozen=True)
class MeasureRule:
    """What a policy asks of one measure.

    Parameters
    ----------
    measure : str
    required : bool
        Whether every finding of it must pass; otherwise it is reported and decides nothing.
    limits : tuple of Limit
        At least one where it is required, none where it is not.
    """

    measure: str
    required: bool
    limits: tuple[Limit, ...] = ()

    def limit_for(self, part: str) -> Limit | None:
        """The limit that fits a part most closely; None where none does."""
        best = max(self.limits, key=lambda limit: limit.fit(part), default=None)
        return best if best is not None and best.fit(part) >= 0 else None


@dataclass(frozen=True)
class Guarantee:
    """What a policy lets stand in for a finding that is not good enough.

    Parameters
    ----------
    kind : {"G0", "G1"}
        Published-only inputs that passed the table audit; differential privacy with a
        verified ledger.
    covers : mapping of str to frozenset of str
        Measure to the verdicts that are covered: ``inconclusive``, ``not_testable``.
    epsilon_max, delta_max : float or None
        Of G1.
    source : str
        Who says so.
    unit : str
        Of G1: whose data are protected as one.
    """

    kind: str
    covers: Mapping[str, frozenset[str]]
    source: str
    epsilon_max: float | None = None
    delta_max: float | None = None
    unit: str = PATIENT


@dataclass(frozen=True, eq=False)
class Policy:
    """A release policy; :func:`read_policy` makes it.

    Parameters
    ----------
    id, version, sha256 : str
        Name and hash of the document.
    measures : tuple of MeasureRule
    guarantees : tuple of Guarantee
    keys, strata : tuple of tuple of str
        Sets of columns: what an attacker may know, what is looked at one by one.
    secrets : tuple of str
        Columns that an attacker wants to learn.
    k_min : int
        Smallest group that may be shown [persons].
    max_evaluations : int
        How often one thing may be evaluated, because evaluations leak.
    expiry : date or None
        Last day on which it holds.
    document : mapping
        The whole policy, as it was read.
    """

    id: str
    version: str
    sha256: str
    measures: tuple[MeasureRule, ...]
    guarantees: tuple[Guarantee, ...]
    keys: tuple[tuple[str, ...], ...]
    strata: tuple[tuple[str, ...], ...]
    secrets: tuple[str, ...]
    k_min: int
    max_evaluations: int
    expiry: dt.date | None
    document: Mapping[str, Any]

    def rule(self, measure: str) -> MeasureRule | None:
        """What it asks of a measure; None if it does not name it."""
        return next((rule for rule in self.measures if rule.measure == measure), None)

    @property
    def required(self) -> tuple[str, ...]:
        """Measures whose findings must all pass."""
        return tuple(rule.measure for rule in self.measures if rule.required)

    @property
    def empty_limits(self) -> tuple[str, ...]:
        """Measures with a limit that the steward has not filled in."""
        return tuple(r.measure for r in self.measures if any(x.limit is None for x in r.limits))

    def title(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return str(self.document["title_ko" if language == "ko" else "title"])

    @property
    def missing_approvals(self) -> tuple[str, ...]:
        """Roles that have not approved, or have refused."""
        said = self.document["approvals"]
        given = [(a["role"], a["decision"]) for a in said["given"]]
        refused = {role for role, decision in given if decision == "refused"}
        approved = {role for role, decision in given if decision == "approved"} - refused
        return tuple(
            dict.fromkeys([*sorted(refused), *(r for r in said["needed"] if r not in approved)])
        )

    def __repr__(self) -> str:
        return f"<Policy {self.id} {self.version}: {len(self.required)} required measures>"


def shipped_policies() -> dict[str, Path]:
    """Shipped policy files by id, in order of id."""
    folder = data_root() / FOLDER
    return {p.name.removesuffix(ENDING): p for p in sorted(folder.glob(f"*{ENDING}"))}


def policy_path(policy: str | Path) -> Path:
    """File of a policy by id (shipped) or by path.

    Raises
    ------
    UsageError
        If there is none.
    """
    known = shipped_policies()
    if str(policy) in known:
        return known[str(policy)]
    if Path(policy).is_file():
        return Path(policy)
    raise UsageError(
        f"policy {one_line(policy)}: no such policy; shipped are {', '.join(known) or 'none'}, "
        f"or give a file *{ENDING}"
    )


def read_policy(policy: str | Path) -> Policy:
    """Policy by id (shipped) or by path, held against its JSON Schema.

    Raises
    ------
    UsageError
        If there is none, or it says something that a policy cannot say.
    """
    path = policy_path(policy)
    return policy_from(read_format(path, FORMAT, UsageError), path)


def policy_from(document: Mapping[str, Any], where: object) -> Policy:
    """Policy of a document that its JSON Schema describes.

    Raises
    ------
    UsageError
        If a measure stands twice, a part has two limits, a limit is not finite, a guarantee
        covers a measure that is not required, or the expiry is no day.
    """
    rules = tuple(_rule(said, where) for said in document["measures"])
    _refuse_twice((r.measure for r in rules), where, "measure")
    required = {r.measure for r in rules if r.required}
    if not required:
        raise UsageError(f"{where}: requires no measure; a policy that asks nothing is none")
    guarantees = tuple(_guarantee(said, required, where) for said in document["guarantees"])
    _refuse_twice((g.kind for g in guarantees), where, "guarantee")
    return Policy(
        document["id"],
        document["version"],
        document_hash(document),
        rules,
        guarantees,
        tuple(tuple(columns) for columns in document["keys"]),
        tuple(tuple(columns) for columns in document["strata"]),
        tuple(document["secrets"]),
        document["k_min"],
        document["budget"]["max_evaluations"],
        _day(document["expiry"], where),
        document,
    )


def narrowed(policy: Policy, measures: Collection[str]) -> Policy:
    """The same policy, asking only for some of its measures.

    Parameters
    ----------
    policy : Policy
    measures : collection of str
        The others cannot say anything about the kind of thing that is evaluated.

    Raises
    ------
    RefusedError
        If nothing is left that must pass.
    """
    rules = tuple(rule for rule in policy.measures if rule.measure in measures)
    if not any(rule.required for rule in rules):
        raise RefusedError(
            f"policy {policy.id}: asks nothing that could be measured here; only what a policy "
            "asks for can pass it"
        )
    return replace(policy, measures=rules)


def require_ready(policy: Policy, today: dt.date) -> None:
    """Refuse a policy that nothing can be evaluated under.

    Parameters
    ----------
    policy : Policy
    today : date

    Raises
    ------
    RefusedError
        If it has expired, or a limit is left for the steward to fill in.
    """
    if policy.expiry is not None and today > policy.expiry:
        raise RefusedError(
            f"policy {policy.id}: expired on {policy.expiry}; renew it and let it be approved again"
        )
    if policy.empty_limits:
        raise RefusedError(
            f"policy {policy.id}: the limit of {policy.empty_limits[0]} is not filled in; the "
            f"steward must state it with its source ({len(policy.empty_limits)} such measures)"
        )


def _rule(said: Mapping[str, Any], where: object) -> MeasureRule:
    limits = tuple(Limit(x.get("part"), x["limit"], x["source"]) for x in said.get("limits", ()))
    _refuse_twice((x.part for x in limits), where, f"part of {said['measure']}")
    for one in limits:
        if one.limit is not None and not is_finite(one.limit):  # 1e400 is infinite
            raise UsageError(f"{where}: the limit of {said['measure']} must be a finite number")
    return MeasureRule(said["measure"], said["required"], limits)


def _guarantee(said: Mapping[str, Any], required: set[str], where: object) -> Guarantee:
    _refuse_twice((c["measure"] for c in said["covers"]), where, "covered measure")
    for cover in said["covers"]:
        if cover["measure"] not in required:
            raise UsageError(
                f"{where}: {said['class']} covers {cover['measure']}, which is not required"
            )
    covers = {c["measure"]: frozenset(c["verdicts"]) for c in said["covers"]}
    limits = (said.get("epsilon_max"), said.get("delta_max"))
    if any(x is not None and not is_finite(x) for x in limits):
        raise UsageError(f"{where}: the limits of {said['class']} must be finite numbers")
    return Guarantee(said["class"], covers, said["source"], *limits, said.get("unit", PATIENT))


def _refuse_twice(names: Iterable[object], where: object, what: str) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"{where}: {what} {name or '(every part)'} stands twice")
        seen.add(name)


def _day(text: str | None, where: object) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{where}: expiry {one_line(text)} is no day") from error
