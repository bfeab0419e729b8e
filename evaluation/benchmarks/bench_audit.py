"""CPU seconds to audit and to protect linked tables of counts.

``cube``
    576 cells (18 districts, 2 sexes, 4 ages, 4 stages) printed with all two-way margins,
    counts 1 to 4 suppressed, about 110 of them.
``margins``
    Only the one- and two-way margins of such a cube, with few cases: every cell is unknown.
``hierarchy``
    73 sites in 12 groups with subtotals, 15 years, 2 sexes, and every total: 1 to 4
    suppressed.  Says how many of the cells that plain subtraction recovers are named.
``protect``
    The cube, protected by rounding and by suppression, and audited again.

Every task runs in a process of its own.  Example:
``python evaluation/benchmarks/bench_audit.py --output evaluation/benchmarks/results/audit.json``
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from machine import alone, machine, peak_mib

NAMES = ("site", "sex", "age", "stage", "year")
Axes = tuple[int, ...]
Part = tuple[str, tuple[str, ...]]


def code(axis: int, i: int) -> str:
    """Code of a category."""
    return f"{NAMES[axis]}-{i:02d}"


def schema_of(sizes: Axes) -> Any:
    """Schema of a cube."""
    from synthgen.schema.model import Category, Schema, Variable

    return Schema(
        id="cube", version="1.0.0", title="Cube", title_ko="큐브", tables=(), code_lists={},
        variables=tuple(
            Variable(n, n, n, tuple(Category(code(a, i), str(i), str(i)) for i in range(s)))
            for a, (n, s) in enumerate(zip(NAMES, sizes, strict=False))
        ),
    )  # fmt: skip


def drawn(sizes: Axes, cases: int, seed: int) -> Any:
    """Random counts: independent margins drawn from Dirichlet distributions."""
    rng = np.random.default_rng(seed)
    weights = np.ones(())
    for size in sizes:
        weights = np.multiply.outer(weights, rng.dirichlet(np.full(size, 2.0)))
    return rng.multinomial(cases, weights.ravel()).reshape(sizes)


def table_of(cube: Any, name: str, labels: list[list[Part | None]], below: int | None) -> Any:
    """Every combination of labels (codes, groups, or everything) with its count."""
    from synthgen.statistics.model import Cell, Protection, Relation, StatisticsTable

    cells = []
    for row, chosen in enumerate(product(*labels), start=2):
        members = {part[0]: part[1] for part in chosen if part is not None}
        index = [
            [int(c.rsplit("-", 1)[1]) for c in members.get(NAMES[a], ())] or list(range(size))
            for a, size in enumerate(cube.shape)
        ]
        value = int(cube[np.ix_(*index)].sum())
        if below and 0 < value < below:
            cells.append(Cell(members, 1.0, below - 1.0, printed=f"<{below}", row=row))
        else:
            cells.append(Cell(members, float(value), float(value), printed=str(value), row=row))
    spoken = dict.fromkeys(p[0] for group in labels for p in group if p is not None)
    return StatisticsTable(
        name=name, title=name, title_ko=name, kind="counts", variables=tuple(spoken), given=(),
        scope={}, relation=Relation.PUBLISHED, source="s", population="P", period="2020",
        cells=tuple(cells), protection=Protection(below),
    )  # fmt: skip


def pack_of(tables: list[Any]) -> Any:
    """A pack around tables."""
    from synthgen.statistics.model import Block, Source, StatisticsPack, Target

    spoken = dict.fromkeys(v for table in tables for v in table.variables)
    return StatisticsPack(
        id="bench", version="1", schema="cube@1.0.0", title="b", title_ko="b", origin="enclave",
        target=Target("P", "P", "2020"), scope={}, sources={"s": Source("s", "S", "none", "open")},
        tables=tuple(tables), blocks=(Block("all", tuple(spoken)),),
    )  # fmt: skip


def each(axis: int, size: int) -> list[Part | None]:
    """Single categories of an axis."""
    return [(NAMES[axis], (code(axis, i),)) for i in range(size)]


def cube_pack(cube: Any, orders: tuple[int, ...], below: int | None) -> Any:
    """All margins of some orders; every table prints the total, too."""
    tables = []
    for axes in [a for r in orders for a in combinations(range(cube.ndim), r)]:
        name = "by_" + "_".join(NAMES[a] for a in axes)
        tables.append(table_of(cube, name, [each(a, cube.shape[a]) for a in axes], below))
    return pack_of(tables)


def hierarchy_pack(cube: Any, below: int) -> Any:
    """73 sites in groups of six or seven, 2 sexes, 15 years, with all totals."""
    groups = np.array_split(np.arange(cube.shape[0]), 12)
    sites: list[Part | None] = [*each(0, cube.shape[0]), None]
    sites += [("site", tuple(code(0, int(i)) for i in group)) for group in groups]
    labels = [sites, [*each(1, cube.shape[1]), None], [*each(2, cube.shape[2]), None]]
    return pack_of([table_of(cube, "sites_sexes_years", labels, below)])


def measured(pack: Any, schema: Any, cube: Any) -> dict[str, Any]:
    """One audit: what it found, and how long it took."""
    from synthgen.statistics.audit import audit

    start, clock = time.process_time(), time.perf_counter()
    report = audit([pack], schema)
    seconds, wall = time.process_time() - start, time.perf_counter() - clock
    by_subtraction = [c for c in report.recovered if c.method == "subtraction"]
    return {
        "cells": int(cube.size),
        "printed": sum(len(t.cells) for t in pack.tables),
        "hidden": len(report.cells),
        "recovered": len(report.recovered),
        "recovered by subtraction": len(by_subtraction),
        "of them named": sum(bool(c.because) for c in by_subtraction),
        "at risk": len(report.at_risk),
        "passes": report.passes,
        "cpu_seconds": round(seconds, 2),
        "wall_seconds": round(wall, 2),
        "peak_mib": peak_mib(),
    }


def run_cube() -> dict[str, Any]:
    """576 cells and all two-way margins."""
    cube = drawn((18, 2, 4, 4), 12_000, 2)
    return measured(cube_pack(cube, (2, 4), 5), schema_of(cube.shape), cube)


def run_margins() -> dict[str, Any]:
    """60 cases: one- and two-way margins only."""
    cube = drawn((18, 2, 4, 4), 60, 2)
    return measured(cube_pack(cube, (1, 2), 5), schema_of(cube.shape), cube)


def run_hierarchy() -> dict[str, Any]:
    """73 sites, subtotals, 15 years, 2 sexes."""
    cube = drawn((73, 2, 15), 60_000, 2)
    return measured(hierarchy_pack(cube, 5), schema_of(cube.shape), cube)


def run_protect() -> dict[str, Any]:
    """The cube, protected both ways."""
    from synthgen.statistics.audit import audit
    from synthgen.statistics.protection.protect import protect_with_record

    cube = drawn((18, 2, 4, 4), 12_000, 2)
    schema = schema_of(cube.shape)
    found: dict[str, Any] = {}
    for method in ("round", "suppress"):
        start = time.process_time()
        done = protect_with_record(cube_pack(cube, (2, 4), None), schema, method=method)
        found[method] = {
            "cpu_seconds": round(time.process_time() - start, 2),
            "coarser": len(done.steps),
            "bits lost": round(done.lost, 3),
            "passes": audit([done.pack], schema).passes,
        }
    return found


TASKS = {
    "cube": run_cube,
    "margins": run_margins,
    "hierarchy": run_hierarchy,
    "protect": run_protect,
}


def main() -> None:
    """Run the tasks, each in a process of its own, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=TASKS, action="append")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    if asked.task:
        print(json.dumps(TASKS[asked.task]()))  # noqa: T201
        return
    results = {name: alone(__file__, ["--task", name]) for name in asked.only or TASKS}
    text = json.dumps({"machine": machine(), "audit": results}, indent=1)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
