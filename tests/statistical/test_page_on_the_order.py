"""The page that explains the order quotes what its script makes."""

from __future__ import annotations

import re

import pytest


@pytest.fixture(scope="module")
def script(root, load_script):
    if not (root / "evaluation" / "benchmarks").is_dir():
        pytest.skip("a source distribution holds no benchmarks, whose charts the page uses")
    return load_script(root / "docs" / "explanation" / "why_the_order_matters.py")


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "explanation" / "why-the-order-matters.md").read_text("utf-8")


def test_the_flat_fit_lets_the_survival_table_decide_the_stage_and_the_order_does_not(script, page):
    shares = script.toy()
    for flat, ordered in zip(shares["flat"].values(), shares["ordered"].values(), strict=True):
        assert ordered == pytest.approx(0.5, abs=1e-15)
        assert f"| {100 * flat:.0f} %" in page
    assert [round(v, 2) for v in shares["flat"].values()] == [0.60, 0.71, 0.83]


def test_the_flat_fit_moves_korean_ages_and_the_order_does_not(script, page):
    _, found = script.real_ages()
    rows = {
        "in order": found["ordered"],
        "at once, 2 intervals": found["flat, 2 intervals"],
        "at once, 20 intervals": found["flat, 20 intervals"],
    }
    for name, cases in rows.items():
        quoted = re.search(rf"^\| {name} \|(.*)\|$", page, re.MULTILINE)
        expected = [cases[:6].sum(), cases[6:10].sum(), cases[10:].sum()]
        assert [int(v) for v in quoted[1].split("|")] == pytest.approx(expected, abs=1)


def test_the_pictures_are_there(root, page):
    for name in re.findall(r"\(pictures/([a-z-]+\.svg)\)", page):
        text = (root / "docs" / "explanation" / "pictures" / name).read_text("utf-8")
        assert text.startswith("<svg xmlns=")
        assert "<title>" in text
