"""Concept ids of codes from a vocabulary that the user has downloaded from Athena."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from synthgen.errors import UsageError
from synthgen.resources import data_root
from synthgen.schema.documents import one_line
from synthgen.schema.rules.sql import literal
from synthgen.schema.validation.database import locked_database

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
            head = opened.readline(2**16).decode("utf-8-sig", errors="replace").strip().split("\t")
        missing = [column for column in columns if column not in head]
        if missing:
            raise UsageError(
                f"option athena: {name} has no column {missing[0]}; Athena separates columns by tabs"
            )


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
        If a file or a column is missing, the vocabulary ICDO3 is not in it, or it is no
        release of version 5.
    """
    import duckdb

    _check(folder)
    paths = {name: (folder / name).resolve() for name in FILES}

    def table(name: str) -> str:
        columns = ", ".join(FILES[name])
        form = "header=true, delim='\\t', quote='', all_varchar=true"
        source = f"read_csv({literal(str(paths[name]))}, {form})"
        return f"(SELECT {columns} FROM {source})"  # noqa: S608 - quoted

    wanted = ", ".join(literal(name) for name in VOCABULARIES)
    own = f"SELECT * FROM {table('CONCEPT.csv')} WHERE vocabulary_id IN ({wanted})"  # noqa: S608
    maps = (
        "SELECT concept_id_1, min(TRY_CAST(concept_id_2 AS BIGINT)) AS target "  # noqa: S608
        f"FROM {table('CONCEPT_RELATIONSHIP.csv')} WHERE relationship_id = 'Maps to' "
        "GROUP BY concept_id_1"
    )
    query = (
        "SELECT o.vocabulary_id, o.concept_code, min(CASE WHEN o.standard_concept = 'S' "  # noqa: S608
        "THEN CAST(o.concept_id AS BIGINT) ELSE coalesce(m.target, 0) END), "
        f"min(CAST(o.concept_id AS BIGINT)) FROM ({own}) o LEFT JOIN ({maps}) m "
        "ON m.concept_id_1 = o.concept_id GROUP BY ALL ORDER BY ALL"
    )
    release = (
        f"SELECT vocabulary_version FROM {table('VOCABULARY.csv')} WHERE vocabulary_id = 'None'"  # noqa: S608
    )
    try:
        with locked_database(scratch, list(paths.values())) as db:
            version = db.execute(release).fetchone()
            found = db.execute(query).fetchall()
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise UsageError(f"option athena: {folder} cannot be read as an Athena download") from error
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
