"""Cohorts on disk: the same bytes from any number of workers, whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import synthgen
from synthgen.cohort import generate as generation
from synthgen.cohort.hashes import content_hashes, sha256_of
from synthgen.cohort.replicates import write_replicates
from synthgen.cohort.settings import settings_for
from synthgen.cohort.workers import one_thread_each
from synthgen.cohort.write import write_block, write_cohort
from synthgen.errors import EvidenceError, OutputError, UsageError
from synthgen.randomness import BLOCK_SIZE


@pytest.fixture(scope="module")
def model():
    return synthgen.load_model("kr-demo")


def hashes(folder: Path) -> dict[str, str]:
    return {p.name: sha256_of(p) for p in sorted(folder.iterdir()) if p.suffix != ".duckdb"}


def test_the_bytes_do_not_depend_on_the_number_of_workers(model, tmp_path):
    settings = settings_for(model, BLOCK_SIZE + 500, seed=3)
    for jobs in (1, 2):
        write_cohort(model, settings, tmp_path / str(jobs), jobs=jobs)
    assert hashes(tmp_path / "1") == hashes(tmp_path / "2")


@pytest.mark.parametrize("many", ["patients", "replicates"])
def test_an_interruption_on_the_way_ends_the_workers_before_it_is_told(model, tmp_path, many):
    def interrupt(written):  # noqa: ARG001
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        if many == "patients":
            settings = settings_for(model, 4 * BLOCK_SIZE, seed=3)
            write_cohort(model, settings, tmp_path / "c", jobs=2, progress=interrupt)
        else:
            settings = settings_for(model, 20, seed=3)
            write_replicates(model, settings, tmp_path / "c", 6, jobs=2, progress=interrupt)
    assert multiprocessing.active_children() == []
    assert list(tmp_path.iterdir()) == []


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(model, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        settings = settings_for(model, 500, seed=seed)
        write_cohort(model, settings, tmp_path / name, formats=("csv", "parquet", "duckdb"))
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert hashes(tmp_path / "a")["tumour.csv"] != hashes(tmp_path / "c")["tumour.csv"]
    tables = [json.loads((tmp_path / n / "manifest.json").read_text())["tables"] for n in "ab"]
    assert tables[0] == tables[1]


def test_a_block_made_alone_equals_the_block_of_the_whole(model, tmp_path):
    settings = settings_for(model, BLOCK_SIZE + 300, seed=5)
    whole = model.generate(BLOCK_SIZE + 300, seed=5)
    write_block(model, settings, 1, tmp_path)
    for name in ("patient", "tumour"):
        alone = duckdb.read_parquet(str(tmp_path / name / "00000001.parquet")).df()
        of_block = set(whole["patient"]["patient_id"].iloc[BLOCK_SIZE:])
        kept = whole[name][whole[name]["patient_id"].isin(of_block)].reset_index(drop=True)
        assert len(alone) == len(kept) >= 300
        for column in ("patient_id",):
            assert alone[column].tolist() == kept[column].tolist()
        if name == "tumour":
            assert alone["topography"].tolist() == kept["topography"].tolist()
            assert alone["diagnosis_date"].tolist() == kept["diagnosis_date"].tolist()


def test_the_first_patients_do_not_depend_on_how_many_follow(model):
    few, many = (model.generate(n, seed=9, further_tumours=0.1) for n in (400, 900))
    for name in ("patient", "tumour"):
        held = many[name]["patient_id"].isin(few["patient"]["patient_id"])
        pd.testing.assert_frame_equal(few[name], many[name][held], check_categorical=False)
    assert len(few["tumour"]) > 400  # further tumours are among them


def test_the_three_formats_hold_the_same_rows(model, tmp_path):
    settings = settings_for(model, 300, seed=2)
    write_cohort(model, settings, tmp_path / "c", formats=("csv", "parquet", "duckdb"))
    for name in ("patient", "tumour"):
        parquet = duckdb.read_parquet(str(tmp_path / "c" / f"{name}.parquet")).df()
        with duckdb.connect(str(tmp_path / "c" / "cohort.duckdb"), read_only=True) as db:
            database = db.table(name).df()
        csv = pd.read_csv(tmp_path / "c" / f"{name}.csv", dtype=str, keep_default_na=False)
        pd.testing.assert_frame_equal(parquet, database)
        assert csv.columns.tolist() == parquet.columns.tolist()
        assert len(csv) == len(parquet) >= 300
        id_column = f"{name}_id"
        assert csv[id_column].tolist() == parquet[id_column].tolist()


def test_the_manifest_vouches_for_every_file(model, tmp_path):
    write_cohort(model, settings_for(model, 40), tmp_path / "c")
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text(encoding="utf-8"))
    for name, facts in manifest["files"].items():
        assert sha256_of(tmp_path / "c" / name) == facts["sha256"]
    listed = set(manifest["files"]) | {"manifest.json"}
    assert {p.name for p in (tmp_path / "c").iterdir()} == listed
    assert manifest["synthetic"] is True


def test_every_card_says_what_the_data_are_for(model, tmp_path):
    write_cohort(model, settings_for(model, 40), tmp_path / "c")
    for name in ("DATA_CARD.md", "SYNTHETIC_DATA_NOTICE.txt"):
        assert "not for clinical" in (tmp_path / "c" / name).read_text(encoding="utf-8")
    korean = (tmp_path / "c" / "DATA_CARD.ko.md").read_text(encoding="utf-8")
    assert "임상적·역학적 결론" in korean


@pytest.mark.parametrize(
    ("n", "options", "message"),
    [
        (0, {}, "^number of patients: is 0; it must be 1 or more"),
        (-5, {}, "^number of patients: is -5"),
        (10, {"seed": -1}, "^seed: is -1; it must be 0 or more"),
        (10, {"where": {"entiti": ("x",)}}, "^--where entiti: no such variable; did you mean enti"),
        (10, {"where": {"entity": ("osteosarcom",)}}, "no such code; did you mean osteosarcoma"),
    ],
)
def test_requests_that_make_no_sense_are_refused(model, n, options, message):
    with pytest.raises(UsageError, match=message):
        settings_for(model, n, **options)


def test_evidence_that_cannot_happen_is_refused_and_leaves_nothing(model, tmp_path):
    where = {"sex": ("2",), "entity": ("testicular_germ_cell",)}
    settings = settings_for(model, 10, where=where)
    with pytest.raises(EvidenceError, match="has probability zero under the model"):
        write_cohort(model, settings, tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_forced(model, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.txt").write_text("mine", encoding="utf-8")
    settings = settings_for(model, 10)
    with pytest.raises(UsageError, match="exists already"):
        write_cohort(model, settings, tmp_path / "c")
    assert (tmp_path / "c" / "mine.txt").read_text(encoding="utf-8") == "mine"
    write_cohort(model, settings, tmp_path / "c", force=True)
    assert (tmp_path / "c" / "tumour.csv").is_file()


def test_an_interruption_leaves_nothing(model, tmp_path):
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(model, settings_for(model, 10), tmp_path / "c", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_leaves_nothing(model, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise duckdb.IOException("IO Error: could not write: No space left on device")

    monkeypatch.setattr("synthgen.cohort.write.join_parts", full)
    with pytest.raises((OutputError, duckdb.IOException)):
        write_cohort(model, settings_for(model, 10), tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"), [({"formats": ("xls",)}, "^format xls"), ({"jobs": 0}, "^jobs: is 0")]
)
def test_unknown_formats_and_no_workers_are_refused(model, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        write_cohort(model, settings_for(model, 10), tmp_path / "c", **options)


def test_a_block_that_does_not_exist_is_refused(model):
    with pytest.raises(UsageError, match="^block 1: the cohort has blocks 0 to 0"):
        generation.block_tables(model, settings_for(model, 10), 1)


def stored_tables(folder: Path, form: str) -> dict[str, pd.DataFrame]:
    if form == "duckdb":
        with duckdb.connect(str(folder / "cohort.duckdb"), read_only=True) as db:
            return {name: db.table(name).df() for name in ("patient", "tumour")}
    return {
        n: duckdb.read_parquet(str(folder / f"{n}.parquet")).df() for n in ("patient", "tumour")
    }


def test_the_content_hash_is_the_same_in_memory_and_in_every_format(model, tmp_path):
    n = BLOCK_SIZE + 150
    settings = settings_for(model, n, seed=3, names="ko")
    write_cohort(model, settings, tmp_path / "c", formats=("parquet", "duckdb"))
    tables = json.loads((tmp_path / "c" / "manifest.json").read_text(encoding="utf-8"))["tables"]
    cohort = model.generate(n, seed=3, names="ko")
    assert content_hashes(cohort.schema, cohort.tables) == tables
    for form in ("parquet", "duckdb"):
        assert content_hashes(cohort.schema, stored_tables(tmp_path / "c", form)) == tables


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("patient", "birth_year", 1881),
        ("patient", "birth_month", pd.NA),
        ("patient", "patient_id", "SY00000000"),
        ("patient", "last_contact_date", pd.Timestamp("2020-02-29")),
        ("tumour", "laterality", None),
        ("tumour", "seer_stage", "9"),
    ],
)
def test_the_content_hash_sees_every_cell(model, table, column, value):
    tables = dict(model.generate(50, seed=3).tables)
    before = content_hashes(model.schema, tables)
    changed = tables[table].copy()
    values = changed[column].astype(object).tolist()
    at = next(i for i, held in enumerate(values) if not pd.isna(held) and str(held) != str(value))
    values[at] = value
    kind = object if value is None or isinstance(value, str) else changed[column].dtype
    changed[column] = pd.Series(values, dtype=kind)
    after = content_hashes(model.schema, tables | {table: changed})
    assert after[table]["content"] != before[table]["content"]
    swapped = tables | {table: tables[table].iloc[::-1].reset_index(drop=True)}
    assert content_hashes(model.schema, swapped)[table] != before[table]


def test_worker_processes_have_one_thread_each_unless_somebody_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    with one_thread_each():
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.environ["MKL_NUM_THREADS"] == "3"
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["MKL_NUM_THREADS"] == "3"
