"""The model that all statistical tests sample: the shipped pack, fitted once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from synthgen.cohort.artefact import save_model
from synthgen.cohort.cohort import Cohort
from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.cohort_codes import CohortCodes
from synthgen.fidelity.followed import Followed, followed
from synthgen.models.fit import fit_pack
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.read import read_pack

#: False alarms that a test may give when nothing is wrong, whatever it compares.
ALARM = 1e-6


def tolerance(comparisons: int) -> float:
    """Standard errors beyond which one of so many comparisons lies by chance once in a million."""
    return float(norm.isf(ALARM / (2 * comparisons)))


@pytest.fixture(scope="session")
def korea(tmp_path_factory: pytest.TempPathFactory) -> FittedModel:
    """``kr-demo``, fitted from its pack."""
    pack = read_pack(shipped("fitted_models")["kr-demo"] / "statistics")
    schema = load_schema(pack.schema)
    folder = tmp_path_factory.mktemp("models") / "kr-demo"
    return save_model(folder, "kr-demo", schema, pack, fit_pack(pack, schema))


@dataclass(frozen=True)
class Patients:
    """A cohort, how long its patients were followed, and the tolerance of comparisons."""

    cohort: Cohort
    seen: Followed

    @property
    def everybody(self) -> npt.NDArray[np.bool_]:
        return np.ones(len(self.seen.time), dtype=np.bool_)


@pytest.fixture(scope="session")
def patients():
    """Makes a cohort of a model and reads its follow-up."""

    def make(model: FittedModel, n: int, **asked) -> Patients:
        cohort = model.generate(n, **asked)
        seen = followed(CohortCodes(cohort), model.life_table)
        assert seen is not None
        return Patients(cohort, seen)

    return make


@pytest.fixture(scope="session")
def beyond():
    """Standard errors that one of several comparisons may be off (:func:`tolerance`)."""
    return tolerance
