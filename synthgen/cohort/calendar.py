"""Calendar arithmetic on whole columns: completed years of age and dates of birth.

Dates are whole days, ``datetime64[D]``; a person born on 29 February has a birthday on
1 March in common years.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError

Dates = npt.NDArray[np.datetime64]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: Mean length of a year [days].
DAYS_PER_YEAR = 365.25


def years_of(period: str) -> tuple[int, int]:
    """First and last calendar year of a period such as ``"2013-2017"`` or ``"2023"``.

    Raises
    ------
    StatisticsError
        If the text is neither a year nor two years in order.
    """
    match = re.fullmatch(r"\s*(\d{4})(?:\s*[-\u2013]\s*(\d{4}))?\s*", period)
    if match is None:
        raise StatisticsError(f"target period {period!r}: must be a year or two, as 2013-2017")
    first = int(match[1])
    last = int(match[2] or match[1])
    if not 1900 <= first <= last <= 2100:
        raise StatisticsError(f"target period {period!r}: years must ascend within 1900-2100")
    return first, last


def period_of(first: int, last: int) -> str:
    """Calendar years in words: what :func:`years_of` reads.

    Examples
    --------
    >>> period_of(2013, 2017), period_of(2023, 2023)
    ('2013-2017', '2023')
    """
    return str(first) if first == last else f"{first}-{last}"


def shift_years(dates: Dates, years: IntArray) -> Dates:
    """The same day of the year, ``years`` later (negative: earlier); 29 February or the 28th."""
    months = dates.astype("datetime64[M]")
    day = (dates - months.astype("datetime64[D]")).astype(np.int64)
    shifted = months + (12 * years).astype("timedelta64[M]")
    start, end = (
        shifted.astype("datetime64[D]"),
        (shifted + np.timedelta64(1, "M")).astype("datetime64[D]"),
    )
    last = (end - start).astype(np.int64) - 1
    return np.asarray(start + np.minimum(day, last).astype("timedelta64[D]"))


def dates_within(first_year: int, last_year: int, uniform: FloatArray) -> Dates:
    """Days spread evenly over whole calendar years, from uniform numbers in [0, 1)."""
    start = np.datetime64(f"{first_year:04d}-01-01", "D")
    days = int((np.datetime64(f"{last_year + 1:04d}-01-01", "D") - start).astype(np.int64))
    return np.asarray(start + np.floor(uniform * days).astype(np.int64).astype("timedelta64[D]"))


def birth_dates(diagnosis: Dates, age: IntArray, uniform: FloatArray) -> Dates:
    """Dates of birth of people of a completed age on the day of diagnosis.

    Parameters
    ----------
    diagnosis : ndarray of datetime64[D], shape (n,)
    age : ndarray of int, shape (n,)
        Completed years of age on that day.
    uniform : ndarray of float64, shape (n,)
        In [0, 1): where in the year between two birthdays.

    Returns
    -------
    ndarray of datetime64[D], shape (n,)
    """
    latest = shift_years(diagnosis, -age)
    earliest = shift_years(diagnosis, -age - 1)  # the birthday after it has not come yet
    span = (latest - earliest).astype(np.int64)
    back = np.floor(uniform * span).astype(np.int64)
    return np.asarray(latest - back.astype("timedelta64[D]"))


def completed_years(birth: Dates, day: Dates) -> IntArray:
    """Completed years of age on a day, of people born on another.

    Parameters
    ----------
    birth, day : ndarray of datetime64[D], shape (n,)
    """
    (born, birthday), (year, today) = _year_and_day(birth), _year_and_day(day)
    return np.asarray(year - born - (today < birthday), dtype=np.intp)


def _year_and_day(dates: Dates) -> tuple[IntArray, IntArray]:
    """Calendar years, and numbers that order days of the year by month and day."""
    months = dates.astype("datetime64[M]")
    day = (dates - months.astype("datetime64[D]")).astype(np.intp)
    year, month = np.divmod(months.astype(np.intp), 12)
    return year, month * 31 + day


def add_years(dates: Dates, years: FloatArray) -> Dates:
    """Dates a number of mean years later, rounded down to whole days; NaT if infinite."""
    finite = np.isfinite(years)
    days = np.where(finite, np.floor(np.where(finite, years, 0.0) * DAYS_PER_YEAR), 0)
    moved = dates + days.astype(np.int64).astype("timedelta64[D]")
    return np.where(finite, moved, np.datetime64("NaT", "D"))
