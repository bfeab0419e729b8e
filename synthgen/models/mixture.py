"""One distribution per entity, mixed by how often each entity occurs.

Everything behind the entity depends on it: its morphologies, its sites, its ages.  One
dense tree over all entities would have millions of impossible cells; a small tree for each
entity has none, and the mixture of the small trees is the same distribution, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.sampling import AliasTable

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Evidence = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Joint distribution as one component per code of a splitting variable.

    Parameters
    ----------
    domain : Domain
        All variables, the splitting one included.
    split : str
        The splitting variable.
    weights : ndarray of float64, shape (codes of the splitting variable,)
        Probability of each code; sums to 1.
    components : mapping of str to Distribution
        By code, for every code of positive weight: distribution of the other variables,
        each over the codes that it can have with this one.

    Raises
    ------
    ModelError
        If the weights are no probabilities, or a component is missing or speaks of other
        variables.
    """

    domain: Domain
    split: str
    weights: FloatArray
    components: Mapping[str, Distribution]

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=np.float64)
        weights.setflags(write=False)
        object.__setattr__(self, "weights", weights)
        codes = self.domain.codes[self.split]
        if weights.shape != (len(codes),) or (weights < 0).any() or abs(weights.sum() - 1) > 1e-9:
            raise ModelError(
                f"mixture over {self.split}: weights must be probabilities that sum to 1"
            )
        others = set(self.domain.names) - {self.split}
        for code, weight in zip(codes, weights, strict=True):
            if weight > 0 and (
                code not in self.components or set(self.components[code].domain.names) != others
            ):
                raise ModelError(
                    f"mixture over {self.split}: the component of {code} must hold "
                    f"{', '.join(sorted(others))}"
                )

    @cached_property
    def _positions(self) -> dict[str, dict[str, IntArray]]:
        """Position among all codes of each code that a component knows."""
        return {
            code: {n: self.domain.positions(n, c) for n, c in component.domain.variables}
            for code, component in self.components.items()
        }

    @cached_property
    def _sampler(self) -> AliasTable:
        return AliasTable.from_probabilities(self.weights[np.newaxis, :])

    def _weighted(self) -> list[tuple[int, str, Distribution]]:
        codes = self.domain.codes[self.split]
        return [(i, c, self.components[c]) for i, c in enumerate(codes) if self.weights[i] > 0]

    def local(self, code: str, name: str, positions: IntArray) -> IntArray:
        """Positions within a component's codes, from positions among all codes."""
        known = self._positions[code][name]
        back = np.zeros(self.domain.size(name), dtype=np.intp)
        back[known] = np.arange(len(known))
        return np.asarray(back[positions])

    def sample(self, n: int, rng: np.random.Generator, reserve: int = 0) -> dict[str, IntArray]:
        """Positions of codes for ``n`` patients; see :meth:`Distribution.sample`."""
        width = max(n, reserve)

        def words() -> npt.NDArray[np.uint64]:
            return np.asarray(rng.integers(0, 2**64, size=width, dtype=np.uint64)[:n])

        parts = self._weighted()
        chosen = self._sampler.draw(None, words())
        # Patients of one component side by side: small codes are sorted by radix.
        order = np.argsort(chosen.astype(np.min_scalar_type(len(self.weights))), kind="stable")
        starts = np.searchsorted(chosen[order], np.arange(self.domain.size(self.split) + 1))
        columns = [words()[order] for _ in range(max(len(d.tables) for _, _, d in parts))]
        others = [name for name in self.domain.names if name != self.split]
        beside = {name: np.empty(n, dtype=np.intp) for name in others}
        for i, code, component in parts:
            rows = slice(starts[i], starts[i + 1])
            if starts[i] < starts[i + 1]:
                local = component.sample_words(w[rows] for w in columns)
                for name, positions in local.items():
                    np.take(
                        self._positions[code][name], positions, out=beside[name][rows], mode="clip"
                    )
        drawn = {self.split: chosen}
        for name in others:
            drawn[name] = np.empty(n, dtype=np.intp)
            drawn[name][order] = beside[name]
        return {name: drawn[name] for name in self.domain.names}

    def _restricted(self, component: Distribution, evidence: Evidence) -> Evidence | None:
        """Evidence in a component's own codes; None where it is impossible there."""
        own: dict[str, tuple[str, ...]] = {}
        for name, codes in evidence.items():
            if name == self.split:
                continue
            self.domain.positions(name, codes)  # refuses unknown codes
            kept = tuple(c for c in component.domain.codes[name] if c in set(codes))
            if not kept:
                return None
            if len(kept) < component.domain.size(name):
                own[name] = kept
        return own

    def _possible(self, evidence: Evidence) -> list[tuple[int, str, Distribution, Evidence, float]]:
        """Components that the evidence leaves, with the joint probability of each."""
        wanted = set(evidence.get(self.split, self.domain.codes[self.split]))
        if self.split in evidence:
            self.domain.positions(self.split, evidence[self.split])
        found = []
        for i, code, component in self._weighted():
            own = self._restricted(component, evidence) if code in wanted else None
            if own is None:
                continue
            probability = self.weights[i] * component.probability(own)
            if probability > 0:
                found.append((i, code, component, own, probability))
        return found

    def probability(self, evidence: Evidence) -> float:
        """Probability that every variable named is among the codes given."""
        return float(sum(p for *_, p in self._possible(evidence)))

    def _impossible(self, evidence: Evidence) -> EvidenceError:
        described = "; ".join(f"{k} in {', '.join(v)}" for k, v in evidence.items())
        return EvidenceError(f"evidence {described}: has probability zero under the model")

    def condition(self, evidence: Evidence) -> Mixture:
        """The distribution among the patients that the evidence describes, exactly.

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
        possible = self._possible(evidence)
        if not possible:
            raise self._impossible(evidence)
        weights = np.zeros(len(self.weights))
        components = {}
        for i, code, component, own, probability in possible:
            weights[i] = probability
            components[code] = component.condition(own)
        return Mixture(self.domain, self.split, weights / weights.sum(), components)

    def marginal(self, names: Sequence[str], evidence: Evidence | None = None) -> FloatArray:
        """Joint probability of some variables, given evidence, axes as ``names``.

        Raises
        ------
        EvidenceError
            If the evidence has probability zero.
        """
        self.domain.ordered(names)
        evidence = evidence or {}
        possible = self._possible(evidence)
        total = sum(p for *_, p in possible)
        if not total > 0:
            raise self._impossible(evidence)
        others = [n for n in names if n != self.split]
        result = np.zeros(self.domain.shape(names))
        for i, code, component, own, probability in possible:
            part = component.marginal(others, own) * (probability / total)
            index = [np.array([i]) if n == self.split else self._positions[code][n] for n in names]
            shape = [len(positions) for positions in index]
            result[np.ix_(*index)] += part.reshape(shape)
        return result

    def _repr_html_(self) -> str:
        from synthgen.models.views import mixture_view

        return mixture_view(self)


def split_by(head: Distribution, split: str) -> Mixture:
    """A distribution as a mixture over one of its variables.

    Parameters
    ----------
    head : Distribution
    split : str
        The variable to split by.

    Returns
    -------
    Mixture
        The same distribution; components hold one dense table over the other variables,
        restricted to the codes that occur.
    """
    others = tuple(n for n in head.domain.names if n != split)
    joint = head.marginal((split, *others))
    weights = joint.reshape(len(joint), -1).sum(axis=1)
    components = {}
    for code, weight, values in zip(head.domain.codes[split], weights, joint, strict=True):
        if weight <= 0:
            continue
        kept = []
        for axis, name in enumerate(others):
            rest = tuple(a for a in range(len(others)) if a != axis)
            used = np.flatnonzero(values.sum(axis=rest) > 0)
            values = values.take(used, axis=axis)
            kept.append((name, tuple(head.domain.codes[name][u] for u in used)))
        table = ConditionalTable((), others, values / values.sum())
        components[code] = Distribution(Domain(tuple(kept)), (table,))
    return Mixture(head.domain, split, weights / weights.sum(), components)
