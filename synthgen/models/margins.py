"""Many margins of the cliques of a tree at once, and the sums of many factors on them.

A margin over three variables of a clique of six is reached by summing one variable out at a
time, the one with most codes first, and what is reached on the way is shared: two margins that
lose the same variable first pay for it once.  Factors go the same way back: small ones are
added up before they are spread over larger grids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """One grid made of another by summing over one axis."""

    source: int
    axis: int


@dataclass(frozen=True)
class Margins:
    """The way from cliques to margins; grids are numbered, the cliques first.

    Parameters
    ----------
    cliques : int
    steps : tuple of Step
        Grid ``cliques + i`` is made by step ``i``.
    grids : tuple of int
        Of each margin that was asked for.
    """

    cliques: int
    steps: tuple[Step, ...]
    grids: tuple[int, ...]

    def of(self, marginals: Sequence[FloatArray]) -> list[FloatArray]:
        """Margins of the marginals of the cliques, in the order they were asked for."""
        made = list(marginals)
        for step in self.steps:
            made.append(np.add.reduce(made[step.source], axis=step.axis))
        return [made[grid] for grid in self.grids]

    def onto(
        self, potentials: Sequence[FloatArray], factors: Sequence[FloatArray]
    ) -> list[FloatArray]:
        """Log potentials of the cliques with log factors on the margins added.

        Parameters
        ----------
        potentials : sequence of ndarray of float64
            One per clique; they are not changed.
        factors : sequence of ndarray of float64
            One per margin.
        """
        sums: list[FloatArray | None] = [*potentials, *[None] * len(self.steps)]

        def add(grid: int, values: FloatArray) -> None:
            held = sums[grid]
            sums[grid] = values if held is None else held + values

        for grid, factor in zip(self.grids, factors, strict=True):
            add(grid, factor)
        for i in range(len(self.steps) - 1, -1, -1):
            held = sums[self.cliques + i]
            if held is not None:
                add(self.steps[i].source, np.expand_dims(held, self.steps[i].axis))
        return [values for values in sums[: self.cliques] if values is not None]


def margins_of(domain: Domain, tree: JunctionTree, wanted: Sequence[tuple[str, ...]]) -> Margins:
    """The way to some margins.

    Parameters
    ----------
    domain : Domain
    tree : JunctionTree
    wanted : sequence of tuple of str
        Variables of each, in the order of the domain.

    Raises
    ------
    ModelError
        If no clique holds them.

    Examples
    --------
    >>> from synthgen.models.junction_tree import junction_tree
    >>> domain = Domain((("a", ("1", "2")), ("b", ("1", "2", "3"))))
    >>> margins = margins_of(domain, junction_tree(domain, [("a", "b")]), [("a",), ("b",)])
    >>> joint = np.array([[0.1, 0.2, 0.3], [0.1, 0.1, 0.2]])
    >>> margins.of([joint])
    [array([0.6, 0.4]), array([0.2, 0.3, 0.5])]
    >>> margins.onto([np.zeros((2, 3))], [np.array([1.0, 2.0]), np.array([0.0, 0.0, 5.0])])
    [array([[1., 1., 6.],
           [2., 2., 7.]])]
    """
    steps: list[Step] = []
    grid_of: dict[tuple[int, tuple[str, ...]], int] = {
        (home, clique): home for home, clique in enumerate(tree.cliques)
    }
    grids = []
    for names in wanted:
        home = tree.home(names)
        held = tree.cliques[home]
        while len(held) > len(names):
            lost = max((n for n in held if n not in names), key=domain.size)
            rest = tuple(n for n in held if n != lost)
            if (home, rest) not in grid_of:
                steps.append(Step(grid_of[home, held], held.index(lost)))
                grid_of[home, rest] = len(tree.cliques) + len(steps) - 1
            held = rest
        grids.append(grid_of[home, held])
    return Margins(len(tree.cliques), tuple(steps), tuple(grids))
