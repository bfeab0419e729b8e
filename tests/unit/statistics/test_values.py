"""Every awkward printed value is read, and says how it was read."""

from __future__ import annotations

import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.kinds import KINDS
from synthgen.statistics.model import Protection
from synthgen.statistics.values import number_in, read_value

PLAIN = Protection()
BELOW_FIVE = Protection(suppressed_below=5)


def read(text, kind="counts", *, protection=PLAIN, zeros=True, unit=""):
    found = KINDS[kind]
    return read_value(
        text, found, found.factor(unit, "t1"), protection, "t1 row 2", zeros_are_printed=zeros
    )


@pytest.mark.parametrize(
    ("text", "kind", "lower", "upper"),
    [
        ("12", "counts", 12, 12),
        ("1,234", "counts", 1234, 1234),
        (" 7 ", "counts", 7, 7),
        ("0", "counts", 0, 0),
        ("37.7", "shares", 0.3765, 0.3775),
        ("37.7 %", "shares", 0.3765, 0.3775),
        ("38", "shares", 0.375, 0.385),
        ("0.0", "shares", 0.0, 0.0005),
        ("100", "shares", 0.995, 1.0),
        ("1.45", "rates", 1.445e-5, 1.455e-5),
        ("68", "observed_survival", 0.675, 0.685),
        ("21", "quantiles", 20.5, 21.5),
        ("-3.2", "noisy_counts", -3.2, -3.2),
        ("−3", "noisy_counts", -3, -3),
        ("0.00313", "life_table", 0.00313, 0.00313),
    ],
)
def test_a_plain_number_needs_no_note(text, kind, lower, upper):
    printed = read(text, kind)
    assert (printed.lower, printed.upper) == (pytest.approx(lower), pytest.approx(upper))
    assert printed.note == ""
    assert printed.published


@pytest.mark.parametrize("text", ["-", "", "NA", "n/a", ".d", ".j", ".k", ".m", "..", ":", "–"])
def test_a_withheld_value_says_nothing_but_stays_in_the_table(text):
    printed = read(text, "shares")
    assert not printed.published
    assert (printed.lower, printed.upper) == (0.0, 1.0)
    assert printed.note.endswith("is read as not published")


@pytest.mark.parametrize(
    ("text", "kind", "lower", "upper"),
    [
        ("<5", "counts", 1, 4),
        ("<11", "counts", 1, 10),
        ("≤4", "counts", 1, 4),
        ("<0.1", "shares", 0.0, 0.001),
        (">40", "shares", 0.40, 1.0),
        ("~7-15", "counts", 7, 15),
        ("7~15", "counts", 7, 15),
        ("1.6-2.2", "rates", 1.6e-5, 2.2e-5),
        ("1.6–2.2", "rates", 1.6e-5, 2.2e-5),
        ("60 to 75", "observed_survival", 0.60, 0.75),
        ("~30", "shares", 0.295, 0.305),
        ("약 30", "shares", 0.295, 0.305),
        ("100.2", "relative_survival", 1.0, 1.0),
    ],
)
def test_an_awkward_value_is_an_interval_with_a_note(text, kind, lower, upper):
    printed = read(text, kind)
    assert (printed.lower, printed.upper) == (pytest.approx(lower), pytest.approx(upper))
    assert repr(text) in printed.note
    assert printed.published


def test_a_suppressed_count_may_be_zero_where_no_zeros_are_printed():
    assert read("<5", zeros=False).lower == 0
    assert read("<5", zeros=True).lower == 1


def test_a_dash_is_a_suppressed_count_where_the_table_suppresses():
    printed = read("-", protection=BELOW_FIVE)
    assert (printed.lower, printed.upper, printed.published) == (1, 4, True)
    assert printed.note == "'-' is read as suppressed: 1 to 4"


def test_a_rounded_count_stands_for_half_the_base_on_either_side():
    rounded = Protection(rounded_to=5)
    assert (read("10", protection=rounded).lower, read("10", protection=rounded).upper) == (
        7.5,
        12.5,
    )
    assert (read("0", protection=rounded).lower, read("0", protection=rounded).upper) == (0, 2.5)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-3", "counts"),
        ("104", "shares"),
        ("100.2", "observed_survival"),
        ("-1", "relative_survival"),
        ("1.2", "life_table"),
    ],
)
def test_what_cannot_be_is_refused(text, kind):
    with pytest.raises(
        StatisticsError, match=r"^t1 row 2: '.*' is out of range; .* must lie between"
    ):
        read(text, kind)


@pytest.mark.parametrize("text", ["twelve", "1.2.3", "12 345 x", "1e999", "=SUM(A1)", "\x1b[31m9"])
def test_what_is_no_number_is_refused_on_one_line(text):
    with pytest.raises(StatisticsError) as caught:
        read(text)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert str(caught.value).startswith("t1 row 2: ")


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(StatisticsError, match="runs backwards; need lower <= upper"):
        read("15-7")


def test_a_value_of_a_thousand_characters_is_refused_without_printing_it():
    with pytest.raises(StatisticsError, match=r"^t1 row 2: value has 1000 characters"):
        read("9" * 1000)


def test_an_unknown_unit_is_refused():
    with pytest.raises(StatisticsError, match=r"^t1: unit is 'per mille'; a table of kind shares"):
        read("3", "shares", unit="per mille")


def test_a_number_column_takes_thousands_commas():
    assert number_in("162,968,762", "t1 row 2 n") == 162968762
    with pytest.raises(StatisticsError, match="'' is not a number|an empty value is not a number"):
        number_in("", "t1 row 2 n")
