"""What a program made for schema A meets when its data follow schema B."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synthgen.schema.comparison import compare_schemas
from synthgen.schema.model import (
    Code,
    CodeList,
    Column,
    ColumnType,
    ForeignKey,
    Rule,
    Schema,
    Severity,
    Table,
)


def codes(*names, **options):
    made = tuple(Code(name, f"code {name}", f"코드 {name}") for name in names)
    return CodeList("list", "list", "목록", "ours", made, **options)


def column(name, kind=ColumnType.STRING, **options):
    return Column(name, kind, options.pop("nullable", False), name, name, **options)


def schema(*columns, rules=(), **options):
    table = Table("t", "t", "t", "row", columns, **options)
    return Schema("own", "1.0.0", "own", "own", (table,), {}, rules=rules)


def differences(a, b):
    found = compare_schemas(a, b)
    return [d.kind for d in found.breaking], [d.kind for d in found.new]


RULE = Rule("R", Severity.IMPOSSIBLE, "t.a = '1'", "m", "m", "s")


@pytest.mark.parametrize(
    ("a", "b", "breaking", "new"),
    [
        (column("a"), column("a"), [], []),
        (column("a"), column("b"), ["column.missing"], ["column.new"]),
        (column("a", ColumnType.INTEGER), column("a", ColumnType.NUMBER), ["column.type"], []),
        (column("a", ColumnType.NUMBER), column("a", ColumnType.INTEGER), [], ["column.type"]),
        (column("a"), column("a", ColumnType.DATE), ["column.type"], []),
        (column("a"), column("a", nullable=True), ["column.nullable"], []),
        (column("a", nullable=True), column("a"), [], ["column.required"]),
        (column("a"), column("a", missing_codes=("99",)), ["column.missing_codes"], []),
        (column("a", missing_codes=("99",)), column("a"), [], []),
        (column("a", pattern="^S"), column("a", pattern="^T"), ["column.pattern"], []),
        (column("a"), column("a", pattern="^T"), [], ["column.pattern"]),
        (column("a", minimum=1), column("a", minimum=0), ["column.wider"], []),
        (column("a", maximum=1), column("a"), ["column.wider"], []),
        (column("a", minimum=1), column("a", minimum=2), [], ["column.narrower"]),
        (column("a"), column("a", maximum=9), [], ["column.narrower"]),
        (column("a", unit="days"), column("a", unit="months"), ["column.unit"], []),
        (column("a"), replace(column("a"), title="A"), [], ["column.title"]),
    ],
)  # fmt: skip
def test_a_change_of_a_column_breaks_or_is_only_new(a, b, breaking, new):
    assert differences(schema(a), schema(b)) == (breaking, new)


@pytest.mark.parametrize(
    ("a", "b", "breaking", "new"),
    [
        (codes("1", "2"), codes("1", "2", "3"), ["codes.wider"], []),
        (codes("1", "2"), codes("1"), ["codes.narrower"], []),
        (codes("1", pattern="[0-9]"), codes("1", "2", pattern="[0-9]"), [], ["codes.wider"]),
        (codes("1"), codes("1", pattern="[0-9]"), ["codes.open"], []),
        (codes("1"), None, ["column.type", "codes.dropped"], []),
    ],
)
def test_codes_that_come_or_go_break(a, b, breaking, new):
    def coded(listed):
        return column("a", ColumnType.CODE if listed else ColumnType.STRING, codes=listed)

    assert differences(schema(coded(a)), schema(coded(b))) == (breaking, new)


def test_a_code_that_means_something_else_is_named():
    a = codes("1", "2")
    b = replace(a, codes=(a.codes[0], replace(a.codes[1], title="other", implies={"x": ("1",)})))
    found = compare_schemas(
        schema(column("a", ColumnType.CODE, codes=a)), schema(column("a", ColumnType.CODE, codes=b))
    )
    assert [(d.kind, d.breaks, d.codes) for d in found.differences] == [
        ("codes.implies", True, ("2",)),
        ("codes.titles", False, ("2",)),
    ]


def test_a_renamed_column_is_guessed_by_title_or_codes():
    a = schema(
        replace(column("sex"), title_ko="성별"), column("x", ColumnType.CODE, codes=codes("1", "2"))
    )
    b = schema(column("성별"), column("y", ColumnType.CODE, codes=codes("1", "2")))
    found = compare_schemas(a, b)
    assert [(d.kind, d.column, d.values.get("name")) for d in found.breaking] == [
        ("column.renamed", "sex", "성별"),
        ("column.renamed", "x", "y"),
    ]


def test_tables_and_order():
    a = schema(column("a"), column("b"))
    b = replace(a, tables=(*schema(column("b"), column("a")).tables, Table("u", "u", "u", "r", ())))
    assert differences(a, b) == ([], ["columns.order", "table.new"])
    assert differences(b, a) == (["table.missing"], ["columns.order"])


def test_keys_that_change_break():
    key = ForeignKey(("a",), "t", ("b",))
    a = schema(column("a"), column("b"), primary_key=("b",), foreign_keys=(key,))
    b = schema(column("a"), column("b"), primary_key=("a",))
    assert differences(a, b) == (["key.changed", "key.dropped"], [])
    assert differences(b, a) == (["key.changed"], ["key.added"])


def test_rules_that_no_longer_hold_break():
    a, plain = schema(column("a"), rules=(RULE,)), schema(column("a"))
    soft = schema(column("a"), rules=(replace(RULE, severity=Severity.UNLIKELY),))
    other = schema(column("a"), rules=(replace(RULE, when="t.a = '2'"),))
    assert differences(a, plain) == (["rule.dropped"], [])
    assert differences(plain, a) == ([], ["rule.added"])
    assert differences(a, soft) == (["rule.severity"], [])
    assert differences(soft, a) == ([], ["rule.severity"])
    assert differences(a, other) == (["rule.changed"], [])


def test_every_kind_of_difference_has_its_texts():
    import re
    from pathlib import Path

    from synthgen.messages import LANGUAGES, catalogue

    folder = Path(__file__).resolve().parents[3] / "synthgen" / "schema" / "comparison"
    named = set()
    for file in folder.glob("*.py"):
        named |= set(re.findall(r'Difference\(\s*"([a-z_.]+)"', file.read_text("utf-8")))
    assert len(named) > 30
    for language in LANGUAGES:
        assert {kind for kind in named if f"diff.{kind}" not in catalogue(language)} == set()
