"""k-map, labelling and the lint of artefacts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen import load_model
from synthgen.findings import MISSING_INPUT, NO_SUCH_COLUMN
from synthgen.privacy.artefact_lint import artefact_lint
from synthgen.privacy.attacked import NONE_NAMED
from synthgen.privacy.k_map import k_map
from synthgen.privacy.labelling import is_resident_number, labelling
from synthgen.resources import shipped

RNG = np.random.default_rng(1)


@pytest.fixture
def population() -> pd.DataFrame:
    ages = ("0-59", "60-84", "85+")
    rows = [(sex, age) for sex in "12" for age in ages]
    frame = pd.DataFrame(rows, columns=["sex", "age"])
    frame["n"] = [1000, 500, 20, 1000, 500, 4]
    return frame


def test_k_map_counts_rows_that_few_residents_fit(inputs_of, of_frame, population):
    frame = pd.DataFrame({"sex": ["1", "2", "2", "2"], "age": [59.0, 85.0, 102.0, 84.0]})
    release = replace(of_frame(sex=["1"]), frame=frame, categorical=("sex",), numeric=("age",))
    made = inputs_of(release, None, release, population=population, keys=(("sex", "age"),))
    (finding,) = k_map(made, RNG)
    assert finding.estimate == 0.5  # the two women over 85, whom four residents fit
    assert finding.is_exact
    assert finding.detail["fewest"] == 4


def test_k_map_leaves_out_what_no_register_of_residents_knows(apart, population):
    (finding,) = k_map(replace(apart, population=population, keys=(("sex", "grade"),)), RNG)
    assert finding.detail["not_in_file"] == ["grade"]
    (nothing,) = k_map(replace(apart, population=population, keys=(("grade",),)), RNG)
    assert nothing.reason == NO_SUCH_COLUMN


def test_k_map_needs_keys_and_a_count(apart, population):
    assert k_map(replace(apart, population=population, keys=()), RNG)[0].reason == NONE_NAMED
    without = population.drop(columns="n")
    assert k_map(replace(apart, population=without), RNG)[0].reason == NO_SUCH_COLUMN


def resident_number(first: str) -> str:
    total = sum(
        w * int(d) for w, d in zip((2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), first, strict=True)
    )
    return f"{first}{(11 - total % 11) % 10}"


def test_a_valid_resident_number_is_found_and_one_digit_off_is_not():
    number = resident_number("850101123456")
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert is_resident_number(number)
    assert is_resident_number(f"{number[:6]}-{number[6:]}")
    assert not is_resident_number(wrong)
    assert not is_resident_number(resident_number("851301123456"))  # no thirteenth month


def test_labelling_counts_unmarked_tables_and_numbers_of_people(apart):
    marked = {f.part: f.estimate for f in labelling(apart, RNG)}
    assert marked == {"tables": 0.0, "numbers": 0.0}
    frame = apart.cohort["patient"].copy()
    frame.loc[0, "patient_id"] = resident_number("850101123456")
    broken = {f.part: f.estimate for f in labelling(replace(apart, cohort={"patient": frame}), RNG)}
    assert broken == {"tables": 1.0, "numbers": 1.0}


def test_a_column_that_says_synthetic_is_a_mark(apart):
    frame = pd.DataFrame({"age": [1, 2], "is_synthetic": [True, True]})
    assert labelling(replace(apart, cohort={"patient": frame}), RNG)[0].estimate == 0
    frame["is_synthetic"] = [True, False]
    assert labelling(replace(apart, cohort={"patient": frame}), RNG)[0].estimate == 1


def test_a_shipped_model_has_public_codes_only(apart):
    (finding,) = artefact_lint(replace(apart, model=load_model("kr-demo")), RNG)
    assert (finding.estimate, finding.part) == (0.0, "codes")
    assert finding.detail["parameters"] > 1000


def test_a_shipped_artefact_is_clean(apart):
    (finding,) = artefact_lint(replace(apart, model=shipped("fitted_models")["kr-demo"]), RNG)
    assert (finding.estimate, finding.part) == (0.0, "files")


def test_pickles_objects_links_and_strange_files_are_counted(apart, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({}))
    (tmp_path / "model.bin").write_bytes(b"\x80\x04K\x01.")
    np.savez(tmp_path / "arrays.npz", a=np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "link.json").symlink_to(tmp_path / "model.json")
    (finding,) = artefact_lint(replace(apart, model=tmp_path), RNG)
    assert finding.detail == {"kind": 1, "pickle": 1, "objects": 1, "link": 1, "unreadable": 1}
    assert finding.estimate == 5


def test_nothing_to_lint_is_not_testable(apart):
    assert artefact_lint(apart, RNG)[0].reason == MISSING_INPUT
