"""Seconds, CPU seconds and memory of writing cohorts of the shipped model to Parquet.

``kr-rare``, patients with their tumours, with one and with two worker processes and growing
numbers of patients: the time must grow in proportion, and the peak memory of the whole tree
of processes must not grow.  ``blocks`` is one block of 65,536 patients made again and again in
memory, part by part: sampling the variables, making tables of them (further tumours included),
and the hash of their contents.

``sdv`` is SDV's Gaussian copula in the same run on the same columns: the columns of both tables
that have values, joined to one row per patient (first tumours), fitted to 20,000 of our patients
and sampled as a frame; beside it our own frames in memory, two linked tables with all their
columns.  SDV has an environment of its own (``--venvs``, see ``bench_sample.py``).

Every size runs in a process of its own; Linux only.  Example:
``python evaluation/benchmarks/bench_generate.py --venvs ../peers --output generate.json``
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

from bench_sample import interpreter
from machine import TreePeak, alone, best_of, machine, peak_mib, publish

MODEL = "kr-rare"
SIZES = ((200_000, 1), (1_000_000, 1), (1_000_000, 2), (3_000_000, 2))
REPEATS = 5
#: Patients that SDV is fitted to, and rows that it and we draw in memory.
TRAINING, DRAWN = 20_000, 200_000


def cpu_seconds() -> float:
    """CPU seconds of this process and the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def written(patients: int, jobs: int) -> dict[str, Any]:
    """Write one cohort."""
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort

    model = load_model(MODEL)
    settings = settings_for(model, patients, seed=1)
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        folder = Path(name) / "cohort"
        start, spent = time.perf_counter(), cpu_seconds()
        with TreePeak() as watched:
            made = write_cohort(model, settings, folder, formats=("parquet",), jobs=jobs)
        seconds, spent = time.perf_counter() - start, cpu_seconds() - spent
        size = sum(p.stat().st_size for p in folder.glob("*.parquet"))
    return {
        "patients": patients,
        "tumours": made["tables"]["tumour"]["rows"],
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
    from synthgen.cohort.hashes import table_hash
    from synthgen.cohort.registry import registry_tables
    from synthgen.cohort.settings import settings_for
    from synthgen.randomness import BLOCK_SIZE, block_generator

    model = load_model(MODEL)
    settings = settings_for(model, BLOCK_SIZE, seed=1)
    whole = settings.distribution(model)

    def drawn() -> Any:
        rng = block_generator(model.sha256, 1, 0, "variables")
        return whole.sample(BLOCK_SIZE, rng, reserve=BLOCK_SIZE)

    drawn()
    codes, sampling = best_of(REPEATS, drawn)
    frames, tables = best_of(REPEATS, lambda: registry_tables(model, settings, 0, codes, whole))
    _, hashing = best_of(
        REPEATS, lambda: [table_hash(f, model.schema.table(name)) for name, f in frames.items()]
    )
    return [
        {"part": "variables", "cpu_seconds": round(sampling, 4)},
        {"part": "tables", "cpu_seconds": round(tables, 4)},
        {"part": "hash", "cpu_seconds": round(hashing, 4)},
    ]


def in_memory(folder: Path) -> dict[str, Any]:
    """Our frames in memory, and the training rows of SDV with what their columns are."""
    from synthgen.cohort.artefact import load_model

    model = load_model(MODEL)
    small = model.generate(TRAINING, seed=1)
    first = small["tumour"][small["tumour"]["tumour_sequence"] == 1]
    joined = first.merge(small["patient"], on="patient_id")
    joined = joined.drop(columns=["tumour_id", "patient_id", "tumour_sequence"])
    joined = joined.loc[:, joined.notna().any()]
    joined.to_csv(folder / "training.csv", index=False)
    numbers, dates = {"age_at_diagnosis", "birth_year", "birth_month"}, "_date"
    kinds = {
        c: "numerical" if c in numbers else "datetime" if c.endswith(dates) else "categorical"
        for c in joined.columns
    }
    (folder / "kinds.json").write_text(json.dumps(kinds), encoding="utf-8")
    made, seconds = best_of(3, lambda: model.generate(DRAWN, seed=2))
    return {
        "task": "synthgen",
        "patients": DRAWN,
        "tumours": len(made["tumour"]),
        "columns": sum(len(frame.columns) for frame in made.tables.values()),
        "cpu_seconds": round(seconds, 2),
        "patients_per_cpu_second": round(DRAWN / seconds),
        "peak_mib": peak_mib(),
    }


def by_sdv(folder: Path) -> dict[str, Any]:
    """SDV's Gaussian copula on the columns of the training rows."""
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")  # SDV warns of what it prints anyway
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    kinds = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    texts = {c: str for c, kind in kinds.items() if kind != "numerical"}
    table = pd.read_csv(folder / "training.csv", dtype=texts)
    columns = {
        c: {"sdtype": k, **({"datetime_format": "%Y-%m-%d"} if k == "datetime" else {})}
        for c, k in kinds.items()
    }
    synthesizer = GaussianCopulaSynthesizer(
        Metadata.load_from_dict({"tables": {"rows": {"columns": columns}}})
    )
    _, fitting = best_of(1, lambda: synthesizer.fit({"rows": table}))
    _, seconds = best_of(3, lambda: synthesizer.sample(num_rows=DRAWN))
    return {
        "task": "sdv",
        "patients": DRAWN,
        "columns": len(columns),
        "fit_cpu_seconds": round(fitting, 2),
        "cpu_seconds": round(seconds, 2),
        "patients_per_cpu_second": round(DRAWN / seconds),
        "peak_mib": peak_mib(),
        "versions": {k: v for k, v in machine().items() if k in ("sdv", "numpy", "pandas")},
    }


def beside_sdv(venvs: Path | None) -> list[dict[str, Any]]:
    """Both in memory, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        ours = alone(__file__, ["--memory", name])
        python = interpreter("sdv", venvs or Path(name))
        return [ours, {"task": "sdv"} | alone(__file__, ["--sdv", name], python)]


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, help="keep the result here")
    parser.add_argument("--venvs", type=Path, help="where the environment of SDV is kept")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sdv", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory or options.sdv:
        found = in_memory(options.memory) if options.memory else by_sdv(options.sdv)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    if options.one is not None:
        found = written(options.one, options.jobs) if options.one else {"parts": parts()}
        sys.stdout.write(json.dumps(found) + "\n")
        return
    peers = beside_sdv(options.venvs)
    speed = [p.get("patients_per_cpu_second", 0) for p in peers]
    document = {
        "task": "generate",
        "model": MODEL,
        "machine": machine(),
        "block_of_65536": alone(__file__, ["--one", "0"]).get("parts", []),
        "results": [alone(__file__, ["--one", str(n), "--jobs", str(j)]) for n, j in SIZES],
        "in_memory": peers,
        "times_as_fast_as_sdv": round(speed[0] / speed[1], 1) if speed[1] else None,
    }
    publish(document, options.output)


if __name__ == "__main__":
    main()
