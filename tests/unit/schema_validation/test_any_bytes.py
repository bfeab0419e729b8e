"""Whatever bytes somebody sends: a report, or one line; never a crash, never a value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.errors import SynthgenError
from synthgen.schema.model import Code, CodeList, Column, ColumnType, Schema, Table
from synthgen.schema.validation import check_tables

CODES = CodeList("c", "c", "c", "ours", (Code("1", "one", "하나"), Code("2", "two", "둘")))
COLUMNS = (
    Column("id", ColumnType.INTEGER, False, "id", "번호"),
    Column("sex", ColumnType.CODE, True, "sex", "성별", codes=CODES, missing_codes=("9",)),
    Column("day", ColumnType.DATE, True, "day", "날짜"),
    Column("size", ColumnType.NUMBER, True, "size", "크기", minimum=0, maximum=10),
)
SCHEMA = Schema("own", "1.0.0", "own", "own", (Table("t", "t", "t", "row", COLUMNS, ("id",)),), {})
GOOD = "id,sex,day,size\n" + "".join(f"{n},1,2020-01-0{n},{n}.5\n" for n in range(1, 10))
PARTS = st.sampled_from(
    [b'"', b"\n", b"\r", b",", b";", b"\t", b"\0", b"\xff", b"\\", b'""', b"\xed\x95", b"sep=;\n"]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("bytes") / "t.csv"


def one_line_or_report(path, content):
    path.write_bytes(content)
    try:
        report = check_tables(path, SCHEMA, table="t")
    except SynthgenError as error:
        assert str(error).isprintable()
    else:
        assert all(line.isprintable() for line in report.lines("en") + report.lines("ko"))
        for broken in report.broken:
            assert 0 <= broken.count <= max(broken.total, 1)
            assert list(broken.rows) == sorted(set(broken.rows))


@given(edits=st.lists(st.tuples(st.integers(0, 250), PARTS), min_size=1, max_size=6))
@settings(max_examples=40)
def test_a_table_with_stray_signs(path, edits):
    content = GOOD.encode()
    for at, part in edits:
        content = content[:at] + part + content[at:]
    one_line_or_report(path, content)


@given(
    content=st.binary(max_size=400), head=st.sampled_from([b"", b"id,sex\n", b"PAR1", b"\x1f\x8b"])
)
@settings(max_examples=40)
def test_bytes_without_any_sense(path, content, head):
    one_line_or_report(path, head + content)


@given(
    values=st.lists(
        st.text(st.characters(codec="cp949", exclude_characters="\0"), max_size=12),
        min_size=1,
        max_size=5,
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp949"]),
)
@settings(max_examples=40)
def test_any_text_in_any_encoding_is_counted_row_by_row(path, values, encoding):
    quoted = [value.replace('"', '""') for value in values]
    rows = "".join(f'{n},"{value}",,\n' for n, value in enumerate(quoted))
    path.write_bytes(("id,sex,day,메모\n" + rows).encode(encoding))
    report = check_tables(path, SCHEMA)
    assert report.rows == {"t": len(values)}
