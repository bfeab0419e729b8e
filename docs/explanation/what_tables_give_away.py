"""The numbers of ``what-tables-give-away.md``: 60 cases of a rare cancer in a province.

``python docs/explanation/what_tables_give_away.py`` draws them and attacks their tables.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "evaluation" / "benchmarks")]

from bench_audit import cube_pack, pack_of, schema_of  # noqa: E402

from synthgen.statistics.audit import audit  # noqa: E402
from synthgen.statistics.protection import protect  # noqa: E402

#: Thousand residents of the 18 districts of Gangwon, rounded: only to give the example the
#: shape of a province with three cities and many small districts.
DISTRICTS = (286, 361, 210, 88, 39, 82, 62, 67, 46, 37, 40, 34, 41, 23, 21, 32, 27, 28)
SEXES = (0.5, 0.5)
AGES = (0.1, 0.25, 0.4, 0.25)
STAGES = (0.35, 0.3, 0.25, 0.1)
CASES = 60
SEEDS = (1, 2, 3)


def cases(seed: int) -> Any:
    """Cases by district, sex, age and stage."""
    weights = np.ones(())
    for share in (DISTRICTS, SEXES, AGES, STAGES):
        weights = np.multiply.outer(weights, np.array(share) / sum(share))
    return np.random.default_rng(seed).multinomial(CASES, weights.ravel()).reshape(weights.shape)


def with_known_totals(hidden: Any, exact: Any) -> Any:
    """Tables with small cells hidden, beside single margins that somebody else printed."""
    single = [t for t in exact.tables if len(t.variables) == 1]
    return pack_of([*hidden.tables, *(replace(t, name=f"{t.name}_elsewhere") for t in single)])


def main() -> None:
    """Print one line for each way of publishing."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    for seed in SEEDS:
        cube = cases(seed)
        schema = schema_of(cube.shape)
        exact, hidden = cube_pack(cube, (1, 2), None), cube_pack(cube, (1, 2), 5)
        ways = {
            "counts below 5 suppressed": hidden,
            "the same, single margins known": with_known_totals(hidden, exact),
            "the same, and the full cube": pack_of(
                [*with_known_totals(hidden, exact).tables, *cube_pack(cube, (4,), 5).tables]
            ),
            "protected by suppression": protect(exact, schema, min_cell=5, method="suppress"),
            "protected by rounding to 5": protect(exact, schema, min_cell=5, method="round"),
        }
        for way, pack in ways.items():
            report = audit([pack], schema, explain=False)
            row = len(report.cells), len(report.recovered), len(report.at_risk)
            found.setdefault(way, []).append(row)
    for way, rows in found.items():
        hidden_cells, known, risk = (sum(column) for column in zip(*rows, strict=True))
        print(f"{way:32} {hidden_cells:5} {known:5} {risk:5}")  # noqa: T201


if __name__ == "__main__":
    main()
