"""Declared reference measures: what holds where no table says anything.

Maximum entropy is not neutral on bins (English stromal tumours "aged 0-59" would fall on
infants), so age and survival time never start uniform.  Age starts from the person-years
times the smoothed curve of the same site; net survival time from the Weibull curve with
a cured fraction that the pack declares, which also carries it beyond the last published
time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.block import Potential
from synthgen.models.domain import Domain
from synthgen.schema.model import Schema, Variable
from synthgen.statistics.model import StatisticsPack, StatisticsTable, SurvivalReference
from synthgen.statistics.statement import TIME_VARIABLE

FloatArray = npt.NDArray[np.float64]

AGE_VARIABLE = "age_group"
#: Weights of neighbouring age groups in the smoothed reference curve of a site.
KERNEL = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
#: Cases added to a smoothed group, so that no age is excluded by its neighbours' zeros.
FLOOR_CASES = 0.25


def incidence_reference(domain: Domain, table: StatisticsTable) -> Potential | None:
    """Person-years times the smoothed age curve, both sexes together.

    Parameters
    ----------
    domain : Domain
    table : StatisticsTable
        Counts with person-years by age group, and by sex and site where given.

    Returns
    -------
    Potential or None
        None for a table without age or without person-years.
    """
    names = domain.ordered(table.variables)
    if AGE_VARIABLE not in names or all(c.person_years is None for c in table.cells):
        return None
    shape = domain.shape(names)
    cases, person_years = np.zeros(shape), np.zeros(shape)
    for cell in table.cells:
        if cell.person_years is None or any(len(cell.members.get(n, ())) != 1 for n in names):
            continue
        if any(cell.members[n][0] not in domain.codes[n] for n in names):
            continue
        at = tuple(int(domain.positions(n, cell.members[n])[0]) for n in names)
        cases[at] = cell.value
        person_years[at] = cell.person_years
    age = names.index(AGE_VARIABLE)
    pooled = tuple(i for i, n in enumerate(names) if n == "sex")
    smooth_cases = _smoothed(cases.sum(axis=pooled, keepdims=True), age) + FLOOR_CASES
    smooth_years = _smoothed(person_years.sum(axis=pooled, keepdims=True), age)
    rate = np.divide(
        smooth_cases, smooth_years, out=np.zeros_like(smooth_cases), where=smooth_years > 0
    )
    expected = rate * person_years
    with np.errstate(divide="ignore"):
        return Potential(names, np.log(np.where(person_years > 0, expected, 1.0)))


def _smoothed(values: FloatArray, axis: int) -> FloatArray:
    def smooth(row: FloatArray) -> FloatArray:
        weight = np.convolve(np.ones_like(row), KERNEL, mode="same")
        return np.asarray(np.convolve(row, KERNEL, mode="same") / weight)

    result: FloatArray = np.apply_along_axis(smooth, axis, values)
    return result


def survival_at(reference: SurvivalReference, years: FloatArray | float) -> FloatArray:
    """Net survival of a declared curve [probability]; ``years`` may be infinite."""
    t = np.asarray(years, dtype=np.float64)
    falling = np.exp(-np.log(2.0) * (t / reference.median) ** reference.shape)
    return np.asarray(reference.cured + (1.0 - reference.cured) * falling)


def bin_edges(variable: Variable) -> FloatArray:
    """Edges of a binned variable, shape (categories + 1,), the last one infinite if open."""
    lower = [float(c.lower or 0.0) for c in variable.categories]
    upper = variable.categories[-1].upper
    return np.array([*lower, np.inf if upper is None else upper])


def time_reference(domain: Domain, pack: StatisticsPack, schema: Schema) -> Potential:
    """Probability of each bin of net survival time under the declared curves.

    Raises
    ------
    StatisticsError
        If a combination of codes has no declared curve; the message names one.
    """
    names = domain.ordered(
        {TIME_VARIABLE, *(n for r in pack.survival_references for n in r.members)}
    )
    others = tuple(n for n in names if n != TIME_VARIABLE)
    edges = bin_edges(schema.variable(TIME_VARIABLE))
    grid = np.full(domain.shape(names), np.nan)
    axis = names.index(TIME_VARIABLE)
    moved = np.moveaxis(grid, axis, -1)
    for reference in pack.survival_references:
        where = domain.mask(
            others,
            {n: tuple(c for c in m if c in domain.codes[n]) for n, m in reference.members.items()},
        )
        alive = survival_at(reference, edges)
        share = alive[:-1] - alive[1:]
        share[-1] += alive[-1]  # the cured are alive beyond the last edge
        moved[where] = share
    missing = np.argwhere(np.isnan(moved[..., 0]))
    if len(missing):
        example = ", ".join(
            f"{n}={domain.codes[n][i]}" for n, i in zip(others, missing[0], strict=True)
        )
        raise StatisticsError(
            f"pack {pack.id}: no survival reference covers {example or 'anybody'}; every "
            f"patient needs one ({len(missing)} combinations without)"
        )
    with np.errstate(divide="ignore"):
        return Potential(names, np.log(grid))
