"""The report of an evaluation: verdict first, nothing hidden, and an edition that says less."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from synthgen.errors import SynthgenError, UsageError
from synthgen.evaluation.decide import decide
from synthgen.evaluation.documents import require_format
from synthgen.evaluation.evaluation import FORMAT, Evaluation
from synthgen.evaluation.policy import policy_from
from synthgen.findings import NO_RECORDS, TOO_FEW, Finding, not_testable
from synthgen.messages import LANGUAGES, message
from synthgen.report.charts.limits import limit_picture
from synthgen.report.evaluation_page import evaluation_report, write_evaluation_report
from synthgen.report.finding_rows import SHOWN, measure_rows, number_words, strata_table

SOURCE = "made up for a test of the page"
HOSTILE = """<script>alert("x")</script>'&"""
MEGABYTE = 1_000_000


def policy_document(**changes):
    def limits(value, part=None):
        said = {"limit": value, "source": SOURCE}
        return [{**said, "part": part} if part else said]

    measures = [
        {"measure": "linkability", "required": True, "limits": limits(0.1)},
        {"measure": "strata", "required": True, "limits": limits(0.2)},
        {"measure": "validity", "required": True, "limits": limits(0.0)},
        {"measure": "familiar_distances", "required": False},
    ]
    return {
        "format": "policy/1", "id": "small", "version": "1.0.0", "title": "A small policy",
        "title_ko": "작은 정책",
        "context": {"recipient": "nobody", "access": "public", "motive_and_capacity": ""},
        "population": {"region": "none", "size": None, "is_census": True, "source": SOURCE},
        "keys": [["sex", "age_at_diagnosis"]], "secrets": ["seer_stage"], "strata": [["entity"]],
        "k_min": 11, "measures": measures, "guarantees": [],
        "budget": {"max_evaluations": 3, "source": SOURCE},
        "approvals": {"needed": ["steward"], "given": []}, "expiry": None,
    } | changes  # fmt: skip


FINDINGS = (
    Finding("linkability", "C", "", 0.043, 0.021, 0.067, 300, 0.08, None, {"members": 301}),
    Finding("strata", "C", "stratum entity=gist: nearness", 0.5, 0.4137, 0.6, 40, 0.2),
    not_testable("strata", "C", TOO_FEW, part="stratum entity=osteosarcoma", n=7),
    not_testable("strata", "C", TOO_FEW, part="stratum entity=secret code", n=15),
    Finding("familiar_distances", "C", "closest record", 0.3, None, None, 300, None),
    Finding("validity", "U", "impossible", 0.0, 0.0, 0.0, 617, None),
)


def evaluation_of(findings=FINDINGS, self_test=None, name="c1", **policy):
    rules = policy_from(policy_document(**policy), "small")
    decision = decide(findings, rules)
    document = {
        "format": FORMAT,
        "edition": "internal",
        "target": {
            "kind": "cohort", "name": name, "sha256": "ab" * 32, "origin": "enclave",
            "schema": "rare-cancer@1.0.0", "path": "../c1",
        },
        "model": {"id": "m", "sha256": "cd" * 32},
        "pack": None,
        "policy": {
            "id": rules.id, "version": rules.version, "sha256": rules.sha256,
            "title": rules.title("en"), "title_ko": rules.title("ko"),
        },
        "inputs": {
            "synthetic": 300, "train": {"rows": 301, "sha256": "ef" * 32},
            "control": {"rows": 302, "sha256": "01" * 32}, "population": None,
            "columns": ["sex", "entity"],
        },
        "seed": 5,
        "versions": {"synthgen": "0"},
        "claims": [],
        "findings": [f.as_json() for f in findings],
        "decision": decision.as_json(),
        "attempt": {"number": 2, "of": 3, "subject": "23" * 32},
        "self_test": self_test,
    }  # fmt: skip
    require_format(document, FORMAT, "test", SynthgenError)
    return Evaluation(document, rules, tuple(findings), decision)


def passed(findings=FINDINGS):
    """The same without what stands in the way."""
    return evaluation_of(
        [f for f in findings if f.measure != "strata"],
        measures=[m for m in policy_document()["measures"] if m["measure"] != "strata"],
    )


def control(name, kind="leaky", failed="", expected=True):
    return {
        "control": name, "kind": kind, "policy": "public", "n": 60, "verdict": "fail",
        "failed": failed, "open": "", "as_expected": expected,
    }  # fmt: skip


def found_rows(html):
    inside = html[html.index('<section id="findings"') : html.index('<section id="strata"')]
    return inside.count("<tr><th scope=row>")


