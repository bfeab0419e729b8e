"""How good models of records are: the own engine, a bootstrap, and peers, on real records.

    python evaluation/benchmarks/bench_records.py rotterdam rotterdam.csv --sdv PYTHON --mbi PYTHON

The records are not part of synthgen: ``rotterdam.csv`` is that of the R package survival
(``survival::rotterdam``), ``adult.csv`` that of private-pgm's ``data`` folder.  Half of them train,
the other half judges; every engine makes as many rows as it was trained on.  Peers run in
environments of their own, given by their Python.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import record_metrics as measures
from machine import machine

from synthgen.enclave.engines import Request, own_engine
from synthgen.schema.load import load_schema
from synthgen.schema.model import ColumnType, Sensitivity

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "records.json"
END_POINTS = {"rotterdam": [("rtime", "recur"), ("dtime", "death")], "adult": []}
GROUPS = {"rotterdam": ["grade", "size", "hormon", "meno"], "adult": []}
PEERS = {"sdv-gc": "sdv", "sdv-ctgan": "sdv", "sdv-tvae": "sdv", "mbi-tree": "mbi"}


def read(path: Path, table, rows: int, seed: int) -> pd.DataFrame:
    """Records with codes as text, in the order of the schema, thinned to a number of rows."""
    frame = pd.read_csv(path, dtype={c.name: str for c in table.columns if c.codes})
    frame = frame[list(table.column_names)]
    if rows and rows < len(frame):
        frame = frame.sample(rows, random_state=seed)
    return frame.reset_index(drop=True)


def own(train: pd.DataFrame, schema, seed: int) -> tuple[pd.DataFrame, float]:
    """Rows of the own engine, with its CPU seconds."""
    table = schema.tables[0]
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        request = Request(table=table.name, allow_repeated=True)
        model = own_engine({table.name: train}, schema, Path(folder) / "model", request)
        made = model.generate(len(train), seed=seed)[table.name]
    seconds = time.process_time() - started
    kinds = {c.name: str if c.codes else float for c in table.columns}
    return made.astype(kinds), seconds


def peer(
    engine: str, python: str, train: pd.DataFrame, numeric: tuple[str, ...], seed: int, epochs: int
) -> tuple[pd.DataFrame, float]:
    """Rows of a peer in its own environment, with its CPU seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train.to_csv(folder / "train.csv", index=False)
        (folder / "columns.json").write_text(json.dumps({"numeric": list(numeric)}))
        done = subprocess.run(  # noqa: S603 - the Python that was named
            [
                python, str(HERE / "record_peers.py"), engine, str(folder / "train.csv"),
                str(folder / "columns.json"), str(len(train)), str(seed), str(epochs),
                str(folder / "out.csv"),
            ],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        codes = {c: str for c in train.columns if c not in numeric}
        cpu = json.loads(done.stderr.strip().splitlines()[-1])["cpu_seconds"]
        return pd.read_csv(folder / "out.csv", dtype=codes), cpu


def main() -> None:
    """Run and add the results to ``results/records.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(END_POINTS))
    parser.add_argument("records", type=Path)
    parser.add_argument("--rows", type=int, default=0, help="thin the records to so many")
    parser.add_argument("--splits", type=int, default=5, help="of the own engine and the bootstrap")
    parser.add_argument("--epochs", type=int, default=300, help="of CTGAN and TVAE (their default)")
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers to run")
    parser.add_argument("--label", default="", help="name of the result, by default the records'")
    parser.add_argument("--sdv", default="", help="Python with sdv")
    parser.add_argument("--mbi", default="", help="Python with mbi")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()

    schema = load_schema(HERE / "records" / asked.name)
    table = schema.tables[0]
    names = [c.name for c in table.columns if c.sensitivity is not Sensitivity.IDENTIFIER]
    numeric = tuple(
        c.name
        for c in table.columns
        if c.name in names and c.type in (ColumnType.INTEGER, ColumnType.NUMBER)
    )
    pythons = {"sdv": asked.sdv, "mbi": asked.mbi}
    found: dict[str, list[dict[str, float]]] = {}
    for split in range(asked.splits):
        frame = read(asked.records, table, asked.rows, 0)
        rng = np.random.default_rng(split)
        order = rng.permutation(len(frame))
        half = len(frame) // 2
        train = frame.iloc[order[:half]].reset_index(drop=True)
        held = frame.iloc[order[half : 2 * half]].reset_index(drop=True)
        made = {
            "bootstrap": (train.iloc[rng.integers(0, half, half)].reset_index(drop=True), 0.0),
            "synthgen": own(train, schema, split + 1),
        }
        if split == 0:
            for engine, home in PEERS.items():
                if pythons[home] and engine in asked.peers.split(","):
                    made[engine] = peer(
                        engine, pythons[home], train[names], numeric, 1, asked.epochs
                    )
        sets = measures.triples(names)
        real = measures.codes_of(held[names], train[names], numeric)
        for engine, (synthetic, cpu) in made.items():
            synthetic = synthetic[names]
            row = {
                "marginal_distance_3": measures.marginal_distance(
                    measures.codes_of(synthetic, train[names], numeric), real, sets
                ),
                "detection_auc": measures.detection_auc(synthetic, held[names], numeric, split),
                "cpu_seconds": cpu,
            }
            if END_POINTS[asked.name]:
                points = END_POINTS[asked.name]
                row["survival_gap"] = measures.survival_gap(
                    synthetic, held[names], points, GROUPS[asked.name]
                )
                row["relapse_after_death_rows"] = float(
                    (synthetic[points[0][0]] > synthetic[points[1][0]]).mean()
                )
            found.setdefault(engine, []).append(row)
            sys.stdout.write(f"{split} {engine} {row}\n")
            sys.stdout.flush()
    document = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    document[asked.label or asked.name] = {
        "rows": int(asked.rows or len(frame)),
        "train": half,
        "epochs": asked.epochs,
        "splits": asked.splits,
        "peer_splits": 1,
        "detector": {**measures.DETECTOR, "folds": measures.FOLDS},
        "machine": machine(),
        "engines": {
            engine: {
                **{key: round(float(np.mean([r[key] for r in rows])), 4) for key in rows[0]},
                "runs": len(rows),
            }
            for engine, rows in found.items()
        },
    }
    asked.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
