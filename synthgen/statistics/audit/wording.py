"""The report of an audit in sentences, Korean and English, for a committee that decides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthgen.messages import message
from synthgen.statistics.audit.facts import Where

if TYPE_CHECKING:
    from synthgen.statistics.audit.checks import Problem
    from synthgen.statistics.audit.report import AuditReport, HiddenCell

MOST_LISTED = 40
"""Most lines of one kind; the JSON has all."""

MOST_NAMED = 6
"""Most printed numbers named in one line."""
NOTHING_PRINTED = {"implied_counts": "audit.no_shares", "survival_steps": "audit.no_steps"}
"""What is said where the packs print nothing of the kind, in place of "0 of 0"."""


def report_lines(report: AuditReport, language: str) -> list[str]:
    """What an audit found, most serious first, with what to do about it."""
    limits = report.limits
    lines = [
        message(
            "audit.head", language, packs=", ".join(report.releases), hidden=len(report.cells),
            recovered=len(report.recovered), risk=len(report.at_risk), k=limits.min_cell,
            width=limits.min_width,
        )
    ]  # fmt: skip
    lines += _limited([_cell(report, cell, language) for cell in report.at_risk], language)
    for name in (
        "smallest_cell",
        "homogeneity",
        "implied_counts",
        "survival_steps",
        "differencing",
    ):
        found = report.problems.get(name, ())
        if name in NOTHING_PRINTED and not report.looked_at[name]:
            lines.append(message(NOTHING_PRINTED[name], language))
            continue
        lines.append(
            message(f"audit.{name}", language, found=len(found), n=report.looked_at[name],
                    k=limits.min_cell, group=limits.small_group, events=limits.events,
                    risk=limits.at_risk)
        )  # fmt: skip
        lines += _limited([_problem(report, problem, language) for problem in found], language)
    lines += _dominance(report, language)
    for where, helps in report.remedies[:MOST_LISTED]:
        lines.append(message("audit.remedy", language, where=place(where, language), helps=helps))
    if report.at_risk:
        lines.append(message("audit.remedy.round", language, k=limits.min_cell))
    aside = Counter((f.where.release, f.where.table) for f in report.set_aside)
    lines += [
        message("audit.set_aside", language, release=release, table=table, many=many)
        for (release, table), many in aside.items()
    ]
    lines += [message("audit.incomplete", language, name=name) for name in report.incomplete]
    lines += [message("audit.limited", language, name=name) for name in report.limited]
    lines += [message("audit.unruly", language, name=name) for name in report.unruly]
    if report.undecided:
        lines.append(message("audit.undecided", language, many=report.undecided))
    failed = ", ".join(message(f"measure.{name}.title", language) for name in report.failed)
    verdict = "audit.passes" if report.passes else "audit.fails"
    lines.append(message(verdict, language, failed=failed))
    return lines


def place(where: Where, language: str) -> str:
    """Release, table and row of a printed number.

    Examples
    --------
    >>> place(Where("pack@1", "sex_age", 7), "en")
    'pack@1: sex_age row 7'
    """
    return message("audit.place", language, **vars(where))


def _limited(lines: Sequence[str], language: str) -> list[str]:
    shown = [f"  {line}" for line in lines[:MOST_LISTED]]
    if len(lines) > MOST_LISTED:
        shown.append("  " + message("audit.more", language, many=len(lines) - MOST_LISTED))
    return shown


def _number(lower: float, upper: float) -> str:
    if lower == upper:
        return f"{lower:.0f}"
    return f"{lower:.0f}-{upper:.0f}" if math.isfinite(upper) else f"{lower:.0f}+"


def _places(because: Sequence[Where], language: str) -> str:
    named = [place(where, language) for where in because[:MOST_NAMED]]
    more = len(because) - MOST_NAMED
    if more > 0:
        named.append(message("audit.more", language, many=more))
    return "; ".join(named)


def _cell(report: AuditReport, cell: HiddenCell, language: str) -> str:
    line = message(
        "audit.cell", language, where=place(cell.where, language),
        label=report.label(cell.region, language),
        printed=_number(cell.printed_lower, cell.printed_upper),
        known=_number(cell.lower, cell.upper),
    )  # fmt: skip
    if cell.because:
        line += " " + message(
            f"audit.because.{cell.method or 'subtraction'}", language,
            because=_places(cell.because, language),
        )  # fmt: skip
    return line


def _problem(report: AuditReport, problem: Problem, language: str) -> str:
    line = message(
        "audit.problem", language, where=place(problem.where, language),
        label=report.label(problem.region, language), known=_number(problem.lower, problem.upper),
    )  # fmt: skip
    if problem.because:
        line += " " + message(
            "audit.because.subtraction", language, because=_places(problem.because, language)
        )
    return line


def _dominance(report: AuditReport, language: str) -> list[str]:
    shares = report.problems.get("dominance", ())
    if not shares:
        return [message("audit.dominance.none", language)]
    worst = max(shares, key=lambda problem: problem.lower)
    return [
        message(
            "audit.dominance", language, n=len(shares), share=f"{worst.lower:.0%}",
            label=report.label(worst.region, language), where=place(worst.where, language),
        )
    ]  # fmt: skip
