"""The log of attempts: every evaluation that was begun, in a chain of hashes.

One line of JSON for each event.  A line holds the hash of the line before it, so that a
line that was changed, removed from the middle or put in shows.  The log cannot show that
its last lines, or all of it, were cut off: whoever keeps it must know how long it was, which
is why a copy goes into every evaluation, and from there into the bundle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.errors import OutputError, RefusedError, UsageError, VerificationError
from synthgen.schema.documents import LARGEST_DOCUMENT, one_line

NAME = "attempts.jsonl"
FORMAT = "attempt/2"
#: Form of lines that knew records by the bytes of their file; such logs are read, not continued.
OF_FILES = "attempt/1"
#: Hash that the first line gives for the line before it.
START = "0" * 64
#: How long another evaluation is waited for [seconds].
PATIENCE = 10.0

EVENTS = ("started", "finished")
KEYS = {"format", "number", "event", "time", "subject", "target", "policy", "seed", "result"}
KEYS |= {"previous"}


@dataclass(frozen=True)
class Attempt:
    """One line of the log.

    Parameters
    ----------
    number : int
        Of the line, from 1.
    event : {"started", "finished"}
        One that was broken off has no second line.
    time : str
        When, in UTC.
    subject : str
        Hash of what the evaluations have in common: the rows of the records, or the pack.
    target : str
        Hash of what was evaluated.
    policy : mapping
        ``id``, ``version`` and ``sha256``.
    seed : int
    result : mapping
        Of a finished one: ``verdict``, the hash of ``evaluation.json``, the ``number`` that
        the attempt had among those of its subject, and the hashes of the ``files`` that were
        written beside ``evaluation.json``.
    previous : str
        Hash of the line before.
    format : {"attempt/2", "attempt/1"}
        In the older form the subject of records was the hash of their file.
    """

    number: int
    event: str
    time: str
    subject: str
    target: str
    policy: Mapping[str, str]
    seed: int
    result: Mapping[str, Any]
    previous: str
    format: str = FORMAT

    def line(self) -> bytes:
        """The line as it is written, with its end."""
        said = vars(self) | {"policy": dict(self.policy), "result": dict(self.result)}
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode() + b"\n"


def read_attempts(path: Path) -> tuple[Attempt, ...]:
    """Lines of a log whose chain holds; none if there is no file.

    Raises
    ------
    VerificationError
        If a line is no attempt, or the chain is broken; with the number of the line.
    """
    if not path.exists():
        return ()
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST_DOCUMENT:
            raise VerificationError(f"{path}: is a link or too large for a log of attempts")
        raw = path.read_bytes()
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return attempts_in(raw, path)


def attempts_in(raw: bytes, where: object) -> tuple[Attempt, ...]:
    """Attempts in the bytes of a log; see :func:`read_attempts`."""
    made: list[Attempt] = []
    previous = START
    if raw and not raw.endswith(b"\n"):
        raise VerificationError(f"{where}: its last line is cut off")
    for number, line in enumerate(raw.splitlines(keepends=True), 1):
        broken = f"{where}: line {number} has been changed, or a line before it"
        try:
            said = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise VerificationError(broken) from error
        if not isinstance(said, dict) or set(said) != KEYS:
            raise VerificationError(broken)
        if not isinstance(said["policy"], dict) or not isinstance(said["result"], dict):
            raise VerificationError(broken)
        attempt = Attempt(**said)
        if (attempt.number, attempt.previous) != (number, previous) or attempt.line() != line:
            raise VerificationError(broken)
        if attempt.event not in EVENTS or attempt.format not in (FORMAT, OF_FILES):
            raise VerificationError(broken)
        made.append(attempt)
        previous = hashlib.sha256(line).hexdigest()
    return tuple(made)


def require_admitted(
    attempts: tuple[Attempt, ...],
    subject: str,
    policy: Mapping[str, str],
    most: int,
    *,
    of_records: bool = False,
) -> int:
    """Number that the next attempt has, if the log admits one.

    Parameters
    ----------
    attempts : tuple of Attempt
    subject : str
    policy : mapping
        ``id``, ``version`` and ``sha256`` of the policy that is to be used.
    most : int
        Evaluations of one subject that the policy allows, under whatever policy they were.
    of_records : bool
        Whether the subject is a hash of records.

    Returns
    -------
    int
        From 1: how many evaluations of the subject there are with it.

    Raises
    ------
    RefusedError
        If the policy of that id was another one before, or the budget is spent; or if lines of
        the older form stand in the log of an evaluation of records, because nobody can tell
        whether they were about the same ones.
    """
    old = [a for a in attempts if a.format == OF_FILES]
    if of_records and old:
        raise RefusedError(
            f"log of attempts: line {old[0].number} is of the form {OF_FILES}, which knew records "
            "by their file and not by their rows; keep that log, and begin a new one with --log"
        )
    started = [a for a in attempts if a.subject == subject and a.event == "started"]
    for attempt in started:
        same = attempt.policy.get("id") == policy["id"]
        if same and attempt.policy.get("sha256") != policy["sha256"]:
            raise RefusedError(
                f"policy {policy['id']}: was changed after the first evaluation under it (line "
                f"{attempt.number} of the log); use the policy as it was, or give the new one "
                "another id, so that the log shows both"
            )
    if len(started) >= most:
        raise RefusedError(
            f"policy {policy['id']}: allows {most} evaluations of these data and "
            f"{len(started)} were begun; evaluations leak, so the budget is spent"
        )
    return len(started) + 1


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(f".{path.name}.lock")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > until:
                raise UsageError(
                    f"{path}: another evaluation is writing to the log; if there is none, remove "
                    f"{lock.name} beside it"
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


@contextlib.contextmanager
def open_log(path: Path) -> Iterator[Log]:
    """The log, for one event; nobody else writes to it meanwhile.

    Raises
    ------
    VerificationError
        If its chain is broken: nothing is added to a log that was changed.
    OutputError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            yield Log(path, read_attempts(path))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


@dataclass
class Log:
    """A log that is open for writing; :func:`open_log` makes it."""

    path: Path
    attempts: tuple[Attempt, ...]

    def add(
        self,
        event: str,
        *,
        when: str,
        subject: str,
        target: str,
        policy: Mapping[str, str],
        seed: int,
        result: Mapping[str, Any] | None = None,
    ) -> Attempt:
        """Append one line and let it reach the disk."""
        last = self.attempts[-1].line() if self.attempts else b""
        previous = hashlib.sha256(last).hexdigest() if last else START
        made = Attempt(
            len(self.attempts) + 1,
            event,
            one_line(when, 40),
            subject,
            target,
            dict(policy),
            seed,
            dict(result or {}),
            previous,
        )
        with self.path.open("ab") as file:
            file.write(made.line())
            file.flush()
            os.fsync(file.fileno())
        self.attempts = (*self.attempts, made)
        return made
