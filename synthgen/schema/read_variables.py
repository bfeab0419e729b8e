"""Model variables out of ``variables.json``: codes of columns, public bins, joined codes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from synthgen.errors import SchemaError
from synthgen.schema.documents import (
    Json,
    mapping_at,
    number_at,
    number_list,
    objects_at,
    one_line,
    text_at,
    texts_at,
)
from synthgen.schema.model import Category, Code, Column, ColumnType, Table, Variable

Implied = dict[str, tuple[str, ...]]

SPECIAL = {
    "equal": ("The same value", "같은 값"),
    "missing": ("Missing", "결측"),
}
"""Categories beside codes and bins, by what they mean: title in English and Korean."""


def _column(tables: Mapping[str, Table], qualified: str, where: str) -> Column:
    table, _, name = qualified.partition(".")
    if table not in tables or name not in tables[table].column_names:
        raise SchemaError(f"{where}: there is no column {one_line(qualified)}")
    return tables[table].column(name)


def _from_code(code: Code, table: str) -> tuple[Category, Implied]:
    implied = {f"{table}.{column}": allowed for column, allowed in code.implies.items()}
    return Category(code.code, code.title, code.title_ko), implied


def _from_column(
    column: Column, table: str, wanted: Sequence[str], where: str
) -> list[tuple[Category, Implied]]:
    """Categories of a variable whose categories are the codes of a column."""
    if column.codes is None:
        raise SchemaError(
            f"{where}: column {table}.{column.name} has no code list; it needs bins or categories"
        )
    codes = wanted or tuple(column.codes.index)
    return [_from_code(column.codes.find(code), table) for code in codes]


def _from_joined(
    columns: Sequence[tuple[str, Column]], wanted: Sequence[str], where: str
) -> list[tuple[Category, Implied]]:
    """Categories that are the codes of several columns, written one after the other."""
    made: list[tuple[Category, Implied]] = []
    for joined in wanted:
        rest, parts = joined, []
        for qualified, column in columns:
            fitting = [c for c in column.codes.index if rest.startswith(c)] if column.codes else []
            if not fitting:
                raise SchemaError(f"{where}: {one_line(joined)} has no code of {qualified} in it")
            code = max(fitting, key=len)
            parts.append((qualified, code))
            rest = rest[len(code) :]
        if rest:
            raise SchemaError(f"{where}: {one_line(joined)} is longer than its codes together")
        first = columns[0][1].codes
        if first is None:
            continue
        head = first.find(parts[0][1])
        implied: Implied = {qualified: (code,) for qualified, code in parts}
        made.append((Category(joined, head.title, head.title_ko), implied))
    return made


def _bins(document: dict[str, Json], where: str) -> list[tuple[Category, Implied]]:
    """Adjacent half-open intervals between edges; a last edge of null is infinity."""
    edges = [math.inf if edge is None else float(edge) for edge in number_list(document, "edges")]
    labels = texts_at(document, "labels")
    if any(low >= high for low, high in pairwise(edges)):
        raise SchemaError(f"{where}: edges of the bins must ascend")
    if len(labels) != len(edges) - 1:
        raise SchemaError(
            f"{where}: {len(edges)} edges make {len(edges) - 1} bins; there are {len(labels)} labels"
        )
    titles = texts_at(document, "titles") or labels
    titles_ko = texts_at(document, "titles_ko") or titles
    if len(titles) != len(labels) or len(titles_ko) != len(labels):
        raise SchemaError(f"{where}: needs as many titles as labels ({len(labels)})")
    return [
        (Category(label, titles[i], titles_ko[i], edges[i], edges[i + 1]), {})
        for i, label in enumerate(labels)
    ]


def _explicit(document: dict[str, Json]) -> tuple[Category, Implied]:
    title = text_at(document, "title", text_at(document, "code"))
    implies = mapping_at(document, "implies")
    category = Category(
        text_at(document, "code"),
        title,
        text_at(document, "title_ko", title),
        number_at(document, "lower"),
        number_at(document, "upper"),
    )
    return category, {column: texts_at(implies, column) for column in implies}


def _variable(document: dict[str, Json], tables: Mapping[str, Table], where: str) -> Variable:
    qualified = text_at(document, "column")
    joins = texts_at(document, "joins")
    categories = [_explicit(entry) for entry in objects_at(document, "categories")]
    if joins:
        columns = [(name, _column(tables, name, where)) for name in joins]
        categories = _from_joined(columns, texts_at(document, "codes"), where)
    elif "bins" in document:
        categories = _bins(mapping_at(document, "bins"), where)
    elif not categories and qualified:
        column = _column(tables, qualified, where)
        table = qualified.partition(".")[0]
        categories = _from_column(column, table, texts_at(document, "codes"), where)
    if not categories:
        raise SchemaError(f"{where}: has no categories; it needs codes, bins or categories")
    for means in texts_at(document, "special"):
        title, title_ko = SPECIAL[means]
        categories.append((Category(means, title, title_ko, means=means), {}))
    title = text_at(document, "title", text_at(document, "name"))
    return Variable(
        name=text_at(document, "name"),
        title=title,
        title_ko=text_at(document, "title_ko", title),
        categories=tuple(category for category, _ in categories),
        column=qualified,
        unit=text_at(document, "unit"),
        implies={category.code: implied for category, implied in categories if implied},
        joins=joins,
        unit_ko=text_at(document, "unit_ko", text_at(document, "unit")),
        since=text_at(document, "since"),
        not_above=text_at(document, "not_above"),
        bins_from=text_at(document, "bins_from", "schema"),
    )


def _check(variable: Variable, tables: Mapping[str, Table], where: str) -> None:
    codes = variable.codes
    if len(set(codes)) < len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise SchemaError(f"{where}: category {one_line(twice)} stands twice")
    plain = [c for c in variable.categories if not c.means]
    binned = [c for c in plain if c.lower is not None and c.upper is not None]
    for other in (variable.since, variable.not_above):
        if other:
            _column(tables, other, where)
    if binned and len(binned) < len(plain):
        raise SchemaError(f"{where}: has bins and codes; it must have one kind of categories")
    for low, high in pairwise(binned):
        if low.upper != high.lower:
            raise SchemaError(f"{where}: bins {low.code} and {high.code} are not adjacent")
    if variable.column:
        column = _column(tables, variable.column, where)
        if binned and column.type not in (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE):
            raise SchemaError(f"{where}: has bins, but {variable.column} is no number and no date")
        if variable.since and column.type is not ColumnType.DATE:
            raise SchemaError(f"{where}: counts days since a date, but {variable.column} is none")
        if not binned and column.codes is not None and not column.codes.pattern:
            strays = [c.code for c in plain if c.code not in column.codes]
            if strays:
                raise SchemaError(
                    f"{where}: {one_line(strays[0])} is no code of {variable.column} "
                    f"({len(strays)} such codes)"
                )
    for implied in variable.implies.values():
        for qualified in implied:
            _column(tables, qualified, where)


def read_variables(
    path: Path, document: Mapping[str, Json], tables: Mapping[str, Table]
) -> tuple[Variable, ...]:
    """Model variables, in the order of the file.

    Parameters
    ----------
    path : Path
        For error lines.
    document : mapping
        ``variables.json``, already checked against the meta-schema.
    tables : mapping of str to Table

    Raises
    ------
    SchemaError
        If a variable names no column, has no categories, bins with gaps, or codes that its
        column does not have.
    """
    made: list[Variable] = []
    for entry in objects_at(document, "variables"):
        where = f"{path}: variable {one_line(text_at(entry, 'name'))}"
        variable = _variable(entry, tables, where)
        if any(variable.name == other.name for other in made):
            raise SchemaError(f"{where}: stands twice; names must be unique")
        _check(variable, tables, where)
        made.append(variable)
    return tuple(made)
