"""Which models speak of records: they know rows of any schema, and no registry's patients."""

from __future__ import annotations

from synthgen.cohort.fitted_model import FittedModel
from synthgen.statistics.statement import TIME_VARIABLE


def is_of_records(model: FittedModel) -> bool:
    """Whether a model was fitted to tables of records under a schema of its own."""
    own = model.pack.own_schema is not None
    return own and TIME_VARIABLE not in model.distribution.domain.codes
