"""Bins made of the records of a column, and, where they leave the enclave, of enough patients."""

from __future__ import annotations

from synthgen.enclave.bins import Layout, blurred, merged, record_bins
from synthgen.enclave.coding import cell
from synthgen.enclave.records import Records
from synthgen.enclave.units import parents_of, source_of
from synthgen.errors import RecordsError
from synthgen.schema.model import Column, ColumnType, Table
from synthgen.schema.validation.database import row_of, rows_of

#: Bins that are made of records: of the joint model at most, of times, and of values within.
COARSE, TIMES, FINE = 20, 12, 100


def person_sql(records: Records, table: str) -> str:
    """SQL of what tells the patients behind the rows of a table apart; ``""``: each row is one."""
    own = records.schema.table(table)
    root = records.schema.table((table, *parents_of(records, own))[-1])
    there = {r[0] for r in rows_of(records.db, f"DESCRIBE {records.relations[root.name]}")}
    if not root.primary_key or not there >= set(root.primary_key):
        return ""
    return f"row({', '.join(cell(f'{root.name}.{name}') for name in root.primary_key)})"


def patients_where(records: Records, table: str, source: str, condition: str) -> int:
    """Number of patients with a row that meets a condition.

    Parameters
    ----------
    records : Records
    table : str
        Whose rows are asked.
    source : str
        SQL of the table joined with those that it refers to.
    condition : str
        SQL.
    """
    person = person_sql(records, table)
    many = f"count(DISTINCT {person})" if person else "count(*)"
    (found,) = row_of(records.db, f"SELECT {many} FROM {source} WHERE {condition}")  # noqa: S608
    return int(found)


def rows_of_a_patient(records: Records, table: Table) -> int:
    """Most rows of a table that one patient has; so many times k rows are k patients or more."""
    person = person_sql(records, table.name)
    if not person:
        return 1
    many = f"SELECT count(*) AS rows FROM {source_of(records, table)} GROUP BY {person}"  # noqa: S608
    (most,) = row_of(records.db, f"SELECT max(rows) FROM ({many})")  # noqa: S608
    return int(most or 1)


def layout_of(
    records: Records,
    qualified: str,
    value: str,
    source: str,
    column: Column | None,
    *,
    is_time: bool,
    least: int | None,
) -> Layout:
    """Bins of a column.

    Parameters
    ----------
    records : Records
    qualified : str
        ``table.column``.
    value, source : str
        SQL of its values, and of the joined tables that they are from.
    column : Column or None
        None for days between two dates.
    is_time : bool
        Whether it is the time of an end point.
    least : int or None
        Fewest patients that anything about the bins may rest on; None where they stay inside.

    Returns
    -------
    Layout
        Without any bin where fewer patients have a value.

    Raises
    ------
    RecordsError
        If the ends would be those of fewer patients.
    """
    person = person_sql(records, qualified.partition(".")[0]) if least is not None else ""
    many = "count(DISTINCT person)" if person else "count(*)"
    rows = f"SELECT {value} AS v, {person or '0'} AS person FROM {source}"  # noqa: S608
    found = rows_of(
        records.db,
        f"SELECT v, {many} FROM ({rows}) WHERE v IS NOT NULL GROUP BY v ORDER BY v",  # noqa: S608
    )
    values, counts = [float(v) for v, _ in found], [int(n) for _, n in found]
    whole = column is None or column.type is ColumnType.INTEGER
    if least is None:
        if not counts:
            return Layout([(0.0, 1.0)], [])
        coarse = _bins(sum(counts), is_time)
        return record_bins(values, counts, whole=whole, coarse=coarse, fine=FINE)
    each = "GROUP BY person" if person else ""
    low, high = ("min(v)", "max(v)") if person else ("v", "v")
    ends = rows_of(
        records.db,
        f"SELECT {low}, {high} FROM ({rows}) WHERE v IS NOT NULL {each}",  # noqa: S608
    )
    if len(ends) < least:
        return Layout([], [])
    first = sorted(float(v) for v, _ in ends)[least - 1]
    last = sorted(float(v) for _, v in ends)[-least]
    first, last = min(first, last), max(first, last)
    inner = [i for i, v in enumerate(values) if first <= v <= last]
    people = [counts[i] for i in inner]
    coarse = max(1, min(_bins(sum(people), is_time), sum(people) // least))
    made = record_bins([values[i] for i in inner], people, whole=whole, coarse=coarse, fine=FINE)
    edges = blurred(made.coarse, column, whole=whole)
    if values[0] < edges[0][0] or values[-1] >= edges[-1][1]:
        raise RecordsError(
            f"{qualified}: values of fewer than {least} patients lie far from all others, and its "
            "bins would end at them; give it a minimum and a maximum, or bins, in the schema"
        )
    return Layout(merged(edges, values, counts, least), [])


def _bins(many: int, is_time: bool) -> int:
    return TIMES if is_time else min(COARSE, max(4, round(many ** (1 / 3))))
