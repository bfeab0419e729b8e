"""Patients as numbers: missing values, unknown codes, constant columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.fidelity.encoding import encoder_of, joined, key_codes, numbers, rows_of, texts
from synthgen.findings import Subjects


def people(**columns) -> Subjects:
    frame = pd.DataFrame(columns)
    categorical = tuple(c for c in columns if c in ("sex", "stage"))
    return Subjects(frame, categorical, tuple(c for c in columns if c not in categorical))


REAL = people(sex=["1", "2", None, "2"], age=[40.0, 50.0, np.nan, 60.0])


def test_a_differing_code_is_one_in_squared_distance():
    points = encoder_of(REAL)(people(sex=["1", "2"], age=[50.0, 50.0])).points
    assert ((points[0] - points[1]) ** 2).sum() == pytest.approx(1.0)


def test_an_unknown_code_is_other_and_a_missing_one_is_missing():
    encoder = encoder_of(REAL)
    codes = encoder(people(sex=["3", None, "1"], age=[1.0, 2.0, 3.0])).codes["sex"]
    assert codes.tolist() == [2, 3, 0]


def test_a_missing_number_has_a_category_and_a_dimension_of_its_own():
    encoded = encoder_of(REAL)(REAL)
    assert encoded.codes["age"][2] == encoder_of(REAL).size("age") - 1
    assert encoded.points.shape[1] == encoder_of(REAL).size("sex") + 2
    assert np.isfinite(encoded.points).all()


def test_constant_and_all_missing_columns_add_nothing_to_a_distance():
    flat = people(sex=["1"] * 4, age=[7.0] * 4, size=[np.nan] * 4)
    encoded = encoder_of(flat)(flat)
    assert np.ptp(encoded.points, axis=0).max() == 0.0


@pytest.mark.parametrize("kind", ["Int64", "float64", "object"])
def test_numbers_are_read_from_every_kind_of_column(kind):
    values = pd.Series([1, None, 3], dtype=kind)
    np.testing.assert_array_equal(numbers(values), [1.0, np.nan, 3.0])


def test_texts_keep_missing_values_missing_whatever_the_type():
    for column in (pd.Series(["a", None], dtype="category"), pd.Series(["a", None])):
        assert texts(column).tolist() == ["a", None]


def test_a_text_in_a_numeric_column_is_an_error_and_no_number():
    with pytest.raises(ValueError, match="could not convert"):
        numbers(pd.Series(["1", "many"], dtype=object))


def test_a_key_with_a_missing_part_is_nobodys():
    encoder = encoder_of(REAL)
    assert key_codes(encoder(REAL), encoder, ("sex",)).tolist() == [0, 1, -1, 1]


def test_members_and_others_are_joined_without_losing_types():
    both = joined((REAL, rows_of(REAL, np.array([0, 3]))))
    assert len(both) == 6
    assert texts(both.frame["sex"]).tolist() == ["1", "2", None, "2", "1", "2"]
