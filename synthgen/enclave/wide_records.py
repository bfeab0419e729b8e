"""From records to wide rows: what an engine of one table is given to learn.

The first row of each linked table stands beside its subject; how many more there are is counted
and said.  Keys, identifiers and free texts are never given to an engine.  What is missing is filled
with a value of another record, and that it is missing is a code, so that no engine invents its
own way with missing values; columns that the rules of the schema tie to each other are learned
as the combinations that occur, which is what SDV calls ``FixedCombinations``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.enclave.coding import cell
from synthgen.enclave.learned import is_formal
from synthgen.enclave.order import earlier_dates, not_above
from synthgen.enclave.records import Records
from synthgen.enclave.units import parents_of
from synthgen.errors import RecordsError
from synthgen.models.wide import DECIMALS, MISSING, ROWS, Codes, Layout, Number
from synthgen.schema.model import Column, ColumnType, Sensitivity, Severity, Table
from synthgen.schema.rules import all_rules
from synthgen.schema.rules.check import check_rule
from synthgen.schema.rules.sql import identifier
from synthgen.schema.rules.tree import ColumnName, Compare, walk

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MOST_COMBINATIONS = 500
"""Columns that a rule ties are joined up to so many combinations; else rows are drawn again."""

FILLING = 20_161_017
"""Seed of what missing values are filled with: the same records give the same wide rows."""

DAY = "date_diff('day', DATE '1970-01-01', {})"


@dataclass(frozen=True)
class Learned:
    """Wide rows of records.

    Parameters
    ----------
    layout : Layout
    wide : mapping of str to ndarray, shape (n,)
    further : mapping of str to int
        Rows of linked tables that stand beside no subject, because it has one already.
    left_out : tuple of str
        Columns that are not learned, with the reason.
    """

    layout: Layout
    wide: Mapping[str, npt.NDArray[Any]]
    further: Mapping[str, int]
    left_out: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Subjects."""
        return len(next(iter(self.wide.values())))


def wide_records(records: Records) -> Learned:
    """Wide rows of checked records.

    Parameters
    ----------
    records : Records
        Open.

    Raises
    ------
    RecordsError
        If tables are not linked, or no column can be learned.
    """
    return _Reader(records).learned()


