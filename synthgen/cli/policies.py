"""Policies on a terminal: what ``catalog``, ``show`` and ``check`` say of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from synthgen.evaluation.policy import Policy


def is_policy(name: str) -> bool:
    """Whether a name is a shipped policy or a file that is called like one."""
    from pathlib import Path

    from synthgen.evaluation.policy import ENDING, shipped_policies

    return name in shipped_policies() or (Path(name).is_file() and name.endswith(ENDING))


def policy_rows(lang: str) -> list[dict[str, Any]]:
    """One row of the catalogue for each shipped policy."""
    from synthgen.evaluation.policy import read_policy, shipped_policies
    from synthgen.messages import message

    rows = []
    for name in shipped_policies():
        policy = read_policy(name)
        key = "catalog.policy_open" if policy.empty_limits else "catalog.policy"
        size = message(key, lang, measures=len(policy.required))
        rows.append({"id": name, "kind": "policy", "title": policy.title(lang), "size": size})
    return rows


def show_policy(name: str, lang: str, *, as_json: bool) -> None:
    """Print a policy: every measure, with its limits and who says so."""
    from synthgen.cli.printing import named, print_rows
    from synthgen.evaluation.policy import read_policy
    from synthgen.messages import message

    policy = read_policy(name)
    if as_json:
        click.echo(json.dumps(dict(policy.document), ensure_ascii=False, indent=1))
        return
    said = policy.document
    click.echo(f"{policy.id} {policy.version}: {policy.title(lang)}")
    click.echo(said.get("description_ko" if lang == "ko" else "description", ""))
    click.echo(f"sha256 {policy.sha256}\n")
    print_rows(named(_limits(policy, lang), lang))
    click.echo("")
    columns: dict[str, Any] = {
        "keys": "; ".join("+".join(key) for key in policy.keys) or "-",
        "secrets": ", ".join(policy.secrets) or "-",
        "strata": "; ".join("+".join(stratum) for stratum in policy.strata) or "-",
        "k_min": policy.k_min,
        "evaluations": f"{policy.max_evaluations}: {said['budget']['source']}",
        "expiry": policy.expiry or "-",
    }
    rows = [{"about": message(f"policy.{k}", lang), "value": v} for k, v in columns.items()]
    print_rows(named(rows, lang))
    for guarantee in policy.guarantees:
        click.echo(
            message(
                "policy.guarantee",
                lang,
                kind=guarantee.kind,
                measures=", ".join(guarantee.covers),
                source=guarantee.source,
            )
        )


def _number(limit: float) -> str:
    return f"{limit:,.0f}" if abs(limit) >= 1000 else f"{limit:g}"


def _limits(policy: Policy, lang: str) -> list[dict[str, Any]]:
    from synthgen.evaluation.measures import MEASURES
    from synthgen.messages import message

    rows = []
    for rule in policy.measures:
        known = rule.measure in MEASURES  # check refuses a policy that names another
        title = message(f"measure.{rule.measure}.title", lang) if known else "-"
        first = {"measure": rule.measure, "title": title}
        for limit in rule.limits:
            number = limit.limit
            value = message("policy.to_fill_in", lang) if number is None else _number(number)
            rows.append(first | {"part": limit.part or "*", "limit": value, "source": limit.source})
        if not rule.limits:
            source = message("policy.only_reported", lang)
            rows.append(first | {"part": "*", "limit": "-", "source": source})
    return rows


def check_policy(name: str, *, as_json: bool) -> None:
    """Refuse a policy that says something odd, or that nothing can be evaluated under.

    Raises
    ------
    UsageError
        If it cannot be read, or names a measure that there is not.
    RefusedError
        If it has expired, or a limit is empty.
    """
    from synthgen.errors import UsageError
    from synthgen.evaluation.measures import MEASURES
    from synthgen.evaluation.policy import read_policy, require_ready

    policy = read_policy(name)
    unknown = [rule.measure for rule in policy.measures if rule.measure not in MEASURES]
    if unknown:
        raise UsageError(
            f"policy {policy.id}: names a measure {unknown[0]} that there is not; there are "
            f"{', '.join(MEASURES)} ({len(unknown)} such measures)"
        )
    facts = {
        "policy": policy.id,
        "version": policy.version,
        "sha256": policy.sha256,
        "required": list(policy.required),
        "empty_limits": list(policy.empty_limits),
        "missing_approvals": list(policy.missing_approvals),
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=1))
    else:
        click.echo(
            f"{policy.id} {policy.version}: {len(policy.required)} measures must pass, "
            f"{len(policy.missing_approvals)} approvals are missing (sha256 {policy.sha256[:12]}...)"
        )
    require_ready(policy, datetime.now(UTC).date())
