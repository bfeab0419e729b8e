"""What is evaluated: a cohort, a model or a pack, with its hash and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from synthgen.cohort.artefact import load_model
from synthgen.cohort.hashes import content_hashes, file_hashes
from synthgen.cohort.write import DATABASE
from synthgen.errors import ContractError, ModelError, UsageError
from synthgen.evaluation.artefact_files import require_model_read, require_pack_read
from synthgen.evaluation.cohort_files import require_all_read
from synthgen.evaluation.documents import document_hash
from synthgen.evaluation.regenerated import Redraw, doubt_of
from synthgen.evaluation.subjects import cohort_tables
from synthgen.resources import shipped
from synthgen.schema.documents import mapping_at, one_line, read_document, text_at
from synthgen.schema.load import load_schema, shipped_schemas
from synthgen.statistics.descriptor import SCHEMA
from synthgen.statistics.locate import pack_folder
from synthgen.statistics.read import read_pack, schema_of

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.cohort.fitted_model import FittedModel
    from synthgen.schema.model import Schema
    from synthgen.statistics.model import StatisticsPack

#: Patients that are drawn from a model that is evaluated without records.
DRAWN = 2_000
PUBLIC = "public-statistics"
COHORT, MODEL, PACK = "cohort", "model", "pack"

#: Families of measures that say something about each kind of target.
FAMILIES_OF = {COHORT: "IMCU", MODEL: "IMCU", PACK: "I"}


@dataclass(frozen=True, eq=False)
class Target:
    """What is evaluated.

    Parameters
    ----------
    kind : {"cohort", "model", "pack"}
    name : str
        Its id, or the name of its folder.
    folder : Path
    sha256 : str
        Hash of the names and contents of all its files.
    origin : str
        ``public-statistics`` or ``enclave``, as it says itself.
    schema : Schema
    tables : mapping of str to DataFrame
        Of a cohort, or drawn from a model; empty for a pack.
    pack : StatisticsPack or None
    model : FittedModel or None
    doubt : str
        Of a cohort: catalogue key of why it is not believed that its model gave these rows;
        empty if they were made again and are the same.
    """

    kind: str
    name: str
    folder: Path
    sha256: str
    origin: str
    schema: Schema
    tables: Mapping[str, pd.DataFrame]
    pack: StatisticsPack | None
    model: FittedModel | None
    doubt: str = ""

    @property
    def is_public(self) -> bool:
        """Whether nothing but published statistics went in, as far as anybody can see.

        A cohort says so itself; it is believed only where the model that it was drawn from
        is at hand and says so too, for its pack and for that of its prior, and where the
        model gives the same rows again.
        """
        if self.origin != PUBLIC or self.doubt:
            return False
        if self.kind == PACK:
            return self.pack is not None
        packs = [] if self.model is None else [self.model.pack]
        if self.model is not None and self.model.prior is not None:
            packs.append(self.model.prior.pack)
        return bool(packs) and all(pack.origin == PUBLIC for pack in packs)


def folder_hash(folder: Path, kind: str = "") -> str:
    """Hash of the names and contents of all files of a folder.

    Parameters
    ----------
    folder : Path
    kind : str
        Of a ``cohort``, its DuckDB file is left out: its bytes are not reproducible, and what it
        holds is in the manifest.

    Raises
    ------
    UsageError
        If there is a link in it: what it points to may change without a trace.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise UsageError(f"{folder}: holds a link ({one_line(path.name)}); plain files only")
    return document_hash(file_hashes(folder, skip=(DATABASE,) if kind == COHORT else ()))


