"""Private packs measured: against OpenDP's own MST and AIM, with a public prior, by family.

    python evaluation/benchmarks/bench_private.py adult adult.csv --epsilon 1 --opendp PYTHON
    python evaluation/benchmarks/bench_private.py prior rotterdam.csv gbsg.csv
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pd.DataFrame(real).to_csv(folder / "codes.csv", index=False)
        (folder / "sizes.json").write_text(json.dumps(sizes))
        for engine in asked.peers.split(",") if asked.opendp else []:
            try:
                done = subprocess.run(  # noqa: S603 - the Python that was named
                    [asked.opendp, str(HERE / "private_peers.py"), engine,
                     str(folder / "codes.csv"), str(folder / "sizes.json"), str(asked.epsilon),
                     "1e-9", str(folder / "out.csv")],
                    check=True, capture_output=True, text=True, timeout=asked.timeout,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                found[f"opendp-{engine}"] = {"seconds": asked.timeout, "ended": False}
                continue
            rows = pd.read_csv(folder / "out.csv").dropna()  # OpenDP adds a null to every column
            theirs = {n: rows[n].to_numpy(np.intp) for n in sizes}
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
    """The German series at epsilon 1, without and with a pack of the Rotterdam series."""
    schema = load_schema(HERE / "records" / "breast")
    public = breast(pd.read_csv(asked.records[0]), german=False)
    private = breast(pd.read_csv(asked.records[1]), german=True)
    pack = tabulate({"patient": public}, schema, Settings(allow_repeated=True)).pack
    assert pack.own_schema is not None  # noqa: S101
    own = pack.own_schema
    sizes = {v.name: len(v.codes) for v in own.variables}
    real = coded(private, own)
    true = effects(real)
    strongest = sorted(true, key=lambda n: -abs(true[n]))[:3]
    found: dict[str, object] = {"rows": len(private), "strongest": {n: true[n] for n in strongest}}
    alone = fit_tabulated(pack, own).distribution.sample(ROWS, np.random.default_rng(1))
    found["prior alone"] = {"error": distance(real, alone, sizes, 3)}
    for label, start in (("without", None), ("with prior", PublicPrior(pack, "0" * 64))):
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
    return found


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


PAGE = HERE.parents[1] / "docs" / "reference" / "private-packs.md"
BEGIN, END = "<!-- tables of bench_private.py: begin -->", "<!-- end -->"


def lines(heads: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    told = [heads, ["---"] * len(heads), *([str(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in told)


def tables(document: dict) -> str:
    """Everything that was measured, as the page shows it."""
    parts = []
    rows = []
    for label in sorted(document):
        if not label.startswith("adult"):
            continue
        for engine, said in document[label]["found"].items():
            if "error" not in said:
                rows.append(
                    [label, engine, "-", f"not ended after {said['seconds']:,.0f}", "-", "-"]
                )
                continue
            numbers = [f"{said[k]:,.0f}" for k in ("seconds", "cpu_seconds", "rss_mib")]
            rows.append([label, engine, f"{said['error']:.4f}", *numbers])
    if rows:
        heads = ["records", "engine", "error", "seconds", "CPU seconds", "MiB"]
        parts.append("Adult, 48,842 rows, 14 variables in the public bins of `records/adult`, delta 1e-9:\n\n" + lines(heads, rows))  # fmt: skip
    if "prior epsilon 1" in document:
        said = document["prior epsilon 1"]["found"]
        rows = [["the public pack alone", f"{said['prior alone']['error']:.3f}", "-"]]
        for label in ("without", "with prior"):
            right = ", ".join(f"{r} of 3" for r in said[label]["signs_right"])
            rows.append([label, f"{said[label]['error']:.3f}", right])
        parts.append("The German series (gbsg, 686 rows, 10 variables) at epsilon 1, delta 1e-6, median of the runs, with a protected pack of the Rotterdam series as prior; signs of the three strongest Cox effects, run by run:\n\n" + lines(["start", "error", "signs right"], rows))  # fmt: skip
    if "family" in document:
        columns = {
            "n": "", "own fit": "own", "own counts, family's tree": "own on the family's tree",
            "own columns, independent": "own, columns independent", "family": "family",
            "drawn to it": "shrunk", "of own fit": "of own",
            "of own on its tree": "of own on the family's tree",
            "of own independent": "of own, columns independent", "of family": "of family",
        }  # fmt: skip
        rows = [
            [n, *(f"{said[key]:.3f}" for key in columns.values() if key)]
            for n, said in document["family"]["found"].items()
        ]
        parts.append("Eight groups of the Rotterdam series (grade x menopause x nodes positive) with n records each, without noise; the family is the rest of the series. Error over all pairs of the other seven variables:\n\n" + lines(list(columns), rows))  # fmt: skip
    return "\n\n".join(parts)


def write_page(results: Path) -> None:
    """Put the tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = tables(json.loads(results.read_text()))
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


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
    document[label] = {"machine": machine(), "found": found}
    asked.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(found, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
