"""What a cell of a target holds, said in JSON, as DuckDB SQL.

A mapping file is data: it names columns, codes and dates, and can hold no SQL of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthgen.errors import SchemaError
from synthgen.schema.documents import one_line
from synthgen.schema.model import ColumnType, Schema
from synthgen.schema.rules.sql import identifier, literal

Term = Mapping[str, Any]

#: Formats of a date as ``strftime`` writes it, and as numbers.
DATES = {"YYYYMMDD": "%Y%m%d", "YYYYMM": "%Y%m", "YYYY-MM-DD": "%Y-%m-%d", "YYYY": "%Y"}
DATE_PARTS = ("year", "month", "day")

KINDS = (
    "column", "constant", "date", "text", "part", "days", "first", "key", "option", "pad",
    "concept", "look_up", "dotted", "count", "nth",
)  # fmt: skip
"""The one word of a term that says what it is; ``columns`` of a term may be coded by ``codes``."""

ROW = "synthgen row"
"""Column of each relation that numbers its rows from 1."""

CONCEPTS = "synthgen concepts"
"""Relation of ``vocabulary``, ``code``, ``standard`` and ``source`` concept ids."""


class TermWriter:
    """Writes terms about the rows of one table as SQL.

    Parameters
    ----------
    schema : Schema
        Of the cohort.
    rows : str
        Table whose rows become rows of the target.
    options : mapping of str to str
        What ``{"option": name}`` stands for.
    where : str
        The place in the mapping file, for errors.

    Notes
    -----
    The relations are called like the tables, each with a column :data:`ROW`.  A term may
    name columns of ``rows`` and of the tables its foreign keys lead to.
    """

    def __init__(self, schema: Schema, rows: str, options: Mapping[str, str], where: str) -> None:
        self._schema = schema
        self._options = options
        self._where = where
        self._reached = reached_tables(schema, rows)

    def column(self, name: str) -> str:
        """SQL of ``table.column``.

        Raises
        ------
        SchemaError
            If the table cannot be reached, or has no such column.
        """
        self.type_of(name)
        table, _, column = name.partition(".")
        return f"{identifier(table)}.{identifier(column)}"

    def type_of(self, name: str) -> ColumnType:
        """Type of ``table.column``."""
        table, _, column = name.partition(".")
        if table not in self._reached:
            raise SchemaError(
                f"{self._where}: {name} cannot be reached; tables are: {', '.join(self._reached)}"
            )
        if column not in self._schema.table(table).column_names:
            raise SchemaError(f"{self._where}: {table} has no column {one_line(column)}")
        return self._schema.table(table).column(column).type

    def write(self, term: Term) -> str:
        """A term as an SQL expression.

        Raises
        ------
        SchemaError
            If it names what the schema does not have.
        """
        kind = next((k for k in KINDS if k in term), None)
        if kind is None:
            raise SchemaError(f"{self._where}: a term must have one of: {', '.join(KINDS)}")
        made: str = getattr(self, f"_{kind}")(term)
        if "codes" in term:
            made = coded(made, term["codes"], term.get("otherwise"))
        if "divide" in term:
            made = f"({made} / {float(term['divide'])!r})"
        return f"coalesce({made}, {literal(term['missing'])})" if "missing" in term else made

    def _column(self, term: Term) -> str:
        return self.column(term["column"])

    def _constant(self, term: Term) -> str:
        return literal(term["constant"])

    def _option(self, term: Term) -> str:
        return literal(self._options[term["option"]])

    def _date(self, term: Term) -> str:
        name, form = term["date"], term["as"]
        if self.type_of(name) is not ColumnType.DATE:
            raise SchemaError(f"{self._where}: {name} is no date")
        if form in DATE_PARTS:
            return f"CAST({form}({self.column(name)}) AS INTEGER)"
        return f"strftime({self.column(name)}, {literal(DATES[form])})"

    def _text(self, term: Term) -> str:
        return "(" + " || ".join(f"CAST({self.write(t)} AS VARCHAR)" for t in term["text"]) + ")"

    def _part(self, term: Term) -> str:
        return f"substr({self.column(term['part'])}, {int(term['from'])}, {int(term['length'])})"

    def _pad(self, term: Term) -> str:
        return f"lpad(CAST({self.write(term['pad'])} AS VARCHAR), {int(term['width'])}, '0')"

    def _days(self, term: Term) -> str:
        start, end = (self.column(name) for name in term["days"])
        return f"({end} - {start})"

    def _first(self, term: Term) -> str:
        return f"coalesce({', '.join(self.write(t) for t in term['first'])})"

    def _key(self, term: Term) -> str:
        if term["key"] not in self._reached:
            raise SchemaError(f"{self._where}: {term['key']} cannot be reached")
        key = f"{identifier(term['key'])}.{identifier(ROW)}"
        before = [f"(SELECT count(*) FROM {identifier(t)})" for t in term.get("after", ())]  # noqa: S608
        return f"({' + '.join([key, *before])})" if before else key

    def _dotted(self, term: Term) -> str:
        code = self.column(term["dotted"])
        return f"concat_ws('.', substr({code}, 1, 3), nullif(substr({code}, 4), ''))"

    def _concept(self, term: Term) -> str:
        code = self.write(term["concept"])
        among = f"vocabulary = {literal(term.get('vocabulary', 'ICDO3'))} AND code = {code}"
        found = f"SELECT {term['of']} FROM {identifier(CONCEPTS)} WHERE {among}"  # noqa: S608
        if term.get("or_null"):
            return f"CASE WHEN {code} IS NOT NULL THEN coalesce(({found}), 0) END"
        return f"coalesce(({found}), 0)"

    def _count(self, term: Term) -> str:
        """How many rows of a table of the cohort agree with this one in some columns."""
        return f"(SELECT count(*) FROM {self._agreeing(term['count'], term['on'], '')})"  # noqa: S608

    def _nth(self, term: Term) -> str:
        """A cell of the n-th row of a table of the cohort that agrees with this one."""
        among = self._agreeing(term["among"], term["on"], term["cell"])
        cells = f"list(other.{identifier(term['cell'])} ORDER BY other.{identifier(ROW)})"
        return f"(SELECT {cells}[{int(term['nth'])}] FROM {among})"  # noqa: S608

    def _agreeing(self, table: str, equal: Mapping[str, str], cell: str) -> str:
        columns = self._schema.table(table).column_names
        unknown = sorted({*equal, cell} - {*columns, ""})
        if unknown:
            raise SchemaError(f"{self._where}: {table} has no column {unknown[0]}")
        pairs = [f"other.{identifier(mine)} = {self.column(c)}" for mine, c in equal.items()]
        return f"{identifier(table)} AS other WHERE {' AND '.join(pairs)}"

    def _look_up(self, term: Term) -> str:
        """A cell of a table of the target that has been made before."""
        equal = [f"found.{identifier(c)} = {self.write(t)}" for c, t in term["by"].items()]
        table, cell = made_table(term["look_up"]), f"found.{identifier(term['cell'])}"
        return f"(SELECT {term['take']}({cell}) FROM {table} AS found WHERE {' AND '.join(equal)})"  # noqa: S608


FEW = 4
"""Codes that are replaced one by one; more are looked up in a list, which plans quicker."""


def coded(value: str, codes: Mapping[str, Any], otherwise: object) -> str:
    """SQL that replaces codes; null stays null."""
    rest = "NULL" if otherwise is None else sql_value(otherwise)
    text = f"CAST({value} AS VARCHAR)"
    if len(codes) > FEW and {type(new) for new in codes.values()} in ({str}, {int}):
        old = ", ".join(literal(code) for code in codes)
        new = ", ".join(sql_value(made) for made in codes.values())
        found = f"([{new}])[list_position([{old}], {text})]"
        if otherwise is None:
            return found
        return f"CASE WHEN {text} IS NOT NULL THEN coalesce({found}, {rest}) END"
    whens = [f"WHEN {text} = {literal(old)} THEN {sql_value(new)}" for old, new in codes.items()]
    return f"CASE WHEN {text} IS NULL THEN NULL {' '.join(whens)} ELSE {rest} END"


def made_table(name: str) -> str:
    """Relation of a table of the target that has been made, quoted."""
    return identifier(f"synthgen made {name}")


def sql_value(value: Any) -> str:
    """A JSON value as SQL; null as NULL."""
    return "NULL" if value is None else literal(value)


def reached_tables(schema: Schema, rows: str) -> dict[str, str]:
    """Tables that can be joined to ``rows`` by foreign keys, with the join of each.

    Raises
    ------
    SchemaError
        If the schema has no table ``rows``.
    """
    reached = {rows: ""}
    waiting = [rows]
    while waiting:
        name = waiting.pop(0)
        for key in schema.table(name).foreign_keys:
            if key.table in reached:
                continue
            on = " AND ".join(
                f"{identifier(name)}.{identifier(a)} = {identifier(key.table)}.{identifier(b)}"
                for a, b in zip(key.columns, key.references, strict=True)
            )
            reached[key.table] = f"LEFT JOIN {identifier(key.table)} ON {on}"
            waiting.append(key.table)
    return reached
