"""The reports of the largest shipped models: every number in it, and below a megabyte."""

from __future__ import annotations

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.fidelity.compare import compare
from synthgen.report.cohort_page import ROWS_DRAWN, cohort_report

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("name", "patients"), [("kr-rare", 2_000), ("kr-rare", 20_000), ("ee-rare", 2_000)]
)
def test_the_report_of_a_large_model_is_below_a_megabyte_with_every_number(name, patients):
    model = load_model(name)
    cohort = model.generate(patients, seed=7)
    comparisons = compare(model, cohort)
    html = cohort_report(model, cohort, comparisons)
    assert len(html.encode()) < MEGABYTE
    numbers = html[html.index('<section id="numbers"') :]
    assert numbers.count("<tr><th>") == len(comparisons) > 1_500
    assert numbers.count("<svg class=") > ROWS_DRAWN  # small pictures of the largest gaps
