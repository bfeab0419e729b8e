"""``synthgen check`` as a person or a script calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from synthgen.cli.check import kind_of
from synthgen.cli.main import commands
from synthgen.resources import shipped

ROOT = Path(__file__).resolve().parents[2]
MODEL = shipped("fitted_models")["kr-demo"]


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments], prog_name="synthgen")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort, as ``generate`` writes it."""
    out = tmp_path_factory.mktemp("made") / "cohort"
    result = run(
        "generate", "kr-demo", "-n", 300, "--seed", 3, "--no-report",
        "--format", "csv,parquet,duckdb", "-o", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def cohort(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "cohort"))


def test_a_generated_cohort_keeps_its_contract(cohort):
    result = run("check", cohort)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    manifest = json.loads((cohort / "manifest.json").read_text(encoding="utf-8"))
    tumours = manifest["tables"]["tumour"]["rows"]
    assert tumours > 300
    assert lines[:2] == [
        "patient: patient.csv, 300 rows",
        f"tumour: tumour.csv, {tumours} rows",
    ]
    assert all(line.startswith("unlikely  ") for line in lines[2:-1])
    assert lines[-1].startswith("The contract rare-cancer@1.0.0 is kept: nothing impossible")
    assert result.stderr == ""


@pytest.mark.parametrize("name", ["cohort.duckdb", "tumour.parquet", "patient.csv"])
def test_every_file_of_a_cohort_keeps_the_contract_by_itself(cohort, name):
    result = run("check", cohort / name)
    assert result.exit_code == 0, result.output


def test_a_changed_cohort_is_found_out_by_its_manifest(cohort):
    path = cohort / "tumour.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("C402", "C40.2", 1), encoding="utf-8")
    result = run("check", cohort)
    assert result.exit_code == 4
    assert (
        "IMPOSSIBLE  cohort.changed  tumour.csv: the file is not what was written" in result.stdout
    )
    assert "IMPOSSIBLE  column.code  tumour.topography: is not a code" in result.stdout
    assert "as the same tables were read from other files: " in result.stdout
    assert result.stderr.startswith(f"Error: {cohort}: breaks rare-cancer@1.0.0 in ")
    assert len(result.stderr.splitlines()) == 1


def test_a_database_with_another_content_is_found_out(cohort):
    assert "cohort.changed" not in run("check", cohort).stdout
    with duckdb.connect(str(cohort / "cohort.duckdb")) as db:
        db.execute("DELETE FROM tumour WHERE rowid = 0")
    result = run("check", cohort)
    assert result.exit_code == 4
    assert "IMPOSSIBLE  cohort.changed  cohort.duckdb: the file is not what" in result.stdout


def test_a_manifest_cannot_point_outside_its_folder(cohort, tmp_path):
    (tmp_path / "secret").write_text("")
    manifest = json.loads((cohort / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["../secret"] = {"bytes": 0, "sha256": "e3b0c442"}
    manifest["files"][str(tmp_path / "secret")] = "nothing"
    (cohort / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = run("check", cohort)
    assert result.exit_code == 4
    assert result.stdout.count("cohort.changed") == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "manifest.json: is not JSON"),
        ("[" * 100_000, "manifest.json: is nested 100000 levels deep; at most 64 are read"),
        ("{}", "manifest.json: names no schema; say --schema"),
    ],
)
def test_a_manifest_that_is_none_is_one_line(cohort, content, said):
    (cohort / "manifest.json").write_text(content)
    result = run("check", cohort)
    assert result.exit_code == 4
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_findings_are_printed_in_korean(cohort):
    (cohort / "manifest.json").unlink()
    path = cohort / "tumour.csv"
    path.write_bytes(path.read_text(encoding="utf-8").replace(",", ";").encode("utf-16"))
    result = run("check", cohort, "--lang", "ko")
    assert result.exit_code == 0
    assert "tumour.csv의 문자 인코딩: UTF-16" in result.stdout
    assert "tumour.csv의 구분자: ;" in result.stdout
    assert "계약 rare-cancer@1.0.0 준수" in result.stdout


