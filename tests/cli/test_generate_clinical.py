"""``synthgen generate --clinical``: twelve tables in every format, and what is refused."""

from __future__ import annotations

import json

import duckdb
import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.cohort.artefact import load_model
from synthgen.cohort.hashes import content_hashes
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer@1.1.0")
TABLES = tuple(table.name for table in SCHEMA.tables)


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("clinical") / "cohort"
    options = ("-n", 150, "--seed", 3, "--clinical", "--format", "csv,parquet,duckdb")
    result = run("generate", "kr-demo", *options, "-o", out)
    assert result.exit_code == 0, result.output
    return out


def test_every_table_is_written_in_every_format(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["schema"] == "rare-cancer@1.1.0"
    assert manifest["settings"]["clinical"] == "all"
    assert tuple(manifest["tables"]) == TABLES
    for name in TABLES:
        assert (folder / f"{name}.csv").is_file()
        assert (folder / f"{name}.parquet").is_file()
        with duckdb.connect(str(folder / "cohort.duckdb"), read_only=True) as db:
            rows = len(db.table(name).fetchall())
        assert rows == manifest["tables"][name]["rows"]
    resources = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    assert [r["name"].replace("-", "_") for r in resources] == list(TABLES)


def test_the_cohort_keeps_its_contract_and_its_report_is_drawn(folder):
    result = run("check", folder)
    assert result.exit_code == 0, result.output
    assert "The contract rare-cancer@1.1.0 is kept" in result.stdout
    assert (folder / "report.html").is_file()


def test_the_contents_have_the_hashes_of_the_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    made = load_model("kr-demo").generate(150, seed=3, clinical="all")
    assert content_hashes(SCHEMA, made.tables) == manifest["tables"]
    command = "`synthgen generate kr-demo -n 150 --seed 3 --clinical`"
    assert command in (folder / "DATA_CARD.md").read_text(encoding="utf-8")


def test_no_assumed_goes_with_clinical(tmp_path):
    result = run("generate", "kr-demo", "-n", 5, "--no-assumed", "-o", tmp_path / "x")
    assert result.exit_code == 2
    assert "--no-assumed: goes with --clinical" in result.stderr
    assert not (tmp_path / "x").exists()
