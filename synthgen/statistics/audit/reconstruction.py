"""The reconstruction interval of every hidden cell of one population (checks I2, I4, I6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from synthgen.statistics.audit.components import components_of
from synthgen.statistics.audit.elastic import contradicting
from synthgen.statistics.audit.facts import Fact, Population
from synthgen.statistics.audit.grid import Grid, grid_of
from synthgen.statistics.audit.programs import Component, tighten
from synthgen.statistics.audit.subtraction import Bounds, subtract
from synthgen.statistics.audit.system import System, system_of
from synthgen.statistics.audit.work import MOST_EXPLANATION, Work

Floats = npt.NDArray[np.float64]

FEW_CONTRADICTIONS = 3
"""Printed numbers that are set aside one by one; after that whole tables are."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What somebody with all tables of one population knows.

    Parameters
    ----------
    population : Population
        Without the facts that had to be set aside.
    grid : Grid
    bounds : Bounds
        By plain subtraction, of printed regions and of the rests they imply.
    lower, upper : ndarray of float64, shape (nodes,)
        Reconstruction interval of every printed region [persons].
    by_program : frozenset of int
        Nodes whose interval the linear program narrowed beyond subtraction.
    system : System or None
        None where nothing was left to ask, or the population was too large for a program.
    components : tuple of Component
    wanted : tuple of int
        Nodes that the program was asked for, in the order of ``system.targets``.
    set_aside : tuple of Fact
        Facts that contradict the others; nothing rests on them.
    complete : bool
        False if the population was too large for a linear program.
    is_limited : bool
        Whether the work allowed ended: some intervals may be wider than they could be.
    undecided : frozenset of int
        Nodes of which it is not known, for want of work, whether they are narrow.
    follows_rules : bool
        False where the printed numbers cannot be under the impossible rules of the schema:
        those were left out of account.
    explaining : Work
        What may be spent on saying which printed numbers give something away.
    """

    population: Population
    grid: Grid
    bounds: Bounds
    lower: Floats
    upper: Floats
    by_program: frozenset[int]
    system: System | None
    components: tuple[Component, ...]
    wanted: tuple[int, ...]
    set_aside: tuple[Fact, ...]
    complete: bool
    is_limited: bool = False
    undecided: frozenset[int] = frozenset()
    follows_rules: bool = True
    explaining: Work = field(default_factory=lambda: Work(MOST_EXPLANATION))


def reconstruct(
    population: Population,
    *,
    narrow: float = 2.0,
    only: Sequence[int] | None = None,
    enough: float | None = None,
    work: Work | None = None,
) -> Reconstruction:
    """Interval of every hidden region, from all facts of a population.

    Parameters
    ----------
    population : Population
    narrow : float
        Intervals this narrow or narrower are settled over whole numbers, too [persons].
    only : sequence of int, optional
        Node numbers that are asked for; by default all that some table hides.
    enough : float, optional
        Leave intervals alone that are at least this wide: faster, where only narrow ones
        matter [persons].
    work : Work, optional
        What may be computed, shared with whatever else is asked; :data:`MOST_WORK` by default.

    Raises
    ------
    StatisticsError
        If printed numbers contradict each other and none can be named.
    """
    aside: list[Fact] = []
    work = work or Work()
    widths = narrow, enough
    while True:
        found, dropped = _attempt(population, widths, only, work)
        if found is not None:
            return replace(found, set_aside=tuple(aside))
        if population.zeros:  # the rules may be at fault, not the numbers
            plain = replace(population, zeros=())
            found, dropped = _attempt(plain, widths, only, work)
            if found is not None:
                return replace(found, set_aside=tuple(aside), follows_rules=False)
        if len(aside) >= FEW_CONTRADICTIONS:  # a table that is about other people
            tables = {(f.where.release, f.where.table) for f in dropped}
            facts = population.facts
            dropped = [f for f in facts if (f.where.release, f.where.table) in tables]
        aside += dropped
        gone = {id(fact) for fact in dropped}
        kept = tuple(fact for fact in population.facts if id(fact) not in gone)
        population = replace(population, facts=kept)


def _attempt(
    population: Population,
    widths: tuple[float, float | None],
    only: Sequence[int] | None,
    work: Work,
) -> tuple[Reconstruction | None, list[Fact]]:
    """Intervals, or the facts to set aside because they contradict the others."""
    grid = grid_of(population)
    bounds = subtract(grid)
    if bounds.contradiction:
        return None, _weakest(bounds.contradiction, population)
    return _by_programs(population, grid, bounds, widths, only, work)


def _weakest(facts: Sequence[Fact], population: Population) -> list[Fact]:
    """Of facts that cannot all be true, those of the table that says least about the population."""
    size: dict[tuple[str, str], int] = {}
    for fact in population.facts:
        key = (fact.where.release, fact.where.table)
        size[key] = size.get(key, 0) + 1
    tables = [(f.where.release, f.where.table) for f in facts]
    order = {key: i for i, key in enumerate(size)}
    # The last one among the smallest: earlier tables of a pack are the more basic ones.
    chosen = min(tables, key=lambda key: (size[key], -order[key]))
    return [f for f in facts if (f.where.release, f.where.table) == chosen]


def hidden_nodes(grid: Grid) -> list[int]:
    """Nodes that some table hides and that somebody may be in."""
    return sorted({line.node for line in grid.lines if line.fact.hidden} - grid.nobody)


def _by_programs(
    population: Population,
    grid: Grid,
    bounds: Bounds,
    widths: tuple[float, float | None],
    only: Sequence[int] | None,
    work: Work,
) -> tuple[Reconstruction | None, list[Fact]]:
    n = bounds.printed
    lower, upper = np.array(bounds.lower[:n]), np.array(bounds.upper[:n])
    asked = hidden_nodes(grid) if only is None else only
    wanted = tuple(i for i in asked if lower[i] < upper[i])
    system = system_of(grid, bounds, wanted) if wanted else None
    components = components_of(system) if system is not None else []
    moved: set[int] = set()
    undecided: set[int] = set()
    for component in components:
        assert system is not None  # noqa: S101 - for the type checker
        at = np.array([wanted[i] for i in component.numbers.tolist()], dtype=np.intp)
        known = system.constants[component.numbers]
        low, high, possible, unknown = tighten(
            component, lower[at] - known, upper[at] - known, *widths, work
        )
        undecided |= {int(i) for i in at[unknown]}
        if not possible:
            facts = contradicting(component, grid, bounds, population)
            return None, _weakest(facts, population)
        low, high = low + known, high + known
        moved |= {int(i) for i in at[(low > lower[at]) | (high < upper[at])]}
        lower[at], upper[at] = low, high
    result = Reconstruction(
        population=population,
        grid=grid,
        bounds=bounds,
        lower=lower,
        upper=upper,
        by_program=frozenset(moved),
        system=system,
        components=tuple(components),
        wanted=wanted,
        set_aside=(),
        complete=not wanted or system is not None,
        is_limited=work.is_spent,
        undecided=frozenset(undecided),
    )
    return result, []


def width_of(lower: float, upper: float) -> float:
    """Number of other values that a cell may have: 0 if it is known."""
    return math.inf if math.isinf(upper) else upper - lower
