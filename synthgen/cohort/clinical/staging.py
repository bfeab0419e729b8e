"""Rows of ``staging``: categories and groups that agree with the summary stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, FloatArray, picked
from synthgen.cohort.clinical.first_course import Course
from synthgen.cohort.clinical.regimens import day_number
from synthgen.cohort.clinical.rows import Rows, Words, child_ids, days, in_order, joined, numbers
from synthgen.cohort.clinical.templates import Template

#: Stands in a template for the edition of TNM in use on the day of diagnosis.
TNM = "AJCC"
#: First days of use of the editions; before the older one there is no TNM row.
EDITION_8, EDITION_7 = "2018-01-01", "2010-01-01"
_COLUMNS = ("at", "day", "timing", "system", "t", "n", "m", "group")


def staging_rows(
    tumours: Tumours, templates: tuple[Template, ...], course: Course, draws: Draws
) -> dict[str, Any]:
    """Columns of the table ``staging``.

    Each system of a template lists patterns of T, N, M and group by summary stage, so that
    they agree with each other and with the stage that the model drew.  One number decides the
    pattern in every system of a tumour: patterns stand in order of severity.
    """
    words = {name: Words() for name in _COLUMNS[2:]}
    uniform = draws.uniform("staging", len(tumours))
    parts: list[Mapping[str, Any]] = []
    for position, template in enumerate(templates):
        rows = tumours.rows_of(position)
        for said in template.part("staging") or ():
            mine = rows[tumours.meets(said.get("when", {}), rows)]
            if len(mine):
                parts += _of_system(tumours, said, mine, course, uniform, words)
    made = in_order(joined(parts, _COLUMNS), "day")
    at = made["at"].astype(np.intp)
    number = numbers(at)
    return {
        "staging_id": child_ids(tumours.ids[at], "G", number).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "staging_date": days(tumours.diagnosis[at] + made["day"].astype(np.int64)),
        "timing": words["timing"].column(made["timing"]),
        "system": words["system"].column(made["system"]),
        "t": words["t"].column(made["t"]),
        "n": words["n"].column(made["n"]),
        "m": words["m"].column(made["m"]),
        "stage_group": words["group"].column(made["group"]),
    }


def _of_system(
    tumours: Tumours,
    said: Mapping[str, Any],
    rows: IntArray,
    course: Course,
    uniform: FloatArray,
    words: Mapping[str, Words],
) -> list[Rows]:
    """Clinical rows of one system, and pathological ones of those who were operated on."""
    patterns: list[Mapping[str, Any]] = said["patterns"]
    chosen = np.full(len(rows), -1, dtype=np.intp)
    seer = tumours.codes["seer"]
    for place, stage in enumerate(seer.known):
        mine = np.flatnonzero(seer.places[rows] == place)
        fitting = [k for k, pattern in enumerate(patterns) if stage in pattern["seer"]]
        if len(mine) and fitting:
            at = picked([patterns[k].get("weight", 1.0) for k in fitting], uniform[rows[mine]])
            chosen[mine] = np.array(fitting, dtype=np.intp)[at]
    kept = chosen >= 0
    rows, chosen = rows[kept], chosen[kept]
    diagnosed = tumours.diagnosis[rows]
    old = diagnosed < day_number(EDITION_8)
    if said["system"] == TNM:
        in_use = diagnosed >= day_number(EDITION_7)
        rows, chosen, old = rows[in_use], chosen[in_use], old[in_use]
        system = np.where(old, words["system"].at("AJCC7"), words["system"].at("AJCC8"))
    else:
        system = np.full(len(rows), words["system"].at(said["system"]))
    columns = {
        name: words[name].positions([p.get(name) for p in patterns])[chosen] for name in "tnm"
    }
    group = words["group"].positions([p.get("group") for p in patterns])[chosen]
    if said["system"] == TNM:
        # The groups of a template are those of the 8th edition unless it says the older ones.
        older = words["group"].positions([p.get("group7") for p in patterns])[chosen]
        group = np.where(old, older, group)
    clinical = {
        "at": rows,
        "day": np.zeros(len(rows), dtype=np.int64),
        "timing": np.full(len(rows), words["timing"].at("c")),
        "system": system,
        **columns,
        "group": group,
    }
    operated = np.flatnonzero(course.surgery[rows] >= 0)
    after = (course.neoadjuvant | course.before)[rows[operated]]
    pathological = {name: values[operated] for name, values in clinical.items()} | {
        "day": course.surgery[rows[operated]],
        "timing": np.where(after, words["timing"].at("yp"), words["timing"].at("p")),
    }
    return [clinical, pathological] if said.get("pathological", True) else [clinical]
