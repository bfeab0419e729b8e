"""A model without a cohort, to be drawn by the same code: its own values and the published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.cohort.cohort import Cohort
from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.compare import ComparedCohort
from synthgen.fidelity.followed import Followed
from synthgen.fidelity.net_survival import SurvivalCurve
from synthgen.statistics.statement import Members


@dataclass(frozen=True, eq=False)
class ModelAlone(ComparedCohort):
    """What a comparison knows where nobody has been drawn: nothing is counted or followed."""

    @property
    def drawn(self) -> bool:
        """No patient was drawn."""
        return False

    @property
    def patients(self) -> int:
        """No patient was drawn."""
        return 0

    @property
    def followed(self) -> Followed | None:
        """Nobody is followed."""
        return None

    def counts(self, names: tuple[str, ...]) -> npt.NDArray[np.int64] | None:  # noqa: ARG002
        """Nobody is counted."""
        return None

    def rows(self, members: Members) -> npt.NDArray[np.bool_] | None:  # noqa: ARG002
        """There are no rows."""
        return None

    def curve(self, given: Members, way: str) -> SurvivalCurve | None:  # noqa: ARG002
        """Nobody is followed."""
        return None


def model_alone(model: FittedModel) -> ModelAlone:
    """A model as something to draw."""
    return ModelAlone(model, Cohort(model.schema, {}, {}))
