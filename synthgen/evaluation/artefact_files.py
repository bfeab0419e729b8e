"""Nothing in the folder of a pack or a model goes by unread: all of it is released.

Whoever keeps a working file beside a pack (the records themselves, a note with names) would
find it in the bundle of an evaluation that passed, because no measure looks at a file that the
reader of packs does not open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthgen.cohort.artefact import PRIOR
from synthgen.cohort.artefact import SOURCES as MODEL_SOURCES
from synthgen.errors import ModelError, StatisticsError, SynthgenError
from synthgen.schema.documents import one_line, read_document
from synthgen.schema.load import DATASET, LISTS, RULES, VARIABLES
from synthgen.schema.published import SUMS
from synthgen.statistics.descriptor import DESCRIPTOR, SCHEMA, TABLES
from synthgen.statistics.ledger import LEDGER
from synthgen.statistics.locate import STATISTICS
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.write import SOURCES

#: Files of a model beside its packs.
OF_MODEL = frozenset(
    {"model.json", "arrays.npz", "MODEL_CARD.md", "MODEL_CARD.ko.md", MODEL_SOURCES}
)
#: Keys of ``model.json`` that are read, or made of what is read.
MODEL_KEYS = frozenset(
    {"format", "id", "schema", "origin", "pack", "residual_standard_errors", "variables"}
    | {"distribution", "gaps", "prior", "copula", "engine", "files", "sha256"}
)
#: Keys of a Data Package that say what a pack is; ours are held by the schema of its format.
PACKAGE_KEYS = frozenset(
    {"$schema", "name", "id", "version", "title", "description", "licenses", "homepage"}
    | {"created", "keywords", "resources", "x-synthgen"}
)
RESOURCE_KEYS = frozenset(
    {"$schema", "name", "path", "type", "title", "description", "format", "mediatype", "encoding"}
    | {"profile", "schema", "x-synthgen"}
)
FIELDS_KEYS = frozenset({"$schema", "fields", "missingValues", "primaryKey"})
FIELD_KEYS = frozenset({"name", "type", "format", "title", "description", "constraints"})


def require_pack_read(folder: Path, pack: StatisticsPack) -> None:
    """Refuse a pack whose folder or descriptor holds what nobody reads.

    Parameters
    ----------
    folder : Path
    pack : StatisticsPack
        As it was read from there.

    Raises
    ------
    StatisticsError
        Naming the first file or key.
    """
    _require_files(folder, _files_of(pack), StatisticsError)
    _require_keys(folder)


def require_model_read(folder: Path, pack: StatisticsPack, prior: StatisticsPack | None) -> None:
    """Refuse a model whose folder or description holds what nobody reads.

    Parameters
    ----------
    folder : Path
    pack : StatisticsPack
        In the model.
    prior : StatisticsPack or None

    Raises
    ------
    ModelError, StatisticsError
        Naming the first file or key.
    """
    known = {*OF_MODEL, *(f"{STATISTICS}/{name}" for name in _files_of(pack))}
    if prior is not None:
        known |= {f"{PRIOR}/{name}" for name in _files_of(prior)}
    _require_files(folder, known, ModelError)
    document = read_document(folder / "model.json", ModelError)
    _refuse(document, MODEL_KEYS, folder / "model.json", ModelError)
    _require_keys(folder / STATISTICS)
    if prior is not None:
        _require_keys(folder / PRIOR)


def _files_of(pack: StatisticsPack) -> set[str]:
    """Names of the files of a pack, as its readers know them."""
    names = {DESCRIPTOR, SOURCES, *(f"{TABLES}/{table.name}.csv" for table in pack.tables)}
    if pack.ledger is not None:
        names.add(LEDGER)
    if pack.own_schema is not None:
        tables = [f"{table.name}.schema.json" for table in pack.own_schema.tables]
        names |= {f"{SCHEMA}/{n}" for n in (DATASET, LISTS, RULES, VARIABLES, SUMS, *tables)}
    return names


def _require_files(folder: Path, known: set[str], error: type[SynthgenError]) -> None:
    there = {name.rpartition("/")[0] for name in known}
    stray = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in (there if path.is_dir() else known):
            stray.append(name)
    if stray:
        raise error(
            f"{folder}: holds {one_line(stray[0], 60)}, which nobody reads or evaluates; it would "
            f"be released ({len(stray)} such files)"
        )


def _require_keys(folder: Path) -> None:
    where = folder / DESCRIPTOR
    document: Any = read_document(where, StatisticsError)
    _refuse(document, PACKAGE_KEYS, where, StatisticsError)
    for resource in document["resources"]:
        _refuse(resource, RESOURCE_KEYS, where, StatisticsError)
        fields = resource.get("schema", {})
        _refuse(fields, FIELDS_KEYS, where, StatisticsError)
        for field in fields.get("fields", ()):
            _refuse(field, FIELD_KEYS, where, StatisticsError)


def _refuse(
    said: Mapping[str, Any],
    known: frozenset[str],
    where: Path,
    error: type[SynthgenError],
) -> None:
    stray = sorted({*said} - known)
    if stray:
        raise error(
            f"{where}: has a key {one_line(stray[0], 60)}, which nobody reads or evaluates; it "
            f"would be released ({len(stray)} such keys)"
        )
