"""What a published number is about, in words of both languages."""

from __future__ import annotations

import pytest

from synthgen.report.statement_words import about, codes_words, common_condition
from synthgen.report.words import Words, plain

AGES = ("0-4", "5-9", "10-14", "15-19")


@pytest.mark.parametrize(
    ("variable", "codes", "english", "korean"),
    [
        ("sex", ("1",), "Male", "남"),
        ("age_group", AGES, "0-19 years", "0-19세"),
        ("age_group", ("80-84", "85+"), "80+ years", "80세 이상"),
        ("seer_stage", ("2", "3", "4"), "Regional", "국소"),
        ("seer_stage", ("1", "7"), "Localised, Distant", "국한, 원격"),
        ("seer_stage", ("1", "7", "9"), "Localised, Distant and 1 more", "국한, 원격 외 1개"),
        ("sex", (), "–", "–"),
    ],
)
def test_codes_are_named_shortly(schema, variable, codes, english, korean):
    assert codes_words(schema.variable(variable), codes) == Words((english, korean))


def test_bins_that_are_not_neighbours_are_listed(schema):
    words = codes_words(schema.variable("age_group"), ("0-4", "85+"))
    assert words.in_language("en") == "0-4 years, 85+ years"


def said(model, table, row):
    return next(
        g.statement for g in model.gaps if (g.statement.table, g.statement.row) == (table, row)
    )


def test_survival_is_told_in_times(model, schema):
    event, given = about(said(model, "survival", 3), schema)
    assert event.in_language("en") == "alive at year 3"
    assert given.in_language("en") == "Osteosarcoma of bone · of those alive at year 1"


def test_what_goes_without_saying_is_left_out(model, schema):
    statement = said(model, "stage", 2)
    event, given = about(statement, schema, statement.given)
    assert event.in_language("en") == "Localised"
    assert given == plain("")


def test_what_a_whole_table_is_about_is_found(model):
    statements = [g.statement for g in model.gaps if g.statement.table == "survival"]
    assert common_condition(statements) == {"entity": ("osteosarcoma",)}
    assert common_condition([]) == {}
