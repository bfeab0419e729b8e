"""The same records are the same, whatever file, order or pseudonyms they come in."""

from __future__ import annotations

import pytest

from synthgen.errors import RefusedError
from synthgen.evaluation.attempts import Attempt, attempts_in, require_admitted
from synthgen.evaluation.evaluate import subject_of
from synthgen.evaluation.inputs import Given, read_given
from synthgen.evaluation.record_hash import records_hash
from synthgen.evaluation.subjects import record_tables
from synthgen.evaluation.target import load_target


def renamed(tables):
    """New pseudonyms for everybody."""
    patients, tumours = tables["patient"].copy(), tables["tumour"].copy()
    new = {old: f"P{n:08d}" for n, old in enumerate(reversed(patients["patient_id"].tolist()))}
    patients["patient_id"] = patients["patient_id"].map(new)
    tumours["patient_id"] = tumours["patient_id"].map(new)
    tumours["tumour_id"] = [f"T{n:08d}" for n in range(len(tumours))]
    return {"patient": patients, "tumour": tumours}


def test_rows_in_another_order_or_under_other_pseudonyms_have_the_same_hash(people, rare_cancer):
    tables = people(60, 5)
    first = records_hash(tables, rare_cancer)
    turned = {name: frame.iloc[::-1] for name, frame in tables.items()}
    assert records_hash(turned, rare_cancer) == first
    assert records_hash(renamed(tables), rare_cancer) == first


def test_another_cell_a_missing_one_or_a_row_less_gives_another_hash(people, rare_cancer):
    tables = people(60, 5)
    hashes = {records_hash(tables, rare_cancer)}
    other = tables["tumour"].copy()
    other["age_at_diagnosis"] = other["age_at_diagnosis"] + 1
    hashes.add(records_hash(tables | {"tumour": other}, rare_cancer))
    blank = tables["tumour"].copy()
    blank.loc[0, "grade"] = None
    hashes.add(records_hash(tables | {"tumour": blank}, rare_cancer))
    hashes.add(records_hash(tables | {"tumour": tables["tumour"].iloc[1:]}, rare_cancer))
    # the same rows, but of other patients
    moved = tables["tumour"].copy()
    moved["patient_id"] = moved["patient_id"].tolist()[::-1]
    hashes.add(records_hash(tables | {"tumour": moved}, rare_cancer))
    assert len(hashes) == 5


def test_files_of_another_format_count_as_the_same_records(written_records, rare_cancer, tmp_path):
    import duckdb

    train, control = written_records(40, 6), written_records(40, 7)
    hashes = {records_hash(record_tables(train, rare_cancer), rare_cancer)}
    for form in ("parquet", "semicolon"):
        folder = tmp_path / form
        folder.mkdir()
        for name in ("patient", "tumour"):
            source = f"(FROM read_csv('{train / name}.csv', all_varchar=true) ORDER BY 1 DESC)"
            if form == "parquet":
                how = f"'{folder / name}.parquet' (FORMAT parquet)"
            else:
                how = f"'{folder / name}.csv' (FORMAT csv, HEADER, DELIMITER ';')"
            with duckdb.connect() as db:
                db.execute(f"COPY {source} TO {how}")
        hashes.add(records_hash(record_tables(folder, rare_cancer), rare_cancer))
    assert len(hashes) == 1
    # and it is what the log counts by
    target = load_target("kr-demo", seed=1, patients=20)
    given = read_given(rare_cancer, tmp_path / "parquet", control, None)
    assert {subject_of(target, given)} == hashes
    assert {given.hashes["train"]} == hashes
    bare = Given(given.train, given.control)
    assert {subject_of(target, bare)} == hashes


POLICY = {"id": "public", "version": "1.0.0", "sha256": "ab"}


def old_log():
    line = Attempt(1, "started", "t", "s", "t", POLICY, 1, {}, "0" * 64, "attempt/1").line()
    assert b'"format":"attempt/1"' in line
    return attempts_in(line, "log")


def test_a_log_of_the_older_form_is_read_but_not_continued_with_records():
    lines = old_log()
    assert require_admitted(lines, "pack", POLICY, 3) == 1
    assert require_admitted(lines, "s", POLICY, 3) == 2
    with pytest.raises(RefusedError, match=r"line 1 is of the form attempt/1, which knew records"):
        require_admitted(lines, "rows", POLICY, 3, of_records=True)
