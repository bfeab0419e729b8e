"""Records of the example schema, drawn here: nobody's."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from synthgen.schema.load import load_schema

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"


@pytest.fixture(scope="session")
def schema():
    return load_schema(EXAMPLE)


def _operations(n: int = 400, seed: int = 1) -> pd.DataFrame:
    """Operations: high grades are large, margins are missing with grades, relapse before death."""
    rng = np.random.default_rng(seed)
    grade = rng.choice(["1", "2", "3"], n, p=[0.3, 0.3, 0.4])
    unknown = rng.random(n) < 0.1
    months = rng.exponential(40, n).round(1) + 1
    dead = rng.random(n) < np.where(grade == "3", 0.6, 0.2)
    relapsed = rng.random(n) < np.where(grade == "3", 0.5, 0.1)
    without = dead & ~relapsed
    biopsy = np.datetime64("2015-01-01") + rng.integers(0, 2000, n).astype("timedelta64[D]")
    surgery = biopsy + rng.integers(0, 90, n).astype("timedelta64[D]")
    size = np.clip(rng.normal(np.where(grade == "3", 120, 60), 25, n), 5, 500).astype(int)
    return pd.DataFrame(
        {
            "operation_no": [f"OP{i:04d}" for i in range(1, n + 1)],
            "age": rng.integers(18, 95, n),
            "biopsy_date": biopsy.astype("datetime64[s]"),
            "surgery_date": surgery.astype("datetime64[s]"),
            "size_mm": size,
            "grade": np.where(unknown, None, grade),
            "margin": np.where(unknown, None, rng.choice(["R0", "R1", "R2"], n)),
            "months_followed": months,
            "status": np.where(dead, "dead", "alive"),
            "months_to_relapse": np.where(
                relapsed, (months * rng.uniform(0.1, 0.9, n)).round(1), months
            ),
            "relapse": np.where(
                relapsed,
                rng.choice(["local", "distant"], n),
                np.where(without, "dead_without", "none"),
            ),
        }
    )


def _visits(of: pd.DataFrame, seed: int = 2) -> pd.DataFrame:
    """0 to 4 visits of each operation, in order of time."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, day in zip(of["operation_no"], of["surgery_date"], strict=True):
        at = pd.Timestamp(day)
        for visit in range(rng.integers(0, 5)):
            at += pd.Timedelta(days=int(rng.integers(1, 200)))
            rows.append({"operation_no": number, "visit_no": visit + 1, "visit_date": at})
    return pd.DataFrame(rows)


def _write_csv(folder: Path, frames: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    return folder


def _write_parquet(folder: Path, frames: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        for name, frame in frames.items():
            db.register("frame", frame)
            db.execute(f"COPY frame TO '{folder / name}.parquet' (FORMAT parquet)")
    return folder


def _write_duckdb(path: Path, frames: dict[str, pd.DataFrame]) -> Path:
    with duckdb.connect(str(path)) as db:
        for name, frame in frames.items():
            db.register("frame", frame)
            db.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")  # noqa: S608 - our names
            db.unregister("frame")
    return path


@pytest.fixture(scope="session")
def operations():
    return _operations


@pytest.fixture(scope="session")
def visits():
    return _visits


@pytest.fixture(scope="session")
def frames():
    made = _operations()
    return {"operation": made, "visit": _visits(made)}


@pytest.fixture(scope="session")
def write_csv():
    return _write_csv


@pytest.fixture(scope="session")
def writers():
    """Each form of file, as ``write(folder, frames) -> source``."""
    return {
        "csv": _write_csv,
        "parquet": _write_parquet,
        "duckdb": lambda folder, frames: _write_duckdb(folder.with_suffix(".duckdb"), frames),
    }
