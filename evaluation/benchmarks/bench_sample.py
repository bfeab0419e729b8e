"""Rows of 20 columns drawn per CPU second: synthgen, SDV and mbi on the same distribution.

The distribution is a random tree of 20 variables with 2 to 17 codes each, whose conditional
tables are drawn from a Dirichlet distribution.  synthgen and mbi sample that distribution;
SDV's Gaussian copula is fitted to 20,000 of its rows first (its model is another one, its
columns are the same).

``synthgen``
    ``Distribution.sample``: positions of codes, one array per column.
``synthgen-frame``
    The same as a pandas frame of categorical columns, as SDV returns a frame.
``mixture``
    ``Mixture.sample`` of the shipped model ``kr-demo`` (another distribution), before exact
    ages, dates and identifiers.
``sdv``
    ``GaussianCopulaSynthesizer.sample``, SDV 2.0.0 (without its neural engines, so that torch
    is not needed).  Licence: Business Source License 1.1; it is only measured here.
``mbi``
    ``MarkovRandomField.synthetic_data`` of mbi 2.0.0, the second call: the first compiles.
    Both methods of drawing ("round", "sample") are measured, the faster one counts.

Every peer has an environment of its own, made in ``--venvs`` (needs a package index) unless
it is there already.  Every task runs in a process of its own.  Example:
``python evaluation/benchmarks/bench_sample.py --venvs ../peers --output sample.json``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from machine import alone, best_of, machine, peak_mib, publish, timed

if TYPE_CHECKING:
    from synthgen.models.distribution import Distribution

COLUMNS = 20
SIZES = (2, 17, 7, 5, 10, 8, 4, 3, 9, 12, 2, 6, 17, 4, 5, 7, 3, 11, 8, 2)
TRAINING_ROWS = 20_000
REPEATS = 3
#: Packages of each peer's environment; SDV's list is its own without ctgan and deepecho.
PEERS = {
    "sdv": (
        ("--no-deps", "sdv==2.0.0"),
        ("boto3<2", "botocore<2", "cloudpickle", "graphviz", "numpy", "pandas<3", "tqdm",
         "copulas", "rdt", "sdmetrics", "platformdirs", "pyyaml"),
    ),
    "mbi": (("mbi==2.0.0",),),
}  # fmt: skip


def tree() -> dict[str, Any]:
    """Parents and conditional tables of the distribution, as plain values and arrays."""
    rng = np.random.default_rng(20)
    tables = []
    for i, size in enumerate(SIZES):
        parent = int(rng.integers(0, i)) if i else -1
        rows = SIZES[parent] if i else 1
        tables.append((parent, rng.dirichlet(np.ones(size), size=rows)))
    return {"tables": tables}


def distribution() -> Distribution:
    """The tree as a distribution of synthgen."""
    from synthgen.models.distribution import ConditionalTable, Distribution
    from synthgen.models.domain import Domain

    names = [f"v{i:02d}" for i in range(COLUMNS)]
    domain = Domain(
        tuple((n, tuple(f"code {c}" for c in range(s))) for n, s in zip(names, SIZES, strict=True))
    )
    tables = [
        ConditionalTable((), (names[i],), values[0])
        if parent < 0
        else ConditionalTable((names[parent],), (names[i],), values)
        for i, (parent, values) in enumerate(tree()["tables"])
    ]
    return Distribution(domain, tuple(tables))


def by_synthgen(rows: int, folder: Path, *, frame: bool) -> float:
    """Fewest CPU seconds of drawing rows."""
    import pandas as pd

    del folder
    model = distribution()
    model.sample(10, np.random.Generator(np.random.Philox(1)))  # makes the alias tables

    def draw() -> object:
        drawn = model.sample(rows, np.random.Generator(np.random.Philox(2)))
        if not frame:
            return drawn
        return pd.DataFrame(
            {
                n: pd.Categorical.from_codes(v, categories=list(model.domain.codes[n]))
                for n, v in drawn.items()
            }
        )

    return best_of(REPEATS, draw)[1]


def by_mixture(rows: int, folder: Path) -> float:
    """Fewest CPU seconds of drawing rows of the shipped model."""
    from synthgen.models.fit import fit_pack
    from synthgen.randomness import BLOCK_SIZE, block_sizes
    from synthgen.resources import shipped
    from synthgen.schema.load import load_schema
    from synthgen.statistics.read import read_pack

    del folder
    pack = read_pack(Path(str(shipped("fitted_models")["kr-demo"])) / "statistics")
    mixture = fit_pack(pack, load_schema(pack.schema)).distribution
    mixture.sample(10, np.random.Generator(np.random.Philox(1)))

    def draw() -> None:
        for block, n in enumerate(block_sizes(rows)):
            mixture.sample(n, np.random.Generator(np.random.Philox(block)), reserve=BLOCK_SIZE)

    return best_of(REPEATS, draw)[1]


def by_sdv(rows: int, folder: Path) -> float:
    """Fewest CPU seconds of SDV's Gaussian copula."""
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")  # SDV warns of what it prints anyway
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    table = pd.read_csv(folder / "training.csv", dtype=str)
    described = Metadata.load_from_dict(
        {"tables": {"rows": {"columns": {c: {"sdtype": "categorical"} for c in table.columns}}}}
    )
    synthesizer = GaussianCopulaSynthesizer(described)
    synthesizer.fit({"rows": table})
    return best_of(REPEATS, lambda: synthesizer.sample(num_rows=rows))[1]


