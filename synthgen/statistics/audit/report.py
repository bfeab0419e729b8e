"""What an audit found: cells, problems and findings, in words and as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthgen.findings import Finding, not_testable
from synthgen.messages import message
from synthgen.schema.model import Schema
from synthgen.statistics.audit.checks import Problem, years_in
from synthgen.statistics.audit.facts import Fact, Region, Where
from synthgen.statistics.audit.verdict import DOMINANCE, Limits
from synthgen.statistics.statement import members_label

MEASURES = (
    "smallest_cell",
    "reconstruction",
    "homogeneity",
    "implied_counts",
    "survival_steps",
    "differencing",
    "dominance",
)
"""Measures of family I in the order of the checks I1 to I7."""

NO_INSTITUTION = "audit.reason.no_institution"
NO_SURVIVAL = "audit.reason.no_survival"
TOO_LARGE = "audit.reason.too_large"
TOO_LONG = "audit.reason.too_long"


@dataclass(frozen=True)
class HiddenCell:
    """One suppressed, rounded or withheld number, and what the tables together say of it.

    Parameters
    ----------
    where : Where
        Release, table and row.
    population : str
    region : mapping
        Patients that it counts.
    printed_lower, printed_upper : float
        What the cell itself says [persons].
    lower, upper : float
        Reconstruction interval [persons]; the true number lies in it if the tables are true.
    at_risk : bool
        Whether it is too well known under the limits.
    method : {"", "subtraction", "program"}
        What narrowed it beyond what is printed.
    because : tuple of Where
        Printed numbers that give it away; none can be left out where ``irreducible``.
    irreducible : bool
    remedy : Where or None
        The printed number among them whose suppression costs least.
    """

    where: Where
    population: str
    region: Region
    printed_lower: float
    printed_upper: float
    lower: float
    upper: float
    at_risk: bool
    method: str = ""
    because: tuple[Where, ...] = ()
    irreducible: bool = False
    remedy: Where | None = None

    @property
    def recovered(self) -> bool:
        """Whether the number is known exactly."""
        return self.lower == self.upper

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that give it away."""
        return tuple(dict.fromkeys(where.table for where in self.because))


