"""What the pack publishes about one group of patients: ages, stages, survival."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.net_survival import NORMAL_95
from synthgen.models.references import AGE_VARIABLE
from synthgen.report.charts.survival import PublishedPoint
from synthgen.statistics.model import Cell, Relation, StatisticsTable
from synthgen.statistics.statement import TIME_VARIABLE, Members, Statement, condition_of

FloatArray = npt.NDArray[np.float64]

SEX, STAGE = "sex", "seer_stage"
SURVIVAL_KINDS = ("net_survival", "relative_survival", "observed_survival", "cumulative_incidence")
STRENGTH = {relation: i for i, relation in enumerate(Relation)}
PRINTED_ZERO = {"0", "-", "–", "0.0", "0.00"}


@dataclass(frozen=True)
class PublishedShares:
    """Shares of one variable as one table publishes them for a group.

    Parameters
    ----------
    table : StatisticsTable
    base : tuple of str
        Codes of the variable that the shares are shares of: all, or only those printed.
    rows : tuple of (tuple of str, Statement)
        Codes of the variable and the statement about them, in the order of the table.
    """

    table: StatisticsTable
    base: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Statement], ...]


@dataclass(frozen=True)
class PublishedSurvival:
    """Survival of one stratum as one table publishes it.

    Parameters
    ----------
    table : StatisticsTable
    given : mapping of str to tuple of str
        The stratum.
    points : tuple of PublishedPoint
        By time.
    """

    table: StatisticsTable
    given: Members
    points: tuple[PublishedPoint, ...]

    @property
    def observed(self) -> bool:
        """Whether deaths of all causes count."""
        return self.table.kind == "observed_survival"


def central(said: Statement) -> float:
    """The published value itself: a printed zero is zero, though its statement is a limit."""
    if said.lower == 0.0 and said.printed.strip() in PRINTED_ZERO:
        return 0.0
    return said.value


def limits_95(said: Statement) -> tuple[float, float, float]:
    """Lower limit, value and upper limit of a published proportion (95 %)."""
    reach = NORMAL_95 * said.standard_error
    return max(said.lower - reach, 0.0), central(said), min(said.upper + reach, 1.0)


def age_and_sex(model: FittedModel, groups: Sequence[Members]) -> FloatArray | None:
    """Published distribution of sex and age of a group, if one table holds all of it.

    Parameters
    ----------
    model : FittedModel
    groups : sequence of mapping
        Descriptions that mean the same patients (an entity; the site group it fills).

    Returns
    -------
    ndarray of float64, shape (sexes, age groups), or None
        Sums to 1; combinations that cannot be are 0.
    """
    domain = model.distribution.domain
    if not {SEX, AGE_VARIABLE} <= set(domain.names):
        return None
    for group in groups:
        possible = model.distribution.marginal((SEX, AGE_VARIABLE), group) > 0
        for cells in _age_sex_cells(model, group):
            values = np.full(domain.shape((SEX, AGE_VARIABLE)), np.nan)
            for said in cells:
                sex = domain.codes[SEX].index(said.event[SEX][0])
                age = domain.codes[AGE_VARIABLE].index(said.event[AGE_VARIABLE][0])
                values[sex, age] = central(said)
            values[~possible] = 0.0
            if np.isfinite(values).all() and values.sum() > 0:
                return np.asarray(values / values.sum())
    return None


def _age_sex_cells(model: FittedModel, group: Members) -> Iterable[list[Statement]]:
    """Statements about single sexes and ages of a group, table by table."""
    domain = model.distribution.domain
    found: dict[tuple[object, ...], list[Statement]] = {}
    for gap in model.gaps:
        said = gap.statement
        single = all(len(said.event.get(n, ())) == 1 for n in (SEX, AGE_VARIABLE))
        rest = {n: c for n, c in said.event.items() if n not in {SEX, AGE_VARIABLE}}
        if single and rest == dict(group) and said.event[SEX][0] in domain.codes[SEX]:
            key = (said.table, tuple(sorted(said.given.items())))
            found.setdefault(key, []).append(said)
    return found.values()


def shares(model: FittedModel, groups: Sequence[Members], variable: str) -> PublishedShares | None:
    """Published shares of a variable in a group: of the closest table with the most rows."""
    best: PublishedShares | None = None
    for group in groups:
        found: dict[tuple[str, tuple[str, ...]], list[tuple[tuple[str, ...], Statement]]] = {}
        for gap in model.gaps:
            said = gap.statement
            own = {n for n, c in said.event.items() if said.given.get(n) != c}
            rest = {n: c for n, c in said.given.items() if n != variable}
            if own == {variable} and rest == dict(group):
                base = said.given.get(variable, model.distribution.domain.codes[variable])
                found.setdefault((said.table, base), []).append((said.event[variable], said))
        for (name, base), rows in found.items():
            made = PublishedShares(model.pack.table(name), base, tuple(rows))
            if best is None or _rank(made) > _rank(best):
                best = made
    return best


def _rank(published: PublishedShares) -> tuple[int, int]:
    return STRENGTH[published.table.relation], len(published.rows)


def survival(model: FittedModel, groups: Sequence[Members]) -> tuple[PublishedSurvival, ...]:
    """Published survival of a group and of its strata, the group itself first.

    A stratum is the group and codes of one more variable (``entity`` and stage).
    """
    found: list[PublishedSurvival] = []
    for table in model.pack.tables:
        if table.kind not in SURVIVAL_KINDS:
            continue
        strata: dict[tuple[tuple[str, tuple[str, ...]], ...], list[Cell]] = {}
        for cell in table.cells:
            if cell.published and cell.time is not None:
                given = _condition(model, table, cell)
                if any(_within(given, group) for group in groups):
                    strata.setdefault(tuple(sorted(given.items())), []).append(cell)
        found += [
            PublishedSurvival(table, dict(key), _points(table, cells))
            for key, cells in strata.items()
        ]
    return tuple(sorted(found, key=lambda s: (len(s.given), -STRENGTH[s.table.relation])))


def _condition(
    model: FittedModel, table: StatisticsTable, cell: Cell
) -> dict[str, tuple[str, ...]]:
    """Condition of a cell, with the codes that the model knows."""
    known = model.distribution.domain.codes
    given = condition_of(table, cell, model.schema)
    kept = {n: tuple(c for c in known[n] if c in set(codes)) for n, codes in given.items()}
    return {n: c for n, c in kept.items() if c and len(c) < len(known[n])}


def _within(given: Members, group: Members) -> bool:
    return all(given.get(n) == c for n, c in group.items()) and len(given) <= len(group) + 1


def _points(table: StatisticsTable, cells: Sequence[Cell]) -> tuple[PublishedPoint, ...]:
    points = []
    for cell in sorted(cells, key=lambda c: c.time or 0.0):
        value, low, high = cell.value, cell.ci_lower, cell.ci_upper
        if table.kind == "cumulative_incidence":
            value = 1.0 - value
            low, high = _complement(high), _complement(low)
        points.append(PublishedPoint(cell.time or 0.0, value, low, high))
    return tuple(points)


def _complement(value: float | None) -> float | None:
    return None if value is None else 1.0 - value


def has_time(model: FittedModel) -> bool:
    """Whether the model has survival at all."""
    return TIME_VARIABLE in model.distribution.domain.names
