"""Evaluating: from a target, a policy and records to findings, a decision and a folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen import __version__
from synthgen.cohort.hashes import file_hashes
from synthgen.errors import SynthgenError, UsageError
from synthgen.evaluation import attempts
from synthgen.evaluation.claims import claims_of, ledgers_of
from synthgen.evaluation.documents import document_bytes, require_format
from synthgen.evaluation.evaluation import (
    EVALUATION,
    FORMAT,
    POLICY,
    PUBLIC_EDITION,
    Evaluation,
    asked,
    decided,
)
from synthgen.evaluation.inputs import Given, inputs_of
from synthgen.evaluation.measures import MEASURES, Measure
from synthgen.evaluation.policy import Policy, require_ready
from synthgen.evaluation.public_edition import public_edition
from synthgen.evaluation.record_hash import records_hash
from synthgen.evaluation.refitting import TRIAL_REFITS, audited
from synthgen.evaluation.refitting import Progress as RefitProgress
from synthgen.evaluation.run import run_measures
from synthgen.evaluation.target import COHORT, PACK, Target
from synthgen.outputs import output_folder
from synthgen.privacy.refit_audit import FEWEST_REFITS, REFITS
from synthgen.privacy.refit_audit import MEASURE as REFIT_AUDIT
from synthgen.resources import data_root
from synthgen.schema.documents import one_line

if TYPE_CHECKING:
    from synthgen.schema.model import Schema

#: Distributions whose versions may change a number.
VERSIONED = ("numpy", "pandas", "scipy", "scikit-learn")

Progress = Callable[[Measure], None]


def measures_asked(policy: Policy, kind: str) -> list[Measure]:
    """Measures that a policy names and that say something about a kind of target.

    Raises
    ------
    UsageError
        If the policy names a measure that there is not.
    RefusedError
        If it asks nothing about such a target.
    """
    for rule in policy.measures:
        if rule.measure not in MEASURES:
            raise UsageError(
                f"policy {policy.id}: names a measure {one_line(rule.measure)} that there is not; "
                f"there are {', '.join(MEASURES)}"
            )
    return [MEASURES[rule.measure] for rule in asked(policy, kind).measures]


def with_refits(
    measures: Sequence[Measure],
    policy: Policy,
    refits: int | None = None,
    progress: RefitProgress | None = None,
) -> list[Measure]:
    """Measures with as many refits as were asked for.

    Parameters
    ----------
    measures : sequence of Measure
    policy : Policy
    refits : int, optional
        Even, at least 32; by default 256 where the policy requires the audit and 64 where it
        only reports it.  Where it requires it, fewer than 256 cannot pass.
    progress : callable, optional
        Called with refits done, all, and seconds so far; in a worker process where there are
        several, so it must be a function of a module.

    Raises
    ------
    UsageError
        If there are too few, or an odd number.
    """
    if refits is not None and (refits < FEWEST_REFITS or refits % 2):
        raise UsageError(
            f"refits: is {refits}; it must be even and at least {FEWEST_REFITS} "
            f"({REFITS} for a release)"
        )
    enough = REFITS if REFIT_AUDIT in policy.required else 0
    count = refits or enough or TRIAL_REFITS
    run = partial(audited, refits=count, enough=enough, progress=progress)
    return [replace(m, run=run) if m.id == REFIT_AUDIT else m for m in measures]


def evaluate(
    target: Target,
    policy: Policy,
    given: Given | None = None,
    *,
    seed: int = 1,
    jobs: int = 1,
    attempt: int = 1,
    path: str = "",
    self_test: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    refits: int | None = None,
    refit_progress: RefitProgress | None = None,
) -> Evaluation:
    """Measure what a policy asks for, and decide.

    Parameters
    ----------
    target : Target
    policy : Policy
    given : Given, optional
        Records and population; without records, what needs them is not testable.
    seed : int
        0 or greater; the same seed and versions give the same findings.
    jobs : int
        Worker processes; they change nothing but the time.
    attempt : int
        Number of this evaluation among those of the same data.
    path : str
        Where the target stands, seen from where the evaluation will.
    self_test : mapping, optional
        What the planted controls showed on this machine.
    progress : callable, optional
        Called with each measure that is done.
    refits, refit_progress
        As in :func:`with_refits`.

    Raises
    ------
    UsageError, RecordsError, RefusedError
        As :func:`inputs_of`, :func:`measures_asked` and :func:`with_refits` say.
    """
    given = given or Given()
    measures = with_refits(measures_asked(policy, target.kind), policy, refits, refit_progress)
    inputs = inputs_of(target, given, policy)
    claims = claims_of(target, policy)
    findings = run_measures(
        measures,
        inputs,
        seed=seed,
        jobs=jobs,
        without_records=target.is_public and given.train is None,
        progress=progress,
    )
    decision = decided(tuple(findings), policy, target.kind, claims)
    document = {
        "format": FORMAT,
        "edition": "internal",
        "target": {
            "kind": target.kind,
            "name": target.name,
            "sha256": target.sha256,
            "origin": target.origin,
            "schema": target.schema.key,
            "path": path,
            **({"doubt": target.doubt} if target.kind == COHORT else {}),
        },
        "model": target.model and {"id": target.model.id, "sha256": target.model.sha256},
        "pack": target.pack
        and {
            "id": target.pack.id,
            "version": target.pack.version,
            "origin": target.pack.origin,
        },
        "policy": {
            "id": policy.id,
            "version": policy.version,
            "sha256": policy.sha256,
            "title": policy.title("en"),
            "title_ko": policy.title("ko"),
        },
        "inputs": {
            "synthetic": len(inputs.synthetic),
            "train": _input(inputs.train, given, "train"),
            "control": _input(inputs.control, given, "control"),
            "population": _input(given.population, given, "population"),
            "columns": list(inputs.synthetic.columns),
        },
        "seed": seed,
        "versions": versions(),
        "claims": sorted(claims),
        "ledgers": ledgers_of(target),
        "findings": [finding.as_json() for finding in findings],
        "decision": decision.as_json(),
        "attempt": {
            "number": attempt,
            "of": policy.max_evaluations,
            "subject": subject_of(target, given),
        },
        "self_test": None if self_test is None else dict(self_test),
    }
    require_format(document, FORMAT, "evaluation", SynthgenError)
    return Evaluation(document, policy, tuple(findings), decision)


def _input(found: Any, given: Given, name: str) -> dict[str, Any] | None:
    return None if found is None else {"rows": len(found), "sha256": given.hashes.get(name, "")}


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    made = {"synthgen": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        try:
            made[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return made


def subject_of(target: Target, given: Given) -> str:
    """Hash of what evaluations have in common, so that they count together.

    The rows of the training records where there are any, whatever file they stand in, because
    it is they that evaluations leak; otherwise the published statistics, or the target itself.
    """
    if given.train is not None:
        return given.hashes.get("train") or records_hash(given.train, given.schema or target.schema)
    if target.pack is not None and target.kind != PACK:
        text = f"{target.pack.id}\x1f{target.pack.version}"
        return hashlib.sha256(text.encode()).hexdigest()
    return target.sha256


def public_codes(schema: Schema) -> frozenset[str]:
    """Codes and bin labels that a schema publishes."""
    codes = {code.code for codes in schema.code_lists.values() for code in codes.codes}
    return frozenset(codes | {c.code for v in schema.variables for c in v.categories})


def evaluate_into(
    folder: Path,
    target: Target,
    policy: Policy,
    given: Given,
    *,
    log: Path,
    now: dt.datetime,
    seed: int = 1,
    jobs: int = 1,
    force: bool = False,
    self_test: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    refits: int | None = None,
    refit_progress: RefitProgress | None = None,
    finish: Sequence[Callable[[Evaluation, Path], None]] = (),
) -> Evaluation:
    """Evaluate and write the folder, whole or not at all; the attempt is logged in any case.

    Parameters
    ----------
    folder : Path
        Where ``evaluation.json``, its public edition, the policy and a copy of the log will
        stand.
    target, policy, given, seed, jobs, self_test, progress, refits, refit_progress
        As in :func:`evaluate`.
    log : Path
        The log of attempts.
    now : datetime
        In UTC: for the policy's expiry and the log.  Nothing else depends on it.
    force : bool
        Replace what stands at ``folder``.
    finish : sequence of callable
        Called with the evaluation and the folder before it is renamed, to add pages.

    Raises
    ------
    RefusedError
        If the policy has expired, has an empty limit, was changed since the first attempt,
        or its budget is spent.
    UsageError, RecordsError, OutputError, VerificationError
        As the parts say.  A line "started" stands in the log if measures were run.
    """
    require_ready(policy, now.date())
    with_refits(measures_asked(policy, target.kind), policy, refits)
    inputs_of(target, given, policy)  # refuses before an attempt is counted
    named = {"id": policy.id, "version": policy.version, "sha256": policy.sha256}
    subject, when = subject_of(target, given), now.strftime("%Y-%m-%dT%H:%M:%SZ")
    with output_folder(folder, force=force) as beside:
        with attempts.open_log(log) as opened:
            number = attempts.require_admitted(
                opened.attempts,
                subject,
                named,
                policy.max_evaluations,
                of_records=given.train is not None,
            )
            opened.add(
                "started",
                when=when,
                subject=subject,
                target=target.sha256,
                policy=named,
                seed=seed,
            )
        made = evaluate(
            target,
            policy,
            given,
            seed=seed,
            jobs=jobs,
            attempt=number,
            path=_seen_from(target.folder, folder),
            self_test=self_test,
            progress=progress,
            refits=refits,
            refit_progress=refit_progress,
        )
        raw = document_bytes(made.document)
        (beside / EVALUATION).write_bytes(raw)
        shown = public_edition(made.document, policy.k_min, public_codes(target.schema))
        (beside / PUBLIC_EDITION).write_bytes(document_bytes(shown))
        (beside / POLICY).write_bytes(document_bytes(policy.document))
        for add in finish:
            add(made, beside)
        result = {
            "verdict": made.decision.verdict.value,
            "evaluation": hashlib.sha256(raw).hexdigest(),
            "number": number,
            "files": {
                name: said["sha256"]
                for name, said in file_hashes(beside).items()
                if name != EVALUATION
            },
        }
        with attempts.open_log(log) as opened:
            opened.add(
                "finished",
                when=when,
                subject=subject,
                target=target.sha256,
                policy=named,
                seed=seed,
                result=result,
            )
            (beside / attempts.NAME).write_bytes(log.read_bytes())
    return made


def _seen_from(target: Path, folder: Path) -> str:
    """Path of the target, seen from the evaluation; empty for what is shipped."""
    there = target.resolve()
    if there.is_relative_to(data_root().resolve()):
        return ""
    try:
        return Path(os.path.relpath(there, folder.resolve())).as_posix()
    except ValueError:  # another drive
        return ""
