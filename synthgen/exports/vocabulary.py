"""Concept ids of codes from a vocabulary that the user has downloaded from Athena."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.errors import UsageError
from synthgen.resources import data_root
from synthgen.schema.documents import one_line
from synthgen.schema.rules.sql import literal
from synthgen.schema.validation.database import locked_database

if TYPE_CHECKING:
    import duckdb

FILES = {
    "CONCEPT.csv": ("concept_id", "vocabulary_id", "standard_concept", "concept_code"),
    "CONCEPT_RELATIONSHIP.csv": ("concept_id_1", "concept_id_2", "relationship_id"),
    "VOCABULARY.csv": ("vocabulary_id", "vocabulary_version"),
}
"""Files of an Athena download that are read, with the columns that are needed."""

NEEDED = "ICDO3"
VOCABULARIES = (NEEDED, "ATC", "LOINC", "ICD9Proc", "ICD10", "UCUM")
"""Vocabularies whose codes the cohort holds; all but the first may be missing."""

VERSION = re.compile(r"v5\.\d+ \d{1,2}-[A-Z]{3}-\d{2}")
"""How Athena names a release: ``"v5.0 29-FEB-24"``."""


@dataclass(frozen=True)
class Vocabulary:
    """What of a download is used.

    Parameters
    ----------
    version : str
        Of the release (``"v5.0 29-FEB-24"``).
    concepts : sequence of (str, str, int, int)
        Vocabulary, code (``"8140/3-C61.9"``), standard concept (0 if none), source concept;
        each code of a vocabulary once.
    """

    version: str
    concepts: Sequence[tuple[str, str, int, int]]


@dataclass(frozen=True)
class ListedConcept:
    """A concept of the shipped list, ``schemas/exports/omop-concepts.csv``.

    Parameters
    ----------
    concept : int
    vocabulary, code : str
        What it is in OMOP's vocabularies; ``""`` where the list does not say.
    ours : str
        The code of cohorts, where it is written otherwise (``"U/L"`` for ``"[U]/L"``).
    """

    concept: int
    vocabulary: str
    code: str
    ours: str


@cache
def listed_concepts() -> tuple[ListedConcept, ...]:
    """The shipped list; each row has the published OHDSI source where it was seen."""
    path = data_root() / "schemas/exports/omop-concepts.csv"
    with path.open(encoding="utf-8", newline="") as opened:
        return tuple(
            ListedConcept(int(r["concept_id"]), r["vocabulary"], r["code"], r["our_code"])
            for r in csv.DictReader(opened)
        )


def known_concepts(vocabulary: Vocabulary | None) -> list[tuple[str, str, int, int]]:
    """Codes with their standard and their own concept ids.

    Parameters
    ----------
    vocabulary : Vocabulary or None
        A download; without one, the codes of the shipped list.

    Returns
    -------
    list of (str, str, int, int)
        As :attr:`Vocabulary.concepts`, with the codes of cohorts that the vocabulary writes
        otherwise.
    """
    listed = [entry for entry in listed_concepts() if entry.code]
    if vocabulary is None:
        return [(e.vocabulary, e.ours or e.code, e.concept, e.concept) for e in listed]
    there = {(name, code): (standard, own) for name, code, standard, own in vocabulary.concepts}
    also = [
        (e.vocabulary, e.ours, *there[e.vocabulary, e.code])
        for e in listed
        if e.ours and (e.vocabulary, e.code) in there and (e.vocabulary, e.ours) not in there
    ]
    return [*vocabulary.concepts, *also]


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"option athena: {folder} is no folder; it must be an Athena download")
    for name, columns in FILES.items():
        path = folder / name
        if not path.is_file():
            raise UsageError(
                f"option athena: {folder} holds no {name}; it must hold {', '.join(FILES)}"
            )
        with path.open("rb") as opened:
            line = opened.readline(2**16)
        if b"\0" in line:
            raise UsageError(f"option athena: {name} is no UTF-8 text, which Athena writes")
        head = line.decode("utf-8-sig", errors="replace").strip().split("\t")
        missing = [column for column in columns if column not in head]
        if missing:
            raise UsageError(
                f"option athena: {name} has no column {missing[0]}; Athena separates columns by tabs"
            )


_CODES = """
SELECT vocabulary_id, concept_code,
       min(CASE WHEN standard_concept = 'S' THEN CAST(concept_id AS BIGINT)
                ELSE coalesce(target, 0) END),
       min(CAST(concept_id AS BIGINT))
