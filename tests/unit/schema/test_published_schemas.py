"""A published version never changes: somebody's prototype was written against it."""

import shutil

import pytest

from synthgen.errors import VerificationError
from synthgen.resources import data_root
from synthgen.schema.documents import read_document
from synthgen.schema.load import shipped_schemas
from synthgen.schema.metaschema import check_document
from synthgen.schema.published import changed_files

FOLDERS = [path for found in shipped_schemas().values() for path in found]
SHIPPED = data_root() / "schemas" / "rare-cancer" / "1.0.0"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_the_files_are_as_published(folder):
    assert changed_files(folder) == ()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_the_files_use_only_words_of_the_format(folder):
    kinds = {
        "dataset": "dataset",
        "codelists": "codelists",
        "rules": "rules",
        "variables": "variables",
    }
    for path in folder.glob("*.json"):
        check_document(kinds.get(path.stem, "table"), path, read_document(path))


def test_the_folder_says_its_own_id_and_version():
    for folder in FOLDERS:
        dataset = read_document(folder / "dataset.json")
        assert (dataset["id"], dataset["version"]) == (folder.parent.name, folder.name)


def test_a_changed_a_missing_and_an_extra_file_are_named(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "copy")
    copy = tmp_path / "copy"
    (copy / "rules.json").write_text("{}")
    (copy / "variables.json").unlink()
    (copy / "extra.json").write_text("{}")
    assert changed_files(copy) == ("extra.json", "rules.json", "variables.json")


def test_a_folder_without_hashes_is_refused(tmp_path):
    with pytest.raises(VerificationError, match="has no SHA256SUMS"):
        changed_files(tmp_path)
