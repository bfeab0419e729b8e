"""What may not come after what: from the rules of the schema and from its end points."""

from __future__ import annotations

from synthgen.cohort.rule_orders import ordered_pairs
from synthgen.enclave.coding import cell
from synthgen.enclave.made_bins import patients_where
from synthgen.enclave.records import Records
from synthgen.enclave.units import source_of
from synthgen.schema.model import ColumnType, Schema
from synthgen.schema.rules.tree import ColumnName

NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER)

Pairs = dict[str, str]
"""Qualified column to the one it is bounded by."""


def _kind(schema: Schema, column: ColumnName) -> ColumnType:
    return schema.table(column.table).column(column.name).type


def not_above(records: Records, *, least: int = 1) -> Pairs:
    """For each number that cannot exceed another of its row: that other one.

    Rules come first.  Two end points of a table in one unit are taken to be in order where no
    record says otherwise, so that no relapse can be made that comes after a death.

    Parameters
    ----------
    records : Records
    least : int
        Fewest patients that may say so, or say otherwise.
    """
    schema = records.schema
    pairs: Pairs = {}
    for variable in schema.variables:  # of an earlier tabulation
        if variable.not_above and variable.column.partition(".")[0] in records.relations:
            _add(pairs, variable.column, variable.not_above)
    for lower, upper in ordered_pairs(schema):
        numbers = _kind(schema, lower) in NUMBERS and _kind(schema, upper) in NUMBERS
        if numbers and lower.table == upper.table and lower.table in records.relations:
            _add(pairs, lower.qualified, upper.qualified)
    for table in records.tables:
        times = list(dict.fromkeys((p.time, p.unit) for p in table.end_points))
        for first, unit in times:
            for second, other in times:
                if first == second or unit != other:
                    continue
                early, late = f"{table.name}.{first}", f"{table.name}.{second}"
                source = source_of(records, table)
                above, below = (
                    patients_where(
                        records, table.name, source, f"{cell(early)} {sign} {cell(late)}"
                    )
                    for sign in "><"
                )
                if above < least <= below:
                    _add(pairs, early, late)
    return pairs


def _add(pairs: Pairs, lower: str, upper: str) -> None:
    """Add a pair, unless the column is bounded already or a circle would close."""
    if lower in pairs:
        return
    if leads_to(pairs, upper, lower):
        return
    pairs[lower] = upper


def earlier_dates(schema: Schema) -> Pairs:
    """For each date that cannot be earlier than another: that other one."""
    pairs: Pairs = {}
    for lower, upper in ordered_pairs(schema):
        if _kind(schema, lower) is ColumnType.DATE and _kind(schema, upper) is ColumnType.DATE:
            _add(pairs, upper.qualified, lower.qualified)
    return pairs


def leads_to(pairs: Pairs, column: str, target: str) -> bool:
    """Whether a column is bounded, directly or through others, by the target."""
    at: str | None = column
    while at is not None:
        if at == target:
            return True
        at = pairs.get(at)
    return False
