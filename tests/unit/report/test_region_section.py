"""Regions of a model and of a cohort: shipped ones, because the small model has none."""

from __future__ import annotations

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.fidelity.compare import ComparedCohort
from synthgen.report.region_section import inhabitants, region_section, regions


@pytest.fixture(scope="module")
def shipped():
    return load_model("kr-demo")


def test_people_are_added_up_over_the_sexes(shipped):
    people = inhabitants(shipped.pack)
    assert len(people) == 17
    assert 45e6 < sum(people.values()) < 55e6


def test_a_cohort_has_a_tile_for_every_province(shipped):
    cohort = shipped.generate(500, seed=7)
    section = region_section(ComparedCohort(shipped, cohort))
    counts = cohort["patient"]["region_code"].astype(str).value_counts()
    assert section.tiles.drawing.content.count("class=t") >= 17
    assert f">{counts['41']}</text>" in section.tiles.drawing.content
    assert section.shares.drawing.description.in_language("en").startswith("17 categories")


def test_the_rate_of_a_cohort_is_cases_over_inhabitants(shipped):
    (seoul,) = [r for r in regions(shipped, {"11": 100}) if r.code == "11"]
    assert seoul.cases == 100
    assert seoul.rate == pytest.approx(1e7 / inhabitants(shipped.pack)["11"])


def test_the_rate_of_a_model_is_one_where_patients_are_as_people(shipped):
    """The demonstration pack assumes that patients live where people live."""
    for region in regions(shipped):
        assert region.cases is None
        assert region.rate == pytest.approx(1.0, abs=0.02)


def test_a_model_without_regions_has_no_tiles(model, cohort):
    assert regions(model) == ()
    assert region_section(ComparedCohort(model, cohort)) is None
