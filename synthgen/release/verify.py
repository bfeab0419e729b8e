"""Verifying a bundle offline: every byte, what follows from the findings, and who signed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.cohort.write import DATABASE
from synthgen.errors import VerificationError
from synthgen.evaluation import attempts
from synthgen.evaluation.documents import document_bytes, document_hash, require_format
from synthgen.evaluation.evaluation import (
    EVALUATION,
    POLICY,
    PUBLIC_EDITION,
    SELF_TEST,
    evaluation_from,
)
from synthgen.evaluation.evaluation import FORMAT as EVALUATION_FORMAT
from synthgen.evaluation.target import COHORT
from synthgen.release import signature
from synthgen.release.bundle import DATA, FORMAT, MANIFEST, PAGES, unseen_controls
from synthgen.release.contents import (
    Contents,
    hash_of,
    is_inside,
    open_contents,
    read_small,
)
from synthgen.release.logged import require_as_written, require_in_log
from synthgen.schema.documents import one_line

#: What must be in every bundle beside the manifest and the data.
NEEDED = (POLICY, PUBLIC_EDITION, attempts.NAME, SELF_TEST, "NOTICE.txt", "LICENCE.txt")


@dataclass(frozen=True)
class Verified:
    """A bundle whose every byte is as it was released.

    Parameters
    ----------
    manifest : mapping
    files : int
    signed_by : str
        Public key in hexadecimal, ``""`` if nobody signed.
    trusted : bool
        Whether that key was the one that was asked for.
    decided_anew : bool
        Whether the internal edition is in the bundle, so that the decision was made again
        from the findings.
    """

    manifest: Mapping[str, Any]
    files: int
    signed_by: str
    trusted: bool
    decided_anew: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "verified": True,
            "target": dict(self.manifest["target"]),
            "policy": dict(self.manifest["policy"]),
            "verdict": self.manifest["verdict"],
            "guarantees": list(self.manifest["guarantees"]),
            "files": self.files,
            "signed_by": self.signed_by or None,
            "trusted": self.trusted,
            "decided_anew": self.decided_anew,
        }


def verify(bundle: Path, key: Path | None = None) -> Verified:
    """Verify a bundle.

    Parameters
    ----------
    bundle : Path
        Folder or zip file.
    key : Path, optional
        Public key (PEM) of the person who must have signed it.

    Raises
    ------
    VerificationError
        With the first thing that is not as it was released: a byte, a file too many or too
        few, a link, a name outside the bundle, a decision that does not follow, an
        evaluation that the log does not know, a signature that is missing, broken or another
        person's.
    UsageError
        If the key cannot be read.
    MissingExtraError
        If there is a signature and the extra ``sign`` is not installed.
    """
    trusted = signature.public_key_in(key) if key is not None else None
    contents = open_contents(bundle)
    raw = read_small(contents, MANIFEST, bundle)
    manifest = _manifest(raw, bundle)
    _require_files(contents, manifest, bundle)
    signer = _require_signed(contents, raw, trusted, bundle)
    anew = _require_evidence(contents, manifest, bundle)
    return Verified(manifest, len(manifest["files"]), signer, trusted is not None, anew)


def _document(raw: bytes, where: str, form: str) -> dict[str, Any]:
    """Document that is written in the one way in which we write it."""
    try:
        made: Any = json.loads(raw)
        same = isinstance(made, dict) and document_bytes(made) == raw
    except (ValueError, RecursionError) as error:
        raise VerificationError(f"{where}: is not as it was written") from error
    if not same:
        raise VerificationError(f"{where}: is not as it was written")
    if form:
        require_format(made, form, where, VerificationError)
    document: dict[str, Any] = made
    return document


def _refuse_cohort(raw: bytes, bundle: Path) -> None:
    """Say that a cohort is none, which is no bundle that somebody changed."""
    try:
        made: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return
    if isinstance(made, dict) and str(made.get("format")).startswith("cohort/"):
        raise VerificationError(
            f"{bundle}: is a cohort; it must be a bundle that release wrote (check looks at cohorts)"
        )


def _manifest(raw: bytes, bundle: Path) -> dict[str, Any]:
    where = f"{bundle}/{MANIFEST}"
    _refuse_cohort(raw, bundle)
    manifest = _document(raw, where, FORMAT)
    if document_hash({k: v for k, v in manifest.items() if k != "sha256"}) != manifest["sha256"]:
        raise VerificationError(f"{where}: has been changed; its hash does not match")
    return manifest


def _require_files(contents: Contents, manifest: Mapping[str, Any], bundle: Path) -> None:
    said: Mapping[str, Any] = manifest["files"]
    outside = [name for name in said if not is_inside(name)]
    if outside:
        raise VerificationError(f"{bundle}: {one_line(outside[0])} is not inside the bundle")
    sizes = contents.sizes()
    expected = {*said, MANIFEST}
    extra = sorted({*sizes} - expected - {signature.NAME})
    if extra or signature.NAME in said or MANIFEST in said:
        first = extra[0] if extra else MANIFEST
        raise VerificationError(
            f"{bundle}: {one_line(first)} does not belong to it ({len(extra)} such files)"
        )
    missing = sorted(expected - {*sizes})
    if missing:
        raise VerificationError(
            f"{bundle}: {one_line(missing[0])} is missing ({len(missing)} such files)"
        )
    for name, about in said.items():
        if sizes[name] != about["bytes"] or hash_of(contents, name) != about["sha256"]:
            raise VerificationError(f"{bundle}: {one_line(name)} has been changed")


def _require_signed(contents: Contents, raw: bytes, trusted: str | None, bundle: Path) -> str:
    if signature.NAME not in contents.sizes():
        if trusted is not None:
            raise VerificationError(f"{bundle}: is not signed; a signature was asked for")
        return ""
    where = f"{bundle}/{signature.NAME}"
    said = _document(read_small(contents, signature.NAME, bundle), where, signature.FORMAT)
    return signature.require_signature(raw, said, trusted)


def _require_evidence(contents: Contents, manifest: Mapping[str, Any], bundle: Path) -> bool:
    """Refuse documents that do not belong together; whether the decision was made anew."""
    files: Mapping[str, Any] = manifest["files"]
    lacking = [name for name in NEEDED if name not in files]
    if lacking:
        raise VerificationError(f"{bundle}: has no {lacking[0]}")
    data = {
        name.removeprefix(f"{DATA}/"): dict(about)
        for name, about in files.items()
        if name.startswith(f"{DATA}/")
    }
    target, policy = manifest["target"], manifest["policy"]
    if target["kind"] == COHORT:
        data.pop(DATABASE, None)  # written anew by release; the manifest alone hashes it
    if document_hash(data) != target["sha256"]:
        raise VerificationError(f"{bundle}: its data are not what was evaluated")
    policy_document = _part(contents, POLICY, "policy/1", bundle)
    if document_hash(policy_document) != policy["sha256"]:
        raise VerificationError(f"{bundle}: {POLICY} is not the policy of the manifest")
    shown = _part(contents, PUBLIC_EDITION, EVALUATION_FORMAT, bundle)
    _require_agreement(shown, manifest, f"{bundle}/{PUBLIC_EDITION}")
    test = _part(contents, SELF_TEST, "", bundle)
    if test.get("passes") is not True:
        raise VerificationError(
            f"{bundle}: its self-test did not pass: {unseen_controls(test)} did not come out as it "
            "must"
        )
    raw = read_small(contents, attempts.NAME, bundle)
    where = f"{bundle}/{attempts.NAME}"
    sha256, most = manifest["evaluation"]["sha256"], policy_document["budget"]["max_evaluations"]
    require_in_log(raw, where, sha256, shown, most)
    there = {name: about["sha256"] for name, about in files.items()}
    require_as_written(raw, where, sha256, there, PAGES)
    if manifest["evaluation"]["edition"] == "public":
        return False
    if files.get(EVALUATION, {}).get("sha256") != manifest["evaluation"]["sha256"]:
        raise VerificationError(f"{bundle}: {EVALUATION} is not the evaluation of the manifest")
    document = _part(contents, EVALUATION, EVALUATION_FORMAT, bundle)
    require_in_log(raw, where, sha256, document, most)
    where = f"{bundle}/{EVALUATION}"
    made = evaluation_from(document, policy_document, where)
    _require_agreement(document, manifest, where)
    if not made.passes or document["self_test"] != test:
        raise VerificationError(f"{where}: does not pass, or had another self-test")
    return True


def _part(contents: Contents, name: str, form: str, bundle: Path) -> dict[str, Any]:
    return _document(read_small(contents, name, bundle), f"{bundle}/{name}", form)


def _require_agreement(
    document: Mapping[str, Any], manifest: Mapping[str, Any], where: str
) -> None:
    """Refuse an evaluation of something else, under another policy, or that does not pass."""
    target, policy = document["target"], document["policy"]
    same = (
        all(target[name] == said for name, said in manifest["target"].items())
        and all(policy[name] == said for name, said in manifest["policy"].items())
        and document["decision"]["guarantees"] == manifest["guarantees"]
    )
    decision = document["decision"]
    passes = decision["passes"] is True and decision["verdict"] == "pass"
    if not same or not passes or decision["missing"]:
        raise VerificationError(f"{where}: is not the evaluation that this bundle passed by")
