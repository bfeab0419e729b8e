"""One engine of synthgen: training records in, synthetic records out, as ``record_peers.py``.

python record_own.py ENGINE train.csv SCHEMA rows seed MIN_LEAF out.csv
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from machine import spent

from synthgen.enclave.engines import Request, engine_of
from synthgen.schema.load import load_schema


def main() -> None:
    """Fit the engine that is named and write its rows."""
    kind, train_path, folder, rows, seed, min_leaf, out = sys.argv[1:]
    schema = load_schema(Path(folder))
    table = schema.tables[0]
    train = pd.read_csv(train_path, dtype={c.name: str for c in table.columns if c.codes})
    started, watch = time.process_time(), time.perf_counter()
    asked = Request(table=table.name, allow_repeated=True, min_leaf=int(min_leaf) or None)
    with tempfile.TemporaryDirectory() as name:
        model = engine_of(kind)({table.name: train}, schema, Path(name) / "model", asked)
        made = model.generate(int(rows), seed=int(seed))[table.name]
    made.to_csv(out, index=False)
    sys.stderr.write(json.dumps(spent(started, watch)) + "\n")


if __name__ == "__main__":
    main()
