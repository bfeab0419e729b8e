"""What one release says about one person: the features of the refit audit.

Six of them, because generators leak in different ways: the nearest synthetic patient, the
mean distance to five, the kernel density, how common the person's values and pairs of
values are, and how far the means of the release have moved towards the person.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import Encoded, Encoder, Floats, Positions
from synthgen.findings import Subjects
from synthgen.privacy.density_attack import SMALLEST_WIDTH, log_kernels
from synthgen.privacy.neighbours import blocks, completed, nearest_distances, without_own

FEATURES = 6
NEIGHBOURS = 5
MOST_PAIRS = 60
"""Pairs of columns whose counts are looked at; the first of a random order beyond."""

NEAREST_SEEN = 1e-3
"""Distance below which two patients are the same for the logarithm."""

PRIOR_COUNT = 0.5
"""Added to every count before its logarithm: Jeffreys' prior of a share."""


@dataclass(frozen=True, eq=False)
class Watched:
    """The people attacked, and everything about them that does not change between refits.

    Parameters
    ----------
    encoder : Encoder
    targets : Encoded
    width : float
        Of the kernel.
    centre : ndarray of float64, shape (dimensions,)
        Mean of all real patients.
    pairs : tuple of (str, str)
        Columns whose joint counts are looked at.
    """

    encoder: Encoder
    targets: Encoded
    width: float
    centre: Floats
    pairs: tuple[tuple[str, str], ...]

    def features(self, release: Subjects) -> Floats:
        """Features of every target in one release.

        Returns
        -------
        ndarray of float64, shape (targets, 6)
        """
        synthetic = self.encoder(release)
        points = self.targets.points
        distances, density = self._near(synthetic.points)
        moved = synthetic.points.mean(axis=0) - self.centre
        return np.column_stack(
            (
                -np.log(distances[:, 0] + NEAREST_SEEN),
                -np.log(distances.mean(axis=1) + NEAREST_SEEN),
                density,
                self._singles(synthetic),
                self._pairs(synthetic),
                (points - self.centre) @ moved,
            )
        )

    def _near(self, base: Floats) -> tuple[Floats, Floats]:
        """Distances to the nearest, and the kernel density, from one product of matrices."""
        points = self.targets.points
        distances = np.empty((len(points), min(NEIGHBOURS, len(base))))
        density = np.empty(len(points))
        for block in blocks(len(points), len(base)):
            some = points[block]
            rough = without_own(some, base)
            distances[block] = nearest_distances(rough, some, base, distances.shape[1])
            density[block] = log_kernels(completed(rough, some), self.width, len(base))
        return distances, density

    def _singles(self, synthetic: Encoded) -> Floats:
        total = np.zeros(len(self.targets))
        for name in self.encoder.columns():
            counts = np.bincount(synthetic.codes[name], minlength=self.encoder.size(name))
            total += np.log(counts[self.targets.codes[name]] + PRIOR_COUNT)
        return total

    def _pairs(self, synthetic: Encoded) -> Floats:
        total = np.zeros(len(self.targets))
        for a, b in self.pairs:
            size = self.encoder.size(b)
            counts = np.bincount(
                _cells(synthetic, a, b, size), minlength=size * self.encoder.size(a)
            )
            total += np.log(counts[_cells(self.targets, a, b, size)] + PRIOR_COUNT)
        return total


def _cells(people: Encoded, a: str, b: str, size: int) -> Positions:
    return np.asarray(people.codes[a] * size + people.codes[b])


def watched(
    encoder: Encoder,
    everybody: Encoded,
    alone: Floats,
    targets: npt.NDArray[np.intp],
    rng: np.random.Generator,
) -> Watched:
    """Prepare an audit.

    Parameters
    ----------
    encoder : Encoder
    everybody : Encoded
        All records that refits draw from.
    alone : ndarray of float64, shape (records,)
        Their isolation.
    targets : ndarray of intp
        Rows of those who are attacked.
    rng : numpy.random.Generator
        Chooses pairs of columns, where there are too many.
    """
    width = max(float(np.median(alone)) / 2.0, SMALLEST_WIDTH)
    pairs = list(itertools.combinations(encoder.columns(), 2))
    if len(pairs) > MOST_PAIRS:
        chosen = np.sort(rng.permutation(len(pairs))[:MOST_PAIRS])
        pairs = [pairs[i] for i in chosen]
    some = Encoded(everybody.points[targets], {n: c[targets] for n, c in everybody.codes.items()})
    return Watched(encoder, some, width, everybody.points.mean(axis=0), tuple(pairs))
