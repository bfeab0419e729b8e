"""OpenDP's own MST and AIM on coded records: run by bench_private.py with another Python.

    python evaluation/benchmarks/private_peers.py mst|aim|aimN codes.csv sizes.json EPSILON DELTA out.csv [ROWS]

``aimN`` is AIM with at most N rounds.  Needs ``opendp[mbi]``; prints one line of JSON with seconds and the largest memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings


def main() -> None:
    """Fit, sample as many rows, write them."""
    warnings.simplefilter("ignore")
    engine, records, sizes_path, epsilon, delta, out = sys.argv[1:7]
    started, cpu = time.perf_counter(), time.process_time()
    import opendp.prelude as dp
    import polars as pl

    dp.enable_features("contrib")
    with open(sizes_path) as file:  # noqa: PTH123 - runs without synthgen
        sizes = json.load(file)
    frame = pl.read_csv(records)
    rows = frame.height
    rounds = int(engine[3:] or 0) or None
    algorithm = dp.mbi.MST() if engine == "mst" else dp.mbi.AIM(rounds=rounds)
    rho = rho_of(float(epsilon), float(delta))
    keys = {name: list(range(size)) for name, size in sizes.items()}
    table = None
    for attempt in range(40):  # OpenDP splits the budget in floats and may then lack the last bit
        spend = rho * (1 - 1e-6 * attempt)
        context = dp.Context.compositor(
            data=frame.lazy(),
            privacy_unit=dp.unit_of(contributions=1),
            privacy_loss=dp.loss_of(rho=spend * (1 + 1e-7)),
        )
        try:
            query = context.query(rho=spend).contingency_table(keys=keys, algorithm=algorithm)
            table = query.release()
            break
        except dp.OpenDPException as error:
            if "insufficient budget" not in str(error):
                raise
    assert table is not None  # noqa: S101
    made = table.synthesize(int(sys.argv[7]) if len(sys.argv) > 7 else rows)
    made.write_csv(out)
    print(  # noqa: T201
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "rows": rows,
            }
        )
    )


def rho_of(epsilon: float, delta: float) -> float:
    """Largest rho for which OpenDP's own conversion claims at most epsilon at delta."""
    import opendp.prelude as dp

    space = dp.atom_domain(T="i64"), dp.absolute_distance(T="f64")
    low, high = 1e-9, 1e3
    for _ in range(60):
        rho = (low * high) ** 0.5
        gaussian = dp.m.make_gaussian(*space, scale=(1 / (2 * rho)) ** 0.5)
        spent = dp.c.make_zCDP_to_approxDP(gaussian).map(1.0).epsilon(delta)
        low, high = (rho, high) if spent <= epsilon else (low, rho)
    return low


if __name__ == "__main__":
    main()
