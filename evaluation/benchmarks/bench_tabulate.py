"""How fast records are tabulated, and a model fitted to them: 10,000,000 rows of 20 columns.

    python evaluation/benchmarks/bench_tabulate.py -n 10000000

The records are drawn here: 12 coded columns, 5 numbers, 2 dates and an identifier.  Each step
runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from machine import machine

from synthgen.enclave.engines import Request, own_engine
from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.settings import PUBLIC_CELLS, Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.schema.codes import Code, CodeList
from synthgen.schema.load import load_schema
from synthgen.schema.model import Column, ColumnType, Schema, Sensitivity, Table
from synthgen.schema.write import write_schema

RESULTS = Path(__file__).resolve().parent / "results" / "tabulate.json"
CODED, NUMBERS, DATES = 12, 5, 2
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 30)


def schema_of_records() -> Schema:
    """Schema of the drawn records."""
    lists = {
        f"list{i}": CodeList(
            f"list{i}",
            f"List {i}",
            f"목록 {i}",
            "",
            tuple(Code(f"c{j}", f"c{j}", f"c{j}") for j in range(size)),
        )
        for i, size in enumerate(SIZES)
    }
    columns = [
        Column("id", ColumnType.INTEGER, False, "Id", "번호", sensitivity=Sensitivity.IDENTIFIER),
        *(
            Column(
                f"code{i}",
                ColumnType.CODE,
                i % 3 == 0,
                f"Code {i}",
                f"코드 {i}",
                codes=lists[f"list{i}"],
            )
            for i in range(CODED)
        ),
        *(
            Column(
                f"number{i}",
                ColumnType.INTEGER,
                False,
                f"Number {i}",
                f"숫자 {i}",
                minimum=0,
                maximum=999,
            )
            for i in range(NUMBERS)
        ),
        *(
            Column(f"date{i}", ColumnType.DATE, False, f"Date {i}", f"날짜 {i}")
            for i in range(DATES)
        ),
    ]
    table = Table("record", "Record", "기록", "record", tuple(columns), ("id",), row_unit_ko="기록")
    return Schema("drawn", "1.0.0", "Drawn records", "추출한 기록", (table,), lists)


def write_records(folder: Path, rows: int) -> None:
    """Parquet file of records whose columns depend on a hidden group."""
    coded = ", ".join(
        f"{'CASE WHEN random() < 0.05 THEN NULL ELSE ' if i % 3 == 0 else '('}"
        f"'c' || ((g + CAST(floor(random() * {size}) AS INTEGER) * (random() < 0.6)::INTEGER) % {size})"
        f"{' END' if i % 3 == 0 else ')'} AS code{i}"
        for i, size in enumerate(SIZES)
    )
    numbers = ", ".join(
        f"CAST(least(999, floor(pow(random(), {i + 1}) * 800 + g * 6)) AS INTEGER) AS number{i}"
        for i in range(NUMBERS)
    )
    target = folder / "record.parquet"
    with duckdb.connect() as db:
        db.execute("SET threads = 2; SET memory_limit = '1GB'; SELECT setseed(0.5)")
        db.execute(
            f"COPY (SELECT i AS id, {coded}, {numbers}, "  # noqa: S608 - our own names
            "DATE '2010-01-01' + CAST(random() * 3000 AS INTEGER) AS date0, "
            "DATE '2019-01-01' + CAST(random() * 1000 AS INTEGER) AS date1 "
            f"FROM (SELECT i, CAST(floor(random() * 30) AS INTEGER) AS g FROM range({rows}) r(i))) "
            f"TO '{target}' (FORMAT parquet)"
        )


def step(kind: str, folder: Path) -> dict[str, float]:
    """One step in this process: seconds and peak memory."""
    schema = load_schema(folder / "schema")
    started, cpu = time.perf_counter(), time.process_time()
    if kind == "fit":
        model = own_engine(folder / "records", schema, folder / "model", Request(table=None))
        cells = sum(len(t.cells) for t in model.pack.tables)
    else:
        plan = None
        if kind == "plan":
            names = [f"code{i}" for i in range(CODED)]
            pairs = [
                PlannedTable((a, b)) for i, a in enumerate(names) for b in names[i + 1 : i + 4]
            ]
            plan = Plan(tuple(pairs))
        # Counting is measured, not protection: limits of public tables, exact counts.
        asked = Settings(plan=plan, unprotected=True, max_cells=PUBLIC_CELLS)
        pack = tabulate(folder / "records", schema, asked).pack
        cells = sum(len(t.cells) for t in pack.tables)
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cells": cells,
    }


def main() -> None:
    """Run the steps and write ``results/tabulate.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rows", type=int, default=10_000_000)
    parser.add_argument("--fit-rows", type=int, default=1_000_000)
    parser.add_argument(
        "--only", default="", help="one of chosen, plan, fit; keeps the other results"
    )
    parser.add_argument("--step", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        sys.stdout.write(json.dumps(step(asked.step, asked.folder)) + "\n")
        return
    found = json.loads(RESULTS.read_text())["steps"] if asked.only and RESULTS.exists() else {}
    for label, kind, rows in (
        ("tabulate, tables chosen by the records", "chosen", asked.rows),
        ("tabulate, 30 planned tables", "plan", asked.rows),
        ("fit, own engine", "fit", asked.fit_rows),
    ):
        if asked.only not in ("", kind):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_schema(schema_of_records(), folder / "schema")
            (folder / "records").mkdir()
            write_records(folder / "records", rows)
            done = subprocess.run(  # noqa: S603 - this script
                [sys.executable, __file__, "--step", kind, "--folder", str(folder)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            found[label] = {"rows": rows, "columns": 20, **json.loads(done.stdout)}
            sys.stdout.write(f"{label}: {found[label]}\n")
            sys.stdout.flush()
    RESULTS.write_text(json.dumps({"machine": machine(), "steps": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
