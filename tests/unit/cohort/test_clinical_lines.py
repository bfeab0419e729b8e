"""Later lines of treatment: nobody is given again what the tumour has had, unless it is said why."""

from functools import cache

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.clinical.regimens import drugs_of, nothing_given
from synthgen.cohort.clinical.templates import templates_for
from synthgen.schema.codesets import code_set
from synthgen.schema.load import load_schema

DEEP = (
    "gist,adrenocortical_carcinoma,leiomyosarcoma,osteosarcoma,testicular_germ_cell,"
    "thymic_carcinoma,mesothelioma,uveal_melanoma,desmoplastic_small_round_cell_tumour"
)


@cache
def cohort(clinical="all"):
    where = {"entity": tuple(DEEP.split(","))}
    return load_model("kr-rare").generate(2500, seed=11, where=where, clinical=clinical)


@cache
def plain():
    return load_model("kr-rare").generate(2500, seed=12, clinical="all")


def lines(made):
    """Lines beside their tumours', in order."""
    rows = made["treatment_line"].merge(made["tumour"], on="tumour_id")
    for column in ("regimen", "entity", "intent", "seer_stage", "first_treatment_flags"):
        rows[column] = rows[column].astype(str)
    return rows


def drugs(made):
    """Set of drugs of each line."""
    given = made["drug_exposure"].assign(atc=lambda t: t["atc"].astype(str))
    return given.groupby("line_id")["atc"].agg(frozenset)


def repeated(made):
    """Later lines whose drugs the tumour had before, apart from those around one operation."""
    rows = lines(made).assign(drugs=lambda t: t["line_id"].map(drugs(made)))
    again = rows.merge(rows, on="tumour_id", suffixes=("", "_before"))
    again = again[again["line_number"] > again["line_number_before"]]
    again = again[again["drugs"] == again["drugs_before"]]
    return again[~((again["intent"] == "01") & (again["intent_before"] == "06"))]


@pytest.mark.parametrize("made", [cohort, plain])
def test_no_line_repeats_the_drugs_of_an_earlier_one_but_imatinib_after_adjuvant_imatinib(made):
    found = repeated(made())
    assert set(found["entity"]) <= {"gist"}
    assert set(found["regimen"]) <= {"Imatinib"}
    assert set(found["intent_before"]) <= {"01", "06"}
    assert (lines(made())["line_number"] > 2).sum() > 20


def test_a_rechallenge_is_named_in_the_template_with_its_source():
    named = [
        (template.id, choice["regimen"])
        for template in templates_for()
        for line in template.part("lines")
        for choice in line["choices"]
        if "rechallenge" in choice
    ]
    assert named == [("gist", "imatinib")]
    assert len(repeated(cohort())) > 0
    published = repeated(cohort("published"))
    assert len(published) == 0, "nobody published the rechallenge, so it goes with the assumptions"


def test_who_had_no_drugs_in_the_first_course_begins_with_the_first_line():
    rows = lines(cohort())
    first = rows[(rows["line_number"] == 1) & (rows["first_treatment_flags"].str[1] == "0")]
    regimens = first.groupby("entity")["regimen"].unique().to_dict()
    assert set(regimens["gist"]) <= {"Imatinib", "Avapritinib"}
    assert "Eribulin" not in regimens["leiomyosarcoma"]
    assert "Pazopanib" not in regimens["leiomyosarcoma"]
    assert set(regimens["testicular_germ_cell"]) == {"BEP (Bleomycin + Etoposide + Cisplatin)"}
    assert "Gemcitabine + Vinorelbine" not in regimens["mesothelioma"]


def test_relapse_after_one_dose_of_carboplatin_is_treated_with_bep_in_the_hope_of_cure():
    rows = lines(cohort())
    rows = rows[rows["entity"] == "testicular_germ_cell"]
    single = set(rows["tumour_id"][rows["regimen"] == "Carboplatin"])
    after = rows[rows["tumour_id"].isin(single) & (rows["line_number"] == 2)]
    assert len(after) > 0
    assert set(after["regimen"]) == {"BEP (Bleomycin + Etoposide + Cisplatin)"}
    assert set(after["intent"]) == {"08"}


