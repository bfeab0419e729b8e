"""The pages on kr-rare and on populations quote what their scripts and the model make."""

from __future__ import annotations

import re

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.population import expected_of, people_of_model, residents_of


@pytest.fixture(scope="module")
def model():
    return load_model("kr-rare")


@pytest.fixture(scope="module")
def reference(root):
    folder = root / "docs" / "reference"
    if not folder.is_dir():
        pytest.skip("this distribution holds no documentation")
    return folder


def rows_of(text):
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {cells[0]: cells[1:] for cells in lines}


def test_the_gap_table_and_the_matrix_are_what_the_script_makes(model, reference, load_script):
    script = load_script(reference / "model_tables.py")
    page = (reference / "kr-rare-tables.md").read_text("utf-8")
    assert page == script.page(model)


def test_the_cases_of_gangwon_are_those_of_the_model(model, reference):
    rows = rows_of((reference / "populations.md").read_text("utf-8"))
    switches = [(False, False), (False, True), (True, True)]
    found = [
        expected_of(model, residents_of(model, "gangwon", age_adjusted=ages, trend=trend))
        for ages, trend in switches
    ]
    sites = [expected.by["site_group"] for expected in found]
    for site in sites[0]:
        quoted = rows[site]
        assert [float(c) for c in quoted[:3]] == [round(by[site], 1) for by in sites]
        change = 100 * (sites[2][site] / sites[1][site] - 1)
        assert int(quoted[3].removesuffix(" %")) == round(change)


def test_the_levels_are_those_of_the_model(model, reference):
    page = (reference / "kr-rare.md").read_text("utf-8")
    rows = rows_of(page)
    titles = {c.code: c.title for c in model.schema.variable("site_group").categories}
    target = people_of_model(model)
    assert len(target.levels) == 7
    for members, level in target.levels:
        sex = {"1": "men", "2": "women"}[members["sex"][0]]
        quoted = rows[f"{titles[members['site_group'][0]]}, {sex}"]
        assert float(quoted[3]) == round(level, 2)
        assert float(quoted[2]) == pytest.approx(float(quoted[1]) * level, abs=0.6)
    cases = re.search(r"the model is about ([\d,]+) cases a year", page)
    assert int(cases[1].replace(",", "")) == round(target.cases_per_year)
