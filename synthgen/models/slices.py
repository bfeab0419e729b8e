"""Fitting a block of variables on a mixture: every entity in its own small context.

The contexts of each entity are merged as far as no statement and no reference tells them
apart (ages 15-19 and 20-24 where survival is published for 15-39), and stacked into one
list of rows over all entities.  The fit is a conditional exponential family over rows x new
codes, so statements about several entities tie them, and nothing already frozen moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    components_of,
)
from synthgen.models.constraints import (
    PSEUDO_CASES,
    ConstraintGroup,
    Constraints,
    point_and_width,
    statement_variables,
)
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
class _Slice:
    """The contexts of one entity: a grid of merged codes of the variables that matter.

    Parameters
    ----------
    code : str
        The entity.
    names : tuple of str
        Variables that some statement or reference tells apart, in the order of the domain.
    groups : tuple of ndarray of intp
        Group of each local code, by variable.
    first : tuple of ndarray of intp
        Position among all codes of one code of each group, by variable.
    probability : ndarray of float64, shape (groups...)
        Of each context together with the entity.
    local : Domain
        The codes that occur with the entity.
    """

    code: str
    names: tuple[str, ...]
    groups: tuple[IntArray, ...]
    first: tuple[IntArray, ...]
    probability: FloatArray
    local: Domain

    def local_first(self, domain: Domain, name: str) -> int:
        """Position among all codes of the entity's first code of a variable."""
        return domain.codes[name].index(self.local.codes[name][0])


@dataclass(frozen=True, eq=False)
class SliceFit:
    """What :func:`fit_slices` returns: the grown mixture, and how the fit went."""

    mixture: Mixture
    multipliers: dict[int, float]
    residual: float
    cells: int


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
    for own, ties in components_of(new, sets):
        names = domain.ordered(own)
        mine = [p for p in potentials if own & set(p.names)]
        spoken = [
            [(i, s) for i, s in stage if own & set(statement_variables(domain, s))]
            for stage in stages
        ]
        block = _Rows(domain, mixture, names, ties, [s for st in spoken for _, s in st], mine)
        for stage in spoken:
            if stage:
                residual = max(residual, block.fit(stage, multipliers, start or Start()))
        mixture = block.grown(mixture)
        rows = max(rows, len(block.weight) * block.log_potential.shape[1])
    return SliceFit(mixture, multipliers, residual, rows)


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
            _slice(domain, before, i, code, context, statements, potentials)
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
        positions = self._positions(name)
        for i, (start, end) in enumerate(pairwise(self.starts)):
            if (positions[start:end] < 0).any():
                positions[start:end] = self.slices[i].local_first(self.domain, name)
        return positions

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
        multipliers: dict[int, float],
        start: Start,
    ) -> float:
        """Fit one stage relative to the potentials so far; returns the residual."""
        masks = [self._masks(s) for _, s in numbered]
        empty = _compiled(self, numbered, masks, None, None)
        theta = start.of(numbered)
        constraints = empty
        least = STARVED * empty.mass
        for _ in range(RESCALINGS):
            problem = self._problem(constraints)
            solution = solve(problem, theta, start.goal)
            theta = solution.theta
            joint = solution.calibrated.marginals[0]
            updated = _compiled(self, numbered, masks, joint, least)
            if np.allclose(updated.mass, constraints.mass, rtol=SETTLED, atol=0):
                break
            constraints = updated
        self.log_potential = problem.potentials(theta)[0]
        for (number, _), value in zip(numbered, theta, strict=True):
            multipliers[number] = float(value)
        return solution.residual

    def _masks(self, statement: Statement) -> tuple[BoolArray, BoolArray, BoolArray, BoolArray]:
        """Rows and columns of the event, rows and columns of the given."""
        given_rows = self._member_rows(statement.given)
        event_rows = self._member_rows(statement.event) & given_rows
        given = self.domain.mask(self.own, statement.given).ravel()
        event = self.domain.mask(self.own, statement.event).ravel() & given
        return event_rows, event, given_rows, given

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


