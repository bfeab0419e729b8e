"""The audit of statistics packs: checks I1 to I7 on the union of their tables."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.errors import StatisticsError, UsageError
from synthgen.schema.load import load_schema
from synthgen.schema.model import Schema
from synthgen.statistics.audit.checks import (
    Problem,
    differencing,
    dominance,
    homogeneity,
    implied_counts,
    smallest_cells,
    survival_steps,
)
from synthgen.statistics.audit.explanation import facts_behind, irreducible
from synthgen.statistics.audit.facts import Fact, Where, populations_of, releases_of
from synthgen.statistics.audit.impossible import Impossible
from synthgen.statistics.audit.reconstruction import Reconstruction, reconstruct
from synthgen.statistics.audit.report import MEASURES, AuditReport, HiddenCell
from synthgen.statistics.audit.verdict import Limits, is_at_risk, undecided_nodes
from synthgen.statistics.audit.work import Work
from synthgen.statistics.model import StatisticsPack

MOST_REDUCED = 60
"""Cells whose set of printed numbers is made irreducible; the others name a sufficient set."""

MOST_NUMBERS = 400_000
"""Most printed numbers that are audited together."""


def audit(
    packs: Sequence[StatisticsPack],
    schema: Schema | None = None,
    *,
    limits: Limits | None = None,
    institution: str | None = None,
    explain: bool = True,
) -> AuditReport:
    """What the tables of one pack or several give away.

    Parameters
    ----------
    packs : sequence of StatisticsPack
        Everything that was ever released about the same people: earlier releases, other
        years, nested regions and groupings.  All must speak about one schema.
    schema : Schema, optional
        The packs' own, or the shipped one of that name, by default.
    limits : Limits, optional
    institution : str, optional
        Variable that tells institutions apart; found by its name by default.
    explain : bool
        Name the printed numbers that give each cell away.

    Returns
    -------
    AuditReport

    Raises
    ------
    UsageError
        If no pack is given, or packs speak about different schemas.
    StatisticsError
        If a table cannot be read as numbers of patients, or too many contradict each other.

    Notes
    -----
    Cox LH, Suppression methodology and statistical disclosure control, J Am Stat Assoc
    1980;75:377, doi:10.1080/01621459.1980.10477481; Hundepool A and others, Statistical
    Disclosure Control, 2012, chapter 4, doi:10.1002/9781118348239.
    """
    if not packs:
        raise UsageError("audit: no pack is given; name at least one")
    packs = tuple(packs)
    schema = _schema_of(packs) if schema is None else schema
    limits = limits or Limits()
    releases = releases_of(packs)
    populations = populations_of(packs, schema, Impossible(schema))
    numbers = sum(len(population.facts) for population in populations)
    if numbers > MOST_NUMBERS:
        raise StatisticsError(
            f"audit: the packs print {numbers} numbers; at most {MOST_NUMBERS} are audited "
            "together: give fewer tables"
        )
    cells: list[HiddenCell] = []
    problems: dict[str, list[Problem]] = {name: [] for name in MEASURES}
    looked_at = dict.fromkeys(MEASURES, 0)
    aside: list[Fact] = []
    incomplete: list[str] = []
    limited: list[str] = []
    unruly: list[str] = []
    undecided = 0
    for population in populations:
        found = reconstruct(population, narrow=float(limits.min_width), work=Work())
        facts = found.population.facts
        aside += found.set_aside
        if not found.complete:
            incomplete.append(population.name)
        if not found.follows_rules:
            unruly.append(population.name)
        if found.is_limited and found.wanted:
            limited.append(population.name)
        undecided += len(undecided_nodes(found, limits.min_cell, limits.min_width))
        cells += _cells(found, limits, explain=explain)
        problems["smallest_cell"] += smallest_cells(found, limits)
        problems["implied_counts"] += implied_counts(found, limits)
        problems["homogeneity"] += homogeneity(found, limits)
        problems["differencing"] += differencing(found, limits)
        by_institution, shares = dominance(found, institution)
        problems["dominance"] += shares
        looked_at["dominance"] += len(shares) if by_institution else 0
        looked_at["smallest_cell"] += sum(f.source == "count" for f in facts)
        looked_at["implied_counts"] += sum(f.source in {"share", "rate", "n"} for f in facts)
        looked_at["reconstruction"] += len(facts)
        looked_at["homogeneity"] += len(found.bounds.equations)
        looked_at["differencing"] += len(found.bounds.equations)
    looked_at["survival_steps"], problems["survival_steps"] = survival_steps(
        packs, releases, limits
    )
    return AuditReport(
        releases=releases,
        limits=limits,
        cells=tuple(sorted(cells, key=lambda c: (not c.at_risk, c.upper - c.lower))),
        problems={name: tuple(found) for name, found in problems.items()},
        looked_at=looked_at,
        set_aside=tuple(aside),
        incomplete=tuple(incomplete),
        limited=tuple(limited),
        undecided=undecided,
        unruly=tuple(unruly),
        schema=schema,
        is_public=all(pack.origin == "public-statistics" for pack in packs),
    )


def _schema_of(packs: Sequence[StatisticsPack]) -> Schema:
    names = tuple(dict.fromkeys(pack.schema for pack in packs))
    if len(names) > 1:
        raise UsageError(
            f"audit: packs speak about {names[0]} and {names[1]}; they must speak about one "
            f"schema ({len(names)} schemas)"
        )
    own = next((pack.own_schema for pack in packs if pack.own_schema is not None), None)
    return own if own is not None else load_schema(names[0])


def _cells(found: Reconstruction, limits: Limits, *, explain: bool) -> list[HiddenCell]:
    cells = []
    reduced = 0
    behind: dict[int, tuple[tuple[Fact, ...], bool]] = {}
    for line in found.grid.lines:
        fact, node = line.fact, line.node
        if not fact.hidden or node in found.grid.nobody:
            continue
        lower, upper = float(found.lower[node]), float(found.upper[node])
        at_risk = is_at_risk(lower, upper, limits.min_cell, limits.min_width)
        narrowed = lower > fact.lower or upper < fact.upper
        method = ""
        if narrowed:
            method = "program" if node in found.by_program else "subtraction"
        if explain and narrowed and (at_risk or lower == upper) and node not in behind:
            facts = facts_behind(found, node)
            short = at_risk and reduced < MOST_REDUCED
            if short:
                facts, short = irreducible(found, node, facts, upper - lower)
                reduced += 1
            behind[node] = facts, short
        facts, short = behind.get(node, ((), False))
        others = tuple(f for f in facts if f.where != fact.where)
        cells.append(
            HiddenCell(
                where=fact.where,
                population=found.population.name,
                region=fact.region,
                printed_lower=fact.lower,
                printed_upper=fact.upper,
                lower=lower,
                upper=upper,
                at_risk=at_risk,
                method=method,
                because=tuple(dict.fromkeys(f.where for f in others)),
                irreducible=short,
                remedy=_cheapest(others),
            )
        )
    return cells


def _cheapest(facts: Sequence[Fact]) -> Where | None:
    """The exact number that says least, of those that give a cell away."""
    exact = [f for f in facts if f.lower == f.upper]
    # Zeros come last: everybody may know them already.
    chosen = min(exact or facts, key=lambda f: (f.upper == 0, f.upper), default=None)
    return None if chosen is None else chosen.where
