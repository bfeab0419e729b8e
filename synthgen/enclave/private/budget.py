"""One budget for all tabulations of the same records: a file whose entries form a chain.

The file lies beside the records, inside the enclave.  An entry is written before any noise is
drawn, so what fails half-way was spent; each entry holds the hash of what stands before it, so
that one that was changed, or taken out from before another, shows.  The file cannot show that
its last entries, or all of them, were cut off: whoever keeps it must know how long it was.

It has one name: a link to it stands for the file itself, and a second name of the file (a hard
link) is refused, because each name would keep a sum of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from synthgen.enclave.private.accounting import epsilon_of, require_claim, rho_of
from synthgen.errors import OutputError, PrivacyBudgetError
from synthgen.outputs import output_file
from synthgen.schema.documents import Json, number_at, objects_at, read_document, text_at

FORMAT = "budget/1"
_ROUNDING = 1e-9


def _hash(before: str, entry: dict[str, Json]) -> str:
    rest = {key: value for key, value in entry.items() if key != "hash"}
    text = before + json.dumps(rest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _entries(document: dict[str, Json], path: Path) -> list[dict[str, Json]]:
    """Entries of a budget; what is no list of them is refused, or money would be forgotten."""
    spent = document.get("spent")
    entries = objects_at(document, "spent")
    if not isinstance(spent, list) or len(entries) != len(spent):
        raise PrivacyBudgetError(f"{path}: spent must be the list of entries that was written")
    return entries


def _limits(document: dict[str, Json], path: Path) -> tuple[float, float]:
    epsilon, delta = number_at(document, "epsilon"), number_at(document, "delta")
    if document.get("format") != FORMAT or epsilon is None or delta is None:
        raise PrivacyBudgetError(
            f"{path}: is no budget; it must be {FORMAT} with epsilon and delta"
        )
    require_claim(epsilon, delta)
    return epsilon, delta


def _spent(document: dict[str, Json], path: Path) -> tuple[float, str]:
    """Rho of all entries, and the hash of the last one."""
    head = {k: v for k, v in document.items() if k in ("format", "epsilon", "delta")}
    before = _hash("", head)
    rhos = []
    for number, entry in enumerate(_entries(document, path), start=1):
        rho = number_at(entry, "rho")
        if rho is None or not rho > 0 or text_at(entry, "hash") != _hash(before, entry):
            raise PrivacyBudgetError(
                f"{path}: entry {number} was changed, or one before it taken out; the budget must "
                "be as it was written"
            )
        rhos.append(rho)
        before = text_at(entry, "hash")
    return math.fsum(rhos), before


def reserve(path: Path, epsilon: float, delta: float) -> None:
    """Enter a tabulation that is about to begin.

    Parameters
    ----------
    path : Path
        Of the budget; one is made, with this claim as its limit, where there is none.
    epsilon, delta : float
        Claim of the tabulation.

    Raises
    ------
    PrivacyBudgetError
        If too little is left, the file is no budget or was changed, or another tabulation
        holds it; nothing is entered.
    OutputError
        If it cannot be written.
    """
    path = _own_name(path)
    with _locked(path):
        document: dict[str, Json] = {
            "format": FORMAT,
            "epsilon": epsilon,
            "delta": delta,
            "spent": [],
        }
        if path.exists():
            if path.stat().st_nlink > 1:
                raise PrivacyBudgetError(
                    f"{path}: has a second name (a hard link), which would keep a budget of its "
                    "own; the file must have one name"
                )
            document = read_document(path, PrivacyBudgetError)
        limit_epsilon, limit_delta = _limits(document, path)
        spent, before = _spent(document, path)
        rho = rho_of(epsilon, delta)
        limit = rho_of(limit_epsilon, limit_delta)
        if spent + rho > limit * (1 + _ROUNDING):
            used = epsilon_of(spent, limit_delta)
            raise PrivacyBudgetError(
                f"{path}: epsilon {used:.3g} of {limit_epsilon:g} is spent (at delta "
                f"{limit_delta:g}); epsilon {epsilon:g} more would pass the limit"
            )
        entry: dict[str, Json] = {
            "at": datetime.now().astimezone().isoformat(timespec="seconds"),
            "epsilon": epsilon,
            "delta": delta,
            "rho": rho,
        }
        entry["hash"] = _hash(before, entry)
        entries: list[Json] = [*_entries(document, path), entry]
        text = json.dumps({**document, "spent": entries}, indent=1, ensure_ascii=False)
        with output_file(path, force=True) as beside:
            beside.write_text(text + "\n", encoding="utf-8")


def _own_name(path: Path) -> Path:
    """Path of the file itself, whatever links lead to it."""
    try:
        return path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, Python 3.11, 3.12
        raise OutputError(f"{path}: cannot be read: links lead nowhere") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(f"{path.name}.lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise PrivacyBudgetError(
            f"{path}: another tabulation holds it; wait, or remove {lock.name} if none is running"
        ) from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
