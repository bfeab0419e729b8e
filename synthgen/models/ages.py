"""Single years of age within the age groups that tables are published in.

Published tables stop at groups ("85+"), but life tables, expected survival and patients
need an exact age.  Within a closed group every single year is equally likely; within the
open last group the years follow the survivors of the life table (the stationary
population), because a uniform spread or a midpoint there is wrong: Korean men of 85 and over
(life table of 2018) have an expected five-year survival of .344, not the .405 of age 87.5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthgen.errors import SchemaError
from synthgen.schema.model import Variable
from synthgen.statistics.life_table import LifeTable

FloatArray = npt.NDArray[np.float64]

#: Nobody is older [years]; the life table ends here.
OLDEST = 120
#: The open last group is cut here for diagnoses [years]; less than 1 in 10,000 live on.
OLDEST_AT_DIAGNOSIS = 105


def single_ages(age_group: Variable, life_table: LifeTable) -> FloatArray:
    """Probability of each single year of age within each age group, by sex.

    Parameters
    ----------
    age_group : Variable
        Bins of age [years].
    life_table : LifeTable

    Returns
    -------
    ndarray of float64, shape (sexes, groups, OLDEST + 1)
        Sexes in the order of the life table; each row over single years sums to 1.

    Raises
    ------
    SchemaError
        If the variable has no bins.
    """
    if not age_group.is_binned:
        raise SchemaError(f"variable {age_group.name}: needs bins of age in years")
    weights = np.zeros((len(life_table.sexes), len(age_group.categories), OLDEST + 1))
    survivors = np.exp(-life_table.cumulative_hazard)[:, : OLDEST + 1]
    last = len(age_group.categories) - 1
    for i, category in enumerate(age_group.categories):
        low = int(category.lower or 0)
        if i < last:
            weights[:, i, low : int(category.upper or 0)] = 1.0
        else:
            weights[:, i, low : OLDEST_AT_DIAGNOSIS + 1] = survivors[
                :, low : OLDEST_AT_DIAGNOSIS + 1
            ]
    normalised: FloatArray = weights / weights.sum(axis=2, keepdims=True)
    return normalised


def expected_survival(
    by_sex_and_group: FloatArray, ages: FloatArray, life_table: LifeTable, years: float
) -> float:
    """Mean survival of people like these from other causes of death.

    Parameters
    ----------
    by_sex_and_group : ndarray of float64, shape (sexes, groups)
        Distribution of the patients; sums to 1.
    ages : ndarray of float64, shape (sexes, groups, OLDEST + 1)
        As :func:`single_ages` gives it.
    years : float
        Time since diagnosis [years].

    Returns
    -------
    float
        Ederer I expected survival (Ederer, Axtell & Cutler 1961), averaged over single
        years of age at their middle.
    """
    by_age = np.einsum("sg,sga->sa", by_sex_and_group, ages)
    sex, age = np.nonzero(by_age)
    survival = life_table.expected_survival(sex, np.asarray(age + 0.5, dtype=np.float64), years)
    return float((by_age[sex, age] * survival).sum())
