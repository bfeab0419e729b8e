"""What the new variables of a block depend on, entity by entity, as coarse as it may be.

Codes that no statement and no reference tells apart are merged (ages 15-19 and 20-24
where survival is published for 15-39), and variables that play no part for an entity are
left out, so that every entity has a small grid of contexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.models.block import Potential
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture
from synthgen.statistics.statement import Members, Statement

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class EntityContext:
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


def context_of(
    domain: Domain,
    before: Mixture,
    position: int,
    code: str,
    context: tuple[str, ...],
    statements: Sequence[Statement],
    potentials: Sequence[Potential],
) -> EntityContext:
    """Contexts of one entity, merged as far as nothing tells them apart.

    Parameters
    ----------
    domain : Domain
        All variables, the new ones included.
    before : Mixture
        Distribution of the old variables.
    position, code : int, str
        The entity: its position and code in the splitting variable.
    context : tuple of str
        Old variables that statements or references tie the new ones to.
    statements : sequence of Statement
    potentials : sequence of Potential
        Those of the new variables.
    """
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
    return EntityContext(
        code, tuple(names), tuple(groups), tuple(first), probability, component.domain
    )


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
