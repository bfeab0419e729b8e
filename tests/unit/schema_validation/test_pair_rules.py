"""Rules about two rows of a table: pairs are looked for only where there can be some."""

from __future__ import annotations

import pytest

from synthgen.schema.model import Column, ColumnType, Rule, Schema, Severity, Table
from synthgen.schema.validation import check_tables, conditions

ROWS = """id,person,grade,year
1,a,1,2001
2,a,1,2002
3,b,1,2001
4,b,2,2001
5,c,1,2003
6,,1,2001
7,,1,2001
8,d,3,2001
"""


def caught(tmp_path, when):
    columns = (
        Column("id", ColumnType.INTEGER, False, "id", "번호"),
        Column("person", ColumnType.STRING, True, "person", "사람"),
        Column("grade", ColumnType.INTEGER, True, "grade", "등급"),
        Column("year", ColumnType.INTEGER, True, "year", "연도"),
    )
    table = Table("t", "t", "t", "row", columns, ("id",))
    rule = Rule("R", Severity.IMPOSSIBLE, when, "m", "m", "s")
    path = tmp_path / "t.csv"
    path.write_text(ROWS)
    report = check_tables(path, Schema("own", "1.0.0", "own", "own", (table,), {}, (rule,)))
    (found,) = report.broken or (None,)
    return (found.count, [row - 1 for row in found.rows]) if found else (0, [])


SAME = "another t by person where (other.grade = t.grade)"


@pytest.mark.parametrize(
    ("when", "rows"),
    [
        (SAME, [1, 2]),
        (f"t.year = 2002 and {SAME}", [2]),
        (f"not {SAME}", [3, 4, 5, 6, 7, 8]),
        (f"t.grade = 3 or {SAME}", [1, 2, 8]),
        (f"t.grade = 1 and not {SAME}", [3, 5, 6, 7]),
        (f"{SAME} and another t by grade where (other.person is null)", [1, 2]),
        ("another t by grade, year where (other.person is null)", [1, 3, 6, 7]),
        ("another t by person where (other.year > t.year)", [1]),
    ],
)
def test_every_row_with_a_partner_is_caught_whatever_stands_around(tmp_path, when, rows):
    assert caught(tmp_path, when) == (len(rows), rows[:5])


@pytest.mark.parametrize("heavy", [0, 10**9])
@pytest.mark.parametrize(
    ("when", "rows"),
    [("t.grade = 1 and t.year = 2001", [1, 3, 6, 7]), ("t.grade > 5", []), ("t.year is null", [])],
)
def test_asking_each_combination_is_asking_each_row(tmp_path, monkeypatch, heavy, when, rows):
    monkeypatch.setattr(conditions, "HEAVY", heavy)
    assert caught(tmp_path, when) == (len(rows), rows)
