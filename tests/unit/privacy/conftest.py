"""Small sets of patients for the attacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthgen.findings import Inputs, Subjects
from synthgen.privacy.controls.table import CONTROLS
from synthgen.privacy.controls.truth import as_tables, patients, truth_schema


@pytest.fixture
def inputs_of():
    """Inputs from three sets of patients."""

    def make(train: Subjects, control: Subjects | None, release: Subjects, **more: Any) -> Inputs:
        made = Inputs(
            truth_schema(),
            as_tables(release),
            release,
            train,
            control,
            None,
            None,
            None,
            None,
            (("sex", "region", "age"),),
            ("grade", "marker"),
            (("stage",),),
            11,
        )
        return replace(made, **more)

    return make


@pytest.fixture
def copied(inputs_of):
    """A release that is the training records."""
    rng = np.random.default_rng(1)
    train, control = patients(100, rng), patients(100, rng)
    return inputs_of(train, control, train)


@pytest.fixture
def apart(inputs_of):
    """A release of people that nobody has seen."""
    rng = np.random.default_rng(2)
    return inputs_of(*(patients(400, rng) for _ in range(3)))


@pytest.fixture
def of_frame():
    """Subjects from columns; names that begin with ``n_`` are numbers."""

    def make(**columns: Any) -> Subjects:
        numeric = tuple(c for c in columns if c.startswith("n_"))
        categorical = tuple(c for c in columns if c not in numeric)
        return Subjects(pd.DataFrame(columns), categorical, numeric)

    return make


@pytest.fixture
def controls():
    """All controls by id."""
    return {one.id: one for one in CONTROLS}
