"""Engines that learn wide rows: a copula that is saved, networks that are not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.artefact import save_model
from synthgen.cohort.fitted_model import EngineRecord, FittedModel
from synthgen.cohort.wide_rows import Accepted, accepted_tables, copula_tables, wide_tables
from synthgen.enclave import sdv_engines
from synthgen.enclave.coding import cell
from synthgen.enclave.design import design_of
from synthgen.enclave.fit import fit_tabulated
from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.records import Records, Source, open_records
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.enclave.wide_records import Learned, wide_records
from synthgen.errors import ModelError, UsageError
from synthgen.extras import require
from synthgen.models.fit import Fit
from synthgen.models.wide import Wide
from synthgen.schema.model import ColumnType, Schema, Sensitivity
from synthgen.schema.validation.database import rows_of
from synthgen.statistics.model import StatisticsPack

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.enclave.engines import Request

GAUSSIAN, CTGAN, TVAE = sdv_engines.CLASSES

TRIED = 1_000
"""Rows that are drawn after a fit, to say how many of them break rules of the schema."""

KEYINGS = 64
"""Attempts at identifiers of the schema's form of which none is one of the records."""


@dataclass(frozen=True)
class Drawn:
    """What an engine without a model leaves behind.

    Parameters
    ----------
    model : FittedModel
        Schema, pack and terms of the rows; it is not saved, and nothing can be drawn from it.
    tables : mapping of str to DataFrame
    engine : mapping of str to plain JSON values
        What the manifest says of how they were made.
    """

    model: FittedModel
    tables: Mapping[str, pd.DataFrame]
    engine: Mapping[str, Any]


def gaussian_copula_engine(
    source: Source, schema: Schema, destination: Path, request: Request
) -> FittedModel:
    """SDV's Gaussian copula, saved as numbers and drawn without SDV.

    Raises
    ------
    MissingExtraError
        Without SDV; before records are read.
    RecordsError
        If the records cannot be read, or break their schema.
    ModelError
        If SDV cannot fit them, or hardly a row of the copula keeps the rules of the schema.
    """
    require(sdv_engines.EXTRA, "sdv.single_table")
    learned, pack, fit, _ = _read(source, schema, request)
    copula = sdv_engines.copula_of(sdv_engines.fitted(GAUSSIAN, learned), learned)
    own = pack.own_schema or schema
    trial = FittedModel(pack.id, own, pack, fit.distribution, (), 0.0, "", copula=copula)
    found = copula_tables(trial, 0, 0, TRIED)
    settings = {**_said(learned), "drawn": found.drawn, "refused": found.refused}
    record = EngineRecord(GAUSSIAN, settings)
    return save_model(
        destination, pack.id, own, pack, fit, engine=record, copula=copula, force=request.force
    )


def network_engine(
    name: str,
) -> Callable[[Source, Schema, Request, int, int, int | None], Drawn]:
    """Engine that fits a network of SDV and draws from it at once.

    Parameters
    ----------
    name : {"sdv-ctgan", "sdv-tvae"}
    """

    def draw(
        source: Source, schema: Schema, request: Request, n: int, seed: int, epochs: int | None
    ) -> Drawn:
        return _drawn_by_network(name, source, schema, request, (n, seed, epochs))

    return draw


