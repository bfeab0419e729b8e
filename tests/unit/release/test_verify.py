"""One changed byte anywhere, one file too many or too few, one link: verification fails."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import shutil
import zipfile

import pytest

from synthgen.errors import UsageError, VerificationError
from synthgen.evaluation.documents import document_bytes, document_hash
from synthgen.release.bundle import release
from synthgen.release.signature import sign
from synthgen.release.verify import verify

TODAY = dt.date(2026, 11, 22)


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "bundle")


@pytest.fixture
def signed(evaluation, keys, tmp_path):
    path = tmp_path / "signed"
    release(evaluation, path, today=TODAY, key=keys["mine"])
    return path


def test_a_bundle_is_verified_and_decided_anew(bundle, zipped):
    for path in (bundle, zipped):
        made = verify(path)
        assert made.decided_anew
        assert made.manifest["verdict"] == "pass"
        assert made.signed_by == ""


def test_no_changed_byte_in_any_file_of_a_folder_goes_unseen(copy):
    rng = random.Random(7)  # noqa: S311 - places to look at
    seen = 0
    for path in sorted(p for p in copy.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        places = {0, len(raw) - 1, *(rng.randrange(len(raw)) for _ in range(4))}
        for at in places:
            flipped = raw[at] ^ (1 << rng.randrange(8))
            path.write_bytes(raw[:at] + bytes([flipped]) + raw[at + 1 :])
            with pytest.raises(VerificationError):
                verify(copy)
            seen += 1
        path.write_bytes(raw)
    verify(copy)
    assert seen > 60


def test_no_changed_byte_of_a_zip_file_goes_unseen(zipped, tmp_path):
    raw = zipped.read_bytes()
    rng = random.Random(8)  # noqa: S311 - places to look at
    path = tmp_path / "changed.zip"
    end = len(raw) - 22
    heads = [at for at in range(len(raw) - 4) if raw[at : at + 2] == b"PK"]
    places = {0, end, len(raw) - 1, *range(end, len(raw))}
    places |= {at + shift for at in heads for shift in rng.sample(range(46), 8)}
    places |= {rng.randrange(len(raw)) for _ in range(150)}
    for at in sorted(place for place in places if place < len(raw)):
        flipped = raw[at] ^ (1 << rng.randrange(8))
        path.write_bytes(raw[:at] + bytes([flipped]) + raw[at + 1 :])
        with pytest.raises(VerificationError):
            verify(path)
    assert len(places) > 250


@pytest.mark.parametrize("cut", [1, 22, 100, 10_000])
def test_a_zip_file_that_is_cut_off_or_has_something_behind_it_is_refused(zipped, tmp_path, cut):
    path = tmp_path / "cut.zip"
    for raw in (zipped.read_bytes()[:-cut], zipped.read_bytes() + b"x" * cut):
        path.write_bytes(raw)
        with pytest.raises(VerificationError):
            verify(path)


def zip_of(bundle, compression=zipfile.ZIP_DEFLATED, **more):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for path in sorted(p for p in bundle.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(bundle).as_posix())
        for name, content in more.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_a_zip_bomb_is_refused_without_unpacking_it(bundle, tmp_path):
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of(bundle, bomb=b"\0" * 50_000_000))
    assert path.stat().st_size < 3_000_000
    with pytest.raises(VerificationError, match="stored without compression"):
        verify(path)


def test_a_cohort_is_no_bundle_that_was_changed(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": "cohort/1"}')
    with pytest.raises(VerificationError, match="is a cohort; it must be a bundle that release"):
        verify(tmp_path)


def test_a_zip_file_of_another_program_is_refused_even_if_its_contents_are_right(bundle, tmp_path):
    path = tmp_path / "other.zip"
    path.write_bytes(zip_of(bundle, zipfile.ZIP_STORED))
    with pytest.raises(VerificationError, match="is not as it was written"):
        verify(path)


@pytest.mark.parametrize("name", ["extra.csv", "data/extra.csv", "signature", ".hidden", "data/.x"])
def test_a_file_too_many_is_refused(copy, name):
    (copy / name).write_text("x")
    with pytest.raises(VerificationError, match="does not belong to it"):
        verify(copy)


@pytest.mark.parametrize(
    "name", ["policy.json", "data/patient.csv", "attempts.jsonl", "NOTICE.txt"]
)
def test_a_file_too_few_is_refused(copy, name):
    (copy / name).unlink()
    with pytest.raises(VerificationError, match="is missing"):
        verify(copy)


def test_a_bundle_without_a_manifest_is_none(copy, tmp_path):
    (copy / "manifest.json").unlink()
    with pytest.raises(VerificationError, match=r"has no manifest\.json"):
        verify(copy)
    with pytest.raises(VerificationError, match="cannot be read"):
        verify(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(VerificationError):
        verify(empty)


def test_a_link_is_refused_wherever_it_points(copy, tmp_path):
    outside = tmp_path / "outside.csv"
    shutil.copy(copy / "data" / "patient.csv", outside)
    (copy / "data" / "patient.csv").unlink()
    (copy / "data" / "patient.csv").symlink_to(outside)
    with pytest.raises(VerificationError, match="is a link or no plain file"):
        verify(copy)


def test_a_folder_that_is_a_link_is_refused(copy, tmp_path):
    shutil.move(copy / "data", tmp_path / "elsewhere")
    (copy / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VerificationError, match="is a link"):
        verify(copy)


def rewritten(bundle, change):
    """The manifest, changed, with hashes that fit: as somebody would who has no key."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    del manifest["sha256"]
    manifest["sha256"] = document_hash(manifest)
    path.write_bytes(document_bytes(manifest))


