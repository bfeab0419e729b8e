"""A cohort beside the published numbers its model was fitted to.

Every number is estimated from the cohort's own columns, by the estimator that was
published: shares and counts as proportions, survival by Kaplan-Meier, Ederer II or Pohar
Perme.  A cohort that was asked for under conditions is compared with the model under the
same conditions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError, StatisticsError
from synthgen.fidelity.cohort_codes import CohortCodes, IntArray, count_table
from synthgen.fidelity.comparison import Comparison, Outcome
from synthgen.fidelity.distance import count_gap, share_error
from synthgen.fidelity.followed import NET, OBSERVED, RELATIVE, Followed, followed
from synthgen.fidelity.net_survival import SurvivalCurve
from synthgen.models.constraints import statement_variables
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.models.observed import to_net
from synthgen.models.reweigh import conditioned
from synthgen.statistics.life_table import LifeTable, life_table_of
from synthgen.statistics.statement import TIME_VARIABLE, Members, Statement

if TYPE_CHECKING:
    from synthgen.cohort.cohort import Cohort
    from synthgen.cohort.fitted_model import FittedModel

FloatArray = npt.NDArray[np.float64]

SURE = 1e-9
"""A condition that holds with at least 1 minus this adds nothing."""

EDERER_2 = re.compile(r"ederer\s*-?\s*(2|ii)\b", re.IGNORECASE)


def compare(model: FittedModel, cohort: Cohort) -> tuple[Comparison, ...]:
    """Every published number beside the fitted one and the cohort's.

    Parameters
    ----------
    model : FittedModel
        The one that the cohort was generated from.
    cohort : Cohort

    Returns
    -------
    tuple of Comparison
        In the order of ``model.gaps``.

    Raises
    ------
    SchemaError
        If the cohort's rows do not hang together.

    Notes
    -----
    Rows in which a variable of the statement is missing are left out of its denominator.
    Survival statements are conditional on being alive at an earlier time; the cohort's
    value is the ratio of its curve at the two times, whose error is that of the increment.
    """
    return ComparedCohort(model, cohort).comparisons()


def conditions_of(model: FittedModel, cohort: Cohort) -> dict[str, tuple[str, ...]]:
    """Codes by variable that the cohort was asked for, from its manifest."""
    where = cohort.manifest.get("settings", {}).get("where", {})
    known = model.distribution.domain.codes
    return {name: tuple(c for c in known[name] if c in set(codes)) for name, codes in where.items()}


@dataclass(frozen=True, eq=False)
class ComparedCohort:
    """A model and a cohort of it, with what several comparisons share.

    Parameters
    ----------
    model : FittedModel
    cohort : Cohort
    """

    model: FittedModel
    cohort: Cohort

    @cached_property
    def where(self) -> dict[str, tuple[str, ...]]:
        """Conditions that the cohort was generated under; empty for everybody."""
        return conditions_of(self.model, self.cohort)

    @cached_property
    def distribution(self) -> Distribution | Mixture:
        """The model under these conditions."""
        return conditioned(self.model.distribution, self.where)

    @cached_property
    def life_table(self) -> LifeTable | None:
        """Mortality of the general population, if the pack has it."""
        if any(table.kind == "life_table" for table in self.model.pack.tables):
            return life_table_of(self.model.pack)
        return None

    @cached_property
    def codes(self) -> CohortCodes:
        """The cohort's columns in the words of the model."""
        return CohortCodes(self.cohort)

    @property
    def drawn(self) -> bool:
        """Whether there is a cohort; see :mod:`synthgen.report.model_alone`."""
        return True

    @property
    def patients(self) -> int:
        """Patients of the cohort."""
        return len(self.codes)

    @cached_property
    def followed(self) -> Followed | None:
        """Follow-up of every row."""
        return followed(self.codes, self.life_table)

    @cached_property
    def _positions(self) -> dict[str, IntArray | None]:
        return {}

    def positions(self, name: str) -> IntArray | None:
        """Position of every row's code of a variable; None if no column tells."""
        if name not in self._positions:
            known = self.model.distribution.domain.codes[name]
            variable = self.model.schema.variable(name)
            self._positions[name] = self.codes.positions(variable, known)
        return self._positions[name]

    def rows(self, members: Members) -> npt.NDArray[np.bool_] | None:
        """Rows of the cohort that are among the codes; None if a variable has no column."""
        domain = self.model.distribution.domain
        chosen = np.ones(len(self.codes), dtype=np.bool_)
        for name, codes in members.items():
            if set(codes) >= set(domain.codes[name]):
                continue
            positions = self.positions(name)
            if positions is None:
                return None
            inside = np.zeros(domain.size(name) + 1, dtype=np.bool_)
            inside[domain.positions(name, codes)] = True
            chosen &= inside[positions]
        return chosen

    def comparisons(self) -> tuple[Comparison, ...]:
        """Every gap of the model, compared."""
        fitted = self._fitted()
        return tuple(
            self._survival(c) if TIME_VARIABLE in c.statement.event else self._share(c)
            for c in fitted
        )

    def covers(self, given: Members) -> bool:
        """Whether a number about these patients is about the cohort's, whatever was asked for."""
        return not self.where or self._reach.covers(given)

    @cached_property
    def _reach(self) -> _Reach:
        return _Reach(self.model.distribution, self.where)

    # The model's side --------------------------------------------------------------------

    def _fitted(self) -> list[Comparison]:
        """Published and fitted values, with the cohort's still missing."""
        gaps = self.model.gaps
        if not self.where:
            return [_of_model(g.statement, g.fitted, g.standard_errors) for g in gaps]
        marginals: dict[tuple[str, ...], FloatArray] = {}
        found = []
        for gap in gaps:
            said = gap.statement
            if self._reach.outside(said.given):
                found.append(_of_model(said, gap.fitted, None, Outcome.OUTSIDE))
                continue
            value = self._value(said, marginals)
            if value is None:
                found.append(_of_model(said, gap.fitted, None, Outcome.NOT_ESTIMATED))
            elif self._reach.covers(said.given):
                found.append(_of_model(said, value, gap.standard_errors))
            else:
                found.append(_of_model(said, value, None, Outcome.NARROWED))
        return found

    def _value(self, said: Statement, marginals: dict[tuple[str, ...], FloatArray]) -> float | None:
        """Value of a statement under the cohort's conditions, by the published estimator."""
        domain = self.distribution.domain
        names = statement_variables(domain, said)
        if names not in marginals:
            marginals[names] = self._marginal(names)
        joint = marginals[names]
        given = float(joint[domain.mask(names, said.given)].sum())
        event = float(joint[domain.mask(names, said.event)].sum())
        if given <= 0:
            return None
        try:
            net = to_net([said], self.distribution, self.model.schema, self.life_table)
        except StatisticsError:  # hardly anybody of these would be expected to be alive
            return None
        return event / given / net[0].factor

    def _marginal(self, names: tuple[str, ...]) -> FloatArray:
        """Joint probability under the conditions.

        Conditioning ties variables that the model keeps apart; where a sum over the result
        would be too large, the model is asked under the conditions instead.
        """
        try:
            return self.distribution.marginal(names)
        except ModelError:
            return self.model.distribution.marginal(names, self.where)

    # The cohort's side -------------------------------------------------------------------

    @cached_property
    def _counts(self) -> dict[tuple[str, ...], npt.NDArray[np.int64] | None]:
        return {}

    def counts(self, names: tuple[str, ...]) -> npt.NDArray[np.int64] | None:
        """Rows in every cell of a grid of variables; None if one of them has no column."""
        if names not in self._counts:
            positions = {name: self.positions(name) for name in names}
            known = {name: p for name, p in positions.items() if p is not None}
            shape = self.model.distribution.domain.shape(names)
            self._counts[names] = (
                count_table(known, names, shape) if len(known) == len(names) else None
            )
        return self._counts[names]

    def _share(self, comparison: Comparison) -> Comparison:
        if comparison.outcome not in {Outcome.COMPARED, Outcome.NARROWED}:
            return comparison
        said, domain = comparison.statement, self.model.distribution.domain
        names = statement_variables(domain, said)
        table = self.counts(names) if names else None
        if table is None:
            return replace(comparison, outcome=Outcome.NOT_ESTIMATED)
        n = int(table[domain.mask(names, said.given)].sum())
        if n == 0:
            return replace(comparison, outcome=Outcome.NOBODY)
        count = int(table[domain.mask(names, said.event)].sum())
        return replace(
            comparison,
            estimate=count / n,
            standard_error=share_error(comparison.fitted, n),
            n=n,
            cohort_gap=float(count_gap(count, n, comparison.fitted)),
        )

    @cached_property
    def _curves(self) -> dict[tuple[object, ...], SurvivalCurve | None]:
        return {}

    def curve(self, given: Members, way: str) -> SurvivalCurve | None:
        """Survival of the patients of a stratum; None where it cannot be estimated."""
        key = (tuple(sorted(given.items())), way)
        if key not in self._curves:
            rows = self.rows(given)
            edges = tuple(
                c.lower
                for c in self.model.schema.variable(TIME_VARIABLE).categories
                if c.lower is not None
            )
            unknown = rows is None or self.followed is None
            self._curves[key] = None if unknown else self.followed.curve(rows, way, edges)  # type: ignore[union-attr,arg-type]
        return self._curves[key]

    def _survival(self, comparison: Comparison) -> Comparison:
        if comparison.outcome not in {Outcome.COMPARED, Outcome.NARROWED}:
            return comparison
        said = comparison.statement
        way = way_of(said, self.model.pack.table(said.table).estimator)
        times = self._times(said)
        given = {n: c for n, c in said.given.items() if n != TIME_VARIABLE}
        rows = self.rows(given)
        if way is None or times is None or rows is None or self.followed is None:
            return replace(comparison, outcome=Outcome.NOT_ESTIMATED)
        if not rows.any():
            return replace(comparison, outcome=Outcome.NOBODY)
        curve = self.curve(given, way)
        if curve is None:
            return replace(comparison, outcome=Outcome.NOT_ESTIMATED)
        return _with_survival(comparison, curve, *times)

    def _times(self, said: Statement) -> tuple[float, float] | None:
        """Years from and to which a statement says that patients live; None if it does not."""
        categories = self.model.schema.variable(TIME_VARIABLE).categories
        edges = {c.code: c.lower or 0.0 for c in categories}
        known = self.model.distribution.domain.codes[TIME_VARIABLE]
        same = {n: c for n, c in said.event.items() if n != TIME_VARIABLE}
        if any(said.given.get(n) != c for n, c in same.items()):
            return None
        start, end = said.given.get(TIME_VARIABLE, known), said.event[TIME_VARIABLE]
        if any(codes != known[len(known) - len(codes) :] for codes in (start, end)):
            return None  # not "alive at a time"
        return (edges[start[0]] if start else 0.0), (edges[end[0]] if end else math.inf)


