"""How long each patient of a cohort was followed, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.cohort_codes import CohortCodes
from synthgen.fidelity.net_survival import SurvivalCurve, ederer2, kaplan_meier, pohar_perme
from synthgen.statistics.life_table import LifeTable

FloatArray = npt.NDArray[np.float64]

DAYS_PER_YEAR = 365.25
"""Mean length of a year [days]."""

DIAGNOSIS, AGE = "tumour.diagnosis_date", "tumour.age_at_diagnosis"
LAST_CONTACT, VITAL_STATUS = "patient.last_contact_date", "patient.vital_status"
BIRTH_YEAR, BIRTH_MONTH, SEX = "patient.birth_year", "patient.birth_month", "patient.sex"
DEAD = "2"
"""Code of the column ``vital_status``."""

OBSERVED, NET, RELATIVE = "observed", "net", "relative"
"""Ways to estimate survival: Kaplan-Meier, Pohar Perme, Ederer II."""


@dataclass(frozen=True, eq=False)
class Followed:
    """Follow-up of every row of the base table.

    Parameters
    ----------
    time : ndarray of float64, shape (rows,)
        From diagnosis to the last contact [years]; dates are whole days, and the middle of
        the day is meant, so nobody has the time zero.
    dead : ndarray of bool, shape (rows,)
    sex_index : ndarray of int64, shape (rows,)
        Row of the life table; -1 for another sex or none.
    age : ndarray of float64, shape (rows,)
        Exact age at diagnosis [years], from the middle of the month of birth where it is
        known.
    life_table : LifeTable or None
    """

    time: FloatArray
    dead: npt.NDArray[np.bool_]
    sex_index: npt.NDArray[np.int64]
    age: FloatArray
    life_table: LifeTable | None

    def curve(
        self,
        rows: npt.NDArray[np.bool_],
        way: str,
        at: FloatArray | tuple[float, ...] = (),
    ) -> SurvivalCurve | None:
        """Survival of some rows; None without anybody, or without a life table that it needs.

        Parameters
        ----------
        rows : ndarray of bool, shape (rows,)
        way : {"observed", "net", "relative"}
        at : ndarray of float64 or tuple of float
            Times at which the curve must be exact [years].
        """
        kept = rows & np.isfinite(self.time)
        if way != OBSERVED:
            kept = kept & (self.sex_index >= 0) & np.isfinite(self.age)
        if not kept.any():
            return None
        time, dead = self.time[kept], self.dead[kept]
        if way == OBSERVED:
            return kaplan_meier(time, dead, at)
        if self.life_table is None:
            return None
        estimate = ederer2 if way == RELATIVE else pohar_perme
        return estimate(time, dead, self.sex_index[kept], self.age[kept], self.life_table, at)


def followed(codes: CohortCodes, life_table: LifeTable | None) -> Followed | None:
    """Follow-up of a cohort, or None if its schema has no such columns.

    Parameters
    ----------
    codes : CohortCodes
    life_table : LifeTable or None
        Mortality of the general population.
    """
    needed = (DIAGNOSIS, AGE, LAST_CONTACT, VITAL_STATUS, BIRTH_YEAR, SEX)
    if not all(codes.has(column) for column in needed):
        return None
    diagnosis = _days(codes, DIAGNOSIS)
    time = (_days(codes, LAST_CONTACT) - diagnosis + 0.5) / DAYS_PER_YEAR
    time = np.where(time > 0, time, np.nan)
    dead = (codes.column(VITAL_STATUS).astype("object") == DEAD).to_numpy(dtype=np.bool_)
    sex = codes.column(SEX).astype("object")
    sex_index = np.full(len(codes), -1, dtype=np.int64)
    for row, code in enumerate(life_table.sexes if life_table else ()):
        sex_index[(sex == code).to_numpy(dtype=np.bool_)] = row
    return Followed(time, dead, sex_index, _exact_age(codes, diagnosis), life_table)


def _days(codes: CohortCodes, column: str) -> FloatArray:
    """Days since 1970; NaN where missing."""
    dates = codes.column(column).to_numpy(dtype="datetime64[D]")
    days = dates.astype(np.int64).astype(np.float64)
    return np.where(np.isnat(dates), np.nan, days)


def _exact_age(codes: CohortCodes, diagnosis: FloatArray) -> FloatArray:
    completed = _numbers(codes, AGE)
    born = _numbers(codes, BIRTH_YEAR)
    month = _numbers(codes, BIRTH_MONTH) if codes.has(BIRTH_MONTH) else np.nan
    years = 1970.0 + (diagnosis + 0.5) / DAYS_PER_YEAR
    exact = years - (born + (month - 0.5) / 12.0)
    exact = np.where(np.isfinite(exact), exact, completed + 0.5)
    day = 1.0 / DAYS_PER_YEAR
    return np.asarray(np.clip(exact, completed, completed + 1.0 - day))


def _numbers(codes: CohortCodes, column: str) -> FloatArray:
    values = codes.column(column).astype("Float64")
    return np.asarray(values.to_numpy(float, na_value=np.nan), dtype=np.float64)
