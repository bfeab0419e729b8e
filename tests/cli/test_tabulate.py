"""tabulate, fit and generate over records, as a steward calls them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen.schema.write import write_schema
from synthgen.testing import CANARY, small_records, small_schema


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "synthgen.cli.main", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def enclave(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("enclave")
    write_schema(small_schema(), folder / "schema")
    (folder / "records").mkdir()
    small_records().to_csv(folder / "records/patient.csv", index=False)
    return folder


def test_a_number_without_public_bins_that_may_not_be_missing_is_named(tmp_path, enclave):
    made = run("tabulate", "records", "--schema", "schema", "-o", tmp_path / "p", cwd=enclave)
    assert made.returncode == 13
    assert "patient.relapse_time: may not be missing and has no public bins" in made.stderr
    assert not (tmp_path / "p").exists()


def test_a_protected_pack_says_how_and_is_fitted(tmp_path, enclave):
    pack = tmp_path / "pack"
    plan = tmp_path / "plan.json"
    plan.write_text(
        json.dumps(
            {
                "format": "plan/1",
                "target": {"population": "Trial patients", "period": "2020"},
                "tables": [{"variables": ["arm", "marker"]}, {"variables": ["arm", "death"]}],
                "survival": [{"end_point": "death", "strata": ["arm"]}],
            }
        )
    )
    options = ("--plan", plan, "--bins-from-data", "--min-cell", "5")
    made = run("tabulate", "records", "--schema", "schema", *options, "-o", pack, cwd=enclave)
    assert made.returncode == 0, made.stderr
    document = json.loads((pack / "datapackage.json").read_text())
    counts = document["resources"][0]["x-synthgen"]
    assert counts["protection"]
    assert "protection" not in document["x-synthgen"]
    assert document["x-synthgen"]["target"]["population"] == "Trial patients"
    fitted = run("fit", pack, "-o", tmp_path / "model", cwd=enclave)
    assert fitted.returncode == 0, fitted.stderr
    judged = run("evaluate", pack, "--policy", "public", "-o", tmp_path / "e", cwd=enclave)
    assert "policy public: is for the schema rare-cancer" in judged.stderr  # its own was found


def test_fit_of_records_marks_the_model_and_generates_rows(tmp_path, enclave):
    fitted = run("fit", "records", "--schema", "schema", "-o", tmp_path / "m", cwd=enclave)
    assert fitted.returncode == 0, fitted.stderr
    assert "enclave, no formal protection" in fitted.stdout
    made = run("generate", tmp_path / "m", "-n", "200", "-o", tmp_path / "c", cwd=enclave)
    assert made.returncode == 0, made.stderr
    _, _, next_command = made.stderr.strip().rpartition("Next: synthgen ")
    assert next_command.startswith("check ")
    checked = run(*next_command.split(), cwd=enclave)
    assert checked.returncode == 0, checked.stdout


def test_a_dry_run_prints_variables_and_writes_nothing(enclave):
    before = sorted(p.name for p in enclave.iterdir())
    made = run(
        "tabulate", "records", "--schema", "schema", "--bins-from-data", "--unprotected",
        "--dry-run", cwd=enclave,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "variable death_time: patient.death_time" in made.stdout
    assert sorted(p.name for p in enclave.iterdir()) == before


def test_bad_records_end_with_13_and_one_line_without_values(tmp_path, enclave):
    folder = tmp_path / "records"
    shutil.copytree(enclave / "records", folder)
    path = folder / "patient.csv"
    path.write_text(path.read_text().replace(",pos,", f",{CANARY},", 1))
    for command in ("tabulate", "fit"):
        made = run(command, folder, "--schema", "schema", "-o", tmp_path / "out", cwd=enclave)
        assert made.returncode == 13
        assert made.stderr.count("\n") == 1
        assert CANARY not in made.stdout + made.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--min-cell", "1"), "say --unprotected"),
        (("--round", "1"), "must be 2 or more"),
        (("--as-of", "tomorrow"), "is no day"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_records_are_read(enclave, options, said):
    made = run("tabulate", "nowhere", "--schema", "schema", *options, "-o", "x", cwd=enclave)
    assert made.returncode == 2
    assert said in made.stderr


def test_an_engine_that_is_not_there_is_named(enclave):
    made = run("fit", "records", "--schema", "schema", "--engine", "magic", "-o", "x", cwd=enclave)
    assert made.returncode == 2
    assert "engine magic: there is none" in made.stderr