def _drawn_by_network(
    name: str,
    source: Source,
    schema: Schema,
    request: Request,
    asked: tuple[int, int, int | None],
) -> Drawn:
    """Rows of a network of SDV.

    Raises
    ------
    UsageError
        If rows, seed or epochs are out of range.
    MissingExtraError
        Without SDV or torch; before records are read.
    RecordsError, ModelError
        As :func:`gaussian_copula_engine`.
    """
    n, seed, epochs = asked
    for value, least, what in ((n, 1, "number of patients"), (seed, 0, "seed")):
        if value < least:
            raise UsageError(f"{what}: is {value}; it must be {least} or more")
    if epochs is not None and epochs < 1:
        raise UsageError(f"epochs: are {epochs}; it must be 1 or more")
    require(sdv_engines.EXTRA, "sdv.single_table")
    require(sdv_engines.EXTRA, "torch")
    learned, pack, fit, real = _read(source, schema, request)
    synthesizer = sdv_engines.fitted(name, learned, epochs=epochs, seed=seed)

    def draw(attempt: int, wanted: int) -> Wide:
        del attempt
        return sdv_engines.sampled(synthesizer, learned, wanted + wanted // 10 + 10)

    own = pack.own_schema or schema
    model = FittedModel(name, own, replace(pack, id=name), fit.distribution, (), 0.0, "")
    found = accepted_tables(model, learned.layout, draw, n, seed=seed)
    said = {
        "name": name,
        **_said(learned),
        "epochs": epochs or sdv_engines.EPOCHS,
        "seed": seed,
        "drawn": found.drawn,
        "refused": found.refused,
        "model": "none: fitted and sampled in one process",
        "guarantee": "none",
    }
    return Drawn(model, _nobody(model, learned, found, seed, real), said)


def _read(
    source: Source, schema: Schema, request: Request
) -> tuple[Learned, StatisticsPack, Fit, dict[str, set[str]]]:
    """Wide rows; how often each category occurs, and nothing joint; identifiers of the records."""
    asked = Settings(
        unprotected=True,
        bins_from_data=True,
        as_of=request.as_of,
        allow_repeated=request.allow_repeated,
        table=request.table,
    )
    with open_records(
        source,
        schema,
        table=asked.table,
        as_of=asked.as_of,
        allow_repeated=asked.allow_repeated,
    ) as records:
        learned = wide_records(records)
        real = _identifiers(records)
        names = [v.name for v in design_of(records, from_records=True).variables]
    plan = Plan(tuple(PlannedTable((name,)) for name in names))
    pack = tabulate(source, schema, replace(asked, plan=plan)).pack
    pack = replace(pack, id=request.model_id or pack.id)
    # Which fields the records lack together is in the wide rows; it is no rule of the schema.
    pack = replace(pack, own_schema=replace(pack.own_schema or schema, rules=schema.rules))
    return learned, pack, fit_tabulated(pack, pack.own_schema or schema), real


def _said(learned: Learned) -> dict[str, Any]:
    return {
        "versions": sdv_engines.versions(),
        "licence": sdv_engines.LICENCE,
        "records": learned.rows,
        "further_rows": dict(learned.further),
        "left_out": list(learned.left_out),
    }


def _identifiers(records: Records) -> dict[str, set[str]]:
    """Texts by which records name somebody, by qualified column."""
    found: dict[str, set[str]] = {}
    for table in records.tables:
        refers = {c for key in table.foreign_keys for c in key.columns}
        described = rows_of(records.db, f"DESCRIBE {records.relations[table.name]}")
        present = {str(row[0]) for row in described}
        for column in table.columns:
            names = column.name in table.primary_key or (
                column.sensitivity is Sensitivity.IDENTIFIER
            )
            text = column.type is ColumnType.STRING and column.name in present
            if names and text and column.name not in refers:
                value = cell(f"{table.name}.{column.name}")
                rows = rows_of(
                    records.db,
                    f"SELECT DISTINCT {value} FROM {records.relations[table.name]} "  # noqa: S608
                    f"AS {cell(table.name + '.x').partition('.')[0]} WHERE {value} IS NOT NULL",
                )
                found[f"{table.name}.{column.name}"] = {str(row[0]) for row in rows}
    return found


def _nobody(
    model: FittedModel, learned: Learned, found: Accepted, seed: int, real: Mapping[str, set[str]]
) -> Mapping[str, pd.DataFrame]:
    """The tables, with identifiers of which none is one of the records.

    Raises
    ------
    ModelError
        If the schema's form of identifiers has hardly any others.
    """
    for attempt in range(KEYINGS):
        key = hashlib.sha256(f"synthgen-wide-1\x1f{model.id}\x1f{attempt}".encode()).hexdigest()
        keyed = replace(model, sha256=key)
        tables, _ = wide_tables(keyed, learned.layout, found.wide, seed, 0)
        if not any(
            real[f"{name}.{column}"].intersection(frame[column].astype(object))
            for name, frame in tables.items()
            for column in frame.columns
            if f"{name}.{column}" in real
        ):
            return tables
    raise ModelError(
        f"{model.id}: the schema's form of identifiers has too few that no record has; ask for "
        "fewer patients"
    )
