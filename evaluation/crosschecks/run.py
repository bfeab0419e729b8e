"""Our measures beside SDMetrics', anonymeter's and syntheval's nearest, on the same fixtures.

The fixtures are made from the invented population of the controls: no real record.  Each
tool runs in an environment of its own and gets CSV files.

``python evaluation/crosschecks/run.py --sdmetrics PYTHON --anonymeter PYTHON --syntheval PYTHON``
writes ``evaluation/crosschecks/results.json``.  What is left out is not run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIXTURES = ("copier", "jitter", "outlier leak", "mirror, black box", "published tables")
RECORDS, SEED = 343, 1
#: Columns that other tools are told about.
KEYS, SECRET = ["sex", "region", "stage"], "grade"


def ours(fixture: str, folder: Path) -> dict[str, Any]:
    """Write the tables of a fixture and measure them."""
    sys.path.insert(0, str(ROOT))
    from dataclasses import replace

    import numpy as np

    from synthgen.evaluation.measures import MEASURES
    from synthgen.fidelity.encoding import encoder_of, rows_of
    from synthgen.fidelity.marginals import table_distance
    from synthgen.privacy.controls.table import control

    inputs = control(fixture).inputs(RECORDS, np.random.default_rng([SEED, RECORDS]))
    release = rows_of(inputs.synthetic, np.arange(RECORDS))
    inputs = replace(inputs, synthetic=release, secrets=(SECRET,), keys=(tuple(KEYS),))
    assert inputs.train is not None  # noqa: S101
    assert inputs.control is not None  # noqa: S101
    for name, side in (("train", inputs.train), ("control", inputs.control), ("release", release)):
        side.frame.to_csv(folder / f"{name}.csv", index=False)
    kinds = {c: {"sdtype": "categorical"} for c in inputs.train.categorical}
    kinds |= {c: {"sdtype": "numerical"} for c in inputs.train.numeric}
    (folder / "kinds.json").write_text(json.dumps({"columns": kinds}), encoding="utf-8")
    found: dict[str, Any] = {}
    for name in ("attribute_disclosure", "linkability", "familiar_distances", "rare_values"):
        for one in MEASURES[name].run(inputs, np.random.default_rng(SEED)):
            found[f"{name}, {one.part}"] = one.estimate
    encoder = encoder_of(inputs.train)
    sides = encoder(inputs.train), encoder(release)
    for order, name in ((1, "one-way distance"), (2, "two-way distance")):
        columns = inputs.train.categorical
        _, detail = table_distance(*sides, encoder, columns, order, np.random.default_rng(SEED))
        found[f"marginals, {name} of codes from training records"] = detail["distance"]
    return found


def by_sdmetrics(folder: Path) -> dict[str, Any]:
    """SDMetrics on the same tables."""
    import itertools

    import pandas as pd
    from sdmetrics.column_pairs import ContingencySimilarity
    from sdmetrics.single_column import TVComplement
    from sdmetrics.single_table import DCROverfittingProtection, NewRowSynthesis

    kinds = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    codes = [c for c, k in kinds["columns"].items() if k["sdtype"] == "categorical"]
    train, control, release = (
        pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(codes, str))
        for name in ("train", "control", "release")
    )
    one = [1 - TVComplement.compute(train[c], release[c]) for c in codes]
    two = [
        1 - ContingencySimilarity.compute(train[[a, b]], release[[a, b]])
        for a, b in itertools.combinations(codes, 2)
    ]
    return {
        "1 - TVComplement, mean": sum(one) / len(one),
        "1 - ContingencySimilarity, mean": sum(two) / len(two),
        "DCROverfittingProtection": float(
            DCROverfittingProtection.compute(train, release, control, {"tables": {"t": kinds}}, "t")
        ),
        "NewRowSynthesis": float(
            NewRowSynthesis.compute(train, release, {"tables": {"t": kinds}}, "t")
        ),
    }


def by_anonymeter(folder: Path) -> dict[str, Any]:
    """Anonymeter on the same tables."""
    import numpy as np
    import pandas as pd
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator

    np.random.seed(1)  # noqa: NPY002 - its own randomness
    kinds = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    codes = [c for c, k in kinds["columns"].items() if k["sdtype"] == "categorical"]
    train, control, release = (
        pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(codes, str))
        for name in ("train", "control", "release")
    )
    columns = list(train.columns)
    linked = LinkabilityEvaluator(
        ori=train,
        syn=release,
        control=control,
        n_attacks=len(control),
        aux_cols=(columns[::2], columns[1::2]),
        n_neighbors=3,
    ).evaluate(n_jobs=1)
    inferred = InferenceEvaluator(
        ori=train,
        syn=release,
        control=control,
        aux_cols=[c for c in columns if c != SECRET],
        secret=SECRET,
        n_attacks=len(control),
    ).evaluate(n_jobs=1)
    found = {}
    for name, one in (("linkability", linked), ("inference", inferred)):
        results = one.results()
        found[f"{name}, attack less control"] = float(
            results.attack_rate.value - results.control_rate.value
        )
        found[f"{name}, risk"] = float(one.risk().value)
        found[f"{name}, baseline rate"] = float(results.baseline_rate.value)
    return found


def by_syntheval(folder: Path) -> dict[str, Any]:
    """Syntheval on the same tables."""
    import pandas as pd
    from syntheval import SynthEval

    kinds = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
    codes = [c for c, k in kinds["columns"].items() if k["sdtype"] == "categorical"]
    train, control, release = (
        pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(codes, str))
        for name in ("train", "control", "release")
    )
    judge = SynthEval(train, holdout_dataframe=control, cat_cols=codes, verbose=False)
    table = judge.evaluate(release, hit_rate={}, eps_risk={}, nnaa={})
    return {str(row["metric"]): float(row["val"]) for row in table.to_dict("records")}


OTHERS = {"sdmetrics": by_sdmetrics, "anonymeter": by_anonymeter, "syntheval": by_syntheval}


def main() -> None:
    """Run all tools that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in OTHERS:
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--one", default="")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.one:
        sys.stdout.write("\n" + json.dumps(OTHERS[asked.one](asked.folder)) + "\n")
        return
    rows = []
    for fixture in FIXTURES:
        with tempfile.TemporaryDirectory() as folder:
            row: dict[str, Any] = {"fixture": fixture, "synthgen": ours(fixture, Path(folder))}
            for name in OTHERS:
                python = getattr(asked, name)
                if python:
                    row[name] = _alone(python, name, folder)
        rows.append(row)
        sys.stderr.write(f"{json.dumps(row)}\n")
    text = json.dumps({"records": RECORDS, "seed": SEED, "rows": rows}, indent=1) + "\n"
    (HERE / "results.json").write_text(text, encoding="utf-8")


def _alone(python: str, name: str, folder: str) -> Any:
    arguments = [python, str(Path(__file__)), "--one", name, "--folder", folder]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return {"not_measured": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
