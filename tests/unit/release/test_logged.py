"""An evaluation is the attempt that the log says it was."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil

import pytest

from synthgen.errors import VerificationError
from synthgen.evaluation.attempts import open_log
from synthgen.evaluation.documents import document_bytes
from synthgen.release.bundle import release
from synthgen.release.logged import require_as_written, require_in_log
from synthgen.release.verify import verify

TODAY = dt.date(2026, 11, 22)
POLICY = {"id": "small", "version": "1.0.0", "sha256": "ab"}


def log_of(path, starts, *, number=None, target="t", seed=1):
    """Bytes of a log: so many attempts are begun, then the last one ends."""
    common = {"when": "now", "subject": "s", "policy": POLICY}
    with open_log(path) as log:
        for at in range(starts):
            log.add("started", target=target, seed=at + 1, **common)
        result = {"verdict": "pass", "evaluation": "e"}
        result |= {} if number is None else {"number": number}
        log.add("finished", target=target, seed=seed, result=result, **common)
    return path.read_bytes()


def said(number, *, of=5, seed=1, target="t", subject="s"):
    return {
        "target": {"sha256": target},
        "policy": POLICY,
        "seed": seed,
        "attempt": {"number": number, "of": of, "subject": subject},
    }


@pytest.mark.parametrize("number", [None, 3])
@pytest.mark.parametrize("subject", ["s", ""])
def test_the_attempt_that_the_log_says_is_known(tmp_path, number, subject):
    raw = log_of(tmp_path / "log", 3, number=number, seed=3)
    require_in_log(raw, "log", "e", said(3, seed=3, subject=subject), 5)


@pytest.mark.parametrize(
    ("document", "most"),
    [
        (said(1, seed=3), 5),
        (said(2, seed=3), 5),
        (said(4, seed=3), 5),
        (said(0, seed=3), 5),
        (said(3, seed=2), 5),
        (said(3, seed=3, target="other"), 5),
        (said(3, seed=3, subject="other"), 5),
        (said(3, seed=3), 9),
        (said(3, seed=3, of=2), 2),
    ],
)
def test_another_number_target_seed_subject_or_budget_is_refused(tmp_path, document, most):
    raw = log_of(tmp_path / "log", 3, seed=3)
    with pytest.raises(VerificationError, match="attempt"):
        require_in_log(raw, "log", "e", document, most)


def test_the_number_that_stands_in_the_log_counts_where_attempts_look_alike(tmp_path):
    with open_log(tmp_path / "log") as log:
        common = {"when": "now", "subject": "s", "policy": POLICY, "target": "t", "seed": 1}
        log.add("started", **common)
        log.add("started", **common)
        result = {"verdict": "pass", "evaluation": "e", "number": 2}
        log.add("finished", result=result, **common)
    raw = (tmp_path / "log").read_bytes()
    require_in_log(raw, "log", "e", said(2), 5)
    with pytest.raises(VerificationError, match="says that it is attempt 1"):
        require_in_log(raw, "log", "e", said(1), 5)


def renumbered(folder, name):
    document = json.loads((folder / name).read_text(encoding="utf-8"))
    document["attempt"]["number"] = 2
    (folder / name).write_bytes(document_bytes(document))


def test_neither_release_nor_verify_takes_another_number(evaluation, cohort, bundle, tmp_path):
    copy = shutil.copytree(evaluation, tmp_path / "evaluation")
    renumbered(copy, "evaluation.json")
    with pytest.raises(VerificationError, match="does not know this evaluation"):
        release(copy, tmp_path / "no", today=TODAY, target=str(cohort))
    whole = shutil.copytree(bundle, tmp_path / "bundle")
    renumbered(whole, "evaluation.public.json")
    manifest = json.loads((whole / "manifest.json").read_text(encoding="utf-8"))
    raw = (whole / "evaluation.public.json").read_bytes()
    about = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    manifest["files"]["evaluation.public.json"] = about
    manifest.pop("sha256")
    manifest["sha256"] = hashlib.sha256(document_bytes(manifest)).hexdigest()
    (whole / "manifest.json").write_bytes(document_bytes(manifest))
    with pytest.raises(VerificationError, match="says that it is attempt 2"):
        verify(whole)


def test_a_log_that_names_no_files_says_nothing_of_them(tmp_path):
    raw = log_of(tmp_path / "log", 1)
    require_as_written(raw, "log", "e", {"report.html": "ab"}, ["report.html"])
