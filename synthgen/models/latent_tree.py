"""Distributions whose tables hang on one variable each: leaves of a forest, and what they hold.

Where every table is given one variable at most, evidence is carried up the tables once and
down again (Pearl 1988, Probabilistic Reasoning in Intelligent Systems, chapter 4, on trees).  The
result has the tables of before, in the same order: rows of linked tables can be drawn from it
parents first, as from the distribution itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LatentTree(Distribution):
    """Distribution of which every table is given one variable at most.

    Raises
    ------
    ModelError
        If a table is given more than one variable.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        many = [table.name for table in self.tables if len(table.given) > 1]
        if many:
            raise ModelError(
                f"table of {many[0]}: is given more than one variable ({len(many)} such tables)"
            )

    def _upward(self, evidence: Mapping[str, tuple[str, ...]]) -> tuple[list[FloatArray], float]:
        """Tables weighted by the evidence on and below them, and its probability.

        Returns
        -------
        list of ndarray of float64, shape (given..., variables...)
            Joint weights, in the order of the tables.
        float
        """
        message: dict[str, FloatArray] = {
            name: self.domain.mask((name,), {name: codes}).astype(np.float64)
            for name, codes in evidence.items()
        }
        weighted: list[FloatArray] = []
        probability = 1.0
        for table in reversed(self.tables):
            values = table.probability
            depth = len(table.given)
            for axis, name in enumerate(table.variables, start=depth):
                if name in message:
                    shape = [-1 if at == axis else 1 for at in range(values.ndim)]
                    values = values * message[name].reshape(shape)
            weighted.append(values)
            total = values.sum(axis=tuple(range(depth, values.ndim)))
            if not table.given:
                probability *= float(total)
                continue
            (given,) = table.given
            if values is not table.probability:
                message[given] = message[given] * total if given in message else total
        return weighted[::-1], probability

    def probability(self, evidence: Mapping[str, tuple[str, ...]]) -> float:
        """Probability that every variable named is among the codes given; 0.0 if impossible."""
        return self._upward(evidence)[1] if evidence else 1.0

    def condition(self, evidence: Mapping[str, tuple[str, ...]]) -> LatentTree:
        """The distribution among those that the evidence describes, with the same tables.

        Raises
        ------
        EvidenceError
            If the evidence has probability zero.
        ModelError
            If a variable or a code is unknown.
        """
        self.domain.ordered(evidence)
        if not evidence:
            return self
        weighted, probability = self._upward(evidence)
        if not probability > 0:
            described = "; ".join(f"{k} in {', '.join(v)}" for k, v in evidence.items())
            raise EvidenceError(f"evidence {described}: has probability zero under the model")
        tables = []
        for table, values in zip(self.tables, weighted, strict=True):
            if values is table.probability:  # nothing is known on or below it
                tables.append(table)
                continue
            axes = tuple(range(len(table.given), values.ndim))
            total = values.sum(axis=axes, keepdims=True)
            share = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
            tables.append(ConditionalTable(table.given, table.variables, share))
        return LatentTree(self.domain, tuple(tables))
