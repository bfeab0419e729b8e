"""Writing cohorts block by block: CSV, Parquet and a DuckDB file, whole or not at all.

Each block is made and written by one worker; the parts are then joined in order by one
thread.  The bytes of CSV and Parquet depend on the model, the seed and the versions, and
not on the number of workers; memory holds a few blocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from synthgen.cohort.asked_schema import asked_schema
from synthgen.cohort.cards import write_cards
from synthgen.cohort.database import connect, copied, inserted, parquet_files, typed_columns
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.generate import block_tables, manifest_of
from synthgen.cohort.hashes import file_hashes, joined_hash, table_hash
from synthgen.cohort.settings import Settings
from synthgen.cohort.workers import in_order
from synthgen.errors import UsageError
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.outputs import output_folder
from synthgen.schema.ddl import to_ddl
from synthgen.schema.model import Schema

FORMATS = ("csv", "parquet", "duckdb")
DATABASE = "cohort.duckdb"
#: How DuckDB writes the files.
PARQUET = "FORMAT parquet, COMPRESSION zstd"
CSV = "FORMAT csv, HEADER"


def write_block(
    model: FittedModel,
    settings: Settings,
    block: int,
    folder: Path,
    distribution: Distribution | Mixture | None = None,
) -> dict[str, dict[str, Any]]:
    """Write one block as Parquet parts, ``<folder>/<table>/<block>.parquet``.

    Public, so that any scheduler can make blocks anywhere; the parts of a cohort are
    joined by name.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    block : int
        Number of the block, from 0.
    folder : Path
    distribution : Distribution or Mixture, optional
        The model conditioned on ``settings.where``.

    Returns
    -------
    dict
        Rows and content hash of the block's part of each table; those of its parts in order
        give the table's own.
    """
    described: dict[str, dict[str, Any]] = {}
    schema = asked_schema(model.schema, settings)
    with connect() as db:
        for name, frame in block_tables(model, settings, block, distribution).items():
            part = folder / name
            part.mkdir(parents=True, exist_ok=True)
            path = part / f"{block:08d}.parquet"
            db.register("frame", frame)
            columns = typed_columns(schema.table(name))
            db.execute(copied("frame", path, PARQUET, columns))
            db.unregister("frame")
            described[name] = table_hash(frame, schema.table(name))
    return described


_worker: list[Any] = []


def _start_worker(model: FittedModel, settings: Settings, folder: Path) -> None:
    _worker[:] = [model, settings, folder, settings.distribution(model)]


def _work(block: int) -> tuple[int, dict[str, dict[str, Any]]]:
    model, settings, folder, distribution = _worker
    return block, write_block(model, settings, block, folder, distribution)


def _parts(
    model: FittedModel, settings: Settings, folder: Path, jobs: int
) -> Generator[tuple[int, dict[str, dict[str, Any]]], None, None]:
    """Write all parts, yielding each block with what :func:`write_block` says of it."""
    blocks = range(len(settings.blocks))
    if jobs == 1 or len(blocks) == 1:
        distribution = settings.distribution(model)
        for block in blocks:
            yield block, write_block(model, settings, block, folder, distribution)
        return
    workers = min(jobs, len(blocks))
    yield from in_order(_work, blocks, workers, _start_worker, (model, settings, folder))


def write_cohort(
    model: FittedModel,
    settings: Settings,
    folder: Path,
    *,
    formats: Sequence[str] = ("csv", "parquet"),
    jobs: int = 1,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    finish: Callable[[Path], None] | None = None,
) -> dict[str, Any]:
    """Generate a cohort into a folder that appears whole or not at all.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    folder : Path
        Where the cohort will stand.
    formats : sequence of {"csv", "parquet", "duckdb"}
    jobs : int
        Worker processes; the data files do not depend on it.
    force : bool
        Replace what stands at ``folder``.
    progress : callable, optional
        Called with the number of patients written so far.
    finish : callable, optional
        Called with the folder before it is renamed, to add to it (a report).

    Returns
    -------
    dict
        The manifest, as written to ``manifest.json``.

    Raises
    ------
    UsageError
        If a format is unknown, ``jobs`` below 1, or the folder exists.
    OutputError
        If the disk is full or writing is not permitted.
    """
    require_formats(formats)
    if jobs < 1:
        raise UsageError(f"jobs: is {jobs}; it must be 1 or more")
    with output_folder(folder, force=force) as beside:
        parts = beside / "parts"
        parts.mkdir()
        written = 0
        described: list[dict[str, dict[str, Any]]] = []
        with closing(_parts(model, settings, parts, jobs)) as made:
            for block, of_block in made:
                written += settings.blocks[block]
                described.append(of_block)
                if progress is not None:
                    progress(written)
        join_parts(asked_schema(model.schema, settings), parts, beside, formats)
        manifest = manifest_of(model, settings)
        manifest["tables"] = {
            table.name: joined_hash([of_block[table.name] for of_block in described])
            for table in asked_schema(model.schema, settings).tables
        }
        write_cards(model, settings, manifest, beside, formats)
        if finish is not None:
            finish(beside)
        manifest["files"] = file_hashes(beside, skip=(DATABASE,))
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (beside / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return manifest


def require_formats(formats: Sequence[str]) -> None:
    """Refuse formats that are not written.

    Raises
    ------
    UsageError
        If one is unknown, or there is none.
    """
    unknown = [f for f in formats if f not in FORMATS]
    if unknown or not formats:
        raise UsageError(f"format {', '.join(unknown) or '(none)'}: choose of {', '.join(FORMATS)}")


def join_parts(schema: Schema, parts: Path, folder: Path, formats: Sequence[str]) -> None:
    """Join the parts of each table in order, into every format, and remove them.

    Parameters
    ----------
    schema : Schema
    parts : Path
        Folder with a folder of Parquet files for each table.
    folder : Path
        Where the files of the cohort go.
    formats : sequence of {"csv", "parquet", "duckdb"}
    """
    with connect() as db:
        for table in schema.tables:
            source = parquet_files(sorted((parts / table.name).glob("*.parquet")))
            if "parquet" in formats:
                db.execute(copied(source, folder / f"{table.name}.parquet", PARQUET))
            if "csv" in formats:
                db.execute(copied(source, folder / f"{table.name}.csv", CSV))
    if "duckdb" in formats:
        with connect(folder / DATABASE) as db:
            db.execute(to_ddl(schema))
            for table in schema.tables:
                source = parquet_files(sorted((parts / table.name).glob("*.parquet")))
                db.execute(inserted(source, table.name))
    for path in sorted(parts.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    parts.rmdir()
