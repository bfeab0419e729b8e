"""The terms of a cohort: granted where the pack permits it, honest where it is not known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import synthgen
from synthgen.cohort.licence import CC_BY, CC_BY_URL, NONE, licence_of
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort


@pytest.fixture(scope="module")
def model():
    return synthgen.load_model("kr-demo")


def with_pack(model, **changes):
    return replace(model, pack=replace(model.pack, **changes))


def test_a_pack_that_permits_it_gives_cc_by_and_names_what_is_not_confirmed(model):
    licence = licence_of(model.pack)
    assert (licence.id, licence.url, licence.granted) == (CC_BY, CC_BY_URL, True)
    unconfirmed = [s for s in model.pack.sources.values() if s.redistribution == "unconfirmed"]
    assert len(unconfirmed) == len(licence.unconfirmed) > 0
    for language in ("en", "ko"):
        text = licence.text(language)
        assert "CC BY 4.0" in text
        for source in unconfirmed:
            assert source.citation in text


def test_a_pack_with_open_sources_only_has_nothing_to_name(model):
    sources = {k: replace(s, redistribution="open") for k, s in model.pack.sources.items()}
    licence = licence_of(replace(model.pack, sources=sources))
    assert licence.unconfirmed == ()
    assert "not confirmed" not in licence.text("en")


@pytest.mark.parametrize("terms", ["CC-BY-NC-4.0", "proprietary", ""])
def test_a_pack_under_other_terms_or_none_grants_nothing(model, terms):
    licence = licence_of(replace(model.pack, licence=terms))
    assert (licence.id, licence.granted) == (NONE, False)
    assert "No licence is granted" in licence.text("en")
    assert (terms or "–") in licence.text("en")
    assert "CC BY" not in licence.text("en")


def test_a_model_of_records_grants_nothing_whatever_its_pack_says(model):
    licence = licence_of(replace(model.pack, origin="enclave"))
    assert not licence.granted
    assert "release" in licence.text("en")


@pytest.mark.parametrize(("terms", "expected"), [("CC-BY-4.0", CC_BY), ("CC-BY-NC-4.0", NONE)])
def test_every_file_that_speaks_of_terms_says_the_same(model, tmp_path, terms, expected):
    changed = with_pack(model, licence=terms)
    write_cohort(changed, settings_for(changed, 10), tmp_path / "c")

    def read(name: str) -> str:
        return (tmp_path / "c" / name).read_text(encoding="utf-8")

    manifest, package = json.loads(read("manifest.json")), json.loads(read("datapackage.json"))
    assert manifest["licence"]["id"] == expected
    assert manifest["licence"]["granted"] == (expected == CC_BY)
    assert [licence["name"] for licence in package["licenses"]] == [expected]
    assert package["licenses"][0]["path"] == json.loads(read("croissant.json"))["license"]
    assert read("LICENCE.txt").startswith(f"{expected}\n")
    for name in ("DATA_CARD.md", "DATA_CARD.ko.md"):
        assert f"| {expected} |" in read(name)
    assert package["x-synthgen"]["licence"]["ko"] in read("DATA_CARD.ko.md")
    assert "LICENCE.txt" in manifest["files"]
