"""K-CURE's definitions of tables, columns and codes, of what its meta-statistics count.

Columns and the classes of tables are those that k-cure/ClinicalLibrary 8a05ba2 writes,
5.메타통계DB/2.Maria: (CNCR_TBL_META)테이블메타, (CNCR_TBL_COL_META)컬럼정보; common codes stand
under hospital 99000 and class 1 (3.공통코드).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from synthgen.exports.cohort_tables import SQL_TYPES
from synthgen.exports.mapping import TargetMapping, TargetTable
from synthgen.schema.model import Schema, Table

TABLES, COLUMNS, CODES = "CNCR_TBL_META", "CNCR_TBL_COL_META", "CNCR_CODE_META"

HEADS: Mapping[str, tuple[str, ...]] = {
    TABLES: (
        "TBL_ID", "TBL_LCLS_CD", "TBL_MCLS_CD", "ENG_TBL_NM", "KOR_TBL_NM", "TBL_EXPL_CONT",
        "YR_CRIT_ENG_COL_NM", "CRTN_DT",
    ),
    COLUMNS: (
        "TBL_ID", "COL_ID", "TBL_LCLS_CD", "TBL_MCLS_CD", "ENG_TBL_NM", "KOR_TBL_NM", "ENG_COL_NM",
        "KOR_COL_NM", "COL_SEQ", "COL_PK_YN", "DOMN_NM", "DATA_TP_CONT", "DATA_LNTH_CONT",
        "COL_EXPL_CONT", "CD_NM", "CD_CLCD", "HOSP_CD", "OPEN_YN", "CRTN_DT",
    ),
    CODES: (
        "HOSP_CD", "CD_CLCD", "CD_ID", "CD_VL", "CD_NM", "CD_VL_NM", "ARRY_ORD_VL", "CD_EXPL_CONT",
        "CRTN_DT",
    ),
}  # fmt: skip

CLASSES = {
    "CNCR_RGST": ("01", "01"), "PT_HLINF": ("02", "02"), "PT_FMHT": ("02", "03"),
    "DIAG_ANINF": ("03", "04"), "DIAG_INF": ("03", "05"), "DIAG_STAG": ("03", "06"),
    "DIAG_MTST": ("03", "07"), "EXAM_DIAG": ("04", "08"), "EXAM_IMAG": ("04", "09"),
    "EXAM_IMPT": ("04", "10"), "EXAM_BYPS": ("04", "12"), "TRTM_OPRT": ("05", "16"),
    "EXAM_SGPT": ("04", "18"), "TRTM_BLTR": ("05", "20"), "TRTM_ANTP": ("05", "22"),
    "TRTM_RD": ("05", "23"), "FUOR_RLPS": ("06", "24"),
}  # fmt: skip
"""Large and middle class of each table of the library, the same for all cancers."""

COMMON_HOSPITAL, COMMON_CLASS = "99000", "1"
"""Under which the codes of all hospitals are loaded."""

_CODE = "코드"
"""What the names of K-CURE's code lists end in."""

Row = dict[str, str | int]


