"""A rule on one row, in plain Python: the meaning that the SQL and the grid must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from synthgen.errors import SchemaError
from synthgen.schema.documents import one_line
from synthgen.schema.model import ColumnType, Schema
from synthgen.schema.rules.check import CheckedRule
from synthgen.schema.rules.tree import (
    OTHER,
    All,
    Another,
    AnyOf,
    Arithmetic,
    Call,
    ColumnName,
    Compare,
    Condition,
    IsNull,
    Literal,
    Member,
    Not,
    Term,
    Value,
)

Row = Mapping[str, Value]
"""Values by qualified column; a column that is missing has no value."""


def years_between(first: date, second: date) -> int:
    """Completed years from the first day to the second, rounded down.

    Examples
    --------
    >>> years_between(date(2000, 2, 29), date(2001, 2, 28))
    0
    """
    return second.year - first.year - ((second.month, second.day) < (first.month, first.day))


def evaluate_term(schema: Schema, term: Term, row: Row) -> Value:
    """Value of a term on a row, None where something is missing."""
    match term:
        case ColumnName():
            return row.get(term.qualified)
        case Literal():
            return term.value
        case Arithmetic():
            left = evaluate_term(schema, term.left, row)
            right = evaluate_term(schema, term.right, row)
            if not isinstance(left, int | float) or not isinstance(right, int | float):
                return None
            if term.operator == "*":
                return left * right
            return left + right if term.operator == "+" else left - right
        case Call():
            values = [evaluate_term(schema, argument, row) for argument in term.arguments]
            return _call(schema, term, values)


def _call(schema: Schema, call: Call, values: list[Value]) -> Value:
    match call.name, values:
        case "year", [date() as day]:
            return day.year
        case "month", [date() as day]:
            return day.month
        case "days", [date() as first, date() as second]:
            return (second - first).days
        case "years", [date() as first, date() as second]:
            return years_between(first, second)
        case "left", [str() as text, int() as length]:
            return text[:length]
        case "group", [str() as code]:
            for label, ranges in schema.groupings[call.option].ranges.items():
                if any(low <= code <= high for low, high in ranges):
                    return label
    return None


def _compare(operator: str, left: Value, right: Value) -> bool | None:
    if left is None or right is None:
        return None
    if operator == "=":
        return left == right
    if operator == "!=":
        return left != right
    match left, right:
        case (str(), str()) | (date(), date()) | (int() | float(), int() | float()):
            below, same = left < right, left == right  # type: ignore[operator]
        case _:
            return None
    return {"<": below, "<=": below or same, ">": not (below or same), ">=": not below}[operator]


def _member(value: Value, ranges: tuple[tuple[str | int | float, str | int | float], ...]) -> bool:
    if isinstance(value, str):
        return any(isinstance(a, str) and a <= value <= str(b) for a, b in ranges)
    if isinstance(value, int | float):
        return any(
            not isinstance(a, str) and not isinstance(b, str) and a <= value <= b for a, b in ranges
        )
    return False


def evaluate(
    schema: Schema, condition: Condition, row: Row, others: tuple[Row, ...] = ()
) -> bool | None:
    """Whether a row meets a condition: True, False, or None where something is missing.

    Parameters
    ----------
    schema : Schema
    condition : Condition
    row : mapping
        Values by qualified column.
    others : tuple of mapping
        Other rows of the table that share the ``by`` columns, with their columns under
        ``other.``; for ``another``.
    """
    match condition:
        case Compare():
            return _compare(
                condition.operator,
                evaluate_term(schema, condition.left, row),
                evaluate_term(schema, condition.right, row),
            )
        case Member():
            value = evaluate_term(schema, condition.term, row)
            return None if value is None else _member(value, condition.ranges) != condition.negated
        case IsNull():
            return (evaluate_term(schema, condition.term, row) is None) != condition.negated
        case Not():
            met = evaluate(schema, condition.part, row, others)
            return None if met is None else not met
        case All():
            found = [evaluate(schema, part, row, others) for part in condition.parts]
            return False if False in found else (None if None in found else True)
        case AnyOf():
            found = [evaluate(schema, part, row, others) for part in condition.parts]
            return True if True in found else (None if None in found else False)
        case Another():
            return any(
                evaluate(schema, condition.condition, {**row, **other}) is True for other in others
            )


def typed_row(schema: Schema, row: Mapping[str, Value], table: str) -> dict[str, Value]:
    """Row as JSON writes it, with days made of the text of date columns.

    Raises
    ------
    SchemaError
        If there is no such column, or the text is no day.
    """
    made: dict[str, Value] = {}
    for qualified, value in row.items():
        name, _, column = qualified.partition(".")
        kind = schema.table(table if name == OTHER else name).column(column).type
        made[qualified] = value
        if kind is ColumnType.DATE and isinstance(value, str):
            try:
                made[qualified] = date.fromisoformat(value)
            except ValueError as problem:
                raise SchemaError(
                    f"example row: {one_line(qualified)} is not a day; it must be YYYY-MM-DD"
                ) from problem
    return made


def is_caught(schema: Schema, checked: CheckedRule, row: Mapping[str, Value]) -> bool:
    """Whether a rule catches an example row.

    Parameters
    ----------
    schema : Schema
    checked : CheckedRule
    row : mapping of str to value
        Qualified column to value as JSON writes it; columns under ``other.`` are those of
        a second row of the table.
    """
    values = typed_row(schema, row, checked.table)
    other = {name: value for name, value in values.items() if name.startswith(f"{OTHER}.")}
    own = {name: value for name, value in values.items() if name not in other}
    return evaluate(schema, checked.condition, own, (other,) if other else ()) is True
