"""The section on differential privacy: what was spent, what it means, what nobody can prove."""

from __future__ import annotations

import re

import numpy as np
import pytest

from synthgen.messages import LANGUAGES
from synthgen.privacy.controls.private_tables import PrivateTables, private_schema
from synthgen.privacy.controls.truth import patients
from synthgen.privacy.privacy_accounting import hazards, ledger_document
from synthgen.report.ledger_section import SHOWN, budget_answer, ledger_sections, meaning


@pytest.fixture(scope="module")
def said():
    pack = PrivateTables().pack(patients(60, np.random.default_rng(1)), np.random.default_rng(2))
    return {"pack": pack.id, **ledger_document(pack), "hazards": hazards(pack, private_schema())}


def document(*ledgers, held=True):
    return {"ledgers": list(ledgers), "decision": {"guarantees": ["G1"] if held else []}}


def test_an_evaluation_without_a_ledger_has_no_section():
    assert ledger_sections({}) == ()
    assert ledger_sections(document()) == ()
    assert "no differential privacy" in str(budget_answer({}))


def test_the_section_says_what_was_claimed_and_what_it_adds_up_to(said):
    (one,) = ledger_sections(document(said))
    facts = {str(fact.name): str(fact.value) for fact in one.facts}
    assert facts["Epsilon: claimed, and as added up again"] == "1 · 1"
    assert facts["Rows kept of one unit"] == "patient 1"
    assert len(one.entries) == min(SHOWN, len(said["entries"]))
    assert one.more == max(0, len(said["entries"]) - SHOWN)
    told = {str(row.name): row.verdict for row in one.hazards}
    assert told["Every number in the pack was paid for"] == "pass"
    assert told["The records themselves are locked away"] == "reported"


def test_entries_beyond_the_first_are_counted(said):
    many = {**said, "entries": said["entries"] * 3}
    (one,) = ledger_sections(document(many))
    assert (len(one.entries), one.more) == (SHOWN, len(many["entries"]) - SHOWN)


@pytest.mark.parametrize(
    ("epsilon", "factor", "posterior"),
    [
        (0.1, "1.11", "10.9 %"),
        (1.0, "2.72", "23.2 %"),
        (3.0, "20.1", "69.1 %"),
        (1e6, "e^1e+06", ""),
    ],
)
def test_epsilon_is_told_as_odds_and_as_what_somebody_may_think_afterwards(
    epsilon, factor, posterior
):
    """Posterior of a prior of 10 %: 0.1 e^eps / (0.9 + 0.1 e^eps)."""
    words = meaning(epsilon, 1e-6)
    for language in LANGUAGES:
        text = words.in_language(language)
        assert factor in text
        assert posterior in text
        assert "1e-06" in text


def test_a_ledger_that_costs_more_than_it_says_is_told_at_its_cost(said):
    (one,) = ledger_sections(document({**said, "epsilon": 0.1}))
    assert "2.72" in str(one.meaning)
    assert "epsilon 1," in str(budget_answer(document({**said, "epsilon": 0.1})))


def test_the_dossier_says_whether_the_guarantee_holds(said):
    assert "verified" in str(budget_answer(document(said)))
    assert "does not hold" in str(budget_answer(document(said, held=False)))


def test_every_text_stands_in_every_language(said):
    (one,) = ledger_sections(document(said))
    for words in (one.meaning, *(row.name for row in one.hazards), *(f.name for f in one.facts)):
        assert all(text and not re.search(r"[{}]", text) for text in words.texts)