def way_of(said: Statement, estimator: str) -> str | None:
    """How the cohort's survival is to be estimated for a statement; None if it cannot be.

    A cumulative incidence among other causes (``crude``) has no estimator here.
    """
    if said.estimator == "observed":
        return OBSERVED
    if said.estimator != "net":
        return None
    return RELATIVE if EDERER_2.search(estimator) else NET


@dataclass(frozen=True, eq=False)
class _Reach:
    """What a cohort's conditions leave of the patients that statements are about."""

    distribution: Distribution | Mixture
    where: Mapping[str, tuple[str, ...]]

    @cached_property
    def _shares(self) -> dict[tuple[tuple[str, tuple[str, ...]], ...], float]:
        return {}

    def share(self, given: Members) -> float:
        """Probability of the conditions among the patients of a statement."""
        key = tuple(sorted(given.items()))
        if key not in self._shares:
            both = dict(given)
            for name, codes in self.where.items():
                both[name] = tuple(c for c in both.get(name, codes) if c in set(codes))
            self._shares[key] = (
                self.distribution.probability(both) / self.distribution.probability(given)
                if all(both.values())
                else 0.0
            )
        return self._shares[key]

    def outside(self, given: Members) -> bool:
        return self.share(given) <= 0.0

    def covers(self, given: Members) -> bool:
        return self.share(given) >= 1.0 - SURE


def _of_model(
    said: Statement, fitted: float, gap: float | None, outcome: Outcome = Outcome.COMPARED
) -> Comparison:
    return Comparison(said, fitted, gap, None, None, 0, None, outcome)


def _with_survival(
    comparison: Comparison, curve: SurvivalCurve, start: float, end: float
) -> Comparison:
    n = curve.followed_to(start)
    alive = float(curve.at(start)) if start > 0 else 1.0
    survival = float(curve.at(end)) / alive if n and alive > 0 else math.nan
    if not math.isfinite(survival):
        return replace(comparison, outcome=Outcome.NOT_FOLLOWED)
    variance = float(curve.log_variance_at(end)) - float(curve.log_variance_at(start))
    own = survival * math.sqrt(max(variance, 0.0)) if survival > 0 else 0.0
    error = max(own, share_error(comparison.fitted, n))
    difference = survival - comparison.fitted
    gap = difference / error if error > 0 else math.copysign(math.inf, difference)
    return replace(
        comparison,
        estimate=survival,
        standard_error=error,
        n=n,
        cohort_gap=gap if difference else 0.0,
    )
