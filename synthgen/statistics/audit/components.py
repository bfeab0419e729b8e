"""The parts of a linear system that share no unknown, which are looked at apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse import csgraph

from synthgen.statistics.audit.programs import Component
from synthgen.statistics.audit.system import System

sp: Any = scipy.sparse


def components_of(system: System) -> list[Component]:
    """The parts of a system that share no unknown, those without a wanted region left out."""
    width = system.matrix.shape[1]
    if width == 0:
        return []
    stacked = sp.csr_array(sp.vstack([system.matrix, system.targets]))
    rows = stacked.shape[0]
    graph = sp.block_array([[None, stacked], [stacked.T, None]], format="csr")
    _, label = csgraph.connected_components(graph, directed=False)
    of_row, of_column = label[:rows], label[rows:]
    m = system.matrix.shape[0]
    found = []
    has_entries = np.diff(system.targets.indptr) > 0
    for name in np.unique(of_row[m:][has_entries]).tolist():
        row = np.flatnonzero(of_row[:m] == name)
        column = np.flatnonzero(of_column == name)
        target = np.flatnonzero((of_row[m:] == name) & has_entries)
        found.append(
            Component(
                sp.csr_array(system.matrix[row][:, column]),
                system.row_lower[row],
                system.row_upper[row],
                system.row_node[row],
                system.least[column],
                system.most[column],
                sp.csr_array(system.targets[target][:, column]),
                target,
                tuple(system.column_nodes[j] for j in column.tolist()),
                row,
            )
        )
    return found
