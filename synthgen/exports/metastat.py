"""K-CURE's meta-statistics tables, counted from a cohort.

A hospital of the clinical library describes its data by four tables that hold no record: codes
and columns, over all years and by year, beside the definitions of both.  Names and columns are those of
k-cure/ClinicalLibrary, "5.메타통계DB".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import UsageError
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.delimited import BYTE_ORDER_MARK, mark
from synthgen.exports.mapping import TargetMapping, TargetTable, options_of
from synthgen.exports.metastat_definitions import HEADS as DEFINITIONS
from synthgen.exports.metastat_definitions import of_schema, of_targets, write_definitions
from synthgen.exports.rows import select
from synthgen.exports.terms import reached_tables
from synthgen.schema.documents import one_line
from synthgen.schema.model import ColumnType, Schema, Table
from synthgen.schema.rules.sql import identifier, literal
from synthgen.statistics.metastatistics import CODES, COLUMNS, MOST_CODES

CODES_BY_YEAR, COLUMNS_BY_YEAR = "CNCR_TBL_CD_YR_STATS", "CNCR_TBL_COL_YR_STATS"
FILES = tuple(
    f"{name}.csv" for name in (CODES, COLUMNS, CODES_BY_YEAR, COLUMNS_BY_YEAR, *DEFINITIONS)
)
OPTIONS = {"hospital": "SYNTH", "tables": "cohort", "prefix": "RRCN", "bom": "no"}

_PATIENT, _DAY = identifier("synthgen patient"), identifier("synthgen day")
_NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER)


@dataclass(frozen=True)
class _Counted:
    """A table that is counted: its columns, which hold codes, which hold numbers."""

    name: str
    relation: str
    columns: tuple[str, ...]
    codes: frozenset[str]
    numbers: frozenset[str]


def write(
    mappings: tuple[TargetMapping, ...],
    cohort: CohortTables,
    folder: Path,
    options: Mapping[str, str],
) -> dict[str, int]:
    """Write the four tables of counts, and the three that define what is counted.

    Parameters
    ----------
    mappings : tuple of TargetMapping
        Targets whose tables are counted with ``tables=kcure``.
    cohort : CohortTables
    folder : Path
    options : mapping of str to str
        ``hospital``; ``tables``: ``cohort`` for the tables of the schema, ``kcure`` for those
        of the clinical library and the registry; ``prefix`` of the latter; ``bom``.

    Returns
    -------
    dict of str to int
        Rows by file name.

    Raises
    ------
    UsageError
        If an option is unknown or cannot be what was given.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise UsageError(
            f"kcure-metastat: has no option {unknown[0]}; it has: {', '.join(OPTIONS)}"
        )
    known = {**OPTIONS, **options}
    if known["tables"] not in {"cohort", "kcure"} or known["bom"] not in {"yes", "no"}:
        wrong = "tables" if known["tables"] not in {"cohort", "kcure"} else "bom"
        may = "cohort or kcure" if wrong == "tables" else "yes or no"
        raise UsageError(
            f"kcure-metastat: option {wrong} is {one_line(known[wrong], 30)}; it must be {may}"
        )
    tables = (
        list(_own(cohort.schema))
        if known["tables"] == "cohort"
        else list(_of_targets(mappings, cohort.schema, known))
    )
    db = cohort.database
    made = {name: identifier(f"synthgen {name}") for name in _HEADS}
    for name, head in _HEADS.items():
        db.execute(f"CREATE TABLE {made[name]} ({', '.join(f'{c} {t}' for c, t in head.items())})")
    for at, table in enumerate(tables):
        made_of = identifier(f"synthgen counted {at}")
        db.execute(f"CREATE TABLE {made_of} AS {table.relation}")
        limits = db.execute(f"SELECT count(*), min({_DAY}), max({_DAY}) FROM {made_of}").fetchone()  # noqa: S608
        count, first, last = limits or (0, None, None)
        queries: dict[str, list[str]] = {name: [] for name in _HEADS}
        for name, query in _queries(table, made_of, known["hospital"], (first, last)):
            if count or name == COLUMNS:
                queries[name].append(query)
        for name, mine in queries.items():
            if mine:
                db.execute(f"INSERT INTO {made[name]} {' UNION ALL '.join(mine)}")
    written = {}
    for name in _HEADS:
        file = f"{name}.csv"
        whole = f"SELECT * FROM {made[name]} ORDER BY TBL_ID, COL_SEQ{_ORDER[name]}"  # noqa: S608
        copied = f"COPY ({whole}) TO {literal(str(folder / file))} (FORMAT csv, HEADER true)"
        done = db.execute(copied).fetchone()
        written[file] = int(done[0]) if done else 0
        if known["bom"] == "yes":
            mark(folder / file)
    if known["tables"] == "cohort":
        days = {table.name: _day(table) for table in cohort.schema.tables}
        rows = of_schema(cohort.schema, days, known["hospital"])
    else:
        rows = of_targets(mappings, known, known["hospital"])
    bom = BYTE_ORDER_MARK if known["bom"] == "yes" else b""
    return written | write_definitions(folder, rows, mark=bom)


