from datetime import date

import pytest

from synthgen.schema.load import load_schema
from synthgen.schema.model import Rule, Severity
from synthgen.schema.rules import check_rule, evaluate, parse, to_sql
from synthgen.schema.rules.tree import All, AnyOf, Compare, Literal, Member, Not, without_not

SCHEMA = load_schema("rare-cancer")


def met(when, **row):
    values = {name.replace("__", "."): value for name, value in row.items()}
    return evaluate(SCHEMA, parse(when), values)


def rule(when):
    return Rule("R", Severity.IMPOSSIBLE, when, "m", "m", "s")


def test_and_binds_closer_than_or():
    tree = parse("a.x = 1 or a.y = 2 and a.z = 3")
    assert isinstance(tree, AnyOf)
    assert isinstance(tree.parts[1], All)


def test_brackets_hold_conditions_and_terms():
    assert met("(a.x + 1) * 2 = 6", a__x=2) is True
    assert met("(a.x = 1 or a.x = 2) and a.y = 3", a__x=2, a__y=3) is True
    assert met("((a.x = 1))", a__x=1) is True


def test_a_quote_in_a_text_is_doubled():
    assert parse("a.x = 'it''s'") == Compare("=", parse("a.x = 1").left, Literal("it's"))


def test_names_that_are_no_words_stand_in_double_quotes():
    assert met('"가 나"."열 ""1"""  = 1', **{'가 나__열 "1"': 1}) is True
    assert met("환자.나이 >= 18", 환자__나이=20) is True


def test_ranges_include_both_ends():
    assert [met("a.x in ['C510'-'C589', 'C619']", a__x=code) for code in
            ("C509", "C510", "C589", "C590", "C619")] == [False, True, True, False, True]  # fmt: skip
    assert [met("a.x not in [3-5]", a__x=n) for n in (2, 3, 5, 6)] == [True, False, False, True]


def test_negative_numbers_and_decimals_are_numbers():
    assert met("a.x > -1.5", a__x=-1) is True


def test_something_missing_is_neither_met_nor_unmet():
    assert met("a.x = 1", a__x=None) is None
    assert met("not a.x = 1", a__x=None) is None
    assert met("a.x in [1]", a__x=None) is None
    assert met("a.x not in [1]", a__x=None) is None
    assert met("a.x = 1 or a.y = 1", a__x=None, a__y=1) is True
    assert met("a.x = 1 and a.y = 2", a__x=None, a__y=1) is False
    assert met("a.x is null and a.y is not null", a__x=None, a__y=1) is True


def test_days_count_forward_and_years_are_completed():
    first, second = date(2000, 2, 29), date(2001, 2, 28)
    assert met("days(a.x, a.y) = 365", a__x=first, a__y=second) is True
    assert met("years(a.x, a.y) = 0", a__x=first, a__y=second) is True
    assert met("years(a.x, a.y) = 1", a__x=first, a__y=date(2001, 3, 1)) is True
    assert met("year(a.x) * 12 + month(a.x) = 24002", a__x=first) is True
    assert met("a.x < date '2000-03-01'", a__x=first) is True


def test_left_and_group_make_text():
    assert met("left(a.x, 3) = 'C40'", a__x="C402") is True
    sites = "group(a.x, multiple_primary_site) = 'bone'"
    assert met(sites, a__x="C414") is True
    assert met(sites, a__x="C509") is None


def test_not_moves_to_the_comparisons():
    tree = without_not(parse("not (a.x = 1 and (a.y in [2] or not a.z is null))"))
    assert tree == without_not(parse("a.x != 1 or a.y not in [2] and a.z is null"))
    assert not any(isinstance(part, Not) for part in tree.parts)


def test_a_rule_catches_rows_of_the_table_that_refers_to_the_others():
    checked = check_rule(SCHEMA, rule("patient.sex = '1' and tumour.topography = 'C569'"))
    assert checked.table == "tumour"
    assert [key.table for _, key in checked.parents] == ["patient"]
    assert check_rule(SCHEMA, rule("patient.sex = '1'")).parents == ()


def test_the_sql_quotes_every_name_and_text():
    tree = parse("tumour.topography = 'C''1' and patient.birth_year > 1900")
    checked = check_rule(SCHEMA, rule("patient.sex = '1' and tumour.morphology = 'x''y'"))
    assert isinstance(tree, All)
    made = to_sql(SCHEMA, checked, {"tumour": 'the "file"'})
    assert made.condition == """("patient"."sex" = '1' AND "tumour"."morphology" = 'x''y')"""
    assert made.from_clause({"tumour": 'the "file"'}) == (
        'FROM "the ""file""" AS "tumour" LEFT JOIN "patient" AS "patient" '
        'ON "tumour"."patient_id" = "patient"."patient_id"'
    )


def test_a_single_value_is_a_range_of_one():
    member = parse("a.x in ['a', 'b'-'c']")
    assert isinstance(member, Member)
    assert member.ranges == (("a", "a"), ("b", "c"))


@pytest.mark.parametrize("text", ["a.x = 1;", "a.x = 1 -- c", "a.x = 'open", "x = 1", "a. = 1", ""])
def test_what_is_no_rule_is_refused(text):
    from synthgen.errors import SchemaError

    with pytest.raises(SchemaError):
        parse(text)
