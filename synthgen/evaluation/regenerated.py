"""Whether a cohort is what it says it is: drawn from its model, with its seed and settings.

The hash of a model in a manifest says nothing about the rows that stand beside it: anybody can
write both.  So the rows are made again and compared with those that are evaluated, and the
documents beside them with those that the generator writes.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.asked_schema import asked_schema
from synthgen.cohort.cards import write_cards
from synthgen.cohort.follow_up import FollowUpRule
from synthgen.cohort.generate import block_tables, manifest_of
from synthgen.cohort.hashes import content_hashes, joined_hash, table_hash
from synthgen.cohort.population import REGION
from synthgen.cohort.replicates import design_for, replicate_model
from synthgen.cohort.settings import Settings, requested
from synthgen.cohort.write import FORMATS
from synthgen.errors import SynthgenError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.cohort.fitted_model import FittedModel

#: Why a cohort's word is not taken: catalogue keys.
NO_MODEL = "claim.doubt.no_model"
NO_SETTINGS = "claim.doubt.no_settings"
OTHER_VERSIONS = "claim.doubt.other_versions"
OTHER_ROWS = "claim.doubt.other_rows"
OTHER_DOCUMENTS = "claim.doubt.other_documents"

REPORT = "report.html"
#: What may stand beside the documents that are made again.
TABLES = tuple(f".{form}" for form in FORMATS)

Redraw = Callable[[str, "FittedModel", Settings, Path], None]
"""``redraw(language, model, settings, folder)`` writes the report of a cohort."""


def doubt_of(
    folder: Path,
    manifest: Mapping[str, Any],
    model: FittedModel | None,
    tables: Mapping[str, pd.DataFrame],
    redraw: Redraw | None = None,
) -> str:
    """Why it is not believed that a cohort was drawn from a model; empty if it was.

    Parameters
    ----------
    folder : Path
    manifest : mapping
        Of the cohort, its files already compared with it.
    model : FittedModel or None
        The one that the manifest names.
    tables : mapping of str to DataFrame
        As they were read and are evaluated.
    redraw : callable, optional
        Writes the report of a cohort; without it a cohort with a report is doubted.

    Returns
    -------
    str
        Catalogue key.  Rows are made block by block, so that memory holds one block.
    """
    if model is None:
        return NO_MODEL
    try:
        drawn, settings = _request(model, manifest)
    except (SynthgenError, KeyError, TypeError, ValueError, AttributeError):
        return NO_SETTINGS
    again = manifest_of(drawn, settings)
    wanted = {**again, "model": {"id": model.id, "sha256": model.sha256}}
    if any(manifest.get(name) != wanted[name] for name in wanted if name != "versions"):
        return NO_SETTINGS
    schema = asked_schema(model.schema, settings)
    made = _hashes(drawn, settings)
    if content_hashes(schema, tables) != made:
        same = manifest.get("versions") == again["versions"]
        return OTHER_ROWS if same else OTHER_VERSIONS
    described = again | {"versions": manifest["versions"], "tables": made}
    return "" if _are_documents(folder, described, drawn, settings, redraw) else OTHER_DOCUMENTS


def _request(model: FittedModel, manifest: Mapping[str, Any]) -> tuple[FittedModel, Settings]:
    """Model that was sampled and settings, as a manifest has them."""
    said = manifest["settings"]
    residents = said.get("population")
    where = {str(name): tuple(codes) for name, codes in said["where"].items()}
    options: dict[str, Any] = {
        "seed": said["seed"],
        "where": where,
        "follow_up": FollowUpRule(said["cut_off"], said["lost_per_year"]),
        "further_tumours": said["further_tumours_per_year"],
        "names": said.get("names", ""),
        "clinical": said.get("clinical", ""),
    }
    if residents is None:
        settings = requested(model, said["n"], None, **options)
    else:
        region = residents["region"] or ""
        if region:
            where.pop(REGION)
        settings = requested(
            model,
            None,
            residents["years"],
            region,
            age_adjusted=residents["age_adjusted"],
            trend=residents["trend"],
            **options,
        )
    replicate = manifest.get("replicate")
    if replicate is None:
        return model, settings
    number, count = replicate["number"], replicate["of"]
    if not 1 <= number <= count:
        raise UsageError(f"replicate: is {number} of {count}")
    redrawn = replicate_model(model, design_for(model), settings.seed, number)
    return redrawn, settings.of_replicate(redrawn, number, count)


def _hashes(model: FittedModel, settings: Settings) -> dict[str, dict[str, Any]]:
    """Content hashes of the tables of a cohort that is made again."""
    schema, distribution = asked_schema(model.schema, settings), settings.distribution(model)
    parts: dict[str, list[dict[str, Any]]] = {table.name: [] for table in schema.tables}
    for block in range(len(settings.blocks)):
        for name, frame in block_tables(model, settings, block, distribution).items():
            parts[name].append(table_hash(frame, schema.table(name)))
    return {name: joined_hash(part) for name, part in parts.items()}


def _are_documents(
    folder: Path,
    manifest: dict[str, Any],
    model: FittedModel,
    settings: Settings,
    redraw: Redraw | None,
) -> bool:
    """Whether every document is, byte for byte, what the generator writes."""
    beside = {path.name for path in folder.iterdir()}
    documents = {n for n in beside if not n.endswith(TABLES)} - {"manifest.json"}
    formats = tuple(f for f in FORMATS if any(name.endswith(f".{f}") for name in beside))
    with tempfile.TemporaryDirectory(prefix="synthgen-again-") as name:
        again = Path(name)
        for path in folder.iterdir():
            if path.suffix in (".csv", ".parquet"):  # the descriptors hash them
                _put(path, again / path.name)
        write_cards(model, settings, manifest, again, formats)
        if REPORT in documents:
            if redraw is None:
                return False
            redraw(_language(folder / REPORT), model, settings, again)
        return all(
            (again / name).is_file() and (again / name).read_bytes() == (folder / name).read_bytes()
            for name in documents
        )


def _put(path: Path, where: Path) -> None:
    try:
        where.symlink_to(path.resolve())
    except OSError:  # a system that lets not everybody make links
        shutil.copyfile(path, where)


def _language(report: Path) -> str:
    """Language that a report opens in."""
    with report.open(encoding="utf-8", errors="replace") as file:
        found = re.search(r'<html lang="(ko|en)"', file.read(2000))
    return found[1] if found else "en"
