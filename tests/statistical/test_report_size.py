"""The report of the largest shipped model: every number in it, and below a megabyte."""

from __future__ import annotations

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.fidelity.compare import compare
from synthgen.report.cohort_page import cohort_report

MEGABYTE = 1_000_000


@pytest.mark.parametrize("patients", [2_000, 20_000])
def test_the_report_of_kr_rare_is_below_a_megabyte_with_every_number(patients):
    model = load_model("kr-rare")
    cohort = model.generate(patients, seed=7)
    comparisons = compare(model, cohort)
    html = cohort_report(model, cohort, comparisons)
    assert len(html.encode()) < MEGABYTE
    numbers = html[html.index('<section id="numbers"') :]
    assert numbers.count("<tr><th>") == len(comparisons) > 1_500
    assert numbers.count("<svg class=") > 400  # small pictures of the largest gaps
