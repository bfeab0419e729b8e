"""Survival curves of an evaluation: published ones anywhere, real ones only inside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synthgen.evaluation.inputs import Given
from synthgen.evaluation.policy import read_policy
from synthgen.evaluation.target import load_target
from synthgen.messages import message
from synthgen.report.evaluation_curves import published_curves, real_curves


@pytest.fixture(scope="module")
def target():
    return load_target("kr-demo", seed=1, patients=400)


@pytest.fixture(scope="module")
def given():
    """Other patients of the same model in the place of real ones."""
    first = load_target("kr-demo", seed=2, patients=300).tables
    return Given(train=first, control=load_target("kr-demo", seed=3, patients=300).tables)


def test_published_points_stand_beside_the_curves_of_the_synthetic_patients(target):
    drawn = published_curves(target)
    assert drawn
    for picture in drawn:
        assert "class=pd" in picture.drawing.content
        assert "class=mo" in picture.drawing.content
        assert picture.table is not None


def test_nothing_published_is_drawn_for_what_was_made_from_records(target):
    assert published_curves(replace(target, origin="enclave")) == ()
    assert published_curves(replace(target, model=None)) == ()
    assert published_curves(replace(target, tables={})) == ()


def test_real_patients_are_drawn_for_everybody_and_for_large_strata_only(target, given):
    policy = read_policy("enclave")
    drawn = real_curves(target, given, policy)
    assert str(drawn[0].heading) == "everybody"
    assert str(drawn[0].note) == message("evaluation.curves.real", "en", real=300, synthetic=400)
    assert 1 < len(drawn) <= 7
    for picture in drawn:
        assert "class=cl" in picture.drawing.content  # synthetic
        assert "class=mo" in picture.drawing.content  # real
        assert "nan" not in picture.drawing.content
    assert len(real_curves(target, given, replace(policy, k_min=1000))) == 1
    assert len(real_curves(target, given, replace(policy, strata=()))) == 1


def test_without_records_nothing_real_is_drawn(target):
    assert real_curves(target, Given(), read_policy("enclave")) == ()
