"""What a rule says, as a tree: the one meaning that SQL, model grid and rows interpret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

Value = str | int | float | date | None
"""A value of a row: text of a code, a number, a day, or nothing known."""

OTHER = "other"
"""Name by which a rule calls the second row of a pair."""


@dataclass(frozen=True)
class ColumnName:
    """A column of a table, or of the other row (``other.topography``)."""

    table: str
    name: str

    @property
    def qualified(self) -> str:
        """``"tumour.topography"``."""
        return f"{self.table}.{self.name}"


@dataclass(frozen=True)
class Literal:
    """A value written in the rule."""

    value: str | int | float | date


@dataclass(frozen=True)
class Call:
    """A function: ``year``, ``month``, ``days``, ``years``, ``left`` or ``group``.

    Parameters
    ----------
    name : str
    arguments : tuple of Term
        Of ``group`` only the code; the grouping is in ``option``.
    option : str
        Name of the grouping of ``group``, ``""`` for other functions.
    """

    name: str
    arguments: tuple[Term, ...]
    option: str = ""


@dataclass(frozen=True)
class Arithmetic:
    """Sum, difference or product of two numbers."""

    operator: str
    left: Term
    right: Term


Term = ColumnName | Literal | Call | Arithmetic


@dataclass(frozen=True)
class Compare:
    """Two terms beside each other: ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True)
class Member:
    """A term in a list of values and inclusive ranges.

    Parameters
    ----------
    ranges : tuple of (low, high)
        A single value is a range of one.
    negated : bool
        ``not in``.
    """

    term: Term
    ranges: tuple[tuple[str | int | float, str | int | float], ...]
    negated: bool


@dataclass(frozen=True)
class IsNull:
    """Whether a term has no value."""

    term: Term
    negated: bool


@dataclass(frozen=True)
class Not:
    """The contrary."""

    part: Condition


@dataclass(frozen=True)
class All:
    """Every part is met (``and``)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part is met (``or``)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Another:
    """Another row of the table, with the same values in ``by``, that meets a condition."""

    table: str
    by: tuple[str, ...]
    condition: Condition


Condition = Compare | Member | IsNull | Not | All | AnyOf | Another
Node = Term | Condition


def children(node: Node) -> tuple[Node, ...]:
    """Nodes directly under a node."""
    match node:
        case ColumnName() | Literal():
            return ()
        case Call():
            return node.arguments
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case Member() | IsNull():
            return (node.term,)
        case Not():
            return (node.part,)
        case All() | AnyOf():
            return node.parts
        case Another():
            return (node.condition,)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it."""
    yield node
    for child in children(node):
        yield from walk(child)


def columns_of(node: Node) -> tuple[ColumnName, ...]:
    """Columns that a node mentions, each once, in order of appearance."""
    return tuple(dict.fromkeys(n for n in walk(node) if isinstance(n, ColumnName)))


_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def without_not(condition: Condition, *, negated: bool = False) -> Condition:
    """Same condition with every ``not`` moved to the comparisons.

    Something missing stays neither met nor unmet.  Only ``not another ...`` keeps its
    ``not``.
    """
    match condition:
        case Not():
            return without_not(condition.part, negated=not negated)
        case All() | AnyOf():
            parts = tuple(without_not(part, negated=negated) for part in condition.parts)
            return AnyOf(parts) if isinstance(condition, All) == negated else All(parts)
        case Compare() if negated:
            return Compare(_OPPOSITE[condition.operator], condition.left, condition.right)
        case Member() | IsNull() if negated:
            return replace(condition, negated=not condition.negated)
        case Another() if negated:
            return Not(condition)
        case _:
            return condition
