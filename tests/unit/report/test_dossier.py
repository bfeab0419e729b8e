"""The dossier: what the tool knows is filled in, what only people know stays visibly blank."""

from __future__ import annotations

import re
from functools import cache

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.errors import UsageError
from synthgen.evaluation.evaluate import evaluate
from synthgen.evaluation.policy import policy_from, read_policy
from synthgen.evaluation.public_edition import public_edition
from synthgen.evaluation.target import load_target
from synthgen.messages import LANGUAGES, message
from synthgen.report.dossier import dossier_of, five_steps, four_checks, write_dossier

HOSTILE = """<script>alert("x")</script>'&"""
SOURCE = "made up for a test of the dossier"


def policy(**changes):
    limits = [{"limit": 0.0, "source": SOURCE}]
    return {
        **read_policy("teaching").document,
        "measures": [
            {"measure": "labelling", "required": True, "limits": limits},
            {"measure": "validity", "required": True, "limits": limits},
        ],
        "guarantees": [],
        **changes,
    }


@cache
def target():
    return load_target("kr-demo", seed=1, patients=50)


def made(self_test=None, **changes):
    """An evaluation of fifty patients of the demonstration model, without records."""
    rules = policy_from(policy(**changes), "test")
    return evaluate(target(), rules, self_test=self_test)


@pytest.fixture(scope="module")
def evaluation():
    return made()


def document(evaluation):
    return public_edition(evaluation.document, evaluation.policy.k_min, frozenset())


def items(parts):
    return {str(item.question): item for part in parts for item in part.items}


def ask(name):
    return message(f"dossier.q.{name}", "en")


def test_there_are_five_steps_and_four_checks(evaluation):
    steps = five_steps(document(evaluation), evaluation.policy.document)
    titles = [p.heading.in_language("ko") for p in steps]
    assert [re.sub(r"^\d\. ", "", t) for t in titles] == [
        "사전준비", "생성", "안전성·유용성 검증", "심의위원회 평가", "활용 및 안전한 관리",
    ]  # fmt: skip
    names = [str(p.heading) for p in four_checks(document(evaluation))]
    assert names == ["Labelling", "Disclosure", "Structure", "Documentation"]


def test_what_is_known_is_filled_in(evaluation):
    found = items(five_steps(document(evaluation), evaluation.policy.document))
    model = load_model("kr-demo")
    assert model.sha256 in str(found[ask("method")].answer)
    assert evaluation.policy.sha256 in str(found[ask("limits")].answer)
    assert found[ask("use")].verdict == "pass"
    assert found[ask("identifiers")].verdict == "pass"
    assert "number 1 of" in str(found[ask("attempts")].answer)


def test_what_only_people_know_stays_blank(evaluation):
    found = items(five_steps(document(evaluation), evaluation.policy.document))
    for name in ("purpose_own", "basis", "committee", "opinion", "contact", "again", "records"):
        assert found[ask(name)].answer is None, name
    assert found[ask("self_test")].answer is None
    checks = items(four_checks(document(evaluation)))
    for name in ("label_name", "coincidence", "structure_known", "published"):
        assert checks[ask(name)].answer is None, name


def test_a_missing_approval_is_a_blank_and_a_given_one_is_not():
    needed = {"needed": ["steward"], "given": []}
    given = {"role": "steward", "name": "A", "date": "2026-01-02", "decision": "approved"}
    for said, blank in ((needed, True), ({**needed, "given": [given]}, False)):
        evaluation = made(approvals=said)
        found = items(five_steps(document(evaluation), evaluation.policy.document))
        assert (found[ask("approvals")].answer is None) is blank
    assert "2026-01-02" in str(found[ask("approvals")].answer)


@pytest.mark.parametrize(("passes", "verdict"), [(True, "pass"), (False, "fail")])
def test_the_self_test_is_told_as_it_ended(passes, verdict):
    test = {"passes": passes, "controls": [{"control": "copier"}]}
    evaluation = made(test)
    found = items(five_steps(document(evaluation), evaluation.policy.document))
    assert found[ask("self_test")].verdict == verdict


def test_a_failed_measure_gets_no_tick():
    lax = {"measure": "k_map", "required": True, "limits": [{"limit": 0.1, "source": SOURCE}]}
    evaluation = made(measures=[*policy()["measures"], lax])
    found = items(five_steps(document(evaluation), evaluation.policy.document))
    assert found[ask("safety")].verdict == "not_testable"
    html = dossier_of(document(evaluation), evaluation.policy.document)
    box = html[: html.index(f"<b><span lang=en>{ask('safety')}</span>")].rpartition("<li>")[2]
    assert "<svg" not in box
    assert "v-not_testable" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_blanks_can_be_seen_and_written_on(tmp_path, evaluation, language):
    path = tmp_path / "dossier.html"
    write_dossier(evaluation, path, language=language)
    html = path.read_text(encoding="utf-8")
    assert html.startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    parts = five_steps(document(evaluation), evaluation.policy.document)
    parts += four_checks(document(evaluation))
    blanks = sum(item.answer is None for part in parts for item in part.items)
    assert html.count("class=blank") == blanks > 10
    assert message("dossier.blank", language) in html
    assert "<script" not in html
    with pytest.raises(UsageError, match="exists already"):
        write_dossier(evaluation, path)


def test_the_internal_edition_and_unknown_languages_are_refused(evaluation):
    with pytest.raises(UsageError, match="public edition"):
        dossier_of(evaluation.document, evaluation.policy.document)
    with pytest.raises(UsageError, match="language fr"):
        dossier_of(document(evaluation), evaluation.policy.document, language="fr")


def test_hostile_words_of_a_policy_stay_text():
    context = {"recipient": HOSTILE, "access": "public", "motive_and_capacity": HOSTILE}
    evaluation = made(title=HOSTILE, title_ko=HOSTILE, context=context)
    html = dossier_of(document(evaluation), evaluation.policy.document)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
