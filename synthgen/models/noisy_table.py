"""Counts of the cells of a grid, with noise of a known size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class NoisyTable:
    """Counts with noise on a grid of groups of codes.

    Parameters
    ----------
    names : tuple of str
        Axes, in the order of the domain.
    counts : ndarray of float64
        One axis per name.
    sigma : float
        Standard deviation of the noise of each count.
    groups : tuple of (ndarray of intp or None)
        Position on the axis for each code of the domain; None where every code has its own.
    """

    names: tuple[str, ...]
    counts: FloatArray
    sigma: float
    groups: tuple[IntArray | None, ...]

    @property
    def is_grouped(self) -> bool:
        """Whether an axis is coarser than the domain."""
        return any(group is not None for group in self.groups)

    def counts_like(self, other: NoisyTable) -> bool:
        """Whether another table counts the same cells."""
        return self.names == other.names and all(
            np.array_equal(a, b) if a is not None and b is not None else a is b
            for a, b in zip(self.groups, other.groups, strict=True)
        )

    def pooled(self, other: NoisyTable) -> NoisyTable:
        """Mean of two counts of the same cells, weighted by the inverse variance of their noise."""
        own, its = self.sigma**-2, other.sigma**-2
        counts = (own * self.counts + its * other.counts) / (own + its)
        return NoisyTable(self.names, counts, (own + its) ** -0.5, self.groups)

    def gather(self, grid: FloatArray) -> FloatArray:
        """Sums of a grid of codes over the groups."""
        for axis, group in enumerate(self.groups):
            if group is not None:
                shape = list(grid.shape)
                shape[axis] = self.counts.shape[axis]
                summed = np.zeros(shape)
                np.add.at(np.moveaxis(summed, axis, 0), group, np.moveaxis(grid, axis, 0))
                grid = summed
        return grid

    def spread(self, values: FloatArray) -> FloatArray:
        """A value of each group at each of its codes."""
        for axis, group in enumerate(self.groups):
            if group is not None:
                values = values.take(group, axis=axis)
        return values
