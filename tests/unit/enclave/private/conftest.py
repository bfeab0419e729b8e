"""Patients with several visits, drawn here, and a tabulation of them with noise of numpy.

The noise of the tests is numpy's, so that what is tested of the tables does not depend on
luck; that of the product is OpenDP's and has no seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from synthgen.enclave.private.accounting import gaussian_rho, noisy_best_rho
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.settings import Settings


class SeededNoise:
    """Noise of numpy, for tests only: it can be repeated, so it protects nobody."""

    def __init__(self, seed: int = 0, factor: float = 1.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.factor = factor
        self.name = "numpy, for tests"
        self.asked: list[npt.NDArray[np.int64]] = []

    def gaussian(self, counts, sigma: float, sensitivity: float):
        self.asked.append(np.array(counts))
        drawn = np.rint(self.rng.normal(0, sigma * self.factor, len(counts))).astype(np.int64)
        return counts + drawn, gaussian_rho(sensitivity, sigma)

    def best(self, scores: Sequence[int], scale: float, sensitivity: int):
        self.asked.append(np.array(scores))
        noisy = np.array(scores) + self.rng.gumbel(0, scale * self.factor, len(scores))
        return int(np.argmax(noisy)), noisy_best_rho(sensitivity, scale)


@pytest.fixture
def noise():
    return SeededNoise()


@pytest.fixture(scope="session")
def binned(schema):
    """The example schema with limits for its months: every column can be counted."""
    tables = []
    for table in schema.tables:
        columns = tuple(
            replace(c, minimum=0.0, maximum=400.0) if c.name.startswith("months_") else c
            for c in table.columns
        )
        tables.append(replace(table, columns=columns))
    return replace(schema, tables=tuple(tables))


@pytest.fixture
def asked():
    return Settings(allow_repeated=True, max_cells=60)


@pytest.fixture
def settings(asked):
    return PrivateSettings(1.0, 1e-6, asked)


def as_frames(operations: pd.DataFrame, visits: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"operation": operations, "visit": visits}
