"""A prior: the distribution of another pack as the reference of this one.

A small series says little about itself; a larger one of the same schema (the national pack
behind a provincial one, a public pack behind an enclave's) says more about what the series
leaves open.  The prior enters block by block as the reference measure, on the codes that
both know; a code that the prior does not know keeps its declared share.  Published values
are then drawn towards the prior by a few pseudo-cases, and never further than half a
standard error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError, StatisticsError
from synthgen.models.block import Potential
from synthgen.models.constraints import PSEUDO_CASES, point_and_width
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Fit, Gap, Ground, declared_potentials, fit_pack, ground_of
from synthgen.models.junction_tree import CLIQUE_CELLS
from synthgen.models.mixture import Mixture
from synthgen.models.propagation import expand, log_sum
from synthgen.models.references import AGE_VARIABLE
from synthgen.models.replicates import gaps_beside
from synthgen.schema.model import Schema
from synthgen.statistics.model import Relation, StatisticsPack
from synthgen.statistics.statement import Statement

FloatArray = npt.NDArray[np.float64]

#: Cases that the prior is worth within the given of each published statement: the floor of
#: borrowing that did best below 25 cases (docs/explanation/what-replicates-show.md).
PRIOR_CASES = 16.0
#: Furthest that a prior moves a published value [standard errors].
FURTHEST = 0.5
#: Attempts to find pseudo-cases that move nothing further.
ROUNDS = 8
#: The prior says no possible code is rarer than this; only a schema makes impossible.
RAREST = 1e-9


@dataclass(frozen=True, eq=False)
class Prior:
    """A fitted distribution that another fit refers to.

    Parameters
    ----------
    id : str
        Name of its model or pack.
    sha256 : str
        Hash of that model or pack.
    pack : StatisticsPack
        What it was fitted to.
    distribution : Distribution or Mixture
    """

    id: str
    sha256: str
    pack: StatisticsPack
    distribution: Distribution | Mixture


def require_usable(prior: Prior, pack: StatisticsPack) -> None:
    """Refuse a prior that a pack cannot rest on.

    Raises
    ------
    ModelError
        If it speaks another schema.
    StatisticsError
        If it comes from records and the pack from published tables.
    """
    if prior.pack.schema != pack.schema:
        raise ModelError(
            f"prior {prior.id}: speaks schema {prior.pack.schema}; pack {pack.id} speaks "
            f"{pack.schema}, and both must speak the same"
        )
    if prior.pack.origin != pack.origin and pack.origin == "public-statistics":
        raise StatisticsError(
            f"prior {prior.id}: its origin is {prior.pack.origin}; a pack of published "
            "statistics must not rest on records"
        )


def prior_references(
    prior: Prior, pack: StatisticsPack, schema: Schema, ground: Ground
) -> list[Potential]:
    """The prior as factors that take the place of the declared references.

    Parameters
    ----------
    prior : Prior
    pack : StatisticsPack
        The pack to fit.
    schema : Schema
    ground : Ground
        Of that pack.

    Raises
    ------
    ModelError, StatisticsError
        As :func:`require_usable`; or the prior ties more variables together than a clique
        may hold.
    """
    require_usable(prior, pack)
    found: list[Potential] = []
    earlier: tuple[str, ...] = ()
    for block in pack.blocks:
        names = (*earlier, *block.variables)
        domain = Domain(tuple(v for v in ground.domain.variables if v[0] in names))
        declared = declared_potentials(domain, block.variables, pack, schema, ground.zeros)
        weight = _person_years_ratio(prior.pack, pack, domain)
        scopes = _scopes(prior.distribution, block.variables, earlier)
        found += [_reference(prior, scope, domain, declared, weight) for scope in scopes]
        earlier = names
    return found


@dataclass(frozen=True, eq=False)
class _Scope:
    """Variables of one factor: some new ones, what they are given, and for which strata."""

    own: tuple[str, ...]
    given: tuple[str, ...]
    split: str
    components: Mapping[str, Distribution | Mixture]


def _scopes(
    distribution: Distribution | Mixture, new: tuple[str, ...], earlier: tuple[str, ...]
) -> list[_Scope]:
    """Which new variables the prior decides together, and given what."""
    own = tuple(n for n in new if n in distribution.domain.codes)
    if not own:
        return []
    known = tuple(n for n in earlier if n in distribution.domain.codes)
    if isinstance(distribution, Mixture) and distribution.split not in known:
        return [_Scope(own, known, "", {"": distribution})]
    pieces = (
        {"": distribution} if isinstance(distribution, Distribution) else distribution.components
    )
    split = distribution.split if isinstance(distribution, Mixture) else ""
    parts: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, Distribution | Mixture]] = {}
    for code, piece in pieces.items():
        for table in piece.tables:
            decided = tuple(n for n in own if n in table.variables)
            tied = {*table.given, *table.variables} - set(decided)
            given = tuple(n for n in (*known, *own) if n in tied)
            if decided:
                parts.setdefault((decided, given), {})[code] = piece
    return [_Scope(own, given, split, members) for (own, given), members in parts.items()]


def _reference(
    prior: Prior,
    scope: _Scope,
    domain: Domain,
    declared: Sequence[Potential],
    weight: Potential | None,
) -> Potential:
    """Factor that turns the declared conditional of some variables into the prior's."""
    inner = domain.ordered({*scope.given, *scope.own})
    names = domain.ordered({*inner, scope.split} - {""})
    if domain.cells(names) > CLIQUE_CELLS:
        raise ModelError(
            f"prior {prior.id}: ties {' x '.join(names)} together, {domain.cells(names):.3g} "
            f"cells; at most {CLIQUE_CELLS:.3g} are allowed: use a coarser prior"
        )
    axes = tuple(i for i, n in enumerate(inner) if n in scope.own)
    values = np.zeros(domain.shape((scope.split, *inner) if scope.split else inner))
    for code, component in scope.components.items():
        if code and code not in domain.codes[scope.split]:
            continue
        at = domain.codes[scope.split].index(code) if code else slice(None)
        said = _embedded(component, inner, domain)
        if weight is not None and not code and set(weight.names) <= set(inner):
            said = said * np.exp(expand(weight.log_values, weight.names, inner))
        values[at] = _shift(said, _declared(declared, scope, inner, domain, at), axes)
    order = [(scope.split, *inner).index(n) for n in names] if scope.split else range(len(names))
    return Potential(names, values.transpose(list(order)))


