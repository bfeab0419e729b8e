"""Which printed numbers give a cell away.

By subtraction, the steps were remembered.  By linear program, the multipliers of the optimum
name the rows that prove the bound (Farkas: a combination of them is the bound itself).  The
set is then made irreducible by leaving out one printed number after the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.optimize

from synthgen.statistics.audit.facts import Fact, Population
from synthgen.statistics.audit.grid import grid_of
from synthgen.statistics.audit.reconstruction import Reconstruction, reconstruct

MATTERS = 1e-7
"""Multiplier below this is rounding of the solver."""

MOST_TRIED = 60
"""Largest set of printed numbers that is made irreducible by leaving them out one by one."""


def facts_behind(found: Reconstruction, node: int) -> tuple[Fact, ...]:
    """Printed numbers from which the interval of a node follows, the node's own included.

    Parameters
    ----------
    found : Reconstruction
    node : int
        A printed region.

    Returns
    -------
    tuple of Fact
        Empty where the work allowed for explanations has ended.
    """
    facts = {id(f): f for f in found.bounds.facts_behind(node)}
    if node in found.by_program:
        nodes = _nodes_behind(found, node)
        if not nodes and found.explaining.is_spent:
            return ()
        for at in nodes:
            facts.update({id(f): f for f in found.bounds.facts_behind(at)})
    return tuple(facts.values())


def _nodes_behind(found: Reconstruction, node: int) -> list[int]:
    """Nodes with a multiplier in the programs for the two bounds of a node."""
    target = found.wanted.index(node)
    for component in found.components:
        where = np.flatnonzero(component.numbers == target)
        if len(where):
            break
    else:
        return []
    if not found.explaining.allows(2 * component.coefficients):
        return []
    row = component.targets[where].toarray().ravel()
    equal = component.row_lower == component.row_upper
    above, below = (
        ~equal & np.isfinite(component.row_upper),
        ~equal & np.isfinite(component.row_lower),
    )
    matrix = component.matrix
    nodes: dict[int, None] = {}
    linprog: Any = scipy.optimize.linprog
    for sign in (1.0, -1.0):
        result = linprog(
            sign * row,
            A_ub=_stack(matrix[np.flatnonzero(above)], -matrix[np.flatnonzero(below)]),
            b_ub=np.concatenate([component.row_upper[above], -component.row_lower[below]]),
            A_eq=matrix[np.flatnonzero(equal)],
            b_eq=component.row_lower[equal],
            bounds=np.column_stack([component.least, component.most]),
            method="highs",
        )
        if result.status != 0:
            continue
        numbers = np.concatenate([np.flatnonzero(above), np.flatnonzero(below)])
        used = numbers[np.abs(result.ineqlin.marginals) > MATTERS].tolist()
        used += np.flatnonzero(equal)[np.abs(result.eqlin.marginals) > MATTERS].tolist()
        for i in used:
            if found.system is not None:
                nodes.update(dict.fromkeys(found.system.known_nodes(int(component.rows[i]))))
            if component.row_node[i] >= 0:
                nodes[int(component.row_node[i])] = None
            elif component.row_node[i] <= -2:
                line = found.grid.lines[-2 - int(component.row_node[i])]
                nodes.update(dict.fromkeys(n for n in (line.node, line.given) if n is not None))
        reduced = np.abs(result.lower.marginals) + np.abs(result.upper.marginals)
        for j in np.flatnonzero(reduced > MATTERS).tolist():
            nodes.update(dict.fromkeys(component.column_nodes[j]))
    return list(nodes)


def _stack(first: Any, second: Any) -> Any:
    import scipy.sparse

    return scipy.sparse.csr_array(scipy.sparse.vstack([first, second]))


def irreducible(
    found: Reconstruction, node: int, facts: tuple[Fact, ...], narrow: float
) -> tuple[tuple[Fact, ...], bool]:
    """The same set, without any printed number whose absence leaves the interval as narrow.

    Parameters
    ----------
    found : Reconstruction
    node : int
    facts : tuple of Fact
        Of :func:`facts_behind`.
    narrow : float
        Width at or below which the cell counts as given away [persons].

    Returns
    -------
    facts : tuple of Fact
    is_irreducible : bool
        Whether leaving out any one of them widens the interval beyond ``narrow``; False, with
        the set as it was, where it has more than :data:`MOST_TRIED` members.
    """
    if not facts or len(facts) > MOST_TRIED or found.explaining.is_spent:
        return facts, False
    own = [line.fact for line in found.grid.lines if line.node == node and line.fact in facts]
    kept = list(facts)
    if not _gives_away(found.population, kept, own[0] if own else None, found, node, narrow):
        return facts, False
    for fact in sorted(facts, key=lambda f: f in own):
        fewer = [f for f in kept if f is not fact]
        if _gives_away(found.population, fewer, own[0] if own else None, found, node, narrow):
            kept = fewer
    return tuple(kept), not found.explaining.is_spent


def _gives_away(
    population: Population,
    facts: list[Fact],
    own: Fact | None,
    found: Reconstruction,
    node: int,
    narrow: float,
) -> bool:
    """Whether some facts alone keep the interval of a node that narrow."""
    if own is None:
        own = next(line.fact for line in found.grid.lines if line.node == node)
    asked = replace(own, lower=0.0, upper=float("inf"), source="asked")
    part = replace(population, facts=(*facts, asked))
    grid = grid_of(part)
    at = grid.lines[-1].node
    alone = reconstruct(part, narrow=narrow, only=[at], work=found.explaining)
    return bool(alone.upper[at] - alone.lower[at] <= narrow)
