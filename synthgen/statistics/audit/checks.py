"""Checks of printed numbers one by one and in small groups: I1, I3, I4, I5, I6, I7."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synthgen.statistics.audit.facts import DEATH, PERIOD, Fact, Region, Where
from synthgen.statistics.audit.reconstruction import Reconstruction
from synthgen.statistics.audit.subtraction import Equation
from synthgen.statistics.audit.verdict import Limits, is_at_risk
from synthgen.statistics.model import Cell, StatisticsPack, StatisticsTable

INSTITUTIONS = frozenset({"institution", "hospital", "facility", "centre", "center"})
"""Names under which a schema may hold who treated or reported a patient."""

SURVIVAL = ("observed_survival", "cumulative_incidence", "net_survival", "relative_survival")
DEATHS = ("observed_survival", "cumulative_incidence")


@dataclass(frozen=True)
class Problem:
    """One thing that a printed number, or a few together, give away.

    Parameters
    ----------
    check : str
        Id of the measure: ``smallest_cell``, ``homogeneity``, ``implied_counts``,
        ``survival_steps``, ``differencing`` or ``dominance``.
    where : Where
        Printed number that it is about.
    region : mapping
        Patients that it is about.
    lower, upper : float
        How many they are [persons]; for dominance the share of one institution.
    because : tuple of Where
        Printed numbers that it follows from.
    rests_on_hidden : bool
        Whether one of those was printed as a range, or withheld.
    """

    check: str
    where: Where
    region: Region
    lower: float
    upper: float
    because: tuple[Where, ...] = ()
    rests_on_hidden: bool = False


def smallest_cells(found: Reconstruction, limits: Limits) -> Iterator[Problem]:
    """I1: printed counts that are small and exact."""
    for fact in found.population.facts:
        exact = fact.lower == fact.upper
        if fact.source == "count" and exact and 0 < fact.lower < limits.min_cell:
            yield Problem("smallest_cell", fact.where, fact.region, fact.lower, fact.upper)


def implied_counts(found: Reconstruction, limits: Limits) -> Iterator[Problem]:
    """I4: percentages, rates and denominators that stand for a small number of patients.

    What is left of a denominator counts as well: 97 % of 100 speaks of three patients.
    """
    denominators = {
        (fact.where.table, fact.where.row): fact
        for fact in found.population.facts
        if fact.source == "n" and not fact.hidden
    }
    for fact in found.population.facts:
        if fact.source not in {"n", "share", "rate"} or fact.hidden or fact.share is not None:
            continue
        if fact.lower > 0 and fact.upper < limits.min_cell and math.isfinite(fact.upper):
            yield Problem("implied_counts", fact.where, fact.region, fact.lower, fact.upper)
        of = denominators.get((fact.where.table, fact.where.row))
        if fact.source == "share" and of is not None and math.isfinite(of.upper):
            least, most = of.lower - fact.upper, of.upper - fact.lower
            if least > 0 and most < limits.min_cell:
                yield Problem("implied_counts", fact.where, fact.region, least, most)


def homogeneous(found: Reconstruction, limits: Limits) -> Iterator[tuple[Equation, int]]:
    """I3: small groups all of whose patients are in one part, and that part's node.

    Not where the schema says so already: that all with a prostate are men tells nothing.
    """
    lower, upper = found.bounds.lower, found.bounds.upper
    for equation in found.bounds.equations:
        group = equation.parent
        if len(equation.parts) < 2 or not lower[group] > 0:
            continue
        if upper[group] >= limits.small_group:
            continue
        for part in equation.parts:
            by_rule = set(equation.parts) - {part} <= found.bounds.nobody
            if lower[part] == upper[group] and not by_rule:
                yield equation, part


def homogeneity(found: Reconstruction, limits: Limits) -> Iterator[Problem]:
    """I3: small groups all of whose patients are alike, as far as the tables tell."""
    regions = _regions(found)
    seen: set[tuple[int, int]] = set()
    for equation, part in homogeneous(found, limits):
        if part >= found.bounds.printed or (equation.parent, part) in seen:
            continue
        seen.add((equation.parent, part))
        facts = found.bounds.facts_behind(part)
        fact = regions[part]
        yield Problem(
            "homogeneity", fact.where, fact.region, found.bounds.lower[part],
            found.bounds.upper[part], tuple(f.where for f in facts),
        )  # fmt: skip
    for fact in found.population.facts:
        # Printed shares of 0 and 100 % of a small group, where no counts stand beside.
        if fact.source == "survival" and fact.upper == 0 and _small(found, fact, limits):
            yield Problem("homogeneity", fact.where, fact.region, 0.0, 0.0)


def _small(found: Reconstruction, fact: Fact, limits: Limits) -> bool:
    group = {axis: codes for axis, codes in fact.region.items() if not axis.startswith(DEATH)}
    for line in found.grid.lines:
        if line.fact.region == group and found.upper[line.node] < limits.small_group:
            return True
    return False


def rests_at_risk(found: Reconstruction, limits: Limits) -> list[int]:
    """I6: nodes that nobody printed, whose small number follows by subtraction."""
    bounds = found.bounds
    return [
        node
        for node in range(bounds.printed, len(bounds.boxes))
        if bounds.lower[node] > 0
        and is_at_risk(bounds.lower[node], bounds.upper[node], limits.min_cell, limits.min_width)
    ]


def differencing(found: Reconstruction, limits: Limits) -> Iterator[Problem]:
    """I6: small numbers that are the difference of printed ones."""
    for node in rests_at_risk(found, limits):
        facts = found.bounds.facts_behind(node)
        if not facts:
            continue
        widest = max(facts, key=lambda f: f.lower)
        yield Problem(
            "differencing", widest.where, widest.region, found.bounds.lower[node],
            found.bounds.upper[node], tuple(f.where for f in facts), any(f.hidden for f in facts),
        )  # fmt: skip


def dominance(found: Reconstruction, institution: str | None) -> tuple[bool, list[Problem]]:
    """I7: the share of the largest institution in every group that is printed by institution.

    Returns
    -------
    is_printed : bool
        Whether any table tells institutions apart.
    problems : list of Problem
        One for each group, ``lower`` and ``upper`` bounding the share of the largest.
    """
    names = {institution} if institution else INSTITUTIONS
    axes = [i for i, axis in enumerate(found.grid.axes) if axis in names]
    regions = _regions(found)
    lower, upper, boxes = found.bounds.lower, found.bounds.upper, found.bounds.boxes
    shares = []
    for equation in found.bounds.equations:
        group = equation.parent
        along = [a for a in axes if any(boxes[p][a] != boxes[group][a] for p in equation.parts)]
        if not along or not 0 < upper[group] < math.inf:
            continue
        largest = max(equation.parts, key=lambda p: lower[p])
        fact = regions[group]
        least = lower[largest] / upper[group]
        most = min(1.0, max(upper[p] for p in equation.parts) / max(lower[group], 1.0))
        shares.append(Problem("dominance", fact.where, fact.region, least, most))
    return bool(axes), shares


def _regions(found: Reconstruction) -> dict[int, Fact]:
    """A fact about each printed node."""
    facts: dict[int, Fact] = {}
    for line in found.grid.lines:
        if line.given is not None:
            facts.setdefault(line.given, line.fact)
    for line in found.grid.lines:
        facts[line.node] = line.fact
    return facts


def survival_steps(
    packs: Sequence[StatisticsPack], releases: Sequence[str], limits: Limits
) -> tuple[int, list[Problem]]:
    """I5: steps of survival curves with few deaths, or with few patients at risk.

    Returns
    -------
    steps : int
        How many steps had a printed n and could be looked at.
    problems : list of Problem
        ``lower`` and ``upper`` are deaths, or patients at risk, at most.

    Notes
    -----
    With ``n`` patients at the start there are at most ``n (S1 - S2)`` deaths between two
    times and at most ``n S1`` patients at risk, however many were censored.
    """
    steps = 0
    problems: list[Problem] = []
    for pack, release in zip(packs, releases, strict=True):
        for table in pack.tables:
            if table.kind in SURVIVAL:
                for cells in _curves(table):
                    steps += len(cells)
                    problems += _steps(table, cells, release, limits)
    return steps, problems


def _curves(table: StatisticsTable) -> list[list[Cell]]:
    curves: dict[object, list[Cell]] = {}
    for cell in table.cells:
        if cell.n is not None and cell.published:
            key = tuple(sorted((v, c) for v, c in cell.members.items()))
            curves.setdefault(key, []).append(cell)
    return [sorted(cells, key=lambda c: c.time or 0.0) for cells in curves.values()]


def _steps(
    table: StatisticsTable, cells: Sequence[Cell], release: str, limits: Limits
) -> Iterator[Problem]:
    half = (table.protection.rounded_to or 0.0) / 2
    before = 1.0
    for cell in cells:
        low, high = cell.lower, cell.upper
        if table.kind == "cumulative_incidence":
            low, high = 1 - high, 1 - low
        n = (cell.n or 0.0) + half
        at_risk, deaths = math.floor(n * before + 1e-9), math.floor(n * (before - low) + 1e-9)
        region = {name: frozenset(codes) for name, codes in cell.members.items()}
        where = Where(release, table.name, cell.row)
        if at_risk < limits.at_risk:
            yield Problem("survival_steps", where, region, 0.0, float(at_risk))
        elif table.kind in DEATHS and 0 < deaths < limits.events:
            yield Problem("survival_steps", where, region, 0.0, float(deaths))
        before = high


def years_in(region: Region) -> str:
    """The years of a region for people, ``""`` where it has none."""
    years = sorted(region.get(PERIOD, ()))
    if not years:
        return ""
    return years[0] if len(years) == 1 else f"{years[0]}-{years[-1]}"