def kind_of(target: str) -> str:
    """What a path or an id is: ``cohort``, ``model`` or ``pack``.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    folder = Path(target)
    known = shipped("fitted_models")
    if folder.is_dir():
        for file, kind in (("model.json", MODEL), ("manifest.json", COHORT)):
            if (folder / file).is_file():
                return kind
        if (folder / "datapackage.json").is_file():
            return PACK
    elif target in known:
        return MODEL
    elif target.removesuffix("/statistics") in known:
        return PACK
    wanted = (
        "a folder needs the manifest.json that generate writes, or a model.json or datapackage.json"
        if folder.is_dir()
        else f"give a folder or one of {', '.join(known)}"
    )
    raise UsageError(f"{one_line(target)}: is no cohort, model or pack; {wanted}")


def spoken_by(target: str, schema: str = "", model: str = "") -> Schema:
    """Schema that a target speaks, before the rest of it is read.

    Parameters
    ----------
    target : str
    schema : str
        Id or folder, where the schema of a cohort is not shipped.
    model : str
        Model that a cohort was drawn from: a model of an own schema brings it along.

    Raises
    ------
    UsageError, ContractError, ModelError, StatisticsError, SchemaError
        If there is no such target, or it does not say.
    """
    folder = Path(target)
    match kind_of(target):
        case "cohort":
            said = read_document(folder / "manifest.json", ContractError)
            return _schema_at(folder, text_at(said, "schema"), schema or _brought_by(model))
        case "model":
            folder = shipped("fitted_models").get(target, folder)
            said = read_document(folder / "model.json", ModelError)
            found = schema or _brought_by(target)
            return _schema_at(folder, text_at(said, "schema"), found, "model.json")
        case _:
            return schema_of(read_pack(pack_folder(target), load_schema))


def load_target(
    target: str,
    *,
    seed: int,
    patients: int = DRAWN,
    model: str = "",
    pack: str = "",
    schema: str = "",
    redraw: Redraw | None = None,
) -> Target:
    """Target by path or id.

    Parameters
    ----------
    target : str
    seed : int
        From which patients are drawn, of a model.
    patients : int
        How many.
    model : str
        Model that a cohort was drawn from; a shipped one is found by itself.
    pack : str
        Pack that a cohort must reproduce; by default the model's.
    schema : str
        Id or folder of a cohort's schema, where it is not shipped.
    redraw : callable, optional
        Writes the report of a cohort again (:mod:`synthgen.evaluation.regenerated`); without
        it a cohort with a report is doubted.

    Raises
    ------
    UsageError
        If it is none, or the model is another than the cohort's.
    ContractError
        If the cohort is not, byte for byte and cell for cell, what its manifest says.
    SchemaError, StatisticsError, ModelError
        If a part of it cannot be read, or would be released without having been read.
    """
    kind = kind_of(target)
    if kind == PACK:
        folder = pack_folder(target)
        own = read_pack(folder, load_schema)
        require_pack_read(folder, own)
        sha256, spoken = folder_hash(folder), schema_of(own)
        return Target(kind, own.id, folder, sha256, own.origin, spoken, {}, own, None)
    if kind == MODEL:
        fitted = load_model(target)
        folder = shipped("fitted_models").get(target, Path(target))
        prior = None if fitted.prior is None else fitted.prior.pack
        require_model_read(folder, fitted.pack, prior)
        drawn = fitted.generate(patients, seed=seed)
        published = _pack(pack) or fitted.pack
        return Target(
            kind,
            fitted.id,
            folder,
            folder_hash(folder),
            fitted.origin,
            fitted.schema,
            drawn.tables,
            published,
            fitted,
        )
    return _cohort(Path(target), model, pack, schema, redraw)


def _brought_by(model: str) -> str:
    """Folder of the schema that a model brings along, in its pack; empty if it has none."""
    folder = Path(model) / "statistics" / SCHEMA
    known = not model or model in shipped("fitted_models")
    return "" if known or not folder.is_dir() else str(folder)


def _pack(pack: str) -> StatisticsPack | None:
    return read_pack(pack_folder(pack), load_schema) if pack else None


def _schema_at(folder: Path, named: str, schema: str, file: str = "manifest.json") -> Schema:
    if not schema and named.partition("@")[0] not in shipped_schemas():
        raise UsageError(
            f"{folder}: its schema {one_line(named, 60)} is not shipped; give the model that it was "
            "drawn from (--model) or the schema's folder (--schema)"
        )
    loaded = load_schema(schema or named)
    if loaded.key != named:
        raise ContractError(
            f"{folder}: its {file} names the schema {one_line(named, 60)}; {loaded.key} was given"
        )
    return loaded


def _cohort(folder: Path, model: str, pack: str, schema_id: str, redraw: Redraw | None) -> Target:
    manifest = read_document(folder / "manifest.json", ContractError)
    where = folder / "manifest.json"
    if text_at(manifest, "format") != "cohort/1":
        raise ContractError(f"{where}: format must be cohort/1")
    changed = _changed(folder, mapping_at(manifest, "files"))
    if changed:
        raise ContractError(
            f"{folder}: {changed[0]} is not as it was generated ({len(changed)} such files)"
        )
    found = schema_id or _brought_by(model)
    schema = _schema_at(folder, text_at(manifest, "schema"), found)
    fitted = _model_of(mapping_at(manifest, "model"), model)
    published = _pack(pack) or (fitted.pack if fitted is not None else None)
    origin = text_at(manifest, "origin", "enclave")
    tables = cohort_tables(folder, schema)
    require_all_read(folder, schema, tables)
    _require_content(folder, mapping_at(manifest, "tables"), schema, tables)
    return Target(
        COHORT,
        folder.resolve().name,
        folder,
        folder_hash(folder, COHORT),
        origin,
        schema,
        tables,
        published,
        fitted,
        doubt_of(folder, manifest, fitted, tables, redraw),
    )


def _require_content(
    folder: Path, said: Mapping[str, Any], schema: Schema, tables: Mapping[str, pd.DataFrame]
) -> None:
    """Refuse tables whose contents are not those that the manifest hashed."""
    made = content_hashes(schema, tables) if said else {}
    changed = [name for name in made if said.get(name) != made[name]]
    if changed:
        raise ContractError(
            f"{folder}: table {changed[0]} does not hold what its manifest says it held when it "
            f"was generated ({len(changed)} such tables)"
        )


def _model_of(said: Mapping[str, Any], model: str) -> FittedModel | None:
    """Model that a manifest names; None where it is not at hand."""
    name, sha256 = text_at(said, "id"), text_at(said, "sha256")
    if not model and name not in shipped("fitted_models"):
        return None
    fitted = load_model(model or name)
    if fitted.sha256 == sha256:
        return fitted
    if model:
        raise UsageError(
            f"model {one_line(model)}: is another than the one the cohort was drawn from; their "
            "hashes differ"
        )
    return None


def _changed(folder: Path, files: Mapping[str, Any]) -> list[str]:
    """Files that are not, byte for byte, what the manifest of a cohort says."""
    found = file_hashes(folder)
    changed = [
        one_line(name, 100)
        for name, said in files.items()
        if PurePosixPath(name).is_absolute() or found.get(name) != said
    ]
    # A DuckDB file is not reproducible, so the manifest does not hash it; what it says is
    # compared with the other formats in require_all_read.
    extra = [n for n in found if n not in files and n not in ("manifest.json", DATABASE)]
    return changed + extra
