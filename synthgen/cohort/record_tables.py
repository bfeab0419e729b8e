"""Rows of any schema from sampled variables: what a model fitted to records generates.

The model decides codes and bins.  Within a bin a number is drawn evenly, a date as its distance
from the date it is counted from, and a number that another one bounds below that one: what the
schema keeps in order is in order by construction.  Rows that still break a rule of the schema
are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.columns import frame_of, joined, no_rows, placeholders
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.icd10 import icd10_column
from synthgen.cohort.made_keys import made_keys
from synthgen.cohort.record_levels import ROWS_OF, Drawn, Level, levels_of
from synthgen.cohort.record_rows import RowMaker
from synthgen.cohort.row_rules import RowRules
from synthgen.cohort.rule_orders import numbering_of
from synthgen.errors import ModelError
from synthgen.models.distribution import Distribution
from synthgen.models.mixture import Mixture
from synthgen.randomness import BLOCK_SIZE, block_generator
from synthgen.schema.model import Schema

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Rows that are drawn from an open last bin above its lower edge [rows].
OPEN_ROWS = 50
#: Times that a row is drawn again within its bins, and then altogether, before its patient is given up.
WITHIN, ANEW = 3, 7
#: Share of patients who are given up as soon as they are so few: others are drawn in their place.
FEW = 0.02
#: Rows of the first table that are drawn in place of others: so many times as many, and so many more.
MORE, SPARE = 1.5, 8
#: Most turns of drawing others in place, and the fewest that must be kept by then [share].
TURNS, FEWEST_KEPT = 40, 0.01


@dataclass(frozen=True, eq=False)
class _Turn:
    """Rows that were drawn together.

    Parameters
    ----------
    columns : mapping of str to mapping of str to array
        Values by table and column.
    parent_rows : mapping of str to ndarray of intp, or None
        Row that each row of a table refers to.
    root : mapping of str to ndarray of intp
        Row of the first table that each row of a table belongs to.
    lost : ndarray of bool, shape (n,)
        Rows of the first table that have a row which breaks a rule however often it is drawn.
    """

    columns: Mapping[str, Mapping[str, Any]]
    parent_rows: Mapping[str, IntArray | None]
    root: Mapping[str, IntArray]
    lost: BoolArray


def record_tables(
    model: FittedModel, distribution: Distribution | Mixture, seed: int, block: int, n: int
) -> dict[str, pd.DataFrame]:
    """Frames of one block, for every table of the schema.

    A row that breaks a rule is drawn again; a patient of whom a row goes on breaking one is replaced by
    another, with all rows.  What is left is what the model says, given the rules.

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
        If hardly any rows keep the rules of the schema however often they are drawn.
    """
    levels = levels_of(model.schema, distribution)
    rules = RowRules(model.schema)
    turns: list[_Turn] = []
    have = drawn = 0
    while have < n:
        share = max(have / drawn, FEWEST_KEPT) if drawn else 1.0
        wanted = min(int(MORE * (n - have) / share) + SPARE, BLOCK_SIZE) if drawn else n
        at = (seed, block, len(turns))
        turn = _drawn_together(model, distribution, levels, rules, at, wanted, n - have)
        turns.append(turn)
        have += int((~turn.lost).sum())
        drawn += wanted
        if len(turns) == TURNS or have < FEWEST_KEPT * drawn:
            raise ModelError(
                f"{levels[0].table.name}: rows break rules of the schema however often they are "
                "drawn; give the model variables that the rules speak about "
                f"({drawn - have} of {drawn} rows)"
            )
    return _framed(model, levels, turns, (seed, block), n)


def _drawn_together(
    model: FittedModel,
    distribution: Distribution | Mixture,
    levels: Sequence[Level],
    rules: RowRules,
    at: tuple[int, int, int],
    n: int,
    enough: int,
) -> _Turn:
    """Rows of every table, drawn until those of enough patients keep the rules, or some are given up."""
    schema = model.schema
    seed, block, number = at
    turn = (f"turn {number}",) if number else ()
    lost = np.zeros(n, dtype=np.bool_)
    drawn: dict[str, Drawn] = {}
    frames: dict[str, pd.DataFrame] = {}
    values: dict[str, dict[str, dict[str, Any]]] = {}
    parents: dict[str, IntArray | None] = {}
    root: dict[str, IntArray] = {}
    for level in levels:
        name = level.table.name

        def stream(*what: str, name: str = name) -> np.random.Generator:
            return block_generator(model.sha256, seed, block, "records", *turn, name, *what)

        parent_rows: IntArray | None = None
        root[name] = np.arange(n)
        context: Drawn = {}
        above: dict[str, dict[str, Any]] = {}
        if level.parent:
            counts = _rows_wanted(schema, distribution, drawn[level.parent], level, stream)
            parent_rows = np.repeat(np.arange(len(counts)), counts)
            root[name] = root[level.parent][parent_rows]
            context = {k: v[parent_rows] for k, v in drawn[level.parent].items()}
            above = {
                table: {column: value[parent_rows] for column, value in held.items()}
                for table, held in values[level.parent].items()
            }
        rows = len(root[name])
        maker = RowMaker(schema, distribution, level, rows, context, stream, above, parent_rows)
        keys = made_keys(model, seed, block, level.table, rows, frames, parent_rows)
        positions = maker.draw("0")
        maker.again = np.flatnonzero(~lost[root[name]])
        for attempt in range(WITHIN + ANEW):
            columns = maker.columns(positions, attempt)
            lost[root[name][maker.unfit]] = True
            frame = frame_of(
                level.table, {**placeholders(level.table, rows), **keys, **columns}, rows
            )
            # Only what was drawn anew can break a rule.
            asked = maker.again[~lost[root[name][maker.again]]]
            held = {**frames, name: frame}
            codes, numbers = (
                found[~lost[root[name][found]]]
                for found in rules.broken_again(level.table, held, asked, parent_rows)
            )
            maker.again = np.union1d(codes, numbers)
            wrong = len(np.unique(root[name][maker.again]))
            few = attempt >= WITHIN and wrong <= FEW * n
            if not wrong or few or n - lost.sum() - wrong >= enough:
                break
            # Values drawn again within their bins mend no rule about codes.
            maker.redraw(positions, str(attempt + 1), maker.again if attempt >= WITHIN else codes)
        lost[root[name][maker.again]] = True
        drawn[name], frames[name] = positions, frame
        values[name] = {**above, name: columns}
        parents[name] = parent_rows
    return _Turn({name: values[name][name] for name in values}, parents, root, lost)


def _framed(
    model: FittedModel,
    levels: Sequence[Level],
    turns: Sequence[_Turn],
    at: tuple[int, int],
    n: int,
) -> dict[str, pd.DataFrame]:
    """Frames of the first patients of whom no row breaks a rule."""
    frames: dict[str, pd.DataFrame] = {}
    left, kept = n, list[BoolArray]()
    for turn in turns:
        good = ~turn.lost & (np.cumsum(~turn.lost) <= left)
        left -= int(good.sum())
        kept.append(good)
    places: dict[str, list[IntArray]] = {}
    for level in levels:
        name = level.table.name
        rows = [
            np.flatnonzero(good[turn.root[name]]) for turn, good in zip(turns, kept, strict=True)
        ]
        first, place, parent_rows = 0, list[IntArray](), list[IntArray]()
        for number, (turn, chosen) in enumerate(zip(turns, rows, strict=True)):
            at_row = np.full(len(turn.root[name]), -1, dtype=np.intp)
            at_row[chosen] = first + np.arange(len(chosen))
            place.append(at_row)
            first += len(chosen)
            above = turn.parent_rows[name]
            if above is not None:
                parent_rows.append(places[level.parent][number][above[chosen]])
        places[name] = place
        of = np.concatenate(parent_rows) if parent_rows else None
        columns = {
            column: joined(
                [turn.columns[name][column][r] for turn, r in zip(turns, rows, strict=True)]
            )
            for column in turns[0].columns[name]
        }
        if "icd10" in level.table.column_names:
            columns |= icd10_column(columns)
        keys = made_keys(model, *at, level.table, first, frames, of)
        made = {**placeholders(level.table, first), **keys, **columns}
        frames[name] = frame_of(level.table, made, first)
    for table in model.schema.tables:
        if table.name not in frames:
            frames[table.name] = frame_of(table, no_rows(table), 0)
    return {table.name: frames[table.name] for table in model.schema.tables}


def _most_rows(schema: Schema, level: Level) -> int:
    """Rows of one parent that can be numbered as the schema wants; all, where it does not."""
    numbering = numbering_of(schema, level.table, level.parent)
    column = None if numbering is None else level.table.column(numbering.column)
    if column is None or column.maximum is None:
        return int(np.iinfo(np.intp).max)
    return int(column.maximum - (1 if column.minimum is None else column.minimum)) + 1


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
    wanted = np.asarray(low + np.floor(uniform * (high - low)), dtype=np.intp)
    return np.minimum(wanted, _most_rows(schema, level))
