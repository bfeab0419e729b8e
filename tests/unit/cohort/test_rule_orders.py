"""What rules say about order, and rows that are numbered by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.cohort.record_levels import Level
from synthgen.cohort.record_rows import RowMaker
from synthgen.cohort.rule_orders import Numbering, dates_at_most, numberings
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.randomness import block_generator
from synthgen.schema.load import load_schema
from synthgen.schema.model import Category, Variable


@pytest.fixture(scope="module")
def rare():
    return load_schema("rare-cancer")


def test_numbers_of_rows_are_found_in_the_rules(rare):
    sequence = Numbering("tumour", "tumour_sequence", ("patient_id",), "diagnosis_date")
    assert numberings(rare) == (sequence,)
    line = Numbering("treatment_line", "line_number", ("tumour_id",), "start_date")
    assert numberings(load_schema("rare-cancer@1.1.0")) == (sequence, line)


def test_a_number_without_an_order_has_no_day(rare):
    rules = tuple(rule for rule in rare.rules if rule.id != "SEQUENCE-ORDER")
    (found,) = numberings(replace(rare, rules=rules))
    assert (found.column, found.day) == ("tumour_sequence", "")


def test_a_diagnosis_is_no_later_than_the_last_contact(rare):
    found = dates_at_most(rare, "tumour", ["patient"])
    assert found == {"tumour.diagnosis_date": ("patient.last_contact_date",)}
    assert dates_at_most(rare, "tumour", []) == {}


def made(rare, families, days, numbers, last=None):
    """Columns of tumours of which a model says the day and the number, as it says them."""
    table = rare.table("tumour")
    if last is not None:
        columns = tuple(
            replace(c, maximum=last) if c.name == "tumour_sequence" else c for c in table.columns
        )
        table = replace(table, columns=columns)
    years = Variable(
        "diagnosis_date",
        "",
        "",
        tuple(Category(str(y), "", "", float(y), float(y + 1)) for y in range(2010, 2020)),
        "tumour.diagnosis_date",
    )
    number = Variable(
        "tumour_sequence",
        "",
        "",
        tuple(Category(str(k), "", "", float(k), float(k + 1)) for k in range(1, 10)),
        "tumour.tumour_sequence",
    )
    variables = (years, number) if numbers else (years,)
    domain = Domain(tuple((v.name, v.codes) for v in variables))
    tables = tuple(
        ConditionalTable((), (v.name,), np.full(len(v.codes), 1 / len(v.codes))) for v in variables
    )
    level = Level(table, "patient", variables, ((Distribution(domain, tables), tables),))
    rows = len(families)
    maker = RowMaker(
        rare,
        Distribution(domain, tables),
        level,
        rows,
        {},
        lambda *what: block_generator("", 0, 0, *what),
        {"patient": {}},
        np.array(families),
    )
    positions = {"diagnosis_date": np.array(days) - 2010}
    if numbers:
        positions["tumour_sequence"] = np.array(numbers) - 1
    return maker, maker.columns(positions, 0)


def test_rows_are_numbered_in_the_order_of_their_days(rare):
    _, columns = made(rare, [0, 1, 1, 1, 2], [2015, 2018, 2012, 2016, 2011], ())
    assert columns["tumour_sequence"].tolist() == [1, 3, 1, 2, 1]


def test_numbers_of_the_model_stay_but_ascend_with_the_days_and_none_is_there_twice(rare):
    _, columns = made(rare, [0, 1, 1, 2, 2], [2015, 2018, 2012, 2011, 2014], (3, 2, 4, 2, 2))
    assert columns["tumour_sequence"].tolist() == [3, 4, 2, 2, 3]


def test_numbers_beyond_the_last_are_counted_from_the_first(rare):
    _, columns = made(rare, [0, 0, 1], [2012, 2013, 2014], (9, 9, 9), last=9)
    assert columns["tumour_sequence"].tolist() == [1, 2, 9]


def test_rows_that_are_numbered_otherwise_are_asked_again(rare):
    maker, _ = made(rare, [0, 1, 1], [2015, 2018, 2012], ())
    maker.again = np.array([2])
    positions = {"diagnosis_date": np.array([2015, 2018, 2019]) - 2010}
    columns = maker.columns(positions, 1)
    assert columns["tumour_sequence"].tolist() == [1, 1, 2]
    assert maker.again.tolist() == [1, 2]
