"""The model artefact: what is written is what is read, and nothing else is."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model, save_model
from synthgen.errors import ModelError, SynthgenError
from synthgen.models.fit import fit_pack
from synthgen.resources import shipped

SHIPPED = shipped("fitted_models")["kr-demo"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def rewrite_array(folder: Path, name: str, content: bytes) -> None:
    """Replace one member of arrays.npz and everything that vouches for it."""
    path = folder / "arrays.npz"
    with zipfile.ZipFile(path) as archive:
        members = {i.filename: archive.read(i) for i in archive.infolist()}
    members[name] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    vouch(folder)


def vouch(folder: Path, **changes: object) -> None:
    """Hashes as an attacker would write them, who knows how they are made."""
    from synthgen.cohort.artefact import _file_hash, _hash_of

    document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    document |= changes
    document["files"]["arrays.npz"] = _file_hash(folder / "arrays.npz")
    document["sha256"] = _hash_of(document)
    (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")


def first_array() -> str:
    with zipfile.ZipFile(SHIPPED / "arrays.npz") as archive:
        return archive.namelist()[0]


def test_a_refit_of_its_own_statistics_reproduces_the_shipped_model(tmp_path):
    model = load_model("kr-demo")
    fit = fit_pack(model.pack, model.schema)
    again = save_model(tmp_path / "again", model.id, model.schema, model.pack, fit)
    assert again.distribution.domain == model.distribution.domain
    for name in model.distribution.domain.names:
        np.testing.assert_allclose(
            again.distribution.marginal((name,)), model.distribution.marginal((name,)), atol=1e-9
        )
    for here, there in zip(again.gaps, model.gaps, strict=True):
        assert here.statement == there.statement
        assert here.fitted == pytest.approx(there.fitted, abs=1e-8)


def test_what_is_written_twice_has_the_same_bytes(tmp_path):
    model = load_model("kr-demo")
    fit = fit_pack(model.pack, model.schema)
    for name in ("a", "b"):
        save_model(tmp_path / name, model.id, model.schema, model.pack, fit)
    for path in sorted((tmp_path / "a").rglob("*")):
        if path.is_file():
            other = tmp_path / "b" / path.relative_to(tmp_path / "a")
            assert path.read_bytes() == other.read_bytes()


def test_every_changed_byte_is_refused(copy):
    rng = np.random.default_rng(4)
    pages = set(copy.glob("*.md"))  # written for people, from what is hashed
    watched = [p for p in sorted(copy.rglob("*")) if p.is_file() and p not in pages]
    for path in watched:
        kept = path.read_bytes()
        at = int(rng.integers(len(kept)))
        path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
        with pytest.raises(SynthgenError):
            load_model(copy)
        path.write_bytes(kept)
    load_model(copy)


def test_an_added_or_missing_file_of_the_pack_is_refused(copy):
    extra = copy / "statistics" / "tables" / "more.csv"
    extra.write_text("x\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"more\.csv: has been changed, added or removed"):
        load_model(copy)
    extra.unlink()
    (copy / "arrays.npz").unlink()
    with pytest.raises(ModelError, match=r"arrays\.npz: has been changed, added or removed"):
        load_model(copy)


def test_an_object_array_is_refused(copy):
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object))
    rewrite_array(copy, first_array(), buffer.getvalue())
    with pytest.raises(ModelError, match=r"is object \(1,\); it must be float64"):
        load_model(copy)


@pytest.mark.parametrize(
    "array",
    [np.ones(3), np.ones((2, 2), dtype=np.float32), np.array(["x"])],
    ids=["another shape", "another type", "text"],
)
def test_an_array_that_is_not_what_is_announced_is_refused(copy, array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    rewrite_array(copy, first_array(), buffer.getvalue())
    with pytest.raises(ModelError, match=r"it must be float64"):
        load_model(copy)


def test_a_zip_bomb_is_not_unpacked(copy):
    rewrite_array(copy, first_array(), b"\0" * 50_000_000)
    with pytest.raises(ModelError, match=r"^arrays\.npz"):
        load_model(copy)


def npy(shape: tuple[int, ...], content: bytes) -> bytes:
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + content


@pytest.mark.parametrize("shape", [(10**12,), (-1,)])
def test_a_header_that_announces_more_than_the_description_allocates_nothing(copy, shape):
    rewrite_array(copy, first_array(), npy(shape, bytes(64)))
    with pytest.raises(ModelError, match=r"^arrays\.npz: .* it must be float64"):
        load_model(copy)


def test_bytes_behind_the_numbers_are_refused(copy):
    with zipfile.ZipFile(SHIPPED / "arrays.npz") as archive:
        whole = archive.read(first_array())
    rewrite_array(copy, first_array(), whole + b"CANARY")
    with pytest.raises(ModelError, match=r"has more or fewer bytes than its numbers") as caught:
        load_model(copy)
    assert "CANARY" not in str(caught.value)


def broken(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(80, 400, 3):
        content[at] ^= 0x55
    path.write_bytes(content)


def encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)


def packed_otherwise(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {i.filename: archive.read(i) for i in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def remarked(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"CANARY"


@pytest.mark.parametrize("change", [broken, encrypted, packed_otherwise, remarked])
def test_an_archive_of_another_form_is_one_line(copy, change):
    change(copy / "arrays.npz")
    vouch(copy)
    with pytest.raises(ModelError, match=r"^arrays\.npz: ") as caught:
        load_model(copy)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("name", [["a"], "", "\x1b[31mred"])
def test_a_model_has_a_printable_name(copy, name):
    vouch(copy, id=name)
    with pytest.raises(ModelError, match=r"model\.json: id must be a line"):
        load_model(copy)


def test_huge_shapes_are_refused_before_anything_is_read(copy):
    document = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    component = next(iter(document["distribution"]["components"].values()))
    component["codes"]["region"] = [str(i) for i in range(10**5)]
    component["codes"]["age_group"] = [str(i) for i in range(10**5)]
    component["tables"][0]["given"] = ["region", "age_group"]
    component["tables"][0]["probability_of"] = ["sex"]
    vouch(copy, distribution=document["distribution"])
    with pytest.raises(ModelError, match=r"^arrays\.npz: announces \d+ bytes; at most"):
        load_model(copy)


def test_probabilities_that_do_not_sum_to_one_are_refused(copy):
    name = first_array()
    with zipfile.ZipFile(SHIPPED / "arrays.npz") as archive:
        array = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    buffer = io.BytesIO()
    np.save(buffer, array * 2)
    rewrite_array(copy, name, buffer.getvalue())
    with pytest.raises(ModelError, match="rows must be probabilities that sum to 1"):
        load_model(copy)


def test_a_truncated_archive_is_refused(copy):
    path = copy / "arrays.npz"
    path.write_bytes(path.read_bytes()[:1000])
    vouch(copy)
    with pytest.raises(ModelError, match=r"^arrays\.npz: is not a readable archive"):
        load_model(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "model/9"}', "[" * 100_000])
def test_what_is_no_model_description_is_refused(copy, text):
    (copy / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError):
        load_model(copy)


def test_an_incomplete_description_is_refused(copy):
    from synthgen.cohort.artefact import _hash_of

    document = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    del document["variables"]
    document["sha256"] = _hash_of(document)
    (copy / "model.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ModelError, match="is not a model description"):
        load_model(copy)


def test_an_unknown_model_names_the_shipped_ones():
    with pytest.raises(ModelError, match="^no-such: no such model; shipped models are .*kr-demo"):
        load_model("no-such")
