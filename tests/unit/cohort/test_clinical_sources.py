"""No number of a template rests on a page that nobody opened, without being marked as assumed."""

import json
from datetime import date
from functools import cache

import pytest
from jsonschema import Draft202012Validator

from synthgen.cohort.artefact import load_model
from synthgen.cohort.clinical.templates import ASSUMED, assumed_places, cited, templates_for
from synthgen.resources import data_root

FOLDER = data_root() / "schemas" / "clinical"
FORMAT = data_root() / "schemas" / "formats" / "clinical" / "1.schema.json"
FILES = sorted(FOLDER.glob("*.json"))
#: Sources that were looked for and not opened: what they would say is assumed.
NOT_OPENED = ("Martin M", "Trojani", "Kondagunta", "as remembered")


def document(path):
    return json.loads(path.read_text(encoding="utf-8"))


def template(name, *, assumed=True):
    (found,) = (t for t in templates_for(assumed=assumed) if t.id == name)
    return found


@cache
def published():
    codes = {"entity": ("ewing_sarcoma", "soft_tissue_sarcoma_nos", "uveal_melanoma")}
    return load_model("kr-rare").generate(800, seed=5, where=codes, clinical="published")


def parts_with_sources(value):
    """Objects of a JSON value that name a source."""
    if isinstance(value, dict):
        if "source" in value:
            yield value
        for inner in value.values():
            yield from parts_with_sources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts_with_sources(inner)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_source_was_read_on_a_day_and_is_used(path):
    said = document(path)
    used = {part["source"] for part in parts_with_sources(said)}
    assert set(said["sources"]) == used - {ASSUMED}
    for source in said["sources"].values():
        assert date(2026, 11, 22) <= date.fromisoformat(source["read_on"])


def test_a_source_that_nobody_read_is_refused():
    said = document(FILES[0])
    del next(iter(said["sources"].values()))["read_on"]
    errors = list(Draft202012Validator(document(FORMAT)).iter_errors(said))
    assert [e.message for e in errors] == ["'read_on' is a required property"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_what_could_not_be_opened_is_the_word_of_nothing_but_assumptions(path):
    for part in parts_with_sources(document(path)):
        note = part.get("note", "")
        if any(word in note for word in NOT_OPENED):
            assert part["source"] == ASSUMED, note


def test_doses_from_memory_are_left_out_and_the_drug_stays():
    with_them, without = (template("osteosarcoma", assumed=a) for a in (True, False))
    assert "regimens.vdc.drugs 3.amount" in assumed_places(with_them)
    doses = [d.get("dose") for d in with_them.regimens["vdc"]["drugs"]]
    assert None not in doses
    known = [d.get("dose") for d in without.regimens["vdc"]["drugs"]]
    assert len(known) == len(doses)
    assert known == [2, 37.5, None, None, None]


def test_a_regimen_whose_cycles_are_assumed_is_left_out_with_them():
    with_them, without = (template("adrenocortical", assumed=a) for a in (True, False))
    assert with_them.regimens["edp_m"]["cycles"] == 6
    assert "edp_m" not in without.regimens
    assert "mitotane" in without.regimens
    assert without.regimens["mitotane"]["cycles"] == 26


def test_grades_that_we_read_from_the_registrys_digit_are_assumed():
    assert "pathology.grade" in assumed_places(template("soft-tissue-sarcoma"))
    of_it = published()["tumour"]["entity"].astype(str) == "soft_tissue_sarcoma_nos"
    ids = set(published()["tumour"]["tumour_id"][of_it].astype(str))
    pathology = published()["pathology"]
    mine = pathology[pathology["tumour_id"].astype(str).isin(ids)]
    assert len(mine) > 0
    assert mine["grade_value"].isna().all()


def test_without_assumptions_the_drugs_of_ewing_sarcoma_have_the_doses_that_were_read():
    drugs = published()["drug_exposure"]
    assert len(drugs) > 0
    of_vdc = drugs[drugs["atc"].astype(str).isin(["L01AA01", "L01CA02"])]
    dosed = of_vdc.groupby(of_vdc["atc"].astype(str))["dose"].apply(lambda d: d.notna().all())
    assert dosed.to_dict() == {"L01AA01": False, "L01CA02": True}
    lines = published()["treatment_line"]
    assert (lines["cycles"] <= 7).all()


def test_without_assumptions_secondary_mutations_of_the_eye_are_not_told():
    markers = set(published()["biomarker"]["marker"].astype(str))
    assert {"GNAQ", "GNA11", "monosomy3"} <= markers
    assert not markers & {"BAP1", "SF3B1", "EIF1AX", "8q_gain"}


def test_places_of_cycles_and_doses_are_cited():
    places = dict(cited(template("osteosarcoma")))
    assert places["regimens.vdc"] == "womer"
    assert places["regimens.vdc.drugs 3.amount"] == ASSUMED
