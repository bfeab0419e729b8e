"""What each target looks like, for one small cohort with clinical tables, and what comes back."""

import sqlite3
from pathlib import Path

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.exports import export_cohort
from synthgen.exports.cohort_tables import open_cohort
from synthgen.exports.read_back import held_columns, lost_columns, read_back
from synthgen.exports.rows import _condition
from synthgen.exports.targets import targets
from synthgen.exports.terms import TermWriter, reached_tables
from synthgen.schema.load import load_schema
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation import check_tables

GOLDEN = Path(__file__).resolve().parents[2] / "golden/exports"
COHORT = GOLDEN / "cohort"
MAPPED = [name for name, target in targets().items() if target.mapping is not None]
FULL = {"kcure-ccld": {"availability": "full"}}


def text_of(folder):
    """All CSV files of a folder that hold rows, as one text."""
    parts = []
    for path in sorted(folder.glob("*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > 1:
            parts += [f"== {path.name}", *lines]
    return "\n".join(parts) + "\n"


def dumped(path):
    with sqlite3.connect(path) as db:
        lines = [line for line in db.iterdump() if line.startswith("INSERT")]
    db.close()
    return "\n".join(lines) + "\n"


def test_the_cohort_of_the_golden_files_keeps_its_schema():
    assert check_tables(COHORT, load_schema("rare-cancer@1.1.0")).broken == ()


@pytest.mark.parametrize("name", ["encr-jrc", "kcure-rgst", "kcure-ccld", "kcure-metastat"])
def test_a_target_is_as_it_was(tmp_path, name):
    export_cohort(COHORT, name, tmp_path / "out", options=FULL.get(name, {}))
    for path in (tmp_path / "out").glob("*_META.csv"):  # of the schema, not of the cohort
        path.unlink()
    assert text_of(tmp_path / "out") == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_the_database_of_sqlite_is_as_it_was(tmp_path):
    export_cohort(COHORT, "sqlite", tmp_path / "out")
    wanted = (GOLDEN / "sqlite.txt").read_text(encoding="utf-8")
    assert dumped(tmp_path / "out/cohort.sqlite") == wanted


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    model = load_model("kr-demo")
    folder = tmp_path_factory.mktemp("golden") / "cohort"
    write_cohort(model, settings_for(model, 300, seed=4), folder, formats=("parquet",))
    return folder


def come_back(folder, name, tmp_path):
    """Rows of the cohort and rows read back from a target, by table; only whole tables."""
    target = targets()[name]
    options = {**target.options, **FULL.get(name, {})}
    export_cohort(folder, name, tmp_path / "out", options=FULL.get(name, {}))
    with open_cohort(folder) as cohort, duckdb.connect() as db:
        for table in target.mapping.tables:
            parts = [p for p in table.parts if p.speaks(cohort.schema.version)]
            if name == "encr-jrc":  # further parts only add cells to the rows of the first
                parts = parts[:1]
            elif len(parts) != 1 or table.merged_by or parts[0].distinct:
                continue
            told = read_back(table, parts[0], cohort.schema)
            if not told:
                continue
            names = sorted(told)
            writer = TermWriter(cohort.schema, parts[0].rows, options, "here")
            joins = " ".join(j for j in reached_tables(cohort.schema, parts[0].rows).values() if j)
            only = [_condition(writer.write(t), allowed) for t, allowed in parts[0].where]
            where = f" WHERE {' AND '.join(only)}" if only else ""
            cells = ", ".join(
                f"CAST({writer.column(n)} AS VARCHAR) AS {identifier(n)}" for n in names
            )
            source = f"SELECT {cells} FROM {identifier(parts[0].rows)} {joins}{where}"  # noqa: S608
            ours = cohort.database.execute(source).fetchall()
            path = tmp_path / f"out/{table.called(options)}.csv"
            read = (
                f"read_csv('{path}', header=true, all_varchar=true, nullstr='', "
                f"delim='{target.mapping.separator}')"
            )
            cells = ", ".join(f"CAST({told[n]} AS VARCHAR)" for n in names)
            theirs = db.execute(f"SELECT {cells} FROM {read}").fetchall()  # noqa: S608
            yield table.name, names, ours, theirs


@pytest.mark.parametrize("name", MAPPED)
@pytest.mark.parametrize("which", ["registry", "clinical"])
def test_what_a_target_can_hold_comes_back_unchanged(registry, tmp_path, name, which):
    tables = 0
    for table, names, ours, theirs in come_back(
        registry if which == "registry" else COHORT, name, tmp_path
    ):
        tables += 1
        numbers = [i for i, n in enumerate(names) if n.endswith(("_mm", "_gy", "dose"))]
        as_told = [
            sorted(
                tuple(
                    f"{float(cell):.4f}" if i in numbers and cell else cell or ""
                    for i, cell in enumerate(row)
                )
                for row in rows
            )
            for rows in (ours, theirs)
        ]
        assert as_told[0] == as_told[1], (table, names)
    assert tables


def test_what_is_lost_in_a_target_is_known():
    schema = load_schema("rare-cancer@1.0.0")
    registry = targets()["kcure-rgst"].mapping
    assert {"tumour.morphology", "tumour.behaviour", "patient.birth_month"} <= held_columns(
        registry, schema
    )
    assert lost_columns(registry, schema) == (
        "patient.region_code", "patient.income_quintile", "patient.vital_status",
        "patient.last_contact_date", "tumour.tumour_id", "tumour.icd10", "tumour.entity",
        "tumour.basis_of_diagnosis", "tumour.metastasis_at_dx",
    )  # fmt: skip
