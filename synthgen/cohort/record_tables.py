"""Rows of any schema from sampled variables: what a model fitted to records generates.

The model decides codes and bins.  Within a bin a number is drawn evenly, a date as its distance
from the date it is counted from, and a number that another one bounds below that one: what the
schema keeps in order is in order by construction.  Rows that still break a rule of the schema,
one about several numbers at once, are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.columns import coded, frame_of, no_rows, number_column, text_column
from synthgen.cohort.confined import Confinement, confinements, solved_for
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.made_keys import made_keys
from synthgen.cohort.record_levels import ROWS_OF, Drawn, Level, draw_positions, levels_of
from synthgen.cohort.row_rules import RowRules
from synthgen.errors import ModelError
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.randomness import BLOCK_SIZE, block_generator
from synthgen.schema.model import ColumnType, Schema, Variable

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

#: Rows that are drawn from an open last bin above its lower edge [rows].
OPEN_ROWS = 50
#: Times that a row is drawn again within its bins, and then altogether, before it is an error.
WITHIN, ANEW = 10, 200


def record_tables(
    model: FittedModel, distribution: Distribution | Mixture, seed: int, block: int, n: int
) -> dict[str, pd.DataFrame]:
    """Frames of one block, for every table of the schema.

    Parameters
    ----------
    model : FittedModel
    distribution : Distribution or Mixture
        The model's, or conditioned.
    seed : int
    block : int
        Number of the block, from 0.
    n : int
        Rows of the first table.

    Raises
    ------
    ModelError
        If rows go on breaking a rule of the schema however often they are drawn.
    """
    schema = model.schema
    levels = levels_of(schema, distribution)
    rules = RowRules(schema)
    drawn: dict[str, Drawn] = {}
    frames: dict[str, pd.DataFrame] = {}
    values: dict[str, dict[str, Any]] = {}
    for level in levels:
        name = level.table.name

        def stream(*what: str, name: str = name) -> np.random.Generator:
            return block_generator(model.sha256, seed, block, "records", name, *what)

        parent_rows: IntArray | None = None
        rows = n
        context: Drawn = {}
        if level.parent:
            counts = _rows_wanted(schema, distribution, drawn[level.parent], level, stream)
            parent_rows = np.repeat(np.arange(len(counts)), counts)
            rows = len(parent_rows)
            context = {k: v[parent_rows] for k, v in drawn[level.parent].items()}
        maker = _Maker(schema, distribution, level, rows, context, stream, values, parent_rows)
        keys = made_keys(model, seed, block, level.table, rows, frames, parent_rows)
        positions, columns = maker.draw(0), None
        for attempt in range(WITHIN + ANEW):
            columns = maker.columns(positions, attempt, columns)
            frame = frame_of(level.table, {**maker.placeholders(), **columns, **keys}, rows)
            # Only what was drawn anew can break a rule about single rows.
            anew = frame.iloc[maker.again].reset_index(drop=True)
            alone = maker.again[rules.broken(level.table, {**frames, name: anew})]
            wrong = np.union1d(alone, rules.apart(level.table, {**frames, name: frame}))
            if not len(wrong):
                break
            maker.again = wrong
            if attempt >= WITHIN:
                fresh = maker.draw(attempt)
                for variable, column in fresh.items():
                    positions[variable][wrong] = column[wrong]
        else:
            raise ModelError(
                f"{name}: rows break rules of the schema however often they are drawn; give the "
                f"model variables that the rules speak about ({len(wrong)} rows)"
            )
        drawn[name], frames[name], values[name] = positions, frame, columns
    for table in schema.tables:
        if table.name not in frames:
            frames[table.name] = frame_of(table, no_rows(table), 0)
    return {table.name: frames[table.name] for table in schema.tables}


def _rows_wanted(
    schema: Schema,
    distribution: Distribution | Mixture,
    parent: Drawn,
    level: Level,
    stream: Callable[..., np.random.Generator],
) -> IntArray:
    """How many rows each row of the parent gets."""
    name = next(
        (
            n
            for n in parent
            if n.startswith(ROWS_OF) and schema.variable(n).unit == f"rows of {level.table.name}"
        ),
        None,
    )
    count = len(next(iter(parent.values())))
    if name is None:
        return np.ones(count, dtype=np.intp)
    bins = [
        next(c for c in schema.variable(name).categories if c.code == code)
        for code in distribution.domain.codes[name]
    ]
    low = np.array([int(c.lower or 0) for c in bins])[parent[name]]
    high = np.array(
        [
            int(c.upper)
            if c.upper is not None and np.isfinite(c.upper)
            else int(c.lower or 0) + OPEN_ROWS
            for c in bins
        ]
    )[parent[name]]
    uniform = stream("how-many").random(BLOCK_SIZE)[:count]
    return np.asarray(low + np.floor(uniform * (high - low)), dtype=np.intp)


class _Maker:
    """Rows of one table: positions of categories, then values."""

    def __init__(
        self,
        schema: Schema,
        distribution: Distribution | Mixture,
        level: Level,
        rows: int,
        context: Drawn,
        stream: Callable[..., np.random.Generator],
        values: Mapping[str, Mapping[str, Any]],
        parent_rows: IntArray | None,
    ) -> None:
        self.schema = schema
        self.distribution = distribution
        self.level = level
        self.rows = rows
        self.context = context
        self.stream = stream
        self.values = values
        self.parent_rows = parent_rows
        self.again: IntArray = np.arange(rows)
        own = frozenset({level.table.name})
        solved = [(rule, solved_for(schema, rule, own)) for rule in confinements(schema)]
        self.confined = [(r, c) for r, c in solved if c and r.table == level.table.name]

    def draw(self, attempt: int) -> Drawn:
        """Positions of every variable of the table, and those of what its rows refer to."""
        return draw_positions(
            self.distribution, self.level, self.context, self.rows, self.stream, attempt
        )

    def placeholders(self) -> dict[str, Any]:
        """A text for columns that may not be missing and that the model says nothing about."""
        table = self.level.table
        return {
            c.name: coded(("synthetic",), np.zeros(self.rows, dtype=np.intp))
            for c in table.columns
            if c.type is ColumnType.STRING and not c.nullable and not c.pattern
        }

    def columns(
        self, positions: Drawn, attempt: int, before: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Values of every column that the model decides.

        Parameters
        ----------
        positions : mapping of str to ndarray of intp
        attempt : int
            How often rows have been drawn before.
        before : mapping, optional
            Values of the last attempt; only rows in ``again`` are drawn anew.
        """
        made: dict[str, Any] = {}
        for variable in _in_order(self.level, self.confined):
            codes = self.distribution.domain.codes[variable.name]
            at = positions[variable.name]
            if variable.joins:
                for column in variable.joins:
                    parts = [
                        "" if _means(variable, code) else variable.implies[code][column][0]
                        for code in codes
                    ]
                    made[column.partition(".")[2]] = text_column(parts, at)
                continue
            name = variable.column.partition(".")[2]
            column_type = self.level.table.column(name).type
            if not variable.is_binned:
                texts = ["" if _means(variable, code) else code for code in codes]
                made[name] = text_column(texts, at)
                continue
            uniform = self.stream("within", name, str(attempt)).random(self.rows)
            last = attempt >= WITHIN + ANEW // 2
            drawn = self._number(variable, codes, at, uniform, column_type, made, last)
            if before is not None:
                kept = before[name].copy()
                kept[self.again] = drawn[self.again]
                drawn = kept
            made[name] = drawn
        return made

    def _number(
        self,
        variable: Variable,
        codes: Sequence[str],
        at: IntArray,
        uniform: FloatArray,
        column_type: ColumnType,
        made: Mapping[str, Any],
        last: bool,
    ) -> Any:
        """Values within bins: whole numbers, numbers, or days.

        A number that a rule confines is drawn from what the bin and the rule have in common; if that is
        nothing, anywhere in the bin (and the row is drawn again), and at last where the rule wants it.
        """
        categories = {c.code: c for c in variable.categories}
        bins = [categories[code] for code in codes]
        low = np.array([np.nan if c.lower is None else c.lower for c in bins])[at]
        high = np.array([np.nan if c.upper is None else c.upper for c in bins])[at]
        equal = np.array([c.means == "equal" for c in bins])[at]
        high = np.where(np.isinf(high), low + np.maximum(np.abs(low), 1.0), high)
        if column_type is ColumnType.DATE:
            return self._date(variable, low, high, uniform, made)
        whole = column_type is ColumnType.INTEGER
        if variable.not_above:
            bound = _as_float(self._other(variable.not_above, made))
            above = bound + 1.0 if whole else np.nextafter(bound, np.inf)
            high = np.fmin(high, above)
            low = np.fmin(low, bound)
        for rule, confined in self.confined if whole else ():
            if confined == variable.column:
                least, most = rule.room(confined, lambda name: self._other(name, made))
                common = np.fmax(low, least), np.fmin(high, most + 1.0)
                fits = common[0] < common[1]
                forced = last & ~np.isnan(least) & ~np.isnan(low)
                low = np.where(fits, common[0], np.where(forced, least, low))
                high = np.where(fits, common[1], np.where(forced, most + 1.0, high))
        value = low + uniform * (high - low)
        if whole:
            value = np.minimum(np.floor(value), np.ceil(high) - 1.0)
        else:
            value = np.maximum(np.minimum(value, np.nextafter(high, -np.inf)), low)
        if variable.not_above:
            value = np.where(equal, bound, value)
        column = self.level.table.column(variable.column.partition(".")[2])
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
        made: Mapping[str, Any],
    ) -> Any:
        known = np.isfinite(low)
        first, last = np.where(known, low, 0.0), np.where(known, high, 1.0)
        if variable.since:
            days = np.floor(first + uniform * (last - first)).astype(np.int64)
            start = np.asarray(self._other(variable.since, made)).astype("datetime64[D]")
            value = start + days.astype("timedelta64[D]")
        else:
            opening = _new_year(first)
            days = ((_new_year(last) - opening).astype(np.int64) * uniform).astype(np.int64)
            value = opening + days.astype("timedelta64[D]")
        return np.where(known, value, np.datetime64("NaT", "D"))

    def _other(self, qualified: str, made: Mapping[str, Any]) -> Any:
        """Values of another column of the row, or of the row it refers to."""
        table, _, name = qualified.partition(".")
        if table == self.level.table.name:
            return made[name]
        return self.values[table][name][self.parent_rows]


def _means(variable: Variable, code: str) -> str:
    return next(c.means for c in variable.categories if c.code == code)


def _in_order(level: Level, confined: Sequence[tuple[Confinement, str]] = ()) -> list[Variable]:
    """Variables that decide columns, each after what it is counted from; details for the rest."""
    by_column: dict[str, Variable] = {}
    for variable in level.variables:
        if not variable.column and not variable.joins:  # counts of rows, leaves
            continue
        key = variable.column or "|".join(variable.joins)
        finer = key in by_column and len(by_column[key].categories) > len(variable.categories)
        if not finer:
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
