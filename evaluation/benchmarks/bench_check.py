"""Rows checked per second and peak memory of ``synthgen check``, beside jsonschema and pandera.

Makes a cohort of the shipped model (one tumour a patient) and checks it in a process of its
own for each way:

``csv``, ``parquet``, ``duckdb``
    ``synthgen check``: structure, types, codes, ranges, patterns, keys and all rules.
``broken``
    The same on a CSV delivery in CP949 with ``;``, dates as YYYYMMDD, and 1 % wrong cells.
``jsonschema``
    Row by row against the schema's own JSON Schema documents; no keys, no rules.  Measured
    on the first rows only, because all of them would take hours.
``jsonschema-enum``
    The same with every code list written as ``enum``, which jsonschema looks up faster than
    the ``oneOf`` of codes with titles.
``pandera``
    A ``DataFrameSchema`` made from the same schema over ``pandas.read_csv``; unique keys, no
    foreign keys, no rules.  Skipped where pandera is not installed; ``--pandera`` makes a
    temporary environment with it (needs a package index).

Example: ``python evaluation/benchmarks/bench_check.py -n 1000000 --pandera > bench_check.json``
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
JSONSCHEMA_ROWS = {"jsonschema": 2_000, "jsonschema-enum": 20_000}
"""Rows of each table that jsonschema is measured on."""

WAYS = ("csv", "parquet", "duckdb", "broken", "jsonschema", "jsonschema-enum", "pandera")


def peak_mib() -> float:
    """Peak memory of this process [MiB]."""
    import resource

    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss begins with the memory of the parent
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


def by_synthgen(folder: Path, way: str) -> dict[str, Any]:
    """Check one form of the cohort."""
    from synthgen.schema.load import load_schema
    from synthgen.schema.validation import check_tables

    schema = load_schema("rare-cancer")
    report = check_tables(folder / way, schema)
    return {
        "rows": report.rows,
        "rules": len(schema.rules),
        "broken": len(report.impossible),
        "unlikely": len(report.unlikely),
    }


def typed(row: dict[str, str], table: Any) -> dict[str, Any]:
    """Row of a CSV file in the types of JSON."""
    made: dict[str, Any] = {}
    for column in table.columns:
        text = row[column.name]
        value: Any = text or None
        if text and column.type.value == "integer":
            value = int(text)
        elif text and column.type.value == "number":
            value = float(text)
        made[column.name] = value
    return made


def with_enums(document: dict[str, Any]) -> dict[str, Any]:
    """Code lists with each ``oneOf`` of codes as an ``enum``."""

    def changed(definition: dict[str, Any]) -> dict[str, Any]:
        if "oneOf" in definition:
            return {"enum": [entry["const"] for entry in definition["oneOf"]]}
        if "anyOf" in definition:
            return {"anyOf": [changed(part) for part in definition["anyOf"]]}
        return definition

    lists = {name: changed(made) for name, made in document.get("$defs", {}).items()}
    return document | {"$defs": lists} if lists else document


def by_jsonschema(folder: Path, way: str) -> dict[str, Any]:
    """Validate the first rows, one by one."""
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    from synthgen.schema.load import load_schema, schema_folder

    schema, documents = load_schema("rare-cancer"), schema_folder("rare-cancer")
    loaded = [json.loads(p.read_text(encoding="utf-8")) for p in documents.glob("*.json")]
    if way == "jsonschema-enum":
        loaded = [with_enums(document) for document in loaded]
    resources = [(d["$id"], Resource.from_contents(d)) for d in loaded if "$id" in d]
    registry = Registry().with_resources(resources)
    rows, broken = {}, 0
    for table in schema.tables:
        document = json.loads((documents / f"{table.name}.schema.json").read_text(encoding="utf-8"))
        validator = Draft202012Validator(document, registry=registry)
        rows[table.name] = 0
        with (folder / "csv" / f"{table.name}.csv").open(encoding="utf-8", newline="") as opened:
            for row in itertools.islice(csv.DictReader(opened), JSONSCHEMA_ROWS[way]):
                broken += sum(1 for _ in validator.iter_errors(typed(row, table)))
                rows[table.name] += 1
    return {"rows": rows, "broken": broken}


def by_pandera(folder: Path) -> dict[str, Any]:
    """Validate whole frames of text."""
    import pandas as pd
    import pandera.pandas as pa

    from synthgen.schema.load import load_schema

    rows, broken = {}, 0
    for table in load_schema("rare-cancer").tables:
        columns = {}
        for column in table.columns:
            checks = []
            if column.codes is not None and not column.codes.pattern:
                checks.append(pa.Check.isin([*column.codes.index, *column.missing_codes]))
            if column.codes is not None and column.codes.pattern:
                checks.append(pa.Check.str_matches(column.codes.pattern))
            if column.pattern:
                checks.append(pa.Check.str_matches(column.pattern))
            if column.minimum is not None:
                checks.append(pa.Check.in_range(column.minimum, column.maximum))
            kinds = {"integer": "Int64", "number": "Float64", "date": "datetime64[ns]"}
            columns[column.name] = pa.Column(
                kinds.get(column.type.value, "str"),
                checks,
                nullable=column.nullable,
                unique=table.primary_key == (column.name,),
                coerce=column.type.value in kinds,
            )
        frame = pd.read_csv(folder / "csv" / f"{table.name}.csv", dtype=str)
        try:
            pa.DataFrameSchema(columns).validate(frame, lazy=True)
        except pa.errors.SchemaErrors as error:
            broken += len(error.schema_errors)
        rows[table.name] = len(frame)
    return {"rows": rows, "broken": broken}


def one(folder: Path, way: str) -> dict[str, Any]:
    """Measure one way in this process."""
    start = time.perf_counter()
    if way in JSONSCHEMA_ROWS:
        found = by_jsonschema(folder, way)
    elif way == "pandera":
        found = by_pandera(folder)
    else:
        found = by_synthgen(folder, way)
    seconds = time.perf_counter() - start
    total = sum(found["rows"].values())
    return {
        "way": way,
        **found,
        "seconds": round(seconds, 2),
        "rows_per_second": round(total / seconds),
        "peak_mib": round(peak_mib()),
    }


def make_cohort(folder: Path, patients: int) -> float:
    """Cohort in every form, and a broken delivery; seconds it takes to generate."""
    import duckdb

    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort

    model = load_model("kr-demo")
    start = time.perf_counter()
    settings = settings_for(model, patients, seed=1)
    write_cohort(model, settings, folder / "cohort", formats=("csv", "parquet", "duckdb"))
    seconds = time.perf_counter() - start
    for form in ("csv", "parquet", "duckdb"):
        (folder / form).mkdir()
        for path in (folder / "cohort").glob(f"*.{form}"):
            path.rename(folder / form / path.name)
    (folder / "broken").mkdir()
    with duckdb.connect() as db:
        for name, changed in (
            ("patient", "strftime(last_contact_date, '%Y%m%d') AS last_contact_date"),
            ("tumour", "strftime(diagnosis_date, '%Y%m%d') AS diagnosis_date, "
             "CASE WHEN hash(tumour_id) % 100 = 0 THEN '?' ELSE grade END AS grade"),
        ):  # fmt: skip
            source, target = folder / "parquet" / f"{name}.parquet", folder / "part.csv"
            db.execute(
                f"COPY (SELECT * REPLACE ({changed}), '희귀암' AS memo FROM '{source}') "  # noqa: S608
                f"TO '{target}' (FORMAT csv, HEADER, DELIMITER ';')"
            )
            with (
                target.open(encoding="utf-8", newline="") as utf8,
                (folder / "broken" / f"{name}.csv").open("w", encoding="cp949", newline="") as out,
            ):
                for line in utf8:
                    out.write(line)
    return seconds


def pandera_python(folder: Path) -> str:
    """Interpreter of a new environment with pandera and what synthgen needs."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    needed = ["pandera[pandas]", "duckdb", "jsonschema"]
    subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True)  # noqa: S603
    return str(python)


def measured(python: str, folder: Path, way: str) -> dict[str, Any]:
    """One way in a process of its own."""
    done = subprocess.run(  # noqa: S603
        [python, __file__, "--one", way, "--folder", str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return {"way": way, "not_measured": last[0]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def machine() -> dict[str, Any]:
    """Where it was measured."""
    cpuinfo = Path("/proc/cpuinfo")
    models = (
        [
            line.split(":")[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        ]
        if cpuinfo.is_file()
        else []
    )
    return {
        "processor": models[0] if models else platform.processor(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("duckdb", "jsonschema", "pandas")},
    }


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", "--patients", type=int, default=1_000_000)
    parser.add_argument("--pandera", action="store_true", help="make an environment with pandera")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(one(options.folder, options.one)) + "\n")
        return
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as name:
        folder = Path(name)
        seconds = make_cohort(folder, options.patients)
        python = pandera_python(folder) if options.pandera else sys.executable
        results = [measured(python if w == "pandera" else sys.executable, folder, w) for w in WAYS]
    document = {
        "task": "check a cohort of rare-cancer 1.0.0",
        "patients": options.patients,
        "generated_in_seconds": round(seconds, 1),
        "machine": machine(),
        "results": results,
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