@pytest.mark.parametrize(
    "name", ["../outside.csv", "/etc/hostname", "data/../../x", "a\\..\\b", "C:x"]
)
def test_a_name_outside_the_bundle_is_refused(copy, name):
    rewritten(copy, lambda m: m["files"].update({name: {"bytes": 1, "sha256": "0" * 64}}))
    with pytest.raises(VerificationError, match="is not inside the bundle"):
        verify(copy)


def rehashed(bundle, name, raw):
    import hashlib

    (bundle / name).write_bytes(raw)
    about = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    rewritten(bundle, lambda m: m["files"].update({name: about}))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("data/patient.csv", "its data are not what was evaluated"),
        ("policy.json", "is not as it was written|is not the policy"),
        ("attempts.jsonl", "changed|cut off"),
        ("evaluation.json", "not as it was written|not the evaluation"),
    ],
)
def test_documents_that_do_not_belong_together_are_refused_even_with_fitting_hashes(
    copy, name, said
):
    raw = (copy / name).read_bytes()
    rehashed(copy, name, raw[:-2] + b" \n")
    with pytest.raises(VerificationError, match=said):
        verify(copy)


def test_a_failing_public_edition_is_refused_even_with_fitting_hashes(copy):
    document = json.loads((copy / "evaluation.public.json").read_text(encoding="utf-8"))
    document["decision"]["passes"] = False
    rehashed(copy, "evaluation.public.json", document_bytes(document))
    with pytest.raises(VerificationError, match="is not the evaluation that this bundle passed by"):
        verify(copy)


def test_a_signature_says_who_and_only_a_key_says_that_it_is_the_right_one(signed, keys):
    made = verify(signed)
    assert (len(made.signed_by), made.trusted) == (64, False)
    assert verify(signed, keys["mine.pub"]).trusted
    with pytest.raises(VerificationError, match="was made with the key"):
        verify(signed, keys["other.pub"])


def test_what_is_not_signed_is_refused_where_a_signature_is_asked_for(bundle, keys):
    with pytest.raises(VerificationError, match="is not signed"):
        verify(bundle, keys["mine.pub"])


def test_fitting_hashes_do_not_help_against_a_signature(signed):
    rewritten(signed, lambda m: m["versions"].update({"synthgen": "9.9.9"}))
    with pytest.raises(VerificationError, match="is not a signature of this manifest"):
        verify(signed)


def test_no_changed_byte_of_a_signature_goes_unseen(signed):
    path = signed / "signature.json"
    raw = path.read_bytes()
    for at in range(0, len(raw), 7):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(VerificationError):
            verify(signed)


def test_somebody_elses_signature_put_in_place_is_only_seen_with_the_key(signed, keys):
    raw = (signed / "manifest.json").read_bytes()
    (signed / "signature.json").write_bytes(document_bytes(sign(raw, keys["other"])))
    assert verify(signed).signed_by
    with pytest.raises(VerificationError, match="was made with the key"):
        verify(signed, keys["mine.pub"])


def test_what_is_no_key_is_one_line(signed, keys, tmp_path):
    nonsense = tmp_path / "key.pem"
    nonsense.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for path in (nonsense, keys["mine"], tmp_path / "nowhere"):
        with pytest.raises(UsageError):
            verify(signed, path)
    for path in (nonsense, keys["mine.pub"], tmp_path / "nowhere"):
        with pytest.raises(UsageError):
            sign(b"", path)


def test_pages_that_were_edited_after_the_evaluation_are_refused_even_with_fitting_hashes(copy):
    document = json.loads((copy / "evaluation.public.json").read_text(encoding="utf-8"))
    document["findings"][0].update(estimate=0.0, n=None, part="a kinder one")
    rehashed(copy, "evaluation.public.json", document_bytes(document))
    with pytest.raises(VerificationError, match=r"public\.json is not the file that was written"):
        verify(copy)


def test_a_page_that_was_never_written_with_the_evaluation_is_refused(copy):
    rehashed(copy, "report.public.html", b"<!doctype html><p>All is well.")
    with pytest.raises(VerificationError, match=r"public\.html is not the file that was written"):
        verify(copy)
