"""Fitting a block of variables on a mixture: every entity in its own small context.

The contexts of each entity are merged as far as no statement and no reference tells them
apart (ages 15-19 and 20-24 where survival is published for 15-39), and stacked into one
list of rows over all entities.  The fit is a conditional exponential family over rows x new
codes, so statements about several entities tie them, and nothing already frozen moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from synthgen.errors import ModelError, StatisticsError
from synthgen.models.block import (
    RESCALINGS,
    SETTLED,
    STARVED,
    Numbered,
    Potential,
    Start,
    caps,
    components_of,
)
from synthgen.models.constraints import (
    PSEUDO_CASES,
    ConstraintGroup,
    Constraints,
    point_and_width,
    statement_variables,
)
from synthgen.models.contexts import context_of
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import CLIQUE_CELLS, JunctionTree
from synthgen.models.maxent import Problem, solve
from synthgen.models.mixture import Mixture
from synthgen.statistics.statement import Members, Statement

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
sp: Any = scipy.sparse

_ROW, _NEW = "row", "new"
_TREE = JunctionTree(((_ROW, _NEW),), (-1,), ((),))


@dataclass(frozen=True, eq=False)
class SliceFit:
    """What :func:`fit_slices` returns: the grown mixture, and how the fit went."""

    mixture: Mixture
    multipliers: dict[int, float]
    residual: float
    cells: int
    values: dict[int, float] = field(default_factory=dict)


def fit_slices(
    domain: Domain,
    before: Mixture,
    new: tuple[str, ...],
    stages: Sequence[Sequence[Numbered]],
    potentials: Sequence[Potential],
    start: Start | None = None,
) -> SliceFit:
    """Grow a mixture by new variables; parameters and errors as in :func:`fit_block`."""
    sets = [frozenset(statement_variables(domain, s)) for stage in stages for _, s in stage]
    sets += [frozenset(p.names) for p in potentials]
    mixture, multipliers, residual, rows = before, dict[int, float](), 0.0, 0
    values: dict[int, float] = {}
    for own, ties in components_of(new, sets):
        names = domain.ordered(own)
        mine = [p for p in potentials if own & set(p.names)]
        spoken = [
            [(i, s) for i, s in stage if own & set(statement_variables(domain, s))]
            for stage in stages
        ]
        block = _Rows(domain, mixture, names, ties, [s for st in spoken for _, s in st], mine)
        weaker: list[Numbered] = []
        for stage in spoken:
            if stage:
                found = block.fit(stage, weaker, multipliers, start or Start())
                residual = max(residual, found)
                weaker = [*weaker, *stage]
        if start is not None and start.keep_values:
            values |= block.values(weaker)
        mixture = block.grown(mixture)
        rows = max(rows, len(block.weight) * block.log_potential.shape[1])
    return SliceFit(mixture, multipliers, residual, rows, values)


class _Rows:
    """Contexts of all entities as rows, new codes as columns, and the growing potentials."""

    def __init__(
        self,
        domain: Domain,
        before: Mixture,
        own: tuple[str, ...],
        ties: Sequence[frozenset[str]],
        statements: Sequence[Statement],
        potentials: Sequence[Potential],
    ) -> None:
        self.domain, self.own, self.split = domain, own, before.split
        context = domain.ordered(frozenset().union(*ties) - set(own) - {before.split})
        self.slices = [
            context_of(domain, before, i, code, context, statements, potentials)
            for i, code in enumerate(domain.codes[before.split])
            if before.weights[i] > 0
        ]
        self.starts = np.cumsum([0, *(s.probability.size for s in self.slices)])
        columns = domain.cells(own)
        if self.starts[-1] * columns > CLIQUE_CELLS:
            raise ModelError(
                f"block of {', '.join(own)}: the tables tie it to {', '.join(context)} in "
                f"{self.starts[-1]} contexts, {self.starts[-1] * columns:.3g} cells; at most "
                f"{CLIQUE_CELLS:.3g} are allowed: coarsen or drop a table"
            )
        self._merged_positions: dict[str, IntArray] = {}  # every statement asks for them
        self.weight = np.concatenate([s.probability.ravel() for s in self.slices])
        self.log_potential = np.zeros((len(self.weight), columns))
        for potential in potentials:
            self.log_potential += self._rows_of(potential)

    def _positions(self, name: str) -> IntArray:
        """Position of each row's code of a context variable among all codes; -1 if merged."""
        parts = []
        for piece in self.slices:
            shape = piece.probability.shape
            if name == self.split:
                code = self.domain.codes[name].index(piece.code)
                parts.append(np.full(piece.probability.size, code, dtype=np.intp))
            elif name in piece.names:
                axis = piece.names.index(name)
                grid = piece.first[axis].reshape(
                    [-1 if i == axis else 1 for i in range(len(shape))]
                )
                parts.append(np.broadcast_to(grid, shape).ravel())
            else:
                parts.append(np.full(piece.probability.size, -1, dtype=np.intp))
        return np.concatenate(parts)

    def _rows_of(self, potential: Potential) -> FloatArray:
        """A potential as rows x columns."""
        names = potential.names
        context = [n for n in names if n not in self.own]
        order = [names.index(n) for n in (*context, *(n for n in self.own if n in names))]
        values = potential.log_values.transpose(order)
        # A merged variable has one value for all its codes, so any position will do.
        index = tuple(np.maximum(self._merged_position(n), 0) for n in context)
        picked = values[index] if index else values[np.newaxis]
        shape = [self.domain.size(n) if n in names else 1 for n in self.own]
        wide = np.broadcast_to(
            picked.reshape([-1, *shape]), (len(picked), *self.domain.shape(self.own))
        )
        return np.asarray(wide.reshape(len(picked), -1))

    def _merged_position(self, name: str) -> IntArray:
        """As :meth:`_positions`, with the entity's first code where the variable is merged."""
        if name not in self._merged_positions:
            positions = self._positions(name)
            for i, (start, end) in enumerate(pairwise(self.starts)):
                if (positions[start:end] < 0).any():
                    positions[start:end] = self.slices[i].local_first(self.domain, name)
            self._merged_positions[name] = positions
        return self._merged_positions[name]

    def _member_rows(self, members: Members) -> BoolArray:
        rows = np.ones(len(self.weight), dtype=np.bool_)
        for name, codes in members.items():
            if name not in self.own and set(codes) < set(self.domain.codes[name]):
                rows &= np.isin(self._merged_position(name), self.domain.positions(name, codes))
        return rows

    def _problem(self, constraints: Constraints) -> Problem:
        domain = Domain(
            (
                (_ROW, tuple(map(str, range(len(self.weight))))),
                (_NEW, tuple(map(str, range(self.log_potential.shape[1])))),
            )
        )
        return Problem(domain, _TREE, (self.log_potential,), constraints, (_ROW,), self.weight)

    def fit(
        self,
        numbered: Sequence[Numbered],
        weaker: Sequence[Numbered],
        multipliers: dict[int, float],
        start: Start,
    ) -> float:
        """Fit one stage relative to the potentials so far; returns the residual."""
        said = [*numbered, *weaker]
        cap = caps(numbered, weaker)
        masks = [self._masks(s) for _, s in said]
        matrix = _matrix(said, masks)
        first = _compiled(said, masks, matrix, cap, self.joint(), None)
        theta = np.concatenate([start.of(numbered), np.zeros(len(weaker))])
        constraints = first
        least = STARVED * first.mass
        for _ in range(RESCALINGS):
            problem = self._problem(constraints)
            solution = solve(problem, theta, start.goal)
            theta = solution.theta
            joint = solution.calibrated.marginals[0]
            updated = _compiled(said, masks, matrix, cap, joint, least)
            if np.allclose(updated.mass, constraints.mass, rtol=SETTLED, atol=0):
                break
            constraints = updated
        self.log_potential = problem.potentials(theta)[0]
        for (number, _), value in zip(numbered, theta, strict=False):
            multipliers[number] = float(value)
        return solution.residual

    def _masks(self, statement: Statement) -> tuple[BoolArray, BoolArray, BoolArray, BoolArray]:
        """Rows and columns of the event, rows and columns of the given."""
        given_rows = self._member_rows(statement.given)
        event_rows = self._member_rows(statement.event) & given_rows
        given = self.domain.mask(self.own, statement.given).ravel()
        event = self.domain.mask(self.own, statement.event).ravel() & given
        return event_rows, event, given_rows, given

    def values(self, numbered: Sequence[Numbered]) -> dict[int, float]:
        """Current probability of each event given its given, by number."""
        joint = self.joint()
        found = {}
        for number, statement in numbered:
            event_rows, event, given_rows, given = self._masks(statement)
            mass = float(joint[np.ix_(given_rows, given)].sum())
            value = float(joint[np.ix_(event_rows, event)].sum())
            found[number] = value / mass if mass > 0 else 0.0
        return found

    def joint(self) -> FloatArray:
        """Current probability of rows x columns."""
        nothing = Constraints((), *(np.zeros(0) for _ in range(6)))
        return self._problem(nothing).calibrate(np.zeros(0)).marginals[0]

    def grown(self, before: Mixture) -> Mixture:
        """The mixture with a table for the new variables in every component."""
        nothing = Constraints((), *(np.zeros(0) for _ in range(6)))
        conditional = self._problem(nothing).calibrate(np.zeros(0)).conditionals[0]
        components = {}
        for piece, (start, end) in zip(self.slices, pairwise(self.starts), strict=True):
            values = conditional[start:end] * (self.weight[start:end, np.newaxis] > 0)
            values = values.reshape(*piece.probability.shape, *self.domain.shape(self.own))
            for axis, group in enumerate(piece.groups):
                values = values.take(group, axis=axis)
            components[piece.code] = _with_table(
                before.components[piece.code], self.domain, piece.names, self.own, values
            )
        known = {*before.domain.names, *self.own}
        domain = Domain(tuple(v for v in self.domain.variables if v[0] in known))
        return Mixture(domain, before.split, before.weights, components)


