"""Demonstration names: invented, marked, by sex, and the same whatever the number of workers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare

import synthgen
from synthgen.cohort.hashes import sha256_of
from synthgen.cohort.names import COLUMN, MARKS, names_in
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.randomness import BLOCK_SIZE
from synthgen.schema.validation import check_tables


@pytest.fixture(scope="module")
def model():
    return synthgen.load_model("kr-demo")


@pytest.mark.parametrize("language", ["ko", "et"])
def test_every_name_is_marked_and_of_the_lists_of_the_patients_sex(model, language):
    patient = model.generate(5_000, seed=3, names=language)["patient"]
    names = patient[COLUMN].astype(object)
    assert names.notna().all()
    assert names.str.endswith(f" {MARKS[language]}").all()
    lists = names_in(language)
    known = {sex: {lists.all[i] for i in rows} for sex, rows in lists.rows.items()}
    sex = patient["sex"].astype(object)
    for code in ("1", "2"):
        assert set(names[sex == code]) <= known[code]
    assert names.nunique() > 1_000


def test_korean_names_are_written_as_koreans_write_them(model):
    name = model.generate(1, seed=3, names="ko")["patient"][COLUMN].astype(object).iloc[0]
    given = name.removesuffix(" (가상)")
    assert " " not in given
    assert all("가" <= letter <= "힣" for letter in given)


def test_every_name_of_a_list_is_equally_likely(model):
    patient = model.generate(60_000, seed=5, names="ko")["patient"]
    male = patient[COLUMN][(patient["sex"] == "1").to_numpy()].astype(object)
    rows = names_in("ko").rows["1"]
    counts = male.value_counts().reindex([names_in("ko").all[i] for i in rows]).fillna(0)
    grouped = np.add.reduceat(counts.to_numpy(), np.arange(0, len(counts), 100)[:-1])
    sizes = np.diff([*np.arange(0, len(counts), 100)[:-1], len(counts)])
    assert chisquare(grouped, sizes / sizes.sum() * grouped.sum()).pvalue > 1e-6


def test_nothing_else_of_a_cohort_changes(model):
    without, with_names = (model.generate(400, seed=7, names=n) for n in ("", "et"))
    assert COLUMN not in without["patient"]
    pd.testing.assert_frame_equal(without["patient"], with_names["patient"].drop(columns=COLUMN))
    pd.testing.assert_frame_equal(without["tumour"], with_names["tumour"])
    assert [c.name for c in with_names.schema.table("patient").columns][-1] == COLUMN


def test_a_name_does_not_depend_on_how_many_patients_follow(model):
    few, many = (model.generate(n, seed=7, names="ko")["patient"] for n in (20, 500))
    assert few[COLUMN].tolist() == many[COLUMN].tolist()[:20]


def test_the_bytes_do_not_depend_on_the_number_of_workers(model, tmp_path):
    settings = settings_for(model, BLOCK_SIZE + 200, seed=3, names="ko")
    for jobs in (1, 2):
        write_cohort(model, settings, tmp_path / str(jobs), jobs=jobs, formats=("parquet",))
    one, two = (sha256_of(tmp_path / str(jobs) / "patient.parquet") for jobs in (1, 2))
    assert one == two


def test_a_cohort_with_names_keeps_the_schema_and_says_what_they_are(model, tmp_path):
    formats = ("csv", "parquet", "duckdb")
    write_cohort(model, settings_for(model, 200, names="ko"), tmp_path / "c", formats=formats)
    assert check_tables(tmp_path / "c", model.schema).impossible == ()
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["extra_columns"] == {"patient": [COLUMN]}
    assert manifest["settings"]["names"] == "ko"
    assert "faker" in manifest["versions"]
    package = json.loads((tmp_path / "c" / "datapackage.json").read_text(encoding="utf-8"))
    (column,) = [f for f in package["resources"][0]["schema"]["fields"] if f["name"] == COLUMN]
    assert "Invented" in column["description"]
    for card, word in (("DATA_CARD.md", "invented names"), ("DATA_CARD.ko.md", "이름은 모두 가상")):
        text = (tmp_path / "c" / card).read_text(encoding="utf-8")
        assert word in text
        assert "--names ko`" in text


def test_a_language_without_names_is_refused(model):
    with pytest.raises(UsageError, match=r"^names: de is no language of names; choose of ko, et$"):
        settings_for(model, 10, names="de")
