"""How good models of records are: our engines, a bootstrap, and peers, on real records.

    python evaluation/benchmarks/bench_records.py rotterdam rotterdam.csv --sdv PYTHON --arfpy PYTHON

The records are not part of synthgen: ``rotterdam.csv`` is that of the R package survival
(``survival::rotterdam``), ``adult.csv`` that of private-pgm's ``data`` folder.  Half of them train,
the other half judges; every engine makes as many rows as it was trained on.  Peers run in
environments of their own, given by their Python; ours in a process of its own each.

For every measure the best of ours is held against the best of the peers: rows of the judging
half are resampled, the same ones for both, and the difference is given with its 95 % interval.
What the engines made may be kept in a folder (--keep), and is then not made again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import record_metrics as measures
from machine import machine

from synthgen.schema.load import load_schema
from synthgen.schema.model import ColumnType, Sensitivity

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "records.json"
END_POINTS = {"rotterdam": [("rtime", "recur"), ("dtime", "death")], "adult": []}
GROUPS = {"rotterdam": ["grade", "size", "hormon", "meno"], "adult": []}
PEERS = {
    "arfpy": "arfpy",
    "sdv-gc": "sdv",
    "sdv-ctgan": "sdv",
    "sdv-tvae": "sdv",
    "mostly": "mostly",
    "mbi-tree": "mbi",
}
#: Our engines: name in the results, engine, persons of a leaf (0: the default).
OURS = {
    "synthgen": ("own", 0),
    "synthgen-forest": ("forest", 0),
    "synthgen-forest-5": ("forest", 5),
}
#: What ``fit --schema`` does when nothing is chosen; it is held against the peers by itself.
DEFAULT = "synthgen"
TARGET = {"adult": "income>50K"}
#: Measures, and whether more is better.
JUDGED = {
    "detection_auc": False,
    "train_on_synthetic_auc": True,
    "concordance_recur": True,
    "concordance_death": True,
    "marginal_distance_2": False,
    "marginal_distance_3": False,
}
#: Resamples of the judging half, and how much worse than the best peer is still not worse.
RESAMPLES, LIMIT = 200, 0.01

Asked = dict[str, dict[str, Callable[[np.ndarray], float]]]
"""Every measure of every engine, as a function of how often each judging row is taken."""


def read(path: Path, table, rows: int, seed: int) -> pd.DataFrame:
    """Records with codes as text, in the order of the schema, thinned to a number of rows."""
    frame = pd.read_csv(path, dtype={c.name: str for c in table.columns if c.codes})
    frame = frame[list(table.column_names)]
    if rows and rows < len(frame):
        frame = frame.sample(rows, random_state=seed)
    return frame.reset_index(drop=True)


def run(command: list[str], out: Path, codes: dict[str, type]) -> tuple[pd.DataFrame, dict]:
    """Rows that a process wrote, and what it used; read again where it has been run before."""
    used = out.with_suffix(".json")
    if not (out.exists() and used.exists()):
        done = subprocess.run(  # noqa: S603 - the Python that was named
            [*command, str(out)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr[-3000:]}")
        used.write_text(done.stderr.strip().splitlines()[-1] + "\n")
    return pd.read_csv(out, dtype=codes), json.loads(used.read_text())


def judged(
    name: str,
    synthetic: pd.DataFrame,
    train: pd.DataFrame,
    held: pd.DataFrame,
    numeric: tuple[str, ...],
    split: int,
) -> dict[str, Callable[[np.ndarray], float]]:
    """Every measure as a function of how often each judging row is taken."""
    columns = list(held.columns)
    real = measures.codes_of(held, train, numeric)
    made = measures.codes_of(synthetic, train, numeric)
    pairs, triples = list(combinations(columns, 2)), measures.triples(columns)
    fake, true = measures.detection_scores(synthetic, held, numeric, split)
    found: dict[str, Callable[[np.ndarray], float]] = {
        "marginal_distance_2": lambda w: measures.marginal_distance(made, real, pairs, w),
        "marginal_distance_3": lambda w: measures.marginal_distance(made, real, triples, w),
        "detection_auc": lambda w: measures.auc(fake, np.repeat(true, w)),
    }
    if name in TARGET:
        score, truth = measures.trained_on(synthetic, held, numeric, TARGET[name])
        found["train_on_synthetic_auc"] = lambda w: measures.auc(
            np.repeat(score[truth], w[truth]), np.repeat(score[~truth], w[~truth])
        )
    points = END_POINTS[name]
    risks = measures.cox_risks(synthetic, held, train, numeric, points) if points else []
    for (time, event), risk in zip(points, risks, strict=True):
        at, died = held[time].to_numpy(dtype=float), held[event].astype(int).to_numpy()
        found[f"concordance_{event}"] = lambda w, at=at, died=died, risk=risk: measures.concordance(
            at, died, risk, w
        )
    return found


def against_peers(splits: list[Asked], rows: int) -> dict[str, dict[str, object]]:
    """Best of ours beside the best of the peers, over the splits that both were made in."""
    rng = np.random.default_rng(0)
    weights = [np.bincount(rng.integers(0, rows, rows), minlength=rows) for _ in range(RESAMPLES)]
    whole = np.ones(rows, dtype=np.int64)
    made: dict[str, dict[str, object]] = {}
    for measure, more in JUDGED.items():
        sign = -1.0 if more else 1.0
        values = {
            engine: [m[engine][measure](whole) for m in splits if engine in m]
            for engine in (*OURS, *PEERS)
            if engine in splits[0] and measure in splits[0][engine]
        }
        ours, peers = [e for e in values if e in OURS], [e for e in values if e in PEERS]
        if not ours or not peers:
            continue

        def mean(engine: str, values: dict = values, sign: float = sign) -> float:
            return sign * float(np.mean(values[engine]))

        best, peer = min(ours, key=mean), min(peers, key=mean)
        known = values[peer]
        worse = {
            e: round(sign * float(np.mean(np.subtract(values[e][: len(known)], known))), 4)
            for e in ours
        }

        def held(engine: str, measure: str = measure, peer: str = peer, sign: float = sign) -> dict:
            both = [m for m in splits if engine in m and peer in m]
            apart = [(m[engine][measure], m[peer][measure]) for m in both]
            every = [float(np.mean([sign * (a(w) - b(w)) for a, b in apart])) for w in weights]
            now = [a(whole) for a, _ in apart]
            gap = round(sign * float(np.mean([a(whole) - b(whole) for a, b in apart])), 4)
            low, high = np.quantile(every, [0.025, 0.975])
            return {
                "ours": engine,
                "value": round(float(np.mean(now)), 4),
                "worse_by": gap,
                "interval": [round(float(low), 4), round(float(high), 4)],
                "met": bool(gap <= LIMIT),
                "met_for_certain": bool(high <= LIMIT),
            }

        made[measure] = {
            **held(best),
            "peer": peer,
            "splits": len(known),
            "peer_value": round(float(np.mean(known)), 4),
            "each_of_ours": worse,
            "default": held(DEFAULT),
        }
        sys.stdout.write(f"{measure} {made[measure]}\n")
        sys.stdout.flush()
    return made


def main() -> None:
    """Run and add the results to ``results/records.json``; what is not run again stays there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(END_POINTS))
    parser.add_argument("records", type=Path)
    parser.add_argument("--rows", type=int, default=0, help="thin the records to so many")
    parser.add_argument("--splits", type=int, default=5, help="of our engines and the bootstrap")
    parser.add_argument("--epochs", type=int, default=300, help="of CTGAN and TVAE (their default)")
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers to run")
    parser.add_argument("--every", default="arfpy", help="peers to run in every split")
    parser.add_argument("--label", default="", help="name of the result, by default the records'")
    for home in dict.fromkeys(PEERS.values()):
        parser.add_argument(f"--{home}", default="", help=f"Python with {home}")
    parser.add_argument("--keep", type=Path, default=None, help="folder of what engines made")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()

    source = HERE / "records" / asked.name
    table = load_schema(source).tables[0]
    names = [c.name for c in table.columns if c.sensitivity is not Sensitivity.IDENTIFIER]
    numbers = (ColumnType.INTEGER, ColumnType.NUMBER)
    numeric = tuple(c.name for c in table.columns if c.name in names and c.type in numbers)
    codes = {c.name: str for c in table.columns if c.codes}
    found: dict[str, list[dict[str, float]]] = {}
    splits: list[Asked] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for split in range(asked.splits):
            frame = read(asked.records, table, asked.rows, 0)
            rng = np.random.default_rng(split)
            order = rng.permutation(len(frame))
            half = len(frame) // 2
            train = frame.iloc[order[:half]].reset_index(drop=True)
            held = frame.iloc[order[half : 2 * half]].reset_index(drop=True)[names]
            resampled = train.iloc[rng.integers(0, half, half)].reset_index(drop=True)
            made: dict[str, tuple[pd.DataFrame, dict]] = {"bootstrap": (resampled, {})}
            start = folder / f"{asked.label or asked.name}-{split}"
            whole, bare = Path(f"{start}-train.csv"), Path(f"{start}-bare.csv")
            listed = Path(f"{start}-columns.json")
            train.to_csv(whole, index=False)
            train[names].to_csv(bare, index=False)
            listed.write_text(json.dumps({"numeric": list(numeric)}))
            for engine, (kind, least) in OURS.items():
                command = [sys.executable, str(HERE / "record_own.py"), kind, str(whole)]
                command += [str(source), str(half), str(split + 1), str(least)]
                made[engine] = run(command, Path(f"{start}-{engine}.csv"), codes)
            for engine, home in PEERS.items():
                python = getattr(asked, home)
                once = split and engine not in asked.every.split(",")
                if once or not python or engine not in asked.peers.split(","):
                    continue
                command = [python, str(HERE / "record_peers.py"), engine, str(bare), str(listed)]
                command += [str(half), str(split + 1), str(asked.epochs)]
                made[engine] = run(command, Path(f"{start}-{engine}.csv"), codes)
            every = {}
            for engine, (rows, used) in made.items():
                synthetic = rows[names]
                every[engine] = judged(asked.name, synthetic, train[names], held, numeric, split)
                one = np.ones(half, dtype=np.int64)
                row = {measure: ask(one) for measure, ask in every[engine].items()} | used
                if END_POINTS[asked.name]:
                    points = END_POINTS[asked.name]
                    row["survival_gap"] = measures.survival_gap(
                        synthetic, held, points, GROUPS[asked.name]
                    )
                    row["relapse_after_death_rows"] = float(
                        (synthetic[points[0][0]] > synthetic[points[1][0]]).mean()
                    )
                found.setdefault(engine, []).append(row)
                sys.stdout.write(f"{split} {engine} {row}\n")
                sys.stdout.flush()
            splits.append(every)
    document = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    before = document.get(asked.label or asked.name, {}).get("engines", {})
    document[asked.label or asked.name] = {
        "rows": int(asked.rows or len(frame)),
        "train": half,
        "epochs": asked.epochs,
        "splits": asked.splits,
        "detector": {**measures.DETECTOR, "folds": measures.FOLDS},
        "resamples": RESAMPLES,
        "limit": LIMIT,
        "machine": machine(),
        "engines": {engine: row for engine, row in before.items() if engine not in found}
        | {
            engine: {
                **{key: round(float(np.mean([r[key] for r in rows])), 4) for key in rows[0]},
                "runs": len(rows),
            }
            for engine, rows in found.items()
        },
        "against_peers": against_peers(splits, half),
    }
    asked.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
