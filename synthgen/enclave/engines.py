"""Engines that are fitted to records: one table of names, one protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Protocol

from synthgen.cohort.artefact import save_model
from synthgen.cohort.fitted_model import FittedModel
from synthgen.enclave.fit import fit_tabulated
from synthgen.enclave.forest import forest_engine
from synthgen.enclave.records import Source
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.enclave.wide_engines import (
    CTGAN,
    GAUSSIAN,
    TVAE,
    Drawn,
    gaussian_copula_engine,
    network_engine,
)
from synthgen.errors import UsageError
from synthgen.schema.model import Schema


@dataclass(frozen=True)
class Request:
    """What an engine is asked for.

    Parameters
    ----------
    table : str or None
        Table that a single file holds.
    as_of : date or None
        Later dates are refused.
    allow_repeated : bool
    max_cells : int or None
        Largest table of the own engine [cells].
    model_id : str
        Name of the model; ``""`` for one after the schema.
    force : bool
        Replace what stands at the destination.
    min_leaf : int or None
        Fewest persons of a leaf of a forest; by default the smallest cell of the policies.
    """

    table: str | None = None
    as_of: date | None = None
    allow_repeated: bool = False
    max_cells: int | None = None
    model_id: str = ""
    force: bool = False
    min_leaf: int | None = None


class Engine(Protocol):
    """Fits a model to records and saves it; whatever it makes stays inside the enclave."""

    def __call__(
        self, source: Source, schema: Schema, destination: Path, request: Request
    ) -> FittedModel:
        """Model of records, saved at a destination.

        Parameters
        ----------
        source : path, str, DataFrame or mapping of str to DataFrame
        schema : Schema
        destination : Path
            Folder of the model; it appears whole or not at all.
        request : Request

        Raises
        ------
        RecordsError
            If the records cannot be read or break their schema; one line without values.
        """
        ...


def own_engine(source: Source, schema: Schema, destination: Path, request: Request) -> FittedModel:
    """Cross-tabulations that form a junction tree, kept inside the model.

    See :mod:`synthgen.enclave.selection` for how they are chosen and
    :mod:`synthgen.models.decomposable` for their fit.
    """
    asked = Settings(
        unprotected=True,
        bins_from_data=True,
        detail=True,
        max_cells=request.max_cells,
        as_of=request.as_of,
        allow_repeated=request.allow_repeated,
        table=request.table,
    )
    pack = tabulate(source, schema, asked).pack
    own = pack.own_schema or schema
    name = request.model_id or pack.id
    pack = replace(pack, id=name) if request.model_id else pack
    fit = fit_tabulated(pack, own)
    return save_model(destination, name, own, pack, fit, force=request.force)


Fit = Callable[[Source, Schema, Path, Request], FittedModel]
Draw = Callable[[Source, Schema, Request, int, int, int | None], Drawn]
"""``draw(source, schema, request, n, seed, epochs)``."""


@dataclass(frozen=True)
class Listed:
    """An engine in the table of engines.

    Calling it fits and saves, so that it is an :class:`Engine` itself; what the engine does
    stands in the catalogue of messages under ``engine.<name>``.

    Parameters
    ----------
    fit : callable or None
        Fits and saves a model; None for an engine whose model has no portable form.
    extra : str
        The optional part it needs (:data:`synthgen.extras.EXTRAS`), ``""`` for none.
    parts : tuple of (str, str)
        Distributions that do the work, and their licences (SPDX), as their metadata say.
    draw : callable or None
        Fits and draws rows in one process and saves no model.
    """

    fit: Fit | None
    extra: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    draw: Draw | None = None

    def __call__(
        self, source: Source, schema: Schema, destination: Path, request: Request
    ) -> FittedModel:
        """Fit and save; see :class:`Engine`."""
        if self.fit is None:
            raise UsageError(f"engine: {NO_MODEL}")
        return self.fit(source, schema, destination, request)


#: What is said where a model is asked of an engine that makes none.
NO_MODEL = "saves no model; it fits and samples at once: synthgen generate --records R --engine"

_TORCH = (
    "Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND BSD-3-Clause AND BSL-1.0 "
    "AND MIT"
)
_SDV = (("sdv", "BUSL-1.1"), ("rdt", "BUSL-1.1"))
COPULA_PARTS = (*_SDV, ("copulas", "BUSL-1.1"))
NETWORK_PARTS = (*_SDV, ("ctgan", "BUSL-1.1"), ("torch", _TORCH))

#: Every engine by name, the one that is used without a name first.
ENGINES: dict[str, Listed] = {
    "own": Listed(own_engine),
    "forest": Listed(forest_engine, "records", (("scikit-learn", "BSD-3-Clause"),)),
    GAUSSIAN: Listed(gaussian_copula_engine, "sdv", COPULA_PARTS),
    CTGAN: Listed(None, "sdv", NETWORK_PARTS, network_engine(CTGAN)),
    TVAE: Listed(None, "sdv", NETWORK_PARTS, network_engine(TVAE)),
}


def engine_of(name: str) -> Listed:
    """Engine that saves a model, by name.

    Raises
    ------
    UsageError
        If there is none of that name, or it saves no model.
    """
    if name not in ENGINES:
        raise UsageError(f"engine {name}: there is none; choose of {', '.join(ENGINES)}")
    if ENGINES[name].fit is None:
        raise UsageError(f"engine {name}: {NO_MODEL} {name}")
    return ENGINES[name]


def drawing_engine(name: str) -> Draw:
    """Engine that fits and draws in one process, by name.

    Raises
    ------
    UsageError
        If there is none of that name, or it saves a model to draw from.
    """
    able = [known for known, listed in ENGINES.items() if listed.draw is not None]
    if name not in ENGINES:
        raise UsageError(f"engine {name}: there is none; choose of {', '.join(able)}")
    draw = ENGINES[name].draw
    if draw is None:
        raise UsageError(
            f"engine {name}: saves a model; it must be fitted first (synthgen fit R --schema S "
            f"--engine {name} -o MODEL), and rows drawn from the model"
        )
    return draw
