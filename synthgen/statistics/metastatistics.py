"""K-CURE's meta-statistics tables as a pack, and a pack as these tables.

The Korean clinical library describes its data by counts of codes (``CNCR_TBL_CD_DTRN_STATS``) and
of rows and gaps by column (``CNCR_TBL_COL_DTRN_STATS``); names and columns are those of
k-cure/ClinicalLibrary, "5.메타통계DB".  Codes beyond the hundred most frequent are cut there, so a
table of codes need not add up to its rows.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthgen.errors import StatisticsError
from synthgen.outputs import output_folder
from synthgen.schema.documents import one_line
from synthgen.schema.model import Schema, Variable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)

CODES, COLUMNS = "CNCR_TBL_CD_DTRN_STATS", "CNCR_TBL_COL_DTRN_STATS"
MOST_CODES = 100
"""Codes of a column that the meta-statistics keep."""

#: Columns of the registry table by the numbers that K-CURE's own scripts write, and by those of
#: CNCR_TBL_COL_META, which count CNCR_RGST_SEQ too and are one higher (k-cure/ClinicalLibrary
#: 8a05ba2, 5.메타통계DB/2.Maria: 암등록_코드별기간전체통계, (CNCR_TBL_COL_META)컬럼정보).
REGISTRY_ID, REGISTRY = "99010", "CNCR_RGST"
_REGISTRY_COLUMNS = {
    7: "POPCODE", 9: "FRGCODE", 13: "JOBCODE", 17: "VISITPATHCODE", 20: "TCODE", 23: "LATERCODE",
    25: "MCODE", 28: "BUNHWADOCODE", 32: "METHODCODE", 36: "TXCHECKCODE", 48: "STAGECODE",
}  # fmt: skip
_NUMBERS = {
    f"{REGISTRY_ID}{number + beyond:02d}": name
    for number, name in _REGISTRY_COLUMNS.items()
    for beyond in (0, 1)
}

_CODE_HEAD = ("HOSP_CD", "TBL_ID", "COL_ID", "CD_VL", "COL_SEQ", "ROW_CNT", "PT_CNT")
_COLUMN_HEAD = ("HOSP_CD", "TBL_ID", "COL_ID", "COL_SEQ", "ROW_CNT", "NULL_NCS", "PT_CNT")
_SOURCE = "metastatistics"


def is_metastatistics(folder: Path) -> bool:
    """Whether a folder holds meta-statistics tables."""
    return (folder / f"{CODES}.csv").is_file()


def _rows(path: Path, head: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [c for c in head if c not in (reader.fieldnames or ()) and c != "COL_SEQ"]
            if missing:
                raise StatisticsError(f"{path.name}: has no column {missing[0]}")
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StatisticsError(f"{path.name}: cannot be read as UTF-8 CSV") from error


def _count(path: Path, number: int, text: str | None) -> int:
    cleaned = (text or "").strip()
    if not cleaned.isascii() or not cleaned.isdigit():
        raise StatisticsError(f"{path.name} row {number}: a count is not a whole number")
    return int(cleaned)


def _variables(schema: Schema) -> dict[tuple[str, str], Variable]:
    """Coded variables by table and column, in capitals."""
    found: dict[tuple[str, str], Variable] = {}
    for variable in schema.variables:
        table, _, column = variable.column.partition(".")
        if column and not variable.is_binned:
            found.setdefault((table.upper(), column.upper()), variable)
    return found


def _place(row: Mapping[str, str]) -> tuple[str, str]:
    """Table and column of a row, in capitals: named, or numbered as a hospital's scripts do."""
    table, column = row["TBL_ID"].strip().upper(), row["COL_ID"].strip().upper()
    if table == REGISTRY_ID:
        return REGISTRY, _NUMBERS.get(column, column)
    return table, column


