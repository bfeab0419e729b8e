"""Associations that nobody published, drawn at random.

Where no table ties two variables, the fit leaves them as independent as its statements
allow.  That is the least presumptuous single answer, and a wrong certainty: a hundred
replicates that all assume independence agree with each other and not with the patients.
So each replicate gets other associations, as factors of its reference.  What is published
still holds, because the fit holds it relative to any reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.models.block import Potential
from synthgen.models.constraints import statement_variables
from synthgen.models.distribution import Distribution
from synthgen.models.fit import SPLIT
from synthgen.models.mixture import Mixture
from synthgen.schema.model import Schema
from synthgen.statistics.statement import Statement

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Standard deviation of the log odds ratio between one group of the earlier variable and the
#: others, and one code of the later variable and the others (either side of a cut, where a
#: variable is ordered).  Declared, not estimated.
SPREAD = 0.8
#: An unordered variable is a partner of later ones up to this many codes.
SMALL = 8
#: Groups of a partner: bands of an ordered one, the most common codes of another and the
#: rest.  Finer associations are not drawn; every further group multiplies the contexts.
GROUPS = 4
#: A partner is spoken of by at least this share of the statements.
SPOKEN = 0.05
#: Contexts that the partners of one variable may span together within an entity.
CONTEXTS = 128


@dataclass(frozen=True, eq=False)
class Interaction:
    """Two variables whose association is drawn, and how.

    Parameters
    ----------
    names : tuple of str
        Variables of the factor, in the order of the domain: the two, and the splitting
        variable where each of its codes has an association of its own (a stratum).
    earlier, later : str
    earlier_scores : ndarray of float64, shape (strata, codes, r)
    later_scores : ndarray of float64, shape (strata, codes, k)
        What each code weighs in each random number of an ``r x k`` grid; zero where the
        association is published, or a code impossible.
    """

    names: tuple[str, ...]
    earlier: str
    later: str
    earlier_scores: FloatArray
    later_scores: FloatArray

    @property
    def strata(self) -> int:
        """Strata in which something is drawn."""
        drawn = self.earlier_scores.any(axis=(1, 2)) & self.later_scores.any(axis=(1, 2))
        return int(drawn.sum())


def draw_interactions(
    interactions: Sequence[Interaction], rng: np.random.Generator, spread: float = SPREAD
) -> list[Potential]:
    """Random factors for the associations that nobody published.

    Parameters
    ----------
    interactions : sequence of Interaction
        As :func:`unpublished_interactions` finds them.
    rng : numpy.random.Generator
    spread : float
        See :data:`SPREAD` [log odds].

    Notes
    -----
    A linear-by-linear term in centred ridits where both variables are ordered (Goodman
    1979, doi:10.1080/01621459.1979.10481650; ridits: Bross 1958, doi:10.2307/2527727), one
    random number for each code otherwise.
    """
    drawn = []
    for pair in interactions:
        strata, _, rows = pair.earlier_scores.shape
        effects = spread * rng.standard_normal((strata, rows, pair.later_scores.shape[2]))
        values = np.einsum("exr,erk,eyk->exy", pair.earlier_scores, effects, pair.later_scores)
        axes = (SPLIT, pair.earlier, pair.later)
        if len(pair.names) == 2:
            drawn.append(Potential(pair.names, values[0]))
        else:
            drawn.append(
                Potential(pair.names, values.transpose([axes.index(n) for n in pair.names]))
            )
    return drawn


def unpublished_interactions(
    base: Distribution | Mixture, statements: Sequence[Statement], schema: Schema
) -> list[Interaction]:
    """Pairs of variables whose association is left open, entity by entity.

    Parameters
    ----------
    base : Distribution or Mixture
        The base model.
    statements : sequence of Statement
        All statements of its pack.
    schema : Schema
        Says which variables are ordered.

    Returns
    -------
    list of Interaction
        In the order of the later variable, then of the earlier one.

    Notes
    -----
    A pair is published in an entity if statements that include the entity and restrict both
    variables cover every code of the earlier one; what they say is a constraint, and drawing
    it would change nothing.  Partners are the splitting variable, and those earlier variables
    that a column holds and that are ordered or have at most :data:`SMALL` codes: the most
    spoken of first, as long as they span at most :data:`CONTEXTS` contexts.
    """
    finder = _Finder(base, statements, schema)
    return [
        pair
        for later in base.domain.names
        for earlier in finder.partners(later)
        for pair in finder.pair(earlier, later)
    ]


class _Finder:
    """Marginals of the base model by stratum, and what the statements cover."""

    def __init__(
        self, base: Distribution | Mixture, statements: Sequence[Statement], schema: Schema
    ) -> None:
        self.domain = domain = base.domain
        self.split = SPLIT if SPLIT in domain.codes else ""
        self.spoken = [(set(statement_variables(domain, s)), s) for s in statements]
        self.ordered = {n for n in domain.names if schema.variable(n).is_binned}
        self.held = {
            n for n in domain.names if schema.variable(n).column or schema.variable(n).joins
        }
        self.share: dict[str, FloatArray] = {}
        for name in domain.names:
            if self.split and name != self.split:
                joint = base.marginal((self.split, name))
                whole = joint.sum(axis=1, keepdims=True)
                share = np.divide(joint, whole, out=np.zeros_like(joint), where=whole > 0)
            else:
                share = base.marginal((name,))[np.newaxis]
            self.share[name] = share
        self.groups = {name: self._grouped(name) for name in domain.names}

    def _grouped(self, name: str) -> IntArray:
        """Group of each code of a partner, entities weighing alike."""
        codes = self.domain.size(name)
        mean = self.share[name].mean(axis=0)
        if codes <= GROUPS:
            return np.arange(codes, dtype=np.intp)
        if name in self.ordered:
            middle = (np.cumsum(mean) - mean / 2) / mean.sum()
            return np.asarray(np.minimum(np.floor(GROUPS * middle), GROUPS - 1), dtype=np.intp)
        groups = np.full(codes, GROUPS - 1, dtype=np.intp)
        groups[np.argsort(-mean, kind="stable")[: GROUPS - 1]] = np.arange(GROUPS - 1)
        return groups

    def _most(self, name: str) -> int:
        """Most groups that a variable has in one stratum."""
        marks = _marks(self.groups[name])
        return int(((self.share[name] @ marks) > 0).sum(axis=1).max())

    def partners(self, later: str) -> list[str]:
        """Earlier variables whose association with ``later`` may be drawn."""
        names = self.domain.names
        earlier = names[: names.index(later)]
        small = [
            n
            for n in earlier
            if n in (self.held | self.ordered) - {self.split}
            and (n in self.ordered or self.domain.size(n) <= SMALL)
        ]
        spoken = {n: sum(n in names for names, _ in self.spoken) for n in small}
        chosen, contexts = set(), 1
        for name in sorted(small, key=lambda n: -spoken[n]):
            if spoken[name] < SPOKEN * len(self.spoken):
                continue
            if contexts * self._most(name) <= CONTEXTS:
                contexts *= self._most(name)
                chosen.add(name)
        return [n for n in earlier if n in chosen or n == self.split]

    def _by_stratum(self, earlier: str, later: str) -> bool:
        names = self.domain.names
        return (
            bool(self.split)
            and earlier != self.split
            and names.index(later) > names.index(self.split)
        )

    def _covered(self, earlier: str, later: str, by: str) -> BoolArray:
        """Codes of ``earlier`` that tables tie to ``later``, for each code of ``by``."""
        domain = self.domain
        rows = domain.size(by) if by else 1
        covered = np.zeros((rows, domain.size(earlier)), dtype=np.bool_)
        for names, statement in self.spoken:
            if {earlier, later} <= names:
                about = {**statement.given, **statement.event}
                inside = domain.mask((by,), about) if by else np.ones(1, dtype=np.bool_)
                covered |= inside[:, np.newaxis] & domain.mask((earlier,), about)
        return covered

    def pair(self, earlier: str, later: str) -> list[Interaction]:
        """The association of two variables, where something of it is open."""
        strata = self._by_stratum(earlier, later)
        every = np.arange(self.domain.size(earlier), dtype=np.intp)
        groups = every if earlier == self.split else self.groups[earlier]
        first = self._scores(earlier, groups, strata)
        every = np.arange(self.domain.size(later), dtype=np.intp)
        second = self._scores(later, every, strata)
        if later == self.split:
            covered = self._covered(earlier, later, by=later)
            possible = self.share[earlier] > 0
            published = np.asarray((covered | ~possible).all(axis=1))
            second = second * ~published[np.newaxis, :, np.newaxis]
        elif strata:
            covered = self._covered(earlier, later, by=self.split)
            published = np.asarray((covered | ~(self.share[earlier] > 0)).all(axis=1))
            first = first * ~published[:, np.newaxis, np.newaxis]
        else:
            covered = self._covered(earlier, later, by="")[0]
            if earlier == self.split:
                first = first * ~covered[np.newaxis, :, np.newaxis]
            elif covered.all():
                return []
        names = {earlier, later, self.split} if strata else {earlier, later}
        found = Interaction(self.domain.ordered(names), earlier, later, first, second)
        return [found] if found.strata else []

    def _scores(self, name: str, groups: IntArray, strata: bool) -> FloatArray:
        """Scores of codes by stratum, such that any group against the others counts as 1."""
        share = self.share[name]
        if not strata and len(share) > 1:
            share = share.mean(axis=0, keepdims=True)
        marks = _marks(groups)
        make = _ridits if name in self.ordered else _indicators
        return np.array([make(row @ marks)[groups] for row in share])


def _marks(groups: IntArray) -> FloatArray:
    """Which code lies in which group, shape (codes, groups)."""
    return np.asarray(groups[:, np.newaxis] == np.arange(groups.max() + 1), dtype=np.float64)


def _ridits(share: FloatArray) -> FloatArray:
    """Centred ridits, doubled, shape (codes, 1): either side of any cut they differ by 1."""
    if (share > 0).sum() < 2:
        return np.zeros((len(share), 1))
    share = share / share.sum()
    return (2 * np.cumsum(share) - share - 1)[:, np.newaxis]


def _indicators(share: FloatArray) -> FloatArray:
    """One random number for each code, shape (codes, codes).

    Scaled so that a code against the others has variance 1, in the mean over the codes.
    """
    possible = share > 0
    if possible.sum() < 2:
        return np.zeros((len(share), len(share)))
    p = share / share.sum()
    rest = 1 - p
    squares = (p**2).sum() - p**2
    contrast = 1 + np.divide(squares, rest**2, out=np.zeros_like(p), where=rest > 0)
    weight = p * rest
    variance = float((contrast * weight).sum() / weight.sum())
    return np.diag(possible / np.sqrt(variance))
