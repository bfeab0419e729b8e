"""What comes after the first course: recurrence, progression, later lines, and their ends.

Who dies of the tumour has had it come back or progress before; when, and by which way, the
template says, within the time between the first course and the death that the model drew.
Of the others a share has a recurrence.  Later lines follow such events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, lengths, picked
from synthgen.cohort.clinical.first_course import Course
from synthgen.cohort.clinical.regimens import Given, Panels, chosen_regimens
from synthgen.cohort.clinical.templates import Template

DayArray = npt.NDArray[np.int64]

#: Kinds of events, as codes of ``outcome.event_type``.
KINDS = ("recurrence_local", "recurrence_distant", "both", "progression")
#: Most events of one tumour, and so the most lines after the first course.
MOST = 3
#: Intent of a later line where the template says none.
PALLIATIVE = "07"
#: Days from an event to the line that answers it.
_ANSWER = 21


@dataclass(frozen=True, eq=False)
class Later:
    """Events and lines after the first course.

    Parameters
    ----------
    events : list of mapping
        ``at``, ``day`` since diagnosis, ``kind`` (position in :data:`KINDS`), in order.
    lines : list of mapping
        As :class:`~synthgen.cohort.clinical.first_course.Course` has them.
    next_event : ndarray of int64, shape (n, MOST)
        Day of each tumour's events; -1 for none.
    """

    events: list[Mapping[str, Any]]
    lines: list[dict[str, Any]]
    next_event: DayArray


def later_course(
    tumours: Tumours,
    templates: tuple[Template, ...],
    course: Course,
    draws: Draws,
    panels: Panels,
) -> Later:
    """Events and lines after the first course of every tumour of a block."""
    n = len(tumours)
    days = np.full((n, MOST), -1, dtype=np.int64)
    kinds = np.full(n, -1, dtype=np.intp)
    share = np.zeros((n, MOST))
    _first_events(tumours, templates, course, draws, days, kinds, share)
    events: list[Mapping[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for number in range(MOST):
        at = np.flatnonzero(days[:, number] >= 0)
        kind = kinds[at] if number == 0 else np.full(len(at), KINDS.index("progression"))
        events.append({"at": at, "day": days[at, number], "kind": kind})
        start = days[:, number] + _ANSWER
        u = draws.uniform(f"line after event {number + 1}", n)
        treated = (days[:, number] >= 0) & (u < share[:, number]) & (start <= tumours.window)
        begun = _lines(tumours, templates, draws, panels, course.given, number, treated, start)
        lines += begun
        if number + 1 < MOST:
            # Only who dies of the tumour and was treated again has a further progression told.
            treated = np.zeros(n, dtype=np.bool_)
            for line in begun:
                treated[line["at"]] = True
            again = treated & tumours.fatal & (tumours.window - start > 2 * _ANSWER)
            part = draws.uniform(f"further progression {number + 1}", n)
            day = start + np.floor((tumours.window - start) * part).astype(np.int64)
            days[:, number + 1] = np.where(again, np.maximum(day, start + 1), -1)
    return Later(events, lines, days)


def _first_events(
    tumours: Tumours,
    templates: tuple[Template, ...],
    course: Course,
    draws: Draws,
    days: DayArray,
    kinds: IntArray,
    share: npt.NDArray[np.float64],
) -> None:
    """Fill in day and kind of the first event, and the shares that get a line after each."""
    n = len(tumours)
    u = {p: draws.uniform(p, n) for p in ("kind of event", "time of event", "relapse survived")}
    normal = draws.normal("time of relapse", n)
    distant = tumours.distant
    cured = tumours.flags["surgery"] & ~distant
    low = np.maximum(course.last_start + 1, 1)
    for position, template in enumerate(templates):
        rows, relapse = tumours.rows_of(position), template.part("relapse")
        if not len(rows) or not relapse:
            continue
        for number, given in enumerate(relapse.get("later_lines", {}).get("shares", ())[:MOST]):
            share[rows, number] = given
        if "kinds" in relapse:
            said = relapse["kinds"]
            kind = picked([said.get(k, 0.0) for k in KINDS[:3]], u["kind of event"][rows])
            kinds[rows] = np.where(cured[rows], kind, KINDS.index("progression"))
        else:
            kinds[rows] = KINDS.index("progression")
        if "fatal" in relapse:
            mine = rows[tumours.fatal[rows] & (tumours.window[rows] >= low[rows])]
            room = tumours.window[mine] - low[mine]
            part = u["time of event"][mine] * float(relapse["fatal"].get("latest", 1.0))
            days[mine, 0] = low[mine] + np.floor(room * part).astype(np.int64)
        if "survivors" in relapse:
            survivors = relapse["survivors"]
            hit = u["relapse survived"][rows] < float(survivors["share"])
            mine = rows[hit & ~tumours.fatal[rows] & cured[rows]]
            day = low[mine] + np.floor(lengths(survivors["days"], normal[mine])).astype(np.int64)
            days[mine, 0] = np.where(day <= tumours.window[mine], day, -1)


def _lines(
    tumours: Tumours,
    templates: tuple[Template, ...],
    draws: Draws,
    panels: Panels,
    given: Given,
    number: int,
    treated: npt.NDArray[np.bool_],
    start: DayArray,
) -> list[dict[str, Any]]:
    made = []
    uniform = draws.uniform(f"regimen {number + 2}", len(tumours))
    for position, template in enumerate(templates):
        rows = tumours.rows_of(position)
        rows = rows[treated[rows]]
        if not len(rows):
            continue
        begins = tumours.diagnosis[rows] + start[rows]
        at, names = chosen_regimens(template, tumours, rows, begins, panels, uniform[rows], given)
        intent = template.part("relapse")["later_lines"].get("intent", PALLIATIVE)
        for k, name in enumerate(names):
            mine, regimen = rows[at == k], template.regimens[name]
            if not len(mine):
                continue
            given.sets[mine, given.place(regimen)] = True
            given.lines[mine] += 1
            made.append(
                {
                    "at": mine,
                    "start": start[mine],
                    "regimen": np.full(len(mine), name, dtype=object),
                    "cycles": np.full(len(mine), float(regimen.get("cycles") or np.inf)),
                    "cycle_days": np.full(len(mine), float(regimen["cycle_days"])),
                    "intent": np.full(len(mine), intent, dtype="<U2"),
                    "kind": np.full(len(mine), "later", dtype="<U8"),
                }
            )
    return made