def test_desmoplastic_tumours_get_their_own_regimen_and_older_osteosarcoma_no_methotrexate():
    rows = lines(cohort())
    small = rows[(rows["entity"] == "desmoplastic_small_round_cell_tumour")]
    assert set(small["regimen"][small["line_number"] == 1]) == {
        "Vincristine + Doxorubicin + Cyclophosphamide"
    }
    bone = rows[(rows["entity"] == "osteosarcoma") & (rows["line_number"] == 1)]
    methotrexate = bone["regimen"].str.startswith("MAP")
    assert bone["age_at_diagnosis"][methotrexate].max() <= 40
    assert bone["age_at_diagnosis"][~methotrexate].min() > 40


def test_regimens_are_the_same_where_their_drugs_are():
    templates = templates_for()
    (gist,) = (t for t in templates if t.id == "gist")
    given = nothing_given(3, templates)
    adjuvant, palliative = gist.regimens["imatinib_adjuvant"], gist.regimens["imatinib"]
    assert drugs_of(adjuvant) == {"L01EA01"}
    assert given.place(adjuvant) == given.place(palliative)
    assert given.sets.shape == (3, len(given.places))
    assert not given.sets.any()
    assert given.lines.tolist() == [0, 0, 0]
    assert np.unique(list(given.places.values())).size == len(given.places)


PLAIN = next(t for t in templates_for() if t.id == "plain")
MALIGNANT = [c.code for c in load_schema("rare-cancer@1.1.0").code_lists["morphology"].codes]


def open_to(choice, morphology, topography):
    """Whether a choice of the plain template is open to a tumour after a recurrence."""
    when = choice.get("when", {})
    found = [
        code_set(tuple(when[name])).among((code,))
        for name, code in (("morphology", morphology), ("topography", topography))
        if name in when
    ]
    return all(found) and when.get("relapse") is not False


@pytest.mark.parametrize("topography", ["C079", "C119", "C171", "C209", "C329", "C529", "C669"])
def test_every_histology_has_one_first_regimen_in_the_plain_pathway(topography):
    choices = PLAIN.part("lines")[0]["choices"]
    for morphology in MALIGNANT:
        fitting = {c["regimen"] for c in choices if open_to(c, morphology, topography)}
        assert len(fitting) == 1, (morphology, topography, fitting)


def test_ordinary_entities_get_the_drugs_of_their_kind():
    rows = lines(plain())
    first = rows[(rows["line_number"] == 1) & (rows["first_treatment_flags"].str[1] == "1")]
    kinds = {
        "small_intestine_carcinoma": "CAPOX (Capecitabine + Oxaliplatin)",
        "renal_pelvis_carcinoma": "Gemcitabine + Cisplatin",
        "hodgkin_lymphoma": "ABVD (Doxorubicin + Bleomycin + Vinblastine + Dacarbazine)",
        "larynx_carcinoma": "Fluorouracil + Cisplatin",
        "nephroblastoma": "Vincristine + Dactinomycin + Doxorubicin",
        "rhabdomyosarcoma": "VAC (Vincristine + Dactinomycin + Cyclophosphamide)",
    }
    for entity, regimen in kinds.items():
        mine = first["regimen"][first["entity"] == entity]
        assert len(mine) > 0, entity
        assert mine.value_counts().index[0] == regimen, entity


def test_radiotherapy_of_children_is_not_that_of_adults():
    made = plain()
    rows = made["radiotherapy"].merge(made["tumour"], on="tumour_id")
    kidney = rows[rows["entity"].astype(str) == "nephroblastoma"]
    assert kidney["dose_per_fraction_gy"].max() <= 3
    assert kidney["fractions"].max() <= 10
    head = rows[rows["entity"].astype(str) == "nasopharynx_carcinoma"]
    whole = head[(head["seer_stage"].astype(str) != "7") & (head["fractions"] == 35)]
    assert len(whole) > 0.5 * (head["seer_stage"].astype(str) != "7").sum()
