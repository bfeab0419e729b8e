"""A rule as DuckDB SQL, for tables of any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from synthgen.schema.model import ForeignKey, Schema
from synthgen.schema.rules.check import CheckedRule
from synthgen.schema.rules.tree import (
    OTHER,
    All,
    Another,
    AnyOf,
    Arithmetic,
    Call,
    ColumnName,
    Compare,
    Condition,
    IsNull,
    Literal,
    Member,
    Not,
    Term,
)

Limit = str | int | float | date


def identifier(name: str) -> str:
    """Name as an SQL identifier, whatever is in it.

    Examples
    --------
    >>> identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: Limit) -> str:
    """Value as an SQL literal, whatever is in it.

    Examples
    --------
    >>> literal("it's"), literal(date(2024, 1, 31))
    ("'it''s'", "DATE '2024-01-31'")
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"DATE '{value.isoformat()}'" if isinstance(value, date) else repr(value)


def in_ranges(term: str, ranges: tuple[tuple[Limit, Limit], ...]) -> str:
    """Condition that a term is in one of the ranges, both ends included."""
    singles = [literal(low) for low, high in ranges if low == high]
    parts = [f"{term} IN ({', '.join(singles)})"] if singles else []
    parts += [
        f"{term} BETWEEN {literal(low)} AND {literal(high)}" for low, high in ranges if low != high
    ]
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


@dataclass(frozen=True)
class RuleSql:
    """A rule as SQL.

    Parameters
    ----------
    table : str
        Table whose rows the rule catches; its alias in the SQL.
    parents : tuple of (str, ForeignKey)
        Joins that the condition needs: the table that has the key, and the key.
    condition : str
        Boolean expression over the aliases; a row that makes it true is caught.
    """

    table: str
    parents: tuple[tuple[str, ForeignKey], ...]
    condition: str

    def from_clause(self, relations: Mapping[str, str] | None = None) -> str:
        """``FROM`` with the joins.

        Parameters
        ----------
        relations : mapping of str to str, optional
            Table to the name of the relation that holds it; the table's own name without.
        """
        return from_clause(self.table, self.parents, relations)

    def select(self, what: str, relations: Mapping[str, str] | None = None) -> str:
        """Query of the caught rows: ``SELECT what FROM ... WHERE condition``."""
        return f"SELECT {what} {self.from_clause(relations)} WHERE {self.condition}"


def from_clause(
    table: str,
    parents: tuple[tuple[str, ForeignKey], ...],
    relations: Mapping[str, str] | None = None,
) -> str:
    """``FROM`` of a table with the tables its rows refer to, each under its own name."""
    held = relations or {}
    parts = [f"FROM {identifier(held.get(table, table))} AS {identifier(table)}"]
    for child, key in parents:
        on = " AND ".join(
            f"{identifier(child)}.{identifier(mine)} = {identifier(key.table)}.{identifier(theirs)}"
            for mine, theirs in zip(key.columns, key.references, strict=True)
        )
        relation = identifier(held.get(key.table, key.table))
        parts.append(f"LEFT JOIN {relation} AS {identifier(key.table)} ON {on}")
    return " ".join(parts)


class _Writer:
    def __init__(
        self, schema: Schema, relations: Mapping[str, str], *, qualified: bool = True
    ) -> None:
        self._schema = schema
        self._relations = relations
        self._qualified = qualified

    def term(self, term: Term) -> str:
        match term:
            case ColumnName():
                if not self._qualified:
                    return identifier(term.name)
                return f"{identifier(term.table)}.{identifier(term.name)}"
            case Literal():
                return literal(term.value)
            case Arithmetic():
                return f"({self.term(term.left)} {term.operator} {self.term(term.right)})"
            case Call():
                return self._call(term, [self.term(argument) for argument in term.arguments])

    def _call(self, call: Call, made: list[str]) -> str:
        if call.name in ("year", "month"):
            return f"{call.name}({made[0]})"
        if call.name == "days":
            return f"date_diff('day', {made[0]}, {made[1]})"
        if call.name == "years":
            first, second = made
            before = (
                f"(month({second}) * 100 + day({second}) < month({first}) * 100 + day({first}))"
            )
            return f"(year({second}) - year({first}) - CAST({before} AS INTEGER))"
        if call.name == "left":
            return f"left({made[0]}, {made[1]})"
        cases = " ".join(
            f"WHEN {in_ranges(made[0], ranges)} THEN {literal(label)}"
            for label, ranges in self._schema.groupings[call.option].ranges.items()
        )
        return f"CASE {cases} END"

    def condition(self, condition: Condition) -> str:
        match condition:
            case Compare():
                return (
                    f"{self.term(condition.left)} {condition.operator} {self.term(condition.right)}"
                )
            case Member():
                inside = in_ranges(self.term(condition.term), condition.ranges)
                return f"NOT ({inside})" if condition.negated else inside
            case IsNull():
                negation = " NOT" if condition.negated else ""
                return f"{self.term(condition.term)} IS{negation} NULL"
            case Not():
                return f"NOT ({self.condition(condition.part)})"
            case All():
                return f"({' AND '.join(self.condition(part) for part in condition.parts)})"
            case AnyOf():
                return f"({' OR '.join(self.condition(part) for part in condition.parts)})"
            case Another():
                return self._another(condition)

    def _another(self, node: Another) -> str:
        mine, other = identifier(node.table), identifier(OTHER)
        same = [f"{other}.{identifier(c)} = {mine}.{identifier(c)}" for c in node.by]
        key = self._schema.table(node.table).primary_key
        differs = [f"{other}.{identifier(c)} IS DISTINCT FROM {mine}.{identifier(c)}" for c in key]
        relation = identifier(self._relations.get(node.table, node.table))
        # Several comparisons in one EXISTS lose rows in DuckDB 1.2.0; inside coalesce they
        # are one expression, which it evaluates as it stands.
        pair = f"coalesce(({' OR '.join(differs)}) AND {self.condition(node.condition)}, false)"
        where = " AND ".join([*same, pair])
        return f"EXISTS (SELECT 1 FROM {relation} AS {other} WHERE {where})"  # noqa: S608


def to_sql(
    schema: Schema, checked: CheckedRule, relations: Mapping[str, str] | None = None
) -> RuleSql:
    """Rule as DuckDB SQL over typed tables.

    Parameters
    ----------
    schema : Schema
    checked : CheckedRule
    relations : mapping of str to str, optional
        Table to the relation that holds it.  Its columns must have the types of the
        schema: text for codes, DATE for dates, numbers for numbers, null for missing.

    Returns
    -------
    RuleSql
        Rows that make the condition true are caught; a comparison with null is not true.
    """
    condition = _Writer(schema, relations or {}).condition(checked.condition)
    return RuleSql(checked.table, checked.parents, condition)


def unqualified(schema: Schema, checked: CheckedRule) -> str:
    """Condition of a rule about one table alone, with bare column names (for ``CHECK``)."""
    return _Writer(schema, {}, qualified=False).condition(checked.condition)
