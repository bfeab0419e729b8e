"""Which printed numbers contradict each other: the cheapest relaxation of a linear system."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from synthgen.errors import StatisticsError
from synthgen.statistics.audit.facts import Fact, Population
from synthgen.statistics.audit.grid import Grid
from synthgen.statistics.audit.programs import NODES, Component, for_highs
from synthgen.statistics.audit.subtraction import Bounds

sp: Any = scipy.sparse

GIVES_WAY = 1e-6
"""Relaxation below this is rounding of the solver [persons]."""


def contradicting(
    component: Component, grid: Grid, bounds: Bounds, population: Population
) -> list[Fact]:
    """Facts that must give way so that a component has a solution.

    Minimises the sum of all violations; the rows that are violated name their facts.

    Raises
    ------
    StatisticsError
        If no printed number is behind the contradiction.
    """
    m, n = component.matrix.shape
    bounded = np.array([j for j in range(n) if component.column_nodes[j]], dtype=np.intp)
    single = sp.csr_array(
        (np.ones(len(bounded)), (np.arange(len(bounded)), bounded)), shape=(len(bounded), n)
    )
    may = np.concatenate([component.row_node != -1, np.ones(len(bounded), dtype=bool)])
    rows = m + len(bounded)
    one = sp.diags_array(may.astype(float), format="csr")
    matrix = sp.csr_array(sp.hstack([sp.vstack([component.matrix, single]), one, -one]))
    least, most = component.least.copy(), component.most.copy()
    low = np.concatenate([component.row_lower, least[bounded]])
    high = np.concatenate([component.row_upper, most[bounded]])
    least[bounded], most[bounded] = 0.0, np.inf
    milp: Any = scipy.optimize.milp
    for whole in (0, 1):  # whole numbers only where fractions of patients would do
        result = milp(
            np.concatenate([np.zeros(n), np.ones(2 * rows)]),
            integrality=np.concatenate([np.full(n, whole), np.zeros(2 * rows)]),
            bounds=scipy.optimize.Bounds(
                np.concatenate([least, np.zeros(2 * rows)]),
                np.concatenate([most, np.full(2 * rows, np.inf)]),
            ),
            constraints=scipy.optimize.LinearConstraint(for_highs(matrix), low, high),
            options={"node_limit": NODES} if whole else {},
        )
        if result.x is None or result.fun > GIVES_WAY:
            break
    facts: dict[int, Fact] = {}
    if result.x is not None:
        slack = result.x[n : n + rows] + result.x[n + rows :]
        for row in np.flatnonzero(may & (slack > GIVES_WAY)).tolist():
            if row >= m:
                nodes = component.column_nodes[int(bounded[row - m])]
            elif component.row_node[row] >= 0:
                nodes = (int(component.row_node[row]),)
            else:
                share = grid.lines[-2 - int(component.row_node[row])].fact
                facts[id(share)] = share
                nodes = ()
            for node in nodes:
                facts.update({id(f): f for f in bounds.facts_behind(node)})
    if not facts:
        raise StatisticsError(
            f"{population.name}: printed numbers contradict each other; they must be about the "
            "same people; no single one could be named"
        )
    return list(facts.values())
