"""Reading a prior: a fitted model, or a statistics pack that is fitted on the spot."""

from __future__ import annotations

from pathlib import Path

from synthgen.cohort.artefact import load_model, pack_hash
from synthgen.cohort.fitted_model import FittedModel, PriorRecord
from synthgen.errors import ModelError
from synthgen.models.decomposable import fit_decomposable
from synthgen.models.distribution import Distribution
from synthgen.models.fit import fit_pack
from synthgen.models.mixture import Mixture
from synthgen.models.prior import Prior
from synthgen.models.shrinkage import holds_exact_counts
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.schema.model import Schema
from synthgen.statistics.locate import pack_folder
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.read import read_pack, schema_of


def read_prior(prior: str | Path) -> Prior:
    """Prior by the id or folder of a model, or by the folder of a pack.

    Parameters
    ----------
    prior : str or Path
        ``"kr-demo"`` or a model's folder; ``"kr-demo/statistics"`` or a pack's folder.

    Raises
    ------
    ModelError
        If the model is damaged, or was itself fitted with a prior.
    SchemaError, StatisticsError
        If there is no such pack, or it cannot be read or fitted.
    """
    if str(prior) in shipped("fitted_models") or (Path(prior) / "model.json").is_file():
        model = load_model(prior)
        if model.prior is not None:
            raise ModelError(
                f"prior {model.id}: was itself fitted with a prior, {model.prior.id}; give its "
                "pack, or a model fitted without one"
            )
        return Prior(model.id, model.sha256, model.pack, model.distribution)
    folder = pack_folder(prior)
    pack = read_pack(folder, load_schema)
    return Prior(pack.id, pack_hash(folder), pack, _fitted(pack, schema_of(pack)))


def record_of(prior: Prior) -> PriorRecord:
    """What a model keeps of its prior."""
    return PriorRecord(prior.id, prior.sha256, prior.pack)


def prior_of(model: FittedModel) -> Prior | None:
    """The prior of a model, fitted again from the statistics that the model keeps of it."""
    if model.prior is None:
        return None
    kept = model.prior
    return Prior(kept.id, kept.sha256, kept.pack, _fitted(kept.pack, model.schema))


def _fitted(pack: StatisticsPack, schema: Schema) -> Distribution | Mixture:
    """Distribution of a prior: of exact counts in closed form, of all else as published."""
    if holds_exact_counts(pack):
        return fit_decomposable(pack, schema).distribution
    return fit_pack(pack, schema).distribution
