"""Published tables of the invented population: safely large, and hidden badly."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from synthgen.fidelity.encoding import texts
from synthgen.findings import Subjects
from synthgen.privacy.controls.packs import (
    pack_of_tables,
    schema_of_codes,
    table_of_patients,
)
from synthgen.privacy.controls.truth import ENTITIES, ENTITY_SHARE, REGION_SHARE, REGIONS
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, Protection, StatisticsPack

AXES = {"region": REGIONS, "entity": ENTITIES}
PUBLISHED_PATIENTS = 100_000
"""Patients of the invented population whose tables are published: every cell is large."""


def tables_schema() -> Schema:
    """The invented contract with two model variables, which tables speak about."""
    return schema_of_codes(AXES)


def published_pack() -> StatisticsPack:
    """Expected counts of 100,000 patients by region and entity, with all totals."""
    counts = PUBLISHED_PATIENTS * np.outer(REGION_SHARE, ENTITY_SHARE)
    return _pack(np.rint(counts).astype(np.int64), 0)


def primary_only(records: Subjects, k: int = 5) -> StatisticsPack:
    """Counts of these records with cells under ``k`` hidden, and all totals left as they are.

    The classic mistake: a hidden cell is its row's total less the others.
    """
    rows = [texts(records.frame[name]) for name in AXES]
    counts = np.array(
        [[((rows[0] == r) & (rows[1] == e)).sum() for e in ENTITIES] for r in REGIONS]
    )
    return _pack(counts, k)


def _pack(counts: np.ndarray[tuple[int, int], np.dtype[np.int64]], k: int) -> StatisticsPack:
    def cell(members: dict[str, tuple[str, ...]], count: int) -> Cell:
        if 0 < count < k:
            return Cell(members, 1.0, float(k - 1), printed=f"<{k}")
        return Cell(members, float(count), float(count), printed=str(count))

    inner = [
        cell({"region": (region,), "entity": (entity,)}, int(counts[i, j]))
        for (i, region), (j, entity) in itertools.product(enumerate(REGIONS), enumerate(ENTITIES))
    ]
    by_region = [cell({"region": (r,)}, int(counts[i].sum())) for i, r in enumerate(REGIONS)]
    by_entity = [cell({"entity": (e,)}, int(counts[:, j].sum())) for j, e in enumerate(ENTITIES)]
    everybody = [cell({}, int(counts.sum()))]
    cells = tuple(
        replace(one, row=row)
        for row, one in enumerate((*inner, *by_region, *by_entity, *everybody), start=2)
    )
    titles = ("patients by region and entity", "지역과 종류별 환자")
    hidden = Protection(suppressed_below=k or None)
    table = table_of_patients(tuple(AXES), titles, "counts", cells, hidden)
    said = ("controls", "controls", "대조")
    return pack_of_tables(said, tables_schema(), "public-statistics", (table,), tuple(AXES))
