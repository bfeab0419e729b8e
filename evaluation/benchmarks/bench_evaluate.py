"""CPU seconds and peak memory of every measure of families M, C and U, beside SDMetrics' nearest.

Records are of the invented population of the controls, with eight more columns (20 in all): as
many for training, as control and in the release.  Each measure runs in a process of its own,
on one thread.  ``--sdmetrics PYTHON`` names an interpreter that has SDMetrics; its measures
run on the same tables, as CSV.

Example: ``python evaluation/benchmarks/bench_evaluate.py -n 500 10000 --sdmetrics python
--output evaluation/benchmarks/results/evaluate.json``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from machine import ROOT, machine, peak_mib

#: SDMetrics' nearest measure, and up to how many rows it is run: the others take minutes.
NEAREST = {
    "DCROverfittingProtection": 2_000,
    "DCRBaselineProtection": 2_000,
    "DisclosureProtection": 10_000,
    "CategoricalCAP": 2_000,
    "QualityReport": 10_000,
}
SKIPPED = {"k_map", "statements", "sdmetrics_quality", "artefact_lint", "refit_audit"}
AUDIT_RECORDS, AUDIT_REFITS = 700, 64
EXTRA_CODES, EXTRA_NUMBERS = 5, 3


def inputs_of(n: int, seed: int = 1) -> Any:
    """Inputs of 20 columns."""
    import numpy as np

    from synthgen.findings import Subjects
    from synthgen.privacy.controls.generators import copier
    from synthgen.privacy.controls.table import control
    from synthgen.privacy.refit import Refit

    rng = np.random.default_rng(seed)
    plain = control("published tables").inputs(n, rng)

    def wider(subjects: Subjects) -> Subjects:
        frame = subjects.frame.copy()
        codes = [f"code_{i}" for i in range(EXTRA_CODES)]
        numbers = [f"number_{i}" for i in range(EXTRA_NUMBERS)]
        for i, name in enumerate(codes):
            frame[name] = rng.integers(0, 3 + 4 * i, len(frame)).astype(str)
        for name in numbers:
            frame[name] = np.round(rng.lognormal(2, 1, len(frame)), 1)
        return Subjects(frame, (*subjects.categorical, *codes), (*subjects.numeric, *numbers))

    assert plain.train is not None  # noqa: S101
    assert plain.control is not None  # noqa: S101
    release = plain.synthetic.frame.iloc[:n]
    return replace(
        plain,
        train=wider(plain.train),
        control=wider(plain.control),
        synthetic=wider(replace(plain.synthetic, frame=release)),
        refit=Refit(copier),  # takes any columns
    )


def one_measure(name: str, n: int) -> dict[str, Any]:
    """One measure in this process."""
    import numpy as np

    from synthgen.evaluation.measures import MEASURES
    from synthgen.privacy.refit_audit import refit_audit

    run = MEASURES[name].run
    if name == "refit_audit":
        run = partial(refit_audit, refits=AUDIT_REFITS)
    inputs = inputs_of(n // 2 if name == "refit_audit" else n)
    fits = 0.0
    if name == "refit_audit":
        fits = _fitting(inputs)
    before, clock = time.process_time(), time.perf_counter()
    findings = run(inputs, np.random.default_rng(1))
    return {
        "measure": name,
        "n": n,
        "findings": len(findings),
        "cpu_seconds": round(time.process_time() - before, 2),
        "clock_seconds": round(time.perf_counter() - clock, 2),
        "seconds_in_fits": round(fits, 2),
        "peak_mib": peak_mib(),
    }


def _fitting(inputs: Any) -> float:
    """CPU seconds of as many fits and samples as the audit makes."""
    import numpy as np

    start = time.process_time()
    for seed in range(AUDIT_REFITS):
        inputs.refit(inputs.train, len(inputs.train), np.random.default_rng(seed))
    return time.process_time() - start


def by_sdmetrics(name: str, folder: Path) -> dict[str, Any]:
    """One measure of SDMetrics in this process; it needs SDMetrics and pandas alone."""
    import pandas as pd

    real, control, synthetic = (
        pd.read_csv(folder / f"{part}.csv") for part in ("train", "control", "release")
    )
    kinds = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    for frame in (real, control, synthetic):
        for column, kind in kinds["columns"].items():
            if kind["sdtype"] == "categorical":
                frame[column] = frame[column].astype(str)
    before, clock = time.process_time(), time.perf_counter()
    value = _sdmetrics_value(name, real, control, synthetic, kinds)
    return {
        "measure": f"sdmetrics.{name}",
        "n": len(real),
        "value": value,
        "cpu_seconds": round(time.process_time() - before, 2),
        "clock_seconds": round(time.perf_counter() - clock, 2),
        "peak_mib": peak_mib(),
    }


def _sdmetrics_value(name: str, real: Any, control: Any, synthetic: Any, kinds: Any) -> float:
    if name == "QualityReport":
        from sdmetrics.reports import QualityReport

        report = QualityReport()
        report.generate({"t": real}, {"t": synthetic}, {"tables": {"t": kinds}}, verbose=False)
        return float(report.get_score())
    import sdmetrics.single_table as measures

    measure = getattr(measures, name)
    if name == "DCROverfittingProtection":
        return float(
            measure.compute(
                real_training_data=real,
                synthetic_data=synthetic,
                real_validation_data=control,
                metadata={"tables": {"t": kinds}},
                table_name="t",
            )
        )
    if name == "DCRBaselineProtection":
        metadata = {"tables": {"t": kinds}}
        return float(measure.compute(real, synthetic, metadata, "t"))
    keys, secret = ["sex", "region", "entity"], ["grade"]
    if name == "DisclosureProtection":
        return float(
            measure.compute(
                real_data=real,
                synthetic_data=synthetic,
                known_column_names=keys,
                sensitive_column_names=secret,
            )
        )
    return float(
        measure.compute(
            real_data=real,
            synthetic_data=synthetic,
            key_fields=keys,
            sensitive_fields=secret,
        )
    )


def write_tables(n: int, folder: Path) -> None:
    """The same records for other tools."""
    inputs = inputs_of(n)
    for part, subjects in (
        ("train", inputs.train),
        ("control", inputs.control),
        ("release", inputs.synthetic),
    ):
        subjects.frame.to_csv(folder / f"{part}.csv", index=False)
    columns = {c: {"sdtype": "categorical"} for c in inputs.train.categorical}
    columns |= {c: {"sdtype": "numerical"} for c in inputs.train.numeric}
    (folder / "kinds.json").write_text(json.dumps({"columns": columns}), encoding="utf-8")


def alone(python: str, *arguments: str) -> dict[str, Any]:
    """One measurement in a process of its own, on one thread; its last line is its result."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(  # noqa: S603 - starts this script again
        [python, __file__, *arguments],
        env=os.environ | threads | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"measure": arguments[1], "failed": done.stderr.strip().splitlines()[-1]}
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def all_of(sizes: list[int], sdmetrics: str) -> dict[str, Any]:
    """All measurements."""
    from synthgen.evaluation.measures import MEASURES

    names = [m.id for m in MEASURES.values() if m.family in ("C", "U") and m.id not in SKIPPED]
    results = []
    for n in sizes:
        for name in names:
            results.append(alone(sys.executable, "--measure", name, "-n", str(n)))
            sys.stderr.write(f"{results[-1]}\n")
        if not sdmetrics:
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_tables(n, Path(folder))
            for name, most in NEAREST.items():
                if n <= most:
                    results.append(alone(sdmetrics, "--by-sdmetrics", name, "--folder", folder))
                    sys.stderr.write(f"{results[-1]}\n")
    results.append(alone(sys.executable, "--measure", "refit_audit", "-n", str(AUDIT_RECORDS)))
    sys.stderr.write(f"{results[-1]}\n")
    return {"task": "evaluate", "columns": 20, "machine": machine(), "results": results}


def main() -> None:
    """Run one measurement, or all of them in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, nargs="+", default=[500, 10_000])
    parser.add_argument("--measure", default="")
    parser.add_argument("--by-sdmetrics", default="")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--sdmetrics", default="")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    if asked.measure:
        sys.stdout.write(json.dumps(one_measure(asked.measure, asked.n[0])) + "\n")
        return
    if asked.by_sdmetrics:
        sys.stdout.write(json.dumps(by_sdmetrics(asked.by_sdmetrics, asked.folder)) + "\n")
        return
    text = json.dumps(all_of(asked.n, asked.sdmetrics), indent=1) + "\n"
    if asked.output:
        asked.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
