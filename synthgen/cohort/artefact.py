"""The model artefact on disk: ``model.json``, ``arrays.npz`` and the pack it came from.

Nothing in it can run code.  Every file's SHA-256 stands in ``model.json``, whose own hash
stands in itself; a changed byte anywhere is refused, and so is an array that is not the
plain numbers ``model.json`` announces.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthgen.cohort.fitted_model import EngineRecord, FittedModel, PriorRecord
from synthgen.cohort.leaf_record import FOREST, check_leaves
from synthgen.cohort.model_card import model_card
from synthgen.cohort.wide_rows import require_of_schema
from synthgen.errors import ModelError
from synthgen.models.copula import GaussianCopula, copula_from, copula_shapes
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Fit, statements_by_block
from synthgen.models.gap_table import gaps_from_rows, gaps_to_rows
from synthgen.models.mixture import Mixture
from synthgen.models.plain import (
    announced_shapes,
    describe_distribution,
    distribution_arrays,
    distribution_from,
)
from synthgen.outputs import output_folder
from synthgen.resources import shipped
from synthgen.schema.documents import one_line, read_document
from synthgen.schema.model import Schema
from synthgen.statistics.locate import STATISTICS
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.read import read_pack, schema_of
from synthgen.statistics.write import write_pack

FORMAT = "model/1"
#: Page of sources beside the model, written by hand; the pack has its own, written by us.
SOURCES = "SOURCES.md"
#: Folder of a model that holds the statistics of its prior.
PRIOR = "prior"
#: Part of the description, and beginning of the names of the arrays, of a copula.
COPULA = "copula"
#: Largest artefact that is read [bytes of numbers]; a shipped model has less than 2 MiB.
LARGEST = 1 << 30
#: How arrays are packed, and the bit of a member that is encrypted (PKWARE, APPNOTE.TXT 4.4.4).
_COMPRESSIONS, _ENCRYPTED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), 1
#: Bytes before the numbers of an array, at most.
_LONGEST_HEADER = 4096
_LONGEST_ID = 120
_NO_ARCHIVE = (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, zlib.error)


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _hash_of(document: Mapping[str, Any]) -> str:
    without = {k: v for k, v in document.items() if k != "sha256"}
    return hashlib.sha256(_canonical(without)).hexdigest()


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _file_hashes(folder: Path) -> dict[str, str]:
    """Hash of every file that the model stands on, by relative path."""
    arrays = folder / "arrays.npz"
    found = {arrays.name: _file_hash(arrays) if arrays.is_file() else ""}
    for part in (STATISTICS, PRIOR):
        for path in sorted((folder / part).rglob("*")):
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = _file_hash(path)
    return found


def pack_hash(folder: Path) -> str:
    """Hash of a statistics pack: of the paths and hashes of its files."""
    return hashlib.sha256(
        _canonical(
            {
                path.relative_to(folder).as_posix(): _file_hash(path)
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }
        )
    ).hexdigest()


def _describe(model_id: str, schema: Schema, pack: StatisticsPack, fit: Fit) -> dict[str, Any]:
    domain = fit.distribution.domain
    return {
        "format": FORMAT,
        "id": model_id,
        "schema": schema.key,
        "origin": pack.origin,
        "pack": {"id": pack.id, "version": pack.version},
        "residual_standard_errors": fit.residual,
        "variables": [
            {
                "name": name,
                "codes": [
                    {"code": c.code, "title": c.title, "title_ko": c.title_ko}
                    for c in schema.variable(name).categories
                    if c.code in domain.codes[name]
                ],
            }
            for name in domain.names
        ],
        "distribution": describe_distribution(fit.distribution),
        "gaps": gaps_to_rows(fit.gaps),
    }


def save_model(
    folder: Path,
    model_id: str,
    schema: Schema,
    pack: StatisticsPack,
    fit: Fit,
    *,
    prior: PriorRecord | None = None,
    engine: EngineRecord | None = None,
    copula: GaussianCopula | None = None,
    force: bool = False,
) -> FittedModel:
    """Write a model's folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        Where it will stand.
    model_id : str
    schema, pack, fit
        What was fitted to what.
    prior : PriorRecord, optional
        What the fit referred to.
    engine : EngineRecord, optional
        What fitted it, if not the own engine.
    copula : GaussianCopula, optional
        What subjects are drawn from, where that is no distribution of categories.
    force : bool
        Replace what stands there; a page of sources that people wrote (``SOURCES.md``) stays.

    Returns
    -------
    FittedModel
        As it is read back from the folder.

    Raises
    ------
    UsageError, OutputError
        If the folder exists, or cannot be written.
    """
    with output_folder(folder, force=force) as beside:
        write_pack(pack, beside / STATISTICS)
        arrays = distribution_arrays(fit.distribution)
        if copula is not None:
            arrays |= {f"{COPULA}/{name}": array for name, array in copula.arrays().items()}
        with (beside / "arrays.npz").open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        document = _describe(model_id, schema, pack, fit)
        if prior is not None:
            write_pack(prior.pack, beside / PRIOR)
            document["prior"] = {"id": prior.id, "sha256": prior.sha256}
        if copula is not None:
            document[COPULA] = copula.describe()
        if engine is not None:
            document["engine"] = {"name": engine.name, "settings": engine.settings}
        document["files"] = _file_hashes(beside)
        document["sha256"] = _hash_of(document)
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (beside / "model.json").write_text(text + "\n", encoding="utf-8")
        model = load_model(beside)
        if (folder / SOURCES).is_file():
            (beside / SOURCES).write_bytes((folder / SOURCES).read_bytes())
        for language, name in (("en", "MODEL_CARD.md"), ("ko", "MODEL_CARD.ko.md")):
            (beside / name).write_text(model_card(model, language), encoding="utf-8")
    return model


def load_model(model: str | Path) -> FittedModel:
    """Model by id (shipped) or by path.

    Parameters
    ----------
    model : str or Path
        ``"kr-demo"``, or a folder that :func:`save_model` wrote.

    Raises
    ------
    ModelError
        If there is no such model, a byte has changed, or an array is not what
        ``model.json`` announces.
    SchemaError, StatisticsError
        If its schema is unknown or its pack unreadable.
    """
    folder = _folder_of(model)
    document: dict[str, Any] = read_document(folder / "model.json", ModelError)
    where = f"{folder.name}/model.json"
    if document.get("format") != FORMAT:
        raise ModelError(f"{where}: format must be {FORMAT}")
    if document.get("sha256") != _hash_of(document):
        raise ModelError(f"{where}: the file has been changed; its hash does not match")
    try:
        return _assemble(folder, document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelError(f"{where}: is not a model description ({type(error).__name__})") from error


def _folder_of(model: str | Path) -> Path:
    known = shipped("fitted_models")
    if str(model) in known:
        return known[str(model)]
    folder = Path(model)
    if not (folder / "model.json").is_file():
        listed = ", ".join(known) or "none"
        raise ModelError(f"{model}: no such model; shipped models are {listed}, or give a folder")
    return folder


def _assemble(folder: Path, document: dict[str, Any]) -> FittedModel:
    name = document["id"]
    if not isinstance(name, str) or not name or one_line(name, _LONGEST_ID) != name:
        raise ModelError(
            f"{folder.name}/model.json: id must be a line of 1 to {_LONGEST_ID} printable characters"
        )
    present = _file_hashes(folder)
    changed = sorted(
        name
        for name in {*present, *document["files"]}
        if present.get(name) != document["files"].get(name)
    )
    if changed:
        raise ModelError(
            f"{folder.name}/{changed[0]}: has been changed, added or removed since the model was "
            f"fitted ({len(changed)} such files)"
        )
    pack = read_pack(folder / STATISTICS)
    schema = schema_of(pack)
    if document["schema"] != schema.key:
        raise ModelError(f"{folder.name}/model.json: its schema is not that of its statistics")
    domain = Domain(
        tuple((v["name"], tuple(c["code"] for c in v["codes"])) for v in document["variables"])
    )
    described = document["distribution"]
    shapes = announced_shapes(described)
    if COPULA in document:
        of_copula = copula_shapes(document[COPULA])
        shapes |= {f"{COPULA}/{name}": shape for name, shape in of_copula.items()}
    arrays = _read_arrays(folder / "arrays.npz", shapes)
    distribution = distribution_from(domain, described, arrays)
    # An exact pack of records is fitted exactly: there are no gaps to speak of.
    said = {} if pack.unprotected else statements_by_block(pack, schema, domain)
    engine = _engine_record(document, distribution)
    gaps = gaps_from_rows(document["gaps"], [s for block in said.values() for s in block])
    return FittedModel(
        document["id"],
        schema,
        pack,
        distribution,
        gaps,
        float(document["residual_standard_errors"]),
        document["sha256"],
        _prior_record(folder, document, schema),
        engine,
        _copula(document, arrays, schema),
    )


def _copula(
    document: Mapping[str, Any], arrays: Mapping[str, Any], schema: Schema
) -> GaussianCopula | None:
    """Copula that the document describes, over columns that the schema has."""
    if COPULA not in document:
        return None
    start = f"{COPULA}/"
    own = {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
    copula = copula_from(document[COPULA], own)
    require_of_schema(copula.layout, schema)
    return copula


def _engine_record(
    document: Mapping[str, Any], distribution: Distribution | Mixture
) -> EngineRecord | None:
    if "engine" not in document:
        return None
    said = document["engine"]
    engine = EngineRecord(str(said["name"]), dict(said["settings"]))
    if engine.name == FOREST:
        check_leaves(engine.settings, distribution)
    return engine


def _prior_record(folder: Path, document: Mapping[str, Any], schema: Schema) -> PriorRecord | None:
    if "prior" not in document:
        return None
    said = document["prior"]
    return PriorRecord(said["id"], said["sha256"], read_pack(folder / PRIOR, lambda _: schema))


def _read_arrays(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Arrays of plain float64 numbers of exactly the announced shapes."""
    announced = sum(8 * int(np.prod(shape, dtype=np.float64)) for shape in shapes.values())
    if announced > LARGEST:
        raise ModelError(f"{path.name}: announces {announced} bytes; at most {LARGEST} are read")
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            found = sorted(info.filename for info in archive.infolist())
            if found != sorted(f"{name}.npy" for name in shapes) or archive.comment:
                raise ModelError(f"{path.name}: does not hold the arrays that model.json announces")
            for name, shape in shapes.items():
                arrays[name] = _read_array(archive, name, shape, path.name)
    except _NO_ARCHIVE as error:
        raise ModelError(f"{path.name}: is not a readable archive of numbers") from error
    return arrays


def _read_array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], where: str) -> Any:
    """One array; what its header says is compared before its numbers are read."""
    form = np.lib.format
    info = archive.getinfo(f"{name}.npy")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _COMPRESSIONS:
        raise ModelError(f"{where}: {name} is encrypted, or compressed in another way than ours")
    size = 8 * math.prod(shape)
    with archive.open(info) as member:
        stream = io.BytesIO(member.read(size + _LONGEST_HEADER))
    if form.read_magic(stream) != (1, 0):
        raise ValueError("another version")
    said, columns_first, dtype = form.read_array_header_1_0(stream)
    if dtype != np.float64 or said != shape:
        raise ModelError(f"{where}: {name} is {dtype} {said}; it must be float64 {shape}")
    content = stream.read()
    if len(content) != size:
        raise ModelError(f"{where}: {name} has more or fewer bytes than its numbers")
    order: Literal["F", "C"] = "F" if columns_first else "C"
    return np.frombuffer(content, dtype=np.float64).reshape(shape, order=order).copy()
