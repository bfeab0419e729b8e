"""Two schemas: what a program made for A meets when its data follow B."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synthgen.schema.comparison.differences import Comparison, Difference, comparison
from synthgen.schema.model import CodeList, Column, ColumnType, Rule, Schema, Severity, Table
from synthgen.schema.validation.guesses import ALIKE, name_likeness

#: Types whose values a program for the other type can read as they are.
_WIDENS = {
    (ColumnType.NUMBER, ColumnType.INTEGER),
    (ColumnType.STRING, ColumnType.CODE),
}


def compare_schemas(a: Schema, b: Schema) -> Comparison:
    """Compare two schemas.

    Parameters
    ----------
    a : Schema
        That programs were made for.
    b : Schema
        That their data will follow.

    Returns
    -------
    Comparison
        Missing, renamed or retyped columns, changed keys, codes that come or go, columns
        that may newly be missing and rules that no longer hold break a program; new tables
        and columns, narrower ranges and further rules are only new.
    """
    found = [*_tables(a, b), *_rules(a, b)]
    return comparison(a.key, b.key, found)


def _tables(a: Schema, b: Schema) -> Iterator[Difference]:
    theirs = {table.name: table for table in b.tables}
    for table in a.tables:
        if table.name not in theirs:
            yield Difference("table.missing", breaks=True, table=table.name)
        else:
            yield from _table(table, theirs[table.name])
    ours = {table.name for table in a.tables}
    for name in theirs:
        if name not in ours:
            yield Difference("table.new", breaks=False, table=name)


def renamed_columns(a: Table, b: Table) -> dict[str, str]:
    """Column of B that each column of A has probably become, by names, titles and content."""
    ours, theirs = set(a.column_names), set(b.column_names)
    scored = []
    for mine in (c for c in a.columns if c.name not in theirs):
        for other in (c for c in b.columns if c.name not in ours):
            if mine.type is not other.type:
                continue
            likeness = max(
                name_likeness(name, mine) for name in (other.name, other.title, other.title_ko)
            )
            shared = _shared_codes(mine.codes, other.codes)
            if likeness >= ALIKE or shared >= ALIKE:
                scored.append((likeness + shared, mine.name, other.name))
    guessed: dict[str, str] = {}
    for _, mine_name, other_name in sorted(scored, key=lambda s: (-s[0], s[1], s[2])):
        if mine_name not in guessed and other_name not in guessed.values():
            guessed[mine_name] = other_name
    return guessed


def _shared_codes(a: CodeList | None, b: CodeList | None) -> float:
    """Codes in both lists as a share of those in either."""
    if a is None or b is None:
        return 0.0
    return len(set(a.index) & set(b.index)) / max(len(set(a.index) | set(b.index)), 1)


def _table(a: Table, b: Table) -> Iterator[Difference]:
    renamed = renamed_columns(a, b)
    theirs = {column.name: column for column in b.columns}
    for column in a.columns:
        if column.name in renamed:
            values = {"name": renamed[column.name]}
            yield Difference("column.renamed", True, a.name, column.name, values)
        elif column.name not in theirs:
            yield Difference("column.missing", True, a.name, column.name)
        if column.name in theirs or column.name in renamed:
            other = theirs[renamed.get(column.name, column.name)]
            yield from _column(a.name, column, other)
    ours = {*a.column_names, *renamed.values()}
    for column in b.columns:
        if column.name not in ours:
            yield Difference("column.new", False, a.name, column.name)
    shared = [n for n in a.column_names if n in theirs]
    if shared != [n for n in b.column_names if n in set(shared)]:
        yield Difference("columns.order", False, a.name)
    yield from _keys(a, b)


def _keys(a: Table, b: Table) -> Iterator[Difference]:
    if a.primary_key != b.primary_key:
        values = {"a": ", ".join(a.primary_key) or "-", "b": ", ".join(b.primary_key) or "-"}
        yield Difference("key.changed", True, a.name, values=values)
    for key in a.foreign_keys:
        if key not in b.foreign_keys:
            values = {"columns": ", ".join(key.columns), "target": key.table}
            yield Difference("key.dropped", True, a.name, values=values)
    for key in b.foreign_keys:
        if key not in a.foreign_keys:
            values = {"columns": ", ".join(key.columns), "target": key.table}
            yield Difference("key.added", False, a.name, values=values)


def _column(table: str, a: Column, b: Column) -> Iterator[Difference]:
    if a.type is not b.type:
        values = {"a": a.type.value, "b": b.type.value}
        harmless = (a.type, b.type) in _WIDENS
        yield Difference("column.type", not harmless, table, a.name, values)
    if b.nullable and not a.nullable:
        yield Difference("column.nullable", True, table, a.name)
    if a.nullable and not b.nullable:
        yield Difference("column.required", False, table, a.name)
    more = tuple(code for code in b.missing_codes if code not in a.missing_codes)
    if more:
        yield Difference("column.missing_codes", True, table, a.name, codes=more)
    yield from _codes(table, a, b)
    if a.pattern != b.pattern:
        values = {"a": a.pattern or "-", "b": b.pattern or "-"}
        yield Difference("column.pattern", bool(a.pattern), table, a.name, values)
    yield from _range(table, a, b)
    if a.unit != b.unit:
        yield Difference(
            "column.unit", True, table, a.name, {"a": a.unit or "-", "b": b.unit or "-"}
        )
    if (a.title, a.title_ko) != (b.title, b.title_ko):
        yield Difference("column.title", False, table, a.name)


def _codes(table: str, a: Column, b: Column) -> Iterator[Difference]:
    if a.codes is None or b.codes is None:
        if a.codes is not None:
            yield Difference("codes.dropped", True, table, a.name)
        return
    ours, theirs = a.codes.index, b.codes.index
    wider = tuple(code for code in theirs if code not in ours)
    narrower = tuple(code for code in ours if code not in theirs)
    meant = tuple(
        code
        for code in ours
        if code in theirs
        and (ours[code].title, ours[code].title_ko) != (theirs[code].title, theirs[code].title_ko)
    )
    if wider:
        yield Difference("codes.wider", not a.codes.pattern, table, a.name, codes=wider)
    if narrower:
        yield Difference("codes.narrower", True, table, a.name, codes=narrower)
    if meant:
        yield Difference("codes.titles", False, table, a.name, codes=meant)
    implied = tuple(
        code for code in ours if code in theirs and ours[code].implies != theirs[code].implies
    )
    if implied:
        yield Difference("codes.implies", True, table, a.name, codes=implied)
    if b.codes.pattern and b.codes.pattern != a.codes.pattern:
        yield Difference("codes.open", True, table, a.name, {"pattern": b.codes.pattern})


def _looser(old: float | None, new: float | None) -> bool:
    """Whether a new lower limit lets more through than the old one."""
    return old is not None and (new is None or new < old)


def _range(table: str, a: Column, b: Column) -> Iterator[Difference]:
    a_top, b_top = _negative(a.maximum), _negative(b.maximum)
    values = {"a": _limits(a), "b": _limits(b)}
    if _looser(a.minimum, b.minimum) or _looser(a_top, b_top):
        yield Difference("column.wider", True, table, a.name, values)
    elif _looser(b.minimum, a.minimum) or _looser(b_top, a_top):
        yield Difference("column.narrower", False, table, a.name, values)


def _negative(limit: float | None) -> float | None:
    return None if limit is None else -limit


def _limits(column: Column) -> str:
    low = "" if column.minimum is None else f"{column.minimum:g}"
    high = "" if column.maximum is None else f"{column.maximum:g}"
    return f"{low}..{high}"


def _rules(a: Schema, b: Schema) -> Iterator[Difference]:
    ours: Mapping[str, Rule] = {rule.id: rule for rule in a.rules}
    theirs: Mapping[str, Rule] = {rule.id: rule for rule in b.rules}
    for name, rule in ours.items():
        was_firm = rule.severity is Severity.IMPOSSIBLE
        if name not in theirs:
            yield Difference("rule.dropped", was_firm, values={"rule": name})
        elif theirs[name].severity is not rule.severity:
            yield Difference("rule.severity", was_firm, values={"rule": name})
        elif theirs[name].when != rule.when:
            yield Difference("rule.changed", was_firm, values={"rule": name})
    for name in theirs:
        if name not in ours:
            yield Difference("rule.added", False, values={"rule": name})
