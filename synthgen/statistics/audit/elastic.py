"""Which printed numbers contradict each other: the cheapest relaxation of a linear system."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from synthgen.errors import StatisticsError
from synthgen.statistics.audit.facts import Fact, Population
from synthgen.statistics.audit.grid import Grid
from synthgen.statistics.audit.programs import Component
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
    one = sp.eye_array(m)
    matrix = sp.csr_array(sp.hstack([component.matrix, one, -one]))
    milp: Any = scipy.optimize.milp
    result = milp(
        np.concatenate([np.zeros(n), np.ones(2 * m)]),
        bounds=scipy.optimize.Bounds(
            np.concatenate([component.least, np.zeros(2 * m)]),
            np.concatenate([component.most, np.full(2 * m, np.inf)]),
        ),
        constraints=scipy.optimize.LinearConstraint(
            matrix, component.row_lower, component.row_upper
        ),
    )
    facts: dict[int, Fact] = {}
    if result.x is not None:
        slack = result.x[n : n + m] + result.x[n + m :]
        for row in np.flatnonzero(slack > GIVES_WAY).tolist():
            node = int(component.row_node[row])
            if node >= 0:
                facts.update({id(f): f for f in bounds.facts_behind(node)})
            else:
                shares = [line.fact for line in grid.lines if line.given is not None]
                facts.update({id(f): f for f in shares})
    if not facts:
        raise StatisticsError(
            f"{population.name}: printed numbers contradict each other; they must be about the "
            "same people; no single one could be named"
        )
    return list(facts.values())
