"""What a cohort's DuckDB file holds is compared with what was written into it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.hashes import content_hashes
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import DATABASE, write_cohort
from synthgen.evaluation.cohort_database import changed_database, database_hashes, write_database

MODEL = load_model("kr-demo")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "cohort"
    settings = settings_for(MODEL, 30, seed=1)
    write_cohort(MODEL, settings, folder, formats=("duckdb", "csv"))
    return folder


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_database_as_it_was_written_has_the_hashes_of_the_manifest(made):
    assert database_hashes(made / DATABASE, MODEL.schema) == manifest_of(made)["tables"]
    assert changed_database(made, manifest_of(made), MODEL.schema) == []
    assert changed_database(made.parent, manifest_of(made), MODEL.schema) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tumour WHERE rowid = 3",
        "CREATE TABLE real AS SELECT 'Hong' AS name",
        "CREATE VIEW real AS SELECT 'Hong' AS name",
        "ALTER TABLE tumour ADD COLUMN name VARCHAR",
        "DROP TABLE tumour",
    ],
)
def test_a_database_that_was_changed_is_named(made, tmp_path, statement):
    copy = Path(shutil.copytree(made, tmp_path / "cohort"))
    with duckdb.connect(str(copy / DATABASE)) as db:
        db.execute(statement)
    assert changed_database(copy, manifest_of(copy), MODEL.schema) == [DATABASE]


def test_rows_that_changed_places_are_seen(tmp_path):
    tables = dict(MODEL.generate(30, seed=1).tables)
    write_database(tmp_path / "same.duckdb", MODEL.schema, tables)
    tables["tumour"] = tables["tumour"].sort_values("tumour_id", ascending=False, ignore_index=True)
    write_database(tmp_path / "other.duckdb", MODEL.schema, tables)
    same = database_hashes(tmp_path / "same.duckdb", MODEL.schema)
    other = database_hashes(tmp_path / "other.duckdb", MODEL.schema)
    assert same["patient"] == other["patient"]
    assert same["tumour"]["rows"] == other["tumour"]["rows"]
    assert same["tumour"] != other["tumour"]


def test_what_is_no_database_is_named(made, tmp_path):
    copy = Path(shutil.copytree(made, tmp_path / "cohort"))
    (copy / DATABASE).write_bytes(b"DUCK" * 5000)
    assert changed_database(copy, manifest_of(copy), MODEL.schema) == [DATABASE]


def test_rows_of_several_blocks_are_hashed_as_they_were_written(tmp_path, monkeypatch):
    from synthgen.cohort import hashes
    from synthgen.evaluation import cohort_database

    for module in (hashes, cohort_database):
        monkeypatch.setattr(module, "BLOCK_SIZE", 16)
    tables = MODEL.generate(40, seed=2).tables
    write_database(tmp_path / "new.duckdb", MODEL.schema, tables)
    found = database_hashes(tmp_path / "new.duckdb", MODEL.schema)
    assert found == content_hashes(MODEL.schema, tables)


def test_a_database_that_is_written_anew_holds_no_deleted_row(made, tmp_path):
    old = tmp_path / "old.duckdb"
    shutil.copy(made / DATABASE, old)
    canary = "HONGGILDONG19700101"
    with duckdb.connect(str(old)) as db:
        db.execute("PRAGMA force_compression='uncompressed'")
        made_up = f"FROM range(4000) r(i) SELECT '{canary}' || i AS name"
        db.execute(f"CREATE TABLE real AS {made_up}")
        db.execute("CHECKPOINT")
        db.execute("DROP TABLE real")
    # a DuckDB before 2.0 cuts free pages off at the end of the file
    assert canary.encode() in old.read_bytes() or duckdb.__version__ < "2"
    tables = {}
    with duckdb.connect(str(old), config={"access_mode": "read_only"}) as db:
        for table in MODEL.schema.tables:
            tables[table.name] = db.execute(f"FROM {table.name}").df()
    write_database(tmp_path / "new.duckdb", MODEL.schema, tables)
    assert canary.encode() not in (tmp_path / "new.duckdb").read_bytes()
    found = database_hashes(tmp_path / "new.duckdb", MODEL.schema)
    assert found == manifest_of(made)["tables"]
