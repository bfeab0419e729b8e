"""What rules of a schema say about order: one date before another, rows numbered as they happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthgen.schema.model import ColumnType, Schema, Severity, Table
from synthgen.schema.rules import all_rules
from synthgen.schema.rules.check import check_rule
from synthgen.schema.rules.tree import OTHER, All, Another, AnyOf, ColumnName, Compare, Condition


def ordered_pairs(schema: Schema) -> list[tuple[ColumnName, ColumnName]]:
    """Pairs (lower, upper) of columns that an impossible rule keeps in order.

    ``relapse_time > death_time`` impossible gives (relapse_time, death_time); of several conditions
    of which each alone is impossible, each gives its pair.
    """
    found = []
    for rule in schema.rules:
        if rule.severity is not Severity.IMPOSSIBLE:
            continue
        condition = check_rule(schema, rule).condition
        for part in condition.parts if isinstance(condition, AnyOf) else (condition,):
            pair = _ordered(part)
            if pair is not None:
                found.append(pair)
    return found


def dates_at_most(schema: Schema, table: str, known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Dates of a table that lie no later than dates of the rows that it refers to.

    Parameters
    ----------
    schema : Schema
    table : str
    known : iterable of str
        Tables that its rows refer to, directly or through others.

    Returns
    -------
    dict of str to tuple of str
        By qualified column, the columns that it is not later than.
    """
    above = set(known)
    found: dict[str, tuple[str, ...]] = {}
    for lower, upper in ordered_pairs(schema):
        is_date = schema.table(lower.table).column(lower.name).type is ColumnType.DATE
        if is_date and lower.table == table and upper.table in above:
            before = found.get(lower.qualified, ())
            found[lower.qualified] = (*before, upper.qualified)
    return found


@dataclass(frozen=True)
class Numbering:
    """A whole number that no two rows of the same key share, ascending with a date.

    Parameters
    ----------
    table : str
    column : str
        The number.
    by : tuple of str
        Columns of the key.
    day : str
        Date that the numbers ascend with; ``""`` if no rule names one.
    """

    table: str
    column: str
    by: tuple[str, ...]
    day: str


def numberings(schema: Schema) -> tuple[Numbering, ...]:
    """Columns that the impossible rules of a schema make numbers of rows.

    A rule forbids two rows of a key to have the same number; another may forbid a smaller one to be later.
    """
    unique: dict[tuple[str, str], tuple[str, ...]] = {}
    days: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for checked in all_rules(schema):
        condition = checked.condition
        if checked.rule.severity is not Severity.IMPOSSIBLE or not isinstance(condition, Another):
            continue
        inner = condition.condition
        parts = inner.parts if isinstance(inner, All) else (inner,)
        sides = [_beside(part) for part in parts]
        if len(sides) == 1 and sides[0] is not None:
            operator, name = sides[0]
            kind = schema.table(condition.table).column(name).type
            if operator == "=" and kind is ColumnType.INTEGER:
                unique.setdefault((condition.table, name), condition.by)
        elif len(sides) == 2:
            signs = {side[0]: side[1] for side in sides if side is not None}
            if set(signs) == {"<", ">"}:
                for number, day in ((signs["<"], signs[">"]), (signs[">"], signs["<"])):
                    if schema.table(condition.table).column(day).type is ColumnType.DATE:
                        days.setdefault((condition.table, number, condition.by), day)
    return tuple(
        Numbering(table, column, by, days.get((table, column, by), ""))
        for (table, column), by in unique.items()
    )


def numbering_of(schema: Schema, table: Table, parent: str) -> Numbering | None:
    """How rows of a table that refer to the same row of another are numbered, if a rule says so."""
    keys = {tuple(sorted(k.columns)) for k in table.foreign_keys if k.table == parent}
    return next(
        (n for n in numberings(schema) if n.table == table.name and tuple(sorted(n.by)) in keys),
        None,
    )


def _ordered(condition: Condition) -> tuple[ColumnName, ColumnName] | None:
    if not isinstance(condition, Compare):
        return None
    left, right = condition.left, condition.right
    if not isinstance(left, ColumnName) or not isinstance(right, ColumnName):
        return None
    if condition.operator in (">", ">="):
        return left, right
    if condition.operator in ("<", "<="):
        return right, left
    return None


def _beside(condition: Condition) -> tuple[str, str] | None:
    """Operator and column of a comparison of a column with the same of the other row."""
    if not isinstance(condition, Compare):
        return None
    left, right = condition.left, condition.right
    if not isinstance(left, ColumnName) or not isinstance(right, ColumnName):
        return None
    if left.name != right.name or (left.table == OTHER) == (right.table == OTHER):
        return None
    turned = {"<": ">", ">": "<"}.get(condition.operator, condition.operator)
    return (condition.operator if left.table == OTHER else turned), left.name
