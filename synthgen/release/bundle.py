"""Making a release bundle: only of what passed, with the evidence, every byte hashed."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen import __version__
from synthgen.cohort.hashes import file_hashes, sha256_of
from synthgen.cohort.licence import licence_of
from synthgen.cohort.write import DATABASE
from synthgen.errors import RefusedError, SynthgenError, UsageError, VerificationError
from synthgen.evaluation import attempts
from synthgen.evaluation.claims import claims_of, packs_behind
from synthgen.evaluation.cohort_database import write_database
from synthgen.evaluation.documents import document_bytes, document_hash, require_format
from synthgen.evaluation.evaluation import (
    EVALUATION,
    POLICY,
    PUBLIC_EDITION,
    REPORT,
    SELF_TEST,
    Evaluation,
    read_evaluation,
)
from synthgen.evaluation.policy import require_ready
from synthgen.evaluation.target import COHORT, Target, folder_hash
from synthgen.messages import LANGUAGES, message
from synthgen.outputs import output_file, output_folder
from synthgen.release import signature
from synthgen.release.logged import require_as_written, require_in_log
from synthgen.release.stored_zip import write_stored_zip
from synthgen.report.targets import load_target
from synthgen.resources import shipped
from synthgen.schema.documents import one_line
from synthgen.statistics.ledger import LEDGER, ledger_json
from synthgen.statistics.model import Relation, StatisticsPack
from synthgen.statistics.statements import OTHER_PEOPLE

FORMAT = "bundle/1"
MANIFEST = "manifest.json"
DATA = "data"
NOTICE = "NOTICE.txt"
LICENCE = "LICENCE.txt"
PUBLIC_REPORT = "report.public.html"
DOSSIER = "dossier.html"
#: What people read of an evaluation, as it was written; a dossier is filled in by them.
PAGES = (PUBLIC_EDITION, PUBLIC_REPORT, REPORT)


@dataclass(frozen=True)
class Release:
    """A bundle that was written.

    Parameters
    ----------
    path : Path
    manifest : mapping
    signed_by : str
        Public key in hexadecimal, ``""`` if it is not signed.
    """

    path: Path
    manifest: Mapping[str, Any]
    signed_by: str


def release(
    evaluation: Path,
    bundle: Path,
    *,
    today: dt.date,
    target: str = "",
    model: str = "",
    schema: str = "",
    key: Path | None = None,
    internal: bool = False,
    force: bool = False,
) -> Release:
    """Write the bundle of an evaluation that passed, whole or not at all.

    Parameters
    ----------
    evaluation : Path
        Folder that ``evaluate`` wrote.
    bundle : Path
        A folder, or a zip file if it is called so.
    today : date
        For the policy's expiry.
    target : str
        Where what was evaluated stands now; by default where it stood, or what is shipped.
    model : str
        Model that a cohort was drawn from, if it is not shipped.
    schema : str
        Folder of a cohort's schema, if it is not shipped.
    key : Path, optional
        Private Ed25519 key to sign with.
    internal : bool
        Put the internal edition into the bundle even where records were attacked.  Where
        there were none, it is always there, because it gives nobody away.
    force : bool
        Replace what stands at ``bundle``.

    Raises
    ------
    RefusedError
        If the policy does not pass, has expired or is not approved; if there is no self-test
        that passed; or if a model or pack holds statistics of records without protection.
    VerificationError
        If the evaluation, the log or what was evaluated has changed since.
    UsageError, OutputError
        If something is not found or cannot be written.
    """
    made = read_evaluation(evaluation)
    _require_admitted(made, today)
    log = _require_logged(made, evaluation)
    loaded = _find(made, evaluation, target, (model, schema))
    _require_protected(loaded)
    shown = internal or made.document["inputs"]["train"] is None
    write_zip = bundle.suffix.casefold() == ".zip"
    if write_zip:
        with (
            output_file(bundle, force=force) as beside,
            tempfile.TemporaryDirectory(prefix=".bundle-", dir=beside.parent) as name,
        ):
            folder = Path(name)
            manifest, signer = _fill(folder, made, evaluation, loaded, log, key, internal=shown)
            write_stored_zip(folder, beside)
    else:
        with output_folder(bundle, force=force) as beside:
            manifest, signer = _fill(beside, made, evaluation, loaded, log, key, internal=shown)
    return Release(bundle, manifest, signer)


def _require_admitted(made: Evaluation, today: dt.date) -> None:
    policy = made.policy
    if not made.passes:
        raise RefusedError(
            f"policy {policy.id}: does not let {made.document['target']['name']} pass "
            f"({made.decision.verdict.value}); nothing is released"
        )
    require_ready(policy, today)
    if policy.missing_approvals:
        raise RefusedError(
            f"policy {policy.id}: is not approved by {one_line(policy.missing_approvals[0])} "
            f"({len(policy.missing_approvals)} such approvals)"
        )
    test = made.document["self_test"]
    if test is None:
        raise RefusedError(
            "self-test: the planted controls were not run; evaluate again with --self-test"
        )
    if test.get("passes") is not True:
        raise RefusedError(
            f"self-test: {unseen_controls(test)} did not come out as it must; a battery that does "
            "not see its planted controls releases nothing"
        )


def unseen_controls(test: Mapping[str, Any]) -> str:
    """Planted controls that a self-test did not see, with their records; the first five."""
    rows = test.get("controls")
    missed = [
        f"{row.get('control')} of {row.get('n')} records"
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and row.get("as_expected") is not True
    ]
    more = f" and {len(missed) - 5} more" if len(missed) > 5 else ""
    return one_line(", ".join(missed[:5]) + more, 300) if missed else "a control that it hides"


def _require_logged(made: Evaluation, folder: Path) -> bytes:
    """Log of attempts, if it knows this evaluation."""
    path = folder / attempts.NAME
    if not path.is_file():
        raise VerificationError(f"{folder}: has no {attempts.NAME}")
    raw = path.read_bytes()
    sha256 = hashlib.sha256((folder / EVALUATION).read_bytes()).hexdigest()
    require_in_log(raw, path, sha256, made.document, made.policy.max_evaluations)
    there = {name: sha256_of(folder / name) for name in PAGES if (folder / name).is_file()}
    require_as_written(raw, path, sha256, there, PAGES)
    return raw


def _find(made: Evaluation, folder: Path, target: str, given: tuple[str, str]) -> Target:
    """What was evaluated, if it still is what it was."""
    said = made.document["target"]
    where = target or (str(folder / said["path"]) if said["path"] else "")
    if not where:
        where = said["name"]
        if said["kind"] == "pack" and where not in shipped("fitted_models"):
            where = next(
                (f"{name}/statistics" for name in shipped("fitted_models") if name == where), where
            )
    loaded = load_target(
        where, seed=made.document["seed"], patients=1, model=given[0], schema=given[1]
    )
    if (loaded.kind, loaded.sha256) != (said["kind"], said["sha256"]):
        raise VerificationError(
            f"{one_line(where)}: is not what was evaluated, or has changed since; evaluate again"
        )
    claims = claims_of(loaded, made.policy)
    if frozenset(made.document["claims"]) != claims:
        raise VerificationError(
            f"{one_line(where)}: the evaluation claims guarantees that it does not have"
        )
    return loaded


def _require_protected(target: Target) -> None:
    """Refuse a model or pack with statistics of records that nobody protected."""
    if target.kind == "cohort":
        return
    packs = [target.pack] if target.pack is not None else []
    if target.model is not None:
        packs = [target.model.pack]
        if target.model.prior is not None:
            packs.append(target.model.prior.pack)
    for pack in packs:
        if is_unprotected(pack):
            raise RefusedError(
                f"{target.kind} {target.name}: holds the pack {pack.id}, tabulated from records "
                "without protection; tabulate again with --min-cell, --round or noise"
            )


def is_unprotected(pack: StatisticsPack) -> bool:
    """Whether a pack was made from records and a table about patients was not protected."""
    if pack.origin == "public-statistics":
        return False
    none = (None, None, None)
    about_patients = [
        t for t in pack.tables if t.kind not in OTHER_PEOPLE and t.relation is not Relation.ASSUMED
    ]
    return (
        pack.unprotected
        or not about_patients
        or any(
            (t.protection.suppressed_below, t.protection.rounded_to, t.protection.noise_sd) == none
            for t in about_patients
        )
    )


def _fill(
    folder: Path,
    made: Evaluation,
    evaluation: Path,
    target: Target,
    log: bytes,
    key: Path | None,
    *,
    internal: bool,
) -> tuple[dict[str, Any], str]:
    """Write everything into a folder: the manifest last, the signature after it."""
    (folder / POLICY).write_bytes(document_bytes(made.policy.document))
    (folder / attempts.NAME).write_bytes(log)
    (folder / SELF_TEST).write_bytes(document_bytes(made.document["self_test"]))
    copied = [PUBLIC_EDITION, PUBLIC_REPORT, *([EVALUATION, REPORT, DOSSIER] if internal else [])]
    for name in copied:
        if (evaluation / name).is_file():
            shutil.copyfile(evaluation / name, folder / name)
    spent = _write_ledgers(folder, target)
    _write_terms(folder, made, target)
    _copy_data(folder / DATA, target)
    manifest = {
        "format": FORMAT,
        "target": {
            "kind": target.kind,
            "name": target.name,
            "origin": target.origin,
            "sha256": target.sha256,
        },
        "policy": {name: made.document["policy"][name] for name in ("id", "version", "sha256")},
        "verdict": made.decision.verdict.value,
        "guarantees": list(made.decision.guarantees),
        "evaluation": {
            "sha256": hashlib.sha256((evaluation / EVALUATION).read_bytes()).hexdigest(),
            "edition": "internal" if internal else "public",
        },
        "ledger": spent,
        "versions": {"synthgen": __version__},
        "files": file_hashes(folder),
    }
    manifest["sha256"] = document_hash(manifest)
    require_format(manifest, FORMAT, MANIFEST, SynthgenError)
    raw = document_bytes(manifest)
    (folder / MANIFEST).write_bytes(raw)
    if key is None:
        return manifest, ""
    signed = signature.sign(raw, key)
    (folder / signature.NAME).write_bytes(document_bytes(signed))
    return manifest, str(signed["public_key"])


def _write_ledgers(folder: Path, target: Target) -> dict[str, Any] | None:
    """Write what differential privacy cost, one file a pack; None where there was none.

    A cohort does not hold its pack, so that its ledger would be lost without this copy.
    """
    ledgers = [p.ledger for p in packs_behind(target) if p.ledger is not None]
    if not ledgers:
        return None
    names = [LEDGER if at == 1 else f"ledger-{at}.json" for at in range(1, len(ledgers) + 1)]
    for name, ledger in zip(names, ledgers, strict=True):
        (folder / name).write_bytes(ledger_json(ledger).encode("utf-8"))
    return {
        "files": names,
        "unit": ledgers[0].unit,
        "epsilon": math.fsum(ledger.epsilon for ledger in ledgers),
        "delta": math.fsum(ledger.delta for ledger in ledgers),
    }


def _copy_data(folder: Path, target: Target) -> None:
    """Copy what was evaluated; the DuckDB file of a cohort is written anew from its rows."""
    database = target.folder / DATABASE
    anew = target.kind == COHORT and database.is_file()

    def left_out(where: str, names: list[str]) -> list[str]:
        return [DATABASE] if anew and Path(where) == target.folder and DATABASE in names else []

    shutil.copytree(target.folder, folder, ignore=left_out)
    if folder_hash(folder, target.kind) != target.sha256:
        raise VerificationError(f"{target.name}: changed while it was copied")
    if anew:
        write_database(folder / DATABASE, target.schema, target.tables)


def _write_terms(folder: Path, made: Evaluation, target: Target) -> None:
    """The notice and the data licence, in both languages."""
    notice, terms = [], []
    pack = target.model.pack if target.model is not None else target.pack
    for language in LANGUAGES:
        notice.append(
            message(
                f"release.notice.{target.kind}",
                language,
                name=target.name,
                origin=message(f"release.origin.{target.origin}", language),
                policy=made.policy.title(language),
            )
        )
        notice.append(message("intended_use.short", language))
        if pack is not None:
            terms.append(licence_of(pack).text(language))
    (folder / NOTICE).write_text("\n\n".join(notice) + "\n", encoding="utf-8")
    if pack is not None:
        text = "\n\n".join([licence_of(pack).id, *terms])
        (folder / LICENCE).write_text(text + "\n", encoding="utf-8")
    elif (target.folder / LICENCE).is_file():
        shutil.copyfile(target.folder / LICENCE, folder / LICENCE)
    else:
        raise UsageError(
            f"{target.name}: has no data licence and its model is not at hand; say --model"
        )