def _slice(
    domain: Domain,
    before: Mixture,
    position: int,
    code: str,
    context: tuple[str, ...],
    statements: Sequence[Statement],
    potentials: Sequence[Potential],
) -> _Slice:
    """Contexts of one entity, merged as far as nothing tells them apart."""
    component = before.components[code]
    here = [
        m
        for s in statements
        for m in (s.event, s.given)
        if code in s.event.get(before.split, (code,)) or code in s.given.get(before.split, (code,))
    ]
    names, groups, first = [], [], []
    for name in context:
        local = component.domain.codes[name]
        group = _merged(domain, name, local, here, potentials)
        count = int(group.max()) + 1
        if count == 1:
            continue
        representative = [local[int(np.flatnonzero(group == g)[0])] for g in range(count)]
        names.append(name)
        groups.append(group)
        first.append(np.array([domain.codes[name].index(c) for c in representative], dtype=np.intp))
    probability = component.marginal(names) * before.weights[position]
    for axis, group in enumerate(groups):
        summed = np.zeros((int(group.max()) + 1, *np.moveaxis(probability, axis, 0).shape[1:]))
        np.add.at(summed, group, np.moveaxis(probability, axis, 0))
        probability = np.moveaxis(summed, 0, axis)
    return _Slice(code, tuple(names), tuple(groups), tuple(first), probability, component.domain)


def _merged(
    domain: Domain,
    name: str,
    local: tuple[str, ...],
    here: Sequence[Members],
    potentials: Sequence[Potential],
) -> IntArray:
    """Group of each local code: equal where no statement or reference tells them apart."""
    marks: list[list[Any]] = [[] for _ in local]
    for members in here:
        if name in members:
            inside = set(members[name])
            for mark, code in zip(marks, local, strict=True):
                mark.append(code in inside)
    for potential in potentials:
        if name in potential.names:
            along = np.moveaxis(potential.log_values, potential.names.index(name), 0)
            for mark, position in zip(marks, domain.positions(name, local), strict=True):
                mark.append(along[position].tobytes())
    seen: dict[tuple[Any, ...], int] = {}
    return np.array([seen.setdefault(tuple(m), len(seen)) for m in marks], dtype=np.intp)


def _compiled(
    rows: _Rows,
    numbered: Sequence[Numbered],
    masks: Sequence[tuple[BoolArray, BoolArray, BoolArray, BoolArray]],
    joint: FloatArray | None,
    least: FloatArray | None,
) -> Constraints:
    """Constraints over rows x columns at the current mass of the givens."""
    current = rows.joint() if joint is None else joint
    m = len(numbered)
    target, half, scale, penalty, masses = (np.zeros(m) for _ in range(5))
    made = []
    for i, ((_, statement), (event_rows, event, given_rows, given)) in enumerate(
        zip(numbered, masks, strict=True)
    ):
        middle, width, error = point_and_width(statement)
        mass = float(current[given_rows][:, given].sum())
        if least is not None:
            mass = max(mass, float(least[i]))
        elif mass <= 0 or (statement.lower > 0 and not current[event_rows][:, event].sum() > 0):
            raise StatisticsError(
                f"{statement.table}: row {statement.row} is about patients that the earlier "
                "blocks and the rules of the schema exclude; correct the row or its scope"
            )
        coefficients = sp.kron(
            sp.csr_array(event_rows[np.newaxis].astype(float)),
            sp.csr_array(event[np.newaxis].astype(float)),
            format="csr",
        )
        if given.all():
            target[i] = middle * mass
        else:
            coefficients = coefficients - middle * sp.kron(
                sp.csr_array(given_rows[np.newaxis].astype(float)),
                sp.csr_array(given[np.newaxis].astype(float)),
                format="csr",
            )
        made.append(coefficients)
        half[i], scale[i], masses[i] = width * mass, error * mass, mass
        penalty[i] = PSEUDO_CASES * error**2 * mass
    group = ConstraintGroup(
        (_ROW, _NEW), sp.csr_array(sp.vstack(made)), np.arange(m, dtype=np.intp)
    )
    return Constraints((group,), target, half, scale, penalty, masses, np.full(m, np.inf))
