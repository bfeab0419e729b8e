"""Records as somebody's enclave holds them, opened, checked and refused without their values.

Everything is read by the same locked DuckDB that ``check`` uses.  What is wrong is said by the
names that the *schema* gives (tables, columns, rules) and by counts: neither a value nor a name
that stands in a file gets into a message, because a file without a header has values for names.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.cohort import Cohort
from synthgen.enclave.postgres import copy_tables, is_postgres
from synthgen.errors import ContractError, RecordsError
from synthgen.messages import amount
from synthgen.schema.model import ColumnType, Schema, Sensitivity, Severity, Table
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.columns import CodeTypes, TypedTable
from synthgen.schema.validation.database import count_where, row_of
from synthgen.schema.validation.deliveries import Delivery, open_delivery
from synthgen.schema.validation.report import Broken
from synthgen.schema.validation.tables import report_typed, typed_tables

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

Source = Any
"""Path of a file or folder, connection text of PostgreSQL, a cohort, a frame, or frames by table."""

FEWEST = 10
"""Fewest records that are tabulated: with fewer, every table is about single persons."""

NAMED = 3
"""Broken rules that the error line names; the others are counted."""

BY_CHANCE = 0.01
"""Rows that agree in everything by chance: above this many expected ones, nothing is said of
rows that do [pairs]."""

LOOKED_AT = 100_000
"""Rows from which the chance of agreement is estimated."""


@dataclass(frozen=True)
class Records:
    """Records in an open database, every table in the types of the schema.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    schema : Schema
    relations : mapping of str to str
        Relation of each table that is there, by the table's name.
    rows : mapping of str to int
        Rows of each table.
    """

    db: duckdb.DuckDBPyConnection
    schema: Schema
    relations: Mapping[str, str]
    rows: Mapping[str, int]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Tables of the schema that are there, in its order."""
        return tuple(t for t in self.schema.tables if t.name in self.relations)


