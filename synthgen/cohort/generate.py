"""Generating cohorts in blocks: the same bytes from any number of workers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from synthgen import __version__
from synthgen.cohort.asked_schema import asked_schema
from synthgen.cohort.clinical.tables import clinical_tables
from synthgen.cohort.cohort import Cohort
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.licence import licence_of
from synthgen.cohort.names import COLUMN, TABLE
from synthgen.cohort.of_records import is_of_records
from synthgen.cohort.population import expected_of
from synthgen.cohort.record_tables import record_tables
from synthgen.cohort.registry import registry_tables
from synthgen.cohort.settings import CLINICAL, Settings, settings_for
from synthgen.cohort.wide_rows import copula_tables
from synthgen.errors import UsageError
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.randomness import BLOCK_SIZE, block_generator

if TYPE_CHECKING:
    import pandas as pd


def block_tables(
    model: FittedModel,
    settings: Settings,
    block: int,
    distribution: Distribution | Mixture | None = None,
) -> dict[str, pd.DataFrame]:
    """Frames of one block, the same whether it is made alone or with the others.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    block : int
        Number of the block, from 0.
    distribution : Distribution or Mixture, optional
        ``settings.distribution(model)``, where it has been computed already.

    Raises
    ------
    UsageError
        If the cohort has no such block.
    EvidenceError
        If nobody can be as ``settings.where`` says.
    """
    sizes = settings.blocks
    if not 0 <= block < len(sizes):
        raise UsageError(f"block {block}: the cohort has blocks 0 to {len(sizes) - 1}")
    if distribution is None:
        distribution = settings.distribution(model)
    if model.copula is not None:
        seed, size = settings.seed, sizes[block]
        return dict(copula_tables(model, seed, block, size, settings.where).tables)
    if is_of_records(model):
        return record_tables(model, distribution, settings.seed, block, sizes[block])
    rng = block_generator(model.sha256, settings.seed, block, "variables")
    # The words of a full block are reserved, so that patient k does not depend on n.
    drawn = distribution.sample(sizes[block], rng, reserve=BLOCK_SIZE)
    core = registry_tables(model, settings, block, drawn, distribution)
    if not settings.clinical:
        return core
    assumed = settings.clinical == CLINICAL[0]
    return core | clinical_tables(model.sha256, settings.seed, block, core, assumed=assumed)


def manifest_of(model: FittedModel, settings: Settings) -> dict[str, Any]:
    """What a cohort was made from: plain JSON values without clock time."""
    import numpy as np

    versions = {"synthgen": __version__, "numpy": np.__version__}
    if settings.names:
        versions["faker"] = version("faker")  # its lists are the names
    residents = settings.residents
    expected = expected_of(model, residents, settings.where) if residents else None
    return {
        "format": "cohort/1",
        "synthetic": True,
        "origin": model.origin,
        "model": {"id": model.id, "sha256": model.sha256},
        **({"engine": _engine_of(model)} if model.copula is not None else {}),
        "schema": asked_schema(model.schema, settings).key,
        "settings": settings.describe(),
        **({"expected_cases": expected.describe()} if expected else {}),
        "licence": licence_of(model.pack).describe(),
        **({"extra_columns": {TABLE: [COLUMN]}} if settings.names else {}),
        "versions": versions,
    }


def _engine_of(model: FittedModel) -> dict[str, Any]:
    """Foreign engine whose parameters a model holds: name, versions, terms, what it left out."""
    return {"name": model.engine.name, **model.engine.settings} if model.engine else {}


def generate(
    model: FittedModel,
    n: int,
    *,
    seed: int = 1,
    where: Mapping[str, tuple[str, ...]] | None = None,
    **options: Any,
) -> Cohort:
    """Cohort of ``n`` patients in memory; see :meth:`FittedModel.generate`."""
    return cohort_of(model, settings_for(model, n, seed=seed, where=where, **options))


def cohort_of(model: FittedModel, settings: Settings) -> Cohort:
    """Cohort in memory, from settings that have been checked against the model.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    """
    import pandas as pd

    distribution = settings.distribution(model)
    make = partial(block_tables, model, settings, distribution=distribution)
    blocks = [make(block) for block in range(len(settings.blocks))]
    tables = {
        name: blocks[0][name]
        if len(blocks) == 1
        else pd.concat([b[name] for b in blocks], ignore_index=True)
        for name in blocks[0]
    }
    return Cohort(asked_schema(model.schema, settings), tables, manifest_of(model, settings))
