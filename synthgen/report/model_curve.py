"""The model's survival curve of a group of patients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.compare import ComparedCohort
from synthgen.models.ages import expected_survival, single_ages
from synthgen.models.references import AGE_VARIABLE, bin_edges
from synthgen.report.published import SEX
from synthgen.statistics.statement import TIME_VARIABLE, Members

FloatArray = npt.NDArray[np.float64]

POINTS_PER_YEAR = 4


def model_curve(
    compared: ComparedCohort, group: Members, until: float, *, observed: bool
) -> tuple[FloatArray, FloatArray]:
    """Net or observed survival of a group under the model.

    Parameters
    ----------
    compared : ComparedCohort
    group : mapping of str to tuple of str
        Codes by variable.
    until : float
        Last time wanted [years].
    observed : bool
        Deaths of all causes: net survival times the expected survival of the group.

    Returns
    -------
    years, survival : ndarray of float64, shape (k,)
        From 0 on; between the edges of the model's bins the hazard is constant, and the
        curve ends at the last finite edge.
    """
    model, distribution = compared.model, compared.distribution
    known = distribution.domain.codes[TIME_VARIABLE]
    variable = model.schema.variable(TIME_VARIABLE)
    edges = bin_edges(variable)
    share = np.zeros(len(variable.categories))
    share[[variable.codes.index(c) for c in known]] = distribution.marginal((TIME_VARIABLE,), group)
    alive = 1.0 - np.concatenate(([0.0], np.cumsum(share)[:-1]))  # at the start of each bin
    starts = edges[:-1]
    last = min(until, float(starts[-1]))
    grid = np.linspace(0.0, last, max(round(last * POINTS_PER_YEAR), 1) + 1)
    years = np.unique(np.concatenate((grid, starts[starts <= last])))
    with np.errstate(divide="ignore"):
        log_alive = np.log(np.maximum(alive, 1e-12))
    net = np.exp(np.interp(years, starts, log_alive))
    if observed and compared.life_table is not None:
        net = net * _expected(compared, group, years)
    return years, net


def _expected(compared: ComparedCohort, group: Members, years: FloatArray) -> FloatArray:
    """Expected survival of the group in the general population (Ederer I)."""
    life_table, model = compared.life_table, compared.model
    if life_table is None:
        return np.ones_like(years)
    domain = compared.distribution.domain
    people = compared.distribution.marginal((SEX, AGE_VARIABLE), group)
    variable = model.schema.variable(AGE_VARIABLE)
    by_sex = np.zeros((len(life_table.sexes), len(variable.categories)))
    columns = [variable.codes.index(c) for c in domain.codes[AGE_VARIABLE]]
    for row, sex in enumerate(life_table.sexes):
        if sex in domain.codes[SEX]:
            by_sex[row, columns] = people[domain.codes[SEX].index(sex)]
    ages = single_ages(variable, life_table)
    return np.array([expected_survival(by_sex, ages, life_table, float(t)) for t in years])
