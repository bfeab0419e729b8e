"""Drawing every statement anew from what it says about itself.

A published number is one outcome of a sample; a replicate asks what the tables would have
been had the sample been another one of the same size.  Proportions of one table and one
condition are drawn together as gamma variables divided by their sum, which makes a single
proportion a beta variable and several of them Dirichlet (Devroye 1986, *Non-Uniform Random
Variate Generation*, sections IX.4 and XI.4), so that shares still add up and a subtotal is
the sum of its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv, ndtri

from synthgen.models.constraints import point_and_width
from synthgen.statistics.statement import Members, Statement

#: Shape of the gamma variable of a category in which nobody was seen: Jeffreys' prior for a
#: Poisson mean, as in :mod:`synthgen.statistics.sampling`.
UNSEEN_SHAPE = 0.5
#: Smallest shape of a gamma or beta variable; below it most draws underflow to zero.
SMALLEST_SHAPE = 0.05
#: Fewest cases that a proportion is taken to rest on.
FEWEST_CASES = 1.0
#: A drawn proportion keeps this far from 0 and 1, in standard errors, where no distribution
#: over possible codes could reach it.
OFF_THE_EDGE = 1e-3
#: Estimators of survival: one proportion of few at risk at a time, where Jeffreys' posterior
#: holds the truth more often than a variable with the published value as its mean.
SURVIVAL = frozenset({"net", "observed", "crude"})
#: Remainders of a proportion below this are rounding.
NOTHING = 1e-9


@dataclass(frozen=True)
class _Share:
    """One proportion of a group that is drawn together.

    Parameters
    ----------
    number : int
        Position among the statements.
    mean : float
    cases : float
        Cases it is worth: the gamma variable of the proportion has shape ``mean * cases``.
    shape : float
    """

    number: int
    mean: float
    cases: float
    shape: float


def draw_statements(
    statements: Sequence[Statement],
    rng: np.random.Generator,
    fitted: Sequence[float] | None = None,
) -> list[Statement]:
    """The statements as another sample of the same size might have made them.

    Parameters
    ----------
    statements : sequence of Statement
    rng : numpy.random.Generator
    fitted : sequence of float, optional
        The base model's value of each statement [probability]; limits that leave a value
        open (a published zero, a suppressed count) are drawn around it.  Without it they
        are drawn around the middle of their interval.

    Returns
    -------
    list of Statement
        In the same order, with the same weights.

    Notes
    -----
    - Counts and shares: gamma or beta variables with the mean and the standard error of the
      statement; narrow rounding and suppression count as error, as in the fit
      (:func:`~synthgen.models.constraints.point_and_width`).
    - Conditional survivals: beta, the posterior under Jeffreys' prior of as many at risk as
      the standard error stands for.
    - A published zero, or a count suppressed down to zero: gamma with the expected cases
      ``m`` of the base model as mean and shape ``m + 1/2``; a share of zero out of ``n``
      gets at least ``m = 1/2``.
    - A bound on one side (a median between two edges of the grid): the bound itself is
      drawn, and stays a bound; the bounds made of one row move together.
    - An interval wider than its error: a point within it, with the error around it.
    - Noisy counts: normal.
    - A statement about a combination that the base model excludes stays as it is.
    """
    drawn = list(statements)
    groups: dict[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], list[_Share]] = {}
    quantiles: dict[tuple[str, int], float] = {}
    for i, statement in enumerate(statements):
        expected = None if fitted is None else fitted[i]
        if expected is not None and not expected > 0:
            continue
        middle, half, error = point_and_width(statement)
        if statement.estimator == "noisy":
            drawn[i] = _point(statement, middle + error * float(ndtri(_inside(rng))), error)
            continue
        if half > 0 and statement.lower > 0 and statement.upper < 1:
            within = float(rng.uniform(statement.lower, statement.upper))
            drawn[i] = _point(statement, _beta(within, error, _inside(rng)), error)
            continue
        limit = statement.estimator == "count" or statement.upper < error
        if half > 0 and not (statement.lower == 0 and limit):
            row = (statement.table, statement.row)
            drawn[i] = _bound(statement, error, quantiles.setdefault(row, _inside(rng)))
            continue
        share = _limit(i, statement, error, expected) if half > 0 else _share(i, statement)
        key = (statement.table, tuple(sorted(statement.given.items())))
        groups.setdefault(key, []).append(share)
    for shares in groups.values():
        for share, value in zip(shares, _draw_group(shares, statements, rng), strict=True):
            statement = statements[share.number]
            drawn[share.number] = _point(statement, value, point_and_width(statement)[2])
    return drawn


def _inside(rng: np.random.Generator) -> float:
    """Uniform number that is neither 0 nor 1."""
    return float(min(max(rng.random(), 1e-12), 1 - 1e-12))


def _point(statement: Statement, value: float, error: float) -> Statement:
    if statement.estimator != "noisy":
        edge = min(OFF_THE_EDGE * error, 0.25)
        value = min(max(value, edge), 1.0 - edge)
    return replace(statement, lower=value, upper=value, standard_error=error)


def _beta(mean: float, error: float, quantile: float) -> float:
    """Quantile of the beta variable with this mean and standard error."""
    cases = effective_cases(mean, error)
    first = max(mean * cases, SMALLEST_SHAPE)
    second = max((1 - mean) * cases, SMALLEST_SHAPE)
    return float(betaincinv(first, second, quantile))


def _bound(statement: Statement, error: float, quantile: float) -> Statement:
    """A statement with one open side, its bound moved."""
    if statement.lower > 0:
        return replace(statement, lower=_beta(statement.lower, error, quantile), upper=1.0)
    if statement.upper < 1:
        return replace(statement, upper=_beta(statement.upper, error, quantile), lower=0.0)
    return statement


def _share(number: int, statement: Statement) -> _Share:
    mean, _, error = point_and_width(statement)
    if statement.estimator == "count":
        # Poisson; the division by the sum makes it binomial.
        cases = max(mean, error) / error**2
    else:
        cases = effective_cases(mean, error)
        if statement.estimator in SURVIVAL:
            mean = (mean * cases + UNSEEN_SHAPE) / (cases + 2 * UNSEEN_SHAPE)
            cases += 2 * UNSEEN_SHAPE
    if mean <= NOTHING:
        mean = UNSEEN_SHAPE / cases
    return _Share(number, mean, cases, max(mean * cases, UNSEEN_SHAPE))


def effective_cases(proportion: float, error: float) -> float:
    """Cases whose proportion has this standard error, at least :data:`FEWEST_CASES`.

    Inverse of :func:`synthgen.statistics.sampling.proportion_error`.

    Examples
    --------
    >>> round(effective_cases(0.5, 0.05), 1)
    98.0
    """
    cases = max(proportion * (1 - proportion) / error**2, FEWEST_CASES)
    for _ in range(40):
        shrunk = (proportion * cases + 0.5) / (cases + 1)
        other = max(shrunk * (1 - shrunk) / error**2 - 2, FEWEST_CASES)
        cases = (cases * other) ** 0.5  # the plain iteration swings near 0 and 1
    return cases


def _limit(number: int, statement: Statement, error: float, expected: float | None) -> _Share:
    """A value of zero, or one hidden below a limit."""
    mean = statement.value if expected is None else min(expected, statement.upper)
    if statement.estimator == "count":
        cases = statement.cases or 1 / error
    else:
        cases = effective_cases(0.0, error)
        if statement.cases is not None:
            mean = max(mean, UNSEEN_SHAPE / cases)
    return _Share(number, mean, cases, mean * cases + UNSEEN_SHAPE)


def _contains(outer: Members, inner: Members) -> bool:
    return all(name in inner and set(inner[name]) <= set(codes) for name, codes in outer.items())


def _disjoint(first: Members, second: Members) -> bool:
    return any(
        name in second and not set(codes) & set(second[name]) for name, codes in first.items()
    )


def _apart(
    candidates: Sequence[int], events: Sequence[Members], means: Sequence[float]
) -> list[int]:
    """Candidates that exclude each other, the largest first."""
    chosen: list[int] = []
    for candidate in sorted(candidates, key=lambda i: (-means[i], i)):
        if all(_disjoint(events[candidate], events[other]) for other in chosen):
            chosen.append(candidate)
    return chosen


def _draw_group(
    shares: Sequence[_Share], statements: Sequence[Statement], rng: np.random.Generator
) -> list[float]:
    """Proportions of one table and one condition, drawn together.

    Narrow events are drawn first; a wider one is the sum of those it contains and of what
    is left of it.  What excludes each other is divided by its common sum.
    """
    events = [statements[s.number].event for s in shares]
    means = [s.mean for s in shares]
    mass = [0.0] * len(shares)
    inside: dict[int, list[int]] = {}
    top: list[int] = []
    for i in _narrow_first(events):
        inside[i] = [j for j in top if _contains(events[i], events[j])]
        parts = _apart(inside[i], events, means)
        mass[i] = _mass(shares[i], sum(mass[j] for j in parts), sum(means[j] for j in parts), rng)
        top = [j for j in top if j not in inside[i]] + [i]
    values = [0.0] * len(shares)
    while top:
        layer = _apart(top, events, means)
        whole = sum(mass[i] for i in layer) + _rest([shares[i] for i in layer], rng)
        reached = list(layer)
        while reached:
            i = reached.pop()
            values[i] = mass[i] / whole if whole > 0 else 0.0
            reached += inside[i]
        top = [i for i in top if i not in layer]
    return values


def _narrow_first(events: Sequence[Members]) -> list[int]:
    """Positions of events, none before one that it contains."""
    open_width: dict[str, int] = {}
    for event in events:
        for name, codes in event.items():
            open_width[name] = open_width.get(name, 1) + len(codes)

    def width(i: int) -> float:
        product = 1.0
        for name, most in open_width.items():
            product *= len(events[i][name]) if name in events[i] else most
        return product

    return sorted(range(len(events)), key=lambda i: (width(i), i))


def _mass(share: _Share, drawn: float, known: float, rng: np.random.Generator) -> float:
    """Undivided proportion of an event, of which a part is drawn already."""
    if known <= 0:
        return float(rng.standard_gamma(share.shape)) * share.mean / share.shape
    shape = (share.mean - known) * share.cases
    if shape > NOTHING:
        return drawn + float(rng.standard_gamma(shape)) / share.cases
    return drawn * share.mean / known


def _rest(layer: Sequence[_Share], rng: np.random.Generator) -> float:
    """Undivided proportion of what no statement of a layer is about."""
    left = 1.0 - sum(s.mean for s in layer)
    cases = float(np.median([s.cases for s in layer]))
    if left > NOTHING:
        shape = max(left * cases, SMALLEST_SHAPE)
        return float(rng.standard_gamma(shape)) * left / shape
    if len(layer) == 1 and cases > 0:
        return float(rng.standard_gamma(UNSEEN_SHAPE)) / cases
    return 0.0
