"""The numbers of a gap table, apart from the statements that the pack itself holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthgen.errors import ModelError
from synthgen.models.fit import Gap
from synthgen.statistics.statement import Statement


def gaps_to_rows(gaps: Sequence[Gap]) -> list[list[Any]]:
    """Table, row, fitted value, gap in standard errors and multiplier of every statement."""
    return [
        [g.statement.table, g.statement.row, g.fitted, g.standard_errors, g.multiplier]
        for g in gaps
    ]


def gaps_from_rows(rows: Sequence[Sequence[Any]], said: Sequence[Statement]) -> tuple[Gap, ...]:
    """Gaps of the statements that a pack makes, in the same order.

    Raises
    ------
    ModelError
        If the rows are not about these statements.
    """
    if [(r[0], r[1]) for r in rows] != [(s.table, s.row) for s in said]:
        raise ModelError(
            f"gap table: is not about the statements of the pack ({len(rows)} rows, "
            f"{len(said)} statements)"
        )
    return tuple(
        Gap(statement, float(fitted), float(errors), float(multiplier))
        for (_, _, fitted, errors, multiplier), statement in zip(rows, said, strict=True)
    )
