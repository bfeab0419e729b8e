"""The pages on ee-rare quote what its script, its pack and its model make."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.models.fit import CONFLICT
from synthgen.statistics.model import Relation


@pytest.fixture(scope="module")
def model():
    return load_model("ee-rare")


@pytest.fixture(scope="module")
def reference(root):
    folder = root / "docs" / "reference"
    if not folder.is_dir():
        pytest.skip("this distribution holds no documentation")
    return folder


def test_the_gap_table_and_the_matrix_are_what_the_script_makes(model, reference, load_script):
    script = load_script(reference / "model_tables.py")
    assert (reference / "ee-rare-tables.md").read_text("utf-8") == script.page(model)


def test_the_page_counts_tables_by_relation(model, reference):
    found = Counter(t.relation for t in model.pack.tables)
    page = (reference / "ee-rare.md").read_text("utf-8")
    said = re.search(
        r"Of (\d+) tables (\d+) are published, (\d+) borrowed, (\d+) pooled, (\d+)", page
    )
    assert [int(n) for n in said.groups()] == [
        len(model.pack.tables),
        *(found[r] for r in (Relation.PUBLISHED, Relation.BORROWED)),
        *(found[r] for r in (Relation.POOLED, Relation.ASSUMED)),
    ]


def test_only_ages_of_the_neighbouring_countries_are_far_from_the_model(model, reference):
    far = [g for g in model.gaps if abs(g.standard_errors) > CONFLICT]
    assert {g.statement.table for g in far} == {"incidence_age_neighbours"}
    page = (reference / "ee-rare.md").read_text("utf-8")
    assert len(far) == 42
    assert "Forty-two values are further than 3 standard errors" in page


def test_the_page_says_what_the_zeros_hold(model, reference):
    by_cell = model.distribution.marginal(("site_group", "sex", "age_group")) * 2149
    codes = model.distribution.domain.codes
    names = ("site_group", "sex", "age_group")
    cells = [
        cell
        for cell in model.pack.table("incidence_site_sex_age").cells
        if set(cell.members) >= set(names)
    ]
    zeros = [
        by_cell[tuple(codes[n].index(cell.members[n][0]) for n in names)]
        for cell in cells
        if cell.value == 0
    ]
    page = (reference / "ee-rare.md").read_text("utf-8")
    said = re.search(r"counts (\d+) cells .*?; (\d+) of them", page)
    assert [int(n) for n in said.groups()] == [len(cells), len(zeros)]
    assert int(re.search(r"zeros hold (\d+) of 2,149", page)[1]) == round(sum(zeros))
