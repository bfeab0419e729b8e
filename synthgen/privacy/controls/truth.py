"""An invented population of patients, so that the controls need no real person's record.

Numbers with heavy tails, codes with rare categories, dependence that no table of two
columns holds entirely: what makes real cohorts leak.  Nothing in it is an estimate of
anything; the parameters are chosen for shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.cohort.identifiers import patient_ids
from synthgen.findings import Subjects
from synthgen.schema.model import (
    Code,
    CodeList,
    Column,
    ColumnType,
    EndPoint,
    Rule,
    Schema,
    Sensitivity,
    Severity,
    Table,
)

if TYPE_CHECKING:
    import pandas as pd

CATEGORICAL = ("sex", "region", "entity", "stage", "grade", "treatment", "dead")
NUMERIC = ("age", "size", "nodes", "marker", "days")

#: Public bins of the numeric columns: inner limits, in the unit of the column.
PUBLIC_CUTS: dict[str, tuple[float, ...]] = {
    "age": (20, 30, 40, 50, 60, 70, 80),
    "size": (10, 20, 30, 50, 70, 100, 150),
    "nodes": (1, 2, 4, 7, 10, 15, 25),
    "marker": (1, 2, 5, 10, 20, 50, 100, 500),
    "days": (90, 180, 365, 730, 1095, 1825, 2555, 3285),
}
#: Public range of each numeric column; the schema states it.
PUBLIC_RANGE: dict[str, tuple[float, float]] = {
    "age": (0, 110),
    "size": (0, 1000),
    "nodes": (0, 200),
    "marker": (0, 100_000),
    "days": (0, 3650),
}

ENTITIES = ("A", "B", "C", "D", "E", "F", "G", "H")
ENTITY_SHARE = (0.34, 0.20, 0.15, 0.11, 0.08, 0.06, 0.04, 0.02)
REGIONS = ("11", "21", "22", "23", "31", "32", "33")
REGION_SHARE = (0.30, 0.20, 0.16, 0.12, 0.10, 0.08, 0.04)
_MEDIAN_AGE = (62, 45, 70, 55, 16, 35, 66, 8)
_MALE = (0.9, 0.2, 0.6, 0.5, 0.55, 0.1, 0.95, 0.5)
_STAGE = (
    (0.60, 0.25, 0.10, 0.05),
    (0.15, 0.50, 0.25, 0.10),
    (0.05, 0.15, 0.30, 0.50),
    (0.40, 0.40, 0.15, 0.05),
    (0.10, 0.20, 0.30, 0.40),
    (0.80, 0.15, 0.04, 0.01),
    (0.05, 0.05, 0.20, 0.70),
    (0.25, 0.25, 0.25, 0.25),
)
_GRADE = ((0.6, 0.3, 0.1), (0.25, 0.55, 0.2), (0.1, 0.3, 0.6), (0.03, 0.12, 0.85))
_TREATMENT = (
    (0.85, 0.10, 0.03, 0.02),
    (0.45, 0.45, 0.05, 0.05),
    (0.10, 0.50, 0.35, 0.05),
    (0.02, 0.08, 0.65, 0.25),
)
_MARKER = (0.5, 2.5, 1.5, 0.2, 4.0, 0.8, 3.0, 2.0)
_SCALE_YEARS = (14.0, 7.0, 3.0, 1.0)


def _drawn(
    rng: np.random.Generator, rows: npt.NDArray[np.intp], table: Sequence[Sequence[float]]
) -> npt.NDArray[np.intp]:
    """One category for each patient, from the row of a table of probabilities."""
    limits = np.cumsum(np.array(table), axis=1)
    above = (rng.random(len(rows))[:, None] > limits[rows]).sum(axis=1)
    return np.asarray(np.minimum(above, limits.shape[1] - 1), dtype=np.intp)


def patients(
    n: int, rng: np.random.Generator, entity_share: npt.ArrayLike = ENTITY_SHARE
) -> Subjects:
    """Independent patients of the invented population.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    entity_share : array-like of float, shape (8,)
        Share of each entity; a published table, for a generator that has only that.
    """
    import pandas as pd

    share = np.asarray(entity_share, dtype=np.float64)
    entity = rng.choice(len(ENTITIES), size=n, p=share / share.sum())
    male = rng.random(n) < np.array(_MALE)[entity]
    age = np.clip(np.array(_MEDIAN_AGE)[entity] + 11 * rng.standard_normal(n), 0, 99).astype(int)
    stage = _drawn(rng, entity, _STAGE)
    grade = _drawn(rng, stage, _GRADE)
    treatment = _drawn(rng, stage, _TREATMENT)
    region = rng.choice(len(REGIONS), size=n, p=np.array(REGION_SHARE))
    size = np.exp(2.4 + 0.5 * stage + 0.55 * rng.standard_normal(n))
    nodes = rng.negative_binomial(0.6, 0.6 / (0.6 + 0.5 + 2.5 * stage))
    marker = np.exp(np.array(_MARKER)[entity] + 0.5 * stage + 1.1 * rng.standard_normal(n))
    scale = np.array(_SCALE_YEARS)[stage] * np.exp(-0.012 * (age - 60)) * 365.25
    death = scale * rng.weibull(0.8, n)
    followed = rng.uniform(365, 3650, n)
    frame = pd.DataFrame(
        {
            "sex": np.where(male, "1", "2"),
            "region": np.array(REGIONS)[region],
            "entity": np.array(ENTITIES)[entity],
            "stage": np.array(("1", "2", "3", "4"))[stage],
            "grade": np.array(("1", "2", "3"))[grade],
            "treatment": np.array(("S", "M", "C", "N"))[treatment],
            "dead": np.where(death <= followed, "1", "0"),
            "age": age.astype(np.float64),
            "size": np.clip(np.round(size), 1, 999),
            "nodes": np.clip(nodes, 0, 199).astype(np.float64),
            "marker": np.clip(np.round(marker, 1), 0, 99_999),
            "days": np.ceil(np.minimum(death, followed)),
        }
    )
    return Subjects(frame, CATEGORICAL, NUMERIC)


def truth_schema() -> Schema:
    """The contract of the invented population: public code lists and ranges, two rules."""
    lists = {
        "sex": ("1", "2"),
        "region": REGIONS,
        "entity": ENTITIES,
        "stage": ("1", "2", "3", "4"),
        "grade": ("1", "2", "3"),
        "treatment": ("S", "M", "C", "N"),
        "dead": ("0", "1"),
    }
    code_lists = {
        name: CodeList(name, name, name, "invented", tuple(Code(c, c, c) for c in codes))
        for name, codes in lists.items()
    }
    identifier = Column(
        "patient_id",
        ColumnType.STRING,
        nullable=False,
        title="id",
        title_ko="식별자",
        pattern="SY[0-9A-Z]{8}",
        sensitivity=Sensitivity.IDENTIFIER,
    )
    coded = [
        Column(name, ColumnType.CODE, False, name, name, codes=code_lists[name]) for name in lists
    ]
    measured = [
        Column(name, ColumnType.NUMBER, False, name, name, minimum=low, maximum=high)
        for name, (low, high) in PUBLIC_RANGE.items()
    ]
    table = Table(
        "patient",
        "patients",
        "환자",
        "patient",
        (identifier, *coded, *measured),
        primary_key=("patient_id",),
        end_points=(EndPoint("death", "death", "사망", "days", "dead", "days", ("1",)),),
    )
    rule = Rule(
        "BABY-ENTITY",
        Severity.UNLIKELY,
        "patient.entity = 'A' and patient.age < 1",
        "an infant with entity A",
        "엔티티 A를 가진 영아",
        "invented",
    )
    return Schema("control", "1.0.0", "controls", "대조", (table,), code_lists, (rule,))


def as_tables(subjects: Subjects) -> dict[str, pd.DataFrame]:
    """Patients as the table that the schema describes, with identifiers in front."""
    frame = subjects.frame.copy()
    frame.insert(0, "patient_id", patient_ids("control", 1, 0, len(frame)))
    return {"patient": frame}
