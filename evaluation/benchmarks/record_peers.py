"""One peer engine in its own environment: training records in, synthetic records out.

    python record_peers.py ENGINE train.csv columns.json rows seed out.csv

``columns.json`` names the numeric columns; everything else is categorical.  Settings that are
not the engine's defaults are stated here and nowhere else.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from machine import spent

#: Quantile bins of a number for the engine that takes categories only.
MBI_BINS = 20
#: Steps of mirror descent; its own benchmark needs 1,000 or more.
MBI_STEPS = 2_000


def sdv(kind, train, numeric, rows, seed, epochs):
    """Rows of a synthesizer of SDV; CTGAN and TVAE need torch."""
    from sdv.metadata import Metadata
    from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer

    metadata = Metadata.load_from_dict(
        {
            "tables": {
                "t": {
                    "columns": {
                        c: {"sdtype": "numerical" if c in numeric else "categorical"}
                        for c in train.columns
                    }
                }
            }
        }
    )
    np.random.seed(seed)  # noqa: NPY002 - what these engines draw from
    if kind == "sdv-gc":
        engine = GaussianCopulaSynthesizer(metadata)
    else:
        import torch

        torch.manual_seed(seed)
        make = CTGANSynthesizer if kind == "sdv-ctgan" else TVAESynthesizer
        try:
            engine = make(metadata, epochs=epochs, enable_gpu=False)
        except TypeError:
            engine = make(metadata, epochs=epochs, cuda=False)
    try:
        engine.fit({"t": train})
        made = engine.sample(num_rows=rows)
        return made["t"] if isinstance(made, dict) else made
    except (TypeError, KeyError, ValueError, AttributeError):
        engine.fit(train)
        made = engine.sample(num_rows=rows)
        return made["t"] if isinstance(made, dict) else made


def mbi_tree(train, numeric, rows, seed):
    """Chow-Liu tree of exact pairwise marginals, fitted by mbi's mirror descent."""
    import networkx as nx
    from mbi import Dataset, Domain, LinearMeasurement, estimation

    rng = np.random.default_rng(seed)
    codes, decode = {}, {}
    for name in train.columns:
        if name in numeric:
            values = train[name].to_numpy(dtype=float)
            edges = np.unique(np.quantile(values, np.linspace(0, 1, MBI_BINS + 1)))
            codes[name] = np.clip(
                np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0)
            )
            decode[name] = edges
        else:
            known = sorted(train[name].astype(str).unique())
            rank = {v: i for i, v in enumerate(known)}
            codes[name] = train[name].astype(str).map(rank).to_numpy()
            decode[name] = known
    names = list(train.columns)
    sizes = [int(codes[n].max()) + 1 for n in names]
    domain = Domain(tuple(names), tuple(sizes))
    frame = pd.DataFrame(codes)[names]
    try:
        data = Dataset(frame, domain)
    except (TypeError, AttributeError, ValueError):
        data = Dataset({n: frame[n].to_numpy() for n in names}, domain)

    def information(a, b):
        joint = np.histogram2d(
            codes[a], codes[b], bins=[int(codes[a].max()) + 1, int(codes[b].max()) + 1]
        )[0]
        joint /= joint.sum()
        both = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        inside = joint > 0
        return float((joint[inside] * np.log(joint[inside] / both[inside])).sum())

    graph = nx.Graph()
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            graph.add_edge(a, b, weight=information(a, b))
    cliques = [tuple(sorted(e, key=names.index)) for e in nx.maximum_spanning_tree(graph).edges]
    measured = [
        LinearMeasurement(np.asarray(data.project(c).datavector()), c, stddev=1.0)
        for c in [*((n,) for n in names), *cliques]
    ]
    model = estimation.MirrorDescent().estimate(domain, measured, iters=MBI_STEPS)
    made = model.synthetic_data(rows)
    drawn = (
        made.df
        if hasattr(made, "df")
        else pd.DataFrame({n: np.asarray(made.data[n]) for n in names})
    )
    out = {}
    for name in names:
        at = drawn[name].to_numpy(dtype=int)
        if name in numeric:
            edges = decode[name]
            if len(edges) == 1:
                out[name] = np.full(len(at), edges[0])
                continue
            value = edges[at] + rng.random(len(at)) * (edges[at + 1] - edges[at])
            out[name] = np.floor(value)
        else:
            out[name] = np.array(decode[name])[at]
    return pd.DataFrame(out)


def arfpy_forest(train, numeric, rows, seed):
    """Adversarial random forest of arfpy, with its defaults: 30 trees, 5 rows a leaf."""
    from arfpy import arf

    np.random.seed(seed)  # noqa: NPY002 - what its sampling draws from
    typed = train.astype({c: "category" for c in train.columns if c not in numeric})
    forest = arf.arf(x=typed, verbose=False, random_state=seed)
    forest.forde()
    return forest.forge(n=rows)


def mostly(train, numeric, rows, seed):
    """TabularARGN of mostlyai-engine, with its defaults, on the processor."""
    import tempfile

    from mostlyai.engine import TabularARGN

    with tempfile.TemporaryDirectory() as folder:
        engine = TabularARGN(
            workspace_dir=folder,
            device="cpu",
            random_state=seed,
            verbose=0,
            tgt_encoding_types={
                c: "TABULAR_NUMERIC_AUTO" if c in numeric else "TABULAR_CATEGORICAL"
                for c in train.columns
            },
        )
        engine.fit(train)
        return engine.sample(rows)


def main() -> None:
    """Fit the engine that is named and write its rows."""
    kind, train_path, columns, rows, seed, epochs, out = sys.argv[1:]
    numeric = set(json.loads(Path(columns).read_text())["numeric"])
    header = pd.read_csv(train_path, nrows=0).columns
    train = pd.read_csv(train_path, dtype={c: str for c in header if c not in numeric})
    started, watch = time.process_time(), time.perf_counter()
    if kind.startswith("sdv"):
        made = sdv(kind, train, numeric, int(rows), int(seed), int(epochs))
    elif kind == "arfpy":
        made = arfpy_forest(train, numeric, int(rows), int(seed))
    elif kind == "mostly":
        made = mostly(train, numeric, int(rows), int(seed))
    else:
        made = mbi_tree(train, numeric, int(rows), int(seed))
    made = made[list(train.columns)]
    for name in numeric:  # integers, within the range of the training half, for every engine alike
        value = pd.to_numeric(made[name]).round()
        made[name] = value.clip(train[name].min(), train[name].max()).fillna(train[name].median())
    made.to_csv(out, index=False)
    sys.stderr.write(json.dumps(spent(started, watch)) + "\n")


if __name__ == "__main__":
    main()