def _with_table(
    component: Distribution,
    domain: Domain,
    given: tuple[str, ...],
    own: tuple[str, ...],
    values: FloatArray,
) -> Distribution:
    """A component with one more table, over the codes that occur in it."""
    kept = []
    for i, name in enumerate(own):
        axis = len(given) + i
        rest = tuple(a for a in range(values.ndim) if a != axis)
        used = np.flatnonzero(values.sum(axis=rest) > 0)
        values = values.take(used, axis=axis)
        kept.append((name, tuple(domain.codes[name][u] for u in used)))
    return Distribution(
        Domain((*component.domain.variables, *kept)),
        (*component.tables, ConditionalTable(given, own, values)),
    )


_Masks = tuple[BoolArray, BoolArray, BoolArray, BoolArray]


def _matrix(said: Sequence[Numbered], masks: Sequence[_Masks]) -> Any:
    """Coefficients of statements over rows x columns, one sparse row each."""
    columns = masks[0][1].size
    size = masks[0][0].size * columns
    where, value, which = [], [], []
    for i, ((_, statement), (event_rows, event, given_rows, given)) in enumerate(
        zip(said, masks, strict=True)
    ):
        parts = [(event_rows, event, 1.0)]
        if not given.all():
            parts.append((given_rows, given, -point_and_width(statement)[0]))
        for rows, new, coefficient in parts:
            cells = np.add.outer(np.flatnonzero(rows) * columns, np.flatnonzero(new)).ravel()
            where.append(cells)
            value.append(np.full(len(cells), coefficient))
            which.append(np.full(len(cells), i))
    index = (np.concatenate(which), np.concatenate(where))
    return sp.csr_array((np.concatenate(value), index), shape=(len(said), size))


