"""Time and event of patients, found by what the schema says about its end points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import Floats, numbers, texts
from synthgen.fidelity.followed import DAYS_PER_YEAR, DEAD
from synthgen.findings import Subjects

NO_END_POINT = "measure.reason.no_end_point"
"""Catalogue key: no column says how long patients were followed."""

YEARS_IN = {"days": 1 / DAYS_PER_YEAR, "months": 1 / 12, "years": 1.0}

LEAST_TIME = 0.5 / DAYS_PER_YEAR
"""A time of zero days is taken as the middle of the day [years]."""

DIAGNOSIS, LAST_CONTACT, VITAL_STATUS = "diagnosis_date", "last_contact_date", "vital_status"


@dataclass(frozen=True, eq=False)
class Times:
    """Follow-up of patients.

    Parameters
    ----------
    years : ndarray of float64, shape (patients,)
        NaN where unknown.
    event : ndarray of bool, shape (patients,)
    columns : frozenset of str
        Columns that they come from: no predictors.
    """

    years: Floats
    event: npt.NDArray[np.bool_]
    columns: frozenset[str]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Patients with a time."""
        return np.isfinite(self.years)


def times_of(schema: Any, subjects: Subjects) -> Times | None:
    """Time to the first end point that the schema names, else from diagnosis to death.

    Parameters
    ----------
    schema : Schema or None
    subjects : Subjects

    Returns
    -------
    Times or None
        None if there are no such columns.
    """
    there = set(subjects.columns)
    for table in schema.tables if schema is not None else ():
        for point in table.end_points:
            if {point.time, point.event} <= there and point.time in subjects.numeric:
                years = numbers(subjects.frame[point.time]) * YEARS_IN[point.unit]
                event = np.isin(texts(subjects.frame[point.event]).astype(str), point.events)
                return _times(years, event, {point.time, point.event})
    if {DIAGNOSIS, LAST_CONTACT, VITAL_STATUS} <= there:
        days = numbers(subjects.frame[LAST_CONTACT]) - numbers(subjects.frame[DIAGNOSIS])
        dead = texts(subjects.frame[VITAL_STATUS]).astype(str) == DEAD
        used = {c for c in there if c.endswith("_date") or c.startswith("death")}
        return _times(days / DAYS_PER_YEAR, dead, used | {VITAL_STATUS})
    return None


def _times(years: Floats, event: npt.NDArray[np.bool_], columns: set[str]) -> Times:
    return Times(
        np.where(years < 0, np.nan, np.maximum(years, LEAST_TIME)), event, frozenset(columns)
    )
