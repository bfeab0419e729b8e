"""Survival of 200,000 synthetic patients of every entity beside the fitted model.

Each entity of a shipped model is generated alone, followed for fifteen years
at least, and its net survival estimated in exact time by Pohar Perme (and relative survival
by Ederer II).  ``z`` is the distance from the fitted model in standard errors of the
estimate; nothing but chance should be at work, so about one in 370 lies beyond 3.

``limit`` is the distance that the largest of all values exceeds by chance once in a million.
Example: ``python evaluation/benchmarks/bench_survival.py --output survival.json``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, peak_mib, publish, timed
from scipy.stats import norm

from synthgen.cohort.artefact import load_model
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.follow_up import FollowUpRule
from synthgen.fidelity.cohort_codes import CohortCodes
from synthgen.fidelity.followed import followed
from synthgen.models.references import bin_edges

PATIENTS = 200_000
TIMES = (5.0, 10.0)
WAYS = {"net": "pohar_perme", "relative": "ederer_ii"}
ALARM = 1e-6


def compared(model: FittedModel, entity: str, patients: int, seed: int) -> list[dict[str, Any]]:
    """One entity at each time."""
    where = {"entity": (entity,)}
    cohort = model.generate(patients, seed=seed, where=where, follow_up=FollowUpRule("2032-12-31"))
    seen = followed(CohortCodes(cohort), model.life_table)
    if seen is None:
        raise SystemExit("the cohort has no follow-up")
    edges = bin_edges(model.schema.variable("net_survival"))
    bins = model.distribution.marginal(("net_survival",), where)
    rows = [
        {"entity": entity, "years": t, "model": float(bins[np.searchsorted(edges, t) :].sum())}
        for t in TIMES
    ]
    for way, name in WAYS.items():
        curve = seen.curve(np.ones(patients, dtype=np.bool_), way, TIMES)
        if curve is None:
            raise SystemExit("nobody is followed")
        for row, t in zip(rows, TIMES, strict=True):
            found = float(curve.at(t))
            error = found * float(np.sqrt(curve.log_variance_at(t)))
            row[name] = found
            row[f"{name}_se"] = error
            row[f"{name}_z"] = (found - row["model"]) / error
    return [
        {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in r.items()} for r in rows
    ]


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="kr-demo")
    parser.add_argument("-n", "--patients", type=int, default=PATIENTS, help="of each entity")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="keep the result here")
    options = parser.parse_args()
    model = load_model(options.model)
    entities = model.distribution.domain.codes["entity"]
    results: list[dict[str, Any]] = []
    seconds = 0.0
    for seed, entity in enumerate(entities, options.seed):  # a seed each: errors are independent
        rows, spent = timed(lambda e=entity, s=seed: compared(model, e, options.patients, s))
        results += rows
        seconds += spent
    z = np.array([[r[f"{name}_z"] for r in results] for name in WAYS.values()])
    document = {
        "task": "survival",
        "model": options.model,
        "patients_of_each_entity": options.patients,
        "first_seed": options.seed,
        "machine": machine(),
        "cpu_seconds": round(seconds, 1),
        "peak_mib": peak_mib(),
        "comparisons": len(results),
        "limit": round(float(norm.isf(ALARM / (2 * len(results)))), 2),
        "largest_z": {n: round(float(np.abs(v).max()), 2) for n, v in zip(WAYS.values(), z, strict=True)},
        "beyond_3": {n: int((np.abs(v) > 3).sum()) for n, v in zip(WAYS.values(), z, strict=True)},
        "mean_square_z": {n: round(float((v**2).mean()), 2) for n, v in zip(WAYS.values(), z, strict=True)},
        "results": results,
    }  # fmt: skip
    publish(document, options.output)


if __name__ == "__main__":
    main()
