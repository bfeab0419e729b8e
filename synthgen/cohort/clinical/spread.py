"""Rows of ``metastasis`` and ``outcome``: where the tumour was found, at first and later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.cohort.clinical.course import IntArray, Tumours
from synthgen.cohort.clinical.draws import Draws, picked
from synthgen.cohort.clinical.later_course import KINDS, Later
from synthgen.cohort.clinical.rows import Words, child_ids, days, in_order, joined, numbers
from synthgen.cohort.clinical.templates import Template
from synthgen.cohort.columns import coded

#: Codes of ``outcome.event_type``; remission is the last.
EVENTS = (*KINDS, "remission")
#: Most sites of metastasis of one tumour at one time.
_SITES = 3


def metastasis_rows(
    tumours: Tumours, templates: tuple[Template, ...], later: Later, draws: Draws
) -> dict[str, Any]:
    """Columns of the table ``metastasis``: sites at diagnosis, and those of distant events.

    Each site is found with the frequency that its source gives among patients with distant
    disease; who would have none has the most frequent one.
    """
    words = Words()
    parts = [_at_diagnosis(tumours, templates, draws, words)]
    first = later.events[0]
    distant = np.isin(first["kind"], [KINDS.index("recurrence_distant"), KINDS.index("both")])
    site = later_sites(tumours, templates, first["at"][distant], draws, words)
    parts.append({"at": first["at"][distant], "day": first["day"][distant], "site": site})
    parts[1]["pattern"] = np.zeros(len(site), dtype=np.intp)
    made = in_order(joined(parts, ("at", "day", "site", "pattern")), "day")
    made = {name: values.astype(np.int64) for name, values in made.items()}
    kept = made["site"] >= 0
    made = {name: values[kept] for name, values in made.items()}
    at = made["at"].astype(np.intp)
    biopsied = tumours.codes["basis"].within(["6"])[at] & (made["day"] == 0)
    return {
        "metastasis_id": child_ids(tumours.ids[at], "M", numbers(at)).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "diagnosis_date": days(tumours.diagnosis[at] + made["day"]),
        "site": words.column(made["site"]),
        "method": coded(("1", "2"), biopsied.astype(np.intp)),
        "pattern": coded(("1", "2", "3"), made["pattern"].astype(np.intp)),
    }


def _at_diagnosis(
    tumours: Tumours, templates: tuple[Template, ...], draws: Draws, words: Words
) -> dict[str, Any]:
    at: list[IntArray] = []
    site: list[IntArray] = []
    distant = tumours.distant
    n = len(tumours)
    for position, template in enumerate(templates):
        said = template.part("metastasis").get("sites", {})
        rows = tumours.rows_of(position)
        rows = rows[distant[rows]]
        if not said or not len(rows):
            continue
        ranked = sorted(said.items(), key=lambda item: -float(item[1]))
        found = np.zeros(len(rows), dtype=np.intp)
        for place, (code, share) in enumerate(ranked):
            own = tumours.codes["topography"].within([f"{code[:3]}0-{code[:3]}9"])[rows]
            hit = draws.uniform(f"metastasis {place}", n)[rows] < float(share)
            hit = hit & ~own & (found < _SITES)
            found += hit
            at.append(rows[hit])
            site.append(np.full(int(hit.sum()), words.at(code), dtype=np.intp))
        none = found == 0
        at.append(rows[none])
        site.append(np.full(int(none.sum()), words.at(ranked[0][0]), dtype=np.intp))
    where = np.concatenate(at) if at else np.empty(0, dtype=np.intp)
    several = np.bincount(where, minlength=n)[where] > 1 if len(where) else where
    return {
        "at": where,
        "day": np.zeros(len(where), dtype=np.int64),
        "site": np.concatenate(site) if site else np.empty(0, dtype=np.intp),
        "pattern": np.asarray(several, dtype=np.intp),
    }


def later_sites(
    tumours: Tumours,
    templates: tuple[Template, ...],
    rows: IntArray,
    draws: Draws,
    words: Words,
) -> IntArray:
    """Site of a later metastasis of each tumour, as a position among words; -1 for none."""
    found = np.full(len(rows), -1, dtype=np.intp)
    uniform = draws.uniform("site of relapse", len(tumours))
    for position, template in enumerate(templates):
        said: Mapping[str, Any] = template.part("metastasis").get("sites", {})
        mine = np.flatnonzero(tumours.template[rows] == position)
        if said and len(mine):
            places = words.positions(list(said))
            chosen = picked([float(v) for v in said.values()], uniform[rows[mine]])
            found[mine] = places[chosen]
    return found


def outcome_rows(
    tumours: Tumours,
    templates: tuple[Template, ...],
    later: Later,
    remission: Mapping[str, Any],
    draws: Draws,
) -> dict[str, Any]:
    """Columns of the table ``outcome``: recurrences, progressions and remissions in order."""
    parts = [*later.events, remission]
    made = in_order(joined(parts, ("at", "day", "kind")), "day", "kind")
    made = {name: values.astype(np.int64) for name, values in made.items()}
    kept = made["day"] > 0
    at, day, kind = (made[name][kept] for name in ("at", "day", "kind"))
    at = at.astype(np.intp)
    words = Words()
    own = words.positions(list(tumours.codes["topography"].known))
    site = np.where(
        kind == KINDS.index("recurrence_local"), own[tumours.codes["topography"].places[at]], -1
    )
    distant = np.isin(kind, [KINDS.index("recurrence_distant"), KINDS.index("both")])
    site[distant] = later_sites(tumours, templates, at[distant], draws, words)
    return {
        "outcome_id": child_ids(tumours.ids[at], "E", numbers(at)).astype(np.str_),
        "tumour_id": tumours.ids[at].astype(np.str_),
        "event_date": days(tumours.diagnosis[at] + day),
        "event_type": coded(EVENTS, kind.astype(np.intp)),
        "site": words.column(site),
        "method": coded(("1", "2"), np.where(kind == len(KINDS), -1, 0)),
    }
