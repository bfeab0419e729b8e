"""What a model of a forest says of its leaves, and whether that is so.

The promise of the engine, at least k persons behind every leaf, is checked each time that a model
is read: from the counts it states, and from the shares that they must give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.errors import ModelError
from synthgen.models.distribution import Distribution
from synthgen.models.latent_tree import LatentTree
from synthgen.models.mixture import Mixture

FOREST = "forest"
"""Name of the engine."""

LEAF_UNIT = "leaf of "
"""Begins the unit of the variable that says which leaf a row of a table is drawn from."""

SHARE_TOLERANCE = 1e-9


def check_leaves(settings: Mapping[str, Any], distribution: Distribution | Mixture) -> None:
    """Ask whether a forest is what its artefact says.

    Parameters
    ----------
    settings : mapping
        ``min_leaf``, ``trees`` and ``leaf_persons`` (by leaf variable, for each tree).
    distribution : Mixture
        Over trees.

    Raises
    ------
    ModelError
        If a leaf has fewer persons than stated, or the counts are not those of the leaves.
    """
    if not isinstance(distribution, Mixture):
        raise ModelError("forest: its distribution must be a mixture over trees")
    least, persons = int(settings["min_leaf"]), dict(settings["leaf_persons"])
    trees = distribution.domain.codes[distribution.split]
    if least < 2 or not persons or int(settings["trees"]) != len(trees):
        raise ModelError("forest: must state trees, 2 or more persons a leaf, and those of each")
    for at, tree in enumerate(trees):
        component = distribution.components[tree]
        if not isinstance(component, LatentTree):
            raise ModelError(f"forest: tree {tree} must be tables given one variable each")
        deciding = {t.variables: t for t in component.tables}
        for name, counted in persons.items():
            counts = np.array(counted[at], dtype=np.int64)
            if (name,) not in deciding or counts.shape != (component.domain.size(name),):
                raise ModelError(f"forest: {name} of tree {tree} must have a count for each leaf")
            if counts.any() and counts.min() < least:
                raise ModelError(
                    f"forest: a leaf of tree {tree} has {counts.min()} persons; it must have "
                    f"{least} ({int((counts < least).sum())} such leaves)"
                )
            table = deciding[(name,)]
            if not table.given and not np.allclose(
                table.probability, counts / counts.sum(), rtol=0.0, atol=SHARE_TOLERANCE
            ):
                raise ModelError(
                    f"forest: shares of the leaves of tree {tree} are not their counts"
                )


def leaf_counts(settings: Mapping[str, Any]) -> tuple[int, int]:
    """Number of leaves of all trees, and the fewest persons of one."""
    counts = [c for trees in settings["leaf_persons"].values() for t in trees for c in t if c]
    return len(counts), min(counts, default=0)
