"""What stands in the folder of a pack or a model is what was evaluated, and nothing beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthgen.cohort import artefact
from synthgen.errors import ModelError, StatisticsError
from synthgen.evaluation.target import load_target

CANARY = "CANARY,1971-03-04\n"


@pytest.fixture
def pack(root: Path, tmp_path: Path) -> Path:
    source = root / "docs" / "tutorials" / "release-packs" / "protected"
    return Path(shutil.copytree(source, tmp_path / "pack"))


@pytest.fixture
def model(root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(root / "fitted_models" / "kr-demo", tmp_path / "model"))


def load(folder: Path) -> str:
    return load_target(str(folder), seed=1, patients=1).kind


def test_packs_and_models_as_they_are_written_are_evaluated(pack, model):
    assert (load(pack), load(model)) == ("pack", "model")


@pytest.mark.parametrize(
    "name", ["records.csv", "tables/records.csv", "tables/deep/x.csv", ".notes", "schema/x.json"]
)
def test_a_file_beside_a_pack_is_not_released_unread(pack, name):
    (pack / name).parent.mkdir(exist_ok=True)
    (pack / name).write_text(CANARY, "utf-8")
    with pytest.raises(StatisticsError, match="which nobody reads or evaluates") as caught:
        load(pack)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("name", ["records.csv", "prior/records.csv", "notes/x.md", "model.json~"])
def test_a_file_beside_a_model_is_not_released_unread(model, name):
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text(CANARY, "utf-8")
    with pytest.raises(ModelError, match="which nobody reads|added or removed"):
        load(model)


def _with(place: Callable[[dict[str, Any]], Any], key: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: place(document).update({key: [{"name": CANARY}]})


@pytest.mark.parametrize(
    "change",
    [
        _with(lambda d: d, "rows"),
        _with(lambda d: d["resources"][0], "data"),
        _with(lambda d: d["resources"][0]["schema"], "rows"),
        _with(lambda d: d["resources"][0]["schema"]["fields"][0], "rows"),
        _with(lambda d: d["x-synthgen"], "rows"),
    ],
)
def test_a_key_of_a_pack_that_nobody_reads_is_refused(pack, change):
    where = pack / "datapackage.json"
    document = json.loads(where.read_text("utf-8"))
    change(document)
    where.write_text(json.dumps(document), "utf-8")
    with pytest.raises(StatisticsError, match=r"has a key (rows|data),|not allowed"):
        load(pack)


def test_a_key_of_a_model_that_nobody_reads_is_refused(model):
    where = model / "model.json"
    document = json.loads(where.read_text("utf-8"))
    document["rows"] = [CANARY]
    document["sha256"] = artefact._hash_of(document)
    where.write_text(json.dumps(document), "utf-8")
    with pytest.raises(ModelError, match="has a key rows, which nobody reads"):
        load(model)
