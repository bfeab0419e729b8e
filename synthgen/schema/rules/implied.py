"""What code lists say a code implies of other columns, as rules like any other."""

from __future__ import annotations

from synthgen.schema.codesets import CodeSet, code_set
from synthgen.schema.model import Column, Rule, Schema, Severity, Table
from synthgen.schema.rules.check import CheckedRule, check_rule
from synthgen.schema.rules.tree import All, AnyOf, ColumnName, Compare, Condition, Literal, Member


def _outside(name: ColumnName, codes: CodeSet) -> Condition:
    singles = [(code, code) for code in sorted(codes.singles)]
    return Member(name, (*singles, *codes.ranges), negated=True)


def _implied_rule(table: Table, column: Column) -> CheckedRule | None:
    """Rule that catches a row whose code does not go with its other columns."""
    if column.codes is None:
        return None
    own = ColumnName(table.name, column.name)
    parts: list[Condition] = []
    others: dict[str, None] = {}
    for code in column.codes.codes:
        outside: list[Condition] = []
        for name, allowed in code.implies.items():
            others[name] = None
            listed = table.column(name).codes
            known = listed.index if listed is not None and not listed.pattern else ()
            codes = code_set(allowed, list(known), where=f"code {code.code}")
            outside.append(_outside(ColumnName(table.name, name), codes))
        if outside:
            is_code = Compare("=", own, Literal(code.code))
            broken = outside[0] if len(outside) == 1 else AnyOf(tuple(outside))
            parts.append(All((is_code, broken)))
    if not parts:
        return None
    names = ", ".join(others)
    names_ko = ", ".join(table.column(name).title_ko for name in others)
    rule = Rule(
        id=f"IMPLIES-{table.name}.{column.name}",
        severity=Severity.IMPOSSIBLE,
        when=f"{column.name} is a code whose definition does not allow its {names}",
        message=f"{column.name} does not go with {names}",
        message_ko=f"{column.title_ko}이(가) {names_ko}와(과) 맞지 않음",
        source=f"definitions in the code list {column.codes.name}",
    )
    return CheckedRule(rule, parts[0] if len(parts) == 1 else AnyOf(tuple(parts)), table.name, ())


def implied_rules(schema: Schema) -> tuple[CheckedRule, ...]:
    """A rule for every column whose codes imply something of other columns of the row.

    The condition is a tree only: ``rule.when`` says in words what it is.
    """
    found = (_implied_rule(table, column) for table in schema.tables for column in table.columns)
    return tuple(rule for rule in found if rule is not None)


def all_rules(schema: Schema) -> tuple[CheckedRule, ...]:
    """Rules of the schema, in its order, then what its code lists imply.

    Raises
    ------
    SchemaError
        If a rule cannot be read.
    """
    return (*(check_rule(schema, rule) for rule in schema.rules), *implied_rules(schema))