@contextlib.contextmanager
def open_records(
    source: Source,
    schema: Schema,
    *,
    table: str | None = None,
    as_of: date | None = None,
    allow_repeated: bool = False,
    apart: bool = False,
) -> Iterator[Records]:
    """Records that keep the contract of their schema.

    Parameters
    ----------
    source : path, str, DataFrame or mapping of str to DataFrame
        A file or folder (CSV, Parquet, DuckDB), ``postgresql://...``, or frames.
    schema : Schema
    table : str, optional
        Which table a single file or frame holds, where its name and columns do not say.
    as_of : date, optional
        A date after this day is in the future, and refused.
    allow_repeated : bool
        Whether two rows may agree in everything but their identifiers.
    apart : bool
        Judge each row by itself only: to refuse records for their number, or for what they
        have in common, would tell it.

    Yields
    ------
    Records

    Raises
    ------
    RecordsError
        If they cannot be read or break the contract; one line without values.
    MissingExtraError
        If PostgreSQL is named and the extra is not installed.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="synthgen-records-")))
        path, name = _as_path(source, schema, folder, table)
        try:
            delivery = stack.enter_context(open_delivery(path, schema, name))
        except ContractError as error:
            raise RecordsError(_without_names(str(error))) from None
        yield _checked(delivery, as_of, allow_repeated=allow_repeated or apart, apart=apart)


def _without_names(message: str) -> str:
    """An error line of the reader without the names that stand in the file."""
    return message.partition(" (the first is")[0]


def _as_path(
    source: Source, schema: Schema, folder: Path, table: str | None
) -> tuple[Path, str | None]:
    """Where the records stand; what is no file is written to the temporary folder first."""
    if isinstance(source, str) and is_postgres(source):
        copy_tables(source, schema, folder)
        return folder, None
    if isinstance(source, str | Path):
        return Path(source), table
    if isinstance(source, Cohort):
        source = source.tables
    frames: Mapping[str, pd.DataFrame] = (
        source
        if isinstance(source, Mapping)
        else {table or (schema.tables[0].name if len(schema.tables) == 1 else "records"): source}
    )
    import duckdb

    with duckdb.connect() as db:
        for name, frame in frames.items():
            if not Path(name).name == name or name.startswith("."):
                raise RecordsError("records: a table has no name that a file can have")
            db.register("frame", frame)
            target = literal(str(folder / f"{name}.parquet"))
            db.execute(f"COPY (SELECT * FROM frame) TO {target} (FORMAT parquet)")  # noqa: S608
            db.unregister("frame")
    return folder, None


def _checked(
    delivery: Delivery, as_of: date | None, *, allow_repeated: bool, apart: bool
) -> Records:
    for loaded in delivery.tables:
        if loaded.extra or loaded.twice:
            many = len(loaded.extra) + len(loaded.twice)
            first = min([*loaded.extra, *(at for _, at in loaded.twice)]) + 1
            raise RecordsError(
                f"{loaded.table.name}: column {first} of the records is none of the schema's, or "
                f"stands twice; remove it or describe it in the schema ({amount(many, 'such column')})"
            )
        if loaded.rows < FEWEST and _is_root(loaded.table) and not apart:
            raise RecordsError(
                f"{loaded.table.name}: holds {loaded.rows} records; at least {FEWEST} are needed"
            )
    code_types = CodeTypes(delivery.db)
    tables = typed_tables(delivery, code_types)
    report = report_typed(delivery, tables, code_types)
    broken = [
        found
        for found in report.broken
        if found.severity is Severity.IMPOSSIBLE and found.rule != "structure.table"
    ]
    if broken:
        raise RecordsError(_broken_line(broken))
    for typed in tables.values():
        if not apart:
            _require_values(delivery, typed)
        if as_of is not None:
            _refuse_future(delivery, typed, as_of)
        if not allow_repeated:
            _refuse_repeated(delivery, typed)
    return Records(
        delivery.db,
        delivery.schema,
        {name: typed.relation for name, typed in tables.items()},
        {name: typed.loaded.rows for name, typed in tables.items()},
    )


def _is_root(table: Table) -> bool:
    return not table.foreign_keys


def _broken_line(broken: Sequence[Broken]) -> str:
    def said(found: Broken) -> str:
        where = f"{found.table}.{found.column}" if found.column else found.table
        return f"{where} {found.rule} ({amount(found.count, 'row')})"

    named = "; ".join(said(found) for found in broken[:NAMED])
    more = f"; and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    return (
        f"records: break {amount(len(broken), 'rule')} of the schema: {named}{more}; see all of it "
        "with synthgen check inside the enclave"
    )


def _require_values(delivery: Delivery, typed: TypedTable) -> None:
    """Refuse a table in which nothing can be counted."""
    rows = typed.loaded.rows
    asked = ", ".join(
        f"min({name}) IS NOT NULL, coalesce(min({name}) < max({name}), false)"
        for name in map(identifier, typed.readers)
    )
    answers = row_of(delivery.db, f"SELECT {asked} FROM {typed.relation}")  # noqa: S608
    if rows and not any(answers[::2]):
        raise RecordsError(f"{typed.name}: every column is empty; there is nothing to tabulate")
    told = [
        name
        for name, varies in zip(typed.readers, answers[1::2], strict=True)
        if varies and not _is_name(typed.loaded.table, name)
    ]
    if rows and not told and _is_root(typed.loaded.table):
        raise RecordsError(
            f"{typed.name}: every column has one category only; there is nothing to tabulate"
        )


def _is_name(table: Table, column: str) -> bool:
    """Whether a column names rows or persons: keys and identifiers."""
    keys = {*table.primary_key, *(c for key in table.foreign_keys for c in key.columns)}
    return column in keys or table.column(column).sensitivity is Sensitivity.IDENTIFIER


def _refuse_future(delivery: Delivery, typed: TypedTable, as_of: date) -> None:
    dates = [n for n, r in typed.readers.items() if r.column.type is ColumnType.DATE]
    if not dates:
        return
    today = f"DATE {literal(as_of.isoformat())}"
    asked = ", ".join(count_where(f"{identifier(name)} > {today}") for name in dates)
    for name, count in zip(
        dates,
        row_of(delivery.db, f"SELECT {asked} FROM {typed.relation}"),  # noqa: S608
        strict=True,
    ):
        if count:
            raise RecordsError(
                f"{typed.name}.{name}: lies in the future; dates must be up to {as_of}, or "
                f"another day be given (--as-of) ({amount(count, 'row')})"
            )


def _refuse_repeated(delivery: Delivery, typed: TypedTable) -> None:
    """Refuse one patient under two ids: rows that agree in all but their identifiers."""
    table = typed.loaded.table
    names = [n for n in typed.readers if _is_name(table, n)]
    others = [n for n in typed.readers if n not in names]
    rows = typed.loaded.rows
    if not names or not others or table.foreign_keys or rows < 2:
        return
    # Chance that two rows agree in a column, were the columns independent; of the first rows.
    few = f"(SELECT * FROM {typed.relation} LIMIT {LOOKED_AT})"  # noqa: S608
    shares = ", ".join(
        f"(SELECT sum(n * n) / (sum(n) * sum(n)) FROM (SELECT count(*) AS n FROM {few} "  # noqa: S608
        f"GROUP BY {identifier(name)}))"
        for name in others
    )
    expected = rows * (rows - 1) / 2.0
    for share in row_of(delivery.db, f"SELECT {shares}"):
        expected *= float(share)
    if expected > BY_CHANCE:
        return
    columns = ", ".join(identifier(name) for name in others)
    (many,) = row_of(
        delivery.db,
        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM "  # noqa: S608
        f"(SELECT hash({columns}) AS h FROM {typed.relation}) GROUP BY h HAVING count(*) > 1)",
    )
    if many:
        raise RecordsError(
            f"{table.name}: rows agree in every column but their identifiers, as if one patient "
            f"had two; keep one of them, or say --allow-repeated ({int(many):,} such rows)"
        )
