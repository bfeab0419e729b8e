"""Synthetic rare-cancer cohorts from de-identified registry statistics.

Statistics are the interface: published tables (or records, through ``tabulate``) become a
:class:`~synthgen.statistics.model.StatisticsPack`; a model is the ordered maximum-entropy
fit to a pack; a cohort is sampled from a model; a report sets every published number
beside the cohort's.

>>> import synthgen as sg
>>> cohort = sg.load_model("kr-demo").generate(100, seed=7)
>>> len(cohort["patient"]), len(cohort["tumour"]) >= 100
(100, True)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthgen.cohort.artefact import load_model, save_model
    from synthgen.cohort.cohort import Cohort
    from synthgen.cohort.fitted_model import FittedModel
    from synthgen.enclave.tabulate import tabulate
    from synthgen.errors import SynthgenError
    from synthgen.evaluation.decide import decide
    from synthgen.evaluation.evaluate import evaluate
    from synthgen.evaluation.policy import read_policy
    from synthgen.models.fit import fit_pack
    from synthgen.report.targets import load_target
    from synthgen.schema.load import load_schema
    from synthgen.schema.model import Schema
    from synthgen.statistics.model import StatisticsPack
    from synthgen.statistics.read import read_pack

__version__ = "0.1.0"

__all__ = [
    "Cohort",
    "FittedModel",
    "Schema",
    "StatisticsPack",
    "SynthgenError",
    "decide",
    "evaluate",
    "fit_pack",
    "load_model",
    "load_schema",
    "load_target",
    "read_pack",
    "read_policy",
    "save_model",
    "tabulate",
]

#: Where each public name lives; it is imported when it is first used, so that
#: ``synthgen --help`` does not wait for numpy.
_HOMES = {
    "Cohort": "synthgen.cohort.cohort",
    "FittedModel": "synthgen.cohort.fitted_model",
    "Schema": "synthgen.schema.model",
    "StatisticsPack": "synthgen.statistics.model",
    "SynthgenError": "synthgen.errors",
    "decide": "synthgen.evaluation.decide",
    "evaluate": "synthgen.evaluation.evaluate",
    "fit_pack": "synthgen.models.fit",
    "load_model": "synthgen.cohort.artefact",
    "load_schema": "synthgen.schema.load",
    "load_target": "synthgen.report.targets",
    "read_pack": "synthgen.statistics.read",
    "read_policy": "synthgen.evaluation.policy",
    "save_model": "synthgen.cohort.artefact",
    "tabulate": "synthgen.enclave.tabulate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'synthgen' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, so that a notebook completes them before they are imported."""
    return sorted({*globals(), *__all__})
