"""``synthgen audit``: what the tables of packs give away, together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from synthgen.evaluation.policy import Policy
    from synthgen.statistics.audit import AuditReport

MIN_CELL = 5


@click.command()
@click.argument("packs", nargs=-1, required=True, metavar="PACK...")
@click.option("--policy", "policy_id", default="", help="Policy, by id or file: its limits decide.")
@click.option(
    "--min-cell",
    type=click.IntRange(2),
    default=None,
    help=f"Smallest number of patients that may be recognised; {MIN_CELL} by default.",
)
@click.option(
    "--min-width",
    type=click.IntRange(1),
    default=None,
    help="Other values that a hidden number must keep; half of min-cell by default.",
)
@click.option("--institution", default=None, help="Variable that tells institutions apart.")
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of the report.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    packs: tuple[str, ...],
    policy_id: str,
    min_cell: int | None,
    min_width: int | None,
    institution: str | None,
    lang: str,
    as_json: bool,
) -> None:
    """Say what the tables of all PACKs together give away about small groups.

    Give every pack that was ever released about the same people: earlier releases, other
    years, other groupings.  Hidden numbers are worked out as an attacker would, by
    subtraction and by linear programs; the report names the numbers that give a cell away,
    and the cheapest remedy.  Ends with exit code 3 if a limit was asked for (--policy,
    --min-cell, --min-width) and something is given away.

    \b
    Examples:
      synthgen audit my-pack/ --min-cell 5
      synthgen audit release-2023/ release-2024/ --policy public --lang ko
      synthgen audit kr-demo/statistics --json
    """
    from synthgen.errors import RefusedError
    from synthgen.evaluation.policy import read_policy
    from synthgen.statistics.audit import audit, limits_for
    from synthgen.statistics.locate import pack_folder
    from synthgen.statistics.read import read_pack

    policy = read_policy(policy_id) if policy_id else None
    smallest = min_cell or (policy.k_min if policy is not None else MIN_CELL)
    report = audit(
        [read_pack(pack_folder(pack)) for pack in packs],
        limits=limits_for(smallest, min_width),
        institution=institution,
    )
    refused = _refused(report, policy)
    if as_json:
        document = report.as_json()
        if policy is not None:
            document["policy"] = {"id": policy.id, "sha256": policy.sha256, "refuses": refused}
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        for line in report.lines(lang):
            click.echo(line)
    asked = policy is not None or min_cell is not None or min_width is not None
    if asked and refused:
        raise RefusedError(
            f"{', '.join(report.releases)}: must not be released as it is: "
            f"{', '.join(refused)} ({len(report.at_risk)} hidden numbers are too well known)"
        )


def _refused(report: AuditReport, policy: Policy | None) -> list[str]:
    """Measures over their limits: a policy's own where it has some, else nothing at all.

    A policy may judge numbers that anybody can read already apart from others.
    """
    from synthgen.evaluation.table_audit import ALREADY_PUBLISHED, OF_PRINTED_NUMBERS
    from synthgen.statistics.audit.report import NO_INSTITUTION, NO_SURVIVAL

    refused = []
    for finding in report.findings():
        known = report.is_public and finding.measure in OF_PRINTED_NUMBERS
        rule = None if policy is None else policy.rule(finding.measure)
        if rule is None or not rule.required:
            if finding.measure in report.failed:
                refused.append(finding.measure)
            continue
        limit = rule.limit_for(ALREADY_PUBLISHED if known else finding.part)
        nothing = finding.reason in {NO_SURVIVAL, NO_INSTITUTION}
        upper = None if limit is None else limit.limit
        passes = nothing or (
            finding.estimate is not None and upper is not None and finding.estimate <= upper
        )
        if not passes:
            refused.append(finding.measure)
    return refused
