"""A report says how many further tumours a cohort has, and that its numbers are of first ones."""

from __future__ import annotations

import synthgen
from synthgen.fidelity.compare import compare
from synthgen.report.cohort_page import cohort_report


def test_the_report_says_what_it_counts():
    model = synthgen.load_model("kr-demo")
    cohort = model.generate(300, seed=4, further_tumours=0.3)
    further = len(cohort["tumour"]) - 300
    assert further > 30
    page = cohort_report(model, cohort, compare(model, cohort))
    assert f"{further} of 300 patients; the numbers of this page are of first tumours" in page
    assert f"환자 300명에서 {further}개" in page
    alone = model.generate(300, seed=4, further_tumours=0)
    without = cohort_report(model, alone, compare(model, alone))
    assert "of first tumours" not in without
    numbers = [compare(model, c) for c in (cohort, alone)]
    assert numbers[0] == numbers[1]  # every estimate is that of the first tumours
