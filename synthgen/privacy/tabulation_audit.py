"""M2, the whole: the private tabulation itself, run on two invented data sets of a few people.

The tabulation is run once on each, with a recorder in the place of the noise.  The recorder
sees everything that would be published before noise is added, in order, and how much noise is
asked for: so what is drawn afterwards many times is what so many tabulations would publish.
The person who is in one data set only has many rows, and codes that nobody else has; this is
how a contribution that is not bounded, a domain that is taken from the records, and a budget
that is not divided show themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.private.noise import IntArray, Noise, RepeatedNoise
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.private.tabulate import tabulate_private
from synthgen.enclave.settings import Settings
from synthgen.privacy.accounting import cost
from synthgen.privacy.distinguishing import Audited
from synthgen.privacy.private_mechanisms import TableRuns, audit_of_tables
from synthgen.schema.model import (
    Category,
    Code,
    CodeList,
    Column,
    ColumnType,
    ForeignKey,
    Schema,
    Sensitivity,
    Table,
    Variable,
)

EPSILON, DELTA = 2.0, 1e-6
"""Claim of the tabulation that is tried."""

DRAWS = 40_000
"""Noisy numbers that are drawn."""

VISITS = 9
"""Rows of the person who is in one data set only; one is kept."""

CODES = {"sex": ("1", "2"), "entity": ("A", "B", "C"), "kind": ("x", "y")}
PLAN = Plan(
    (
        PlannedTable(("sex",)),
        PlannedTable(("sex", "entity")),
        PlannedTable(("kind",), ("entity",)),
    )
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """One question as it reached the noise: exact counts, and the noise that was asked for."""

    counts: Floats
    sigma: float


class Recorder:
    """Stands where the noise does, adds none, and remembers what it was asked."""

    name = "a recorder: no noise"

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def gaussian(
        self, counts: IntArray, sigma: float, sensitivity: float
    ) -> tuple[IntArray, float]:
        """The counts as they are."""
        flat = np.asarray(counts, dtype=np.float64).ravel()
        self.asked.append(Asked(flat, sigma))
        return counts.copy(), cost(sensitivity, sigma)

    def best(self, scores: Sequence[int], scale: float, sensitivity: int) -> tuple[int, float]:
        """The largest score."""
        return int(np.argmax(scores)), cost(float(sensitivity), scale)


Tabulation = Callable[[bool, Noise], object]
"""``tabulate(with_person, noise)``."""


def small_schema() -> Schema:
    """Patients and their visits."""
    lists = {
        name: CodeList(name, name, name, "invented", tuple(Code(c, c, c) for c in codes))
        for name, codes in CODES.items()
    }

    def coded(name: str) -> Column:
        return Column(name, ColumnType.CODE, False, name, name, codes=lists[name])

    def key(name: str) -> Column:
        return Column(
            name,
            ColumnType.STRING,
            nullable=False,
            title="id",
            title_ko="식별자",
            pattern="[PV][0-9]+",
            sensitivity=Sensitivity.IDENTIFIER,
        )

    patient = Table(
        "patient",
        "patients",
        "환자",
        "patient",
        (key("patient_id"), coded("sex"), coded("entity")),
        primary_key=("patient_id",),
    )
    visit = Table(
        "visit",
        "visits",
        "방문",
        "visit",
        (key("visit_id"), key("patient_id"), coded("kind")),
        primary_key=("visit_id",),
        foreign_keys=(ForeignKey(("patient_id",), "patient", ("patient_id",)),),
    )
    of = {"sex": "patient", "entity": "patient", "kind": "visit"}
    variables = tuple(
        Variable(n, n, n, tuple(Category(c, c, c) for c in codes), f"{of[n]}.{n}")
        for n, codes in CODES.items()
    )
    return Schema("audit", "1.0.0", "audit", "감사", (patient, visit), lists, variables=variables)


def tabulated(with_person: bool, noise: Noise) -> object:
    """The tabulation of this installation, on one of the two data sets.

    Parameters
    ----------
    with_person : bool
    noise : Noise
    """
    import pandas as pd

    people = [("P1", "1", "A"), ("P2", "1", "A"), *([("P3", "2", "C")] if with_person else [])]
    visits = [("V1", "P1", "x"), ("V2", "P2", "x")]
    visits += [(f"V{10 + i}", "P3", "y") for i in range(VISITS if with_person else 0)]
    tables = {
        "patient": pd.DataFrame(people, columns=["patient_id", "sex", "entity"]),
        "visit": pd.DataFrame(visits, columns=["visit_id", "patient_id", "kind"]),
    }
    settings = PrivateSettings(EPSILON, DELTA, Settings(plan=PLAN))
    return tabulate_private(tables, small_schema(), settings, noise=noise)


def audit_of_tabulation(
    noise: RepeatedNoise,
    tabulate: Tabulation = tabulated,
    claim: tuple[float, float] = (EPSILON, DELTA),
    draws: int = DRAWS,
) -> Audited:
    """Audit of a whole tabulation.

    Parameters
    ----------
    noise : RepeatedNoise
        Drawn as often as the tabulation would.
    tabulate : callable
    claim : tuple of (float, float)
    draws : int
        Noisy numbers in all.

    Returns
    -------
    Audited
        If the two data sets are not even asked the same questions, outputs of one give it away
        each time.
    """
    recorders = [Recorder(), Recorder()]
    for recorder, with_person in zip(recorders, (False, True), strict=True):
        tabulate(with_person, recorder)
    without, beside = (recorder.asked for recorder in recorders)
    exact, sigma = _aligned(without, beside)
    differ = ~(exact[0] == exact[1])  # NaN differs from everything
    runs = max(1, draws // max(1, int(differ.sum())))
    made = [_runs(side[differ], sigma[differ], noise, runs) for side in exact]
    name = f"{len(without)} noisy tables of invented patients"
    return audit_of_tables(name, made[0], made[1], sigma[differ], claim)


def _aligned(
    without: Sequence[Asked], beside: Sequence[Asked]
) -> tuple[tuple[Floats, Floats], Floats]:
    """Exact numbers of both data sets side by side; NaN where one has no such number."""
    left: list[float] = []
    right: list[float] = []
    sigma: list[float] = []
    for at in range(max(len(without), len(beside))):
        one = without[at] if at < len(without) else None
        other = beside[at] if at < len(beside) else None
        sizes = [0 if asked is None else len(asked.counts) for asked in (one, other)]
        for side, asked, size in zip((left, right), (one, other), sizes, strict=True):
            counts = [] if asked is None else asked.counts.tolist()
            side += [*counts, *([math.nan] * (max(sizes) - size))]
        drawn = [asked.sigma for asked in (one, other) if asked is not None]
        sigma += [min(drawn)] * max(sizes)
    return (np.array(left), np.array(right)), np.array(sigma)


def _runs(exact: Floats, sigma: Floats, noise: RepeatedNoise, runs: int) -> TableRuns:
    columns = []
    for value, scale in zip(exact, sigma, strict=True):
        if math.isnan(value):
            columns.append(np.full(runs, math.nan))
            continue
        columns.append(value + noise.repeated(float(scale), runs).astype(np.float64))
    noisy = np.column_stack(columns) if columns else np.zeros((runs, 0))
    return TableRuns(exact, noisy)