@dataclass(frozen=True)
class AuditReport:
    """Everything that an audit found.

    Parameters
    ----------
    releases : tuple of str
        The packs.
    limits : Limits
    cells : tuple of HiddenCell
        Every hidden number, best known first.
    problems : mapping of str to tuple of Problem
        Measure to what it found; ``dominance`` lists all groups.
    looked_at : mapping of str to int
        Measure to printed numbers (groups, steps) it could look at.
    set_aside : tuple of Fact
        Printed numbers that contradict the others; nothing rests on them.
    incomplete : tuple of str
        Populations too large for a linear program: only subtraction was followed there.
    schema : Schema
    is_public : bool
        Whether all packs hold published statistics only.
    limited : tuple of str
        Populations for which the work allowed ended: intervals may be wider than they could be.
    undecided : int
        Hidden numbers of which it is not known, for want of work, whether they are at risk.
    unruly : tuple of str
        Populations whose numbers cannot be under the impossible rules of the schema: the
        rules were left out of account there.
    """

    releases: tuple[str, ...]
    limits: Limits
    cells: tuple[HiddenCell, ...]
    problems: Mapping[str, tuple[Problem, ...]]
    looked_at: Mapping[str, int]
    set_aside: tuple[Fact, ...]
    incomplete: tuple[str, ...]
    schema: Schema
    is_public: bool = False
    limited: tuple[str, ...] = ()
    undecided: int = 0
    unruly: tuple[str, ...] = ()

    @property
    def recovered(self) -> tuple[HiddenCell, ...]:
        """Hidden numbers that are known exactly."""
        return tuple(cell for cell in self.cells if cell.recovered)

    @property
    def at_risk(self) -> tuple[HiddenCell, ...]:
        """Hidden numbers that are too well known."""
        return tuple(cell for cell in self.cells if cell.at_risk)

    @property
    def passes(self) -> bool:
        """Whether no required check found anything."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Measures over their limit: any finding at all, and 85 % for dominance."""
        return tuple(
            finding.measure
            for finding in self.findings()
            if finding.estimate is not None
            and finding.estimate > (DOMINANCE if finding.measure == "dominance" else 0.0)
        )

    @property
    def remedies(self) -> tuple[tuple[Where, int], ...]:
        """Numbers to suppress as well, and how many cells each one helps to hide."""
        return tuple(Counter(c.remedy for c in self.at_risk if c.remedy is not None).most_common())

    def findings(self) -> list[Finding]:
        """Findings of family I, one for each measure; exact, because nothing is sampled."""
        smallest = [p.lower for p in self.problems.get("smallest_cell", ())]
        found = [
            self._exact(
                "smallest_cell",
                max((self.limits.min_cell - s for s in smallest), default=0.0),
                {"cells": len(smallest)},
            )
        ]
        detail = {
            "hidden": len(self.cells),
            "recovered": len(self.recovered),
            "min_width": self.limits.min_width,
            "set_aside": len(self.set_aside),
        }
        if (self.incomplete or self.undecided) and not self.at_risk:
            reason = TOO_LARGE if self.incomplete else TOO_LONG
            found.append(
                not_testable("reconstruction", "I", reason, n=len(self.cells), detail=detail)
            )
        else:
            found.append(self._exact("reconstruction", float(len(self.at_risk)), detail))
        found += [
            self._exact(measure, float(len(self.problems.get(measure, ()))), {})
            for measure in ("homogeneity", "implied_counts")
        ]
        if self.looked_at["survival_steps"]:
            steps = len(self.problems.get("survival_steps", ()))
            found.append(self._exact("survival_steps", float(steps), {}))
        else:
            found.append(not_testable("survival_steps", "I", NO_SURVIVAL))
        found.append(
            self._exact("differencing", float(len(self.problems.get("differencing", ()))), {})
        )
        shares = [p.lower for p in self.problems.get("dominance", ())]
        if self.looked_at["dominance"]:
            found.append(self._exact("dominance", max(shares, default=0.0), {}))
        else:
            found.append(not_testable("dominance", "I", NO_INSTITUTION))
        return found

    def _exact(self, measure: str, estimate: float, detail: dict[str, Any]) -> Finding:
        n = self.looked_at[measure]
        return Finding(measure, "I", "", estimate, estimate, estimate, n, None, None, detail)

    def label(self, region: Region, language: str) -> str:
        """Words for a group of patients."""
        known = {v.name for v in self.schema.variables}
        members = {a: tuple(codes) for a, codes in region.items() if a in known and codes}
        words = members_label(members, self.schema, language)
        everybody = message("audit.everybody", language)
        years = years_in(region)
        return f"{words or everybody}{f' ({years})' if years else ''}"

    def as_json(self) -> dict[str, Any]:
        """Plain values for programs."""
        return {
            "packs": list(self.releases),
            "limits": vars(self.limits),
            "passes": self.passes,
            "failed": list(self.failed),
            "findings": [finding.as_json() for finding in self.findings()],
            "hidden": len(self.cells),
            "recovered": len(self.recovered),
            "at_risk": len(self.at_risk),
            "cells": [self._cell(cell) for cell in self.cells],
            "problems": {
                name: [self._problem(problem) for problem in problems]
                for name, problems in self.problems.items()
            },
            "remedies": [{**vars(where), "helps": count} for where, count in self.remedies],
            "set_aside": [vars(fact.where) for fact in self.set_aside],
            "incomplete": list(self.incomplete),
            "limited": list(self.limited),
            "undecided": self.undecided,
            "unruly": list(self.unruly),
        }

    def _cell(self, cell: HiddenCell) -> dict[str, Any]:
        return {
            **vars(cell.where),
            "population": cell.population,
            "label": self.label(cell.region, "en"),
            "label_ko": self.label(cell.region, "ko"),
            "printed": [_finite(cell.printed_lower), _finite(cell.printed_upper)],
            "interval": [_finite(cell.lower), _finite(cell.upper)],
            "recovered": cell.recovered,
            "at_risk": cell.at_risk,
            "method": cell.method,
            "because": [vars(where) for where in cell.because],
            "irreducible": cell.irreducible,
            "remedy": None if cell.remedy is None else vars(cell.remedy),
        }

    def _problem(self, problem: Problem) -> dict[str, Any]:
        return {
            **vars(problem.where),
            "label": self.label(problem.region, "en"),
            "label_ko": self.label(problem.region, "ko"),
            "interval": [_finite(problem.lower), _finite(problem.upper)],
            "because": [vars(where) for where in problem.because],
        }

    def lines(self, language: str = "en") -> list[str]:
        """The report for a committee, one line a finding."""
        from synthgen.statistics.audit.wording import report_lines

        return report_lines(self, language)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
