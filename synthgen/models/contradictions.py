"""Statements that no population can satisfy together, found before any fit.

An elastic linear program over the clique marginals of a junction tree: every statement may
be relaxed at a price of one per standard error, marginals of neighbouring cliques must
agree on what they share, and the cheapest relaxation is found (HiGHS; Huangfu & Hall 2018,
doi:10.1007/s12532-017-0130-5).  Locally consistent marginals of a junction tree are the
marginals of some distribution (Wainwright & Jordan 2008, doi:10.1561/2200000001), so no
relaxation means no contradiction, and what is relaxed names the culprit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.sparse

from synthgen.errors import StatisticsError
from synthgen.models.block import Numbered, Potential
from synthgen.models.constraints import point_and_width, statement_variables
from synthgen.models.curvature import cell_index
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree, junction_tree
from synthgen.statistics.statement import Members, Statement

FloatArray = npt.NDArray[np.float64]
#: Sparse arrays; the published stubs of scipy do not follow their products and sums.
SparseArray = Any
sp: Any = scipy.sparse

#: A statement may lie this far from its interval without being called contradicted
#: [standard errors]: sampling error alone takes one in 16,000 so far.
FREE = 4.0
#: Relaxation below this is rounding of the solver [standard errors].
NOTHING = 1e-6


@dataclass(frozen=True)
class Contradiction:
    """A statement that must give way, and by how much at least.

    Parameters
    ----------
    number : int
        Number of the statement.
    statement : Statement
    relaxation : float
        Distance beyond the free range [standard errors].
    """

    number: int
    statement: Statement
    relaxation: float


@dataclass(frozen=True, eq=False)
class _Part:
    """One entity's own small tree, and where its cells stand among all columns.

    Parameters
    ----------
    code : str
        The entity; ``""`` where nothing is split.
    domain : Domain
        The other variables, with the codes that go with the entity.
    tree : JunctionTree
    starts : ndarray of int64
        First column of each clique, and the end of the last one.
    whole : Domain
        All variables with all codes.
    split : str
    """

    code: str
    domain: Domain
    tree: JunctionTree
    starts: npt.NDArray[np.int64]
    whole: Domain
    split: str

    @property
    def split_position(self) -> int:
        """Position of the entity among all."""
        return self.whole.codes[self.split].index(self.code)

    def positions(self, name: str) -> npt.NDArray[np.intp]:
        """Positions of the part's codes of a variable among all codes."""
        return self.whole.positions(name, self.domain.codes[name])


def find_contradictions(
    domain: Domain,
    numbered: Sequence[Numbered],
    potentials: Sequence[Potential],
    split: str = "",
) -> list[Contradiction]:
    """The cheapest relaxation that makes statements satisfiable together.

    Parameters
    ----------
    domain : Domain
    numbered : sequence of (int, Statement)
        Statements with their numbers.
    potentials : sequence of Potential
        Structural zeros (``-inf``); finite values do not matter.
    split : str
        Variable each of whose codes gets a tree of its own, which is the same population
        with far fewer cells; ``""`` for none.

    Returns
    -------
    list of Contradiction
        Largest relaxation first; empty if all can hold together.

    Raises
    ------
    StatisticsError
        If the linear program cannot be solved.
    ModelError
        If a clique would be too large.
    """
    if not numbered:
        return []
    parts = _parts(domain, numbered, potentials, split)
    cells = int(parts[-1].starts[-1])
    possible = np.flatnonzero(np.concatenate([_possible(p, potentials, split) for p in parts]))
    agreement = sp.vstack([_one(parts, cells), *(_agreements(p, cells) for p in parts)])
    agreement = sp.csr_array(agreement)[:, possible]
    right = np.zeros(agreement.shape[0])
    right[0] = 1.0
    rows = sp.csr_array(sp.vstack([_row(parts, cells, s, split) for _, s in numbered]))
    rows = rows[:, possible]
    half = np.array([point_and_width(s)[1] for _, s in numbered])
    error = np.array([point_and_width(s)[2] for _, s in numbered])
    # One unit of slack is one standard error on the scale of the given's mass.
    given = np.maximum(_given_masses(domain, [s for _, s in numbered]), 1e-12)
    free = (half + FREE * error) * given
    m = len(numbered)
    slack, none = sp.diags_array(error * given), sp.csr_array((m, m))
    linprog: Any = scipy.optimize.linprog
    result = linprog(
        np.concatenate([np.zeros(len(possible)), np.ones(2 * m)]),
        A_ub=sp.csr_array(
            sp.vstack([sp.hstack([rows, -slack, none]), sp.hstack([-rows, none, -slack])])
        ),
        b_ub=np.concatenate([free, free]),
        A_eq=sp.csr_array(sp.hstack([agreement, sp.csr_array((len(right), 2 * m))])),
        b_eq=right,
        bounds=(0, None),
        method="highs",
    )
    if result.status != 0:
        raise StatisticsError(
            f"contradictions: the linear program over {len(possible)} cells and {m} statements "
            f"ended without an answer (status {result.status})"
        )
    needed = result.x[len(possible) :][:m] + result.x[len(possible) + m :]
    found = [
        Contradiction(number, statement, float(amount))
        for (number, statement), amount in zip(numbered, needed, strict=True)
        if amount > NOTHING
    ]
    return sorted(found, key=lambda c: -c.relaxation)


