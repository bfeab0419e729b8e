"""A rule on the grid of model variables: the cells that cannot be, found without sampling.

A category of a variable fixes some columns (the code itself, the whole years of an age
bin, the ICD-O-3 ranges of an entity).  A cell is impossible if no row can have it: two
categories allow no common value of a column, or an impossible rule is met for every value
left.  A rule is looked at only on the axes it mentions and broadcast over the rest.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from synthgen.errors import SchemaError
from synthgen.schema.codesets import code_set
from synthgen.schema.documents import one_line
from synthgen.schema.model import Category, ColumnType, Schema, Severity, Variable
from synthgen.schema.rules.check import CheckedRule, check_rule
from synthgen.schema.rules.rows import evaluate
from synthgen.schema.rules.tree import (
    All,
    Another,
    AnyOf,
    Condition,
    IsNull,
    Not,
    Value,
    columns_of,
    without_not,
)

Bools = npt.NDArray[np.bool_]

MOST_NUMBERS = 5_000
"""Largest range of whole numbers that a bin is spelt out over [numbers]."""

MOST_COMBINATIONS = 2_000_000
"""Most combinations of column values that one comparison is tried on."""


_LETTERS = string.ascii_letters

SOME_VALUE = "\0some value"
"""Stands for every value of a column whose values are not spelt out: all that is known is that
it is not missing, and a comparison with it is neither met nor unmet."""


@dataclass(frozen=True)
class _Fixed:
    """What an axis says about a column.

    Parameters
    ----------
    axis : int
    allowed : ndarray of bool, shape (categories, values)
        Which values of the column each category allows.
    """

    axis: int
    allowed: Bools


def scoped_categories(variable: Variable, scope: Mapping[str, tuple[str, ...]]) -> list[Category]:
    """Categories of a variable that are in scope, in the order of the schema.

    Raises
    ------
    SchemaError
        If the scope names a code that the variable does not have, or leaves none.
    """
    if variable.name not in scope:
        return list(variable.categories)
    wanted = set(scope[variable.name])
    strays = sorted(wanted - set(variable.codes))
    if strays or not wanted:
        raise SchemaError(
            f"variable {variable.name}: has no category {one_line(strays[0] if strays else '')}; "
            f"a scope must name some of its {len(variable.codes)} categories"
        )
    return [c for c in variable.categories if c.code in wanted]


class _Grid:
    """The axes, and for each column the values that categories allow."""

    def __init__(self, schema: Schema, axes: list[tuple[Variable, list[Category]]]) -> None:
        self.schema = schema
        self.axes = axes
        self.shape = tuple(len(categories) for _, categories in axes)
        self.values: dict[str, list[Value]] = {}
        self.fixed: dict[str, list[_Fixed]] = {}
        self._held_texts: dict[str, npt.NDArray[np.str_]] = {}
        for qualified in self._columns():
            self._fix(qualified)

    def _columns(self) -> list[str]:
        named = [variable.column for variable, _ in self.axes if variable.column]
        for variable, categories in self.axes:
            for category in categories:
                named += variable.implies.get(category.code, {})
        return list(dict.fromkeys(named))

    def _values(self, qualified: str) -> list[Value]:
        """Every value of a column that some category or its code list names."""
        table, _, name = qualified.partition(".")
        column = self.schema.table(table).column(name)
        missing: list[Value] = [None] if self._can_be_missing(qualified) else []
        if column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
            numbers = self._numbers(qualified, column.type is ColumnType.INTEGER)
            return [*(numbers or ([SOME_VALUE] if missing else [])), *missing]
        if column.type is ColumnType.DATE:
            return [SOME_VALUE, *missing] if missing else []
        codes: dict[Value, None] = dict.fromkeys(column.codes.index if column.codes else ())
        for variable, categories in self.axes:
            if variable.column == qualified:
                codes |= dict.fromkeys(c.code for c in categories if not c.means)
        return [*codes, *missing]

    def _can_be_missing(self, qualified: str) -> bool:
        return any(
            variable.column == qualified and any(c.means == "missing" for c in categories)
            for variable, categories in self.axes
        )

    def _numbers(self, qualified: str, whole: bool) -> list[Value]:
        edges = sorted(
            {
                edge
                for variable, categories in self.axes
                if variable.column == qualified
                for category in categories
                for edge in (category.lower, category.upper)
                if edge is not None
            }
        )
        if not whole or not edges or not all(map(math.isfinite, edges)):
            return []
        first, last = math.ceil(edges[0]), math.ceil(edges[-1])
        return list(range(first, last)) if last - first <= MOST_NUMBERS else []

    def _texts(self, qualified: str, values: list[Value]) -> npt.NDArray[np.str_]:
        if qualified not in self._held_texts:
            self._held_texts[qualified] = np.array([str(value) for value in values], dtype=np.str_)
        return self._held_texts[qualified]

    def _fix(self, qualified: str) -> None:
        values = self._values(qualified)
        if not values:
            return
        found = []
        for axis, (variable, categories) in enumerate(self.axes):
            allowed = np.ones((len(categories), len(values)), dtype=bool)
            says = False
            for i, category in enumerate(categories):
                row = self._allowed(variable, category, qualified, values)
                if row is not None:
                    allowed[i] = row
                    says = True
            if says:
                found.append(_Fixed(axis, allowed))
        self.values[qualified] = values
        self.fixed[qualified] = found

    def _allowed(
        self, variable: Variable, category: Category, qualified: str, values: list[Value]
    ) -> list[bool] | Bools | None:
        if variable.column == qualified:
            if category.means == "missing":
                return [value is None for value in values]
            if category.means == "equal" or SOME_VALUE in values:
                return [value is not None for value in values]
            if category.lower is not None and category.upper is not None:
                low, high = category.lower, category.upper
                return [isinstance(v, int | float) and low <= v < high for v in values]
            return [value == category.code for value in values]
        implied = variable.implies.get(category.code, {}).get(qualified)
        if implied is None:
            return None
        texts = self._texts(qualified, values)
        codes = code_set(implied, where=f"variable {variable.name}: {category.code}")
        found: Bools = np.isin(texts, [*codes.singles, *implied])
        for first, last in codes.ranges:
            found |= (texts >= first) & (texts <= last)
        found |= np.array([value is None for value in values], dtype=bool)
        return found

    def spread(self, array: npt.NDArray[np.bool_], axes: tuple[int, ...]) -> Bools:
        """Array over some axes, ascending, with ones for the others so that it broadcasts."""
        shape = [1] * len(self.shape)
        for axis in axes:
            shape[axis] = self.shape[axis]
        return array.reshape(shape)

    def reach(self, qualified: str) -> tuple[tuple[int, ...], Bools]:
        """Values of a column that the categories leave together.

        Returns
        -------
        axes : tuple of int
            Axes that say something about the column, ascending.
        allowed : ndarray of bool, shape (categories of each axis ..., values)
        """
        fixed = self.fixed[qualified]
        axes = tuple(item.axis for item in fixed)
        made: Bools = np.ones((1,) * len(axes) + (len(self.values[qualified]),), dtype=bool)
        for position, item in enumerate(fixed):
            shape = [1] * len(axes) + [item.allowed.shape[1]]
            shape[position] = item.allowed.shape[0]
            made = made & item.allowed.reshape(shape)
        return axes, made

    def exact(self, qualified: str) -> tuple[int, npt.NDArray[np.intp]] | None:
        """Axis each of whose categories is one value of the column, and which one it is."""
        for item in self.fixed[qualified]:
            if (item.allowed.sum(axis=1) == 1).all():
                return item.axis, item.allowed.argmax(axis=1)
        return None


def _disagreement(grid: _Grid, qualified: str) -> Bools:
    """Cells whose categories leave no value of a column."""
    fixed = grid.fixed[qualified]
    exact = grid.exact(qualified)
    if exact is None:
        axes, allowed = grid.reach(qualified)
        return grid.spread(np.logical_not(allowed.any(axis=-1)), axes)
    axis, position = exact
    made = np.zeros((1,) * len(grid.shape), dtype=bool)
    for item in fixed:
        if item.axis == axis:
            continue
        allowed = item.allowed[:, position]  # shape (categories of item.axis, of axis)
        if item.axis > axis:
            allowed = allowed.T
        pair = tuple(sorted((item.axis, axis)))
        made = made | grid.spread(~allowed, pair)
    return made


def _nowhere(grid: _Grid) -> Bools:
    return np.zeros((1,) * len(grid.shape), dtype=bool)


def _atom(grid: _Grid, condition: Condition) -> Bools:
    """Cells where one comparison is met for every combination of values of its columns."""
    names = [name.qualified for name in columns_of(condition)]
    if not names or not all(grid.fixed.get(name) for name in names):
        return _nowhere(grid)
    values = [grid.values[name] for name in names]
    if math.prod(map(len, values)) > MOST_COMBINATIONS:
        return _nowhere(grid)
    met = np.empty([len(v) for v in values], dtype=bool)
    for at, combination in zip(np.ndindex(met.shape), product(*values), strict=True):
        row = dict(zip(names, combination, strict=True))
        if SOME_VALUE in combination and not isinstance(condition, IsNull):
            met[at] = False
            continue
        met[at] = evaluate(grid.schema, condition, row) is True
    if len(names) == 1 and (exact := grid.exact(names[0])) is not None:
        axis, position = exact
        return grid.spread(met[position], (axis,))
    return _over_values(grid, names, met)


def _over_values(grid: _Grid, names: list[str], met: Bools) -> Bools:
    """Cells where none of the values left to the columns is one that does not meet it."""
    axes: tuple[int, ...] = ()
    operands: list[npt.NDArray[np.float32]] = []
    letters: list[str] = []
    first_value = len(grid.shape)
    for i, name in enumerate(names):
        for item in grid.fixed[name]:
            operands.append(item.allowed.astype(np.float32))
            letters.append(_LETTERS[item.axis] + _LETTERS[first_value + i])
            axes = tuple(sorted({*axes, item.axis}))
    values = _LETTERS[first_value : first_value + len(names)]
    cells = "".join(_LETTERS[axis] for axis in axes)
    formula = f"{','.join([values, *letters])}->{cells}"
    unmet = np.einsum(formula, (~met).astype(np.float32), *operands, optimize=True)
    return grid.spread(unmet == 0, axes)


def _met(grid: _Grid, condition: Condition) -> Bools:
    """Cells where a condition (after :func:`without_not`) is met for every value."""
    match condition:
        case All():
            if any(isinstance(part, Another | Not) for part in condition.parts):
                return _nowhere(grid)  # another row is not in the grid
            made = _met(grid, condition.parts[0])
            for part in condition.parts[1:]:
                if not made.any():
                    break
                made = made & _met(grid, part)
            return made
        case AnyOf():
            made = _met(grid, condition.parts[0])
            for part in condition.parts[1:]:
                made = made | _met(grid, part)
            return made
        case Another() | Not():
            return _nowhere(grid)
        case _:
            return _atom(grid, condition)


def _zeros(schema: Schema, axes: list[tuple[Variable, list[Category]]]) -> Bools:
    grid = _Grid(schema, axes)
    zeros = np.zeros(grid.shape, dtype=bool)
    for qualified, fixed in grid.fixed.items():
        if len(fixed) > 1:
            zeros |= _disagreement(grid, qualified)
    for rule in schema.rules:
        if rule.severity is not Severity.IMPOSSIBLE:
            continue
        checked = check_rule(schema, rule)
        named = [name.qualified for name in columns_of(checked.condition)]
        if any(grid.fixed.get(name) for name in named):
            met = _met(grid, without_not(checked.condition))
            if met.any():
                zeros |= met
    return zeros


def impossible_where(
    schema: Schema,
    checked: CheckedRule,
    variables: tuple[str, ...],
    scope: Mapping[str, tuple[str, ...]] | None = None,
) -> Bools:
    """Cells in which one rule is met for every row, whatever its severity.

    Parameters
    ----------
    schema : Schema
    checked : CheckedRule
    variables : tuple of str
    scope : mapping of str to tuple of str, optional

    Returns
    -------
    ndarray of bool, shape (categories in scope of each variable ...)
    """
    held = scope or {}
    axes = [(v, scoped_categories(v, held)) for v in map(schema.variable, variables)]
    grid = _Grid(schema, axes)
    met = _met(grid, without_not(checked.condition))
    return np.broadcast_to(met, grid.shape).copy()


def structural_zeros(
    schema: Schema, variables: tuple[str, ...], scope: Mapping[str, tuple[str, ...]] | None = None
) -> Bools:
    """Which cells of a grid of model variables cannot be.

    Parameters
    ----------
    schema : Schema
    variables : tuple of str
        Axes of the grid.
    scope : mapping of str to tuple of str, optional
        Variable to the codes that are considered.  It restricts an axis, in the order of
        the schema; a variable that is no axis must have at least one category in scope
        that goes with the cell.

    Returns
    -------
    ndarray of bool, shape (categories in scope of each variable ...)
        True where no row is possible: by what categories imply of each other's columns,
        or by an impossible rule.

    Raises
    ------
    SchemaError
        If there is no such variable, or the scope names a code that it does not have.

    Examples
    --------
    >>> from synthgen.schema.load import load_schema
    >>> schema = load_schema("rare-cancer")
    >>> int(structural_zeros(schema, ("entity", "site_group"), {"entity": ("osteosarcoma",)}).sum())
    60
    """
    held = scope or {}
    axes = [(v, scoped_categories(v, held)) for v in map(schema.variable, variables)]
    zeros = _zeros(schema, axes)
    for name in held:
        if name not in variables:
            beside = schema.variable(name)
            zeros |= _zeros(schema, [*axes, (beside, scoped_categories(beside, held))]).all(axis=-1)
    return zeros
