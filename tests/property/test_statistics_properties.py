"""What must hold of every pack, life table and printed value, whatever was typed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgen.errors import StatisticsError
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.check import check_pack
from synthgen.statistics.kinds import KINDS
from synthgen.statistics.life_table import LifeTable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.read import read_pack, readings_of
from synthgen.statistics.values import read_value
from synthgen.statistics.write import number_text, write_pack

SEX = Variable("sex", "Sex", "성별", (Category("1", "Male", "남"), Category("2", "Female", "여")))
STAGE = Variable(
    "stage", "Stage", "병기", tuple(Category(c, f"stage {c}", f"{c}기") for c in "1279")
)
SCHEMA = Schema("tiny", "1.0.0", "Tiny", "작은", (), {}, (), (SEX, STAGE))
printed = st.one_of(
    st.integers(0, 10**6).map(str),
    st.floats(0, 100, allow_nan=False).map(lambda x: f"{x:.1f}"),
    st.sampled_from(["-", "", "NA", "<5", ".d", "~7-15", "1.6-2.2", ">40", "<11", "<0.1"]),
)


def make_pack(tables):
    return StatisticsPack(
        id="tiny-pack",
        version="1",
        schema="tiny@1.0.0",
        title="Tiny",
        title_ko="작은 팩",
        origin="public-statistics",
        target=Target("somewhere", "어딘가", "2020"),
        scope={},
        sources={"s1": Source("s1", "Somebody", "CC BY 4.0", "open")},
        tables=tables,
        blocks=(Block("one", ("sex", "stage")),),
        readings=readings_of(tables),
    )


def make_table(kind, cells, **changes):
    wanted = {
        "name": "t1",
        "title": "Table",
        "title_ko": "표",
        "kind": kind,
        "variables": ("sex", "stage"),
        "given": (),
        "scope": {},
        "relation": Relation.PUBLISHED,
        "source": "s1",
        "population": "somewhere",
        "period": "2020",
        "cells": tuple(cells),
    }
    return StatisticsTable(**{**wanted, **changes})


@st.composite
def counts(draw):
    """A table of counts with every combination, and perhaps its printed total."""
    cells = []
    for sex in SEX.codes:
        for stage in STAGE.codes:
            value = draw(st.integers(0, 500))
            cells.append(Cell({"sex": (sex,), "stage": (stage,)}, value, value, printed=str(value)))
    cells[0] = Cell(cells[0].members, 1.0, 1.0, printed="1")  # the total must be positive
    if draw(st.booleans()):
        total = sum(c.value for c in cells)
        cells.append(Cell({}, total, total, printed=number_text(total)))
    rows = [Cell(**{**vars(c), "row": i}) for i, c in enumerate(cells, start=2)]
    return make_table("counts", rows, unit="cases")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(counts())
def test_a_pack_is_read_back_equal_and_written_alike(table):
    pack = make_pack((table,))
    with tempfile.TemporaryDirectory() as folder:
        first = write_pack(pack, Path(folder) / "one")
        again = read_pack(first, lambda _: SCHEMA)
        assert again == pack
        second = write_pack(again, Path(folder) / "two")
        for path in first.rglob("*.*"):
            assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


@settings(max_examples=60, deadline=None)
@given(counts())
def test_shares_of_all_cells_add_up_to_one_and_zeros_are_never_impossible(table):
    said = KINDS["counts"].statements(table, SCHEMA)
    assert len(said) == 8
    positive = [s for s in said if s.printed != "0"]
    assert sum(s.value for s in positive) == pytest.approx(1.0)
    assert all(s.upper > 0 and s.standard_error > 0 for s in said)


@settings(max_examples=60, deadline=None)
@given(counts(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_statement(table, random):
    cells = list(table.cells)
    random.shuffle(cells)
    shuffled = make_table("counts", cells)
    one = {(s.row, s.lower, s.standard_error) for s in KINDS["counts"].statements(table, SCHEMA)}
    two = {(s.row, s.lower, s.standard_error) for s in KINDS["counts"].statements(shuffled, SCHEMA)}
    assert one == two


@settings(max_examples=60, deadline=None)
@given(counts())
def test_subtotals_that_are_sums_are_never_reported(table):
    cells = [c for c in table.cells if c.members]
    for sex in SEX.codes:
        value = sum(c.value for c in cells if c.members.get("sex") == (sex,) and c.row < 100)
        cells.append(Cell({"sex": (sex,)}, value, value, row=100 + int(sex)))
    pack = make_pack((make_table("counts", cells),))
    assert check_pack(pack, SCHEMA) == []


@given(printed, st.sampled_from(sorted(KINDS)), st.booleans())
def test_every_value_is_read_within_the_bounds_of_its_kind_or_refused(text, name, zeros):
    kind = KINDS[name]
    protection = make_table("counts", ()).protection
    factor = kind.factor("", "t1")
    try:
        value = read_value(text, kind, factor, protection, "t1 row 2", zeros_are_printed=zeros)
    except StatisticsError as problem:
        assert str(problem).startswith("t1 row 2: ")
        return
    assert kind.bounds[0] <= value.lower <= value.upper <= kind.bounds[1]
    assert value.published or value.note


@given(st.one_of(st.text(max_size=40), st.text(alphabet="0123456789.,-+~<>eE %", max_size=12)))
def test_no_text_breaks_the_reader_of_values(text):
    kind = KINDS["shares"]
    try:
        read_value(
            text,
            kind,
            0.01,
            make_table("counts", ()).protection,
            "t1 row 2",
            zeros_are_printed=True,
        )
    except StatisticsError as problem:
        assert "\n" not in str(problem)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["name", "version", "title", "resources", "x-synthgen", "licenses"]),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=8), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    )
)
def test_no_descriptor_breaks_the_reader_of_packs(document):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "datapackage.json").write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(StatisticsError) as caught:
            read_pack(folder, lambda _: SCHEMA)
    assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 0.9), min_size=120, max_size=120),
    st.lists(st.floats(0, 119.99), min_size=1, max_size=20),
    st.floats(0, 60),
    st.floats(0, 60),
)
def test_expected_survival_falls_and_multiplies_along_time(probabilities, ages, first, second):
    life = LifeTable(("1",), np.array([[*probabilities, 1.0]]))
    age, sex = np.array(ages), np.zeros(len(ages), dtype=np.int64)
    part = life.expected_survival(sex, age, first)
    both = life.expected_survival(sex, age, first + second)
    rest = life.expected_survival(sex, age + first, second)
    alive = age + first < 120
    assert (both <= part + 1e-12).all()
    assert both[alive] == pytest.approx((part * rest)[alive], abs=1e-9)
    drawn = life.draw_survival(sex, age, np.full(len(ages), 0.5))
    assert (drawn >= 0).all()
    assert (age + drawn <= 120 + 1e-9).all()
