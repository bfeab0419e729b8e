"""Members, others and synthetic patients in the same numbers: what every attack starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import (
    Encoded,
    Encoder,
    Floats,
    Positions,
    encoder_of,
    joined,
    key_codes,
    texts,
)
from synthgen.findings import Inputs

Booleans = npt.NDArray[np.bool_]

NONE_NAMED = "measure.reason.none_named"
"""Catalogue key: the policy names no keys, secrets or strata."""


@dataclass(frozen=True, eq=False)
class Attacked:
    """Those whose records went into the generator, comparable others, and the release.

    Parameters
    ----------
    encoder : Encoder
        Made from members and others together.
    members, others, synthetic : Encoded
    """

    encoder: Encoder
    members: Encoded
    others: Encoded
    synthetic: Encoded

    def keys(self, columns: tuple[str, ...]) -> tuple[Positions, Positions, Positions]:
        """Combination of some columns as one number, of members, others and synthetic."""
        members, others, synthetic = (
            key_codes(part, self.encoder, columns)
            for part in (self.members, self.others, self.synthetic)
        )
        return members, others, synthetic

    def real_points(self) -> Floats:
        """Points of members and then of others."""
        return np.vstack((self.members.points, self.others.points))


def attacked(inputs: Inputs) -> Attacked:
    """Encode the three sets of patients.

    Raises
    ------
    ValueError
        If members or others are not there; the registry says that a measure needs them.
    """
    if inputs.train is None or inputs.control is None:
        raise ValueError("training and control records are needed")
    encoder = encoder_of(joined((inputs.train, inputs.control)))
    return Attacked(
        encoder, encoder(inputs.train), encoder(inputs.control), encoder(inputs.synthetic)
    )


def strata_of(inputs: Inputs) -> list[tuple[str, Booleans, Booleans]]:
    """Every stratum that a real patient is in: its name, and which members and others are in it.

    The name holds codes, as the policy's columns do; it belongs into the internal edition.
    """
    if inputs.train is None or inputs.control is None:
        return []
    found: list[tuple[str, Booleans, Booleans]] = []
    for columns in inputs.strata:
        sides = []
        for subjects in (inputs.train, inputs.control):
            parts = [texts(subjects.frame[name]) for name in columns]
            sides.append([tuple(row) for row in zip(*parts, strict=True)])
        distinct = {row for side in sides for row in side if None not in row}
        for codes in sorted(distinct):
            name = ", ".join(f"{c}={v}" for c, v in zip(columns, codes, strict=True))
            members, others = (
                np.array([row == codes for row in side], dtype=np.bool_) for side in sides
            )
            found.append((name, members, others))
    return found
