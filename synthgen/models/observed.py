"""Observed survival read as net survival, given ages that are already frozen.

People die of other causes too: ``S_observed = S_net * E[S*]``, where ``E[S*]`` is the
expected survival of the stratum.  Dividing the published value by it needs no clique over
age and survival, and does not bend net survival by age, as a linear statement about
observed survival would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.ages import expected_survival, single_ages
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.models.references import AGE_VARIABLE
from synthgen.schema.model import Schema
from synthgen.statistics.life_table import LifeTable
from synthgen.statistics.statement import TIME_VARIABLE, Statement

FloatArray = npt.NDArray[np.float64]

SEX_VARIABLE = "sex"
#: Expected survival below this makes the division meaningless.
SMALLEST_EXPECTED = 0.02


@dataclass(frozen=True)
class Converted:
    """A statement about net survival, and what it was multiplied by.

    Parameters
    ----------
    statement : Statement
        In terms of net survival.
    factor : float
        Net over published; 1 for statements that are not about observed survival.
    """

    statement: Statement
    factor: float


def to_net(
    statements: Sequence[Statement],
    before: Distribution | Mixture | None,
    schema: Schema,
    life_table: LifeTable | None,
) -> list[Converted]:
    """Statements with observed survival divided by its stratum's expected survival.

    Parameters
    ----------
    statements : sequence of Statement
    before : Distribution, Mixture or None
        The frozen blocks; must hold sex and age group where a statement is observed.
    schema : Schema
    life_table : LifeTable or None

    Raises
    ------
    StatisticsError
        If there is an observed statement but no life table, age or sex, or hardly anybody
        of the stratum would be expected to be alive.
    """
    ages: FloatArray | None = None
    converted = []
    for statement in statements:
        if statement.estimator != "observed":
            converted.append(Converted(statement, 1.0))
            continue
        if life_table is None or before is None:
            raise StatisticsError(
                f"{statement.table}: is about observed survival; the pack needs a life table and "
                "the variables sex and age_group in an earlier block"
            )
        if ages is None:
            ages = single_ages(schema.variable(AGE_VARIABLE), life_table)
        factor = _factor(statement, before, ages, life_table)
        converted.append(
            Converted(
                replace(
                    statement,
                    lower=min(statement.lower * factor, 1.0),
                    upper=min(statement.upper * factor, 1.0),
                    standard_error=statement.standard_error * factor,
                ),
                factor,
            )
        )
    return converted


def _factor(
    statement: Statement, before: Distribution | Mixture, ages: FloatArray, life_table: LifeTable
) -> float:
    given = {n: c for n, c in statement.given.items() if n != TIME_VARIABLE}
    people = before.marginal((SEX_VARIABLE, AGE_VARIABLE), given)
    by_sex = people[[before.domain.codes[SEX_VARIABLE].index(s) for s in life_table.sexes]]
    start = _first_edge(statement.given.get(TIME_VARIABLE, ()))
    end = statement.time or 0.0
    alive_then = expected_survival(by_sex, ages, life_table, start) if start else 1.0
    alive_now = expected_survival(by_sex, ages, life_table, end)
    if alive_now < SMALLEST_EXPECTED:
        raise StatisticsError(
            f"{statement.table}: row {statement.row}: only {alive_now:.3f} of these patients "
            f"would be alive after {end:g} years without the cancer; at least "
            f"{SMALLEST_EXPECTED:g} are needed to tell the two apart"
        )
    return alive_then / alive_now


def _first_edge(codes: tuple[str, ...]) -> float:
    """Time from which patients are known alive, from the codes of survival bins [years]."""
    return float(codes[0].split("-")[0].rstrip("+")) if codes else 0.0
