"""C10: that nobody can take the release for real records, or a number in it for a person's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthgen.fidelity.results import counted
from synthgen.findings import Finding, Inputs
from synthgen.schema.model import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Mapping

MEASURE = "labelling"

MARK = "SY"
"""What every identifier begins with; see :mod:`synthgen.cohort.identifiers`."""

MARK_COLUMNS = ("is_synthetic", "synthetic")
"""Columns that say so, where a table has no identifier."""

RESIDENT_NUMBER = re.compile(r"(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])-?(\d)(\d{6})")
WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
"""Of the check digit of a Korean resident registration number (Resident Registration Act,
enforcement rules; numbers issued since October 2020 no longer have one)."""


def is_resident_number(text: str) -> bool:
    """Whether a text could be a Korean resident registration number with its check digit.

    Examples
    --------
    >>> is_resident_number("not-a-number")
    False
    """
    found = RESIDENT_NUMBER.fullmatch(text.strip())
    if not found:
        return False
    digits = [int(c) for c in text if c.isdigit()]
    total = sum(w * d for w, d in zip(WEIGHTS, digits[:12], strict=True))
    return (11 - total % 11) % 10 == digits[12]


def labelling(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Tables without a mark, and cells that could be a real person's number.

    Parameters
    ----------
    inputs : Inputs
        With ``schema`` and ``cohort``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        ``tables``: how many tables neither have identifiers that all begin with ``SY`` nor a
        column ``is_synthetic`` that is always true.  ``numbers``: how many cells hold a
        resident registration number with a valid check digit.

    Notes
    -----
    "Labelling" is the first of the four checks of Raab, McCall & Cavin, arXiv:2503.14211.
    """
    del rng
    unmarked = [
        name for name, frame in inputs.cohort.items() if not is_marked(inputs.schema, name, frame)
    ]
    cells = sum(frame.size for frame in inputs.cohort.values())
    return [
        counted(MEASURE, "C", "tables", len(unmarked), len(inputs.cohort), {"unmarked": unmarked}),
        counted(MEASURE, "C", "numbers", _valid_numbers(inputs.cohort), cells),
    ]


def is_marked(schema: Any, name: str, frame: pd.DataFrame) -> bool:
    """Whether every row of a table says that it is synthetic."""
    for column in MARK_COLUMNS:
        if column in frame.columns:
            said = {str(v).lower() for v in frame[column].unique()}
            if said <= {"true", "1", "yes"}:
                return True
    identifiers = [
        column.name
        for table in schema.tables
        if table.name == name
        for column in table.columns
        if column.name in frame.columns
        and (column.sensitivity is Sensitivity.IDENTIFIER or column.name in table.primary_key)
    ]
    texts = [frame[column].astype(str) for column in identifiers]
    return bool(texts) and all(bool(t.str.startswith(MARK).all()) for t in texts)


def _valid_numbers(cohort: Mapping[str, pd.DataFrame]) -> int:
    found = 0
    for frame in cohort.values():
        for column in frame.columns:
            values = frame[column]
            if values.dtype.kind in "fbM" or str(values.dtype) == "boolean":
                continue
            texts = values.dropna().astype(str)
            counts = texts[texts.str.len() >= 13].value_counts()
            found += sum(int(k) for text, k in counts.items() if is_resident_number(str(text)))
    return found
