"""Deaths from all causes in the general population: hazards, expected and drawn survival.

Within a year of age the hazard is constant, ``h = -log(1 - q)``.  A last published age with
probability 1 (``100+``) closes a printed table and is no yearly probability: the hazard of
the last age below 1 continues to age 120, where everybody dies.  (The Korean table of 2018
prints 1 at age 100; .350 and .305 a year at 99.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.statistics.model import StatisticsPack, StatisticsTable

OLDEST_AGE = 120
"""Exact age that nobody outlives [years]; the oldest verified age is 122 (Calment, 1997)."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LifeTable:
    """Yearly probabilities of death by sex and single year of age.

    Parameters
    ----------
    sexes : tuple of str
        Codes of the variable ``sex``, in the order of the rows of ``death_probability``.
    death_probability : ndarray of float64, shape (len(sexes), 121)
        Probability of dying within the year at ages 0 to 120; 1 at 120.

    Raises
    ------
    StatisticsError
        If the shape is wrong, a probability is not in [0, 1), or age 120 is survived.

    Examples
    --------
    >>> table = LifeTable(("1",), np.append(np.full(120, 0.5), 1.0)[None, :])
    >>> table.expected_survival(np.array([0]), np.array([30.0]), 2.0)
    array([0.25])
    """

    sexes: tuple[str, ...]
    death_probability: Floats

    def __post_init__(self) -> None:
        probability = np.array(self.death_probability, dtype=np.float64)
        if probability.shape != (len(self.sexes), OLDEST_AGE + 1):
            raise StatisticsError(
                f"life table: shape is {probability.shape}; it must be "
                f"({len(self.sexes)}, {OLDEST_AGE + 1})"
            )
        below = probability[:, :OLDEST_AGE]
        bad = ~((below >= 0.0) & (below < 1.0))
        if bad.any() or not (probability[:, OLDEST_AGE] == 1.0).all():
            raise StatisticsError(
                "life table: probabilities of death must lie in [0, 1) below age 120 and be 1 "
                f"at 120 ({int(bad.sum())} do not)"
            )
        probability.setflags(write=False)
        object.__setattr__(self, "death_probability", probability)
        hazard = -np.log1p(-probability[:, :OLDEST_AGE])
        cumulative = np.zeros((len(self.sexes), OLDEST_AGE + 1))
        np.cumsum(hazard, axis=1, out=cumulative[:, 1:])
        cumulative.setflags(write=False)
        object.__setattr__(self, "_cumulative", cumulative)

    @property
    def ages(self) -> Integers:
        """Completed ages 0 to 120 [years]: int64, shape (121,)."""
        return np.arange(OLDEST_AGE + 1, dtype=np.int64)

    @property
    def cumulative_hazard(self) -> Floats:
        """Cumulative hazard from birth to exact ages 0..120: float64, shape (len(sexes), 121).

        At exact age 120 it is the finite hazard before the certain death there.
        """
        cumulative: Floats = self.__dict__["_cumulative"]
        return cumulative

    def hazard_to(self, sex_index: Integers, exact_age: Floats) -> Floats:
        """Cumulative hazard from birth to exact ages.

        Parameters
        ----------
        sex_index : ndarray of int, shape (n,)
            Row of ``sexes``.
        exact_age : ndarray of float, shape (n,)
            [years], 0 to 120; older is read as 120.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        age = np.clip(np.asarray(exact_age, dtype=np.float64), 0.0, float(OLDEST_AGE))
        whole = np.minimum(age.astype(np.int64), OLDEST_AGE - 1)
        start = self.cumulative_hazard[sex_index, whole]
        step = self.cumulative_hazard[sex_index, whole + 1] - start
        exact: Floats = start + (age - whole) * step
        return exact

    def expected_survival(
        self, sex_index: Integers, exact_age: Floats, years: Floats | float
    ) -> Floats:
        """Probability that people of the general population live ``years`` longer.

        Parameters
        ----------
        sex_index : ndarray of int, shape (n,)
        exact_age : ndarray of float, shape (n,)
            Age at the start [years].
        years : ndarray of float, shape (n,), or float
            [years].

        Returns
        -------
        ndarray of float64, shape (n,)
            0 where age + years reaches 120.
        """
        age = np.asarray(exact_age, dtype=np.float64)
        end = age + years
        gained = self.hazard_to(sex_index, end) - self.hazard_to(sex_index, age)
        return np.where(end >= OLDEST_AGE, 0.0, np.exp(-gained))

    def draw_survival(self, sex_index: Integers, exact_age: Floats, uniform: Floats) -> Floats:
        """Years until death from other causes, by inversion.

        Parameters
        ----------
        sex_index : ndarray of int, shape (n,)
        exact_age : ndarray of float, shape (n,)
            [years], below 120.
        uniform : ndarray of float, shape (n,)
            Uniform on [0, 1); the survivors' share at the time of death.

        Returns
        -------
        ndarray of float64, shape (n,)
            [years]; age + years is at most 120.
        """
        sex = np.asarray(sex_index, dtype=np.int64)
        age = np.clip(np.asarray(exact_age, dtype=np.float64), 0.0, float(OLDEST_AGE))
        with np.errstate(divide="ignore"):
            target = self.hazard_to(sex, age) - np.log(np.asarray(uniform, dtype=np.float64))
        death_age = np.empty_like(target)
        for row in range(len(self.sexes)):
            of_sex = sex == row
            death_age[of_sex] = self._age_at_hazard(row, target[of_sex])
        years: Floats = np.clip(death_age - age, 0.0, OLDEST_AGE - age)
        return years

    def _age_at_hazard(self, row: int, target: Floats) -> Floats:
        """Exact age at which one sex reaches a cumulative hazard; 120 at most."""
        cumulative = self.cumulative_hazard[row]
        whole = np.searchsorted(cumulative, target, side="right") - 1
        whole = np.minimum(whole, OLDEST_AGE - 1)
        step = cumulative[whole + 1] - cumulative[whole]
        beyond = target >= cumulative[OLDEST_AGE]
        part = np.divide(
            target - cumulative[whole], step, out=np.zeros_like(target), where=step > 0
        )
        return np.where(beyond, float(OLDEST_AGE), whole + np.minimum(part, 1.0))


def life_table_from(table: StatisticsTable) -> LifeTable:
    """Life table of a statistics table of kind ``life_table``.

    Raises
    ------
    StatisticsError
        If a sex or an age is missing, or no age has a probability below 1.
    """
    sexes = tuple(dict.fromkeys(cell.members["sex"][0] for cell in table.cells))
    probability = np.ones((len(sexes), OLDEST_AGE + 1))
    for row, sex in enumerate(sexes):
        by_age = {c.age: c.value for c in table.cells if c.members["sex"][0] == sex}
        yearly = _yearly(table, sex, by_age)
        last = min(len(yearly), OLDEST_AGE)
        probability[row, :last] = yearly[:last]
        probability[row, last:OLDEST_AGE] = yearly[last - 1]
    return LifeTable(sexes, probability)


def _yearly(table: StatisticsTable, sex: str, by_age: dict[int | None, float]) -> list[float]:
    """Yearly probabilities from age 0, without the certain deaths that close the table."""
    yearly: list[float] = []
    for age in range(len(by_age)):
        if age not in by_age:
            raise StatisticsError(
                f"{table.name}: age {age} of sex {sex} is missing; every year must stand once"
            )
        yearly.append(by_age[age])
    while yearly and yearly[-1] >= 1.0:
        yearly.pop()
    if not yearly or max(yearly) >= 1.0:
        raise StatisticsError(
            f"{table.name}: sex {sex} has a probability of death of 1 before its last age; "
            "yearly probabilities must be below 1"
        )
    return yearly


def life_table_of(pack: StatisticsPack) -> LifeTable:
    """Life table of a pack: its first table of kind ``life_table``.

    Raises
    ------
    StatisticsError
        If the pack has none, or the table is incomplete.
    """
    for table in pack.tables:
        if table.kind == "life_table":
            return life_table_from(table)
    raise StatisticsError(
        f"pack {pack.id}: has no life table; survival needs a table of kind life_table"
    )
