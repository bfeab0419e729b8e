"""Nothing is released that did not pass, as it was evaluated, with all its evidence."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import zipfile
from dataclasses import replace

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import RefusedError, UsageError, VerificationError
from synthgen.evaluation.cohort_database import changed_database
from synthgen.evaluation.policy import policy_from
from synthgen.release.bundle import is_unprotected, release
from synthgen.release.verify import verify
from synthgen.statistics.model import Protection

TODAY = dt.date(2026, 11, 22)
SOURCE = "made up for a test of the rule"


@pytest.fixture
def copied(evaluation, cohort, tmp_path):
    """The evaluation and the cohort where they may be changed."""
    folder = tmp_path / "work"
    shutil.copytree(evaluation, folder / "evaluation")
    shutil.copytree(cohort, folder / "cohort")
    return folder


def changed_policy(evaluation, **changes):
    document = json.loads((evaluation / "policy.json").read_text(encoding="utf-8"))
    return policy_from(document | changes, "changed")


def test_a_bundle_holds_the_data_and_all_the_evidence(bundle, cohort):
    files = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    needed = {"manifest.json", "policy.json", "evaluation.json", "evaluation.public.json"}
    needed |= {"attempts.jsonl", "self_test.json", "NOTICE.txt", "LICENCE.txt"}
    needed |= {f"data/{p.relative_to(cohort).as_posix()}" for p in cohort.rglob("*")}
    assert files == needed
    notice = (bundle / "NOTICE.txt").read_text(encoding="utf-8")
    assert "do not exist" in notice
    assert "존재하지 않습니다" in notice


def test_the_same_evaluation_gives_the_same_bundle(evaluation, bundle, zipped, tmp_path):
    release(evaluation, tmp_path / "again", today=TODAY)
    release(evaluation, tmp_path / "again.zip", today=TODAY)
    first = (bundle / "manifest.json").read_bytes()
    assert (tmp_path / "again" / "manifest.json").read_bytes() == first
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()


def test_any_unzip_program_reads_the_zip_file(bundle, zipped):
    with zipfile.ZipFile(zipped) as archive:
        assert archive.testzip() is None
        files = {p.relative_to(bundle).as_posix(): p for p in bundle.rglob("*") if p.is_file()}
        assert set(archive.namelist()) == set(files)
        assert all(archive.read(name) == path.read_bytes() for name, path in files.items())


def test_what_did_not_pass_is_not_released(evaluated, evaluation, tmp_path):
    low = [
        {"measure": "labelling", "required": True, "limits": [{"limit": -1.0, "source": SOURCE}]}
    ]
    refused = evaluated(changed_policy(evaluation, measures=low))
    with pytest.raises(RefusedError, match=r"does not let cohort pass \(fail\); nothing is"):
        release(refused, tmp_path / "bundle", today=TODAY)
    assert list(tmp_path.iterdir()) == []


MISSED = {"control": "outlier leak", "n": 60, "as_expected": False}
SEEN_ONE = {"control": "copier", "n": 60, "as_expected": True}


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (None, "were not run; evaluate again with --self-test"),
        ({"passes": False, "controls": [SEEN_ONE, MISSED]}, ": outlier leak of 60 records did not"),
        ({"passes": False, "controls": [MISSED] * 7}, "records and 2 more did not come out"),
        ({"passes": False, "controls": []}, "a control that it hides did not"),
    ],
)
def test_without_a_self_test_that_passed_nothing_is_released(evaluated, tmp_path, test, said):
    with pytest.raises(RefusedError, match=said):
        release(evaluated(self_test=test), tmp_path / "bundle", today=TODAY)


def test_the_database_of_a_bundle_is_written_anew(evaluated, tmp_path):
    folder, canary = tmp_path / "cohort", "HONGGILDONG19700101"
    model = load_model("kr-demo")
    write_cohort(model, settings_for(model, 12, seed=1), folder, formats=("csv", "duckdb"))
    with duckdb.connect(str(folder / "cohort.duckdb")) as db:
        db.execute("PRAGMA force_compression='uncompressed'")
        db.execute(f"CREATE TABLE real AS FROM range(4000) r(i) SELECT '{canary}' || i AS name")
        db.execute("CHECKPOINT")
        db.execute("DROP TABLE real")
    # a DuckDB before 2.0 cuts free pages off at the end of the file
    planted = canary.encode() in (folder / "cohort.duckdb").read_bytes()
    assert planted or duckdb.__version__ < "2"
    release(evaluated(target=folder), tmp_path / "bundle", today=TODAY)
    data = tmp_path / "bundle" / "data"
    assert canary.encode() not in (data / "cohort.duckdb").read_bytes()
    manifest = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
    assert changed_database(data, manifest, model.schema) == []
    verify(tmp_path / "bundle")
    with (data / "cohort.duckdb").open("ab") as file:
        file.write(b" ")
    with pytest.raises(VerificationError, match=r"cohort\.duckdb has been changed"):
        verify(tmp_path / "bundle")


def test_the_dossier_goes_into_the_bundle(copied, tmp_path):
    (copied / "evaluation" / "dossier.html").write_text("<!doctype html>", encoding="utf-8")
    target = str(copied / "cohort")
    made = release(copied / "evaluation", tmp_path / "bundle", today=TODAY, target=target)
    assert "dossier.html" in made.manifest["files"]
    assert (tmp_path / "bundle" / "dossier.html").read_bytes() == b"<!doctype html>"


@pytest.mark.parametrize("name", ["evaluation.public.json", "report.public.html", "report.html"])
def test_a_page_that_was_edited_by_hand_is_not_released(copied, tmp_path, name):
    path = copied / "evaluation" / name
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(VerificationError, match=f"{name} is not the file that was written"):
        release(copied / "evaluation", tmp_path / "no", today=TODAY, target=str(copied / "cohort"))
    assert not (tmp_path / "no").exists()


def test_an_expired_or_unapproved_policy_releases_nothing(evaluated, evaluation, tmp_path):
    expiring = evaluated(changed_policy(evaluation, expiry="2026-11-30"))
    with pytest.raises(RefusedError, match="expired"):
        release(expiring, tmp_path / "bundle", today=dt.date(2026, 12, 1))
    unapproved = changed_policy(evaluation, approvals={"needed": ["steward"], "given": []})
    with pytest.raises(RefusedError, match="is not approved by steward"):
        release(evaluated(unapproved), tmp_path / "bundle", today=TODAY)


def test_a_cohort_that_changed_since_is_not_released(copied, tmp_path):
    release(copied / "evaluation", tmp_path / "ok", today=TODAY, target=str(copied / "cohort"))
    with (copied / "cohort" / "patient.csv").open("ab") as file:
        file.write(b"\n")
    with pytest.raises((VerificationError, Exception), match="not as it was|changed"):
        release(copied / "evaluation", tmp_path / "no", today=TODAY, target=str(copied / "cohort"))
    assert not (tmp_path / "no").exists()


def test_another_cohort_than_the_evaluated_is_not_released(copied, tmp_path):
    with pytest.raises(VerificationError, match="is not what was evaluated"):
        release(copied / "evaluation", tmp_path / "no", today=TODAY, target="kr-demo")


def passes(document):
    document["decision"]["passes"] = True


def lower(document):
    for finding in document["findings"]:
        finding.update(estimate=0.0, lower=0.0, upper=0.0)


def forge(document):
    lower(document)
    passes(document)
    document["decision"]["verdict"] = "pass"
    for judged in document["decision"]["judged"]:
        judged.update(verdict="pass", why="decision.why.under")


@pytest.mark.parametrize("how", [passes, lower, forge])
def test_an_evaluation_that_was_edited_into_a_pass_is_not_released(
    evaluated, evaluation, changed_json, tmp_path, how
):
    measures = [
        {"measure": "labelling", "required": True, "limits": [{"limit": -1.0, "source": SOURCE}]}
    ]
    if how is not passes:
        measures[0]["limits"][0]["limit"] = 0.0
    refused = evaluated(changed_policy(evaluation, measures=measures))
    if how is not passes:
        changed_json(refused / "evaluation.json", lambda d: d["findings"][0].update(n=77))
    changed_json(refused / "evaluation.json", how)
    with pytest.raises(VerificationError):
        release(refused, tmp_path / "bundle", today=TODAY)


def test_a_guarantee_that_was_written_in_by_hand_is_not_believed(evaluated, changed_json, tmp_path):
    made = evaluated()
    changed_json(made / "evaluation.json", lambda d: d.update(claims=["G0", "G1"]))
    with pytest.raises(VerificationError):
        release(made, tmp_path / "bundle", today=TODAY)


def test_a_policy_that_was_loosened_afterwards_is_refused(copied, changed_json, tmp_path):
    def loosen(document):
        document["measures"][0]["limits"][0]["limit"] = 100.0

    changed_json(copied / "evaluation" / "policy.json", loosen)
    with pytest.raises(VerificationError, match="made under another policy"):
        release(copied / "evaluation", tmp_path / "no", today=TODAY, target=str(copied / "cohort"))


def test_an_evaluation_that_the_log_does_not_know_is_refused(copied, tmp_path):
    log = copied / "evaluation" / "attempts.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(VerificationError, match="does not know this evaluation"):
        release(copied / "evaluation", tmp_path / "no", today=TODAY, target=str(copied / "cohort"))
    log.unlink()
    with pytest.raises(VerificationError, match=r"has no attempts\.jsonl"):
        release(copied / "evaluation", tmp_path / "no", today=TODAY, target=str(copied / "cohort"))


def test_an_existing_bundle_is_not_overwritten(evaluation, bundle):
    with pytest.raises(UsageError, match="exists already"):
        release(evaluation, bundle, today=TODAY)


def test_statistics_of_records_that_nobody_protected_are_recognised():
    pack = load_model("kr-demo").pack
    assert not is_unprotected(pack)
    enclave = replace(pack, origin="enclave")
    assert is_unprotected(replace(enclave, unprotected=True))
    bare = tuple(replace(t, protection=Protection()) for t in pack.tables)
    assert is_unprotected(replace(enclave, tables=bare))
    one = (replace(bare[0], protection=Protection(suppressed_below=5)), *bare[1:])
    assert is_unprotected(replace(enclave, tables=one))
    guarded = tuple(replace(t, protection=Protection(suppressed_below=5)) for t in bare)
    assert not is_unprotected(replace(enclave, tables=guarded))


def test_a_model_with_an_unprotected_pack_is_not_released(evaluated, tmp_path, monkeypatch):
    """Its folder is the shipped one; only what its pack says of itself is another."""
    from synthgen.release import bundle as module

    made = evaluated(target="kr-demo")
    release(made, tmp_path / "public.zip", today=TODAY)
    verify(tmp_path / "public.zip")
    monkeypatch.setattr(module, "is_unprotected", lambda pack: pack.origin != "elsewhere")
    with pytest.raises(RefusedError, match="tabulated from records without protection"):
        release(made, tmp_path / "no.zip", today=TODAY)
    assert not (tmp_path / "no.zip").exists()
