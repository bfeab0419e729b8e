"""Running measures: each with its own random stream, and a crash of one is its own finding."""

from __future__ import annotations

import hashlib
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.cohort.workers import in_order
from synthgen.errors import UsageError
from synthgen.evaluation.measures import Measure
from synthgen.findings import CRASHED, MISSING_INPUT, NO_RECORDS, Finding, Inputs, not_testable

#: Needs that only real records meet.
OF_RECORDS = frozenset({"train", "control", "refit"})


def measure_generator(seed: int, measure: str) -> np.random.Generator:
    """Generator of one measure: it depends on the seed and the measure's id alone.

    Parameters
    ----------
    seed : int
        0 or greater.
    measure : str
    """
    text = f"synthgen-evaluate-1\x1f{seed}\x1f{measure}"
    key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def missing_inputs(measure: Measure, inputs: Inputs) -> tuple[str, ...]:
    """What a measure needs and was not given, in order of name."""
    given = {
        "schema": inputs.schema,
        "cohort": inputs.cohort or None,
        "pack": inputs.pack,
        "train": inputs.train,
        "control": inputs.control,
        "refit": inputs.refit,
        "model": inputs.model,
        "population": inputs.population,
    }
    return tuple(sorted(need for need in measure.needs if given[need] is None))


def run_measure(
    measure: Measure, inputs: Inputs, seed: int, *, without_records: bool
) -> list[Finding]:
    """Findings of one measure; at least one, whatever happens.

    Parameters
    ----------
    measure : Measure
    inputs : Inputs
    seed : int
    without_records : bool
        Whether nothing but published statistics went in, so that there are no records to
        attack; otherwise records that are not there have been forgotten.

    Returns
    -------
    list of Finding
        If the measure crashed, or returned something else than its findings, one that is
        not testable: with the class of the error and where it was raised, never with its
        message, which may hold values of records.
    """
    missing = missing_inputs(measure, inputs)
    if missing:
        only_records = without_records and set(missing) <= OF_RECORDS
        reason = NO_RECORDS if only_records else MISSING_INPUT
        return [not_testable(measure.id, measure.family, reason, detail={"missing": [*missing]})]
    try:
        found = measure.run(inputs, measure_generator(seed, measure.id))
    except Exception as error:  # noqa: BLE001 - whatever it is: a crash is not a pass
        place = _place(error)
        detail = {"error": type(error).__name__, "at": place}
        return [not_testable(measure.id, measure.family, CRASHED, detail=detail)]
    if not found or not all(
        isinstance(one, Finding) and (one.measure, one.family) == (measure.id, measure.family)
        for one in found
    ):
        detail = {"error": "no finding of its own", "at": ""}
        return [not_testable(measure.id, measure.family, CRASHED, detail=detail)]
    return list(found)


def _place(error: BaseException) -> str:
    """Innermost line of ours that an error went through."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "synthgen" in f.filename]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""


def brief_warning(
    message: Warning | str,  # noqa: ARG001 - never shown: it may hold values of records
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Show a warning by its class and place alone, in place of ``warnings.showwarning``."""
    import sys

    stream = file or sys.stderr
    stream.write(f"Warning: {category.__name__} at {Path(filename).name}:{lineno}\n")


def run_measures(
    measures: Sequence[Measure],
    inputs: Inputs,
    *,
    seed: int,
    jobs: int = 1,
    without_records: bool = False,
    progress: Callable[[Measure], None] | None = None,
) -> list[Finding]:
    """Findings of several measures, in their order.

    Parameters
    ----------
    measures : sequence of Measure
    inputs : Inputs
    seed : int
        0 or greater.
    jobs : int
        Worker processes; the findings do not depend on it.
    without_records : bool
        As in :func:`run_measure`.
    progress : callable, optional
        Called with each measure that is done.

    Raises
    ------
    UsageError
        If the seed is negative or ``jobs`` below 1.
    """
    if seed < 0:
        raise UsageError(f"seed: is {seed}; it must be 0 or more")
    if jobs < 1:
        raise UsageError(f"jobs: is {jobs}; it must be 1 or more")
    work = partial(run_measure, inputs=inputs, seed=seed, without_records=without_records)
    findings: list[Finding] = []
    if jobs == 1 or len(measures) < 2:
        for measure in measures:
            findings += work(measure)
            if progress is not None:
                progress(measure)
        return findings
    workers, shared = min(jobs, len(measures)), (inputs, seed, without_records)
    with closing(in_order(_work, measures, workers, _start_worker, shared)) as results:
        for measure, found in zip(measures, results, strict=True):
            findings += found
            if progress is not None:
                progress(measure)
    return findings


_worker: list[Any] = []


def _start_worker(inputs: Inputs, seed: int, without_records: bool) -> None:
    warnings.showwarning = brief_warning
    _worker[:] = [inputs, seed, without_records]


def _work(measure: Measure) -> list[Finding]:
    inputs, seed, without_records = _worker
    return run_measure(measure, inputs, seed, without_records=without_records)
