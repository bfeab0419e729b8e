"""Whether a rule speaks about things that its schema has, and about which table's rows."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.errors import SchemaError
from synthgen.schema.codesets import code_set
from synthgen.schema.documents import one_line
from synthgen.schema.model import Column, ColumnType, ForeignKey, Rule, Schema
from synthgen.schema.rules.parser import parse
from synthgen.schema.rules.tree import (
    OTHER,
    Another,
    Arithmetic,
    Call,
    ColumnName,
    Compare,
    Condition,
    IsNull,
    Literal,
    Member,
    Node,
    Term,
    children,
    columns_of,
    walk,
)

_KINDS = {
    ColumnType.STRING: "text",
    ColumnType.CODE: "text",
    ColumnType.INTEGER: "number",
    ColumnType.NUMBER: "number",
    ColumnType.DATE: "date",
}
_CALLS = {
    "year": (("date",), "number"),
    "month": (("date",), "number"),
    "days": (("date", "date"), "number"),
    "years": (("date", "date"), "number"),
    "left": (("text", "number"), "text"),
    "group": (("text",), "text"),
}


@dataclass(frozen=True)
class CheckedRule:
    """A rule whose columns all exist, with what an interpreter needs to know.

    Parameters
    ----------
    rule : Rule
    condition : Condition
        Its tree.
    table : str
        Table whose rows it catches.
    parents : tuple of (str, ForeignKey)
        Joins that bring the other tables in, in order: the table that has the key, and
        the key.
    """

    rule: Rule
    condition: Condition
    table: str
    parents: tuple[tuple[str, ForeignKey], ...]


def _paths(schema: Schema, start: str) -> dict[str, tuple[tuple[str, ForeignKey], ...]]:
    """Joins from a table to each table that its foreign keys lead to, the shortest."""
    found: dict[str, tuple[tuple[str, ForeignKey], ...]] = {start: ()}
    level = [start]
    while level:
        following: list[str] = []
        for name in level:
            for key in schema.table(name).foreign_keys:
                if key.table not in found:
                    found[key.table] = (*found[name], (name, key))
                    following.append(key.table)
        level = following
    return found


def _base(schema: Schema, names: tuple[str, ...]) -> tuple[str, tuple[tuple[str, ForeignKey], ...]]:
    for name in names:
        paths = _paths(schema, name)
        if all(wanted in paths for wanted in names):
            joins = dict.fromkeys(join for wanted in names for join in paths[wanted])
            return name, tuple(joins)
    raise SchemaError(
        f"tables {' and '.join(names)} are not linked by foreign keys; "
        "a rule speaks about one row and the rows it refers to"
    )


class _Checker:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._tables = {table.name: table for table in schema.tables}
        self._other = ""

    def column(self, name: ColumnName) -> Column:
        table = self._other if name.table == OTHER and self._other else name.table
        if table not in self._tables:
            raise SchemaError(f"there is no table {one_line(name.table)}")
        if name.name not in self._tables[table].column_names:
            raise SchemaError(f"there is no column {one_line(name.qualified)}")
        return self._tables[table].column(name.name)

    def check(self, node: Node) -> None:
        if isinstance(node, Another):
            self._another(node)
            return
        for child in children(node):
            self.check(child)
        match node:
            case Compare():
                kinds = {self.kind(node.left), self.kind(node.right)}
                if len(kinds) > 1:
                    raise SchemaError(f"compares {' with '.join(sorted(kinds))}")
                for one, two in ((node.left, node.right), (node.right, node.left)):
                    if isinstance(one, ColumnName) and isinstance(two, Literal):
                        self._known(one, [str(two.value)], node.operator in ("=", "!="))
            case Member():
                kind = self.kind(node.term)
                for low, high in node.ranges:
                    if any(isinstance(v, str) != (kind == "text") for v in (low, high)):
                        raise SchemaError(f"looks for a {type(low).__name__} among {kind}s")
                    if isinstance(node.term, ColumnName):
                        item = str(low) if low == high else f"{low}-{high}"
                        self._known(node.term, [item], exact=True)
            case IsNull():
                self.kind(node.term)
            case _:
                pass

    def _another(self, node: Another) -> None:
        if self._other:
            raise SchemaError("another ... stands inside another ...; one is the limit")
        if node.table not in self._tables:
            raise SchemaError(f"there is no table {one_line(node.table)}")
        if not self._tables[node.table].primary_key:
            raise SchemaError(f"another {node.table} needs a primary key to tell rows apart")
        for name in node.by:
            self.column(ColumnName(node.table, name))
        self._other = node.table
        self.check(node.condition)
        self._other = ""

    def _known(self, name: ColumnName, items: list[str], exact: bool) -> None:
        """A code that its list does not have is a slip of the pen."""
        column = self.column(name)
        if column.codes is None or column.codes.pattern or not exact:
            return
        known = [*column.codes.index, *column.missing_codes]
        code_set(items, known, where=name.qualified)

    def kind(self, term: Term) -> str:
        """``"text"``, ``"number"`` or ``"date"``."""
        match term:
            case ColumnName():
                return _KINDS[self.column(term).type]
            case Literal():
                if isinstance(term.value, str):
                    return "text"
                return "number" if isinstance(term.value, int | float) else "date"
            case Arithmetic():
                if {self.kind(term.left), self.kind(term.right)} != {"number"}:
                    raise SchemaError(f"{term.operator} needs numbers; use days(first, second)")
                return "number"
            case Call():
                wanted, made = _CALLS[term.name]
                kinds = tuple(self.kind(argument) for argument in term.arguments)
                if kinds != wanted:
                    raise SchemaError(f"{term.name}() takes {', '.join(wanted)}")
                if term.name == "left" and not isinstance(term.arguments[1], Literal):
                    raise SchemaError("left() takes a number of characters written out")
                if term.name == "group" and term.option not in self._schema.groupings:
                    raise SchemaError(f"there is no grouping {one_line(term.option)}")
                return made


def check_rule(schema: Schema, rule: Rule) -> CheckedRule:
    """Rule with its tree and joins.

    Parameters
    ----------
    schema : Schema
    rule : Rule

    Raises
    ------
    SchemaError
        If the condition cannot be read, or names a table, column, code or grouping that
        the schema does not have, or compares things of different kinds.
    """
    try:
        return _checked(schema, rule)
    except SchemaError as problem:
        raise SchemaError(f"rule {one_line(rule.id)}: {problem}") from problem


def _checked(schema: Schema, rule: Rule) -> CheckedRule:
    condition = parse(rule.when)
    _Checker(schema).check(condition)
    pairs = [node.table for node in walk(condition) if isinstance(node, Another)]
    named = [name.table for name in columns_of(condition) if name.table != OTHER]
    names = tuple(dict.fromkeys([*pairs, *named]))
    if not names:
        raise SchemaError("names no column")
    table, parents = _base(schema, names)
    if any(pair != table for pair in pairs):
        raise SchemaError(f"another {pairs[0]}: the rule is about rows of {table}")
    return CheckedRule(rule, condition, table, parents)
