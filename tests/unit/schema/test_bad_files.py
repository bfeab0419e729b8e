"""Files that are too big, too deep or no JSON: one clear line each."""

import json
import shutil
from pathlib import Path

import pytest

from synthgen.errors import SchemaError
from synthgen.schema import documents, metaschema
from synthgen.schema.load import load_schema

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "mine")
    return tmp_path / "mine"


def edit(folder, name, change):
    path = folder / name
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def line(folder):
    with pytest.raises(SchemaError) as caught:
        load_schema(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    assert str(folder) in said
    return said


def test_a_million_columns_are_refused_by_their_number(folder, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST_DOCUMENT", 2**26)
    columns = {f"c{n}": {} for n in range(1_000_000)}
    (folder / "operation.schema.json").write_text(json.dumps({"properties": columns}))
    assert f"has 1000000 columns; a table can have {metaschema.MOST_COLUMNS} at most" in line(
        folder
    )


def test_a_file_that_is_too_big_is_not_read(folder):
    with (folder / "operation.schema.json").open("wb") as file:
        file.truncate(2 * 2**30)
    assert "has 2147483648 bytes; at most 16777216 are read" in line(folder)


def test_json_that_is_nested_too_deep_is_refused_without_recursion(folder):
    (folder / "rules.json").write_text("[" * 1_000_000)
    assert "is nested 1000000 levels deep; at most 64 are read" in line(folder)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xef\xbb\xbf{}", "starts with a byte-order mark"),
        ('{"a": 1}'.encode("utf-16"), "starts with a byte-order mark"),
        ('{"title": "희귀암"}'.encode("cp949"), "is not UTF-8 (byte 11)"),
        (b"", "is not JSON"),
        (b"{", "is not JSON: "),
        (b"[]", "holds a list; it must hold one JSON object"),
        (b'{"a": 1, "a": 2}', "key a stands twice in one object"),
        (b'{"a": NaN}', "holds NaN, which JSON does not have"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON that can be read"),
        (b"\x00\x01\x02", "is not JSON"),
    ],
)
def test_a_file_that_is_no_json_object_is_named(folder, raw, said):
    (folder / "dataset.json").write_bytes(raw)
    text = line(folder)
    assert "dataset.json: " in text
    assert said in text


def test_a_folder_in_the_place_of_a_file_is_named(folder):
    (folder / "rules.json").unlink()
    (folder / "rules.json").mkdir()
    assert "rules.json: is not a file" in line(folder)


def test_hostile_titles_stay_on_one_line(folder):
    edit(folder, "dataset.json", lambda d: d.update(format="a\nb\u202e<script>"))
    assert "<script>" in line(folder)
