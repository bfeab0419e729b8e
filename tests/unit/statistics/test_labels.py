"""Printed labels stand for codes; bands must be made of whole bins."""

from __future__ import annotations

import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.labels import codes_of_label, ends_are_included, expand_groups

AGES = [f"{a}-{a + 4}" for a in range(0, 85, 5)] + ["85+"]


def read(schema, label, variable="age_group", groups=None):
    return codes_of_label(label, schema.variable(variable), groups or {}, "t1 row 2")


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("15-19", "15-19", "15-19"),
        ("0-59", "0-4", "55-59"),
        ("00-59", "0-4", "55-59"),
        ("Age 60-69", "60-64", "65-69"),
        ("60+", "60-64", "85+"),
        ("≥60", "60-64", "85+"),
        ("60세 이상", "60-64", "85+"),
        ("85+", "85+", "85+"),
        ("<15", "0-4", "10-14"),
        ("15-39 years", "15-19", "35-39"),
        ("15~39세", "15-19", "35-39"),
    ],
)
def test_a_band_of_ages_is_its_bins(schema, label, first, last):
    codes = read(schema, label)
    assert codes == tuple(AGES[AGES.index(first) : AGES.index(last) + 1])


@pytest.mark.parametrize("label", ["", "all", "All", "전체", "계", "All ages", "both sexes"])
def test_a_subtotal_covers_the_variable_whole(schema, label):
    assert read(schema, label) is None


@pytest.mark.parametrize("label", ["unknown", "미상", "Not stated"])
def test_an_unknown_category_without_a_code_has_no_codes(schema, label):
    assert read(schema, label) == ()


def test_codes_and_groups_come_before_words(schema):
    assert read(schema, "9", "stage") == ("9",)
    assert read(schema, "unknown", "stage", {"unknown": ("9",)}) == ("9",)
    assert read(schema, "7|1", "stage") == ("1", "7")


@pytest.mark.parametrize("label", ["15-38", "17-39", "12+", "<17", "39-15"])
def test_a_band_that_cuts_a_bin_is_refused(schema, label):
    with pytest.raises(StatisticsError, match=r"^t1 row 2: band '.*' cuts a bin of age_group"):
        read(schema, label)


@pytest.mark.parametrize(
    ("label", "variable"), [("3", "sex"), ("M", "sex"), ("elderly", "age_group"), ("1|8", "stage")]
)
def test_an_unknown_code_is_refused_with_the_codes_there_are(schema, label, variable):
    with pytest.raises(StatisticsError, match=rf"^t1 row 2: {variable} is .* it must be a code"):
        read(schema, label, variable)


def test_half_open_bins_are_told_from_inclusive_ones(schema):
    assert ends_are_included(schema.variable("age_group"))
    assert not ends_are_included(schema.variable("net_survival"))
    assert read(schema, "0-1", "net_survival") == ("0-0.5", "0.5-1")


def test_groups_of_groups_are_resolved(schema):
    groups = {"known": ["early", "7"], "early": ["1", "2"]}
    assert expand_groups(groups, schema.variable("stage"), "t1") == {
        "early": ("1", "2"),
        "known": ("1", "2", "7"),
    }


def test_a_circle_of_groups_is_refused(schema):
    groups = {"a": ["b"], "b": ["c"], "c": ["a"]}
    with pytest.raises(StatisticsError, match=r"^t1: group 'a' of stage contains itself"):
        expand_groups(groups, schema.variable("stage"), "t1")


def test_a_deep_nest_of_groups_is_refused(schema):
    groups = {f"g{i}": [f"g{i + 1}"] for i in range(5000)}
    with pytest.raises(StatisticsError, match="are nested 21 deep"):
        expand_groups(groups, schema.variable("stage"), "t1")


def test_an_empty_group_is_refused(schema):
    with pytest.raises(StatisticsError, match="group 'a' of stage is empty"):
        expand_groups({"a": []}, schema.variable("stage"), "t1")
