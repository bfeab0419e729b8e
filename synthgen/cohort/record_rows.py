"""Rows of one table: positions of categories, then values that keep what the schema keeps in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.columns import number_column, text_column
from synthgen.cohort.confined import Confinement, confinements, solved_for
from synthgen.cohort.record_levels import Drawn, Level, draw_positions
from synthgen.cohort.rule_orders import Numbering, dates_at_most, numbering_of
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.schema.model import ColumnType, Schema, Variable

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FITTING = 60
"""Times that a row is drawn again whose bins leave a rule no room, before it is given up."""


class RowMaker:
    """Rows of one table.

    Parameters
    ----------
    schema : Schema
    distribution : Distribution or Mixture
    level : Level
    rows : int
    context : mapping of str to ndarray of intp, shape (rows,)
        Positions of the rows that these refer to.
    stream : callable
        Random generator by name.
    above : mapping of str to mapping of str to array
        Values of the rows that these refer to, by table and column, one for each of these rows.
    parent_rows : ndarray of intp, shape (rows,), optional
        Row that each refers to; ascending.

    Attributes
    ----------
    again : ndarray of intp
        Rows that are drawn next.
    unfit : ndarray of intp
        Rows of the last draw whose bins leave a rule no room.
    """

    def __init__(
        self,
        schema: Schema,
        distribution: Distribution | Mixture,
        level: Level,
        rows: int,
        context: Drawn,
        stream: Callable[..., np.random.Generator],
        above: Mapping[str, Mapping[str, Any]],
        parent_rows: IntArray | None,
    ) -> None:
        self.schema = schema
        self.distribution = distribution
        self.level = level
        self.rows = rows
        self.context = context
        self.stream = stream
        self.above = above
        self.parent_rows = parent_rows
        self.again: IntArray = np.arange(rows)
        name = level.table.name
        own = frozenset({name})
        solved = [(rule, solved_for(schema, rule, own)) for rule in confinements(schema)]
        self._confined = [(r, c) for r, c in solved if c and r.table == name]
        self._at_most = dates_at_most(schema, name, above)
        self._ordered = _in_order(level, self._confined)
        self._numbered = None
        if parent_rows is not None:
            self._numbered = numbering_of(schema, level.table, level.parent)
        self._drawn: dict[str, Any] = {}
        self._sequence: FloatArray = np.full(rows, -1.0)
        self._misses: BoolArray = np.zeros(rows, dtype=np.bool_)
        self.unfit: IntArray = np.zeros(0, dtype=np.intp)

    def draw(self, label: str, rows: IntArray | None = None) -> Drawn:
        """Positions of every variable of some rows, and those of what they refer to."""
        return draw_positions(
            self.distribution, self.level, self.context, self.rows, self.stream, label, rows
        )

    def columns(self, positions: Drawn, attempt: int) -> dict[str, Any]:
        """Values of every column that the model decides; only rows in ``again`` are drawn anew.

        A row whose bins leave a rule no room gets other positions, as often as need be and as long as
        there is hope.  ``again`` then also holds the rows that were numbered otherwise.

        Parameters
        ----------
        positions : dict of str to ndarray of intp, shape (rows,)
            Changed in place for rows that are drawn again here.
        attempt : int
            How often rows have been drawn before.
        """
        asked = self.again
        self._numbers(positions, str(attempt))
        for turn in range(FITTING):
            if not len(self.unfit):
                break
            self.again = self.unfit
            label = f"{attempt}.{turn}"
            self.redraw(positions, f"fit {label}", self.again)
            self._numbers(positions, label)
        self.again = asked
        made = dict(self._drawn)
        for variable in self._ordered:
            if not variable.is_binned:
                made |= self._codes(variable, positions[variable.name])
        if self._numbered is not None:
            number = self._in_sequence(self._numbered, made)
            made[self._numbered.column] = number_column(number, whole=True)
            same = np.isclose(number, self._sequence, equal_nan=True)
            self.again = np.union1d(asked, np.flatnonzero(~same))
            self._sequence = number
        return made

    def redraw(self, positions: Drawn, label: str, rows: IntArray) -> None:
        """Give some rows other positions, in place."""
        for name, column in self.draw(label, rows).items():
            positions[name][rows] = column

    def _codes(self, variable: Variable, at: IntArray) -> dict[str, Any]:
        codes = self.distribution.domain.codes[variable.name]
        if not variable.joins:
            texts = ["" if _means(variable, code) else code for code in codes]
            return {variable.column.partition(".")[2]: text_column(texts, at)}
        return {
            column.partition(".")[2]: text_column(
                [
                    "" if _means(variable, code) else variable.implies[code][column][0]
                    for code in codes
                ],
                at,
            )
            for column in variable.joins
        }

    def _numbers(self, positions: Drawn, label: str) -> None:
        """Draw numbers and dates of the rows in ``again``."""
        before, self._drawn = self._drawn, {}
        self._misses = np.zeros(self.rows, dtype=np.bool_)
        for variable in self._ordered:
            if not variable.is_binned:
                continue
            name = variable.column.partition(".")[2]
            uniform = self.stream("within", name, label).random(self.rows)
            drawn = self._number(variable, positions[variable.name], uniform)
            if before:
                kept = before[name].copy()
                kept[self.again] = drawn[self.again]
                drawn = kept
            self._drawn[name] = drawn
        self.unfit = self.again[self._misses[self.again]]

    def _number(self, variable: Variable, at: IntArray, uniform: FloatArray) -> Any:
        """Values within bins: whole numbers, numbers, or days.

        A number that a rule confines is drawn from what the bin and the rule have in common; where that
        is nothing the row is unfit.
        """
        codes = self.distribution.domain.codes[variable.name]
        categories = {c.code: c for c in variable.categories}
        bins = [categories[code] for code in codes]
        low = np.array([np.nan if c.lower is None else c.lower for c in bins])[at]
        high = np.array([np.nan if c.upper is None else c.upper for c in bins])[at]
        equal = np.array([c.means == "equal" for c in bins])[at]
        high = np.where(np.isinf(high), low + np.maximum(np.abs(low), 1.0), high)
        column = self.level.table.column(variable.column.partition(".")[2])
        if column.type is ColumnType.DATE:
            return self._date(variable, low, high, uniform)
        whole = column.type is ColumnType.INTEGER
        if variable.not_above:
            bound = _as_float(self._other(variable.not_above))
            above = bound + 1.0 if whole else np.nextafter(bound, np.inf)
            high = np.fmin(high, above)
            low = np.fmin(low, bound)
        for rule, confined in self._confined if whole else ():
            if confined == variable.column:
                least, most = rule.room(confined, self._other)
                if column.minimum is not None:
                    least = np.fmax(least, column.minimum)
                common = np.fmax(low, least), np.fmin(high, most + 1.0)
                fits = common[0] < common[1]
                self._misses |= ~fits & ~np.isnan(least) & ~np.isnan(low)
                low = np.where(fits, common[0], low)
                high = np.where(fits, common[1], high)
        value = low + uniform * (high - low)
        if whole:
            value = np.minimum(np.floor(value), np.ceil(high) - 1.0)
        else:
            value = np.maximum(np.minimum(value, np.nextafter(high, -np.inf)), low)
        if variable.not_above:
            value = np.where(equal, bound, value)
        if column.minimum is not None:
            value = np.maximum(value, column.minimum)
        if column.maximum is not None:
            value = np.minimum(value, column.maximum)
        return number_column(value, whole=whole)

    def _date(
        self,
        variable: Variable,
        low: FloatArray,
        high: FloatArray,
        uniform: FloatArray,
    ) -> Any:
        """Days within bins, and no later than the dates of other rows that they may not follow."""
        known = np.isfinite(low)
        first, last = np.where(known, low, 0.0), np.where(known, high, 1.0)
        if variable.since:
            start = np.asarray(self._other(variable.since)).astype("datetime64[D]")
        else:
            start = _new_year(first)
            first, last = np.zeros(len(first)), (_new_year(last) - start).astype(np.float64)
        for other in self._at_most.get(variable.column, ()):
            limit = np.asarray(self._other(other)).astype("datetime64[D]")
            room = (limit - start).astype(np.float64) + 1.0
            room = np.where(np.isnat(limit) | np.isnat(start), np.inf, room)
            late = known & (room <= first)
            self._misses |= late
            last = np.where(late, first + 1.0, np.fmin(last, room))
        days = np.floor(first + uniform * (last - first)).astype(np.int64)
        value = start + days.astype("timedelta64[D]")
        return np.where(known, value, np.datetime64("NaT", "D"))

    def _other(self, qualified: str) -> Any:
        """Values of another column of the row, or of the row it refers to; missing if nobody knows."""
        table, _, name = qualified.partition(".")
        made = self._drawn if table == self.level.table.name else self.above.get(table, {})
        if name in made:
            return made[name]
        if self.schema.table(table).column(name).type is ColumnType.DATE:
            return np.full(self.rows, np.datetime64("NaT", "D"))
        return np.full(self.rows, np.nan)

    def _in_sequence(self, numbering: Numbering, made: Mapping[str, Any]) -> FloatArray:
        """Numbers of the rows of one parent: as drawn, but ascending with their date, none twice.

        Without numbers from the model, rows are numbered from the least one on.
        """
        column = self.level.table.column(numbering.column)
        first = 1.0 if column.minimum is None else float(column.minimum)
        family = np.asarray(self.parent_rows)
        day = np.zeros(self.rows)
        if numbering.day and numbering.day in made:
            dates = np.asarray(made[numbering.day]).astype("datetime64[D]")
            day = np.where(np.isnat(dates), np.inf, dates.astype(np.int64).astype(np.float64))
        starts = np.searchsorted(family, family)
        place = np.arange(self.rows) - starts
        drawn = np.full(self.rows, first)
        if numbering.column in made:
            drawn = _as_float(made[numbering.column])
        by_number = np.lexsort((drawn, family))  # within a family in order; missing ones last
        least = drawn[by_number] - place
        wide = float(np.nanmax(np.abs(least), initial=0.0)) * 2.0 + 1.0
        ranked = np.fmax.accumulate(least + family * wide) - family * wide + place
        last = np.searchsorted(family, family, side="right") - 1
        if column.maximum is not None:
            ranked = np.where(ranked[last] > column.maximum, first + place, ranked)
        ranked = np.where(np.isnan(drawn[by_number]), np.nan, ranked)
        number = np.empty(self.rows)
        number[np.lexsort((drawn, day, family))] = ranked
        return number


def _means(variable: Variable, code: str) -> str:
    return next(c.means for c in variable.categories if c.code == code)


def _in_order(level: Level, confined: Sequence[tuple[Confinement, str]] = ()) -> list[Variable]:
    """Variables that decide columns, each after what it is counted from; details for the rest.

    Of a number that a rule confines the room is finer than any detail, which would only miss it.
    """
    coarse = {column for _, column in confined}
    by_column: dict[str, Variable] = {}
    for variable in level.variables:
        if not variable.column and not variable.joins:  # counts of rows, leaves
            continue
        key = variable.column or "|".join(variable.joins)
        more = key in by_column and len(by_column[key].categories) > len(variable.categories)
        if key not in by_column or more == (key in coarse):
            by_column[key] = variable
    after: dict[str, set[str]] = {}
    for rule, column in confined:
        after.setdefault(column, set()).update(rule.columns - {column})
    left, done, ordered = list(by_column.values()), set[str](), list[Variable]()
    while left:
        waiting = {v.column for v in left}
        variable = next(
            v
            for v in left
            if not {v.since, v.not_above, *after.get(v.column, ())} & (waiting - {v.column})
        )
        left.remove(variable)
        done.add(variable.column)
        ordered.append(variable)
    return ordered


def _as_float(values: Any) -> FloatArray:
    return np.asarray(
        values.to_numpy(dtype=np.float64, na_value=np.nan)
        if hasattr(values, "to_numpy")
        else values,
        dtype=np.float64,
    )


def _new_year(years: FloatArray) -> npt.NDArray[np.datetime64]:
    whole = years.astype(np.int64) - 1970
    return whole.astype("datetime64[Y]").astype("datetime64[D]")
