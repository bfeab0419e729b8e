"""Quality of OMOP tables, asked in SQL: conformance, completeness and plausibility.

The checks are those of OHDSI's DataQualityDashboard that need no vocabulary tables (Blacketer
et al. 2021, doi:10.1093/jamia/ocab132), in SQL of our own that DuckDB and PostgreSQL read:
``schemas/exports/omop-quality/`` holds one file for each kind of question, and ``checks.json``
says of which table and column each is asked.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.errors import ContractError
from synthgen.exports.contract import target_schema
from synthgen.exports.mapping import TargetMapping, TargetTable
from synthgen.exports.omop_delivery import attach_tables, typed_copies, wrong_types
from synthgen.exports.targets import mapping_of
from synthgen.resources import data_root
from synthgen.schema.documents import one_line, read_document
from synthgen.schema.model import Schema, Severity
from synthgen.schema.rules.sql import literal
from synthgen.schema.validation.database import locked_database
from synthgen.schema.validation.deliveries import open_delivery
from synthgen.schema.validation.report import Broken, Report
from synthgen.schema.validation.sources import DATABASE_ENDINGS, candidates

if TYPE_CHECKING:
    import duckdb

FILE = "omop.duckdb"
NEEDED = ("person", "observation_period")
"""Tables without which there is nothing to check."""

SCHEMAS_OWN = frozenset(
    {"cdmTable", "cdmField", "cdmDatatype", "isRequired", "isPrimaryKey", "isForeignKey"}
)
"""Checks that a schema makes too."""

RELATION = re.compile(r"\b(?:FROM|JOIN) ([a-z_]+)\b(?!\.)")
LENGTH = re.compile(r"^VARCHAR\((\d+)\)$")

Ask = Callable[[str], tuple[int, int] | None]
"""Runs a query of one row: rows that break the check, rows looked at; None if it cannot be asked."""


@dataclass(frozen=True)
class QualityCheck:
    """One question to one column or table.

    Parameters
    ----------
    id : str
        Name of the check in the DataQualityDashboard (``"isRequired"``), or one of ours.
    category : {"conformance", "completeness", "plausibility"}
    severity : Severity
        Impossible: the tables are wrong.  Unlikely: counted.
    table, field : str
        ``field`` is ``""`` where it is about the table.
    query : str
        SQL of one row: rows that break it, rows looked at.
    limit : float
        Share of rows up to which it holds.
    message, message_ko : str
    """

    id: str
    category: str
    severity: Severity
    table: str
    field: str
    query: str
    limit: float
    message: str
    message_ko: str

    @property
    def tables(self) -> frozenset[str]:
        """Tables that the query reads."""
        return frozenset(RELATION.findall(self.query))


@cache
def _folder() -> Path:
    return data_root() / "schemas/exports/omop-quality"


@cache
def _sql(name: str) -> str:
    lines = (_folder() / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).rstrip(";\n")


def _places(table: TargetTable, kind: str) -> Iterator[dict[str, Any]]:
    """Where a check that is said for a whole standard is asked of a table."""
    if kind == "keys" and table.key:
        fields = ", ".join(table.key)
        yield {"table": table.name, "field": fields, "fields": fields}
    if kind == "references":
        for name, other in table.references:
            yield {
                "table": table.name,
                "field": name,
                "other_table": other,
                "other_field": f"{other}_id",
            }
    if kind == "columns":
        names = ", ".join(literal(column.name) for column in table.columns)
        yield {"table": table.name, "field": "", "names": names, "count": len(table.columns)}
    for column in table.columns:
        length = LENGTH.match(column.type)
        place = {"table": table.name, "field": column.name}
        if kind == "required" and column.required:
            yield place
        elif kind == "lengths" and length:
            yield {**place, "length": length[1]}


def _fields(place: Mapping[str, Any]) -> frozenset[str]:
    """Columns of its own table that a check reads, as far as ``checks.json`` names them."""
    own = [place["field"], place.get("kind", "")]
    if "other_table" not in place:
        own.append(place.get("other_field", ""))
    return frozenset(own) - {""}


def quality_checks(mapping: TargetMapping) -> list[QualityCheck]:
    """All questions to the tables of a version of the standard.

    Parameters
    ----------
    mapping : TargetMapping
        Of ``omop-5.4`` or ``omop-5.3``.

    Returns
    -------
    list of QualityCheck
        Only those whose tables and columns that version has.
    """
    known = {table.name: frozenset(c.name for c in table.columns) for table in mapping.tables}
    made: list[QualityCheck] = []
    document: dict[str, Any] = dict(read_document(_folder() / "checks.json"))
    for entry in document["checks"]:
        on = entry["on"]
        places = (
            [place for table in mapping.tables for place in _places(table, on)]
            if isinstance(on, str)
            else [p for p in on if _fields(p) <= known.get(p["table"], frozenset())]
        )
        made += [
            QualityCheck(
                id=entry["id"],
                category=entry["category"],
                severity=Severity(entry["severity"]),
                table=place["table"],
                field=place["field"],
                query=_sql(entry["sql"]).format(**place),
                limit=float(entry.get("limit", 0.0)),
                message=entry["en"].format(**place),
                message_ko=entry["ko"].format(**place),
            )
            for place in places
        ]
    return [check for check in made if check.tables <= set(known)]


def ask_all(checks: Sequence[QualityCheck], present: frozenset[str], ask: Ask) -> list[Broken]:
    """What of the checks does not hold.

    Parameters
    ----------
    checks : sequence of QualityCheck
    present : frozenset of str
        Tables that are there; a check that reads another is left out, as that table is named
        as missing once.
    ask : callable
        Runs one query.

    Returns
    -------
    list of Broken
        In the order of the checks; ``rule`` is the category and the id.
    """
    broken = []
    for check in checks:
        if not check.tables <= present or check.table not in present:
            continue
        answer = ask(check.query)
        if answer is None:
            continue
        violated, looked_at = map(int, answer)
        if violated <= check.limit * looked_at:
            continue
        broken.append(
            Broken(
                rule=f"{check.category}.{check.id}",
                table=check.table,
                column=check.field,
                severity=check.severity,
                message=check.message,
                message_ko=check.message_ko,
                count=violated,
                total=looked_at,
            )
        )
    return broken


def missing_tables(mapping: TargetMapping, present: frozenset[str]) -> list[Broken]:
    """Tables of the standard that synthgen writes and that are not there."""
    return [
        Broken(
            rule="conformance.cdmTable",
            table=table.name,
            column="",
            severity=Severity.IMPOSSIBLE if table.name in NEEDED else Severity.UNLIKELY,
            message="is missing",
            message_ko="표가 없다",
            count=1,
            total=1,
        )
        for table in mapping.tables
        if table.name not in present
    ]


def quality_of(
    db: duckdb.DuckDBPyConnection, mapping: TargetMapping, present: frozenset[str]
) -> list[Broken]:
    """What does not hold of tables that stand in a database under their names.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    mapping : TargetMapping
        Of ``omop-5.4`` or ``omop-5.3``.
    present : frozenset of str
        Names of the tables that are there.

    Returns
    -------
    list of Broken
        Without row numbers: a table of the standard has keys.
    """
    import duckdb

    def ask(query: str) -> tuple[int, int] | None:
        try:
            row = db.execute(query).fetchone()
        except (duckdb.BinderException, duckdb.ConversionException):
            return None  # a column is not there, or of another type: that has a finding of its own
        return (int(row[0]), int(row[1])) if row else None

    return [
        *missing_tables(mapping, present),
        *ask_all(quality_checks(mapping), present, ask),
    ]


def omop_quality(path: Path, version: str = "") -> list[Broken]:
    """What does not hold of a folder of OMOP tables, or of ``omop.duckdb``.

    Parameters
    ----------
    path : Path
        Folder with a DuckDB file or one file for each table, or the DuckDB file itself.
    version : {"5.4", "5.3", ""}
        Of the standard; ``""``: 5.4 where there is a table of episodes, otherwise 5.3.

    Returns
    -------
    list of Broken
        Empty where every check holds.

    Raises
    ------
    ContractError
        If there are no OMOP tables, or a file cannot be read.
    """
    database = _database(path)
    if database is None:
        return _quality_of_files(path, version)
    readable = [database.resolve(), database.resolve().with_name(f"{database.name}.wal")]
    with tempfile.TemporaryDirectory() as scratch, locked_database(Path(scratch), readable) as db:
        return _quality_of_tables(db, path, database, version)


def _database(path: Path) -> Path | None:
    """The DuckDB file of a delivery: the file itself, ours, or the only one of a folder."""
    if not path.is_dir():
        return path if path.name.casefold().endswith(DATABASE_ENDINGS) else None
    if (path / FILE).is_file():
        return path / FILE
    found = [p for p in path.iterdir() if p.name.casefold().endswith(DATABASE_ENDINGS)]
    return found[0] if len(found) == 1 else None


def _quality_of_tables(
    db: duckdb.DuckDBPyConnection, path: Path, database: Path, version: str
) -> list[Broken]:
    import duckdb

    try:
        found = attach_tables(db, database.resolve())
    except duckdb.Error as error:
        raise ContractError(f"{one_line(path.name)}: cannot be read as OMOP tables") from error
    _demand_needed(path, found)
    mapping = _mapping(version, found)
    return [*wrong_types(db, mapping, found), *quality_of(db, mapping, frozenset(found))]


def _quality_of_files(path: Path, version: str) -> list[Broken]:
    """Of text and Parquet files, in every encoding, with every separator that ``check`` reads."""
    try:
        named = {item.name for item in candidates(path)}
    except ContractError:
        named = set()
    mapping = _mapping(version, named)
    if not named & {table.name for table in mapping.tables}:
        raise ContractError(f"{path}: holds no OMOP tables; it must hold {FILE} or person.csv")
    with open_delivery(path, target_schema(mapping)) as delivery:
        _demand_needed(path, {loaded.table.name for loaded in delivery.tables})
        found = typed_copies(delivery, mapping)
        return [
            *wrong_types(delivery.db, mapping, found),
            *quality_of(delivery.db, mapping, frozenset(found)),
        ]


def _mapping(version: str, found: Container[str]) -> TargetMapping:
    return mapping_of(f"omop-{version or ('5.4' if 'episode' in found else '5.3')}")


def _demand_needed(path: Path, found: Container[str]) -> None:
    absent = [name for name in NEEDED if name not in found]
    if absent:
        raise ContractError(f"{path}: holds no table {absent[0]}; OMOP must have it")


def with_quality(report: Report, schema: Schema, path: Path) -> Report:
    """A report on OMOP tables with what these checks find beyond the schema's.

    Parameters
    ----------
    report : Report
        Of the check against the schema, which names missing tables, columns, values and keys.
    schema : Schema
        Any; only ``omop`` is asked further.
    path : Path
        Of the delivery.

    Returns
    -------
    Report
        The same where it is not about OMOP, or the tables cannot be read here.
    """
    if schema.id != "omop":
        return report
    try:
        found = omop_quality(path, ".".join(schema.version.split(".")[:2]))
    except ContractError:  # said already, in the words of the schema
        return report
    beyond = [b for b in found if b.rule.partition(".")[2] not in SCHEMAS_OWN]
    return replace(report, broken=(*report.broken, *beyond))
