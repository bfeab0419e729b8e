"""Seconds, CPU seconds and memory of writing a cohort to each target of ``synthgen export``.

``kr-rare``, patients with their tumours, and the same with all clinical tables, generated once
as Parquet.  Every export runs in a process of its own, hashes of its files included; Linux only.

Example: ``python evaluation/benchmarks/bench_export.py --output export.json``
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from machine import TreePeak, alone, machine, publish

MODEL = "kr-rare"
PATIENTS = 100_000


def exported(cohort: Path, target: str) -> dict[str, Any]:
    """Write one cohort to one target, in this process."""
    from synthgen.exports import export_cohort

    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        start, spent = time.perf_counter(), cpu_seconds()
        with TreePeak() as watched:
            made = export_cohort(cohort, target, Path(name) / "made")
        seconds, spent = time.perf_counter() - start, cpu_seconds() - spent
    return {
        "target": target,
        "rows": sum(made["rows"].values()),
        "bytes": sum(file["bytes"] for file in made["files"].values()),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(spent, 1),
        "peak_mib_of_all_processes": watched.peak_mib,
    }


def cpu_seconds() -> float:
    """CPU seconds of this process and the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def fewest(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The run of the fewest CPU seconds, with the fewest seconds of any: others only slow it down."""
    done = [run for run in runs if "cpu_seconds" in run]
    if not done:
        return runs[0]
    best = min(done, key=itemgetter("cpu_seconds"))
    return best | {"seconds": min(run["seconds"] for run in done)}


def make_cohort(folder: Path, patients: int, *, clinical: bool) -> int:
    """Cohort as Parquet; its rows."""
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort

    model = load_model(MODEL)
    settings = settings_for(model, patients, seed=1, clinical="all" if clinical else "")
    made = write_cohort(model, settings, folder, formats=("parquet",))
    return sum(table["rows"] for table in made["tables"].values())


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", "--patients", type=int, default=PATIENTS)
    parser.add_argument(
        "--repeats", type=int, default=2, help="runs, of which the fewest seconds are kept"
    )
    parser.add_argument("--output", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--cohort", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(exported(options.cohort, options.one)) + "\n")
        return
    from synthgen.exports.targets import targets

    results, rows = [], {}
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        for clinical in (False, True):
            cohort = Path(name) / ("clinical" if clinical else "plain")
            kind = "rare-cancer@1.1.0" if clinical else "rare-cancer@1.0.0"
            rows[kind] = make_cohort(cohort, options.patients, clinical=clinical)
            for target in targets():
                arguments = ["--one", target, "--cohort", str(cohort)]
                runs = [alone(__file__, arguments) for _ in range(options.repeats)]
                results.append({"schema": kind, **fewest(runs)})
    document = {
        "task": "write a cohort to each target",
        "model": MODEL,
        "patients": options.patients,
        "repeats": options.repeats,
        "rows": rows,
        "machine": machine(),
        "results": results,
    }
    publish(document, options.output)


if __name__ == "__main__":
    main()
