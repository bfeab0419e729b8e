"""Fields that go missing together, and fields that some categories never have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synthgen.enclave.counting import Coded
from synthgen.schema.model import Column, ColumnType, Rule, Schema, Severity
from synthgen.schema.rules.sql import literal
from synthgen.schema.validation.database import count_where, row_of

_WORD = re.compile(r"[^\W\d]\w*\.[^\W\d]\w*")
"""Column names that the rule language can write."""

SOURCE = "Found in the records that were tabulated: no record says otherwise"


@dataclass(frozen=True)
class Gaps:
    """What is missing with what.

    Parameters
    ----------
    partners : mapping of str to frozenset of str
        Variables that one must be counted with, so that what holds of the records holds of
        the model.
    rules : tuple of Rule
        The same as impossible rules of the schema.
    """

    partners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


def gaps_of(
    coded: Coded, rows: Mapping[str, npt.NDArray[np.int32]], schema: Schema, *, least: int = 1
) -> Gaps:
    """Blocks of fields that go missing together, and what decides that they do.

    Parameters
    ----------
    coded : Coded
    rows : mapping of str to ndarray of int32, shape (n,)
        Sampled positions.
    schema : Schema
    least : int
        Fewest rows that a rule may rest on.
    """
    own = [c for c in coded.unit.counted if not c.detail_of and c.variable.column]
    empty = {}
    for counted in own:
        at = [i for i, c in enumerate(counted.variable.categories) if c.means == "missing"]
        if at:
            mask = rows[counted.name] == at[0]
            if mask.sum() >= least and (~mask).sum() >= least:
                empty[counted.name] = mask
    partners: dict[str, frozenset[str]] = {}
    rules: list[Rule] = []
    heads: list[str] = []
    for name, mask in empty.items():
        mate = next(
            (h for h in heads if (empty[h] == mask).all() and _together(coded, h, name)), None
        )
        if mate is None:
            heads.append(name)
            continue
        partners[name] = frozenset({mate})
        rules += _together_rule(schema, coded, mate, name, len(rules))
    for name in heads:
        decider = _decider(coded, rows, name, empty[name])
        if decider is not None:
            partners[name] = frozenset({decider})
            rules += _never_rules(
                schema, coded, rows, decider, name, empty[name], least, len(rules)
            )
    return Gaps(partners, tuple(rules))


def _missing_at(coded: Coded, name: str) -> str:
    categories = coded.variables[name].variable.categories
    position = next(i for i, c in enumerate(categories) if c.means == "missing")
    return f"{coded.column(name)} = {position}"


def _together(coded: Coded, first: str, second: str) -> bool:
    """Whether two fields are missing in the same rows, all of them."""
    apart = f"({_missing_at(coded, first)}) <> ({_missing_at(coded, second)})"
    (many,) = row_of(coded.db, f"SELECT {count_where(apart)} FROM {coded.relation}")  # noqa: S608
    return not many


def _decider(
    coded: Coded,
    rows: Mapping[str, npt.NDArray[np.int32]],
    name: str,
    mask: npt.NDArray[np.bool_],
) -> str | None:
    """Variable of which each category has the field always or never."""
    for counted in coded.unit.counted:
        variable = counted.variable
        if counted.name == name or variable.is_binned or not variable.column:
            continue
        size = len(variable.categories)
        column = rows[counted.name]
        seen = np.bincount(column, minlength=size)
        lost = np.bincount(column, weights=mask, minlength=size)
        plain = seen[seen > 0]
        if ((lost == 0) | (lost == seen)).all() and len(plain) > 1 and len(plain) < len(mask) / 4:
            return counted.name
    return None


def _value(column: Column) -> str | float:
    """Some value that a column may have, for the example rows of a rule."""
    if column.codes is not None and column.codes.codes:
        return column.codes.codes[0].code
    if column.type is ColumnType.DATE:
        return "2000-01-01"
    if column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
        return column.minimum if column.minimum is not None else (column.maximum or 0)
    return "A"


def _column(schema: Schema, qualified: str) -> Column:
    table, _, name = qualified.partition(".")
    return schema.table(table).column(name)


def _together_rule(
    schema: Schema, coded: Coded, first: str, second: str, number: int
) -> list[Rule]:
    a, b = (coded.variables[name].variable.column for name in (first, second))
    if not (_WORD.fullmatch(a) and _WORD.fullmatch(b)):
        return []
    return [
        Rule(
            f"MISSING-TOGETHER-{coded.unit.table.name}-{number}"[:63],
            Severity.IMPOSSIBLE,
            f"({a} is null and {b} is not null) or ({a} is not null and {b} is null)",
            f"{a} and {b} are missing together or not at all",
            f"{a}와(과) {b}는 함께 결측이거나 함께 있어야 함",
            SOURCE,
            ({a: None, b: None},),
            ({a: None, b: _value(_column(schema, b))},),
        )
    ]


def _never_rules(
    schema: Schema,
    coded: Coded,
    rows: Mapping[str, npt.NDArray[np.int32]],
    decider: str,
    name: str,
    mask: npt.NDArray[np.bool_],
    least: int,
    number: int,
) -> list[Rule]:
    variable = coded.variables[decider].variable
    a, b = variable.column, coded.variables[name].variable.column
    seen = np.bincount(rows[decider], minlength=len(variable.categories))
    lost = np.bincount(rows[decider], weights=mask, minlength=len(variable.categories))
    never = [
        c.code
        for c, n, m in zip(variable.categories, seen, lost, strict=True)
        if n >= least and n == m and not c.means
    ]
    if not never or not (_WORD.fullmatch(a) and _WORD.fullmatch(b)):
        return []
    listed = ", ".join(literal(code) for code in never)
    caught = f"{a} in [{listed}] and {b} is not null"
    broken = (
        f"{coded.column(decider)} IN ({', '.join(str(variable.codes.index(c)) for c in never)}) "
        f"AND NOT ({_missing_at(coded, name)})"
    )
    (many,) = row_of(coded.db, f"SELECT {count_where(broken)} FROM {coded.relation}")  # noqa: S608
    if many:
        return []
    return [
        Rule(
            f"NEVER-{coded.unit.table.name}-{number}"[:63],
            Severity.IMPOSSIBLE,
            caught,
            f"{b} does not exist for these categories of {a}",
            f"{a}의 이 범주에는 {b}가 없음",
            SOURCE,
            ({a: never[0], b: None},),
            ({a: never[0], b: _value(_column(schema, b))},),
        )
    ]
