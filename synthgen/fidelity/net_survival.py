"""Survival of patients in exact time: observed, relative (Ederer II) and net (Pohar Perme).

No estimator here cuts time into months or years: deaths count at the time they happen, and
what the general population would have suffered is integrated exactly, because its hazard
is constant between two birthdays.

Notes
-----
Observed survival: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452, with the error of
Greenwood 1926 (*The natural duration of cancer*, Reports on Public Health and Medical
Subjects 33, HMSO).  Relative survival: Ederer & Heise 1959 ("Ederer II"), as recommended by
Hakulinen, Seppä & Lambert 2011, doi:10.1016/j.ejca.2011.03.011.  Net survival: Pohar Perme,
Stare & Estève 2012, doi:10.1111/j.1541-0420.2011.01640.x.

Survival is the product integral of the estimated hazard: deaths multiply it by
``1 - dead / at risk``, the expected hazard by ``exp``.  So all three are the same numbers
where the general population does not die.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.statistics.life_table import OLDEST_AGE, LifeTable

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

NORMAL_95 = 1.959963984540054
"""97.5 % point of the standard normal distribution."""


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """An estimated survival curve at its knots: all exit times, and times asked for.

    Parameters
    ----------
    time : ndarray of float64, shape (k,)
        Ascending, positive [years since diagnosis].
    survival : ndarray of float64, shape (k,)
        Just after each knot [proportion]; relative and net survival may exceed 1.
    log_variance : ndarray of float64, shape (k,)
        Variance of the logarithm of ``survival``; infinite where it is 0.
    at_risk : ndarray of int64, shape (k,)
        Patients followed up to each knot or beyond.
    """

    time: Floats
    survival: Floats
    log_variance: Floats
    at_risk: Integers

    def _knot(self, years: Floats | float) -> npt.NDArray[np.intp]:
        """Last knot not after each time; -1 before the first."""
        return np.asarray(np.searchsorted(self.time, years, side="right") - 1, dtype=np.intp)

    def at(self, years: Floats | float) -> Floats:
        """Survival at given times: exact at knots and, for observed survival, everywhere.

        Returns
        -------
        ndarray of float64
            1 before the first knot; NaN after the last, when nobody is followed any more,
            unless everybody has died by then.
        """
        wanted = np.asarray(years, dtype=np.float64)
        padded = np.concatenate(([1.0], self.survival))
        found = padded[self._knot(wanted) + 1]
        over = wanted > self.time[-1]
        return np.where(over & (self.survival[-1] > 0.0), np.nan, found)

    def log_variance_at(self, years: Floats | float) -> Floats:
        """Variance of the logarithm of survival at given times; 0 before the first knot."""
        padded = np.concatenate(([0.0], self.log_variance))
        return np.asarray(padded[self._knot(np.asarray(years, dtype=np.float64)) + 1])

    def followed_to(self, years: float) -> int:
        """Patients at risk at a time: alive and followed up to it or beyond."""
        later = np.searchsorted(self.time, years, side="left")
        return int(self.at_risk[later]) if later < len(self.time) else 0

    def limits(self) -> tuple[Floats, Floats]:
        """Pointwise 95 % confidence limits at the knots, on the log scale, at most 1."""
        with np.errstate(over="ignore", invalid="ignore"):
            factor = np.exp(NORMAL_95 * np.sqrt(self.log_variance))
            lower = np.where(self.survival > 0.0, self.survival / factor, 0.0)
            upper = np.where(self.survival > 0.0, self.survival * factor, 0.0)
        return lower, np.minimum(upper, 1.0)


@dataclass(frozen=True, eq=False)
class _Exits:
    """Who leaves when: knots, deaths and numbers at risk."""

    time: Floats
    event: Booleans
    knots: Floats
    position: npt.NDArray[np.intp]
    deaths: Floats
    at_risk: Integers


def _exits(time: Floats, event: Booleans, at: Floats | tuple[float, ...]) -> _Exits:
    years = np.asarray(time, dtype=np.float64)
    died = np.asarray(event, dtype=np.bool_)
    if len(years) == 0 or not (np.isfinite(years) & (years > 0.0)).all():
        raise ValueError("times must be finite and positive, and there must be at least one")
    asked = np.asarray(at, dtype=np.float64)
    asked = asked[(asked > 0.0) & (asked <= years.max())]
    knots = np.unique(np.concatenate((years, asked)))
    position = np.searchsorted(knots, years)
    leaving = np.bincount(position, minlength=len(knots))
    at_risk = len(years) - np.concatenate(([0], np.cumsum(leaving)[:-1]))
    deaths = np.bincount(position[died], minlength=len(knots)).astype(np.float64)
    return _Exits(years, died, knots, position, deaths, at_risk.astype(np.int64))


def kaplan_meier(
    time: Floats, event: Booleans, at: Floats | tuple[float, ...] = ()
) -> SurvivalCurve:
    """Observed survival with Greenwood's error.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up since diagnosis [years], positive; at equal times deaths come first.
    event : ndarray of bool, shape (n,)
        Whether it ended with death (of any cause).
    at : ndarray of float64 or tuple of float
        Further times to become knots [years].

    Raises
    ------
    ValueError
        If there is nobody, or a time is not positive.

    Examples
    --------
    >>> curve = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]))
    >>> curve.survival
    array([0.75 , 0.75 , 0.375, 0.   ])
    """
    exits = _exits(time, event, at)
    return SurvivalCurve(exits.knots, _observed(exits), _greenwood(exits), exits.at_risk)


def _observed(exits: _Exits) -> Floats:
    return np.asarray(np.cumprod(1.0 - exits.deaths / exits.at_risk), dtype=np.float64)


def _greenwood(exits: _Exits) -> Floats:
    at_risk = exits.at_risk.astype(np.float64)
    left = at_risk * (at_risk - exits.deaths)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(exits.deaths > 0, exits.deaths / left, 0.0)
    return np.asarray(np.cumsum(terms))


@dataclass(frozen=True, eq=False)
class _Slices:
    """Follow-up cut at birthdays: stretches in which the expected hazard is constant.

    ``person`` points into the patients; ``start`` and ``end`` are years since diagnosis;
    ``stratum`` numbers sex and completed age; ``hazard`` is per year.
    """

    person: npt.NDArray[np.intp]
    start: Floats
    end: Floats
    stratum: npt.NDArray[np.intp]
    hazard: Floats


def _slices(time: Floats, sex_index: Integers, age: Floats, life_table: LifeTable) -> _Slices:
    first = np.floor(age).astype(np.intp)
    count = np.floor(age + time).astype(np.intp) - first + 1
    person = np.repeat(np.arange(len(time), dtype=np.intp), count)
    number = np.arange(len(person), dtype=np.intp) - np.repeat(np.cumsum(count) - count, count)
    completed = first[person] + number
    start = np.maximum(completed - age[person], 0.0)
    last = number == np.repeat(count, count) - 1
    end = np.where(last, time[person], np.minimum(completed + 1 - age[person], time[person]))
    kept = end > start
    person, start, end = person[kept], start[kept], end[kept]
    completed = np.minimum(completed[kept], OLDEST_AGE - 1)
    hazard = np.diff(life_table.cumulative_hazard, axis=1)
    sex = np.asarray(sex_index, dtype=np.intp)[person]
    return _Slices(person, start, end, sex * OLDEST_AGE + completed, hazard[sex, completed])


def ederer2(
    time: Floats,
    event: Booleans,
    sex_index: Integers,
    exact_age: Floats,
    life_table: LifeTable,
    at: Floats | tuple[float, ...] = (),
) -> SurvivalCurve:
    """Relative survival: observed over expected survival of those still under observation.

    Parameters
    ----------
    time, event, at
        As for :func:`kaplan_meier`.
    sex_index : ndarray of int, shape (n,)
        Row of the life table.
    exact_age : ndarray of float64, shape (n,)
        Age at diagnosis [years].
    life_table : LifeTable

    Raises
    ------
    ValueError
        If there is nobody, or a time is not positive.

    Notes
    -----
    The expected hazard at time u is the mean hazard of the patients at risk at u; its error
    is neglected, so the relative error is Greenwood's.
    """
    exits = _exits(time, event, at)
    age = np.asarray(exact_age, dtype=np.float64)
    slices = _slices(exits.time, sex_index, age, life_table)
    suffered = _area(exits.knots, slices.start, slices.hazard) - _area(
        exits.knots, slices.end, slices.hazard
    )
    expected = np.cumsum(np.diff(suffered, prepend=0.0) / exits.at_risk)
    survival = _observed(exits) * np.exp(expected)
    return SurvivalCurve(exits.knots, survival, _greenwood(exits), exits.at_risk)


def _area(knots: Floats, since: Floats, height: Floats) -> Floats:
    """Sum over steps of ``height * (knot - since)`` for the steps that began before a knot."""
    begun = np.searchsorted(knots, since, side="right")
    size = len(knots) + 1
    total = np.cumsum(np.bincount(begun, weights=height, minlength=size))[:-1]
    moment = np.cumsum(np.bincount(begun, weights=height * since, minlength=size))[:-1]
    return np.asarray(knots * total - moment)


def pohar_perme(
    time: Floats,
    event: Booleans,
    sex_index: Integers,
    exact_age: Floats,
    life_table: LifeTable,
    at: Floats | tuple[float, ...] = (),
) -> SurvivalCurve:
    """Net survival: everybody weighted by the inverse of their own expected survival.

    Parameters
    ----------
    time, event, sex_index, exact_age, life_table, at
        As for :func:`ederer2`.

    Raises
    ------
    ValueError
        If there is nobody, or a time is not positive.

    Notes
    -----
    With ``w_i(u) = 1 / S*_i(u)`` and ``W(u)`` their sum over patients at risk, the net hazard
    is ``(sum of w_i of deaths - dW) / W``.  Between exits ``dW / W`` integrates to the growth
    of ``log W``, so the integral over the expected hazard is exact.  The variance of the log is
    the sum over deaths of ``(w_i / W)^2``.
    """
    exits = _exits(time, event, at)
    age = np.asarray(exact_age, dtype=np.float64)
    sex = np.asarray(sex_index, dtype=np.int64)
    before = _total_weight(exits, sex, age, life_table)
    own = np.exp(life_table.hazard_to(sex, age + exits.time) - life_table.hazard_to(sex, age))
    size = len(exits.knots)
    leaving = np.bincount(exits.position, weights=own, minlength=size)
    dying = np.bincount(exits.position, weights=own * exits.event, minlength=size)
    squares = np.bincount(exits.position, weights=own**2 * exits.event, minlength=size)
    after = np.concatenate(([float(len(age))], (before - leaving)[:-1]))
    expected = np.cumsum(np.log(before / after))
    survival = np.cumprod(np.maximum(1.0 - dying / before, 0.0)) * np.exp(expected)
    survival[exits.deaths == exits.at_risk] = 0.0  # the last ones died: no rounding left
    variance = np.cumsum(squares / before**2)
    variance[survival == 0.0] = np.inf
    return SurvivalCurve(exits.knots, survival, variance, exits.at_risk)


def _total_weight(exits: _Exits, sex: Integers, age: Floats, life_table: LifeTable) -> Floats:
    """Sum of the weights of the patients at risk just before each knot.

    Within a slice a weight grows as ``exp(hazard * u)`` with the hazard of its sex and age,
    so the slices of one sex and age are added up as one exponential.
    """
    slices = _slices(exits.time, sex, age, life_table)
    person, knots = slices.person, exits.knots
    gained = life_table.hazard_to(sex[person], age[person] + slices.start) - (
        life_table.hazard_to(sex[person], age[person])
    )
    level = np.exp(gained - slices.hazard * slices.start)
    begun = np.searchsorted(knots, slices.start, side="right")  # first knot after the start
    ended = np.searchsorted(knots, slices.end, side="right")  # first knot after the end
    order = np.argsort(slices.stratum, kind="stable")
    groups = np.flatnonzero(np.diff(slices.stratum[order])) + 1
    total = np.zeros(len(knots))
    for members in np.split(order, groups):
        low, high = int(begun[members].min()), int(ended[members].max())
        size = high - low + 1
        change = np.bincount(begun[members] - low, weights=level[members], minlength=size)
        change -= np.bincount(ended[members] - low, weights=level[members], minlength=size)
        active = np.cumsum(change)[: size - 1]
        total[low:high] += active * np.exp(slices.hazard[members[0]] * knots[low:high])
    return total
