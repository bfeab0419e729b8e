"""What a private pack cost: every question that was asked of the records, and its price.

A pack of tables with differential privacy carries its ledger as ``ledger.json`` beside
``datapackage.json``, which names its hash.  The types here only say what was claimed;
whoever wants to believe it adds the entries up again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from synthgen.errors import StatisticsError
from synthgen.schema.documents import (
    Json,
    mapping_at,
    number_at,
    objects_at,
    one_line,
    read_document,
    text_at,
    texts_at,
)
from synthgen.schema.formats import breach, format_schema

FORMAT = "ledger/1"
LEDGER = "ledger.json"

STEPS = ("count", "select", "measure")
MECHANISMS = ("discrete_gaussian", "exponential")


@dataclass(frozen=True)
class LedgerEntry:
    """One question asked of the records.

    Parameters
    ----------
    step : {"count", "select", "measure"}
    of : str
        Table or variables it is of, as ``"sex,entity"``; ``""`` for all.
    mechanism : {"discrete_gaussian", "exponential"}
        The exponential mechanism is drawn as the noisy maximum with Gumbel noise.
    sensitivity : float
        Of one unit after its rows were bounded: in L2 for Gaussian noise [counts], the
        largest change of one score (L-infinity, not the range of two) for the exponential
        mechanism.
    scale : float
        Sigma of the Gaussian noise [counts], or scale of the Gumbel noise.
    rho : float
        Cost in zero-concentrated differential privacy: for both mechanisms
        ``(sensitivity / scale) ** 2 / 2``.
    """

    step: str
    of: str
    mechanism: str
    sensitivity: float
    scale: float
    rho: float


@dataclass(frozen=True)
class Ledger:
    """The claim of a private pack and the entries it rests on.

    Parameters
    ----------
    format : str
        ``"ledger/1"``.
    unit : str
        Whose contribution is protected: ``"patient"``.
    neighbours : str
        Which data sets are neighbours: ``"add or remove one patient"``.
    rows_per_unit : mapping of str to int
        Table to the rows of one unit that were kept.
    epsilon, delta : float
        The claim.
    rho : float
        Sum over the entries; at most the rho that the claim allows.
    accounting : str
        Theorem and DOI by which rho becomes epsilon at delta.
    public : tuple of str
        What was taken as public knowledge: domains, bins, plan, a prior pack with its hash.
    noise : str
        Library that drew the noise, with its version.
    entries : tuple of LedgerEntry
    """

    format: str
    unit: str
    neighbours: str
    rows_per_unit: Mapping[str, int]
    epsilon: float
    delta: float
    rho: float
    accounting: str
    public: tuple[str, ...]
    noise: str
    entries: tuple[LedgerEntry, ...]


def _most_entries() -> int:
    entries = mapping_at(mapping_at(format_schema(FORMAT), "properties"), "entries")
    return int(number_at(entries, "maxItems") or 0)


def ledger_json(ledger: Ledger) -> str:
    """Text of ``ledger.json``: the same ledger gives the same bytes.

    Parameters
    ----------
    ledger : Ledger
    """
    document = asdict(ledger)
    document["rows_per_unit"] = dict(ledger.rows_per_unit)
    entries = document.pop("entries")
    head = json.dumps(document, ensure_ascii=False, indent=1)
    rows = ",\n".join(f"  {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    return f'{head[:-2]},\n "entries": [\n{rows}\n ]\n}}\n'


def ledger_hash(text: str) -> str:
    """SHA-256 of a ledger's text, as the pack's descriptor states it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def ledger_of(document: Mapping[str, Json], where: str) -> Ledger:
    """Ledger in a JSON object, valid under the format's JSON Schema.

    It is not added up here: whether the claim holds is for the evaluation to say.

    Raises
    ------
    StatisticsError
        If it is of another format or breaks the schema; one line.
    """
    stated = document.get("format")
    if stated != FORMAT:
        raise StatisticsError(
            f"{where}: format is {one_line(stated, 30)}; this version reads {FORMAT}"
        )
    most = _most_entries()
    entries = document.get("entries")
    if isinstance(entries, list) and len(entries) > most:  # not looked at one by one
        raise StatisticsError(f"{where}: entries: {len(entries):,} of them; at most {most:,}")
    problem = breach(document, FORMAT, "the ledger")
    if problem:
        raise StatisticsError(f"{where}: {problem}")
    rows = mapping_at(document, "rows_per_unit")
    return Ledger(
        format=FORMAT,
        unit=text_at(document, "unit"),
        neighbours=text_at(document, "neighbours"),
        rows_per_unit={name: int(number_at(rows, name) or 0) for name in rows},
        epsilon=_number(document, "epsilon", where),
        delta=_number(document, "delta", where),
        rho=_number(document, "rho", where),
        accounting=text_at(document, "accounting"),
        public=texts_at(document, "public"),
        noise=text_at(document, "noise"),
        entries=tuple(
            LedgerEntry(
                text_at(entry, "step"),
                text_at(entry, "of"),
                text_at(entry, "mechanism"),
                _number(entry, "sensitivity", where),
                _number(entry, "scale", where),
                _number(entry, "rho", where),
            )
            for entry in objects_at(document, "entries")
        ),
    )


def _number(document: Mapping[str, Json], key: str, where: str) -> float:
    number = number_at(document, key)
    if number is None or not math.isfinite(number):
        raise StatisticsError(f"{where}: {key} is no number; it must be a finite one")
    return number


def read_ledger(path: Path, *, sha256: str = "") -> Ledger:
    """Ledger in a file.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        Hash that the pack's descriptor states.

    Raises
    ------
    StatisticsError
        If the file is missing, hostile, breaks its format, or is not the one that the pack
        was written with.
    """
    document = read_document(path, StatisticsError)
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise StatisticsError(
            f"{path}: was changed after the pack was written; its hash must be {sha256[:12]}..."
        )
    return ledger_of(document, str(path))
