"""Why a number lies far, in one sentence."""

from __future__ import annotations

from dataclasses import replace

from synthgen.report.reasons import LISTED, far_from_cohort, far_from_model
from synthgen.statistics.model import Relation


def of_table(compared, name):
    return next(c for c in compared.all if c.statement.table == name)


def test_what_is_borrowed_gives_way_and_its_rivals_are_named(compared):
    far = replace(of_table(compared, "survival_by_stage"), model_gap=-4.0)
    rival = of_table(compared, "survival")
    (found,) = far_from_model(compared.model, (far, rival))
    words = found.why.in_language("en")
    assert words.startswith("Borrowed from another population")
    assert "Table survival." in words


def test_a_published_number_is_in_conflict_with_its_rivals(compared):
    far = replace(of_table(compared, "survival"), model_gap=3.0)
    rival = replace(of_table(compared, "survival_by_stage"), model_gap=0.0)
    (found,) = far_from_model(compared.model, (far, rival))
    assert found.why.in_language("en").startswith("Other tables speak of the same patients")


def test_without_rivals_the_rules_or_the_reference_remain(compared):
    far = replace(of_table(compared, "bone"), model_gap=3.0)
    (found,) = far_from_model(compared.model, (far,))
    assert "No other table speaks" in found.why.in_language("en")


def test_an_assumption_says_that_it_is_one(compared):
    far = of_table(compared, "stage")
    said = replace(far.statement, relation=Relation.ASSUMED)
    (found,) = far_from_model(compared.model, (replace(far, statement=said, model_gap=9.0),))
    assert found.why.in_language("en") == (
        "An assumption, so it gives way to every published number."
    )


def test_chance_is_named_with_what_it_would_do(compared):
    near, rare = (replace(of_table(compared, "bone"), cohort_gap=g) for g in (2.5, -3.5))
    found = far_from_cohort(compared.model, (near, rare))
    assert [f.comparison.cohort_gap for f in found] == [-3.5, 2.5]
    assert "0.0 of these 2" in found[0].why.in_language("en")
    assert found[1].why.in_language("en").startswith("Chance:")


def test_only_the_largest_are_listed_and_nothing_that_is_near(compared):
    many = [replace(compared.all[0], model_gap=float(g)) for g in range(20)]
    found = far_from_model(compared.model, many)
    assert [f.comparison.model_gap for f in found] == [19.0 - i for i in range(LISTED)]
    assert far_from_model(compared.model, many[:3]) == ()
