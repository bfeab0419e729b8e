"""Rows of ``measurement``: body size, performance status and blood on the day of diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.cohort.clinical.course import Tumours
from synthgen.cohort.clinical.draws import Draws, picked
from synthgen.cohort.clinical.rows import Words, child_ids, days, in_order, joined, numbers
from synthgen.cohort.clinical.templates import Template

if TYPE_CHECKING:
    import pandas as pd


def measurement_rows(
    patient: pd.DataFrame, tumours: Tumours, plain: Template, draws: Draws
) -> dict[str, Any]:
    """Columns of the table ``measurement``: what is measured when the first tumour is found.

    Parameters
    ----------
    patient : pandas.DataFrame
        Rows of patients, for their identifiers.
    tumours : Tumours
    plain : Template
        Its part ``measurements`` says what is measured, and how it is distributed.
    draws : Draws
    """
    said = plain.part("measurements") or ()
    ids = patient["patient_id"].to_numpy(dtype="S10")
    # The first tumour of a patient stands first among the patient's tumours.
    _, first = np.unique(tumours.patient, return_index=True)
    codes, units = Words(), Words()
    parts: list[Mapping[str, Any]] = []
    for order, item in enumerate(said):
        value = _values(item, tumours, draws)[first]
        n = len(first)
        parts.append(
            {
                "at": tumours.patient[first],
                "order": np.full(n, order),
                "day": tumours.diagnosis[first],
                "code": np.full(n, codes.at(item["loinc"])),
                "value": value,
                "unit": np.full(n, units.at(item["unit"])),
            }
        )
    made = joined(parts, ("at", "order", "day", "code", "value", "unit"))
    whole = {k: v if k == "value" else v.astype(np.int64) for k, v in made.items()}
    made = in_order(whole, "order")
    at = made["at"].astype(np.intp)
    return {
        "measurement_id": child_ids(ids[at], "V", numbers(at), 3).astype(np.str_),
        "patient_id": ids[at].astype(np.str_),
        "measured_date": days(made["day"]),
        "code": codes.column(made["code"]),
        "value_number": made["value"].astype(np.float64),
        "unit": units.column(made["unit"]),
    }


def _values(item: Mapping[str, Any], tumours: Tumours, draws: Draws) -> Any:
    """Values of one measurement, by the first group that a tumour's patient belongs to."""
    n = len(tumours)
    value = np.zeros(n)
    open_to = np.ones(n, dtype=np.bool_)
    everybody = np.arange(n)
    name = f"measurement {item['loinc']}"
    normal = draws.normal(name, n)
    uniform = draws.uniform(f"{name} share", n)
    for group in item["groups"]:
        mine = open_to & tumours.meets(group.get("when", {}), everybody)
        open_to &= ~mine
        if "shares" in group:
            value[mine] = picked(group["shares"], uniform[mine])
            continue
        mean = group["mean"] + group.get("per_year", 0.0) * tumours.age[mine]
        drawn = mean + group["sd"] * normal[mine]
        value[mine] = np.clip(drawn, group["lowest"], group["highest"])
    return np.round(value, int(item.get("digits", 1)))