def by_mbi(rows: int, folder: Path) -> float:
    """CPU seconds of mbi once it has compiled, by its faster method."""
    import mbi

    del folder
    names = [f"v{i:02d}" for i in range(COLUMNS)]
    domain = mbi.Domain(names, SIZES)
    cliques, factors = [], {}
    for i, (parent, values) in enumerate(tree()["tables"]):
        clique = (names[i],) if parent < 0 else (names[parent], names[i])
        cliques.append(clique)
        log = np.log(values[0] if parent < 0 else values)
        factors[clique] = mbi.Factor(domain.project(clique), log)
    potentials = mbi.CliqueVector(domain, cliques, factors)
    marginals = mbi.marginal_oracles.message_passing_stable(potentials, 1.0)
    model = mbi.MarkovRandomField(potentials=potentials, marginals=marginals, total=rows)
    seconds = []
    for method in ("round", "sample"):
        model.synthetic_data(rows, method=method)
        seconds.append(best_of(REPEATS, lambda m=method: model.synthetic_data(rows, method=m))[1])
    return min(seconds)


WAYS = {
    "synthgen": (by_synthgen, {"frame": False}, 2_000_000),
    "synthgen-frame": (by_synthgen, {"frame": True}, 2_000_000),
    "mixture": (by_mixture, {}, 1_000_000),
    "sdv": (by_sdv, {}, 200_000),
    "mbi": (by_mbi, {}, 1_000_000),
}


def one(way: str, folder: Path) -> dict[str, Any]:
    """One way in this process."""
    call, options, rows = WAYS[way]
    seconds = call(rows, folder, **options)
    return {
        "rows": rows,
        "columns": 10 if way == "mixture" else COLUMNS,
        "cpu_seconds": round(seconds, 3),
        "rows_per_cpu_second": round(rows / seconds),
        "peak_mib": peak_mib(),
        "versions": {k: v for k, v in machine().items() if k in ("sdv", "mbi", "jax", "numpy")},
    }


def interpreter(name: str, venvs: Path) -> str:
    """Python of a peer's environment, made if it is not there."""
    place = venvs / name
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        for packages in PEERS[name]:
            install = [str(python), "-m", "pip", "install", "-q", *packages]
            subprocess.run(install, check=True)  # noqa: S603 - the peer's own environment
    return str(python)


def write_training(folder: Path) -> float:
    """Rows that SDV is fitted to; CPU seconds of drawing them."""
    import pandas as pd

    model = distribution()
    rng = np.random.Generator(np.random.Philox(3))
    drawn, seconds = timed(lambda: model.sample(TRAINING_ROWS, rng))
    table = {n: np.array(model.domain.codes[n])[v] for n, v in drawn.items()}
    pd.DataFrame(table).to_csv(folder / "training.csv", index=False)
    return seconds


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--venvs", type=Path, help="where the environments of the peers are kept")
    parser.add_argument("--output", type=Path, help="keep the result here")
    parser.add_argument("--one", choices=tuple(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(one(options.one, options.folder)) + "\n")
        return
    results = []
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        folder = Path(name)
        write_training(folder)
        for way in WAYS:
            peers = options.venvs or folder
            python = interpreter(way, peers) if way in PEERS else sys.executable
            found = alone(__file__, ["--one", way, "--folder", name], python)
            results.append({"task": way} | found)
    speed = {r["task"]: r.get("rows_per_cpu_second", 0) for r in results}
    document = {
        "task": "sample",
        "machine": machine(),
        "results": results,
        "times_as_fast_as_sdv": round(speed["synthgen-frame"] / speed["sdv"], 1)
        if speed["sdv"]
        else None,
        "times_as_fast_as_mbi": round(speed["synthgen"] / speed["mbi"], 1)
        if speed["mbi"]
        else None,
    }
    publish(document, options.output)


if __name__ == "__main__":
    main()
