"""``croissant.json``: what the specification asks for, and what the files really hold."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import synthgen
from synthgen.cohort.croissant import CONTEXT
from synthgen.cohort.hashes import sha256_of
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort

#: Required properties of a dataset (Croissant Format Specification 1.0 and 1.1, the section
#: "Required", and ``distribution``, which it makes required).
REQUIRED = {
    "@context": dict,
    "@type": str,
    "conformsTo": str,
    "description": str,
    "license": str,
    "name": str,
    "url": str,
    "creator": dict,
    "datePublished": str,
    "distribution": list,
}
TYPES = {"sc:Text", "sc:Integer", "sc:Float", "sc:Date", "sc:Boolean"}


def write(folder: Path, **options: Any) -> dict[str, Any]:
    model = synthgen.load_model("kr-demo")
    names = options.pop("names", "")
    write_cohort(model, settings_for(model, 60, names=names), folder, **options)
    return json.loads((folder / "croissant.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("croissant") / "c"


@pytest.fixture(scope="module")
def described(folder) -> dict[str, Any]:
    return write(folder, names="ko")


def test_every_property_that_the_specification_requires_is_there(described):
    for name, kind in REQUIRED.items():
        assert isinstance(described[name], kind), name
        assert described[name], name
    assert described["@type"] == "sc:Dataset"
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert described["@context"]["conformsTo"] == "dct:conformsTo"
    assert described["@context"]["cr"] == "http://mlcommons.org/croissant/"
    assert dt.date.fromisoformat(described["datePublished"]) <= dt.datetime.now(dt.UTC).date()
    assert described["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "not for clinical" in described["description"]


def test_every_key_is_a_word_of_the_context(described):
    def keys(value: Any):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    schema_org = {
        "name", "description", "license", "url", "creator", "datePublished", "version", "keywords",
        "inLanguage", "distribution", "contentUrl", "contentSize", "encodingFormat", "sha256",
    }  # fmt: skip
    used = set(keys({k: v for k, v in described.items() if k != "@context"}))
    assert used - {"@type", "@id"} <= schema_org | set(CONTEXT)


def test_every_file_is_there_with_its_hash(described, folder):
    listed = {item["@id"]: item for item in described["distribution"]}
    assert set(listed) == {"patient.csv", "patient.parquet", "tumour.csv", "tumour.parquet"}
    for name, item in listed.items():
        assert item["@type"] == "cr:FileObject"
        assert item["contentUrl"] == item["name"] == name
        assert item["sha256"] == sha256_of(folder / name)
        assert item["contentSize"] == f"{(folder / name).stat().st_size} B"
        assert item["encodingFormat"] in {"text/csv", "application/x-parquet"}


def test_every_column_is_a_field_that_can_be_extracted(described, folder):
    ids = [item["@id"] for item in described["distribution"]]
    fields: dict[str, dict[str, Any]] = {}
    for records in described["recordSet"]:
        assert records["@type"] == "cr:RecordSet"
        ids.append(records["@id"])
        for field in records["field"]:
            assert field["@type"] == "cr:Field"
            assert field["dataType"] in TYPES
            fields[field["@id"]] = field
            ids.append(field["@id"])
        source = {field["source"]["fileObject"]["@id"] for field in records["field"]}
        assert source == {f"{records['@id']}.parquet"}
        held = duckdb.read_parquet(str(folder / source.pop())).columns
        assert [f["source"]["extract"]["column"] for f in records["field"]] == held
        for key in records["key"]:
            assert key["@id"] in fields
    assert len(ids) == len(set(ids))
    assert fields["tumour/patient_id"]["references"] == {"field": {"@id": "patient/patient_id"}}
    assert "demonstration_name" in fields["patient/demonstration_name"]["name"]


def test_the_manifest_vouches_for_it_and_the_bytes_are_the_same_again(described, folder, tmp_path):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    facts = manifest["files"]["croissant.json"]
    assert facts["sha256"] == sha256_of(folder / "croissant.json")
    assert write(tmp_path / "again", names="ko") == described


def test_without_parquet_the_fields_are_those_of_csv_files(tmp_path):
    described = write(tmp_path / "c", formats=("csv",))
    file = described["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"]
    assert file == "patient.csv"
    columns = pd.read_csv(tmp_path / "c" / file).columns.tolist()
    assert [f["name"] for f in described["recordSet"][0]["field"]] == columns


def test_a_database_alone_has_no_files_to_describe(tmp_path):
    model = synthgen.load_model("kr-demo")
    write_cohort(model, settings_for(model, 5), tmp_path / "c", formats=("duckdb",))
    assert not (tmp_path / "c" / "croissant.json").exists()
