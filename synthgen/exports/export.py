"""From a cohort folder to a folder in the format of a target."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synthgen import __version__
from synthgen.errors import ContractError, OutputError, UsageError
from synthgen.exports.cohort_tables import CohortTables, open_cohort
from synthgen.exports.targets import Target, targets
from synthgen.outputs import output_folder

NOTICE = "SYNTHETIC_DATA_NOTICE.txt"


def target_named(name: str) -> Target:
    """A target by its id.

    Raises
    ------
    UsageError
        If there is none; the nearest ids are offered.
    """
    known = targets()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    said = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise UsageError(f"target {name}: is not known; {said}")


def export_cohort(
    cohort: Path,
    target: str,
    destination: Path,
    *,
    options: Mapping[str, str] | None = None,
    force: bool = False,
    own_schema: str = "",
) -> dict[str, Any]:
    """Write a cohort in the format of a target.

    Parameters
    ----------
    cohort : Path
        Folder of a cohort, with ``manifest.json`` and its tables as CSV, Parquet or DuckDB.
    target : str
        Id of the target (``"encr-jrc"``).
    destination : Path
        Folder that appears whole or not at all.
    options : mapping of str to str, optional
        Of the target.
    force : bool
        Replace what stands at ``destination``.
    own_schema : str
        Folder of the cohort's schema, if it is not a shipped one.

    Returns
    -------
    dict
        What ``export.json`` holds: target, source, options, rows and SHA-256 of each file.

    Raises
    ------
    UsageError
        If the target or an option is unknown, or the folder exists.
    ContractError
        If ``cohort`` is no cohort, or its schema is not the one of the mapping.
    SchemaError
        If its schema is not known, or ``own_schema`` is another one.
    OutputError
        If the disk is full or writing is not permitted.
    """
    found = target_named(target)
    given = dict(options or {})
    if found.options:
        unknown = sorted(set(given) - set(found.options))
        if unknown:
            raise UsageError(
                f"{target}: has no option {unknown[0]}; it has: {', '.join(found.options)}"
            )
    with output_folder(destination, force=force) as beside:
        files = [beside / name for name in found.files_of(given)]
        with open_cohort(cohort, files, own_schema) as tables:
            _demand_schema(found, tables)
            with _written(destination, beside):
                rows = found.write(tables, beside, given)
            manifest = dict(tables.manifest)
        made = {
            "format": "exported/1",
            "synthetic": True,
            "target": found.id,
            "options": {**found.options, **given},
            "cohort": {key: manifest.get(key) for key in ("origin", "model", "schema", "settings")},
            "versions": {"synthgen": __version__},
            "rows": rows,
            "files": {
                path.name: {
                    "bytes": path.stat().st_size,
                    "sha256": _sha256(path),
                }
                for path in sorted(beside.iterdir())
            },
        }
        text = json.dumps(made, ensure_ascii=False, indent=1)
        (beside / "export.json").write_text(text + "\n", encoding="utf-8")
        notice = cohort / NOTICE
        if notice.is_file():
            (beside / NOTICE).write_bytes(notice.read_bytes())
    return made


@contextlib.contextmanager
def _written(destination: Path, beside: Path) -> Iterator[None]:
    """Say that the destination cannot be written, where it is that and no temporary folder."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.TransactionException) as error:
        if str(beside) not in str(error):
            raise
        raise OutputError(f"{destination}: cannot be written; is the disk full?") from error
    except OSError as error:  # what DuckDB spills raises no such error
        raise OutputError(f"{destination}: cannot be written: {error.strerror}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _demand_schema(target: Target, tables: CohortTables) -> None:
    wanted = target.mapping.schema if target.mapping is not None else target.schema
    if wanted and tables.schema.id != wanted:
        raise ContractError(
            f"{target.id}: maps schema {wanted}; the cohort speaks {tables.schema.id}"
        )