FROM "CONCEPT.csv"
LEFT JOIN (SELECT concept_id_1, min(TRY_CAST(concept_id_2 AS BIGINT)) AS target
           FROM "CONCEPT_RELATIONSHIP.csv" GROUP BY concept_id_1) ON concept_id_1 = concept_id
GROUP BY ALL ORDER BY ALL"""
"""Each code with its standard and its own concept."""


def _load(db: duckdb.DuckDBPyConnection, folder: Path, name: str, only: str) -> None:
    """Read the rows of a file that are needed into a table of its name.

    Raises
    ------
    UsageError
        If a line has not as many columns as the first, or is no text.
    """
    import duckdb

    form = "header=true, delim='\\t', quote='', all_varchar=true"
    source = f"read_csv({literal(str((folder / name).resolve()))}, {form})"
    rows = f"SELECT {', '.join(FILES[name])} FROM {source} WHERE {only}"  # noqa: S608 - quoted
    try:
        db.execute(f'CREATE TABLE "{name}" AS {rows}')
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        line = re.search(r"Line: (\d+)", str(error))
        where = f" in line {int(line[1]):,}" if line else ""
        raise UsageError(
            f"option athena: {name}: cannot be read{where}; it is damaged or cut off, unpack the "
            "download again"
        ) from error


def read_vocabulary(folder: Path, scratch: Path) -> Vocabulary:
    """Codes with their standard and their own concept ids.

    Parameters
    ----------
    folder : Path
        Where the download was unpacked.
    scratch : Path
        An empty folder.

    Returns
    -------
    Vocabulary

    Raises
    ------
    UsageError
        If a file or a column is missing or cannot be read, the vocabulary ICDO3 is not in it, or it is no
        release of version 5.
    """
    _check(folder)
    wanted = ", ".join(literal(name) for name in VOCABULARIES)
    with locked_database(scratch, [(folder / name).resolve() for name in FILES]) as db:
        _load(db, folder, "VOCABULARY.csv", "vocabulary_id = 'None'")
        _load(db, folder, "CONCEPT.csv", f"vocabulary_id IN ({wanted})")
        ours = 'concept_id_1 IN (SELECT concept_id FROM "CONCEPT.csv")'
        maps = f"relationship_id = 'Maps to' AND {ours}"
        _load(db, folder, "CONCEPT_RELATIONSHIP.csv", maps)
        wrong = 'SELECT count(*) FROM "CONCEPT.csv" WHERE TRY_CAST(concept_id AS BIGINT) IS NULL'
        (strays,) = db.execute(wrong).fetchone() or (0,)
        if strays:
            raise UsageError(
                f"option athena: CONCEPT.csv: holds concept ids that are no numbers ({strays:,} such)"
            )
        version = db.execute('SELECT vocabulary_version FROM "VOCABULARY.csv"').fetchone()
        found = db.execute(_CODES).fetchall()
    said = str(version[0]) if version else "none"
    if not VERSION.fullmatch(said):
        raise UsageError(
            f"option athena: VOCABULARY.csv names release {one_line(said, 40)}; it must be one of "
            "version 5 (v5.0 29-FEB-24)"
        )
    if not any(name == NEEDED for name, *_ in found):
        raise UsageError(
            f"option athena: {folder} holds no codes of {NEEDED}; tick that vocabulary in Athena"
        )
    return Vocabulary(said, [(str(v), str(c), int(s), int(o)) for v, c, s, o in found])