class _Reader:
    def __init__(self, records: Records) -> None:
        self.records = records
        self.schema = records.schema
        self.rng = np.random.default_rng(FILLING)
        self.left_out: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.numbers: dict[str, FloatArray] = {}
        self.missing: dict[str, BoolArray] = {}
        self.filled: dict[str, BoolArray] = {}
        parents = {t.name: parents_of(records, t) for t in records.tables}
        ordered = sorted(records.tables, key=lambda t: len(parents[t.name]))
        self.tables = [(t.name, (*parents[t.name], "")[0]) for t in ordered]
        roots = [name for name, parent in self.tables if not parent]
        if len(roots) > 1:
            raise RecordsError(
                f"records: tables {', '.join(roots)} are not linked by a key; give one at a time"
            )

    def learned(self) -> Learned:
        found = self._read()
        rows = len(found["n0"])
        further: dict[str, int] = {}
        for at, (name, parent) in enumerate(self.tables):
            there = np.asarray(found[f"n{at}"]).astype(bool)
            more = self.records.rows[name] - int(there.sum())
            if parent and more:
                further[name] = more
            self._columns(self.schema.table(name), found, at, there)
            if parent and not there.all():
                self.texts[f"{ROWS}{name}"] = ["1" if one else "0" for one in there]
        same = self._same()
        pairs = self._order()
        for column, gone in self.missing.items():
            if gone.any() and f"{MISSING}{column}" not in self.texts:
                self.texts[f"{MISSING}{column}"] = ["1" if one else "0" for one in gone]
        if not self.texts and not self.numbers:
            raise RecordsError("records: no column can be learned; give columns codes or numbers")
        codes = [self._codes(group) for group in self._groups()]
        wide: dict[str, npt.NDArray[Any]] = {}
        for one, positions in codes:
            wide[one.name] = positions
        wide |= self.numbers
        layout = Layout(
            tuple(self.tables),
            tuple(one for one, _ in codes),
            tuple(Number(n, self._decimals(n)) for n in self.numbers),
            tuple(pairs),
            tuple(same),
        )
        if rows != len(next(iter(wide.values()))):
            raise RecordsError("records: rows of a table refer to no row of another")
        return Learned(layout, wide, further, tuple(self.left_out))

    def _read(self) -> dict[str, Any]:
        """Every column of the joined tables: ``n0`` whether there is a row, ``c0_1`` a column."""
        selected: list[str] = []
        source = ""
        for at, (name, parent) in enumerate(self.tables):
            table = self.schema.table(name)
            relation = self.records.relations[name]
            present = self._present(name)
            if not parent:
                source = f"{relation} AS {identifier(name)}"
                selected.append(f"true AS n{at}")
            else:
                key = next(k for k in table.foreign_keys if k.table == parent)
                own = ", ".join(identifier(c) for c in key.columns)
                order = ", ".join(identifier(c) for c in (*table.primary_key, *sorted(present)))
                first = (
                    f"(SELECT * FROM {relation} QUALIFY row_number() OVER "  # noqa: S608
                    f"(PARTITION BY {own} ORDER BY {order}) = 1)"
                )
                same = " AND ".join(
                    f"{cell(f'{name}.{a}')} = {cell(f'{parent}.{b}')}"
                    for a, b in zip(key.columns, key.references, strict=True)
                )
                source += f" LEFT JOIN {first} AS {identifier(name)} ON {same}"
                selected.append(f"{cell(f'{name}.{key.columns[0]}')} IS NOT NULL AS n{at}")
            for number, column in enumerate(table.columns):
                if column.name in present:
                    selected.append(f"{_value(name, column)} AS c{at}_{number}")
        root = self.schema.table(self.tables[0][0])
        keys = [c for c in root.primary_key if c in self._present(root.name)]
        order = ", ".join(cell(f"{root.name}.{c}") for c in keys) or "ALL"
        found: dict[str, Any] = self.records.db.execute(
            f"SELECT {', '.join(selected)} FROM {source} ORDER BY {order}"  # noqa: S608
        ).fetchnumpy()
        return found

    def _present(self, table: str) -> set[str]:
        described = self.records.db.execute(f"DESCRIBE {self.records.relations[table]}").fetchall()
        return {str(row[0]) for row in described}

    def _columns(self, table: Table, found: Mapping[str, Any], at: int, there: BoolArray) -> None:
        """Take the columns of one table; a subject without a row borrows that of another."""
        lenders = np.flatnonzero(there)
        borrowed = np.arange(len(there))
        if len(lenders) and not there.all():
            borrowed[~there] = self.rng.choice(lenders, size=int((~there).sum()))
        keys = {*table.primary_key, *(c for key in table.foreign_keys for c in key.columns)}
        for number, column in enumerate(table.columns):
            qualified = f"{table.name}.{column.name}"
            named = column.name in keys or column.sensitivity is Sensitivity.IDENTIFIER
            if f"c{at}_{number}" not in found or named:
                continue
            values = np.ma.asarray(found[f"c{at}_{number}"])[borrowed]
            gone = np.ma.getmaskarray(values).copy()
            if gone.all():
                continue
            if column.type in (ColumnType.CODE, ColumnType.STRING):
                texts = [
                    "" if lost else str(value)
                    for value, lost in zip(values.data.tolist(), gone, strict=True)
                ]
                if column.type is ColumnType.STRING and not _is_coded(column, texts):
                    self.left_out.append(f"{qualified} (text)")
                else:
                    self.texts[qualified] = texts
                continue
            known = np.where(gone, 0.0, values.data.astype(np.float64))
            gone |= ~np.isfinite(known)
            known[gone] = self.rng.choice(known[~gone], size=int(gone.sum()))
            self.numbers[qualified], self.filled[qualified] = known, gone | ~there
            self.missing[qualified] = gone

    def _same(self) -> list[tuple[str, str]]:
        """Numbers that a rule keeps equal to another, and that are so in every record."""
        found = []
        for rule in self.schema.rules:
            condition = check_rule(self.schema, rule).condition
            if rule.severity is not Severity.IMPOSSIBLE or not isinstance(condition, Compare):
                continue
            one, other = condition.left, condition.right
            if not isinstance(one, ColumnName) or not isinstance(other, ColumnName):
                continue
            column, like = one.qualified, other.qualified
            if condition.operator != "!=" or {column, like} - {*self.numbers}:
                continue
            table = column.partition(".")[0]
            both = ~(self.filled[column] | self.filled[like])
            equal = np.array_equal(self.numbers[column][both], self.numbers[like][both])
            if (
                equal
                and table == other.table
                and not (self.missing[like] & ~self.missing[column]).any()
            ):
                found.append((column, like))
                del self.numbers[column]
        return found

    def _order(self) -> list[tuple[str, str]]:
        """Numbers that no record has out of order; what was filled is put in order."""
        wanted = [
            *((lower, upper) for upper, lower in earlier_dates(self.schema).items()),
            *not_above(self.records).items(),
        ]
        pairs = []
        for lower, upper in wanted:
            if lower not in self.numbers or upper not in self.numbers:
                continue
            both = ~(self.filled[lower] | self.filled[upper])
            if (self.numbers[lower] > self.numbers[upper])[both].any():
                continue
            pairs.append((lower, upper))
            gaps = (self.numbers[upper] - self.numbers[lower])[both]
            gap = self.rng.choice(gaps if len(gaps) else np.zeros(1), size=len(both))
            low, high = self.numbers[lower], self.numbers[upper]
            late = self.filled[upper]
            self.numbers[upper] = np.where(late, low + gap, high)
            early = self.filled[lower] & ~late & (low > high)
            self.numbers[lower] = np.where(early, high - gap, low)
        return pairs

    def _groups(self) -> list[tuple[str, ...]]:
        """Codes that are learned together, in the order of their first column."""
        group_of: dict[str, tuple[str, ...]] = {name: (name,) for name in self.texts}
        same: dict[bytes, str] = {}
        for name, texts in self.texts.items():  # fields that go missing together
            lost = "0" if name.startswith(ROWS) else "1" if name.startswith(MISSING) else ""
            mask = np.array([text == lost for text in texts])
            if mask.any():
                other = same.setdefault(mask.tobytes(), name)
                self._tie(group_of, (other, name))
        for checked in all_rules(self.schema):
            if checked.rule.severity is not Severity.IMPOSSIBLE:
                continue
            spoken = [n.qualified for n in walk(checked.condition) if isinstance(n, ColumnName)]
            names = [n if n in self.texts else f"{MISSING}{n}" for n in dict.fromkeys(spoken)]
            told = [n for n in dict.fromkeys(names) if n in self.texts]
            self._tie(group_of, told)
        return list(dict.fromkeys(group_of[name] for name in self.texts))

    def _tie(self, group_of: dict[str, tuple[str, ...]], names: Sequence[str]) -> None:
        """Join the groups of some columns, unless they have too many combinations."""
        union = tuple(dict.fromkeys(n for name in names for n in group_of[name]))
        if len(set(zip(*(self.texts[n] for n in union), strict=True))) <= MOST_COMBINATIONS:
            group_of |= dict.fromkeys(union, union)

    def _codes(self, group: Sequence[str]) -> tuple[Codes, npt.NDArray[np.intp]]:
        rows = list(zip(*(self.texts[name] for name in group), strict=True))
        combinations = sorted(set(rows))
        rank = {combination: at for at, combination in enumerate(combinations)}
        positions = np.fromiter((rank[row] for row in rows), dtype=np.intp, count=len(rows))
        return Codes(tuple(group), tuple(combinations)), positions

    def _decimals(self, qualified: str) -> int | None:
        """Fewest decimals that hold every value of a column."""
        table, _, name = qualified.partition(".")
        if self.schema.table(table).column(name).type is not ColumnType.NUMBER:
            return 0
        values = self.numbers[qualified][~self.missing[qualified]]
        for digits in range(DECIMALS + 1):
            if np.array_equal(np.round(values, digits), values):
                return digits
        return None


def _is_coded(column: Column, texts: Sequence[str]) -> bool:
    """Whether a text is a code without a list: formal, few values, and none of one's own."""
    values = len(set(texts))
    return is_formal(column) and values <= min(MOST_COMBINATIONS, len(texts) // 2)


def _value(table: str, column: Column) -> str:
    value = cell(f"{table}.{column.name}")
    if column.type is ColumnType.DATE:
        return DAY.format(value)
    if column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
        return f"CAST({value} AS DOUBLE)"
    return f"CAST({value} AS VARCHAR)"
