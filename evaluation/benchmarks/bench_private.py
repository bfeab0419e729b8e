"""Private packs measured: against OpenDP's own MST and AIM, with a public prior, by family.

    python evaluation/benchmarks/bench_private.py adult adult.csv --epsilon 1 --opendp PYTHON
    python evaluation/benchmarks/bench_private.py prior rotterdam.csv gbsg.csv --opendp PYTHON
    python evaluation/benchmarks/bench_private.py family rotterdam.csv
    python evaluation/benchmarks/bench_private.py page

The records are not part of synthgen: ``adult.csv`` is that of private-pgm's ``data`` folder, the
others those of the R package survival.  Errors are mean total variation distances over all
marginals of three variables (``family``: of two) between the records and what the model says.
The noise has no seed: figures differ a little from run to run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine
from private_page import BEGIN, END, PAGE, tables, write_page

from synthgen.enclave.fit import fit_tabulated
from synthgen.enclave.private.settings import PrivateSettings, PublicPrior
from synthgen.enclave.private.tabulate import tabulate_private
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.fidelity.cox import cox_fit
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.noisy import LEAST_WORTH, NoisyModel, NoisyTable
from synthgen.models.shrinkage import fit_few
from synthgen.schema.load import load_schema

__all__ = ["BEGIN", "END", "PAGE", "RESULTS", "tables"]

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "private.json"
Columns = dict[str, np.ndarray]
ROWS = 50_000
#: Rows of a model by which its marginals are read where it is no question of its size.


def distance(a: Columns, b: Columns, sizes: dict[str, int], width: int) -> float:
    """Mean total variation distance over all marginals of some width."""
    found = []
    for names in combinations(sizes, width):
        shape = [sizes[n] for n in names]
        shares = []
        for rows in (a, b):
            flat = np.ravel_multi_index([rows[n] for n in names], shape)
            shares.append(np.bincount(flat, minlength=int(np.prod(shape))) / len(flat))
        found.append(float(np.abs(shares[0] - shares[1]).sum()) / 2)
    return float(np.mean(found))


def coded(frame: pd.DataFrame, schema) -> Columns:
    """Positions of codes and public bins of every variable of a schema with one table."""
    columns = {}
    for variable in schema.variables:
        values = frame[variable.column.partition(".")[2]]
        if variable.is_binned:
            edges = [c.lower for c in variable.categories if not c.means]
            columns[variable.name] = np.searchsorted(edges, values.to_numpy(float), "right") - 1
        else:
            columns[variable.name] = values.map(variable.codes.index).to_numpy(np.intp)
    return columns


def adult(asked: argparse.Namespace) -> dict[str, object]:
    """Adult in public bins: error, seconds and memory of synthgen, MST and AIM."""
    schema = load_schema(HERE / "records" / "adult")
    table = schema.tables[0]
    frame = pd.read_csv(asked.records[0], dtype={c.name: str for c in table.columns if c.codes})
    settings = PrivateSettings(asked.epsilon, 1e-9, Settings(allow_repeated=True))
    started, cpu = time.perf_counter(), time.process_time()
    pack = tabulate_private({table.name: frame}, schema, settings).pack
    assert pack.own_schema is not None  # noqa: S101
    fit = fit_tabulated(pack, pack.own_schema)
    made = fit.distribution.sample(len(frame), np.random.default_rng(1))
    spent = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    real = coded(frame, pack.own_schema)
    sizes = {v.name: len(v.codes) for v in pack.own_schema.variables}
    found: dict[str, object] = {
        "synthgen": {
            **spent, "rss_mib": peak(), "error": distance(real, made, sizes, 3),
            "tables": len(pack.tables), "residual": fit.residual,
        }
    }  # fmt: skip
    found |= peers(asked, real, sizes, 1e-9)
    return found


def peers(
    asked: argparse.Namespace, real: Columns, sizes: dict[str, int], delta: float, rows: int = 0
) -> dict[str, object]:
    """OpenDP's own algorithms on coded rows, judged on so many rows of theirs (or as many)."""
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pd.DataFrame(real).to_csv(folder / "codes.csv", index=False)
        (folder / "sizes.json").write_text(json.dumps(sizes))
        for engine in asked.peers.split(",") if asked.opendp else []:
            try:
                done = subprocess.run(  # noqa: S603 - the Python that was named
                    [asked.opendp, str(HERE / "private_peers.py"), engine,
                     str(folder / "codes.csv"), str(folder / "sizes.json"), str(asked.epsilon),
                     str(delta), str(folder / "out.csv"), *([str(rows)] if rows else [])],
                    check=True, capture_output=True, text=True, timeout=asked.timeout,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                found[f"opendp-{engine}"] = {"seconds": asked.timeout, "ended": False}
                continue
            made = pd.read_csv(folder / "out.csv").dropna()  # OpenDP adds a null to every column
            theirs = {n: made[n].to_numpy(np.intp) for n in sizes}
            found[f"opendp-{engine}"] = {
                **json.loads(done.stdout), "error": distance(real, theirs, sizes, 3)
            }  # fmt: skip
    return found


def peak() -> float:
    """Largest memory of this process so far [MiB]."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bands(values: pd.Series, edges: list[float], labels: list[str]) -> pd.Series:
    """Values as labels of half-open bands."""
    at = np.searchsorted(edges, values.to_numpy(float), side="right")
    return pd.Series(np.array(labels)[at], index=values.index)


def breast(frame: pd.DataFrame, *, german: bool) -> pd.DataFrame:
    """Rotterdam or German series in the public bins that both have."""
    size = frame["size"]
    years = frame["rfstime"] / 365.25 if german else 0.0
    status = frame["status"] if german else (frame["recur"] | frame["death"])
    if german:
        size = bands(size, [20.5, 50.5], ["<=20", "20-50", ">50"])
    else:
        # Relapse-free: time to recurrence, else to death or last follow-up.
        years = np.where(frame["recur"] == 1, frame["rtime"], frame["dtime"]) / 365.25
    receptor = ["<10", "10-49", "50-199", "200+"]
    return pd.DataFrame(
        {
            "age": bands(frame["age"], [40, 50, 60, 70], ["<40", "40-49", "50-59", "60-69", "70+"]),
            "meno": frame["meno"].astype(str),
            "size": size,
            "grade": np.where(frame["grade"] == 3, "3", "1-2"),
            "nodes": bands(frame["nodes"], [1, 4, 10], ["0", "1-3", "4-9", "10+"]),
            "pgr": bands(frame["pgr"], [10, 50, 200], receptor),
            "er": bands(frame["er"], [10, 50, 200], receptor),
            "hormon": frame["hormon"].astype(str),
            "years": bands(
                pd.Series(years),
                [1, 2, 3, 4, 5, 7],
                ["<1", "1-2", "2-3", "3-4", "4-5", "5-7", "7+"],
            ),
            "status": status.astype(str),
        }
    )


def effects(rows: Columns) -> dict[str, float]:
    """Cox log hazards per standard deviation of the position of each variable."""
    names = [n for n in rows if n not in ("years", "status")]
    design = np.column_stack([rows[n] for n in names]).astype(float)
    spread = design.std(axis=0)
    design = (design - design.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    fit = cox_fit(rows["years"].astype(float) + 1, rows["status"] == 1, design)
    values = np.zeros(len(names)) if fit is None else fit.coefficients
    return dict(zip(names, values.tolist(), strict=True))


def prior(asked: argparse.Namespace) -> dict[str, object]:
    """The German series at epsilon 1, without and with packs of the Rotterdam series.

    The German series is of a trial of node-positive patients (Schumacher et al. 1994,
    doi:10.1200/JCO.1994.12.10.2086), which everybody may know: so the comparable pack is that
    of the node-positive patients of Rotterdam.
    """
    schema = load_schema(HERE / "records" / "breast")
    rotterdam = pd.read_csv(asked.records[0])
    public = breast(rotterdam, german=False)
    private = breast(pd.read_csv(asked.records[1]), german=True)
    packs = {
        "whole series": tabulate({"patient": public}, schema, Settings(allow_repeated=True)).pack,
        "node-positive": tabulate(
            {"patient": part(public, np.flatnonzero(rotterdam["nodes"] > 0))},
            schema, Settings(allow_repeated=True),
        ).pack,
    }  # fmt: skip
    own = packs["whole series"].own_schema
    assert own is not None  # noqa: S101
    sizes = {v.name: len(v.codes) for v in own.variables}
    real = coded(private, own)
    true = effects(real)
    strongest = sorted(true, key=lambda n: -abs(true[n]))[:3]
    found: dict[str, object] = {"rows": len(private), "strongest": {n: true[n] for n in strongest}}
    found["floor"] = floors(real, sizes)
    starts: dict[str, PublicPrior | None] = {"without": None}
    for label, pack in packs.items():
        alone = fit_tabulated(pack, own).distribution.sample(ROWS, np.random.default_rng(1))
        found[f"{label} alone"] = {"error": distance(real, alone, sizes, 3)}
        starts[f"with {label}"] = PublicPrior(pack, "0" * 64)
    for label, start in starts.items():
        errors, right = [], []
        for _ in range(asked.runs):
            settings = PrivateSettings(
                asked.epsilon, 1e-6, Settings(allow_repeated=True), prior=start
            )
            made = tabulate_private({"patient": private}, schema, settings).pack
            assert made.own_schema is not None  # noqa: S101
            fit = fit_tabulated(made, made.own_schema).distribution
            rows = fit.sample(ROWS, np.random.default_rng(1))
            errors.append(distance(real, rows, sizes, 3))
            said = effects(rows)
            right.append(sum(np.sign(said[n]) == np.sign(true[n]) for n in strongest))
        found[label] = {
            "error": float(np.median(errors)), "errors": errors, "signs_right": [int(r) for r in right]
        }  # fmt: skip
    return found | peers(asked, real, sizes, 1e-6, ROWS)


def floors(real: Columns, sizes: dict[str, int]) -> dict[str, float]:
    """What no privacy costs: independent columns, and another sample of the same patients.

    Two halves differ by sampling ``sqrt(2 / (n / 2)) = 2 / sqrt(n)``, records and the
    distribution they are drawn from by ``1 / sqrt(n)``: half of it.
    """
    rng = np.random.default_rng(0)
    n = len(next(iter(real.values())))
    halves = []
    for _ in range(20):
        order = rng.permutation(n)
        one, other = (
            {k: v[at] for k, v in real.items()} for at in (order[: n // 2], order[n // 2 :])
        )
        halves.append(distance(one, other, sizes, 3))
    apart = {name: rng.choice(values, ROWS) for name, values in real.items()}
    return {
        "halves": float(np.mean(halves)),
        "perfect": float(np.mean(halves)) / 2,
        "independent": distance(real, apart, sizes, 3),
    }


def family(asked: argparse.Namespace) -> dict[str, object]:
    """Eight subgroups of a series, few records of each, drawn towards all the others."""
    schema = load_schema(HERE / "records" / "breast")
    frame = breast(pd.read_csv(asked.records[0]), german=False)
    own = tabulate({"patient": frame}, schema, Settings(allow_repeated=True)).pack.own_schema
    assert own is not None  # noqa: S101
    rows = coded(frame, own)
    positive = (rows["nodes"] > 0).astype(np.intp)
    strata = np.ravel_multi_index([rows["grade"], rows["meno"], positive], (2, 2, 2))
    names = [n for n in rows if n not in ("grade", "meno", "nodes")]
    sizes = {v.name: len(v.codes) for v in own.variables if v.name in names}
    domain = Domain(tuple((n, own.variable(n).codes) for n in names))
    exact = Settings(allow_repeated=True, unprotected=True)
    families = []
    for stratum in range(8):
        others = part(frame, np.flatnonzero(strata != stratum))
        of_rest = tabulate({"patient": others}, schema, exact).pack
        assert of_rest.own_schema is not None  # noqa: S101
        families.append(fit_tabulated(of_rest, of_rest.own_schema).distribution)
    found: dict[str, object] = {}
    for n in (10, 25, 50):
        errors: dict[str, list[float]] = {}
        for repeat in range(asked.runs):
            for stratum in range(8):
                rng = np.random.default_rng([n, repeat, stratum])
                inside, outside = (
                    np.flatnonzero(strata == stratum),
                    np.flatnonzero(strata != stratum),
                )
                few = rng.choice(inside, n, replace=False)
                judged = np.setdiff1d(inside, few)
                truth = {k: rows[k][judged] for k in names}
                of_few = tabulate({"patient": part(frame, few)}, schema, exact).pack
                assert of_few.own_schema is not None  # noqa: S101
                wide = families[stratum]
                tree = pairs(rows, outside, names, sizes)
                models = {
                    "own": fit_tabulated(of_few, of_few.own_schema).distribution,
                    "own on the family's tree": on_tree(domain, rows, few, tree),
                    "own, columns independent": on_tree(domain, rows, few, []),
                    "family": wide,
                    "shrunk": fit_few(of_few, of_few.own_schema, wide)[0].distribution,
                }
                for label, model in models.items():
                    made = model.sample(ROWS, np.random.default_rng(1))
                    errors.setdefault(label, []).append(distance(truth, made, sizes, 2))
        means = {label: float(np.mean(values)) for label, values in errors.items()}
        found[str(n)] = {
            **means,
            **{f"of {label}": means["shrunk"] / means[label] for label in means if label != "shrunk"},
            "fits": len(errors["own"]),
        }  # fmt: skip
        print(n, found[str(n)], flush=True)  # noqa: T201
    return found


def part(frame: pd.DataFrame, at: np.ndarray) -> pd.DataFrame:
    """Some rows of a frame, counted anew."""
    return frame.iloc[at].reset_index(drop=True)


def pairs(rows: Columns, at: np.ndarray, names: list[str], sizes: dict[str, int]) -> list:
    """Tree of the pairs that tell most of each other (Chow & Liu 1968)."""
    scores = {}
    for a, b in combinations(names, 2):
        flat = np.ravel_multi_index([rows[a][at], rows[b][at]], (sizes[a], sizes[b]))
        joint = np.bincount(flat, minlength=sizes[a] * sizes[b]).reshape(sizes[a], sizes[b])
        p = joint / joint.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            told = p * np.log(p / (p.sum(1, keepdims=True) * p.sum(0, keepdims=True)))
        scores[a, b] = float(np.nansum(told))
    group = {n: n for n in names}
    tree = []
    for a, b in sorted(scores, key=lambda pair: -scores[pair]):
        if group[a] != group[b]:
            tree.append((a, b))
            old = group[b]
            group = {n: group[a] if g == old else g for n, g in group.items()}
    return tree


def on_tree(domain: Domain, rows: Columns, at: np.ndarray, tree: list) -> Distribution:
    """Some rows' own counts of the pairs of a tree, and of what stands in no pair."""
    n = len(at)
    model = NoisyModel(domain, float(n))
    for scope in [*tree, *((name,) for name in domain.names)]:
        names = domain.ordered(scope)
        shape = domain.shape(names)
        flat = np.ravel_multi_index([rows[k][at] for k in names], shape)
        counts = np.bincount(flat, minlength=int(np.prod(shape))).astype(float).reshape(shape)
        model.add([NoisyTable(names, counts, 0.01 * n, (None,) * len(names))])
    model.fit(LEAST_WORTH)
    return Distribution(domain, tuple(model.sampling_tables()))


def main() -> None:
    """Run one of the three and add it to ``results/private.json``, or make the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("adult", "prior", "family", "page"))
    parser.add_argument("records", type=Path, nargs="*")
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--opendp", default="", help="Python with opendp[mbi]")
    parser.add_argument("--peers", default="mst,aim")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds for a peer")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    if asked.what == "page":
        write_page(asked.out)
        return
    found = {"adult": adult, "prior": prior, "family": family}[asked.what](asked)
    label = f"{asked.what} epsilon {asked.epsilon:g}" if asked.what != "family" else asked.what
    document = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    before = document.get(label, {}).get("found", {})
    found |= {
        n: {**said, "earlier": True}
        for n, said in before.items()
        if "opendp-" in n and n not in found
    }
    document[label] = {"machine": machine(), "found": found}
    asked.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(found, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
