"""Figures of a model as files."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.errors import UsageError
from synthgen.messages import LANGUAGES, message
from synthgen.report.figures import INDEX, figures, write_figures


@pytest.fixture(scope="module")
def drawn(model):
    return {figure.name: figure for figure in figures(model)}


def test_a_group_has_ages_stages_and_survival(drawn):
    assert "gaps" in drawn
    of_entity = [f for name, f in drawn.items() if name.startswith("entity-osteosarcoma-")]
    titles = " ".join(f.caption.in_language("en") for f in of_entity)
    for part in ("Age and sex", "SEER summary stage", "survival"):
        assert part in titles
    strata = [f for f in of_entity if "Localised" in f.caption.in_language("en")]
    assert strata


def test_nothing_is_drawn_of_a_cohort_that_does_not_exist(drawn):
    for figure in drawn.values():
        for kind in ("bar", "cl", "band", "risk"):
            assert f"class={kind} " not in figure.drawing.content.replace("class=bar />", "")
        assert "patients)" not in figure.caption.in_language("en")


def test_published_and_fitted_values_are_drawn(drawn):
    everything = "".join(f.drawing.content for f in drawn.values())
    for kind in ("mo", "ml", "pd", "pl"):
        assert re.search(rf"class={kind}\b", everything)


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_are_svg_and_a_page_prints_them(tmp_path, model, language):
    number = write_figures(model, tmp_path / "figures", language=language)
    files = sorted(tmp_path.glob("figures/*.svg"))
    assert len(files) == number > 10
    for file in files:
        root = ET.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314 - our own text
        assert root.tag.endswith("svg")
        assert message("intended_use.short", language) in [e.text for e in root.iter()]
    page = (tmp_path / "figures" / INDEX).read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page
    assert sorted(re.findall(r'src="([^"]+)"', page)) == [f.name for f in files]


def test_codes_that_are_no_names_of_files_stay_in_the_folder(tmp_path, model):
    bad = replace(model, id="<b>../x</b>")
    write_figures(bad, tmp_path / "figures")
    assert "<b>" not in (tmp_path / "figures" / INDEX).read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["figures"]


def test_an_unknown_language_and_a_folder_that_exists_are_refused(tmp_path, model):
    with pytest.raises(UsageError, match="language fr"):
        write_figures(model, tmp_path / "figures", language="fr")
    (tmp_path / "figures").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        write_figures(model, tmp_path / "figures")


def test_a_model_with_provinces_has_a_map():
    names = [figure.name for figure in figures(load_model("kr-demo"))]
    assert "regions-map" in names
    assert len(set(names)) == len(names)
