"""Evidence on linked tables: the same distribution, decided table after table, parents first.

Whoever makes rows of linked tables needs what a row says before the rows that refer to it.  A junction
tree that is rooted anywhere may decide a patient given a tumour.  Here variables are summed out one
by one, those of the last table first (bucket elimination: Dechter 1999,
doi:10.1016/S0004-3702(99)00059-4); each is then given only what is summed out after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain

FloatArray = npt.NDArray[np.float64]
Factor = tuple[tuple[str, ...], FloatArray]

MOST_CELLS = 100_000_000
"""Cells of a table in between at most."""


def parents_first(
    distribution: Distribution,
    evidence: Mapping[str, tuple[str, ...]],
    groups: Sequence[Sequence[str]],
) -> Distribution:
    """The distribution among those that the evidence describes, as tables parents first.

    Parameters
    ----------
    distribution : Distribution
    evidence : mapping of str to tuple of str
        Codes that a variable is known to be among.
    groups : sequence of sequence of str
        All variables, those of each table together, parents first.

    Returns
    -------
    Distribution
        Over the same domain.  A table decides one variable, given some of its own group and of those
        before.

    Raises
    ------
    EvidenceError
        If the evidence has probability zero.
    ModelError
        If a variable or a code is unknown, or a table in between is too large.
    """
    domain = distribution.domain
    domain.ordered(evidence)
    factors: list[Factor] = [(t.given + t.variables, t.probability) for t in distribution.tables]
    factors += [((n,), domain.mask((n,), {n: c}).astype(np.float64)) for n, c in evidence.items()]
    tables: list[ConditionalTable] = []
    probability = 1.0
    for group in reversed(groups):
        left = set(group)
        while left:
            name = min(left, key=lambda n: (_cells(domain, factors, n), domain.names.index(n)))
            left.remove(name)
            if _cells(domain, factors, name) > MOST_CELLS:
                raise ModelError(f"evidence on {', '.join(evidence)}: its tables are too large")
            mine = [factor for factor in factors if name in factor[0]]
            factors = [factor for factor in factors if name not in factor[0]]
            given = tuple(n for n in _scope(domain, mine) if n != name)
            joint = np.ones(domain.shape((*given, name)))
            for factor in mine:
                joint = joint * _on((*given, name), factor)
            total = joint.sum(axis=-1)
            share = np.divide(
                joint,
                total[..., np.newaxis],
                out=np.zeros_like(joint),
                where=total[..., np.newaxis] > 0,
            )
            tables.append(ConditionalTable(given, (name,), share))
            if given:
                factors.append((given, total))
            else:
                probability *= float(total)
    if not probability > 0:
        described = "; ".join(f"{k} in {', '.join(v)}" for k, v in evidence.items())
        raise EvidenceError(f"evidence {described}: has probability zero under the model")
    return Distribution(domain, tuple(reversed(tables)))


def _scope(domain: Domain, factors: Sequence[Factor]) -> tuple[str, ...]:
    return domain.ordered({n for names, _ in factors for n in names})


def _cells(domain: Domain, factors: Sequence[Factor], name: str) -> int:
    """Cells of the table that summing a variable out needs."""
    product = 1
    for other in _scope(domain, [factor for factor in factors if name in factor[0]]):
        product *= domain.size(other)
    return product


def _on(axes: tuple[str, ...], factor: Factor) -> FloatArray:
    """A factor with axes in the order given, those it has not of length 1."""
    names, values = factor
    present = [n for n in axes if n in names]
    values = values.transpose([names.index(n) for n in present])
    shape = iter(values.shape)
    return values.reshape([next(shape) if n in names else 1 for n in axes])
