"""Private tables of the invented population: one honest way to make them, and five wrong ones.

Each is what a real mistake looks like.  The noise here is seeded, for tests of the battery
alone; nothing made of it may be released.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import numbers, texts
from synthgen.findings import Subjects
from synthgen.privacy.accounting import epsilon_of
from synthgen.privacy.controls.packs import (
    pack_of_tables,
    schema_of_codes,
    table_of_patients,
)
from synthgen.privacy.controls.truth import CATEGORICAL, NUMERIC, truth_schema
from synthgen.privacy.distinguishing import Audited
from synthgen.privacy.private_mechanisms import TableRuns, audit_of_tables
from synthgen.schema.model import Schema
from synthgen.statistics.ledger import FORMAT, Ledger, LedgerEntry
from synthgen.statistics.model import Cell, Protection, StatisticsPack, StatisticsTable

EPSILON, DELTA = 1.0, 1e-6
"""What every private control claims, rightly or wrongly."""

RUNS = 10_000
"""Runs of the whole tabulation on each data set; with more tables the loss adds up."""

NOT_DIVIDED, FALSE_BOOKS, DATA_DOMAIN, UNBOUNDED, NEVER_DRAWN = (
    "budget not divided",
    "budget not divided, entered as if",
    "domain from the records",
    "contribution not bounded",
    "noise never drawn",
)
"""The faults.  Of the second the ledger knows nothing: only running the code shows it."""

Axes = tuple[str, ...]
Floats = npt.NDArray[np.float64]

ALL_TABLES: tuple[Axes, ...] = (
    *((name,) for name in CATEGORICAL),
    *itertools.combinations(CATEGORICAL, 2),
)
"""Tables of one and of two columns: the more share a budget, the worse if nobody divides it."""


def private_schema() -> Schema:
    """The invented contract with a model variable for each coded column."""
    return schema_of_codes(_codes())


def _codes() -> dict[str, tuple[str, ...]]:
    lists = truth_schema().code_lists
    return {name: tuple(code.code for code in lists[name].codes) for name in CATEGORICAL}


def discrete_gaussian(scale: float, size: int, rng: np.random.Generator) -> Floats:
    """Seeded discrete Gaussian noise, from its probabilities in floating point.

    Parameters
    ----------
    scale : float
        Over 0.
    size : int
    rng : numpy.random.Generator
    """
    most = math.ceil(14.0 * scale) + 1
    values = np.arange(-most, most + 1, dtype=np.float64)
    weight = np.exp(-0.5 * (values / scale) ** 2)
    limits = np.cumsum(weight / weight.sum())
    return np.asarray(values[np.minimum(np.searchsorted(limits, rng.random(size)), 2 * most)])


@dataclass(frozen=True)
class PrivateTables:
    """A tabulation with noise under one budget.

    Parameters
    ----------
    tables : tuple of tuple of str
        Columns of each.
    fault : str
        What is wrong with it, ``""`` for nothing.
    """

    tables: tuple[Axes, ...] = ALL_TABLES
    fault: str = ""

    @property
    def claimed_scale(self) -> float:
        """Noise of each table if the budget is divided evenly."""
        return math.sqrt(len(self.tables) / (2.0 * _rho()))

    @property
    def scale(self) -> float:
        """Noise that is drawn."""
        if self.fault in (NOT_DIVIDED, FALSE_BOOKS):
            return math.sqrt(1.0 / (2.0 * _rho()))
        return self.claimed_scale

    def cells(self) -> list[tuple[Axes, Axes]]:
        """Columns and codes of every number, in the order in which they are published."""
        codes = _codes()
        return [
            (axes, combined)
            for axes in self.tables
            for combined in itertools.product(*(codes[name] for name in axes))
        ]

    def counts(self, records: Subjects) -> Floats:
        """What is counted before noise; NaN for what is not published."""
        rows = {name: texts(records.frame[name]) for name in CATEGORICAL}
        weight = np.ones(len(records))
        if self.fault == UNBOUNDED:  # every involved node is a row of its patient
            weight += np.nan_to_num(numbers(records.frame["nodes"]))
        made: list[float] = []
        for axes in self.tables:
            keys = [tuple(row) for row in np.column_stack([rows[name] for name in axes])]
            found: dict[Axes, float] = {}
            for key, w in zip(keys, weight, strict=True):
                found[key] = found.get(key, 0.0) + w
            codes = itertools.product(*(_codes()[name] for name in axes))
            empty = math.nan if self.fault == DATA_DOMAIN else 0.0
            made += [found.get(combined, empty) for combined in codes]
        return np.array(made)

    def publish(self, counts: Floats, runs: int, rng: np.random.Generator) -> Floats:
        """Counts with noise, so many times.

        Returns
        -------
        ndarray of float, shape (runs, numbers)
        """
        if self.fault == NEVER_DRAWN:
            return np.tile(counts, (runs, 1))
        noise = discrete_gaussian(self.scale, runs * len(counts), rng)
        return counts + noise.reshape(runs, len(counts))

    def ledger(self) -> Ledger:
        """What the ledger says it cost."""
        told = self.scale if self.fault == NOT_DIVIDED else self.claimed_scale
        each = _rho() / len(self.tables)
        return Ledger(
            format=FORMAT,
            unit="patient",
            neighbours="add or remove one patient",
            rows_per_unit={"patient": 1},
            epsilon=EPSILON,
            delta=DELTA,
            rho=_rho(),
            accounting="zCDP: Bun and Steinke 2016, doi:10.1007/978-3-662-53641-4_24; Canonne, "
            "Kamath and Steinke 2020, arXiv:2004.00010",
            public=("codes of the schema", "list of tables"),
            noise="seeded, of a control; not for releases",
            entries=tuple(
                LedgerEntry("measure", ",".join(axes), "discrete_gaussian", 1.0, told, each)
                for axes in self.tables
            ),
        )

    def pack(self, records: Subjects, rng: np.random.Generator) -> StatisticsPack:
        """Private tables of some records.

        Parameters
        ----------
        records : Subjects
        rng : numpy.random.Generator
        """
        (values,) = self.publish(self.counts(records), 1, rng)
        ledger = self.ledger()
        rows: dict[Axes, list[Cell]] = {axes: [] for axes in self.tables}
        for (axes, codes), value in zip(self.cells(), values, strict=True):
            if math.isnan(value):
                continue
            members = {name: (code,) for name, code in zip(axes, codes, strict=True)}
            row = len(rows[axes]) + 2
            rows[axes].append(Cell(members, value, value, printed=f"{value:g}", row=row))
        noise = {e.of: e.scale for e in ledger.entries}
        tables = [_table(axes, cells, noise[",".join(axes)]) for axes, cells in rows.items()]
        titles = ("private-controls", "private controls", "차등 정보보호 대조")
        return pack_of_tables(titles, private_schema(), "enclave", tables, CATEGORICAL, ledger)

    def audit(self, rng: np.random.Generator, runs: int = RUNS) -> Audited:
        """M2 on the whole tabulation: with and without the person who shows most.

        Parameters
        ----------
        rng : numpy.random.Generator
        runs : int
            On each data set.
        """
        found = []
        for data in worst_neighbours():
            exact = self.counts(data)
            found.append(TableRuns(exact, self.publish(exact, runs, rng)))
        scale = np.full(len(found[0].exact), self.claimed_scale)
        return audit_of_tables("whole tabulation", found[0], found[1], scale, (EPSILON, DELTA))


def _table(axes: Axes, cells: Sequence[Cell], noise_sd: float) -> StatisticsTable:
    titles = (f"patients by {' and '.join(axes)}", f"{'·'.join(axes)}별 환자")
    return table_of_patients(axes, titles, "noisy_counts", cells, Protection(noise_sd=noise_sd))


_RHO: dict[tuple[float, float], float] = {}


def _rho() -> float:
    """Largest zCDP cost that the claim allows, by bisection."""
    key = (EPSILON, DELTA)
    if key not in _RHO:
        low, high = 0.0, EPSILON
        for _ in range(60):
            middle = (low + high) / 2.0
            low, high = (middle, high) if epsilon_of(middle, DELTA) <= EPSILON else (low, middle)
        _RHO[key] = low
    return _RHO[key]


def worst_neighbours() -> tuple[Subjects, Subjects]:
    """Two invented patients, and the same with one who is in no cell with them.

    No record is in them: a worst pair is made, not found.
    """
    import pandas as pd

    codes = _codes()
    rows: dict[str, list[object]] = {name: [c[0], c[0], c[-1]] for name, c in codes.items()}
    rows |= {name: [0.0, 0.0, 9.0] for name in NUMERIC}
    whole = pd.DataFrame(rows)
    return Subjects(whole.iloc[:2], CATEGORICAL, NUMERIC), Subjects(whole, CATEGORICAL, NUMERIC)


FAULTS: tuple[str, ...] = (NOT_DIVIDED, FALSE_BOOKS, DATA_DOMAIN, UNBOUNDED, NEVER_DRAWN)
