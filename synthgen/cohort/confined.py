"""Numbers that a rule leaves hardly any room: an age beside a month of birth and a diagnosis.

A rule that forbids a number to lie below one and above another sum of the same columns, such as

    year(d) * 12 + month(d) - born * 12 - born_month < age * 12 or ... > age * 12 + 12

is kept by one draw in hundreds.  But it says itself between which values each of its numbers may lie,
given the others; a number drawn between these keeps it with certainty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.schema.model import ColumnType, Schema, Severity
from synthgen.schema.rules import all_rules
from synthgen.schema.rules.tree import (
    All,
    AnyOf,
    Call,
    ColumnName,
    Compare,
    Condition,
    IsNull,
    Literal,
    Term,
)

FloatArray = npt.NDArray[np.float64]
Weights = dict[tuple[str, str], float]

#: Parts of a date that a sum may have, and what a number is itself.
YEAR, MONTH, VALUE = "year", "month", "value"
_CONSTANT = ("", "")


@dataclass(frozen=True)
class Confinement:
    """A rule by which a weighted sum of columns lies between two numbers.

    Parameters
    ----------
    table : str
        Whose rows the rule is about.
    weights : tuple of ((str, str), float)
        What of which column (``"value"``, ``"year"``, ``"month"``), and its weight.
    least, most : float
        Of the sum.
    missing : tuple of str
        Columns that have no value where the rule holds.
    """

    table: str
    weights: tuple[tuple[tuple[str, str], float], ...]
    least: float
    most: float
    missing: tuple[str, ...]

    def numbers(self) -> dict[str, float]:
        """Weights of the columns that stand in the sum as they are."""
        return {column: weight for (part, column), weight in self.weights if part == VALUE}

    @property
    def columns(self) -> frozenset[str]:
        """All columns that the rule speaks about."""
        return frozenset(c for (_, c), _ in self.weights) | frozenset(self.missing)

    def room(self, column: str, values_of: Callable[[str], Any]) -> tuple[FloatArray, FloatArray]:
        """Least and most whole value of a column beside the others; NaN where the rule is silent.

        Parameters
        ----------
        column : str
            One of :meth:`numbers`.
        values_of : callable
            Values of another column by its qualified name: numbers, or dates.
        """
        rest: FloatArray = np.zeros(())
        for (part, name), weight in self.weights:
            if name != column:
                rest = rest + weight * _numbers(values_of(name), part)
        weight = self.numbers()[column]
        ends = (self.least - rest) / weight, (self.most - rest) / weight
        low, high = np.ceil(np.minimum(*ends)), np.floor(np.maximum(*ends))
        silent = low > high
        for name in self.missing:
            silent = silent | ~np.isnan(_numbers(values_of(name), VALUE))
        return np.where(silent, np.nan, low), np.where(silent, np.nan, high)


def confinements(schema: Schema) -> tuple[Confinement, ...]:
    """Rules of a schema by which a number lies between two sums of other columns."""
    found = []
    for checked in all_rules(schema):
        if checked.rule.severity is Severity.IMPOSSIBLE:
            made = _confinement(checked.table, checked.condition)
            if made is not None:
                found.append(made)
    return tuple(found)


def solved_for(schema: Schema, rule: Confinement, tables: frozenset[str]) -> str:
    """Whole number of some tables that a rule is best kept by; ``""`` if it has none.

    The one with the largest weight, as it moves the sum the furthest; of equals the one that the fewest other rules
    speak about: a year of birth rather than an age.

    Parameters
    ----------
    schema : Schema
    rule : Confinement
    tables : frozenset of str
    """
    whole = []
    for column, weight in rule.numbers().items():
        table, _, name = column.partition(".")
        if table in tables and schema.table(table).column(name).type is ColumnType.INTEGER:
            spoken = sum(column in r.when for r in schema.rules)
            whole.append((-abs(weight), spoken, column))
    return min(whole)[2] if whole else ""


def _numbers(values: Any, part: str) -> FloatArray:
    """Values of a column, or of the years or months of its dates, NaN where there is none."""
    if part != VALUE:
        dates = np.asarray(values).astype("datetime64[M]")
        months = dates.astype(np.int64)
        counted = months // 12 + 1970 if part == YEAR else months % 12 + 1
        return np.where(np.isnat(dates), np.nan, counted)
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(values, dtype=np.float64)


def _confinement(table: str, condition: Condition) -> Confinement | None:
    parts = condition.parts if isinstance(condition, All) else (condition,)
    missing, sums = [], []
    for part in parts:
        if isinstance(part, IsNull) and not part.negated and isinstance(part.term, ColumnName):
            missing.append(part.term.qualified)
        else:
            sums.append(part)
    if len(sums) != 1 or not isinstance(sums[0], AnyOf) or len(sums[0].parts) != 2:
        return None
    least, most, same = None, None, None
    for side in sums[0].parts:
        if not isinstance(side, Compare) or side.operator not in ("<", ">"):
            return None
        left, right = _linear(side.left), _linear(side.right)
        if left is None or right is None:
            return None
        weights = _added(left, right, -1.0)
        end = -weights.pop(_CONSTANT, 0.0)
        if side.operator == "<":
            least = end
        else:
            most = end
        if same is not None and weights != same:
            return None
        same = weights
    if least is None or most is None or not same:
        return None
    return Confinement(table, tuple(sorted(same.items())), least, most, tuple(missing))


def _linear(term: Term) -> Weights | None:
    """A term as a weighted sum of columns and parts of dates; None if it is none."""
    if isinstance(term, ColumnName):
        return {(VALUE, term.qualified): 1.0}
    if isinstance(term, Literal):
        return {_CONSTANT: float(term.value)} if isinstance(term.value, int | float) else None
    if isinstance(term, Call):
        inner = term.arguments[0] if len(term.arguments) == 1 else None
        if term.name in (YEAR, MONTH) and isinstance(inner, ColumnName):
            return {(term.name, inner.qualified): 1.0}
        return None
    left, right = _linear(term.left), _linear(term.right)
    if left is None or right is None:
        return None
    if term.operator in ("+", "-"):
        return _added(left, right, 1.0 if term.operator == "+" else -1.0)
    for one, other in ((left, right), (right, left)):
        if term.operator == "*" and set(one) <= {_CONSTANT}:
            return {k: v * one.get(_CONSTANT, 0.0) for k, v in other.items()}
    return None


def _added(left: Mapping[tuple[str, str], float], right: Weights, sign: float) -> Weights:
    made = dict(left)
    for key, value in right.items():
        made[key] = made.get(key, 0.0) + sign * value
    return {k: v for k, v in made.items() if v or k == _CONSTANT}
