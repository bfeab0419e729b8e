"""Counts with added noise of known standard deviation (differential privacy)."""

from __future__ import annotations

import math

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.hierarchy import strata
from synthgen.statistics.kinds.counts import stratum_members
from synthgen.statistics.kinds.kind import Kind
from synthgen.statistics.model import StatisticsTable
from synthgen.statistics.statement import Statement, weighted


def check(table: StatisticsTable, schema: Schema) -> None:
    """Refuse a table that does not say how much noise was added."""
    noise = table.protection.noise_sd
    if noise is None or not noise > 0:
        raise StatisticsError(
            f"{table.name}: protection has no noise_sd; a table of noisy counts must state the "
            "standard deviation of its noise [cases]"
        )
    strata(table, schema)


def statements(table: StatisticsTable, schema: Schema) -> tuple[Statement, ...]:
    """Each cell's share, whose error adds the noise to the count's own error.

    Noise can carry a count below zero; the statement keeps that value, because clipping it
    would bias the sum of many small cells upwards.
    """
    noise = table.protection.noise_sd or 0.0
    said: list[Statement] = []
    for stratum in strata(table, schema):
        total = stratum.total
        for cell in stratum.cells:
            given, event = stratum_members(table, cell, stratum, schema)
            variance = noise**2 + max(cell.value, 1.0)
            said.append(
                weighted(
                    Statement(
                        table=table.name,
                        row=cell.row,
                        kind=table.kind,
                        relation=table.relation,
                        event=event,
                        given=given,
                        lower=cell.lower / total,
                        upper=cell.upper / total,
                        standard_error=math.sqrt(variance) / total,
                        cases=total,
                        estimator="noisy",
                        printed=cell.printed,
                    ),
                    table.weight,
                )
            )
    return tuple(said)


NOISY_COUNTS = Kind(
    "noisy_counts", {"cases": 1.0}, check, statements, bounds=(float("-inf"), float("inf"))
)
