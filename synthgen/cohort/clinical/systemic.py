"""Rows of ``treatment_line`` and ``drug_exposure``: lines with their ends, drugs by cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, picked
from synthgen.cohort.clinical.first_course import Course
from synthgen.cohort.clinical.later_course import KINDS, Later
from synthgen.cohort.clinical.rows import Rows, Words, child_ids, days, in_order, joined, numbers
from synthgen.cohort.clinical.templates import Template
from synthgen.schema.model import CodeList

DayArray = npt.NDArray[np.int64]

#: Most rows of one drug in a line; their numbers have three digits.
MOST_ROWS = 300
_RESPONSES = ("CR", "PR", "SD", "PD", "NE")


def line_rows(
    tumours: Tumours,
    templates: tuple[Template, ...],
    course: Course,
    later: Later,
    draws: Draws,
) -> Rows:
    """Lines of a block in order, with what :func:`drug_rows` needs beside the columns.

    Parameters
    ----------
    tumours : Tumours
    templates : tuple of Template
    course, later
        The first course and what came after.
    draws : Draws
    """
    parts = [*course.lines, *later.lines]
    names = ("at", "start", "cycles", "cycle_days")
    rows = joined(parts, names)
    regimen = [word for part in parts for word in part["regimen"]]
    intent = [word for part in parts for word in part["intent"]]
    words = Words()
    rows["regimen"] = words.positions(regimen)
    rows["at"] = rows["at"].astype(np.intp)
    intents = Words()
    rows["intent"] = intents.positions(intent)
    rows = in_order(rows, "start")
    at, start = rows["at"], rows["start"].astype(np.int64)
    number = numbers(at)
    window = tumours.window[at]
    planned = np.where(np.isfinite(rows["cycles"]), rows["cycles"] * rows["cycle_days"] - 1, 1e9)
    planned_end = np.minimum(start + np.maximum(planned, 0), 1e9).astype(np.int64)
    following = _following(at, start)
    event = _event_after(later.next_event, at, start)
    end = np.minimum.reduce([planned_end, following, event, window])
    end = np.maximum(end, start)
    ongoing = (end == window) & (planned_end > window) & ~tumours.dead[at] & (event > window)
    stop = np.where(
        end == event,
        0,
        np.where((end == window) & tumours.dead[at] & (planned_end > window), 1, 4),
    )
    stop = np.where(ongoing, -1, stop).astype(np.intp)
    cycles = (end - start) // np.maximum(rows["cycle_days"], 1).astype(np.int64) + 1
    limit = np.where(np.isfinite(rows["cycles"]), np.maximum(rows["cycles"], 1), 500)
    rows |= {
        "number": number,
        "start": start,
        "end": end,
        "ongoing": ongoing,
        "stop": stop,
        "cycles": np.minimum(cycles, limit).astype(np.int64),
        "response": _consistent(_responses(tumours, templates, rows, words, number, draws), stop),
        "words": words,
        "intents": intents,
    }
    rows["id"] = child_ids(tumours.ids[at], "L", number)
    return rows


def _following(at: IntArray, start: DayArray) -> DayArray:
    """Day before the next line of the same tumour; far away for the last."""
    far = np.full(len(at), 10**9, dtype=np.int64)
    if len(at) > 1:
        same = at[1:] == at[:-1]
        far[:-1] = np.where(same, np.maximum(start[1:] - 1, start[:-1]), far[:-1])
    return far


def _event_after(next_event: DayArray, at: IntArray, start: DayArray) -> DayArray:
    """Day of the first event after each line's start; far away without one."""
    found = np.full(len(at), 10**9, dtype=np.int64)
    for day in next_event.T:
        later = day[at]
        found = np.where((later >= start) & (later < found), later, found)
    return found


def _responses(
    tumours: Tumours,
    templates: tuple[Template, ...],
    rows: Rows,
    words: Words,
    number: IntArray,
    draws: Draws,
) -> IntArray:
    """Best response, where the source of the regimen gives its shares; -1 otherwise."""
    at = rows["at"]
    found = np.full(len(at), -1, dtype=np.intp)
    known = words.column(np.arange(0)).categories
    u = np.zeros(len(at))
    for line in range(1, int(number.max(initial=0)) + 1):
        of_line = number == line
        u[of_line] = draws.uniform(f"response {line}", len(tumours))[at[of_line]]
    for position, template in enumerate(templates):
        of_template = tumours.template[at] == position
        if not of_template.any():
            continue
        for place, name in enumerate(known):
            said = template.regimens.get(str(name), {}).get("response")
            mine = np.flatnonzero(of_template & (rows["regimen"] == place))
            if said is None or not len(mine):
                continue
            shares = [float(said.get(r, 0.0)) for r in _RESPONSES]
            found[mine] = picked(shares, u[mine])
    return found


def _consistent(response: IntArray, stop: IntArray) -> IntArray:
    """No progression as the best response of a line that went on to its planned end.

    Parameters
    ----------
    response : ndarray of intp, shape (lines,)
    stop : ndarray of intp, shape (lines,)
        Position of the reason: 0 progression, 1 death, 4 completed, -1 not ended.
    """
    progressed = response == _RESPONSES.index("PD")
    stable = progressed & (stop != 0) & (stop != 1)
    return np.asarray(np.where(stable, _RESPONSES.index("SD"), response), dtype=np.intp)