def _parts(
    domain: Domain, numbered: Sequence[Numbered], potentials: Sequence[Potential], split: str
) -> list[_Part]:
    sets = [frozenset(statement_variables(domain, s)) - {split} for _, s in numbered]
    sets += [frozenset(p.names) - {split} for p in potentials]
    sets = [s for s in sets if s]
    parts: list[_Part] = []
    first = 0
    for code in domain.codes[split] if split else ("",):
        own = Domain(
            tuple(
                (name, _codes_with(domain, name, split, code, potentials))
                for name in domain.names
                if name != split
            )
        )
        tree = junction_tree(own, sets)
        sizes = [own.cells(c) for c in tree.cliques]
        parts.append(_Part(code, own, tree, first + np.cumsum([0, *sizes]), domain, split))
        first = int(parts[-1].starts[-1])
    return parts


def _codes_with(
    domain: Domain, name: str, split: str, code: str, potentials: Sequence[Potential]
) -> tuple[str, ...]:
    """Codes of a variable that can go with one code of the splitting variable."""
    kept = np.ones(domain.size(name), dtype=np.bool_)
    for potential in potentials:
        if split and set(potential.names) == {split, name}:
            axis = potential.names.index(split)
            kept &= ~np.isneginf(
                potential.log_values.take(domain.codes[split].index(code), axis=axis)
            )
    chosen = tuple(c for c, k in zip(domain.codes[name], kept, strict=True) if k)
    return chosen or domain.codes[name]


def _one(parts: Sequence[_Part], cells: int) -> Any:
    """Everybody has one entity: the first cliques of all parts add up to one."""
    column = np.concatenate([np.arange(p.starts[0], p.starts[1]) for p in parts])
    row = np.zeros(len(column), dtype=np.intp)
    return sp.csr_array((np.ones(len(column)), (row, column)), shape=(1, cells))


def _agreements(part: _Part, cells: int) -> Any:
    """Cliques agree with their parents on the separator (on the total, if it is empty)."""
    found = [sp.csr_array((0, cells))]
    for i, parent in enumerate(part.tree.parents):
        if parent < 0:
            continue
        separator = part.tree.separators[i]
        row, column, value = [], [], []
        for clique, sign in ((i, 1.0), (parent, -1.0)):
            index = cell_index(part.domain, part.tree.cliques[clique], separator)
            row.append(index)
            column.append(part.starts[clique] + np.arange(len(index)))
            value.append(np.full(len(index), sign))
        at = (np.concatenate(row), np.concatenate(column))
        shape = (part.domain.cells(separator), cells)
        found.append(sp.csr_array((np.concatenate(value), at), shape=shape))
    return sp.vstack(found)


def _within(part: _Part, members: Members, split: str) -> dict[str, tuple[str, ...]] | None:
    """Members in a part's own codes; None if nobody of the part is meant."""
    own: dict[str, tuple[str, ...]] = {}
    for name, codes in members.items():
        if name == split:
            if part.code not in codes:
                return None
            continue
        own[name] = tuple(c for c in part.domain.codes[name] if c in set(codes))
        if not own[name]:
            return None
    return own


def _row(parts: Sequence[_Part], cells: int, statement: Statement, split: str) -> Any:
    middle = point_and_width(statement)[0]
    column, value = [], []
    for part in parts:
        given = _within(part, statement.given, split)
        if given is None:
            continue
        event = _within(part, statement.event, split)
        names = part.domain.ordered(
            n
            for members in (given, event or {})
            for n, c in members.items()
            if len(c) < part.domain.size(n)
        )
        home = part.tree.home(names)
        clique = part.tree.cliques[home]
        inside = part.domain.mask(clique, given)
        meant = inside & part.domain.mask(clique, event) if event is not None else inside & False
        values = (meant - middle * inside).ravel()
        used = np.flatnonzero(values)
        column.append(part.starts[home] + used)
        value.append(values[used])
    if not column:
        return sp.csr_array((1, cells))
    at = np.concatenate(column)
    return sp.csr_array(
        (np.concatenate(value), (np.zeros(len(at), dtype=np.intp), at)), shape=(1, cells)
    )


def _given_masses(domain: Domain, statements: Sequence[Statement]) -> FloatArray:
    """Share of all cells that each given covers.

    Only the price of a relaxation depends on it, not whether one is needed.
    """
    masses = []
    for statement in statements:
        names = statement_variables(domain, statement)
        masses.append(float(domain.mask(names, statement.given).mean()) if names else 1.0)
    return np.array(masses)


def _possible(part: _Part, potentials: Sequence[Potential], split: str) -> npt.NDArray[np.bool_]:
    """Cells of a part that no structural zero excludes."""
    kept = np.ones(int(part.starts[-1] - part.starts[0]), dtype=np.bool_)
    for potential in potentials:
        names = tuple(n for n in potential.names if n != split)
        if not names:
            continue
        zeros = np.asarray(np.isneginf(potential.log_values))
        home = part.tree.home(names)
        for axis in reversed(range(len(potential.names))):
            name = potential.names[axis]
            at = part.split_position if name == split else part.positions(name)
            zeros = np.asarray(zeros.take(at, axis=axis))
        index = cell_index(part.domain, part.tree.cliques[home], names)
        start = part.starts[home] - part.starts[0]
        kept[start : start + len(index)] &= ~zeros.ravel()[index]
    return kept