def _compiled(
    said: Sequence[Numbered],
    masks: Sequence[_Masks],
    matrix: Any,
    cap: FloatArray,
    joint: FloatArray,
    least: FloatArray | None,
) -> Constraints:
    """Constraints over rows x columns at the current mass of the givens."""
    m = len(said)
    target, half, scale, penalty, masses = (np.zeros(m) for _ in range(5))
    for i, ((_, statement), (event_rows, event, given_rows, given)) in enumerate(
        zip(said, masks, strict=True)
    ):
        middle, width, error = point_and_width(statement)
        mass = float(joint[np.ix_(given_rows, given)].sum())
        if least is not None:
            mass = max(mass, float(least[i]))
        elif mass <= 0 or (statement.lower > 0 and not joint[np.ix_(event_rows, event)].sum() > 0):
            raise StatisticsError(
                f"{statement.table}: row {statement.row} is about patients that the earlier "
                "blocks and the rules of the schema exclude; correct the row or its scope"
            )
        if given.all():
            target[i] = middle * mass
        half[i], scale[i], masses[i] = width * mass, error * mass, mass
        penalty[i] = PSEUDO_CASES * error**2 * mass
    group = ConstraintGroup((_ROW, _NEW), matrix, np.arange(m, dtype=np.intp))
    return Constraints((group,), target, half, scale, penalty, masses, cap)
