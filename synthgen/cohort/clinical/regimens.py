"""Which regimen a tumour gets at a line: shares, calendar, stage, markers, what it has had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.course import BoolArray, IntArray, Tumours
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


@dataclass(frozen=True, eq=False)
class Given:
    """What each tumour of a block has been given so far; filled in line by line.

    Regimens are the same where their drugs are: imatinib after an operation and imatinib of
    a relapse, whatever their doses and cycles.

    Parameters
    ----------
    places : mapping of frozenset of str to int
        Column of ``sets`` of each combination of ATC codes of the templates.
    sets : ndarray of bool, shape (n, combinations)
        Whether a tumour has had these drugs together.
    lines : ndarray of intp, shape (n,)
        Lines given; drugs before and after one operation are one.
    """

    places: Mapping[frozenset[str], int]
    sets: BoolArray
    lines: IntArray

    def place(self, regimen: Mapping[str, Any]) -> int:
        """Column of a regimen of a template."""
        return self.places[drugs_of(regimen)]


def drugs_of(regimen: Mapping[str, Any]) -> frozenset[str]:
    """ATC codes of a regimen, which are what makes two regimens the same."""
    return frozenset(drug["atc"] for drug in regimen["drugs"])


def nothing_given(n: int, templates: tuple[Template, ...]) -> Given:
    """The start of ``n`` tumours, before any drug."""
    places: dict[frozenset[str], int] = {}
    for template in templates:
        for regimen in template.regimens.values():
            places.setdefault(drugs_of(regimen), len(places))
    return Given(places, np.zeros((n, len(places)), dtype=np.bool_), np.zeros(n, dtype=np.intp))


def chosen_regimens(
    template: Template,
    tumours: Tumours,
    rows: IntArray,
    start: DayArray,
    panels: Panels,
    uniform: FloatArray,
    given: Given | None = None,
) -> tuple[IntArray, list[str]]:
    """Regimen of each tumour, as positions among names; -1 where there is none.

    A first course has the first line described.  A later line has the one after as many as
    the tumour has had (the last one stands for all beyond it), without regimens that the
    tumour has had, unless a choice names the source of a rechallenge; where nothing is left
    it has the next line described.

    Parameters
    ----------
    template : Template
    tumours : Tumours
    rows : ndarray of intp, shape (k,)
        Tumours that get the line.
    start : ndarray of int64, shape (k,)
        Days since 1970: a regimen is not chosen before its first day of use.
    panels : mapping of str to ndarray of intp
        Outcomes of marker panels of all tumours.
    uniform : ndarray of float64, shape (k,)
    given : Given, optional
        What the tumours have had, for a later line; without it the first course is asked for.
    """
    described = template.part("lines") or []
    found, names = np.full(len(rows), -1, dtype=np.intp), list[str]()
    if not described:
        return found, names
    last = len(described) - 1
    begin = np.zeros(len(rows), dtype=np.intp)
    if given is not None:
        begin = np.minimum(given.lines[rows], last)
    for number in range(last + 1 if given is not None else 1):
        asked = np.flatnonzero((begin <= number) & (found < 0))
        choices = [c for c in described[number]["choices"] if c["regimen"] in template.regimens]
        if not len(asked) or not choices:
            continue
        mine = rows[asked]
        shares = np.column_stack(
            [
                np.where(
                    _open_to(choice, template, tumours, mine, start[asked], panels, given),
                    float(choice["share"]),
                    0.0,
                )
                for choice in choices
            ]
        )
        chosen = picked_among(shares, uniform[asked])
        found[asked] = np.where(chosen >= 0, chosen + len(names), -1)
        names += [choice["regimen"] for choice in choices]
    return found, names


def _open_to(
    choice: Mapping[str, Any],
    template: Template,
    tumours: Tumours,
    rows: IntArray,
    start: DayArray,
    panels: Panels,
    given: Given | None,
) -> BoolArray:
    """Whether each tumour can be given a choice of a line."""
    condition = choice.get("when", {})
    if condition.get("relapse", given is not None) != (given is not None):
        return np.zeros(len(rows), dtype=np.bool_)
    allowed = tumours.meets(condition, rows)
    if "from" in choice:
        allowed &= start >= day_number(choice["from"])
    if "until" in choice:
        allowed &= start <= day_number(choice["until"])
    for panel, outcomes in choice.get("markers", {}).items():
        known = outcome_names(template, panel)
        wanted = [known.index(o) for o in outcomes if o in known]
        at = panels.get(panel, np.full(len(tumours), -1, dtype=np.intp))
        allowed &= np.isin(at[rows], wanted)
    if given is not None and "rechallenge" not in choice:
        allowed &= ~given.sets[rows, given.place(template.regimens[choice["regimen"]])]
    return allowed
