"""Declared reference measures: what holds where no table says anything.

Maximum entropy is not neutral on bins (English stromal tumours "aged 0-59" would fall on
infants), so age and survival time never start uniform.  Age starts from the person-years
times the smoothed curve of the same site; net survival time from the Weibull curve with
a cured fraction that the pack declares, which also carries it beyond the last published
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.block import Potential
from synthgen.models.domain import Domain
from synthgen.models.propagation import expand
from synthgen.schema.model import Schema, Variable
from synthgen.statistics.carry import People
from synthgen.statistics.model import Cell, StatisticsPack, StatisticsTable, SurvivalReference
from synthgen.statistics.statement import TIME_VARIABLE

FloatArray = npt.NDArray[np.float64]

AGE_VARIABLE, SEX_VARIABLE = "age_group", "sex"
#: Weights of neighbouring age groups in the smoothed reference curve of a site.
KERNEL = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
#: Cases added to a smoothed group, so that no age is excluded by its neighbours' zeros.
FLOOR_CASES = 0.25


def age_reference(
    domain: Domain,
    tables: Sequence[StatisticsTable],
    population: StatisticsTable | None = None,
) -> Potential | None:
    """Age curves of several tables; where two know one site, the first one's.

    Parameters
    ----------
    domain : Domain
    tables : sequence of StatisticsTable
        Counts.
    population : StatisticsTable, optional
        As for :func:`incidence_reference`.
    """
    merged: Potential | None = None
    for table in tables:
        found = incidence_reference(domain, table, population)
        if found is None or merged is None:
            merged = merged or found
            continue
        names = domain.ordered({*merged.names, *found.names})
        first = expand(merged.log_values, merged.names, names)
        second = expand(found.log_values, found.names, names)
        merged = Potential(names, np.where(first != 0, first, second))
    return merged


def incidence_reference(
    domain: Domain, table: StatisticsTable, population: StatisticsTable | None = None
) -> Potential | None:
    """Person-years times the age curve of each site, both sexes together.

    Parameters
    ----------
    domain : Domain
    table : StatisticsTable
        Counts by age group or coarser bands, and by sex and site where given.
    population : StatisticsTable, optional
        People by sex and age group, for tables without person-years by single age group.

    Returns
    -------
    Potential or None
        None for a table without age, or by single age groups without person-years: such a
        table says what it has to say itself.  0 for sites that the table does not know.

    Notes
    -----
    Where every age group is printed, its rate is smoothed with its neighbours'.  Where only
    bands are ("0-59"), the logarithm of the rate is interpolated between their middles and
    goes on beyond the outermost ones, so that a band is not filled evenly.
    """
    scope = {n: codes for n, codes in table.scope.items() if n in domain.codes}
    names = domain.ordered({*table.variables, *scope})
    if AGE_VARIABLE not in table.variables:
        return None
    sites: dict[tuple[tuple[str, ...], ...], list[Cell]] = {}
    for cell in table.cells:
        told = replace(cell, members={**scope, **cell.members})
        site = tuple(
            told.members.get(n, ()) for n in names if n not in {AGE_VARIABLE, SEX_VARIABLE}
        )
        if (
            cell.published
            and all(len(codes) == 1 for codes in site)
            and _known(domain, names, told)
        ):
            sites.setdefault(site, []).append(told)
    every = set(domain.codes[AGE_VARIABLE])
    full, banded = list[Cell](), list[Cell]()
    for cells in sites.values():
        ages = [c.members.get(AGE_VARIABLE, ()) for c in cells]
        (full if {a[0] for a in ages if len(a) == 1} >= every else banded).extend(cells)
    found = [_from_age_groups(domain, names, full)] if full else []
    found += [_from_bands(domain, names, banded, _people(domain, population))] if banded else []
    log_values = sum((f.log_values for f in found if f is not None), np.zeros(domain.shape(names)))
    return Potential(names, log_values) if log_values.any() else None


def _known(domain: Domain, names: tuple[str, ...], cell: Cell) -> bool:
    return all(set(cell.members.get(n, ())) <= set(domain.codes[n]) for n in names)


def _from_age_groups(
    domain: Domain, names: tuple[str, ...], cells: Sequence[Cell]
) -> Potential | None:
    """Reference from counts by single age groups with their person-years."""
    if all(c.person_years is None for c in cells):
        return None
    shape = domain.shape(names)
    cases, person_years = np.zeros(shape), np.zeros(shape)
    for cell in cells:
        if cell.person_years is None or any(len(cell.members.get(n, ())) != 1 for n in names):
            continue
        at = tuple(int(domain.positions(n, cell.members[n])[0]) for n in names)
        cases[at] = cell.value
        person_years[at] = cell.person_years
    age = names.index(AGE_VARIABLE)
    pooled = tuple(i for i, n in enumerate(names) if n == SEX_VARIABLE)
    smooth_cases = _smoothed(cases.sum(axis=pooled, keepdims=True), age) + FLOOR_CASES
    smooth_years = _smoothed(person_years.sum(axis=pooled, keepdims=True), age)
    rate = np.divide(
        smooth_cases, smooth_years, out=np.zeros_like(smooth_cases), where=smooth_years > 0
    )
    expected = rate * person_years
    with np.errstate(divide="ignore"):
        return Potential(names, np.log(np.where(person_years > 0, expected, 1.0)))


def _from_bands(
    domain: Domain, names: tuple[str, ...], cells: Sequence[Cell], people: FloatArray
) -> Potential:
    """Reference from counts by bands of ages, people by sex and age group given."""
    ages = domain.codes[AGE_VARIABLE]
    others = [n for n in names if n not in {AGE_VARIABLE, SEX_VARIABLE}]
    bands: dict[tuple[int, ...], dict[tuple[int, ...], list[Cell]]] = {}
    for cell in cells:
        at = tuple(int(domain.positions(n, cell.members[n])[0]) for n in others)
        band = tuple(domain.positions(AGE_VARIABLE, cell.members.get(AGE_VARIABLE, ages)).tolist())
        bands.setdefault(at, {}).setdefault(band, []).append(cell)
    sexes = domain.codes.get(SEX_VARIABLE, ("",)) if SEX_VARIABLE in names else ("",)
    order = [*others, *([SEX_VARIABLE] if SEX_VARIABLE in names else []), AGE_VARIABLE]
    expected = np.ones(domain.shape(order))
    for at, found in bands.items():
        middle, log_rate = [], []
        for band in sorted(found, key=lambda b: float(np.mean(b))):
            parts = [c for c in found[band] if len(c.members.get(SEX_VARIABLE, sexes)) == 1]
            total = sum(c.value for c in parts or found[band][:1])
            exposed = float(people.sum(axis=0)[list(band)].sum())
            middle.append(float(np.mean(band)))
            log_rate.append(np.log((total + FLOOR_CASES * len(band)) / exposed))
        rate = np.exp(_along(np.arange(len(ages)), middle, log_rate))
        by_sex = people if len(sexes) == len(people) else people.sum(axis=0, keepdims=True)
        expected[at] = (rate * by_sex).reshape(expected[at].shape)
    return Potential(names, np.log(expected).transpose([order.index(n) for n in names]))


def _along(
    positions: npt.NDArray[np.intp], middle: Sequence[float], values: Sequence[float]
) -> FloatArray:
    """Straight lines between the middles of bands, going on beyond the outermost ones."""
    if len(middle) == 1:
        return np.full(len(positions), values[0])
    piece = np.clip(np.searchsorted(middle, positions) - 1, 0, len(middle) - 2)
    x, y = np.array(middle), np.array(values)
    slope = np.diff(y) / np.diff(x)
    return np.asarray(y[piece] + slope[piece] * (positions - x[piece]))


def _people(domain: Domain, population: StatisticsTable | None) -> FloatArray:
    """People by sex and age group, shape (sexes, groups); one each where nothing is known."""
    sexes = domain.codes.get(SEX_VARIABLE, ("1", "2"))
    people = np.ones((len(sexes), domain.size(AGE_VARIABLE)))
    for cell in population.cells if population else ():
        sex, age = cell.members.get(SEX_VARIABLE, ()), cell.members.get(AGE_VARIABLE, ())
        if len(sex) == len(age) == 1 and sex[0] in sexes and age[0] in domain.codes[AGE_VARIABLE]:
            at = sexes.index(sex[0]), domain.codes[AGE_VARIABLE].index(age[0])
            people[at] = max(cell.value, 1.0)
    return people


def residence_reference(
    domain: Domain, new: tuple[str, ...], people: People | None
) -> Potential | None:
    """People of the target by region, sex and age: where patients of a sex and age live.

    Parameters
    ----------
    domain : Domain
        The variables so far, the new ones included.
    new : tuple of str
        Variables of the block.
    people : People or None
        Of the pack's target.

    Returns
    -------
    Potential or None
        None where people are not counted by a new variable beside sex and age.

    Notes
    -----
    With this reference and no statement, the cases of a region are the rates of the whole
    country times its own people of each sex and age.
    """
    if people is None or not set(people.names) <= set(domain.names):
        return None
    if not set(people.names) & set(new) - {SEX_VARIABLE, AGE_VARIABLE}:
        return None
    names = domain.ordered(people.names)
    count = np.ones(domain.shape(names))
    for at in np.ndindex(count.shape):
        members = {n: (domain.codes[n][i],) for n, i in zip(names, at, strict=True)}
        count[at] = people.among(members)
    with np.errstate(divide="ignore"):
        return Potential(names, np.log(count))


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
