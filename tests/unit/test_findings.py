"""A finding that cannot be true is not made."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.findings import TOO_FEW, Finding, Inputs, Subjects, not_testable

GOOD = {
    "measure": "linkability",
    "family": "C",
    "part": "",
    "estimate": 0.05,
    "lower": 0.01,
    "upper": 0.12,
    "n": 60,
    "detectable": 0.1,
}


def test_a_finding_says_all_its_parts_as_plain_values():
    made = Finding(**GOOD, detail={"columns": 7})
    assert made.as_json() == {**GOOD, "reason": None, "detail": {"columns": 7}}
    assert made.is_measured
    assert not made.is_exact


def test_numbers_of_numpy_become_plain_ones():
    made = Finding(**GOOD | {"estimate": np.float32(0.5), "upper": np.int64(1), "n": np.int64(3)})
    assert json.loads(json.dumps(made.as_json()))["upper"] == 1.0
    assert type(made.n) is int


def test_an_exact_finding_has_equal_bounds():
    assert Finding(**GOOD | {"estimate": 3.0, "lower": 3.0, "upper": 3.0}).is_exact


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"measure": "Link ability"}, "snake case"),
        ({"measure": ""}, "snake case"),
        ({"family": "X"}, "family must be one of I, M, C, U"),
        ({"part": None}, "part must be text"),
        ({"n": -1}, "whole number"),
        ({"n": 3.5}, "whole number"),
        ({"n": True}, "whole number"),
        ({"estimate": math.nan}, "estimate must be a finite number"),
        ({"lower": -math.inf}, "lower must be a finite number"),
        ({"upper": math.inf}, "upper must be a finite number"),
        ({"upper": "0.1"}, "upper must be a finite number"),
        ({"detectable": math.nan}, "detectable must be a finite number"),
        ({"lower": 0.2, "upper": 0.1}, "lower bound is over the upper bound"),
        ({"estimate": None}, "either an estimate or a reason"),
        ({"reason": TOO_FEW}, "either an estimate or a reason"),
        ({"estimate": None, "reason": TOO_FEW}, "bounds without an estimate"),
    ],
)
def test_a_finding_that_cannot_be_true_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        Finding(**GOOD | change)


@pytest.mark.parametrize("detail", [{"a": math.nan}, {"a": object()}, {"a": pd.Series([1])}])
def test_detail_that_json_cannot_hold_is_refused(detail):
    with pytest.raises((ValueError, TypeError)):
        Finding(**GOOD, detail=detail)


def test_what_is_not_testable_has_a_reason_and_no_number():
    made = not_testable("linkability", "C", TOO_FEW, part="outliers", n=7)
    assert (made.estimate, made.lower, made.upper) == (None, None, None)
    assert (made.reason, made.part, made.n) == (TOO_FEW, "outliers", 7)


@given(st.floats(), st.floats(), st.floats())
def test_whatever_numbers_come_a_finding_that_is_made_has_finite_ordered_bounds(a, b, c):
    try:
        made = Finding(**GOOD | {"estimate": a, "lower": b, "upper": c})
    except ValueError:
        return
    assert all(math.isfinite(x) for x in (made.estimate, made.lower, made.upper))
    assert made.lower <= made.upper


def test_subjects_name_each_of_their_columns_once():
    frame = pd.DataFrame({"sex": ["1", "2"], "age": [40, 50]})
    assert len(Subjects(frame, ("sex",), ("age",))) == 2
    for categorical, numeric in [(("sex",), ()), (("sex", "age"), ("age",)), (("x",), ("age",))]:
        with pytest.raises(ValueError, match="each must be named once"):
            Subjects(frame, categorical, numeric)


def test_a_repr_never_shows_a_record():
    frame = pd.DataFrame({"sex": ["CANARY", "2"]})
    subjects = Subjects(frame, ("sex",), ())
    inputs = Inputs(
        None,
        {"patient": frame},
        subjects,
        subjects,
        subjects,
        None,
        None,
        frame,
        None,
        (),
        (),
        (),
        5,
    )
    assert "CANARY" not in repr(subjects) + repr(inputs)
