"""Whether a model holds nothing but what its pack says: fitted to the pack again, it is the same.

A private pack guarantees nothing of a model that was fitted to something else and carries the
pack along.  Fits draw nothing, so the same pack gives the same model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthgen.enclave.fit import fit_tabulated
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.models.plain import describe_distribution, distribution_arrays

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Differences between machines; probabilities are compared."""


def follows_from_pack(model: FittedModel) -> bool:
    """Whether fitting a model's pack gives the model.

    Parameters
    ----------
    model : FittedModel
        Of a pack with a schema of its own, without a prior model.

    Raises
    ------
    SynthgenError
        If the pack cannot be fitted.
    """
    own = model.pack.own_schema
    if own is None or own != model.schema:
        return False
    return same_distribution(model.distribution, fit_tabulated(model.pack, own).distribution)


def same_distribution(first: Distribution | Mixture, second: Distribution | Mixture) -> bool:
    """Whether two distributions are the same but for rounding.

    Parameters
    ----------
    first, second : Distribution or Mixture
    """
    if first.domain != second.domain or type(first) is not type(second):
        return False
    if describe_distribution(first) != describe_distribution(second):
        return False
    left, right = distribution_arrays(first), distribution_arrays(second)
    return left.keys() == right.keys() and all(
        np.shape(left[name]) == np.shape(right[name])
        and np.allclose(left[name], right[name], rtol=RELATIVE, atol=ABSOLUTE)
        for name in left
    )
