"""U8: the quality report of SDMetrics, for those who know it; it never decides."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthgen.errors import MissingExtraError
from synthgen.extras import require
from synthgen.fidelity.encoding import numbers, texts
from synthgen.fidelity.marginals import real_patients
from synthgen.fidelity.results import counted
from synthgen.findings import NO_RECORDS, Finding, Inputs, Subjects, not_testable

MEASURE = "sdmetrics_quality"

TABLE = "patients"
NO_SDV_EXTRA = "measure.reason.no_sdv_extra"
"""Catalogue key: SDMetrics is not installed."""


def sdmetrics_quality(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Shortfall of the two parts of SDMetrics' quality report from 1.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` or ``control``, or both.
    rng : numpy.random.Generator
        Not used; SDMetrics draws nothing here.

    Returns
    -------
    list of Finding
        ``Column Shapes`` and ``Column Pair Trends``; no bounds are known, and no average of
        the two is made.

    Notes
    -----
    ``sdmetrics.reports.QualityReport`` (0.32) of the extra ``sdv``.  A metric that
    crashes there is left out of its average, which raises the score; the detail counts them.
    """
    del rng
    real = real_patients(inputs)
    if real is None:
        return [not_testable(MEASURE, "U", NO_RECORDS)]
    try:
        reports = require("sdv", "sdmetrics.reports")
    except MissingExtraError:
        return [not_testable(MEASURE, "U", NO_SDV_EXTRA)]
    kinds = {name: {"sdtype": "categorical"} for name in real.categorical}
    kinds |= {name: {"sdtype": "numerical"} for name in real.numeric}
    report = reports.QualityReport()
    metadata = {"tables": {TABLE: {"columns": kinds}}}
    frames = [{TABLE: _plain(side)} for side in (real, inputs.synthetic)]
    report.generate(*frames, metadata, verbose=False)
    findings = []
    for row in report.get_properties().to_dict("records"):
        part = str(row["Property"])
        details = report.get_details(part)
        crashed = int(details["Error"].notna().sum()) if "Error" in details else 0
        detail = {"crashed": crashed}
        findings.append(
            counted(MEASURE, "U", part, 1.0 - float(row["Score"]), len(details), detail)
        )
    return findings


def _plain(subjects: Subjects) -> Any:
    """Frame of plain texts and numbers."""
    import pandas as pd

    columns: dict[str, Any] = {c: texts(subjects.frame[c]) for c in subjects.categorical}
    columns |= {c: numbers(subjects.frame[c]) for c in subjects.numeric}
    return pd.DataFrame(columns)
