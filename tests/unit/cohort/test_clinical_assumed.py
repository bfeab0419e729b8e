"""The model card lists what clinical tables assume, by entity, and nothing that is published."""

import re
from dataclasses import replace
from functools import cache

import pytest

from synthgen.cohort.artefact import load_model as read_model
from synthgen.cohort.clinical.templates import (
    ASSUMED,
    PARTS,
    assumed_places,
    own_places,
    templates_for,
)
from synthgen.cohort.clinical_assumed import assumed_section
from synthgen.cohort.model_card import model_card
from synthgen.messages import message
from synthgen.resources import shipped

load_model = cache(read_model)
DEEP = [t for t in templates_for() if t.deep]


def rows(text):
    """Cells of the rows of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_entity_of_a_model_stands_once_with_all_that_its_pathway_assumes(language):
    model = load_model("kr-rare")
    heading, text, table = assumed_section(model, language)
    assert heading == "## " + message("model_card.clinical", language)
    assert "--no-assumed" in text
    found = rows(table)
    assert len(found) == len(DEEP) + 1
    labels = [c.label(language) for c in model.schema.variable("entity").categories]
    known = set(model.distribution.domain.codes["entity"])
    shown = [
        c.label(language) for c in model.schema.variable("entity").categories if c.code in known
    ]
    together = ", ".join(cells[1] for cells in found)
    assert len(labels) >= len(shown) > 50
    assert len(together) == len(", ".join(shown)), "each entity once"
    assert all(label in together for label in shown)
    titles = {(t.title_ko if language == "ko" else t.title): t for t in templates_for()}
    for title, _, assumed in found:
        for place in own_places(titles[title]).get(ASSUMED, ()):
            assert re.sub(r" \d+", "", place) in assumed, place


def test_places_that_are_not_assumed_are_not_listed():
    for language in ("en", "ko"):
        for title, _, assumed in rows(assumed_section(load_model("kr-rare"), language)[2]):
            (template,) = (t for t in templates_for() if title in (t.title, t.title_ko))
            listed = {
                p for group in re.findall(r"\(([^()]*)\)", assumed) for p in group.split(", ")
            }
            real = {re.sub(r" \d+", "", p) for p in assumed_places(template)}
            assert listed <= real


def test_every_part_has_words_in_both_languages():
    for part in (*PARTS, "regimens"):
        words = {message(f"model_card.part.{part}", language) for language in ("en", "ko")}
        assert len(words) == 2


@pytest.mark.parametrize("name", ["kr-demo", "kr-rare"])
@pytest.mark.parametrize(
    ("language", "file"), [("en", "MODEL_CARD.md"), ("ko", "MODEL_CARD.ko.md")]
)
def test_the_card_beside_a_shipped_model_lists_them(name, language, file):
    model = load_model(name)
    section = assumed_section(model, language)
    if name == "kr-demo":
        assert "\n\n".join(section) in model_card(model, language)
    card = (shipped("fitted_models")[name] / file).read_text(encoding="utf-8")
    for title, _, assumed in rows(section[2]):
        (line,) = (
            s for s in card.splitlines() if s.startswith(f"| {title} | ") and "relapse." in s
        )
        assert re.findall(r"\(([^()]*)\) *(?:;|\|?$)", line) == re.findall(
            r"\(([^()]*)\)(?:;|$)", assumed
        )


def test_a_model_that_clinical_tables_cannot_be_made_of_lists_nothing():
    model = load_model("kr-demo")
    other = replace(model, schema=replace(model.schema, version="9.0.0"))
    assert assumed_section(other, "en") == []
