"""Rows of ``pathology`` and ``biomarker``: specimens, grades, sizes and what was tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, lengths, picked, spread_of
from synthgen.cohort.clinical.first_course import Course
from synthgen.cohort.clinical.rows import Rows, Words, child_ids, days, in_order, joined, numbers
from synthgen.cohort.clinical.templates import Template
from synthgen.cohort.columns import coded
from synthgen.schema.model import CodeList

SPECIMENS = ("biopsy", "resection", "cytology", "bone_marrow")
MARGINS = ("R0", "R1", "R2", "RX")
#: Days from the specimen to the result of a test (our assumption).
_TEST = 14
#: Method of markers in blood, which are taken at the diagnosis, before any operation.
SERUM = "serum"


def pathology_rows(
    tumours: Tumours,
    templates: tuple[Template, ...],
    course: Course,
    residual: IntArray,
    draws: Draws,
    morphology: CodeList,
) -> dict[str, Any]:
    """Columns of the table ``pathology``.

    Parameters
    ----------
    residual : ndarray of intp, shape (n,)
        Position among :data:`MARGINS` of each tumour's operation; -1 without one.
    morphology : CodeList
        Titles for ``histology_text``.
    """
    n = len(tumours)
    basis = tumours.codes["basis"]
    systems, values = Words(), Words()
    system, value = _grades(tumours, templates, systems, values)
    size = np.full(n, np.nan)
    normal = draws.normal("tumour size", n)
    for position, template in enumerate(templates):
        rows, said = tumours.rows_of(position), template.part("pathology").get("size_mm", {})
        if len(rows) and _drawn(said):
            size[rows] = np.clip(np.round(lengths(said, normal[rows])), 1, 400)
    biopsied, smeared = basis.within(["6", "7"]), basis.within(["5"])
    operated = course.surgery >= 0
    first = np.flatnonzero(biopsied | smeared)
    resected = np.flatnonzero(operated & (biopsied | smeared | basis.within(["1-4"])))
    at = np.concatenate((first, resected)).astype(np.intp)
    found: Rows = {
        "at": at,
        "day": np.concatenate((np.zeros(len(first), np.int64), course.surgery[resected])),
        "specimen": np.concatenate((np.where(biopsied[first], 0, 2), np.full(len(resected), 1))),
    }
    found = in_order(found, "day", "specimen")
    at, resection = found["at"], found["specimen"] == 1
    titles = {code.code: code.title for code in morphology.codes}
    known = tumours.codes["morphology"]
    histology = Words()
    names = histology.positions([titles.get(code) for code in known.known])
    return {
        "pathology_id": child_ids(tumours.ids[at], "P", numbers(at)).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "specimen_date": days(tumours.diagnosis[at] + found["day"]),
        "specimen_type": coded(SPECIMENS, found["specimen"].astype(np.intp)),
        "histology_text": histology.column(names[known.places[at]]),
        "grade_system": systems.column(np.where(value[at] < 0, -1, system[at])),
        "grade_value": values.column(value[at]),
        "tumour_size_mm": np.where(resection, size[at], np.nan),
        "margin": coded(MARGINS, np.where(resection, residual[at], -1).astype(np.intp)),
    }


def _grades(
    tumours: Tumours, templates: tuple[Template, ...], systems: Words, values: Words
) -> tuple[IntArray, IntArray]:
    """Grading system and grade, from the grade and the morphology that the model drew."""
    n = len(tumours)
    system, value = np.full(n, -1, dtype=np.intp), np.full(n, -1, dtype=np.intp)
    for position, template in enumerate(templates):
        rows, said = tumours.rows_of(position), template.part("pathology").get("grade", {})
        if not len(rows) or not said:
            continue
        source = tumours.codes[said.get("from", "grade")]
        table: Mapping[str, str] = said["values"]
        found = values.positions([table.get(code) for code in source.known])
        system[rows] = systems.at(said["system"])
        value[rows] = np.append(found, -1)[source.places[rows]]
    return system, value


def panel_outcomes(
    tumours: Tumours, templates: tuple[Template, ...], draws: Draws
) -> dict[str, IntArray]:
    """Outcome of every marker panel of every tumour, -1 where it was not tested.

    A panel's outcomes are joint results of its markers, so that dependencies between markers
    (one excludes the other, one goes with the other) are as published.
    """
    made: dict[str, IntArray] = {}
    for position, template in enumerate(templates):
        rows = tumours.rows_of(position)
        for said in template.part("biomarkers") or ():
            panel = said["panel"]
            at = made.setdefault(panel, np.full(len(tumours), -1, dtype=np.intp))
            u = draws.uniform(f"panel {panel}", len(tumours))
            tested = draws.uniform(f"panel {panel} tested", len(tumours))
            share = float(said.get("tested", {}).get("share", 1.0))
            open_to = tumours.meets(said.get("when", {}), rows) & (tested[rows] < share)
            after = said.get("given")
            for groups in said["shares"]:
                mine = open_to & tumours.meets(groups.get("when", {}), rows) & (at[rows] < 0)
                if after is not None:
                    known = _names(template, after)
                    wanted = [known.index(o) for o in groups["outcomes"]]
                    before = made.get(after, np.full(len(tumours), -1, dtype=np.intp))
                    mine &= np.isin(before[rows], wanted)
                chosen = rows[mine]
                if len(chosen):
                    at[chosen] = picked(groups["values"], u[chosen])
    return made


def _names(template: Template, panel: str) -> list[str]:
    for said in template.part("biomarkers"):
        if said["panel"] == panel:
            return [outcome["name"] for outcome in said["outcomes"]]
    return []


def biomarker_rows(
    tumours: Tumours, templates: tuple[Template, ...], panels: Mapping[str, IntArray], draws: Draws
) -> dict[str, Any]:
    """Columns of the table ``biomarker``: every marker of a panel with its result."""
    words = {name: Words() for name in ("method", "marker", "origin", "result", "hgvs", "unit")}
    parts: list[Mapping[str, Any]] = []
    order = 0
    for position, template in enumerate(templates):
        rows = tumours.rows_of(position)
        for said in template.part("biomarkers") or ():
            outcome = panels.get(said["panel"])
            if outcome is None or not len(rows):
                continue
            tested = rows[outcome[rows] >= 0]
            for marker in said["markers"]:
                order += 1
                results = [o["results"].get(marker["marker"], {}) for o in said["outcomes"]]
                place = outcome[tested]
                part = {
                    "at": tested,
                    "order": np.full(len(tested), order),
                    "day": np.full(len(tested), 0 if marker["method"] == SERUM else _TEST),
                    "method": np.full(len(tested), words["method"].at(marker["method"])),
                    "marker": np.full(len(tested), words["marker"].at(marker["marker"])),
                    "origin": np.full(
                        len(tested), words["origin"].at(marker.get("origin", "somatic"))
                    ),
                    "result": words["result"].positions(
                        [r.get("result", "negative") for r in results]
                    )[place],
                    "hgvs": words["hgvs"].positions([r.get("variant") for r in results])[place],
                    "value": np.full(len(tested), np.nan),
                }
                part |= _values(said, marker, results, tested, place, draws, words["unit"])
                parts.append(part)
    columns = (
        "at",
        "order",
        "day",
        "method",
        "marker",
        "origin",
        "result",
        "hgvs",
        "value",
        "unit",
    )
    made = joined(parts, columns)
    made = in_order(
        {k: v if k == "value" else v.astype(np.int64) for k, v in made.items()}, "order"
    )
    at = made["at"].astype(np.intp)
    when = np.minimum(tumours.window[at], made["day"])
    return {
        "biomarker_id": child_ids(tumours.ids[at], "B", numbers(at)).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "test_date": days(tumours.diagnosis[at] + when),
        "value_number": made["value"].astype(np.float64),
        **{name: words[name].column(made[name]) for name in words},
    }


def _drawn(said: Mapping[str, Any]) -> bool:
    """Whether a size or a level can be drawn: a median alone would be everybody's."""
    return "median" in said and spread_of(said) > 0


def _values(
    said: Mapping[str, Any],
    marker: Mapping[str, Any],
    results: list[Mapping[str, Any]],
    tested: IntArray,
    place: IntArray,
    draws: Draws,
    units: Words,
) -> dict[str, Any]:
    """Numbers of a marker that has any: log-normal around the median of each outcome."""
    if "unit" not in marker or not any(_drawn(r.get("value", {})) for r in results):
        return {}
    normal = draws.normal(
        f"value {said['panel']} {marker['marker']}", int(tested.max(initial=0)) + 1
    )
    value = np.full(len(tested), np.nan)
    for number, result in enumerate(results):
        if _drawn(result.get("value", {})):
            mine = place == number
            drawn = lengths(result["value"], normal[tested[mine]])
            value[mine] = np.round(drawn, 1)
    unit = np.where(np.isnan(value), -1, units.at(marker["unit"]))
    return {"value": value, "unit": unit}