def test_findings_are_printed_as_json_and_values_only_when_asked_for(cohort):
    path = cohort / "patient.csv"
    text = path.read_text(encoding="utf-8").splitlines()
    text[1] = text[1].replace(text[1].split(",")[1], "Apfel", 1)
    path.write_text("\n".join(text), encoding="utf-8")
    hidden = run("check", path, "--json")
    assert hidden.exit_code == 4
    document = json.loads(hidden.stdout)
    assert document["passes"] is False
    assert "Apfel" not in hidden.stdout + hidden.stderr
    shown = json.loads(run("check", path, "--json", "--show-values").stdout)
    found = [b for b in shown["broken"] if b["rule"] != "structure.record"]
    assert any("Apfel" in value for b in found for value in b["values"])


def test_a_table_is_named_where_its_columns_do_not_tell(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("patient_id\nSY00000001\n")
    result = run("check", path)
    assert result.exit_code == 4
    assert "say --table (patient, tumour)" in result.stderr
    result = run("check", path, "--table", "patient")
    assert "the column is missing" in result.stdout


def test_what_is_called_wrongly_is_exit_code_2_or_that_of_the_schema(cohort):
    assert run("check", cohort, "--table", "x").exit_code == 2
    assert run("check", cohort, "--schema", "no-such").exit_code == 10
    assert run("check").exit_code == 2


def test_a_path_that_leads_nowhere_is_one_line():
    result = run("check", "no/such/path")
    assert result.exit_code == 4
    assert result.stderr == "Error: no/such/path: is neither a file nor a folder\n"
    assert result.stdout == ""


# Packs, models, schemas


def test_a_pack_is_held_against_itself():
    result = run("check", "kr-demo/statistics")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("kr-demo: ")
    assert result.stdout.endswith(" 0 errors\n")
    document = json.loads(run("check", MODEL / "statistics", "--json").stdout)
    assert document["passes"] is True
    assert document["contradictions"] == []


def test_a_pack_that_speaks_of_an_unknown_schema_is_exit_code_11(tmp_path):
    pack = Path(shutil.copytree(MODEL / "statistics", tmp_path / "pack"))
    document = json.loads((pack / "datapackage.json").read_text(encoding="utf-8"))
    document["x-synthgen"]["schema"] = "rare-cancer@9.9.9"
    (pack / "datapackage.json").write_text(json.dumps(document), encoding="utf-8")
    result = run("check", pack)
    assert result.exit_code == 11
    assert len(result.stderr.splitlines()) == 1


def test_a_model_is_checked_byte_by_byte(tmp_path):
    result = run("check", "kr-demo", "--lang", "ko")
    assert result.exit_code == 0, result.output
    assert "sha256" in result.stdout
    model = Path(shutil.copytree(MODEL, tmp_path / "model"))
    content = bytearray((model / "arrays.npz").read_bytes())
    content[100] ^= 1
    (model / "arrays.npz").write_bytes(bytes(content))
    result = run("check", model)
    assert result.exit_code == 12
    assert "arrays.npz: has been changed" in result.stderr


def test_a_schema_is_checked_by_id_and_by_folder(tmp_path):
    assert run("check", "rare-cancer").exit_code == 0
    document = json.loads(run("check", ROOT / "schemas/rare-cancer/1.0.0", "--json").stdout)
    assert document["schema"] == "rare-cancer@1.0.0"
    own = Path(shutil.copytree(ROOT / "schemas/rare-cancer/1.0.0", tmp_path / "own"))
    (own / "rules.json").write_text('{"format": "rules/1", "rules": [{"id": "X"}]}')
    result = run("check", own)
    assert result.exit_code == 10
    assert len(result.stderr.splitlines()) == 1


# In a process of its own


def test_a_reader_that_goes_away_is_silent(cohort):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "synthgen.cli.main", "check", str(cohort)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 74


def test_a_zip_file_with_the_files_of_a_bundle_is_a_bundle_and_a_workbook_is_none(tmp_path):
    for name, members in (
        ("b.zip", ("manifest.json", "policy.json")),
        ("w.xlsx", ("xl/workbook.xml",)),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, "{}")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    kinds = [kind_of(str(tmp_path / name)) for name in ("b.zip", "w.xlsx", "broken.zip")]
    assert kinds == ["bundle", "delivery", "delivery"]
