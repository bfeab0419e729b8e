"""Shipped models carry their evaluation: of these very files, and decided as it follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.errors import VerificationError
from synthgen.evaluation.documents import document_bytes, read_format
from synthgen.evaluation.evaluate import public_codes
from synthgen.evaluation.evaluation import read_evaluation
from synthgen.evaluation.public_edition import public_edition
from synthgen.evaluation.target import folder_hash, spoken_by
from synthgen.resources import shipped

REPORTS = Path(__file__).resolve().parents[3] / "evaluation" / "reports"
KEPT = sorted(path.parent.name for path in REPORTS.glob("*/evaluation.json"))
AGAIN = "run python evaluation/reports/run.py"


@pytest.mark.skipif(not REPORTS.is_dir(), reason="kept evaluations are part of a checkout only")
def test_models_of_patients_have_an_evaluation():
    assert {"kr-demo", "kr-rare"} <= set(KEPT), AGAIN


@pytest.mark.parametrize("model", KEPT)
def test_the_evaluation_is_of_the_model_that_is_shipped_and_its_decision_follows(model):
    made = read_evaluation(REPORTS / model)
    assert made.document["target"]["sha256"] == folder_hash(shipped("fitted_models")[model]), AGAIN
    assert made.document["target"]["origin"] == "public-statistics"
    assert made.document["claims"] == ["G0"]


@pytest.mark.parametrize("model", KEPT)
def test_the_public_edition_is_that_of_the_evaluation(model):
    made = read_evaluation(REPORTS / model)
    path = REPORTS / model / "evaluation.public.json"
    read_format(path, "evaluation/1", VerificationError)
    codes = public_codes(spoken_by(model))
    shown = public_edition(made.document, made.policy.k_min, codes)
    assert path.read_bytes() == document_bytes(shown), AGAIN
