"""Timelines of the report: three patients of each pathway, every event with its source."""

from functools import cache

from synthgen.cohort.artefact import load_model
from synthgen.fidelity.compare import compare
from synthgen.report.cohort_page import cohort_report
from synthgen.report.timelines import SHOWN, timelines


@cache
def cohort(clinical="all"):
    return load_model("kr-demo").generate(600, seed=4, clinical=clinical)


@cache
def three_pathways():
    codes = {"entity": ("gist", "testicular_germ_cell", "uveal_melanoma")}
    return load_model("kr-rare").generate(1500, seed=4, clinical="all", where=codes)


def test_each_pathway_shows_three_patients_from_diagnosis_to_the_last_contact():
    shown = timelines(cohort())
    assert [p.title.in_language("en") for p in shown] == [
        "Mesothelioma", "Osteosarcoma and Ewing sarcoma", "Soft-tissue sarcoma",
        "Germ cell tumour of the testis",
    ]  # fmt: skip
    for pathway in shown:
        assert len(pathway.timelines) == SHOWN
        for line in pathway.timelines:
            days = [event.day for event in line.events]
            assert days == sorted(days)
            assert days[0] == 0
            assert max(event.until or 0 for event in line.events) <= days[-1]


def test_every_event_has_a_source_that_is_a_publication_the_model_or_assumed():
    for pathway in timelines(cohort()):
        for line in pathway.timelines:
            for event in line.events:
                assert event.sources, event.text.in_language("en")
                for source in event.sources:
                    text = source.in_language("en")
                    assert "http" in text or text in ("drawn by the model", "assumed")
    for pathway in timelines(cohort("published")):
        said = {s.in_language("en") for t in pathway.timelines for e in t.events for s in e.sources}
        assert "assumed" not in said


def test_a_cohort_without_clinical_tables_has_no_timelines():
    plain = load_model("kr-demo").generate(20, seed=4)
    assert timelines(plain) == ()


def test_the_page_shows_them_in_both_languages_without_a_script():
    model = load_model("kr-demo")
    page = cohort_report(model, cohort(), compare(model, cohort()))
    assert '<section id="timelines"' in page
    assert "<span lang=en>Timelines</span><span lang=ko>경과</span>" in page
    assert "<script" not in page
    assert page.count("<svg") > 12
    # The schema of the cohort, with its clinical tables, is not the model's.
    assert "(rare-cancer@1.1.0)" in page
    assert "(rare-cancer@1.0.0)" not in page


def test_a_publication_stands_once_below_the_patients_and_every_mark_leads_to_it():
    page = cohort_report(load_model("kr-demo"), cohort(), compare(load_model("kr-demo"), cohort()))
    for pathway in timelines(cohort()):
        cited = pathway.publications
        assert len(set(cited)) == len(cited) > 0
        assert all("http" in source.in_language("en") for source in cited)
        for line in pathway.timelines:
            for event in line.events:
                marks = pathway.marks(event).in_language("en").split(", ")
                numbers = [int(m) for m in marks if m.isdigit()]
                assert marks
                assert {cited[n - 1] for n in numbers} == set(cited) & set(event.sources)
                assert {m for m in marks if not m.isdigit()} <= {"drawn by the model", "assumed"}
        assert all(page.count(str(source.__html__())) >= 1 for source in cited)


def test_a_line_says_intent_cycles_doses_and_end_and_a_marker_its_variant_and_level():
    texts = [
        event.text.in_language("en")
        for pathway in timelines(cohort())
        for line in pathway.timelines
        for event in line.events
    ]
    lines = [t for t in texts if "cycles begun" in t]
    assert all(
        any(i in t for i in ("djuvant", "Palliative", "Salvage", "duction", "Conc")) for t in lines
    )
    bep = next(t for t in lines if "BEP" in t)
    assert "Cisplatin 20 mg/m2 day 1+2+3+4+5" in bep
    assert any(t.startswith("Alpha-fetoprotein (serum): ") and t.endswith(" ng/mL") for t in texts)
    assert any(" = 66 Gy" in t or " = 30 Gy" in t for t in texts)


def test_a_line_is_told_with_the_doses_that_the_cohort_holds():
    told = [
        event.text.in_language("en")
        for pathway in timelines(three_pathways())
        for line in pathway.timelines
        for event in line.events
        if event.until is not None
    ]
    of = {name: [t for t in told if name in t] for name in ("Imatinib, ", "Pembrolizumab, ", "BEP")}
    assert all(of.values())
    assert all("Imatinib 400 mg/d" in t for t in of["Imatinib, "])
    assert all("Pembrolizumab 2 mg/kg" in t for t in of["Pembrolizumab, "])


def test_a_published_regimen_is_not_told_to_be_assumed():
    for pathway in timelines(three_pathways()):
        for line in pathway.timelines:
            for event in line.events:
                text = event.text.in_language("en")
                if ". Imatinib, Adjuvant" in text or ". BEP (" in text:
                    said = {s.in_language("en") for s in event.sources}
                    assert any("http" in s for s in said), text
                    assert ("assumed" in said) == (". Imatinib" in text and "Palliative" in text)