def _embedded(
    component: Distribution | Mixture, names: tuple[str, ...], domain: Domain
) -> FloatArray:
    """Joint probability over the codes of ``domain``; 0 for codes that the prior does not know."""
    joint = component.marginal(names)
    there, here = [], []
    for name in names:
        known = component.domain.codes[name]
        both = [c for c in known if c in set(domain.codes[name])]
        there.append(np.array([known.index(c) for c in both], dtype=np.intp))
        here.append(np.array([domain.codes[name].index(c) for c in both], dtype=np.intp))
    values = np.zeros(domain.shape(names))
    values[np.ix_(*here)] = joint[np.ix_(*there)]
    return values


def _declared(
    declared: Sequence[Potential],
    scope: _Scope,
    inner: tuple[str, ...],
    domain: Domain,
    at: int | slice,
) -> FloatArray:
    """Sum of the declared log factors of some variables, in one stratum."""
    total = np.zeros(domain.shape(inner))
    for potential in declared:
        if set(potential.names) <= {*inner, scope.split} and set(potential.names) & set(scope.own):
            values = potential.log_values
            if scope.split in potential.names:
                values = np.moveaxis(values, potential.names.index(scope.split), 0)[at]
            rest = tuple(n for n in potential.names if n != scope.split)
            total = total + expand(values, rest, inner)
    return total