def read_metastatistics(folder: Path, schema: Schema, *, hospital: str = "") -> StatisticsPack:
    """Pack of the one-way counts in a folder of meta-statistics tables.

    Parameters
    ----------
    folder : Path
        With ``CNCR_TBL_CD_DTRN_STATS.csv`` and, if there, ``CNCR_TBL_COL_DTRN_STATS.csv``.
    schema : Schema
        Whose tables and columns ``TBL_ID`` and ``COL_ID`` name, in any case; columns of the
        registry table may have the numbers of K-CURE's scripts.
    hospital : str
        ``HOSP_CD`` to read; needed where the tables hold several.

    Raises
    ------
    StatisticsError
        If a file is missing or no such table, holds several hospitals, unknown codes, or
        nothing that the schema has variables for.
    """
    path = folder / f"{CODES}.csv"
    known = _variables(schema)
    counts: dict[str, dict[str, int]] = {}
    hospitals: set[str] = set()
    for number, row in enumerate(_rows(path, _CODE_HEAD), start=2):
        if hospital and row["HOSP_CD"] != hospital:
            continue
        hospitals.add(row["HOSP_CD"])
        variable = known.get(_place(row))
        if variable is None:
            continue
        code = row["CD_VL"]
        if code not in variable.codes:
            raise StatisticsError(
                f"{path.name} row {number}: {one_line(code, 20)} is no code of {variable.name}"
            )
        counts.setdefault(variable.name, {})[code] = _count(path, number, row["ROW_CNT"])
    if len(hospitals) > 1:
        raise StatisticsError(f"{path.name}: holds {len(hospitals)} hospitals; name one of them")
    if not counts:
        raise StatisticsError(f"{path.name}: has no column that {schema.key} has a variable for")
    totals = _totals(folder, known, hospital)
    tables = tuple(
        _table(schema.variable(name), found, totals.get(name)) for name, found in counts.items()
    )
    where = f"K-CURE meta-statistics of {next(iter(hospitals)) or 'one hospital'}"
    return StatisticsPack(
        id=f"{schema.id}-metastatistics",
        version="1.0.0",
        schema=schema.key,
        title=where,
        title_ko="K-CURE 메타통계",
        origin="enclave",
        target=Target(where, "K-CURE 메타통계", "not stated"),
        scope={},
        sources={_SOURCE: Source(_SOURCE, where, "terms of K-CURE", "unconfirmed")},
        tables=tables,
        blocks=(Block("codes", tuple(counts)),),
        own_schema=schema,
    )


def _totals(
    folder: Path, known: Mapping[tuple[str, str], Variable], hospital: str
) -> dict[str, int]:
    """Rows with a value, by variable."""
    path = folder / f"{COLUMNS}.csv"
    found: dict[str, int] = {}
    if path.is_file():
        for number, row in enumerate(_rows(path, _COLUMN_HEAD), start=2):
            variable = known.get(_place(row))
            if variable is not None and (not hospital or row["HOSP_CD"] == hospital):
                rows = _count(path, number, row["ROW_CNT"])
                found[variable.name] = rows - _count(path, number, row["NULL_NCS"])
    return found


def _table(variable: Variable, found: Mapping[str, int], total: int | None) -> StatisticsTable:
    """One-way table; codes that are cut stand in the total only."""
    whole = sum(found.values()) if total is None else total
    if whole < sum(found.values()):
        raise StatisticsError(f"{variable.name}: its codes have more rows than its column")
    complete = whole == sum(found.values())
    cells = [Cell({}, float(whole), float(whole), printed=str(whole), row=2)]
    for code in variable.codes:
        if code in found or complete:
            n = found.get(code, 0)
            members = {variable.name: (code,)}
            cells.append(Cell(members, float(n), float(n), printed=str(n), row=len(cells) + 2))
    return StatisticsTable(
        name=variable.name,
        title=variable.title,
        title_ko=variable.title_ko,
        kind="counts",
        variables=(variable.name,),
        given=(),
        scope={},
        relation=Relation.PUBLISHED,
        source=_SOURCE,
        population="Rows of the table",
        period="not stated",
        cells=tuple(cells),
        unit="cases",
    )


def write_metastatistics(
    pack: StatisticsPack,
    schema: Schema,
    folder: Path,
    *,
    hospital: str = "SYN",
    force: bool = False,
) -> None:
    """Write the one-way counts of a pack as meta-statistics tables.

    Parameters
    ----------
    pack : StatisticsPack
        Tables of counts of one coded variable are written; the others have no place there.
    schema : Schema
    folder : Path
    hospital : str
        ``HOSP_CD``.
    force : bool
        Replace what stands there.

    Raises
    ------
    StatisticsError
        If no table can be written, or a count is only known as a range.
    """
    codes: list[list[str | int]] = []
    columns: list[list[str | int]] = []
    for table in pack.tables:
        if table.kind != "counts" or table.given or len(table.variables) != 1:
            continue
        variable = schema.variable(table.variables[0])
        name, _, column = variable.column.partition(".")
        if not column or variable.is_binned:
            continue
        if any(cell.lower != cell.upper for cell in table.cells):
            raise StatisticsError(f"{table.name}: has counts that are ranges; they must be numbers")
        missing = [c.code for c in variable.categories if c.means == "missing"]
        parts = {c.members[variable.name][0]: int(c.value) for c in table.cells if c.members}
        whole = max([int(c.value) for c in table.cells if not c.members] or [sum(parts.values())])
        at = schema.table(name).column_names.index(column) + 1
        key: list[str | int] = [hospital, name.upper(), column.upper()]
        empty = sum(parts.get(code, 0) for code in missing)
        columns.append([*key, at, whole, empty, ""])
        told = sorted(
            ((n, c) for c, n in parts.items() if c not in missing), key=lambda p: (-p[0], p[1])
        )
        codes += [[*key, code, at, n, ""] for n, code in told[:MOST_CODES]]
    if not columns:
        raise StatisticsError(f"pack {pack.id}: has no counts of one coded column")
    with output_folder(folder, force=force) as beside:
        for name, head, rows in ((CODES, _CODE_HEAD, codes), (COLUMNS, _COLUMN_HEAD, columns)):
            with (beside / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(head)
                writer.writerows(rows)
