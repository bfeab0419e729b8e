"""The joint distribution of all model variables: conditional tables, one after another.

Each table holds the probability of some variables given some earlier ones, so the whole is
a directed factorisation that a person can read, that is sampled in one pass without
rejection, and that can be marginalised and conditioned exactly on a junction tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree, junction_tree
from synthgen.models.propagation import calibrate, expand, other_axes
from synthgen.models.sampling import AliasTable

FloatArray = npt.NDArray[np.float64]

#: A row of probabilities may miss 1 by this much: rounding of its summation.
ROW_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class ConditionalTable:
    """Probability of some variables given others.

    Parameters
    ----------
    given : tuple of str
        Variables that must be known, in the order of the domain.
    variables : tuple of str
        Variables that the table decides, in the order of the domain.
    probability : ndarray of float64, shape (given..., variables...)
        Every row over ``variables`` sums to 1, or is all zero where the given cannot
        happen.
    """

    given: tuple[str, ...]
    variables: tuple[str, ...]
    probability: FloatArray

    def __post_init__(self) -> None:
        values = np.array(self.probability, dtype=np.float64, order="C")
        values.setflags(write=False)
        object.__setattr__(self, "probability", values)
        if values.ndim != len(self.given) + len(self.variables):
            raise ModelError(f"table of {self.name}: has {values.ndim} axes")
        rows = values.reshape(self._rows, -1)
        total = rows.sum(axis=1)
        off = (np.abs(total - 1) > ROW_TOLERANCE) & (total != 0)
        if not np.isfinite(values).all() or (values < 0).any() or off.any():
            raise ModelError(
                f"table of {self.name}: rows must be probabilities that sum to 1 "
                f"({int(off.sum())} rows do not)"
            )

    @property
    def _rows(self) -> int:
        return int(np.prod(self.probability.shape[: len(self.given)], dtype=np.int64))

    @property
    def name(self) -> str:
        """``"stage | entity, age_group"``."""
        given = f" | {', '.join(self.given)}" if self.given else ""
        return ", ".join(self.variables) + given

    def on(self, domain: Domain) -> tuple[tuple[str, ...], FloatArray]:
        """Names and probabilities with axes in the order of the domain."""
        axes = self.given + self.variables
        names = domain.ordered(axes)
        return names, self.probability.transpose([axes.index(n) for n in names])

    @cached_property
    def sampler(self) -> AliasTable:
        """Alias table over the flattened variables, one row per cell of the given."""
        return AliasTable.from_probabilities(self.probability.reshape(self._rows, -1))


@dataclass(frozen=True, eq=False)
class Distribution:
    """Joint distribution of the variables of a domain.

    Parameters
    ----------
    domain : Domain
    tables : tuple of ConditionalTable
        Every variable is decided by exactly one table, after all that it is given.

    Raises
    ------
    ModelError
        If a variable is decided twice, never, or before what it depends on.
    """

    domain: Domain
    tables: tuple[ConditionalTable, ...]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for table in self.tables:
            shape = self.domain.shape(table.given + table.variables)
            if table.probability.shape != shape:
                raise ModelError(
                    f"table of {table.name}: has shape {table.probability.shape}, the domain "
                    f"needs {shape}"
                )
            if not set(table.given) <= known or set(table.variables) & known:
                raise ModelError(f"table of {table.name}: stands before what it is given")
            known |= set(table.variables)
        if known != set(self.domain.names):
            raise ModelError(
                f"distribution: no table decides {', '.join(sorted(set(self.domain.names) - known))}"
            )

    def sample(
        self, n: int, rng: np.random.Generator, reserve: int = 0
    ) -> dict[str, npt.NDArray[np.intp]]:
        """Positions of codes for ``n`` independent patients.

        Parameters
        ----------
        n : int
            Patients.
        rng : numpy.random.Generator
        reserve : int
            Random words taken for each table, if more than ``n``: with the same reserve,
            the first patients do not depend on how many are drawn.

        Returns
        -------
        dict of str to ndarray of intp, shape (n,)
            Position of each patient's code among the variable's codes, by variable.
        """
        width = max(n, reserve)
        words = (rng.integers(0, 2**64, size=width, dtype=np.uint64)[:n] for _ in self.tables)
        return self.sample_words(words)

    def sample_words(
        self, words: Iterable[npt.NDArray[np.uint64]]
    ) -> dict[str, npt.NDArray[np.intp]]:
        """Positions of codes from random words, one array for each table in order.

        Parameters
        ----------
        words : iterable of ndarray of uint64, shape (n,)
        """
        drawn: dict[str, npt.NDArray[np.intp]] = {}
        for table, random in zip(self.tables, words, strict=False):
            row: npt.NDArray[np.intp] | None = None
            for name in table.given:
                size = self.domain.size(name)
                row = drawn[name] if row is None else row * size + drawn[name]
            flat = table.sampler.draw(row, random)
            if len(table.variables) == 1:
                drawn[table.variables[0]] = flat
                continue
            shape = self.domain.shape(table.variables)
            drawn |= zip(table.variables, np.unravel_index(flat, shape), strict=True)
        return drawn

    def _relevant(self, names: Sequence[str]) -> list[ConditionalTable]:
        """Tables that can influence a marginal: the others sum to one."""
        wanted = set(names)
        kept = []
        for table in reversed(self.tables):
            if wanted & set(table.variables):
                kept.append(table)
                wanted |= set(table.given)
        return kept[::-1]

    def _calibrated(
        self,
        tables: Sequence[ConditionalTable],
        evidence: Mapping[str, tuple[str, ...]],
        root: Sequence[str] = (),
    ) -> tuple[JunctionTree, tuple[FloatArray, ...], tuple[FloatArray, ...], float]:
        domain = self.domain
        scopes = [t.given + t.variables for t in tables]
        tree = junction_tree(domain, [*scopes, *((name,) for name in evidence)], root)
        potentials = []
        for clique in tree.cliques:
            with np.errstate(divide="ignore"):
                potentials.append(np.log(domain.mask(clique, {}).astype(np.float64)))
        placed = set()
        for table in tables:
            names, values = table.on(domain)
            home = tree.home(names)
            with np.errstate(divide="ignore"):
                potentials[home] = potentials[home] + expand(
                    np.log(values), names, tree.cliques[home]
                )
        for name, codes in evidence.items():
            home = tree.home((name,))
            placed.add(name)
            with np.errstate(divide="ignore"):
                allowed = np.log(domain.mask((name,), {name: codes}).astype(np.float64))
            potentials[home] = potentials[home] + expand(allowed, (name,), tree.cliques[home])
        try:
            result = calibrate(domain, tree, potentials)
        except ModelError as error:
            described = "; ".join(f"{k} in {', '.join(v)}" for k, v in evidence.items())
            raise EvidenceError(
                f"evidence {described}: has probability zero under the model"
            ) from error
        return tree, result.marginals, result.conditionals, float(np.exp(result.log_partition))

    def marginal(
        self,
        names: Sequence[str],
        evidence: Mapping[str, tuple[str, ...]] | None = None,
    ) -> FloatArray:
        """Joint probability of some variables, given evidence.

        Parameters
        ----------
        names : sequence of str
            Variables, in the order wanted for the axes.
        evidence : mapping of str to tuple of str, optional
            Codes that a variable is known to be among.

        Returns
        -------
        ndarray of float64, shape ``domain.shape(names)``

        Raises
        ------
        EvidenceError
            If the evidence has probability zero.
        """
        evidence = evidence or {}
        ordered = self.domain.ordered(names)
        if not ordered:
            return np.ones(())
        tables = self._relevant([*names, *evidence])
        tree, marginals, _, _ = self._calibrated(tables, evidence, root=ordered)
        home = tree.home(ordered)
        values = marginals[home].sum(axis=other_axes(tree.cliques[home], ordered))
        return np.asarray(values.transpose([ordered.index(n) for n in names]))

    def probability(self, evidence: Mapping[str, tuple[str, ...]]) -> float:
        """Probability that every variable named is among the codes given; 0.0 if impossible."""
        if not evidence:
            return 1.0
        try:
            return self._calibrated(self._relevant(list(evidence)), evidence)[3]
        except EvidenceError:
            return 0.0

    def condition(self, evidence: Mapping[str, tuple[str, ...]]) -> Distribution:
        """The distribution among the patients that the evidence describes, exactly.

        Parameters
        ----------
        evidence : mapping of str to tuple of str
            Codes that a variable is known to be among.

        Returns
        -------
        Distribution
            Over the same domain; it can be sampled without rejection.

        Raises
        ------
        EvidenceError
            If the evidence has probability zero.
        ModelError
            If a variable or a code is unknown.
        """
        if not evidence:
            return self
        tree, _, conditionals, _ = self._calibrated(self.tables, evidence)
        tables = []
        for clique, separator, values in zip(
            tree.cliques, tree.separators, conditionals, strict=True
        ):
            own = tuple(n for n in clique if n not in separator)
            axes = separator + own
            tables.append(
                ConditionalTable(separator, own, values.transpose([clique.index(n) for n in axes]))
            )
        return Distribution(self.domain, tuple(tables))

    def _repr_html_(self) -> str:
        from synthgen.models.views import distribution_view

        return distribution_view(self)