def _shift(said: FloatArray, declared: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """``log(wanted / declared)`` on the codes that the prior knows, 0 on the others.

    Wanted is the prior's share of the mass that the declared reference gives to these codes.
    """
    shape = [1 if i in axes else n for i, n in enumerate(said.shape)]
    whole = log_sum(declared, axes).reshape(shape)
    with np.errstate(invalid="ignore"):
        reference = declared - np.where(np.isfinite(whole), whole, 0.0)
    known = (said > 0) & np.isfinite(reference)
    inside = np.where(known, said, 0.0)
    mass = inside.sum(axis=axes, keepdims=True)
    share = np.divide(inside, mass, out=np.zeros_like(inside), where=mass > 0)
    covered = log_sum(np.where(known, reference, -np.inf), axes).reshape(shape)
    with np.errstate(invalid="ignore"):
        shift = np.log(np.maximum(share, RAREST)) + covered - reference
    return np.asarray(np.where(known, shift, 0.0))


def _person_years(pack: StatisticsPack) -> dict[tuple[str, str], float]:
    """Person-years by sex and age group, from the first counts that have them."""
    for table in pack.tables:
        years: dict[tuple[str, str], float] = {}
        for cell in table.cells:
            sex, age = cell.members.get("sex", ()), cell.members.get(AGE_VARIABLE, ())
            if cell.person_years and len(sex) == len(age) == 1 and table.kind == "counts":
                years.setdefault((sex[0], age[0]), cell.person_years)
        if years:
            return years
    return {}


def _person_years_ratio(
    theirs: StatisticsPack, ours: StatisticsPack, domain: Domain
) -> Potential | None:
    """Log of our person-years over the prior's by sex and age: borrowed ages become rates."""
    if not {"sex", AGE_VARIABLE} <= set(domain.codes):
        return None
    before, after = _person_years(theirs), _person_years(ours)
    names = domain.ordered({"sex", AGE_VARIABLE})
    values = np.zeros(domain.shape(names))
    for index in np.ndindex(values.shape):
        code = {n: domain.codes[n][i] for n, i in zip(names, index, strict=True)}
        key = (code["sex"], code[AGE_VARIABLE])
        if not (before.get(key, 0.0) > 0 and after.get(key, 0.0) > 0):
            return None
        values[index] = np.log(after[key] / before[key])
    return Potential(names, values)


@dataclass(frozen=True, eq=False)
class PriorFit:
    """A fit that refers to a prior.

    Parameters
    ----------
    fit : Fit
        Its gaps are beside the statements as published.
    references : tuple of Potential
        The prior as factors.
    largest_move : float
        Furthest that the pseudo-cases of the prior moved a published value, against a fit
        with the same reference and without them [standard errors].
    """

    fit: Fit
    references: tuple[Potential, ...]
    largest_move: float


def fit_with_prior(
    pack: StatisticsPack, schema: Schema, prior: Prior, *, cases: float = PRIOR_CASES
) -> PriorFit:
    """Fit a pack with a prior as reference, worth a few cases.

    Parameters
    ----------
    pack, schema : StatisticsPack, Schema
    prior : Prior
    cases : float
        Pseudo-cases of the reference within the given of each published statement; 0 leaves
        published values as they are without a prior.

    Raises
    ------
    ModelError, StatisticsError
        As :func:`prior_references` and :func:`~synthgen.models.fit.fit_pack`.

    Notes
    -----
    A published statement with ``n`` cases and a reference worth ``m`` is fitted to about
    ``(n p + m q) / (n + m)``.  Where that is further from the fit without pseudo-cases than
    :data:`FURTHEST` standard errors, its ``m`` is lowered until it is not.
    """
    ground = ground_of(pack, schema)
    references = tuple(prior_references(prior, pack, schema, ground))
    plain = fit_pack(pack, schema, ground=ground, references=references)
    published = [gap.statement for gap in plain.gaps]
    worth = np.array([_worth(s, cases) for s in published])
    moved = np.zeros(len(published))
    for _ in range(ROUNDS):
        if (worth <= PSEUDO_CASES).all():
            break
        said = iter([_worth_more(s, m) for s, m in zip(published, worth, strict=True)])
        lighter = {name: [next(said) for _ in rows] for name, rows in ground.statements.items()}
        fit = fit_pack(
            pack, schema, ground=replace(ground, statements=lighter), references=references
        )
        moved = np.array([_move(*gaps) for gaps in zip(plain.gaps, fit.gaps, strict=True)])
        if moved.max(initial=0.0) <= FURTHEST:
            return PriorFit(
                replace(fit, gaps=gaps_beside(published, fit.gaps)),
                references,
                float(moved.max(initial=0.0)),
            )
        over = moved > FURTHEST
        worth[over] = np.maximum(worth[over] * 0.9 * FURTHEST / moved[over], PSEUDO_CASES)
    return PriorFit(plain, references, 0.0)


def _worth(statement: Statement, cases: float) -> float:
    """Pseudo-cases to begin with: an interval leaves room enough as it is."""
    point = point_and_width(statement)[1] == 0
    return cases if point and statement.relation is Relation.PUBLISHED else PSEUDO_CASES


def _worth_more(statement: Statement, cases: float) -> Statement:
    """A statement that the fit treats as if its reference were worth ``cases``."""
    if cases <= PSEUDO_CASES:
        return statement
    middle, _, error = point_and_width(statement)
    return replace(
        statement,
        lower=middle,
        upper=middle,
        standard_error=error * float(np.sqrt(cases / PSEUDO_CASES)),
    )


def _move(plain: Gap, fitted: Gap) -> float:
    """How far a published value was moved [standard errors]; within its interval it is free."""
    said = plain.statement
    if said.relation is not Relation.PUBLISHED:
        return 0.0
    if point_and_width(said)[1] == 0:
        return abs(fitted.fitted - plain.fitted) / said.standard_error
    outside = max(fitted.fitted - said.upper, said.lower - fitted.fitted, 0.0)
    return max(outside / said.standard_error - abs(plain.standard_errors), 0.0)
