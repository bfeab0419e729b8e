"""Junction trees: cliques that cover given variable sets, joined without cycles.

Min-fill elimination (Koller & Friedman 2009, *Probabilistic Graphical Models*, section
9.4.3) and a maximum-weight spanning tree over the separators (Jensen & Jensen 1994,
doi:10.1016/B978-1-55860-332-5.50050-X).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthgen.errors import ModelError
from synthgen.models.domain import Domain

#: Largest clique [cells] that is built without being asked for: 8 million doubles, 64 MB.
CLIQUE_CELLS = 8_000_000


class TooTiedError(ModelError):
    """Tables and rules tie more variables together than a tree can hold."""


@dataclass(frozen=True)
class JunctionTree:
    """Cliques in an order in which every parent precedes its children.

    Parameters
    ----------
    cliques : tuple of tuple of str
        Variables of each clique in the order of the domain; the first is the root.
    parents : tuple of int
        Position of each clique's parent; -1 for the root.
    separators : tuple of tuple of str
        Variables that each clique shares with its parent; empty for the root, and for the
        root of a part that is not connected with the others.
    """

    cliques: tuple[tuple[str, ...], ...]
    parents: tuple[int, ...]
    separators: tuple[tuple[str, ...], ...]

    def home(self, names: Iterable[str]) -> int:
        """First clique that holds all the names.

        Raises
        ------
        ModelError
            If no clique does.
        """
        wanted = set(names)
        for position, clique in enumerate(self.cliques):
            if wanted <= set(clique):
                return position
        raise ModelError(f"junction tree: no clique holds {', '.join(sorted(wanted))}")

    def children(self, position: int) -> tuple[int, ...]:
        """Positions of a clique's children."""
        return tuple(i for i, parent in enumerate(self.parents) if parent == position)


def triangulated(domain: Domain, sets: Iterable[Iterable[str]]) -> list[frozenset[str]]:
    """Maximal cliques of the min-fill triangulation, the same for equal sets in any order.

    Parameters
    ----------
    domain : Domain
        Sizes and order of the variables.
    sets : iterable of iterable of str
        Each set will be inside one clique.
    """
    groups = {frozenset(group) for group in sets}
    names = domain.ordered(frozenset().union(*groups))
    place = {name: 1 << i for i, name in enumerate(names)}
    sizes = [domain.size(name) for name in names]
    # Sets of variables are the bits of a number: a search builds thousands of trees.
    around = [0] * len(names)
    for group in groups:
        mask = sum([place[name] for name in group])
        for name in group:
            around[place[name].bit_length() - 1] |= mask
    for i in range(len(names)):
        around[i] &= ~(1 << i)

    def cost(i: int) -> tuple[int, int]:
        """Pairs of neighbours that are not joined (each twice), and cells of the clique."""
        near = left = around[i]
        missing, cells = 0, sizes[i]
        while left:
            j = left.bit_length() - 1
            left ^= 1 << j
            missing += (near & ~around[j]).bit_count() - 1
            cells *= sizes[j]
        return missing, cells

    costs = {i: cost(i) for i in range(len(names))}
    cliques: list[int] = []
    while costs:
        gone = min(costs, key=costs.__getitem__)  # ties: the order of the domain
        added = costs.pop(gone)[0]
        near, mask = around[gone], around[gone] | 1 << gone
        if not any(mask & other == mask for other in cliques):
            cliques.append(mask)
        touched = near
        for j in _bits(near):
            around[j] = (around[j] | near) & ~(1 << gone | 1 << j)
            if added:
                touched |= around[j]
        for j in _bits(touched):
            costs[j] = cost(j)
    return [frozenset([names[i] for i in _bits(clique)]) for clique in cliques]


def _bits(mask: int) -> list[int]:
    """Positions of the bits that are set, from the lowest."""
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


def junction_tree(
    domain: Domain,
    sets: Iterable[Iterable[str]],
    root: Iterable[str] = (),
    limit: int = CLIQUE_CELLS,
) -> JunctionTree:
    """Junction tree whose cliques cover every given set of variables.

    Parameters
    ----------
    domain : Domain
        Sizes and order of the variables.
    sets : iterable of iterable of str
        Each set will be inside one clique.
    root : iterable of str
        Variables that the root clique must hold.
    limit : int
        Largest clique allowed [cells].

    Returns
    -------
    JunctionTree

    Raises
    ------
    TooTiedError
        If a clique would exceed ``limit``; the message names its variables.
    """
    base = frozenset(root)
    cliques = triangulated(domain, [*sets, base])
    for clique in cliques:
        cells = domain.cells(clique)
        if cells > limit:
            detail = " x ".join(f"{n} ({domain.size(n)})" for n in domain.ordered(clique))
            raise TooTiedError(
                f"junction tree: the tables tie {detail} together; that is {cells:.3g} cells, "
                f"at most {limit:.3g} are allowed: coarsen or drop a table"
            )
    cliques.sort(key=lambda c: (not base <= c, domain.ordered(c)))
    return _grow(domain, cliques)


def _grow(domain: Domain, cliques: list[frozenset[str]]) -> JunctionTree:
    """Maximum spanning tree from the first clique (Prim), heaviest separator first."""
    order, parents, separators = [0], [-1], [()]
    outside = list(range(1, len(cliques)))
    position = {0: 0}
    best = {i: (len(cliques[i] & cliques[0]), 0) for i in outside}
    while outside:
        pick = max(outside, key=lambda i: (best[i][0], -i))
        parent = best[pick][1]
        position[pick] = len(order)
        order.append(pick)
        parents.append(position[parent])
        separators.append(domain.ordered(cliques[pick] & cliques[parent]))  # type: ignore[arg-type]
        outside.remove(pick)
        for i in outside:
            weight = len(cliques[i] & cliques[pick])
            if weight > best[i][0]:
                best[i] = (weight, pick)
    return JunctionTree(
        cliques=tuple(domain.ordered(cliques[i]) for i in order),
        parents=tuple(parents),
        separators=tuple(separators),
    )
