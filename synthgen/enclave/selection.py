"""Which cross-tabulations to count: a junction tree grown where the records tell most.

Every variable (or group that must stay together) joins the clique that tells most about it, with
as many of its members as are worth their cells.  The cliques form a junction tree by
construction, so the tables have a closed-form fit, and nothing has to be triangulated later.
What a table is worth is the mutual information between the variable and the members, less one
nat for every parameter (Akaike 1974, doi:10.1109/TAC.1974.1100705).  Trees of pairs are those of
Chow & Liu (1968, doi:10.1109/TIT.1968.1054142); members are added greedily.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

LARGEST_SET = 6
"""Most variables that a new one is counted with."""


@dataclass(frozen=True)
class Choice:
    """One table: new variables, counted with some that stand in an earlier table.

    Parameters
    ----------
    given : tuple of str
        Variables of one earlier table; empty for the first.
    variables : tuple of str
        Those that this table brings in.
    worth : float
        Information about the new ones less the cost of its parameters [nats per row].
    """

    given: tuple[str, ...]
    variables: tuple[str, ...]
    worth: float

    @property
    def names(self) -> tuple[str, ...]:
        """All variables of the table."""
        return (*self.given, *self.variables)


class _Sample:
    """Entropies of sets of variables on the sampled rows, each counted once."""

    def __init__(self, rows: Mapping[str, npt.NDArray[np.int32]], total: int, cost: float) -> None:
        self.rows = rows
        self.n = len(next(iter(rows.values())))
        self.total = total
        self.cost = cost
        self._entropy: dict[frozenset[str], tuple[float, int]] = {}

    def _labels(self, names: frozenset[str]) -> tuple[IntArray, int]:
        """A number for the cell of each row, and an upper limit of these numbers."""
        joined: IntArray = np.zeros(self.n, dtype=np.int64)
        size = 1
        for name in sorted(names):
            column = self.rows[name]
            width = int(column.max()) + 1
            joined = joined * width + column
            size *= width
            if size > 4 * self.n + 1_000:  # few enough to be counted directly
                joined = np.unique(joined, return_inverse=True)[1].astype(np.int64).ravel()
                size = int(joined.max()) + 1
        return joined, size

    def entropy(self, names: frozenset[str]) -> tuple[float, int]:
        """Entropy [nats] and cells that occur."""
        if not names:
            return 0.0, 1
        if names not in self._entropy:
            labels, size = self._labels(names)
            counts = np.bincount(labels, minlength=size)
            counts = counts[counts > 0]
            share = counts / self.n
            self._entropy[names] = (float(-(share * np.log(share)).sum()), len(counts))
        return self._entropy[names]

    def worth(self, new: frozenset[str], given: frozenset[str]) -> float:
        """Information about new variables less the cost of the parameters [nats per row]."""
        own, own_cells = self.entropy(new)
        beside, beside_cells = self.entropy(given)
        both, both_cells = self.entropy(new | given)
        parameters = both_cells - beside_cells - own_cells + 1
        return own + beside - both - self.cost * max(parameters, 0) / self.total


def choose_tables(
    rows: Mapping[str, npt.NDArray[np.int32]],
    total: int,
    cells: Callable[[Sequence[str]], int],
    *,
    limit: int,
    context: Sequence[str] = (),
    groups: Iterable[Sequence[str]] = (),
    partners: Mapping[str, frozenset[str]] | None = None,
    cost: float = 1.0,
    largest: int = LARGEST_SET,
) -> list[Choice]:
    """Tables that tell most about rows, as a junction tree.

    Parameters
    ----------
    rows : mapping of str to ndarray of int32, shape (n,)
        Positions of categories of sampled rows, by variable.
    total : int
        Rows that will be counted.
    cells : callable
        Cells of the grid of some variables.
    limit : int
        Most cells of a table.
    context : sequence of str
        Variables that are known from elsewhere: tables may be given them, in any combination.
    groups : iterable of sequence of str
        Variables that come in together (times and events of end points).
    partners : mapping of str to frozenset of str
        Variables that a new one must be counted with, as soon as they are in.
    cost : float
        Nats that a parameter costs.
    largest : int
        Most variables given in a table.
    """
    sample = _Sample(rows, total, cost)
    units = _units([n for n in rows if n not in set(context)], groups, cells, limit)
    needs = partners or {}
    cliques: list[frozenset[str]] = [frozenset(context)] if context else []
    best: dict[tuple[int, frozenset[str], frozenset[str]], tuple[float, tuple[str, ...]]] = {}
    order = {name: at for at, name in enumerate(rows)}
    chosen: list[Choice] = []
    left = list(range(len(units)))
    if not cliques:
        first = max(left, key=lambda u: (len(units[u]), _told(sample, units, u), -u))
        left.remove(first)
        cliques.append(frozenset(units[first]))
        chosen.append(Choice((), units[first], 0.0))

    while left:
        placed = frozenset(name for clique in cliques for name in clique)
        options = []
        for u in left:
            musts = frozenset().union(*(needs.get(n, frozenset()) for n in units[u])) & placed
            held = max(len(musts & clique) for clique in cliques)
            for c, clique in enumerate(cliques):
                if len(musts & clique) < held:
                    continue
                key = (u, clique, musts & clique)
                if key not in best:
                    best[key] = _grow(
                        sample, units[u], clique, key[2], cells, limit, largest, order
                    )
                worth, given = best[key]
                options.append((worth, -u, -c, given))
        worth, u, _, given = max(options)
        left.remove(-u)
        new = units[-u]
        chosen.append(Choice(given, new, worth))
        clique = frozenset((*given, *new))
        cliques = [c for c in cliques if not c <= clique]
        cliques.append(clique)
    return chosen


def _told(sample: _Sample, units: list[tuple[str, ...]], u: int) -> float:
    """Information that a unit has about all others, pair by pair."""
    own = frozenset(units[u])
    return sum(
        max(sample.worth(own, frozenset(other)), 0.0) for i, other in enumerate(units) if i != u
    )


def _units(
    names: Sequence[str],
    groups: Iterable[Sequence[str]],
    cells: Callable[[Sequence[str]], int],
    limit: int,
) -> list[tuple[str, ...]]:
    """Groups that fit into a table, and every other variable alone."""
    units: list[tuple[str, ...]] = []
    used: set[str] = set()
    for group in groups:
        kept = tuple(n for n in names if n in set(group) and n not in used)
        while kept and cells(kept) > limit:
            kept = kept[:-1]
        if len(kept) > 1:
            units.append(kept)
            used |= set(kept)
    return [*units, *((name,) for name in names if name not in used)]


def _grow(
    sample: _Sample,
    new: tuple[str, ...],
    clique: frozenset[str],
    musts: frozenset[str],
    cells: Callable[[Sequence[str]], int],
    limit: int,
    largest: int,
    order: Mapping[str, int],
) -> tuple[float, tuple[str, ...]]:
    """Members of a clique that are worth being counted with new variables."""
    unit = frozenset(new)
    given = sorted(musts, key=order.__getitem__)
    while given and cells([*given, *new]) > limit:
        given.pop()
    worth = sample.worth(unit, frozenset(given)) if given else 0.0
    while len(given) < largest:
        options = [
            (sample.worth(unit, frozenset((*given, name))), -order[name], name)
            for name in clique
            if name not in given and cells([*given, name, *new]) <= limit
        ]
        if not options:
            break
        found, _, name = max(options)
        if found <= worth:
            break
        worth = found
        given.append(name)
    return worth, tuple(sorted(given, key=order.__getitem__))
