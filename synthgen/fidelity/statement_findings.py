"""Published numbers that the release reproduces, and those that it does not."""

from __future__ import annotations

import numpy as np

from synthgen.cohort.cohort import Cohort
from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.compare import compare
from synthgen.fidelity.comparison import NEAR
from synthgen.fidelity.results import share
from synthgen.findings import MISSING_INPUT, Finding, Inputs, not_testable

MEASURE = "statements"


def statements(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Share of published numbers that the release, and the model, miss.

    Parameters
    ----------
    inputs : Inputs
        With ``model`` and ``cohort``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        ``release``: share of the comparable statements of which the release's own estimate
        lies more than two joint standard errors outside the published interval; chance
        alone makes about one in twenty.  ``model``: the same for the fitted value.

    Notes
    -----
    The comparison is :func:`synthgen.fidelity.compare.compare`, each number by the estimator
    that was published.  Bounds: Clopper & Pearson, as if statements were independent; tables
    that share patients are not, so read the bounds as too narrow.
    """
    del rng
    model = inputs.model
    if not isinstance(model, FittedModel) or not inputs.cohort:
        return [not_testable(MEASURE, "U", MISSING_INPUT)]
    cohort = Cohort(model.schema, inputs.cohort, {})
    compared = compare(model, cohort)
    published = [c.published_gap for c in compared if c.published_gap is not None]
    fitted = [c.model_gap for c in compared if c.model_gap is not None]
    detail = {"statements": len(compared)}
    return [
        share(MEASURE, "U", part, sum(abs(g) > NEAR for g in gaps), len(gaps), detail)
        for part, gaps in (("release", published), ("model", fitted))
    ]
