"""Which regimen a tumour gets at a line: shares, calendar, stage, treatment and markers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import FloatArray, picked_among
from synthgen.cohort.clinical.templates import Template

DayArray = npt.NDArray[np.int64]
#: Outcome of each tested panel by tumour: panel -> position of the outcome, -1 untested.
Panels = Mapping[str, IntArray]

_EPOCH = date(1970, 1, 1)


def day_number(text: str) -> int:
    """Days from 1970-01-01 to an ISO date."""
    return (date.fromisoformat(text) - _EPOCH).days


def outcome_names(template: Template, panel: str) -> list[str]:
    """Names of the outcomes of a panel, in order."""
    for said in template.part("biomarkers") or ():
        if said["panel"] == panel:
            return [outcome["name"] for outcome in said["outcomes"]]
    return []


def chosen_regimens(
    template: Template,
    line: int,
    tumours: Tumours,
    rows: IntArray,
    start: DayArray,
    panels: Panels,
    uniform: FloatArray,
) -> tuple[IntArray, list[str]]:
    """Regimen of each tumour at a line, as positions among names; -1 where there is none.

    Parameters
    ----------
    template : Template
    line : int
        From 1; lines beyond the last one described are as the last one.
    tumours : Tumours
    rows : ndarray of intp, shape (k,)
        Tumours that get the line.
    start : ndarray of int64, shape (k,)
        Days since 1970: a regimen is not chosen before its first day of use.
    panels : mapping of str to ndarray of intp
        Outcomes of marker panels of all tumours.
    uniform : ndarray of float64, shape (k,)
    """
    described = template.part("lines") or []
    if not described:
        return np.full(len(rows), -1, dtype=np.intp), []
    choices: list[Mapping[str, Any]] = described[min(line, len(described)) - 1].get("choices", [])
    names = [choice["regimen"] for choice in choices]
    if not names:
        return np.full(len(rows), -1, dtype=np.intp), []
    shares = np.zeros((len(rows), len(names)))
    for k, choice in enumerate(choices):
        if choice["regimen"] not in template.regimens:
            continue
        open_to = tumours.meets(choice.get("when", {}), rows)
        if "from" in choice:
            open_to &= start >= day_number(choice["from"])
        if "until" in choice:
            open_to &= start <= day_number(choice["until"])
        for panel, outcomes in choice.get("markers", {}).items():
            known = outcome_names(template, panel)
            wanted = [known.index(o) for o in outcomes if o in known]
            at = panels.get(panel, np.full(len(tumours), -1, dtype=np.intp))
            open_to &= np.isin(at[rows], wanted)
        shares[:, k] = np.where(open_to, float(choice["share"]), 0.0)
    return picked_among(shares, uniform), names
