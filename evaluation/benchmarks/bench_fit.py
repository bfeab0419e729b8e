"""CPU seconds and memory of the fit: real packs, and cost against their size.

``kr-demo``, ``kr-rare``, ``ee-rare``
    The shipped packs: 27, 59 and 59 entities with stage, treatment and survival.
``ci5-korea``
    All site groups of the Republic of Korea in *Cancer Incidence in Five Continents* XII, by
    sex and 18 age groups, and the total of all sites.  The file is not part of this repository
    (its redistribution is not cleared); give its path: columns cancer_code, sex (M, F),
    age_group, cases, py, lines that start with ``#`` before them.
``statements``, ``entities``, ``clique``
    Made-up tables of growing size: sites by sex and age; entities with stages and survival by
    age and stage; one block of variables that a single table ties together.

Every task runs in a process of its own.  Example:
``python evaluation/benchmarks/bench_fit.py --ci5 korea.csv --output fit.json``
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from machine import alone, best_of, machine, peak_mib, publish, timed

from synthgen.models.block import fit_block
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Fit, fit_pack
from synthgen.models.mixture import split_by
from synthgen.models.slices import fit_slices
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.schema.rules.grid import structural_zeros
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.read import read_pack
from synthgen.statistics.statement import Statement

PACKS = ("kr-demo", "kr-rare", "ee-rare")
#: Sizes of each curve.
CURVES = {
    "statements": (2, 5, 10, 20, 40, 61),
    "entities": (1, 3, 10, 30, 100),
    "clique": (1_000, 10_000, 100_000, 1_000_000, 4_000_000),
}
REPEATS = 3


def described(fit: Fit, seconds: float) -> dict[str, Any]:
    """What is said about the fit of a pack."""
    return {
        "statements": len(fit.gaps),
        "largest_clique_cells": fit.largest_clique,
        "residual_standard_errors": float(f"{fit.residual:.2g}"),
        "cpu_seconds": round(seconds, 3),
        "peak_mib": peak_mib(),
    }


def shipped_pack(name: str, repeats: int) -> dict[str, Any]:
    """Fit a shipped pack."""
    schema = load_schema("rare-cancer@1.0.0")
    folder = Path(str(shipped("fitted_models")[name])) / "statistics"
    pack, reading = timed(lambda: read_pack(folder))
    fit, seconds = best_of(repeats, lambda: fit_pack(pack, schema))
    entities = len(fit.distribution.domain.codes["entity"])
    return {"entities": entities, "reading_cpu_seconds": round(reading, 3)} | described(
        fit, seconds
    )


def incidence_pack(cells: list[Cell], sites: tuple[str, ...]) -> StatisticsPack:
    """One table of cases by site, sex and age."""
    variables = ("site_group", "sex", "age_group")
    table = StatisticsTable(
        "incidence", "", "", "counts", variables, (), {}, Relation.PUBLISHED, "counts", "", "",
        tuple(cells),
    )  # fmt: skip
    return StatisticsPack(
        "incidence", "1.0.0", "rare-cancer@1.0.0", "", "", "public-statistics",
        Target("", "", "2013-2017"), {"site_group": sites},
        {"counts": Source("counts", "See the benchmark.", "none", "unconfirmed")},
        (table,), (Block("incidence", variables),),
    )  # fmt: skip


def ci5_korea(path: Path) -> dict[str, Any]:
    """Fit every site group of a country."""
    schema = load_schema("rare-cancer@1.0.0")
    sites = schema.variable("site_group").codes
    ages = set(schema.variable("age_group").codes)
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(line for line in opened if not line.startswith("#")))
    cells = []
    for i, row in enumerate(rows, 2):
        group = int(row["cancer_code"])  # 62 is all sites, 63 a part of them
        if group > len(sites) + 1 or row["age_group"] not in ages:
            continue
        members = {"sex": ("1" if row["sex"] == "M" else "2",), "age_group": (row["age_group"],)}
        if group <= len(sites):
            members["site_group"] = (sites[group - 1],)
        cases = float(row["cases"])
        cells.append(
            Cell(
                members,
                cases,
                cases,
                person_years=float(row["py"]),
                printed=row["cases"],
                row=i,
            )
        )
    pack = incidence_pack(cells, sites)
    fit, seconds = best_of(REPEATS, lambda: fit_pack(pack, schema))
    gap = max(abs(g.standard_errors) for g in fit.gaps)
    return {"sites": len(sites), "largest_gap_standard_errors": float(f"{gap:.2g}")} | described(
        fit, seconds
    )


def by_statements(sites: int) -> dict[str, Any]:
    """Fit made-up cases of some sites by sex and age."""
    schema = load_schema("rare-cancer@1.0.0")
    used = schema.variable("site_group").codes[:sites]
    scope = {"site_group": used, "sex": ("1", "2")}
    never = structural_zeros(schema, ("site_group", "sex"), scope)
    rng = np.random.default_rng(1)
    cells = []
    for i, site in enumerate(used):
        for j, sex in enumerate(("1", "2")):
            for age in schema.variable("age_group").codes:
                members = {"site_group": (site,), "sex": (sex,), "age_group": (age,)}
                cases = 0.0 if never[i, j] else float(rng.poisson(rng.gamma(1.0, 50.0)))
                cells.append(
                    Cell(
                        members,
                        cases,
                        cases,
                        person_years=5e6,
                        printed=f"{cases:g}",
                        row=len(cells) + 2,
                    )
                )
    pack = incidence_pack(cells, used)
    fit, seconds = best_of(REPEATS, lambda: fit_pack(pack, schema))
    return described(fit, seconds)


def said(
    event: dict[str, tuple[str, ...]],
    given: dict[str, tuple[str, ...]],
    value: float,
    row: int,
    cases: float = 400.0,
) -> Statement:
    """A made-up share with the sampling error of its cases."""
    error = float(np.sqrt(max(value * (1 - value), 1e-3) / cases))
    return Statement(
        "made-up", row, "shares", Relation.PUBLISHED, {**given, **event}, given, value, value,
        error, cases, "share",
    )  # fmt: skip


def by_entities(entities: int) -> dict[str, Any]:
    """Fit stage and survival of some entities, each with 7 + 12 statements of its own."""
    rng = np.random.default_rng(2)
    names = tuple(f"e{i}" for i in range(entities))
    ages = tuple(f"a{i}" for i in range(18))
    head = Domain((("entity", names), ("sex", ("1", "2")), ("age", ages)))
    stages = tuple(f"s{i}" for i in range(7))
    times = tuple(f"t{i}" for i in range(10))
    with_stage = Domain((*head.variables, ("stage", stages)))
    whole = Domain((*with_stage.variables, ("time", times)))
    shares, survival = [], []
    for name in names:
        here = {"entity": (name,)}
        for code, share in zip(stages, rng.dirichlet(np.full(7, 2.0)), strict=True):
            shares.append(said({"stage": (code,)}, here, float(share), len(shares)))
        for young in (ages[:6], ages[6:12], ages[12:]):
            alive = float(rng.uniform(0.2, 0.9))
            survival.append(said({"time": times[5:]}, here | {"age": young}, alive, len(survival)))
        for code in stages:
            alive = float(rng.uniform(0.2, 0.9))
            survival.append(
                said({"time": times[5:]}, here | {"stage": (code,)}, alive, len(survival), 60.0)
            )
        for since in (2, 8):
            alive = float(rng.uniform(0.3, 0.8))
            survival.append(said({"time": times[since:]}, here, alive, len(survival)))
    values = rng.dirichlet(np.ones(head.cells(head.names))).reshape(head.shape(head.names))
    counts = [
        said(
            {"entity": (names[i],), "sex": (str(j + 1),), "age": (ages[k],)},
            {},
            float(values[i, j, k]),
            row,
            20_000.0,
        )
        for row, (i, j, k) in enumerate(np.ndindex(values.shape))
    ]

    def fit() -> float:
        first = fit_block(head, None, head.names, [list(enumerate(counts))], ())
        mixture = split_by(Distribution(head, first.tables), "entity")
        second = fit_slices(with_stage, mixture, ("stage",), [list(enumerate(shares))], ())
        third = fit_slices(whole, second.mixture, ("time",), [list(enumerate(survival))], ())
        return max(first.residual, second.residual, third.residual)

    residual, seconds = best_of(REPEATS, fit)
    return {
        "statements": len(counts) + len(shares) + len(survival),
        "residual_standard_errors": float(f"{residual:.2g}"),
        "cpu_seconds": round(seconds, 3),
        "peak_mib": peak_mib(),
    }


def by_clique(cells: int) -> dict[str, Any]:
    """Fit one block of five variables that one table ties together."""
    rng = np.random.default_rng(3)
    size = round(cells ** (1 / 5))
    domain = Domain(tuple((f"v{i}", tuple(map(str, range(size)))) for i in range(5)))
    names = domain.names
    statements = [said(dict.fromkeys(names, ("0",)), {}, 0.5 / domain.cells(names), 0, 1e6)]
    for first in range(5):
        for second in range(first):
            values = rng.dirichlet(np.full(4, 3.0)) * 0.2
            for k, value in enumerate(values):
                event = {names[first]: (str(k % 2),), names[second]: (str(k // 2),)}
                statements.append(said(event, {}, float(value), len(statements)))

    def fit() -> Any:
        return fit_block(domain, None, names, [list(enumerate(statements))], ())

    repeats = REPEATS if cells < 1_000_000 else 1
    block, seconds = best_of(repeats, fit)
    return {
        "statements": len(statements),
        "largest_clique_cells": block.cells,
        "residual_standard_errors": float(f"{block.residual:.2g}"),
        "cpu_seconds": round(seconds, 3),
        "peak_mib": peak_mib(),
    }


def one(task: str, size: int, ci5: Path | None) -> dict[str, Any]:
    """One task in this process."""
    if task in PACKS:
        return shipped_pack(task, REPEATS if task == "kr-demo" else 1)
    if task == "ci5-korea" and ci5 is not None:
        return ci5_korea(ci5)
    return {"statements": by_statements, "entities": by_entities, "clique": by_clique}[task](size)


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ci5", type=Path, help="cases of a country by site, sex and age")
    parser.add_argument("--output", type=Path, help="keep the result here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        found = one(options.one, options.size, options.ci5)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    tasks = [(name, 0) for name in PACKS]
    tasks += [("ci5-korea", 0)] if options.ci5 else []
    tasks += [(name, size) for name, sizes in CURVES.items() for size in sizes]
    results = []
    for task, size in tasks:
        arguments = ["--one", task, "--size", str(size)]
        arguments += ["--ci5", str(options.ci5)] if task == "ci5-korea" else []
        results.append({"task": task, "size": size} | alone(__file__, arguments))
    publish({"task": "fit", "machine": machine(), "results": results}, options.output)


if __name__ == "__main__":
    main()