class Page(HTMLParser):
    """Elements with their attributes, and the words of each language in order."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.words = {language: [] for language in LANGUAGES}
        self._open = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "span":
            self._open.append(dict(attrs).get("lang"))
        self._silent = tag == "style"

    def handle_endtag(self, tag):
        if tag == "span" and self._open:
            self._open.pop()
        self._silent = False

    def handle_data(self, data):
        spoken = next((x for x in reversed(self._open) if x), None)
        for language in LANGUAGES:
            if data.strip() and not self._silent and spoken in {None, language}:
                self.words[language].append(" ".join(data.split()))


@pytest.fixture(scope="module", params=["internal", "public"])
def html(request):
    return evaluation_report(evaluation_of(), request.param, public_codes=frozenset({"gist"}))


@pytest.fixture(scope="module")
def internal():
    return evaluation_report(evaluation_of())


@pytest.fixture(scope="module")
def public():
    return evaluation_report(evaluation_of(), "public", public_codes=frozenset({"gist"}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdict_comes_first(language):
    words = Page(evaluation_report(evaluation_of(), language=language)).words[language]
    refused = words.index(message("evaluation.verdict.refused", language))
    assert refused < words.index(message("evaluation.open.heading", language))
    assert message("evaluation.verdict.fail_text", language) in words
    assert words.index(message("measure.linkability.tried", language)) > refused


def test_a_pass_reads_as_one():
    words = Page(evaluation_report(passed())).words["en"]
    assert message("evaluation.verdict.pass", "en") in words
    assert message("evaluation.verdict.refused", "en") not in words
    assert message("evaluation.open.none", "en") in words


def test_a_required_measure_that_is_missing_stands_in_the_way():
    words = Page(evaluation_report(evaluation_of(FINDINGS[:1]))).words["en"]
    title = message("measure.validity.title", "en")
    assert message("evaluation.missing", "en", measure=title) in words
    assert message("evaluation.verdict.not_testable_text", "en") in words


def test_every_finding_has_a_row_with_its_words(internal):
    words = Page(internal).words["en"]
    for measure in {f.measure for f in FINDINGS}:
        for part in ("title", "tried", "means"):
            assert message(f"measure.{measure}.{part}", "en") in words
    assert found_rows(internal) == len(FINDINGS)
    assert message("measure.linkability.todo", "en") not in words  # it passed
    assert message("measure.strata.todo", "en") in words  # it failed
    assert message("finding.reason.too_few", "en") in words
    assert message("evaluation.reported", "en") in words


def test_what_a_guarantee_covers_says_so_and_does_not_stand_in_the_way():
    tables = Finding("table_audit", "I", "", 0.0, 0.0, 0.0, 9, None)
    records = not_testable("linkability", "C", NO_RECORDS)
    limits = [{"limit": 0.1, "source": SOURCE}]
    rules = policy_document(
        measures=[{"measure": m, "required": True, "limits": limits} for m in ("table_audit", "linkability")],
        guarantees=[{"class": "G0", "source": SOURCE, "covers": [{"measure": "linkability", "verdicts": ["not_testable"]}]}],
    )  # fmt: skip
    made = evaluation_of([tables, records], **rules)
    decision = decide([tables, records], made.policy, {"G0"})
    document = {**made.document, "claims": ["G0"], "decision": decision.as_json()}
    words = Page(evaluation_report(replace(made, document=document))).words["en"]
    assert any(message("evaluation.covered", "en", kind="G0") in w for w in words)
    assert message("evaluation.verdict.pass", "en") in words


def test_the_public_edition_says_less(internal, public):
    for exact in ("0.043", "0.4137", "0.414", "301", "302", "ef" * 32, "23" * 32, "members 301"):
        assert exact not in public, exact
    for exact in ("0.043", "301", "ef" * 32, "members 301"):
        assert exact in internal, exact
    assert "entity=osteosarcoma" not in public  # seven persons
    assert "secret code" not in public  # no published code
    assert "entity=gist" in public
    assert "group 1" in public
    assert message("evaluation.edition.public", "en", k=11, n=1) in Page(public).words["en"]
    assert message("evaluation.edition.internal", "en") in Page(internal).words["en"]


def test_without_published_codes_no_stratum_is_named_in_public():
    assert "gist" not in evaluation_report(evaluation_of(), "public")


def test_nothing_runs_and_nothing_is_asked_for(html):
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag not in {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
        assert not {"src", "srcset", "action", "data", "background"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
    assert "default-src 'none'" in html
    assert len(html.encode()) < MEGABYTE


def test_structure_that_people_who_hear_the_page_need(html):
    """Languages, landmarks, headings without gaps, heads of tables, ids that exist once."""
    page = Page(html)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("main") == tags.count("h1") == tags.count("title") == 1
    assert {"header", "nav", "footer"} <= set(tags)
    assert (
        "<title>Evaluation under a release policy: c1 · 공개 정책에 따른 평가: c1</title>" in html
    )
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(b <= a + 1 for a, b in pairwise(levels))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in (attributes.get("aria-labelledby") or "").split():
            assert name in ids
        if attributes.get("href"):
            assert attributes["href"][1:] in ids
    heads = [a.get("scope") for tag, a in page.elements if tag == "th"]
    assert set(heads) == {"col", "row"}
    for tag, attributes in page.elements:
        if tag == "svg":
            assert (
                attributes.get("aria-hidden")
                or attributes.get("role") == "img"
                or attributes.get("class") == "lim"
            )
        if "tabindex" in attributes:
            assert attributes["role"] == "region"


def test_hostile_names_stay_text():
    bad = [replace(FINDINGS[0], part=HOSTILE, detail={"a": HOSTILE})]
    test = {"passes": True, "controls": [control(HOSTILE, kind=HOSTILE, failed=HOSTILE)]}
    made = evaluation_of(bad, test, name=HOSTILE, title=HOSTILE, title_ko=HOSTILE)
    html = evaluation_report(made)
    assert "<script" not in html
    assert 'alert("x")' not in html
    assert "&lt;script&gt;" in html


def test_controls_are_shown_and_a_failed_self_test_says_so():
    rows = [control("copier", failed="refit_audit, linkability"), control("new one")]
    good = evaluation_report(evaluation_of(self_test={"passes": True, "controls": rows}))
    assert message("control.copier", "en") in Page(good).words["en"]
    assert message("measure.refit_audit.title", "en") in good
    assert "new one" in good
    assert message("evaluation.controls.pass", "en") in good
    bad = evaluation_report(evaluation_of(self_test={"passes": False, "controls": rows}))
    assert message("evaluation.controls.fail", "en") in bad
    assert message("evaluation.controls.none", "en") in evaluation_report(evaluation_of())


def test_the_same_evaluation_gives_the_same_bytes(internal):
    assert evaluation_report(evaluation_of()) == internal


def test_a_thousand_findings_stay_below_a_megabyte():
    many = [replace(FINDINGS[1], part=f"stratum entity=e{i}: nearness") for i in range(1000)]
    html = evaluation_report(evaluation_of(many))
    assert len(html.encode()) < MEGABYTE
    assert found_rows(html) == 1000


def test_the_worst_parts_are_shown_first_and_the_others_on_request():
    many = [replace(FINDINGS[1], part=f"stratum entity=e{i}: nearness") for i in range(9)]
    good = replace(
        FINDINGS[1], part="stratum entity=good: nearness", estimate=0.0, lower=-0.1, upper=0.1
    )
    (measure,) = measure_rows(evaluation_of([good, *many]).document)
    assert len(measure.rows) == SHOWN
    assert [r.verdict for r in measure.rows + measure.more][-1] == "pass"
    assert measure.open


def test_a_table_of_strata_holds_the_worst_of_each():
    parts = ("nearness", "uniques")
    two = [replace(FINDINGS[1], part=f"stratum entity=gist: {p}") for p in parts]
    two[0] = replace(two[0], estimate=0.0, lower=-0.1, upper=0.1)
    table = strata_table(evaluation_of(two).document)
    ((name, (cell,)),) = table.rows
    assert name == "entity=gist"
    assert cell.verdict == "fail"


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        ((0.04, 0.02, 0.06, 0.1), ["lb", "la", "ll", "li", "le"]),
        ((0.0, 0.0, 0.0, 0.0), ["lb", "ll", "le"]),
        ((0.04, None, None, None), ["lb", "li", "le"]),
        ((-0.1, -0.2, -0.05, 0.1), ["lb", "la", "ll", "li", "le"]),
        ((None, None, None, 0.1), ["ln"]),
    ],
)
def test_a_picture_shows_what_is_known(values, paths):
    drawn = limit_picture(*values)
    assert re.findall(r"class=(l.)\b", drawn) == paths
    assert "nan" not in drawn
    places = [float(x) for x in re.findall(r"[MH]([-\d.]+)", drawn)]
    assert all(0 <= x <= 220 for x in places)


def test_numbers_never_show_a_false_zero():
    assert number_words(0.0004) == "<0.001"
    assert number_words(-0.0004) == ">−0.001"
    assert number_words(12.5) == "12.5"


def test_an_unknown_edition_or_language_is_refused():
    with pytest.raises(UsageError, match="edition secret: choose of internal, public"):
        evaluation_report(evaluation_of(), "secret")
    with pytest.raises(UsageError, match="language fr"):
        evaluation_report(evaluation_of(), language="fr")


def test_the_report_is_written_whole_and_never_over_another(tmp_path):
    path = tmp_path / "report.html"
    write_evaluation_report(evaluation_of(), path, language="ko")
    assert path.read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="ko">')
    with pytest.raises(UsageError, match="exists already"):
        write_evaluation_report(evaluation_of(), path)
