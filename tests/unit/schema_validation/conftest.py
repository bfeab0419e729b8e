"""A delivery of three patients that keeps the contract, to be broken in one way at a time."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthgen.schema.load import load_schema
from synthgen.schema.model import Schema
from synthgen.schema.validation import Report, check_tables

Row = dict[str, str]
Tables = dict[str, list[Row]]


def good_tables() -> Tables:
    patients = [
        ("SY00000001", "2", "1950", "5", "2", "51", "1", "2020-12-31", "", ""),
        ("SY00000002", "1", "1982", "11", "2", "11", "2", "2019-03-02", "2019-03-02", "C629"),
        ("SY00000003", "1", "2001", "1", "1", "99", "9", "2018-01-09", "", ""),
    ]
    names = [
        "patient_id", "sex", "birth_year", "birth_month", "nationality_code", "region_code",
        "vital_status", "last_contact_date", "death_date", "death_cause_icd10",
    ]  # fmt: skip
    filled = [dict(zip(names, row, strict=True)) for row in patients]
    empty = {"income_quintile": "", "occupation_code": ""}
    order = load_schema("rare-cancer").table("patient").column_names
    tumours = [
        ("SY00000001T1", "SY00000001", "1", "2015-07-01", "65", "C402", "9180", "3", "C402",
         "osteosarcoma", "9", "1", "7", "3", "1", "I", "0", "10000"),
        ("SY00000002T1", "SY00000002", "1", "2016-02-29", "33", "C629", "9061", "3", "C629",
         "testicular_germ_cell", "9", "9", "7", "2", "2", "II", "0", "11000"),
        ("SY00000003T1", "SY00000003", "1", "2018-01-02", "17", "C402", "9180", "3", "C402",
         "osteosarcoma", "9", "2", "7", "3", "7", "IV", "1", "01000"),
    ]  # fmt: skip
    tumour_names = load_schema("rare-cancer").table("tumour").column_names
    return {
        "patient": [{name: (row | empty)[name] for name in order} for row in filled],
        "tumour": [dict(zip(tumour_names, row, strict=True)) for row in tumours],
    }


def as_text(rows: list[Row], separator: str = ",", end: str = "\n") -> str:
    class Written:
        def __init__(self) -> None:
            self.text = ""

        def write(self, part: str) -> None:
            self.text += part

    out = Written()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.text


@pytest.fixture(scope="session")
def schema() -> Schema:
    return load_schema("rare-cancer")


@pytest.fixture
def tables() -> Tables:
    return good_tables()


@pytest.fixture
def delivered(tmp_path: Path) -> Callable[..., Path]:
    """Write tables as a delivery: encoding, separator and line ends as asked."""

    def write(
        tables: Tables,
        encoding: str = "utf-8",
        separator: str = ",",
        end: str = "\n",
        ending: str = ".csv",
    ) -> Path:
        folder = tmp_path / "delivery"
        folder.mkdir(exist_ok=True)
        for name, rows in tables.items():
            text = as_text(rows, separator, end)
            (folder / f"{name}{ending}").write_bytes(text.encode(encoding))
        return folder

    return write


@pytest.fixture
def checked(schema: Schema) -> Callable[..., Report]:
    """Check against the schema without its cross-field rules, which take most of the time."""
    plain = replace(schema, rules=())

    def check(source: Path, **options: Any) -> Report:
        return check_tables(source, plain, **options)

    return check


@pytest.fixture
def checked_with_rules(schema: Schema) -> Callable[..., Report]:
    def check(source: Path, **options: Any) -> Report:
        return check_tables(source, schema, **options)

    return check


@pytest.fixture(autouse=True)
def no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing may be left in the temporary folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []
