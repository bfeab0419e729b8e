"""Numbers that a rule leaves hardly any room are drawn within it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.confined import confinements, solved_for
from synthgen.cohort.row_rules import RowRules
from synthgen.cohort.wide_rows import accepted_tables
from synthgen.enclave.records import open_records
from synthgen.enclave.wide_records import wide_records
from synthgen.schema.load import load_schema

AGE, BORN, MONTH = "tumour.age_at_diagnosis", "patient.birth_year", "patient.birth_month"


@pytest.fixture(scope="module")
def rare():
    return load_schema("rare-cancer")


@pytest.fixture(scope="module")
def demo():
    return load_model("kr-demo")


def test_an_age_lies_between_what_birth_and_diagnosis_leave(rare):
    by_month, by_year = confinements(rare)
    known = {
        BORN: np.array([1960, 1960, np.nan]),
        MONTH: pd.Series([5, None, 5], dtype="Int64"),
        "tumour.diagnosis_date": np.array(
            ["2020-05-02", "2020-05-02", "2020-05-02"], "datetime64[D]"
        ),
    }
    low, high = by_month.room(AGE, known.__getitem__)
    assert low.tolist()[:1] == [59]
    assert high.tolist()[:1] == [60]
    assert np.isnan([*low[1:], *high[1:]]).all()
    low, high = by_year.room(AGE, known.__getitem__)
    assert np.isnan(low[0])  # the month is known, so that this rule says nothing
    assert (low[1], high[1]) == (59, 60)


def test_a_birth_is_moved_rather_than_an_age_that_others_speak_about(rare):
    for rule in confinements(rare):
        assert solved_for(rare, rule, frozenset({"patient", "tumour"})) == BORN
        assert solved_for(rare, rule, frozenset({"tumour"})) == AGE
        assert solved_for(rare, rule, frozenset()) == ""


def test_rules_about_other_rows_are_asked_of_the_whole_table(rare, demo):
    tables = dict(demo.generate(3, seed=1).tables)
    one = tables["tumour"].iloc[:1]
    tables["tumour"] = pd.concat([one, one.assign(tumour_id="T9")], ignore_index=True)
    rules, table = RowRules(rare), rare.table("tumour")
    assert rules.broken(table, tables).tolist() == []
    assert rules.apart(table, tables).tolist() == [0, 1]  # two tumours of one sequence


def test_an_engine_that_misses_an_age_by_years_loses_hardly_a_row(rare, demo):
    records = dict(demo.generate(120, seed=4).tables)
    with open_records(
        records, rare, table=None, as_of=date(2030, 1, 1), allow_repeated=True
    ) as opened:
        learned = wide_records(opened)
    rng = np.random.default_rng(0)

    def draw(attempt, wanted):
        del attempt, wanted
        born = learned.wide[BORN] + rng.integers(-5, 6, learned.rows)
        return {**learned.wide, BORN: born, MONTH: rng.permutation(learned.wide[MONTH])}

    made = accepted_tables(demo, learned.layout, draw, 100, seed=1)
    assert made.refused <= 0.05 * made.drawn
    for name in ("patient", "tumour"):
        assert RowRules(rare).broken(rare.table(name), made.tables).tolist() == []
