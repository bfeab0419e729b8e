"""Fitting one block of variables on top of the blocks that are already frozen.

The new variables form a conditional exponential family given the old ones, so no
statement of this block can move an earlier block.  Within the block, tables come in
stages by their relation to the target population: each stage is fitted relative to the
result of the one before, so a borrowed table shapes what the published ones leave open.
It goes on pulling with a capped multiplier, so that it stays true where both can hold, and
gives way where they cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synthgen.models.constraints import (
    ConstraintGroup,
    compile_constraints,
    statement_variables,
)
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree, junction_tree
from synthgen.models.maxent import GOAL, Problem, solve
from synthgen.models.propagation import Calibrated, calibrate, expand, other_axes
from synthgen.statistics.statement import Statement

FloatArray = npt.NDArray[np.float64]
Numbered = tuple[int, Statement]

#: Conditional statements are rescaled by the mass of their given at most this often.
RESCALINGS = 8
#: Largest multiplier with which a weaker table may go on pulling while stronger ones are
#: fitted [log odds].  Without it a published share shifts the odds at every age, and borrowed
#: ages are lost although both could hold; with the weight of the reference
#: (:data:`~synthgen.models.constraints.PSEUDO_CASES`) each pushes a published value by at
#: most ``CAP * PSEUDO_CASES * error``, under a tenth of its standard error.
CAP = 2.0
#: A given is scaled by at least this share of the mass it has under the reference.
STARVED = 1e-6
#: The rescaling has settled when no mass of a given moves by more than this share.
SETTLED = 1e-6


@dataclass(frozen=True, eq=False)
class Potential:
    """A declared reference: a log factor over some variables; ``-inf`` is impossible."""

    names: tuple[str, ...]
    log_values: FloatArray


@dataclass(frozen=True, eq=False)
class Start:
    """Where a fit begins and how far it goes: replicates begin at the base model.

    Parameters
    ----------
    multipliers : mapping of int to float
        By number of the statement; 0 for the others.
    goal : float
        Residual at which to stop [standard errors].
    keep_values : bool
        Whether to note the value of each statement as its block is left, which is faster
        than asking the finished distribution.
    """

    multipliers: Mapping[int, float] = field(default_factory=dict)
    goal: float = GOAL
    keep_values: bool = False

    def of(self, numbered: Sequence[Numbered]) -> FloatArray:
        """Multipliers of some statements, in their order."""
        return np.array([self.multipliers.get(number, 0.0) for number, _ in numbered])


def caps(numbered: Sequence[Numbered], weaker: Sequence[Numbered]) -> FloatArray:
    """Largest multipliers: none for the statements of a stage, :data:`CAP` for weaker ones."""
    return np.concatenate([np.full(len(numbered), np.inf), np.full(len(weaker), CAP)])


@dataclass(frozen=True, eq=False)
class BlockFit:
    """Conditional tables of one block, and how the fit went.

    Parameters
    ----------
    tables : tuple of ConditionalTable
    multipliers : mapping of int to float
        Dual multiplier of each statement by its number: the change of log odds that the
        statement had to impose on its reference.
    residual : float
        Largest violation of the optimality conditions over all stages [standard errors].
    cells : int
        Cells of the largest clique.
    values : mapping of int to float
        Fitted probability of the event given the given, by number of the statement, where
        they were to be kept.
    """

    tables: tuple[ConditionalTable, ...]
    multipliers: Mapping[int, float]
    residual: float
    cells: int
    values: Mapping[int, float] = field(default_factory=dict)


def components_of(
    new: tuple[str, ...], sets: list[frozenset[str]]
) -> list[tuple[frozenset[str], list[frozenset[str]]]]:
    """New variables that must be fitted together, with the variable sets that tie them."""
    parts: list[tuple[set[str], list[frozenset[str]]]] = [({name}, []) for name in new]
    for group in sets:
        touched = [p for p in parts if p[0] & group]
        if not touched:
            continue
        rest = [p for p in parts if not (p[0] & group)]
        names = set().union(*(p[0] for p in touched))
        ties = [g for p in touched for g in p[1]]
        parts = [*rest, (names, [*ties, group])]
    order = {name: i for i, name in enumerate(new)}
    parts.sort(key=lambda p: min(order[n] for n in p[0]))
    return [(frozenset(names), ties) for names, ties in parts]


def fit_block(
    domain: Domain,
    before: Distribution | None,
    new: tuple[str, ...],
    stages: Sequence[Sequence[Numbered]],
    potentials: Sequence[Potential],
    start: Start | None = None,
) -> BlockFit:
    """Conditional tables of new variables given the old ones.

    Parameters
    ----------
    domain : Domain
        All variables so far, the new ones included; old ones first.
    before : Distribution or None
        Distribution of the old variables; None for the first block.
    new : tuple of str
        Variables to fit.
    stages : sequence of sequence of (int, Statement)
        Numbered statements in order of precedence, the strongest last.
    potentials : sequence of Potential
        Structural zeros and declared references that touch a new variable.
    start : Start, optional
        Multipliers to begin with; zero by default.

    Raises
    ------
    StatisticsError
        If a statement is about patients that cannot exist.
    ModelError
        If a clique is too large or the optimality conditions are not reached.
    """
    sets = [frozenset(statement_variables(domain, s)) for stage in stages for _, s in stage]
    sets += [frozenset(p.names) for p in potentials]
    tables: list[ConditionalTable] = []
    multipliers: dict[int, float] = {}
    residual, cells = 0.0, 0
    values: dict[int, float] = {}
    for own, ties in components_of(new, sets):
        part = _Component(domain, before, own, ties, potentials)
        weaker: list[Numbered] = []
        for stage in stages:
            mine = [(i, s) for i, s in stage if own & set(statement_variables(domain, s))]
            if mine:
                found = part.fit(mine, weaker, multipliers, start or Start())
                residual = max(residual, found)
                weaker = [*weaker, *mine]
        if start is not None and start.keep_values:
            values |= part.values(weaker)
        tables += part.tables()
        cells = max(cells, *(domain.cells(c) for c in part.tree.cliques))
    return BlockFit(tuple(tables), multipliers, residual, cells, values)


class _Component:
    """New variables that are tied together, and their growing log potentials."""

    def __init__(
        self,
        domain: Domain,
        before: Distribution | None,
        own: frozenset[str],
        ties: Iterable[frozenset[str]],
        potentials: Sequence[Potential],
    ) -> None:
        ties = list(ties)
        self.domain = domain
        old = frozenset().union(*ties) - own if ties else frozenset()
        self.context = domain.ordered(old)
        self.context_probability: FloatArray | None = None
        if before is not None and self.context:
            self.context_probability = before.marginal(self.context)
        self.tree: JunctionTree = junction_tree(
            domain, [*ties, *((name,) for name in own)], root=self.context
        )
        self.own = own
        self.log_potentials = [np.zeros(domain.shape(c)) for c in self.tree.cliques]
        for potential in potentials:
            if own & set(potential.names):
                home = self.tree.home(potential.names)
                self.log_potentials[home] = self.log_potentials[home] + expand(
                    potential.log_values, potential.names, self.tree.cliques[home]
                )

    def calibrate(self) -> Calibrated:
        return calibrate(
            self.domain, self.tree, self.log_potentials, self.context, self.context_probability
        )

    def fit(
        self,
        numbered: Sequence[Numbered],
        weaker: Sequence[Numbered],
        multipliers: dict[int, float],
        start: Start,
    ) -> float:
        """Fit one stage relative to the potentials so far; returns the residual."""
        statements = [statement for _, statement in (*numbered, *weaker)]
        cap = caps(numbered, weaker)
        calibrated = self.calibrate()

        def mass_of(names: tuple[str, ...], members: Mapping[str, tuple[str, ...]]) -> float:
            if not names:
                return 1.0
            home = self.tree.home(names)
            grid = calibrated.marginals[home].sum(axis=other_axes(self.tree.cliques[home], names))
            return float(grid[self.domain.mask(names, members)].sum())

        theta = np.concatenate([start.of(numbered), np.zeros(len(weaker))])
        previous: FloatArray | None = None
        groups: tuple[ConstraintGroup, ...] = ()
        least_mass: list[float] | None = None
        for _ in range(RESCALINGS):
            constraints = compile_constraints(
                self.domain, statements, self.context, mass_of, least_mass, cap, groups
            )
            groups = constraints.groups
            if previous is not None and np.allclose(
                constraints.mass, previous, rtol=SETTLED, atol=0
            ):
                break
            previous = constraints.mass
            least_mass = least_mass or [STARVED * float(mass) for mass in previous]
            problem = Problem(
                self.domain,
                self.tree,
                tuple(self.log_potentials),
                constraints,
                self.context,
                self.context_probability,
            )
            solution = solve(problem, theta, start.goal)
            theta, calibrated = solution.theta, solution.calibrated
        self.log_potentials = problem.potentials(theta)
        for (number, _), value in zip(numbered, theta, strict=False):
            multipliers[number] = float(value)
        return solution.residual

    def values(self, numbered: Sequence[Numbered]) -> dict[int, float]:
        """Current probability of each event given its given, by number."""
        calibrated = self.calibrate()
        found = {}
        for number, statement in numbered:
            names = statement_variables(self.domain, statement)
            home = self.tree.home(names)
            grid = calibrated.marginals[home].sum(axis=other_axes(self.tree.cliques[home], names))
            given = float(grid[self.domain.mask(names, statement.given)].sum())
            event = float(grid[self.domain.mask(names, statement.event)].sum())
            found[number] = event / given if given > 0 else 0.0
        return found

    def tables(self) -> list[ConditionalTable]:
        """The component as conditional tables, in sampling order."""
        result = self.calibrate()
        tables = []
        for i, clique in enumerate(self.tree.cliques):
            given = self.context if i == 0 else self.tree.separators[i]
            own = tuple(n for n in clique if n not in given)
            if not own:
                continue
            axes = given + own
            values = result.conditionals[i].transpose([clique.index(n) for n in axes])
            tables.append(ConditionalTable(given, own, values))
        return tables
