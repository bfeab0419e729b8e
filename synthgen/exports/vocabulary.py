"""Concept ids of ICD-O-3 codes from a vocabulary that the user has downloaded from Athena."""

from __future__ import annotations

from pathlib import Path

from synthgen.errors import UsageError
from synthgen.schema.rules.sql import literal
from synthgen.schema.validation.database import locked_database

FILES = {
    "CONCEPT.csv": ("concept_id", "vocabulary_id", "standard_concept", "concept_code"),
    "CONCEPT_RELATIONSHIP.csv": ("concept_id_1", "concept_id_2", "relationship_id"),
}
"""Files of an Athena download that are read, with the columns that are needed."""

VOCABULARY = "ICDO3"


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
            head = opened.readline(2**16).decode("utf-8", errors="replace").strip().split("\t")
        missing = [column for column in columns if column not in head]
        if missing:
            raise UsageError(
                f"option athena: {name} has no column {missing[0]}; Athena separates columns by tabs"
            )


def read_concepts(folder: Path, scratch: Path) -> list[tuple[str, int, int]]:
    """Codes of ICD-O-3 with their standard and their own concept ids.

    Parameters
    ----------
    folder : Path
        Where the download was unpacked.
    scratch : Path
        An empty folder.

    Returns
    -------
    list of (str, int, int)
        Code (``"8140/3-C61.9"``), standard concept (0 if none), source concept.

    Raises
    ------
    UsageError
        If a file or a column is missing, or the vocabulary ICDO3 is not in it.
    """
    import duckdb

    _check(folder)
    paths = {name: (folder / name).resolve() for name in FILES}

    def table(name: str) -> str:
        columns = ", ".join(FILES[name])
        form = "header=true, delim='\\t', quote='', all_varchar=true"
        source = f"read_csv({literal(str(paths[name]))}, {form})"
        return f"(SELECT {columns} FROM {source})"  # noqa: S608 - quoted

    own = f"SELECT * FROM {table('CONCEPT.csv')} WHERE vocabulary_id = {literal(VOCABULARY)}"  # noqa: S608
    maps = (
        "SELECT concept_id_1, min(TRY_CAST(concept_id_2 AS BIGINT)) AS target "  # noqa: S608
        f"FROM {table('CONCEPT_RELATIONSHIP.csv')} WHERE relationship_id = 'Maps to' "
        "GROUP BY concept_id_1"
    )
    query = (
        "SELECT o.concept_code, CASE WHEN o.standard_concept = 'S' "  # noqa: S608
        "THEN CAST(o.concept_id AS BIGINT) ELSE coalesce(m.target, 0) END, "
        f"CAST(o.concept_id AS BIGINT) FROM ({own}) o LEFT JOIN ({maps}) m "
        "ON m.concept_id_1 = o.concept_id ORDER BY o.concept_code"
    )
    try:
        with locked_database(scratch, list(paths.values())) as db:
            found = db.execute(query).fetchall()
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise UsageError(f"option athena: {folder} cannot be read as an Athena download") from error
    if not found:
        raise UsageError(
            f"option athena: {folder} holds no codes of {VOCABULARY}; tick that vocabulary in Athena"
        )
    return [(str(code), int(standard), int(source)) for code, standard, source in found]
