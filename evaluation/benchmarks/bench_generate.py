"""Seconds, CPU seconds and memory of writing cohorts of the shipped model to Parquet.

``kr-demo`` with one and with two worker processes and growing numbers of patients: the time
must grow in proportion, and the peak memory of the whole tree of processes must not grow.
``blocks`` is one block of 65,536 patients made again and again in memory, part by part:
sampling the variables, and making tables of them.

Every size runs in a process of its own; Linux only.  Example:
``python evaluation/benchmarks/bench_generate.py --output generate.json``
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import TreePeak, alone, best_of, machine, publish

SIZES = ((200_000, 1), (1_000_000, 1), (1_000_000, 2), (3_000_000, 2))
REPEATS = 5


def cpu_seconds() -> float:
    """CPU seconds of this process and the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def written(patients: int, jobs: int) -> dict[str, Any]:
    """Write one cohort."""
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort

    model = load_model("kr-demo")
    settings = settings_for(model, patients, seed=1)
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        folder = Path(name) / "cohort"
        start, spent = time.perf_counter(), cpu_seconds()
        with TreePeak() as watched:
            write_cohort(model, settings, folder, formats=("parquet",), jobs=jobs)
        seconds, spent = time.perf_counter() - start, cpu_seconds() - spent
        size = sum(p.stat().st_size for p in folder.glob("*.parquet"))
    return {
        "patients": patients,
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(spent, 1),
        "patients_per_cpu_second": round(patients / spent),
        "peak_mib_of_all_processes": watched.peak_mib,
        "parquet_bytes_per_patient": round(size / patients, 1),
    }


def parts() -> list[dict[str, Any]]:
    """CPU seconds of the parts of one block, in memory."""
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.registry import registry_tables
    from synthgen.cohort.settings import settings_for
    from synthgen.randomness import BLOCK_SIZE, block_generator

    model = load_model("kr-demo")
    settings = settings_for(model, BLOCK_SIZE, seed=1)

    def drawn() -> Any:
        rng = block_generator(model.sha256, 1, 0, "variables")
        return model.distribution.sample(BLOCK_SIZE, rng, reserve=BLOCK_SIZE)

    drawn()
    codes, sampling = best_of(REPEATS, drawn)
    _, tables = best_of(REPEATS, lambda: registry_tables(model, settings, 0, codes))
    return [
        {"part": "variables", "cpu_seconds": round(sampling, 4)},
        {"part": "tables", "cpu_seconds": round(tables, 4)},
    ]


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, help="keep the result here")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        found = written(options.one, options.jobs) if options.one else {"parts": parts()}
        sys.stdout.write(json.dumps(found) + "\n")
        return
    document = {
        "task": "generate",
        "machine": machine(),
        "block_of_65536": alone(__file__, ["--one", "0"]).get("parts", []),
        "results": [alone(__file__, ["--one", str(n), "--jobs", str(j)]) for n, j in SIZES],
    }
    publish(document, options.output)


if __name__ == "__main__":
    main()
