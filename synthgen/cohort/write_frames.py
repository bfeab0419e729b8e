"""Writing rows that no model of ours makes: the same files, and a manifest that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.cards import write_cards
from synthgen.cohort.database import connect, copied, typed_columns
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.generate import manifest_of
from synthgen.cohort.hashes import content_hashes, file_hashes
from synthgen.cohort.settings import Settings
from synthgen.cohort.write import DATABASE, PARQUET, join_parts, require_formats
from synthgen.outputs import output_folder

if TYPE_CHECKING:
    import pandas as pd


def write_frames(
    model: FittedModel,
    settings: Settings,
    tables: Mapping[str, pd.DataFrame],
    folder: Path,
    *,
    engine: Mapping[str, Any],
    formats: Sequence[str] = ("csv", "parquet"),
    force: bool = False,
) -> dict[str, Any]:
    """Write tables as a cohort, into a folder that appears whole or not at all.

    Parameters
    ----------
    model : FittedModel
        Schema, pack and terms of the rows; it is not saved anywhere.
    settings : Settings
    tables : mapping of str to DataFrame
        Every table of the schema.
    folder : Path
        Where the cohort will stand.
    engine : mapping of str to plain JSON values
        How they were made; ``name`` is the engine's.
    formats : sequence of {"csv", "parquet", "duckdb"}
    force : bool
        Replace what stands at ``folder``.

    Returns
    -------
    dict
        The manifest, as written to ``manifest.json``.

    Raises
    ------
    UsageError
        If a format is unknown, or the folder exists.
    OutputError
        If the disk is full or writing is not permitted.
    """
    require_formats(formats)
    with output_folder(folder, force=force) as beside:
        parts = beside / "parts"
        with connect() as db:
            for table in model.schema.tables:
                (parts / table.name).mkdir(parents=True)
                db.register("frame", tables[table.name])
                path = parts / table.name / "00000000.parquet"
                db.execute(copied("frame", path, PARQUET, typed_columns(table)))
                db.unregister("frame")
        join_parts(model.schema, parts, beside, formats)
        manifest = manifest_of(model, settings)
        manifest["model"] = {"id": str(engine["name"]), "sha256": "", "saved": False}
        manifest["engine"] = dict(engine)
        manifest["tables"] = content_hashes(model.schema, tables)
        write_cards(model, settings, manifest, beside, formats)
        manifest["files"] = file_hashes(beside, skip=(DATABASE,))
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (beside / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return manifest