_KEY = {"HOSP_CD": "VARCHAR", "TBL_ID": "VARCHAR", "COL_ID": "VARCHAR"}
_COUNTS = {"ROW_CNT": "BIGINT", "PT_CNT": "BIGINT"}
_DATES = {
    "STATS_WORK_YMD": "VARCHAR",
    "COLL_STRT_YMD": "VARCHAR",
    "COLL_END_YMD": "VARCHAR",
    "CRTN_DT": "VARCHAR",
}
_VALUES = (
    "AVE_VL",
    "MIN_VL",
    "N1_QRTL_CNT",
    "N2_QRTL_CNT",
    "N3_QRTL_CNT",
    "N4_QRTL_CNT",
    "MODE_VL",
)
_CODE, _SEQUENCE, _YEAR = {"CD_VL": "VARCHAR"}, {"COL_SEQ": "INTEGER"}, {"CRIT_YR": "VARCHAR"}

#: Columns of the four tables with their types.
_HEADS: Mapping[str, Mapping[str, str]] = {
    CODES: _KEY | _CODE | _SEQUENCE | _COUNTS | _DATES,
    COLUMNS: _KEY
    | _SEQUENCE
    | {"ROW_CNT": "BIGINT", "NULL_NCS": "BIGINT", "PT_CNT": "BIGINT"}
    | dict.fromkeys(_VALUES, "DOUBLE")
    | _DATES,
    CODES_BY_YEAR: _KEY | _CODE | _SEQUENCE | _YEAR | _COUNTS | _DATES,
    COLUMNS_BY_YEAR: _KEY | _SEQUENCE | _YEAR | _COUNTS | _DATES,
}
_ORDER: Mapping[str, str] = {
    CODES: ", ROW_CNT DESC, CD_VL",
    COLUMNS: "",
    CODES_BY_YEAR: ", CRIT_YR, ROW_CNT DESC, CD_VL",
    COLUMNS_BY_YEAR: ", CRIT_YR",
}


def _own(schema: Schema) -> Iterator[_Counted]:
    """Tables of the schema of the cohort, with the patient and the day of each row."""
    for table in schema.tables:
        joins = reached_tables(schema, table.name)
        patient = f"{identifier('patient')}.{identifier('patient_id')}"
        if "patient" not in joins:
            patient = "NULL"
        day = _day(table)
        name = identifier(table.name)
        cells = ", ".join(f"{name}.{identifier(c)}" for c in table.column_names)
        told = f"strftime({name}.{identifier(day)}, '%Y%m%d')" if day else "NULL"
        source = " ".join([name, *(j for j in joins.values() if j)])
        yield _Counted(
            table.name.upper(),
            f"SELECT {cells}, {patient} AS {_PATIENT}, {told} AS {_DAY} FROM {source}",  # noqa: S608
            table.column_names,
            frozenset(c.name for c in table.columns if c.codes is not None),
            frozenset(c.name for c in table.columns if c.type in _NUMBERS),
        )