def line_columns(tumours: Tumours, templates: tuple[Template, ...], rows: Rows) -> dict[str, Any]:
    """Columns of the table ``treatment_line``."""
    from synthgen.cohort.columns import coded

    at = rows["at"]
    absolute = tumours.diagnosis[at]
    end = days(absolute + rows["end"])
    return {
        "line_id": rows["id"].astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "line_number": rows["number"],
        "intent": rows["intents"].column(rows["intent"]),
        "regimen": _regimen_names(tumours, templates, rows),
        "start_date": days(absolute + rows["start"]),
        "end_date": np.where(rows["ongoing"], np.datetime64("NaT", "D"), end),
        "cycles": rows["cycles"],
        "stop_reason": coded(("1", "2", "3", "4", "9"), rows["stop"]),
        "best_response": coded(_RESPONSES, rows["response"]),
    }


def _regimen_names(tumours: Tumours, templates: tuple[Template, ...], rows: Rows) -> Any:
    known = [str(name) for name in rows["words"].column(np.arange(0)).categories]
    names, found = Words(), np.full(len(rows["at"]), -1, dtype=np.intp)
    for position, template in enumerate(templates):
        of_template = tumours.template[rows["at"]] == position
        for place, name in enumerate(known):
            if name in template.regimens:
                mine = of_template & (rows["regimen"] == place)
                found[mine] = names.at(template.regimens[name]["name"])
    return names.column(found)


def drug_rows(
    tumours: Tumours, templates: tuple[Template, ...], rows: Rows, atc: CodeList
) -> dict[str, Any]:
    """Columns of the table ``drug_exposure``: a row for each drug, cycle and day given."""
    from synthgen.cohort.columns import coded

    known = [str(name) for name in rows["words"].column(np.arange(0)).categories]
    kind = {c.code: c.implies.get("class", ("99",))[0] for c in atc.codes}
    drugs, units, routes, classes = Words(), Words(), Words(), Words()
    parts: list[Mapping[str, Any]] = []
    for position, template in enumerate(templates):
        of_template = tumours.template[rows["at"]] == position
        for place, name in enumerate(known):
            mine = np.flatnonzero(of_template & (rows["regimen"] == place))
            if name not in template.regimens or not len(mine):
                continue
            for drug in template.regimens[name]["drugs"]:
                for day in drug.get("days", (1,)):
                    line, when = _given(rows, mine, int(day) - 1)
                    n = len(line)
                    parts.append(
                        {
                            "at": line,
                            "day": when,
                            "atc": np.full(n, drugs.at(drug["atc"])),
                            "class": np.full(n, classes.at(kind.get(drug["atc"], "99"))),
                            "dose": np.full(n, float(drug.get("dose", np.nan))),
                            "unit": np.full(n, units.at(drug.get("unit"))),
                            "route": np.full(n, routes.at(drug.get("route"))),
                        }
                    )
    made = joined(parts, ("at", "day", "atc", "class", "dose", "unit", "route"))
    made = in_order({k: v if k == "dose" else v.astype(np.int64) for k, v in made.items()}, "day")
    line = made["at"].astype(np.intp)
    number = numbers(line)
    kept = number < 1000
    made = {name: values[kept] for name, values in made.items()}
    line, number = line[kept], number[kept]
    parent = rows["id"][line] if len(rows["id"]) else np.empty(0, dtype="S15")
    absolute = tumours.diagnosis[rows["at"][line]] if len(line) else np.empty(0, dtype=np.int64)
    return (
        {
            "drug_id": child_ids(parent, "D", number, 3).astype(np.str_),
            "line_id": parent.astype(np.str_),
            "start_date": days(absolute + made["day"]),
            "atc": drugs.column(made["atc"]),
            "class": coded_or_empty(classes, made["class"]),
            "dose": made["dose"],
            "dose_unit": coded_or_empty(units, made["unit"]),
            "route": coded_or_empty(routes, made["route"]),
        }
        if len(line)
        else {
            "drug_id": np.empty(0, dtype="U19"),
            "line_id": np.empty(0, dtype="U15"),
            "start_date": days(np.empty(0, dtype=np.int64)),
            "atc": coded(("",), np.empty(0, dtype=np.intp)),
        }
    )


def coded_or_empty(words: Words, positions: IntArray) -> Any:
    """Text column from positions among words."""
    return words.column(positions)


def _given(rows: Rows, mine: IntArray, offset: int) -> tuple[IntArray, DayArray]:
    """Line and day of every cycle of some lines, at a day of the cycle, within the line."""
    repeats = np.minimum(rows["cycles"][mine], MOST_ROWS)
    line = np.repeat(mine, repeats)
    cycle = numbers(line) - 1
    day = rows["start"][line] + cycle * rows["cycle_days"][line].astype(np.int64) + offset
    inside = (day <= rows["end"][line]) | (cycle == 0) & (offset == 0)
    return line[inside], day[inside].astype(np.int64)


def remissions(rows: Rows) -> dict[str, Any]:
    """Events of complete remission: the end of a first line with complete response."""
    cr = rows["response"] == _RESPONSES.index("CR")
    mine = np.flatnonzero(cr & (rows["number"] == 1) & ~rows["ongoing"] & (rows["end"] > 0))
    return {
        "at": rows["at"][mine],
        "day": rows["end"][mine],
        "kind": np.full(len(mine), len(KINDS), dtype=np.intp),
    }
