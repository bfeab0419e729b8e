"""Rows of ``surgery`` and ``radiotherapy``: the flags of the first course, with attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, picked
from synthgen.cohort.clinical.first_course import Course
from synthgen.cohort.clinical.rows import Words, child_ids, days
from synthgen.cohort.clinical.specimens import MARGINS
from synthgen.cohort.clinical.templates import Template
from synthgen.cohort.columns import coded

ASA = ("01", "02", "03", "04", "05")
#: Operation of a site that no template knows.
OTHER_OPERATION = "99.99"


def residual_tumour(
    tumours: Tumours, templates: tuple[Template, ...], course: Course, draws: Draws
) -> IntArray:
    """Residual tumour after the operation, among R0, R1, R2, RX; -1 where nobody says."""
    found = np.full(len(tumours), -1, dtype=np.intp)
    uniform = draws.uniform("residual tumour", len(tumours))
    for position, template in enumerate(templates):
        said = template.part("surgery").get("residual", {})
        rows = tumours.rows_of(position)
        rows = rows[course.surgery[rows] >= 0]
        if len(rows) and said:
            found[rows] = picked([said.get(m, 0.0) for m in MARGINS], uniform[rows])
    return found


def surgery_rows(
    tumours: Tumours,
    templates: tuple[Template, ...],
    course: Course,
    residual: IntArray,
    draws: Draws,
) -> dict[str, Any]:
    """Columns of the table ``surgery``: one operation for the flag of each tumour."""
    n = len(tumours)
    codes, asa = Words(), np.full(n, -1, dtype=np.intp)
    code = np.full(n, codes.at(OTHER_OPERATION), dtype=np.intp)
    u_code, u_asa = draws.uniform("operation", n), draws.uniform("asa", n)
    for position, template in enumerate(templates):
        rows, said = tumours.rows_of(position), template.part("surgery")
        rows = rows[course.surgery[rows] >= 0]
        if not len(rows):
            continue
        open_to = np.ones(len(rows), dtype=np.bool_)
        for procedure in said.get("procedures", ()):
            mine = open_to & tumours.meets(procedure["when"], rows)
            open_to &= ~mine
            places = codes.positions(list(procedure["codes"]))
            chosen = picked(list(procedure["codes"].values()), u_code[rows[mine]])
            code[rows[mine]] = places[chosen]
        if "asa" in said:
            asa[rows] = picked([said["asa"].get(k, 0.0) for k in ASA], u_asa[rows])
    at = np.flatnonzero(course.surgery >= 0)
    return {
        "surgery_id": child_ids(tumours.ids[at], "S", np.ones(len(at), np.intp)).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "surgery_date": days(tumours.diagnosis[at] + course.surgery[at]),
        "procedure_code": codes.column(code[at]),
        "purpose": coded(("1", "2"), tumours.distant[at].astype(np.intp)),
        "asa": coded(ASA, asa[at]),
        "residual": coded(MARGINS, residual[at]),
    }


def radiotherapy_rows(
    tumours: Tumours, templates: tuple[Template, ...], course: Course
) -> dict[str, Any]:
    """Columns of the table ``radiotherapy``: one course for the flag of each tumour."""
    at = np.flatnonzero((course.radiotherapy >= 0) & (course.rt_plan >= 0))
    modalities, sites = Words(), Words()
    modality, site = np.full(len(at), -1, np.intp), np.full(len(at), -1, np.intp)
    fractions, dose = np.ones(len(at), dtype=np.int64), np.zeros(len(at))
    for position, template in enumerate(templates):
        for number, said in enumerate(template.part("radiotherapy") or ()):
            mine = (tumours.template[at] == position) & (course.rt_plan[at] == number)
            modality[mine] = modalities.at(said["modality"])
            fractions[mine] = int(said["fractions"])
            dose[mine] = float(said["dose_gy"])
            site[mine] = sites.at(said.get("site", "99"))
    # A patient may die, or leave, before the last fraction: what was given is what is told.
    left = tumours.window[at] - course.radiotherapy[at]
    possible = (left // 7) * 5 + np.minimum(left % 7 + 1, 5)
    given = np.maximum(np.minimum(fractions, possible), 1)
    surgical = tumours.flags["surgery"][at]
    purpose = np.where(
        tumours.distant[at], 1, np.where(surgical, np.where(course.before[at], 3, 2), 0)
    )
    return {
        "rt_id": child_ids(tumours.ids[at], "R", np.ones(len(at), np.intp)).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "start_date": days(tumours.diagnosis[at] + course.radiotherapy[at]),
        "modality": modalities.column(modality),
        "purpose": coded(("1", "2", "3", "4"), purpose.astype(np.intp)),
        "site": sites.column(site),
        "fractions": given,
        "dose_per_fraction_gy": dose,
        "total_dose_gy": np.round(given * dose, 2),
    }