def write_definitions(
    folder: Path, rows: Iterator[tuple[str, Row]], *, mark: bytes = b""
) -> dict[str, int]:
    """Write the three tables of definitions.

    Parameters
    ----------
    folder : Path
    rows : iterator of (str, dict)
        Rows with the table that each is of; what a row does not say stays empty.
    mark : bytes
        Byte-order mark, or nothing.

    Returns
    -------
    dict of str to int
        Rows by file name.
    """
    held: dict[str, list[Row]] = {name: [] for name in HEADS}
    for name, row in rows:
        held[name].append(row)
    for name, head in HEADS.items():
        with (folder / f"{name}.csv").open("wb") as plain:
            plain.write(mark)
        with (folder / f"{name}.csv").open("a", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, head, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(held[name])
    return {f"{name}.csv": len(found) for name, found in held.items()}


def of_schema(schema: Schema, days: Mapping[str, str], hospital: str) -> Iterator[tuple[str, Row]]:
    """Definitions of the tables of a cohort; the library has no classes for them.

    Parameters
    ----------
    schema : Schema
    days : mapping of str to str
        By table, the column that says the year of a row; ``""`` where none does.
    hospital : str
    """
    for table in schema.tables:
        yield from _of_table(table, days[table.name].upper(), hospital)
    for name, codes in schema.code_lists.items():
        for place, code in enumerate(codes.codes, start=1):
            yield (
                CODES,
                {
                    "HOSP_CD": hospital, "CD_ID": name, "CD_VL": code.code, "CD_NM": codes.title_ko,
                    "CD_VL_NM": code.title_ko, "ARRY_ORD_VL": place,
                },
            )  # fmt: skip


def _of_table(table: Table, day: str, hospital: str) -> Iterator[tuple[str, Row]]:
    name = table.name.upper()
    common: Row = {"TBL_ID": name, "ENG_TBL_NM": name, "KOR_TBL_NM": table.title_ko}
    yield TABLES, common | {"TBL_EXPL_CONT": table.description_ko, "YR_CRIT_ENG_COL_NM": day}
    for place, column in enumerate(table.columns, start=1):
        codes = column.codes
        row: Row = {
            "COL_ID": column.name.upper(), "ENG_COL_NM": column.name.upper(),
            "KOR_COL_NM": column.title_ko, "COL_SEQ": place,
            "COL_PK_YN": _key(table.primary_key, column.name),
            "DATA_TP_CONT": SQL_TYPES[column.type], "COL_EXPL_CONT": column.description_ko,
            "CD_NM": "" if codes is None else codes.title_ko, "HOSP_CD": hospital,
        }  # fmt: skip
        yield COLUMNS, common | row


def of_targets(
    mappings: Sequence[TargetMapping], options: Mapping[str, str], hospital: str
) -> Iterator[tuple[str, Row]]:
    """Definitions of the tables of the library and of the registry, and their common codes."""
    lists: dict[str, Row] = {}
    for mapping in mappings:
        for table in mapping.tables:
            yield from _of_target(mapping, table, table.called(options), hospital)
        for name, codes in mapping.code_lists.items():
            if name in lists:
                continue
            lists[name] = {}
            for place, (code, label) in enumerate(codes.names.items(), start=1):
                yield (
                    CODES,
                    {
                        "HOSP_CD": COMMON_HOSPITAL, "CD_CLCD": COMMON_CLASS, "CD_ID": name,
                        "CD_VL": code, "CD_NM": f"{codes.title_ko}{_CODE}", "CD_VL_NM": label,
                        "ARRY_ORD_VL": place,
                    },
                )  # fmt: skip


def _of_target(
    mapping: TargetMapping, table: TargetTable, called: str, hospital: str
) -> Iterator[tuple[str, Row]]:
    large, middle = CLASSES[table.name]
    common: Row = {
        "TBL_ID": called, "TBL_LCLS_CD": large, "TBL_MCLS_CD": middle, "ENG_TBL_NM": called,
        "KOR_TBL_NM": table.title_ko,
    }  # fmt: skip
    yield TABLES, common | {"YR_CRIT_ENG_COL_NM": table.key[2]}
    for place, column in enumerate(table.columns, start=1):
        kind, _, size = column.type.rstrip(")").partition("(")
        row: Row = {
            "COL_ID": column.name, "ENG_COL_NM": column.name, "KOR_COL_NM": column.title_ko,
            "COL_SEQ": place, "COL_PK_YN": _key(table.key, column.name), "DATA_TP_CONT": kind,
            "DATA_LNTH_CONT": size, "HOSP_CD": hospital,
        }  # fmt: skip
        if column.codes:
            named = f"{mapping.code_lists[column.codes].title_ko}{_CODE}"
            row |= {"DOMN_NM": named, "CD_NM": named, "CD_CLCD": COMMON_CLASS}
        yield COLUMNS, common | row


def _key(key: Sequence[str], column: str) -> str:
    return f"PK_{key.index(column) + 1}" if column in key else ""