def _day(table: Table) -> str:
    """The first date that every row has; ``""`` if there is none."""
    days = (c.name for c in table.columns if c.type is ColumnType.DATE and not c.nullable)
    return next(days, "")


def _of_targets(
    mappings: tuple[TargetMapping, ...], schema: Schema, options: Mapping[str, str]
) -> Iterator[_Counted]:
    for mapping in mappings:
        mine = {name: value for name, value in options.items() if name in mapping.options}
        known = options_of(mapping, mine)
        for table in mapping.tables:
            patient, day = identifier(table.key[1]), identifier(table.key[2])
            query = select(mapping, table, schema, known)
            yield _Counted(
                table.called(known),
                f"SELECT *, {patient} AS {_PATIENT}, {day} AS {_DAY} FROM ({query})",  # noqa: S608
                tuple(c.name for c in table.columns),
                _with_codes(table),
                frozenset(
                    c.name for c in table.columns if c.type.startswith(("NUMERIC", "INTEGER"))
                ),
            )


def _with_codes(table: TargetTable) -> frozenset[str]:
    return frozenset(c.name for c in table.columns if c.codes)


def _queries(
    table: _Counted, made: str, hospital: str, limits: tuple[str | None, str | None]
) -> Iterator[tuple[str, str]]:
    """Rows of each of the four tables for every column of one table."""
    first, last = ("NULL" if day is None else literal(day) for day in limits)
    tail = f"NULL, {first}, {last}, NULL"
    year = f"left({_DAY}, 4)"
    patients = f"count(DISTINCT {_PATIENT}) AS PT_CNT"
    for at, column in enumerate(table.columns, start=1):
        cell = identifier(column)
        key = f"{literal(hospital)} AS HOSP_CD, {literal(table.name)} AS TBL_ID"
        key += f", {literal(column.upper())} AS COL_ID"
        if column in table.codes:
            code = f"CAST({cell} AS VARCHAR) AS CD_VL"
            counted = f"{at} AS COL_SEQ, {{}}count(*) AS ROW_CNT, {patients}, {tail} FROM {made}"
            there = f"WHERE {cell} IS NOT NULL"
            most = f"ORDER BY count(*) DESC, CD_VL LIMIT {MOST_CODES}"
            yield (
                CODES,
                f"(SELECT {key}, {code}, {counted.format('')} {there} GROUP BY {cell} {most})",
            )
            yield (
                CODES_BY_YEAR,
                f"SELECT {key}, {code}, {counted.format(f'{year} AS CRIT_YR, ')} {there} AND "
                f"{_DAY} IS NOT NULL GROUP BY {cell}, {year}",
            )
        yield (
            COLUMNS,
            f"SELECT {key}, {at} AS COL_SEQ, count(*) AS ROW_CNT, "  # noqa: S608 - quoted
            f"count(*) - count({cell}) AS NULL_NCS, {patients}, "
            f"{_quantiles(cell if column in table.numbers else '')}, {tail} FROM {made}",
        )
        yield (
            COLUMNS_BY_YEAR,
            f"SELECT {key}, {at} AS COL_SEQ, {year} AS CRIT_YR, count({cell}) AS ROW_CNT, "  # noqa: S608
            f"{patients}, {tail} FROM {made} WHERE {_DAY} IS NOT NULL GROUP BY {year}",
        )


def _quantiles(number: str) -> str:
    """Mean, minimum, quartiles and mode of a column of numbers; empty for any other."""
    value = f"CAST({number} AS DOUBLE)" if number else "CAST(NULL AS DOUBLE)"
    quartiles = ", ".join(
        f"quantile_disc({value}, {share}) AS N{n}_QRTL_CNT"
        for n, share in enumerate((0.25, 0.5, 0.75, 1.0), start=1)
    )
    return f"round(avg({value}), 3) AS AVE_VL, min({value}) AS MIN_VL, {quartiles}, mode({value}) AS MODE_VL"
