import datetime as dt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthgen.cohort import calendar
from synthgen.cohort.calendar import add_years, birth_dates, dates_within, years_of
from synthgen.errors import StatisticsError


def completed_years(birth: dt.date, day: dt.date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


@example(dt.date(2016, 2, 29), 30, 0.0)  # born on 1 March 1986 would be 29 on that day
@example(dt.date(2016, 2, 29), 30, 0.9999)
@example(dt.date(2015, 2, 28), 30, 0.9999)
@given(
    st.dates(dt.date(1990, 1, 1), dt.date(2030, 12, 31)),
    st.integers(0, 110),
    st.floats(0, 1, exclude_max=True),
)
def test_a_birth_date_gives_back_the_completed_age(day, age, uniform):
    birth = birth_dates(
        np.array([day], dtype="datetime64[D]"), np.array([age]), np.array([uniform])
    )
    assert completed_years(birth[0].item(), day) == age


@example(dt.date(2000, 2, 29), dt.date(2001, 2, 28))
@example(dt.date(2000, 2, 29), dt.date(2001, 3, 1))
@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2030, 12, 31)),
    st.dates(dt.date(1900, 1, 1), dt.date(2030, 12, 31)),
)
def test_completed_years_are_counted_by_birthdays(birth, day):
    if birth <= day:
        born, then = (np.array([d], dtype="datetime64[D]") for d in (birth, day))
        assert calendar.completed_years(born, then)[0] == completed_years(birth, day)


def test_dates_fill_the_whole_years_and_no_more():
    days = dates_within(2013, 2017, np.array([0.0, 0.5, np.nextafter(1.0, 0.0)]))
    assert days.astype(str).tolist() == ["2013-01-01", "2015-07-03", "2017-12-31"]


def test_infinite_years_have_no_date():
    moved = add_years(np.array(["2020-01-01"] * 2, dtype="datetime64[D]"), np.array([1.0, np.inf]))
    assert moved.astype(str).tolist() == ["2020-12-31", "NaT"]


@pytest.mark.parametrize(("text", "years"), [("2013-2017", (2013, 2017)), ("2023", (2023, 2023))])
def test_a_period_is_read(text, years):
    assert years_of(text) == years


@pytest.mark.parametrize("text", ["", "13-17", "2017-2013", "2013-", "since 2013", "3013"])
def test_what_is_no_period_is_refused(text):
    with pytest.raises(StatisticsError, match="^target period"):
        years_of(text)
