"""From wide rows to linked tables: keys are made here, and rows that break a rule are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.columns import frame_of, no_rows, number_column, placeholders, text_column
from synthgen.cohort.confined import confinements, solved_for
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.made_keys import made_keys
from synthgen.cohort.row_rules import RowRules
from synthgen.errors import EvidenceError, ModelError, UsageError
from synthgen.models.wide import MISSING, ROWS, Layout, Wide
from synthgen.randomness import block_generator
from synthgen.schema.model import ColumnType, Schema, Table, Variable

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]

CHUNK = 1_024
"""Wide rows drawn at a time from a model.  Part of the format: another size gives other rows."""

FEWEST_GOOD = 0.005
"""Share of good rows below which an engine is given up [of what was drawn]."""

PATIENCE = 10_000
"""Rows that are drawn before an engine can be given up."""

MOST_AT_ONCE = 4_096
"""Most rows that are asked of an engine at a time."""

Draw = Callable[[int, int], Wide]
"""``draw(attempt, wanted)``: some more wide rows; an engine may draw more or fewer than wanted."""


@dataclass(frozen=True)
class Accepted:
    """Tables of subjects that break no rule, and how many had to be drawn for them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    drawn : int
        Subjects that were drawn.
    refused : int
        Of these, those that broke a rule of the schema or an order of numbers.
    wide : mapping of str to ndarray, shape (n,)
        The wide rows of the tables.
    """

    tables: Mapping[str, pd.DataFrame]
    drawn: int
    refused: int
    wide: Wide


def copula_tables(
    model: FittedModel,
    seed: int,
    block: int,
    n: int,
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> Accepted:
    """Frames of one block of a model that is a copula.

    Parameters
    ----------
    model : FittedModel
        With a ``copula``.
    seed : int
    block : int
        Number of the block, from 0.
    n : int
        Rows of the first table.
    where : mapping of str to tuple of str, optional
        Codes by variable: only such subjects, by leaving out the others.

    Raises
    ------
    EvidenceError
        If hardly anybody is as ``where`` says.
    ModelError
        If hardly a row keeps the rules of the schema.
    """
    copula = model.copula
    if copula is None:
        raise ValueError("model must be a copula")

    def draw(attempt: int, wanted: int) -> Wide:
        del wanted
        rng = block_generator(model.sha256, seed, block, "wide", str(attempt))
        return copula.sample(CHUNK, rng)

    return accepted_tables(model, copula.layout, draw, n, seed=seed, block=block, where=where)


def accepted_tables(
    model: FittedModel,
    layout: Layout,
    draw: Draw,
    n: int,
    *,
    seed: int,
    block: int = 0,
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> Accepted:
    """Tables of the first ``n`` drawn subjects that keep every rule.

    Parameters
    ----------
    model : FittedModel
        Its schema and hash are what counts: the hash keys the identifiers.
    layout : Layout
    draw : callable
    n : int
    seed, block : int
        Of the identifiers.
    where : mapping of str to tuple of str, optional

    Raises
    ------
    EvidenceError, ModelError
        As :func:`copula_tables`.
    """
    rules = RowRules(model.schema)
    kept: list[Wide] = []
    have = drawn = refused = unlike = 0
    while have < n:
        share = max(have / drawn, FEWEST_GOOD) if drawn else 1.0
        wide = draw(len(kept), min(int((n - have) / share) + 1, MOST_AT_ONCE))
        rows = len(next(iter(wide.values())))
        drawn += rows
        wide = _confined(model.schema, layout, wide)
        wanted = _as_wanted(model, layout, wide, where or {})
        unlike += int((~wanted).sum())
        good = wanted & layout.in_order(wide)
        good[_broken(model, layout, rules, _chosen(wide, np.flatnonzero(good)), good)] = False
        refused += int((wanted & ~good).sum())
        kept.append(_chosen(wide, np.flatnonzero(good)))
        have += int(good.sum())
        if drawn >= PATIENCE and have < FEWEST_GOOD * drawn:
            if drawn - unlike < FEWEST_GOOD * drawn:
                raise EvidenceError(
                    f"{model.id}: hardly anybody is so ({drawn - unlike} of {drawn} that were "
                    "drawn); ask for a wider group"
                )
            raise ModelError(
                f"{model.id}: {refused} of {drawn} rows broke rules of the schema; another engine "
                "must be used, one that keeps them"
            )
    names = layout.names
    whole = {k: np.concatenate([part[k] for part in kept])[:n] for k in names} if kept else {}
    if not whole:
        whole = {k: np.empty(0, dtype=np.intp if k in _codes(layout) else float) for k in names}
    return Accepted(wide_tables(model, layout, whole, seed, block)[0], drawn, refused, whole)


def _confined(schema: Schema, layout: Layout, wide: Wide) -> Wide:
    """Rows in which a number that a rule confines is moved to the nearest value it may have."""
    made = dict(wide)
    numbers = {n.column for n in layout.numbers}
    tables = frozenset(name for name, _ in layout.tables)

    def values(name: str) -> Any:
        table, _, column = name.partition(".")
        value = np.round(np.asarray(made[name], dtype=np.float64))
        value[layout.is_missing(made, name) | ~layout.has_row(made, table)] = np.nan
        if schema.table(table).column(column).type is not ColumnType.DATE:
            return value
        days = np.where(np.isnan(value), 0, value).astype(np.int64).astype("datetime64[D]")
        return np.where(np.isnan(value), np.datetime64("NaT", "D"), days)

    for rule in confinements(schema):
        column = solved_for(schema, rule, tables)
        if column and rule.columns <= numbers:
            least, most = rule.room(column, values)
            near = np.fmin(np.fmax(np.round(made[column]), least), most)
            made[column] = np.where(np.isnan(least), made[column], near)
    return made


def _codes(layout: Layout) -> set[str]:
    return {one.name for one in layout.codes}


def _chosen(wide: Wide, rows: IntArray) -> dict[str, npt.NDArray[Any]]:
    return {name: values[rows] for name, values in wide.items()}


def _as_wanted(
    model: FittedModel, layout: Layout, wide: Wide, where: Mapping[str, tuple[str, ...]]
) -> npt.NDArray[np.bool_]:
    wanted = np.ones(len(next(iter(wide.values()))), dtype=np.bool_)
    for name, codes in where.items():
        variable = model.schema.variable(name)
        if variable.column not in layout.of_column:
            raise UsageError(f"--where {name}: must be a variable of codes; this one is of numbers")
        one = layout.of_column[variable.column]
        texts = [text or _missing(variable) for text in one.texts(variable.column)]
        wanted &= np.array([text in codes for text in texts])[wide[one.name]]
    return wanted


def _missing(variable: Variable) -> str:
    return next((c.code for c in variable.categories if c.means == "missing"), "")


def _broken(
    model: FittedModel,
    layout: Layout,
    rules: RowRules,
    wide: Wide,
    good: npt.NDArray[np.bool_],
) -> IntArray:
    """Positions, among all drawn, of the subjects of whom a row breaks a rule."""
    at = np.flatnonzero(good)
    if not len(at):
        return np.empty(0, dtype=np.intp)
    frames, subjects = wide_tables(model, layout, wide, 0, 0)
    wrong = [
        subjects[name][rules.broken(model.schema.table(name), frames)] for name, _ in layout.tables
    ]
    return np.asarray(at[np.unique(np.concatenate(wrong))], dtype=np.intp)


def wide_tables(
    model: FittedModel, layout: Layout, wide: Wide, seed: int, block: int
) -> tuple[dict[str, pd.DataFrame], dict[str, IntArray]]:
    """Linked tables of wide rows, as they are.

    Parameters
    ----------
    model : FittedModel
    layout : Layout
    wide : mapping of str to ndarray, shape (n,)
    seed, block : int
        Of the identifiers.

    Returns
    -------
    dict of str to DataFrame
        Every table of the schema.
    dict of str to ndarray of intp
        Subject of each row, by table.
    """
    schema = model.schema
    frames: dict[str, pd.DataFrame] = {}
    subjects: dict[str, IntArray] = {}
    for name, parent in layout.tables:
        table = schema.table(name)
        parent_rows: IntArray | None = None
        of = np.arange(len(next(iter(wide.values()))))
        if parent:
            there = np.ones(len(of), dtype=np.bool_)
            if f"{ROWS}{name}" in layout.of_column:
                there = layout.has_row(wide, name)
            parent_rows = np.flatnonzero(there[subjects[parent]])
            of = subjects[parent][parent_rows]
        keys = made_keys(model, seed, block, table, len(of), frames, parent_rows)
        columns = {**placeholders(table, len(of)), **keys, **_columns(table, layout, wide, of)}
        frames[name], subjects[name] = frame_of(table, columns, len(of)), of
    for table in schema.tables:
        if table.name not in frames:
            frames[table.name] = frame_of(table, no_rows(table), 0)
    return {table.name: frames[table.name] for table in schema.tables}, subjects


def _columns(table: Table, layout: Layout, wide: Wide, of: IntArray) -> dict[str, Any]:
    """Values of the columns of a table that the wide rows decide."""
    numbers = {n.column: n for n in layout.numbers}
    like = {**{name: name for name in numbers}, **dict(layout.same)}
    made: dict[str, Any] = {}
    for column in table.columns:
        qualified = f"{table.name}.{column.name}"
        if qualified in layout.of_column:
            one = layout.of_column[qualified]
            made[column.name] = text_column(one.texts(qualified), wide[one.name][of])
        elif qualified in like:
            digits = numbers[like[qualified]].decimals
            value = np.asarray(wide[like[qualified]][of], dtype=np.float64)
            value = value if digits is None else np.round(value, digits)
            value[layout.is_missing(wide, qualified)[of]] = np.nan
            if column.type is ColumnType.DATE:
                days = np.where(np.isnan(value), 0, value).astype(np.int64)
                day = days.astype("datetime64[D]")
                made[column.name] = np.where(np.isnan(value), np.datetime64("NaT", "D"), day)
            else:
                made[column.name] = number_column(value, whole=column.type is ColumnType.INTEGER)
    return made


def require_of_schema(layout: Layout, schema: Schema) -> None:
    """Refuse a layout that names what its schema has not.

    Raises
    ------
    ModelError
        If a table, a link or a column is none of the schema's, or a column's type another.
    """
    tables = {table.name: table for table in schema.tables}
    linked = dict(layout.tables)
    for name, parent in layout.tables:
        keys = {k.table for k in tables[name].foreign_keys} if name in tables else set()
        if name not in tables or (parent and parent not in keys):
            raise ModelError("layout: its tables must be tables of the schema, linked as there")
    numeric = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE)
    known: dict[str, ColumnType] = {
        f"{name}.{column.name}": column.type for name in linked for column in tables[name].columns
    }
    numbers = {*(n.column for n in layout.numbers), *(column for column, _ in layout.same)}
    for column in numbers:
        if known.get(column) not in numeric:
            raise ModelError("layout: a number must be a column of numbers or dates of the schema")
    for part in layout.of_column:
        if part.startswith(MISSING):
            good = part.removeprefix(MISSING) in numbers
        elif part.startswith(ROWS):
            good = bool(linked.get(part.removeprefix(ROWS)))
        else:
            good = known.get(part) in (ColumnType.CODE, ColumnType.STRING)
        if not good:
            raise ModelError("layout: a code must be a column of codes of the schema")
