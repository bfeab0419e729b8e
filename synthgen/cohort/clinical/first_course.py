"""The first course of treatment: what the registry's flags say, in order and in time.

Each flag of ``first_treatment_flags`` becomes one event.  Their order and the days between
them come from the template; where a patient dies, or is last seen, before the whole course
could have begun, the course is pressed together so that everything that the registry says
was given was begun in time.  Survival therefore stays what the model drew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.course import BoolArray, IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, FloatArray, lengths
from synthgen.cohort.clinical.regimens import Given, Panels, chosen_regimens, nothing_given
from synthgen.cohort.clinical.templates import Template

DayArray = npt.NDArray[np.int64]

#: Days of a course of radiotherapy for the order of events, five fractions a week.
_WEEK, _FRACTIONS_A_WEEK = 7, 5
#: Days between the end of one kind of treatment and the next where the template has none.
_PAUSE = 21.0


@dataclass(frozen=True, eq=False)
class Course:
    """The first course; days since diagnosis, -1 where there is none.

    Parameters
    ----------
    surgery, radiotherapy : ndarray of int64, shape (n,)
        Day of the operation; first day of radiotherapy.
    before : ndarray of bool, shape (n,)
        Whether radiotherapy comes before the operation.
    neoadjuvant : ndarray of bool, shape (n,)
        Whether drugs come before the operation.
    rt_plan : ndarray of intp, shape (n,)
        Position of the radiotherapy plan in the template; -1 none.
    lines : list of mapping
        Systemic treatments: ``at``, ``start`` [days], ``template``, ``regimen`` (name),
        ``cycles`` planned, ``intent``; one array each.
    last_start : ndarray of int64, shape (n,)
        Day on which the last part began; 0 without treatment.
    given : Given
        Drugs of the course.
    """

    surgery: DayArray
    radiotherapy: DayArray
    before: BoolArray
    neoadjuvant: BoolArray
    rt_plan: IntArray
    lines: list[Mapping[str, Any]]
    last_start: DayArray
    given: Given


@dataclass(frozen=True, eq=False)
class _Plan:
    """Parameters of each tumour, before anything is put in time."""

    first: FloatArray
    neoadjuvant: BoolArray
    before: BoolArray
    gap: FloatArray
    rt_days: FloatArray
    rt_plan: IntArray


def first_course(
    tumours: Tumours, templates: tuple[Template, ...], draws: Draws, panels: Panels
) -> Course:
    """First course of treatment of every tumour of a block.

    Parameters
    ----------
    tumours : Tumours
    templates : tuple of Template
    draws : Draws
    panels : mapping of str to ndarray of intp
        Outcomes of marker panels, for regimens that need one.
    """
    n = len(tumours)
    flags = tumours.flags
    plan = _plans(tumours, templates, draws)
    known = np.isfinite(plan.first)
    surgical = flags["surgery"] & known
    systemic = flags["chemotherapy"] & known
    rt = flags["radiotherapy"] & known & (plan.rt_plan >= 0)
    neo, before = plan.neoadjuvant & systemic & surgical, plan.before & rt & surgical
    given = nothing_given(n, templates)
    drugs = _first_drugs(tumours, templates, draws, panels, systemic, given)
    days_before = np.where(neo, drugs["cycles_before"] * drugs["cycle_days"], 0.0)
    cursor = np.where(known, plan.first, 0.0)
    starts: dict[str, FloatArray] = {}
    starts["neo"] = np.where(neo, cursor, np.nan)
    cursor = cursor + np.where(neo, days_before + _PAUSE, 0.0)
    starts["rt before"] = np.where(before, cursor, np.nan)
    cursor = cursor + np.where(before, plan.rt_days + 2 * _PAUSE, 0.0)
    starts["surgery"] = np.where(surgical, cursor, np.nan)
    after_neo = neo & (drugs["cycles"] > drugs["cycles_before"])
    drugs_after = systemic & (~neo | after_neo)
    cursor = cursor + np.where(surgical & (drugs_after | rt), plan.gap, 0.0)
    starts["drugs"] = np.where(drugs_after, cursor, np.nan)
    cycles_after = np.where(after_neo, drugs["cycles"] - drugs["cycles_before"], drugs["cycles"])
    # Without surgery drugs and radiotherapy go together; after it they follow each other.
    wait = np.where(drugs_after & surgical, cycles_after * drugs["cycle_days"] + _PAUSE, 0.0)
    rt_after = rt & ~before
    starts["rt"] = np.where(rt_after, cursor + np.minimum(wait, 180.0), np.nan)
    for name in ("immunotherapy", "hormone"):
        starts[name] = np.where(flags[name] & known, cursor, np.nan)
    pressed, last = _pressed(starts, tumours.window)
    lines = [
        _line(drugs, pressed["neo"], drugs["cycles_before"], "06", "neo"),
        _line(drugs, pressed["drugs"], cycles_after, "", "drugs"),
    ]
    cured = surgical & (neo | ~tumours.distant)
    intent = np.where(cured, "01", np.where(tumours.distant, "07", np.where(rt, "02", "04")))
    lines[1]["intent"] = intent[lines[1]["at"]]
    lines += _other_systemic(templates, pressed, given)
    return Course(
        pressed["surgery"],
        np.where(before, pressed["rt before"], pressed["rt"]),
        before,
        neo,
        np.where(rt, plan.rt_plan, -1),
        [line for line in lines if len(line["at"])],
        np.where(n > 0, last, 0),
        given,
    )


def _pressed(
    starts: Mapping[str, FloatArray], window: DayArray
) -> tuple[dict[str, DayArray], DayArray]:
    """Whole days, all within the time that the patient was seen; -1 for what is not given."""
    latest = np.zeros(len(window))
    for start in starts.values():
        latest = np.fmax(latest, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(latest > window, window / np.maximum(latest, 1.0), 1.0)
    made: dict[str, DayArray] = {}
    last = np.zeros(len(window), dtype=np.int64)
    for name, start in starts.items():
        given = np.isfinite(start)
        day = np.floor(np.where(given, start, 0.0) * factor).astype(np.int64)
        made[name] = np.where(given, day, -1)
        last = np.maximum(last, made[name])
    return made, last


def _plans(tumours: Tumours, templates: tuple[Template, ...], draws: Draws) -> _Plan:
    n = len(tumours)
    first, gap = np.full(n, np.nan), np.full(n, _PAUSE)
    neo, before = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    rt_days, rt_plan = np.zeros(n), np.full(n, -1, dtype=np.intp)
    drawn = {name: draws.normal(name, n) for name in ("first treatment", "gap after surgery")}
    u_neo, u_before = draws.uniform("neoadjuvant", n), draws.uniform("radiotherapy before", n)
    for position, template in enumerate(templates):
        rows = tumours.rows_of(position)
        if not len(rows):
            continue
        duration = template.part("first_treatment")
        if "median" in duration:
            first[rows] = lengths(duration, drawn["first treatment"][rows])
        chemotherapy = template.part("chemotherapy")
        if "gap" in chemotherapy:
            gap[rows] = lengths(chemotherapy["gap"], drawn["gap after surgery"][rows])
        share = float(chemotherapy.get("neoadjuvant", {}).get("share", 0.0))
        neo[rows] = u_neo[rows] < share
        for number, said in enumerate(template.part("radiotherapy") or ()):
            mine = rows[tumours.meets(said.get("when", {}), rows) & (rt_plan[rows] < 0)]
            rt_plan[mine] = number
            rt_days[mine] = -(-int(said["fractions"]) // _FRACTIONS_A_WEEK) * _WEEK
            before[mine] = u_before[mine] < float(said.get("before_surgery", 0.0))
    return _Plan(first, neo, before, gap, rt_days, rt_plan)


def _first_drugs(
    tumours: Tumours,
    templates: tuple[Template, ...],
    draws: Draws,
    panels: Panels,
    systemic: BoolArray,
    given: Given,
) -> dict[str, Any]:
    """Regimen, cycles and length of a cycle of the first line, for every tumour."""
    n = len(tumours)
    uniform = draws.uniform("regimen 1", n)
    made = {
        "regimen": np.full(n, "", dtype=object),
        "cycles": np.zeros(n),
        "cycles_before": np.zeros(n),
        "cycle_days": np.full(n, 21.0),
    }
    for position, template in enumerate(templates):
        rows = tumours.rows_of(position)
        rows = rows[systemic[rows]]
        if not len(rows):
            continue
        # The course may be pressed together, so a regimen must be in use on the day of diagnosis.
        start = tumours.diagnosis[rows]
        at, names = chosen_regimens(template, tumours, rows, start, panels, uniform[rows])
        for k, name in enumerate(names):
            mine, regimen = rows[at == k], template.regimens[name]
            if not len(mine):
                continue
            given.sets[mine, given.place(regimen)] = True
            given.lines[mine] = 1
            made["regimen"][mine] = name
            made["cycle_days"][mine] = regimen["cycle_days"]
            made["cycles"][mine] = regimen.get("cycles") or np.inf
            planned = regimen.get("cycles") or 8
            made["cycles_before"][mine] = regimen.get("before", min(planned, 4))
    return made


def _line(
    drugs: Mapping[str, Any], start: DayArray, cycles: FloatArray, intent: str, kind: str
) -> dict[str, Any]:
    at = np.flatnonzero((start >= 0) & (drugs["regimen"] != ""))
    return {
        "at": at,
        "start": start[at],
        "regimen": drugs["regimen"][at],
        "cycles": cycles[at],
        "cycle_days": drugs["cycle_days"][at],
        "intent": np.full(len(at), intent, dtype="<U2"),
        "kind": np.full(len(at), kind, dtype="<U8"),
    }


def _other_systemic(
    templates: tuple[Template, ...], pressed: Mapping[str, DayArray], given: Given
) -> list[dict[str, Any]]:
    """Lines of the flags for immunotherapy and hormones, with the plain regimens."""
    made = []
    for name in ("immunotherapy", "hormone"):
        regimen = templates[0].regimens.get(name)
        at = np.flatnonzero(pressed[name] >= 0)
        if regimen is None or not len(at):
            continue
        given.sets[at, given.place(regimen)] = True
        made.append(
            {
                "at": at,
                "start": pressed[name][at],
                "regimen": np.full(len(at), name, dtype=object),
                "cycles": np.full(len(at), float(regimen.get("cycles") or np.inf)),
                "cycle_days": np.full(len(at), float(regimen["cycle_days"])),
                "intent": np.full(len(at), "99", dtype="<U2"),
                "kind": np.full(len(at), name[:8], dtype="<U8"),
            }
        )
    return made
