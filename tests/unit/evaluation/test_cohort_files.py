"""What stands in a cohort's folder is what was evaluated, in every format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.hashes import file_hashes
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import DATABASE, FORMATS, write_cohort
from synthgen.errors import ContractError
from synthgen.evaluation.target import load_target


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "cohort"
    model = load_model("kr-demo")
    write_cohort(model, settings_for(model, 12, seed=1), folder, formats=FORMATS)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "cohort"))


def hash_again(folder: Path) -> None:
    """What somebody does who has changed a file and wants nobody to see it."""
    path = folder / "manifest.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["files"] = file_hashes(folder, skip=(DATABASE, path.name))
    path.write_text(json.dumps(said), encoding="utf-8")


def test_a_cohort_in_all_its_formats_is_read(made: Path) -> None:
    assert set(load_target(str(made), seed=1).tables) == {"patient", "tumour"}


def other_patients(folder: Path) -> None:
    path = folder / "patient.parquet"
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t AS SELECT * REPLACE ('P99' AS patient_id) FROM '{path}'")  # noqa: S608 - our path
        db.execute(f"COPY t TO '{path}' (FORMAT parquet)")


def other_database(folder: Path) -> None:
    with duckdb.connect(str(folder / DATABASE)) as db:
        db.execute("DELETE FROM tumour")


def table_in_database(folder: Path) -> None:
    with duckdb.connect(str(folder / DATABASE)) as db:
        db.execute("CREATE TABLE real AS SELECT 'Hong' AS name")


def column_more(folder: Path) -> None:
    path = folder / "patient.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{head},name", *(f"{row},Hong" for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def long_line(folder: Path) -> None:
    with (folder / "patient.csv").open("a", encoding="utf-8") as file:
        file.write(",".join(["Hong"] * 90) + "\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_patients, "something else"),
        (other_database, "something else"),
        (table_in_database, "tables that"),
        (column_more, "does not describe"),
        (long_line, "another length"),
        (lambda folder: (folder / "real.xlsx").write_bytes(b"PK"), "real.xlsx"),
        (lambda folder: (folder / "real.csv").write_text("name\nHong\n"), "real.csv"),
        (lambda folder: (folder / "more").mkdir(), "more"),
    ],
)
def test_what_nobody_evaluates_is_refused_though_the_manifest_knows_it(
    copied: Path, change: Callable[[Path], object], said: str
) -> None:
    change(copied)
    hash_again(copied)

    with pytest.raises(ContractError, match=said) as caught:
        load_target(str(copied), seed=1)

    assert "Hong" not in str(caught.value)
