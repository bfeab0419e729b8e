"""U1: whether the release keeps its own contract: structure, codes, keys, rules."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from synthgen.fidelity.results import counted
from synthgen.findings import MISSING_INPUT, TOO_FEW, Finding, Inputs, not_testable
from synthgen.schema.model import Severity
from synthgen.schema.validation.tables import check_tables

MEASURE = "validity"


def validity(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Share of rows that break the schema or an impossible rule, and that meet an unlikely one.

    Parameters
    ----------
    inputs : Inputs
        With ``schema`` and ``cohort``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        ``impossible``: broken entries for each row, so that it may exceed 1; a table that
        is missing counts as every row.  Without sampling error.

    Notes
    -----
    It is what ``synthgen check`` finds in the same tables.  Unlikely rules are met by real
    rare cancers, so they are in the detail and not in the estimate.
    """
    del rng
    if not inputs.cohort:
        return [not_testable(MEASURE, "U", MISSING_INPUT)]
    rows = sum(len(frame) for frame in inputs.cohort.values())
    if rows == 0:
        return [not_testable(MEASURE, "U", TOO_FEW)]
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in inputs.cohort.items():
            frame.to_csv(Path(folder) / f"{name}.csv", index=False)
        report = check_tables(folder, inputs.schema)
    impossible = [b for b in report.broken if b.severity is Severity.IMPOSSIBLE]
    unlikely = [b for b in report.broken if b.severity is Severity.UNLIKELY]
    broken = sum(b.count or rows for b in impossible)
    detail = {
        "rules": {f"{b.rule} {b.where}": b.count for b in impossible},
        "unlikely": {b.rule: b.count for b in unlikely},
    }
    return [counted(MEASURE, "U", "impossible", broken / rows, rows, detail)]
