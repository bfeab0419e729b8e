"""What ``show`` prints of a pack."""

from __future__ import annotations

from synthgen.statistics.describe import relation_rows, source_rows, table_rows, variable_rows
from synthgen.statistics.model import Cell, Relation


def pack_of_two(make_table, make_pack):
    counts = make_table(
        "counts", [Cell({"sex": ("1",)}, 1.0, 1.0), Cell({"sex": ("2",)}, 2.0, 2.0)]
    )
    share = make_table(
        "shares",
        [Cell({"stage": ("1",)}, 0.2, 0.2)],
        name="t2",
        variables=("stage",),
        given=("entity",),
        relation=Relation.BORROWED,
        note="Chosen edition: 2019.",
        note_ko="2019년판",
    )
    return make_pack(counts, share)


def test_a_table_row_says_what_about_whom_and_from_where(make_table, make_pack):
    rows = table_rows(pack_of_two(make_table, make_pack))
    assert rows[1]["about"] == "stage | entity"
    assert rows[1]["block"] == "stage"
    assert rows[1]["relation_title"] == "borrowed from another population"
    assert rows[1]["redistribution"] == "open"
    assert rows[1]["note"] == "Chosen edition: 2019."


def test_korean_rows_have_korean_titles_and_notes(make_table, make_pack):
    rows = table_rows(pack_of_two(make_table, make_pack), "ko")
    assert rows[1]["title"] == "표"
    assert rows[1]["relation_title"] == "다른 인구에서 빌림"
    assert rows[1]["note"] == "2019년판"


def test_relations_are_counted_with_their_terms(make_table, make_pack):
    rows = relation_rows(pack_of_two(make_table, make_pack))
    assert [(r["relation"], r["tables"], r["cells"], r["open"]) for r in rows] == [
        ("published", 1, 2, 1),
        ("borrowed", 1, 1, 1),
        ("pooled", 0, 0, 0),
        ("assumed", 0, 0, 0),
    ]


def test_sources_and_variables_are_listed(make_table, make_pack):
    pack = pack_of_two(make_table, make_pack)
    assert source_rows(pack)[0]["tables"] == 2
    stage = next(row for row in variable_rows(pack) if row["variable"] == "stage")
    assert (stage["published"], stage["borrowed"]) == (0, 1)
