"""What can be asked of records: counts of sets of variables, some of them by family.

A question is public; its answer is not.  Exact counts leave this file only as arrays that the
:class:`~synthgen.enclave.private.spending.Spender` adds noise to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from synthgen.enclave.counting import Coded
from synthgen.schema.model import CodeList, Schema, Variable

IntArray = npt.NDArray[np.int64]
Columns = Mapping[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Families:
    """Families of the codes of one variable.

    Parameters
    ----------
    labels : tuple of str
    positions : ndarray of intp
        Family of each code.
    members : mapping of str to tuple of str
        Codes of each family.
    """

    labels: tuple[str, ...]
    positions: npt.NDArray[np.intp]
    members: Mapping[str, tuple[str, ...]]


def families_of(variable: Variable, codes: CodeList | None) -> Families | None:
    """Families of a variable whose code list has them; a code without one stands alone."""
    if codes is None or not codes.families:
        return None
    family = {c.code: c.family for c in codes.codes}
    labels: dict[str, int] = {}
    members: dict[str, list[str]] = {}
    positions = []
    for category in variable.categories:
        label = family.get(category.code) or category.code
        positions.append(labels.setdefault(label, len(labels)))
        members.setdefault(label, []).append(category.code)
    if not 1 < len(labels) < len(positions):
        return None
    return Families(
        tuple(labels),
        np.array(positions, dtype=np.intp),
        {label: tuple(own) for label, own in members.items()},
    )


@dataclass(frozen=True)
class Question:
    """Counts of all combinations of some variables.

    Parameters
    ----------
    names : tuple of str
    by_family : tuple of str
        Those of the names that are counted by family.
    """

    names: tuple[str, ...]
    by_family: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``"sex,family of entity"``."""
        return ",".join(f"family of {n}" if n in self.by_family else n for n in self.names)


class Rows:
    """Rows of one unit, as positions of categories.

    Parameters
    ----------
    unit : Coded
    schema : Schema
    """

    def __init__(self, unit: Coded, schema: Schema) -> None:
        self.unit = unit
        self.name = unit.unit.table.name
        self.variables = {name: c.variable for name, c in unit.variables.items()}
        self.context = unit.context
        self.own = tuple(n for n in unit.variables if n not in unit.context)
        self.families: dict[str, Families] = {}
        for name, variable in self.variables.items():
            found = families_of(variable, _codes_of(schema, variable))
            if found is not None:
                self.families[name] = found
        self._columns = self._fetched()

    def _fetched(self) -> Columns:
        names = list(self.variables)
        columns = ", ".join(self.unit.column(n) for n in names)
        found = self.unit.db.execute(f"SELECT {columns} FROM {self.unit.relation}").fetchnumpy()  # noqa: S608
        return {n: np.asarray(found[self.unit.column(n)], dtype=np.int64) for n in names}

    def size(self, name: str, *, by_family: bool = False) -> int:
        """Categories of a variable, or its families."""
        if by_family:
            return len(self.families[name].labels)
        return len(self.variables[name].categories)

    def shape(self, question: Question) -> tuple[int, ...]:
        """Axes of the answer to a question."""
        return tuple(self.size(n, by_family=n in question.by_family) for n in question.names)

    def cells(self, question: Question) -> int:
        """Cells of the answer to a question."""
        return int(np.prod(self.shape(question), dtype=np.int64))

    def counted(self, question: Question, columns: Columns | None = None) -> IntArray:
        """Exact counts of these rows, or of others given as columns of positions."""
        data = self._columns if columns is None else columns
        shape = self.shape(question)
        flat: IntArray | None = None
        for name, size in zip(question.names, shape, strict=True):
            column = data[name]
            if name in question.by_family:
                column = self.families[name].positions[column]
            flat = column if flat is None else flat * size + column
        if flat is None:
            return np.array([len(next(iter(data.values())))], dtype=np.int64)
        counts = np.bincount(flat, minlength=int(np.prod(shape, dtype=np.int64)))
        return counts.astype(np.int64).reshape(shape)


def _codes_of(schema: Schema, variable: Variable) -> CodeList | None:
    if not variable.column:
        return None
    table, _, column = variable.column.partition(".")
    return schema.table(table).column(column).codes


def candidates(rows: Rows, largest: int, cells: int) -> list[Question]:
    """All questions of up to so many variables and cells, at least one of them its own.

    Parameters
    ----------
    rows : Rows
    largest : int
        Variables of a question.
    cells : int
        Cells of a question.
    """
    found: list[Question] = []
    names = list(rows.variables)
    for width in range(1, largest + 1):
        for chosen in combinations(names, width):
            if all(name in rows.context for name in chosen):
                continue
            grouped = [n for n in chosen if n in rows.families]
            asked = [Question(chosen)]
            asked += [Question(chosen, (n,)) for n in grouped if width > 1]
            found += [q for q in asked if rows.cells(q) <= cells]
    return found


def wanted_questions(
    rows: Rows, planned: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]
) -> list[Question]:
    """Questions of a plan; tables by a variable with families are asked by family first.

    Parameters
    ----------
    rows : Rows
    planned : sequence of (tuple of str, tuple of str)
        Given and own variables of each planned table.
    """
    asked: list[Question] = []
    for given, variables in planned:
        chosen = tuple(n for n in rows.variables if n in {*given, *variables})
        asked += [Question(chosen, (n,)) for n in chosen if n in rows.families and len(chosen) > 1]
        asked.append(Question(chosen))
    return list(dict.fromkeys(asked))
