"""From linked tables to one row per patient, the same way for synthetic and real tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.enclave.records import open_records
from synthgen.errors import ContractError, RecordsError, UsageError
from synthgen.fidelity.encoding import texts
from synthgen.findings import Subjects
from synthgen.schema.documents import one_line
from synthgen.schema.model import Column, ColumnType, Schema, Sensitivity, Table
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation.cells import WRONG
from synthgen.schema.validation.columns import CodeTypes
from synthgen.schema.validation.deliveries import open_delivery
from synthgen.schema.validation.tables import typed_tables

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

#: Dates are counted in days since this one.
DAY_ZERO = np.datetime64("1900-01-01", "D")

#: Share of rows of the control that may stand, word for word, among the training records
#: where there are no identifiers to compare.
REPEATED = 0.5

#: Share by which rows of the control may stand among the training records more often than
#: those do among each other, and how rarely more is by chance.
MORE = 0.1
BY_CHANCE = 1e-5


def cohort_tables(folder: Path, schema: Schema) -> dict[str, pd.DataFrame]:
    """Tables of a synthetic cohort in the types of the schema.

    Raises
    ------
    ContractError
        If a table is missing, or a cell is not as the schema wants it: what cannot be read
        cannot be evaluated.
    """
    with open_delivery(folder, schema) as delivery:
        missing = [t.name for t in schema.tables if delivery.loaded(t.name) is None]
        if missing:
            raise ContractError(f"{folder}: has no table {missing[0]} of {schema.key}")
        typed = typed_tables(delivery, CodeTypes(delivery.db))
        for name, table in typed.items():
            for column, counts in table.counts.items():
                wrong = sum(counts.get(kind, 0) for kind in WRONG)
                if wrong:
                    raise ContractError(
                        f"{folder}: {name}.{column} has {wrong:,} cells that are not as "
                        f"{schema.key} wants them; see synthgen check"
                    )
        return {
            name: frame_of(delivery.db, table.relation, table.loaded.table, list(table.readers))
            for name, table in typed.items()
        }


def record_tables(source: Path, schema: Schema) -> dict[str, pd.DataFrame]:
    """Tables of real records in the types of the schema.

    Raises
    ------
    RecordsError
        If they cannot be read or break their schema; one line without values.
    """
    with open_records(source, schema) as records:
        made = {}
        for table in records.tables:
            relation = records.relations[table.name]
            found = records.db.execute(f"SELECT * FROM {relation} LIMIT 0").description or ()  # noqa: S608
            there = {one[0] for one in found}
            names = [name for name in table.column_names if name in there]
            made[table.name] = frame_of(records.db, relation, table, names)
        return made


def frame_of(
    db: duckdb.DuckDBPyConnection, relation: str, table: Table, names: list[str]
) -> pd.DataFrame:
    """Frame of a typed relation: text as objects, whole numbers as Int64, dates as datetime64[s]."""
    import pandas as pd

    listed = ", ".join(identifier(name) for name in names)
    found = db.execute(f"SELECT {listed} FROM {relation}").fetchnumpy()  # noqa: S608 - quoted names
    columns = {}
    for name in names:
        values: Any = found[name]
        missing = np.ma.getmaskarray(values)
        match table.column(name).type:
            case ColumnType.DATE:
                days = np.ma.getdata(values).astype("datetime64[s]")
                days[missing] = np.datetime64("NaT", "s")
                columns[name] = pd.Series(days)
            case ColumnType.INTEGER:
                whole = np.where(missing, 0, np.ma.getdata(values)).astype(np.int64)
                columns[name] = pd.Series(pd.arrays.IntegerArray(whole, missing))
            case ColumnType.NUMBER:
                number = np.where(missing, 0.0, np.ma.getdata(values)).astype(np.float64)
                columns[name] = pd.Series(pd.arrays.FloatingArray(number, missing))
            case _:
                text = np.ma.getdata(values).astype(object)
                text[missing] = None
                columns[name] = pd.Series(text, dtype=object)
    return pd.DataFrame(columns)


def root_of(schema: Schema) -> Table:
    """The table of the patients: the first one without a foreign key."""
    return next((t for t in schema.tables if not t.foreign_keys), schema.tables[0])


def subjects_of(tables: Mapping[str, pd.DataFrame], schema: Schema) -> Subjects:
    """One row per patient: the rows of the first table, each with its first row of the others.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Typed frames, as a cohort has them.
    schema : Schema
        The first of its tables without a foreign key is that of the patients; the others
        that refer to it are joined, the earliest date and then the key saying which row is
        the first.

    Returns
    -------
    Subjects
        Without identifiers and keys.  Dates are days since 1 January 1900.  A column that
        stands in two tables is called ``table.column`` in both.

    Raises
    ------
    RecordsError
        If the table of patients is missing.
    """
    root = root_of(schema)
    if root.name not in tables:
        raise RecordsError(f"table {root.name}: is missing; the patients are needed")
    parts = [(root, tables[root.name].reset_index(drop=True))]
    for table in schema.tables:
        if table is not root and table.name in tables:
            joined = _first_rows(table, tables[table.name], root, parts[0][1])
            if joined is not None:
                parts.append((table, joined))
    return _flat(parts)


def _first_rows(
    table: Table, frame: pd.DataFrame, root: Table, patients: pd.DataFrame
) -> pd.DataFrame | None:
    """First row of each patient, in the order of the patients; None if it refers elsewhere."""
    key = next((k for k in table.foreign_keys if k.table == root.name), None)
    if key is None or not {*key.columns} <= {*frame.columns}:
        return None
    if not {*key.references} <= {*patients.columns}:
        return None
    order = [c.name for c in table.columns if c.type is ColumnType.DATE and not c.nullable][:1]
    order += [name for name in table.primary_key if name not in order]
    order = [name for name in order if name in frame.columns]
    ordered = frame.sort_values(order, kind="stable") if order else frame
    first = ordered.drop_duplicates(subset=list(key.columns))
    wanted = patients[list(key.references)].set_axis(list(key.columns), axis=1)
    return wanted.merge(first, how="left", on=list(key.columns), validate="many_to_one")


def is_shown(column: Column, table: Table) -> bool:
    """Whether a column says something about somebody: it is neither an identifier nor a key."""
    keys = {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}
    return column.sensitivity is not Sensitivity.IDENTIFIER and column.name not in keys


def _flat(parts: list[tuple[Table, pd.DataFrame]]) -> Subjects:
    import pandas as pd

    kept = [
        (table, column)
        for table, frame in parts
        for column in table.columns
        if column.name in frame.columns and is_shown(column, table)
    ]
    names = [column.name for _, column in kept]
    frames = {table.name: frame for table, frame in parts}
    columns: dict[str, Any] = {}
    categorical, numeric = [], []
    for table, column in kept:
        twice = names.count(column.name) > 1
        name = f"{table.name}.{column.name}" if twice else column.name
        series = frames[table.name][column.name]
        match column.type:
            case ColumnType.DATE:
                columns[name] = _days(series)
                numeric.append(name)
            case ColumnType.INTEGER | ColumnType.NUMBER:
                columns[name] = series.astype("Float64").to_numpy(np.float64, na_value=np.nan)
                numeric.append(name)
            case _:
                text = series.astype(object)
                columns[name] = text.where(text.notna(), None).to_numpy(dtype=object)
                categorical.append(name)
    index = parts[0][1].index
    made = {name: pd.Series(values, index=index) for name, values in columns.items()}
    for name in categorical:
        made[name] = pd.Series(columns[name], index=index, dtype=object)
    return Subjects(pd.DataFrame(made, index=index), tuple(categorical), tuple(numeric))


def _days(series: pd.Series[Any]) -> Any:
    days = series.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), np.nan, (days - DAY_ZERO).astype(np.float64))


def comparable(named: Mapping[str, Subjects]) -> dict[str, Subjects]:
    """The same columns of several sets of patients, in the order of the first.

    Parameters
    ----------
    named : mapping of str to Subjects
        The synthetic patients first, then real ones; their names are for the error line.

    Raises
    ------
    RecordsError
        If a set of records has a column that the others do not have: they do not follow one
        schema.
    """
    items = list(named.items())
    real = items[1:]
    for name, part in real:
        stray = [c for c in part.columns if c not in items[0][1].columns]
        if stray:
            raise RecordsError(
                f"{name}: has a column {one_line(stray[0])} that the synthetic data do not have; "
                f"both must follow one schema ({len(stray)} such columns)"
            )
    for name, part in real:
        lacking = [c for c in real[0][1].columns if c not in part.columns]
        lacking += [c for c in part.columns if c not in real[0][1].columns]
        if lacking:
            raise RecordsError(
                f"{name}: differs in column {one_line(lacking[0])} from {real[0][0]}; training and "
                f"control records must have the same columns ({len(lacking)} such columns)"
            )
    shared = {*real[0][1].columns} if real else {*items[0][1].columns}
    return {name: _only(part, shared) for name, part in items}


def _only(part: Subjects, columns: set[str]) -> Subjects:
    categorical = tuple(c for c in part.categorical if c in columns)
    numeric = tuple(c for c in part.numeric if c in columns)
    return Subjects(part.frame[[*categorical, *numeric]], categorical, numeric)


def columns_named(named: Mapping[str, tuple[str, ...]], subjects: Subjects) -> dict[str, str]:
    """Column of the subjects for each column that a policy names.

    Parameters
    ----------
    named : mapping of str to tuple of str
        What the policy uses them for (``"key"``), and the columns: bare, or with their table.
    subjects : Subjects

    Raises
    ------
    UsageError
        If a column is not there, naming the columns that are.
    """
    known = set(subjects.columns)
    made: dict[str, str] = {}
    for use, columns in named.items():
        for name in columns:
            bare = name.rpartition(".")[2]
            found = name if name in known else bare if bare in known else ""
            if not found:
                raise UsageError(
                    f"policy: names column {one_line(name)} as {use}, which the data do not have; "
                    f"they have {', '.join(subjects.columns)}"
                )
            made[name] = found
    return made


def require_apart(
    train: Mapping[str, pd.DataFrame], control: Mapping[str, pd.DataFrame], schema: Schema
) -> None:
    """Refuse training and control records that share persons.

    Raises
    ------
    RecordsError
        If an identifier stands in both; if rows of the control stand among the training records
        far more often than training records among each other, as they do under new
        identifiers; or if, where there are none, most of them do.

    Notes
    -----
    A control of training records would hide every leak: members and others would be the same.
    """
    root = root_of(schema)
    first, second = train[root.name], control[root.name]
    keys = [name for name in root.primary_key if name in first and name in second]
    if keys:
        shared = len(second[keys].drop_duplicates().merge(first[keys].drop_duplicates(), on=keys))
        if shared:
            raise RecordsError(
                f"control: {shared:,} of {len(second):,} patients are training records as well; "
                "nobody may be in both"
            )
        _require_no_twins(subjects_of(train, schema).frame, subjects_of(control, schema).frame)
        return
    columns = [name for name in first.columns if name in second.columns]
    left = second[columns].astype(object).astype(str).drop_duplicates()
    right = first[columns].astype(object).astype(str).drop_duplicates()
    shared = len(left.merge(right, on=columns))
    if shared > REPEATED * len(left):
        raise RecordsError(
            f"control: {shared:,} of {len(left):,} different rows stand word for word among the "
            "training records; nobody may be in both"
        )


def _require_no_twins(known: pd.DataFrame, asked: pd.DataFrame) -> None:
    """Refuse a control that repeats training records under other identifiers.

    If both are drawn from the same people, a row of the control is as often among the training
    records as one of them among the others (Fisher's exact test, at :data:`BY_CHANCE`).
    """
    from scipy.stats import fisher_exact

    columns = [name for name in known.columns if name in asked.columns]
    if not columns:
        return
    first, second = (_rows_as_texts(frame[columns]) for frame in (known, asked))
    times = Counter(first)
    twins = sum(n for n in times.values() if n > 1)
    shared = sum(row in times for row in second)
    table = np.array([[shared, len(second) - shared], [twins, len(first) - twins]])
    more = shared / max(len(second), 1) - twins / max(len(first), 1)
    if more > MORE and fisher_exact(table, alternative="greater").pvalue < BY_CHANCE:
        raise RecordsError(
            f"control: {shared:,} of {len(second):,} patients have all values of a training record "
            f"({len(columns)} columns), and {twins:,} of {len(first):,} training records those of "
            "another; nobody may be in both, under whatever identifier"
        )


def _rows_as_texts(frame: pd.DataFrame) -> list[tuple[str | None, ...]]:
    return list(zip(*(texts(frame[name]) for name in frame.columns), strict=True))
