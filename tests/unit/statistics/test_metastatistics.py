"""K-CURE's meta-statistics are read as a pack and written from one."""

from pathlib import Path

import pytest

from synthgen.errors import StatisticsError
from synthgen.schema.load import load_schema
from synthgen.statistics.metastatistics import (
    CODES,
    COLUMNS,
    read_metastatistics,
    write_metastatistics,
)
from synthgen.statistics.read import read_pack
from synthgen.statistics.write import write_pack

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"
CODE_ROWS = """HOSP_CD,TBL_ID,COL_ID,CD_VL,COL_SEQ,ROW_CNT,PT_CNT
H1,OPERATION,STATUS,alive,9,70,70
H1,OPERATION,STATUS,dead,9,30,30
H1,OPERATION,GRADE,3,6,40,40
H1,ELSEWHERE,X,1,1,5,5
"""
COLUMN_ROWS = """HOSP_CD,TBL_ID,COL_ID,COL_SEQ,ROW_CNT,NULL_NCS,PT_CNT
H1,OPERATION,STATUS,9,100,0,100
H1,OPERATION,GRADE,6,100,10,100
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / f"{CODES}.csv").write_text(CODE_ROWS)
    (tmp_path / f"{COLUMNS}.csv").write_text(COLUMN_ROWS)
    return tmp_path


def test_codes_become_one_way_counts_and_cut_codes_stay_in_the_total(folder):
    pack = read_metastatistics(folder, load_schema(EXAMPLE))
    assert [(c.members, c.value) for c in pack.table("status").cells] == [
        ({}, 100),
        ({"status": ("alive",)}, 70),
        ({"status": ("dead",)}, 30),
    ]
    assert [(c.members, c.value) for c in pack.table("grade").cells] == [
        ({}, 90),
        ({"grade": ("3",)}, 40),
    ]


def test_a_pack_written_as_meta_statistics_is_read_again(tmp_path, folder):
    schema = load_schema(EXAMPLE)
    pack = read_metastatistics(folder, schema)
    write_metastatistics(pack, schema, tmp_path / "out", hospital="H1")
    again = read_metastatistics(tmp_path / "out", schema)
    assert again.tables == pack.tables


def test_the_pack_is_a_pack_like_any_other(tmp_path, folder):
    pack = read_metastatistics(folder, load_schema(EXAMPLE))
    write_pack(pack, tmp_path / "pack")
    assert read_pack(tmp_path / "pack").tables[0].variables == ("status",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("alive", "undead", "is no code of status"),
        (",30,30", ",many,30", "is not a whole number"),
        ("CD_VL", "CODE", "has no column CD_VL"),
        ("H1,OPERATION,GRADE", "H2,OPERATION,GRADE", "holds 2 hospitals"),
    ],
)
def test_bad_tables_are_one_line(folder, old, new, said):
    path = folder / f"{CODES}.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StatisticsError, match=said):
        read_metastatistics(folder, load_schema(EXAMPLE))
