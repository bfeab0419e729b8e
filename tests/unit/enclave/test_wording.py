"""Names of the tables of a pack of records."""

from __future__ import annotations

from synthgen.enclave.wording import LONGEST_NAME, named_apart, table_name
from synthgen.statistics.model import Relation, StatisticsTable


def table(name: str) -> StatisticsTable:
    relation = Relation.PUBLISHED
    return StatisticsTable(name, "a", "가", "counts", ("sex",), (), {}, relation, "b", "c", "d", ())


def test_no_name_stands_twice_even_if_a_numbered_one_was_there():
    made = named_apart([table(n) for n in ("age", "age-2", "age", "stage", "age")])
    assert [t.name for t in made] == ["age", "age-2", "age-3", "stage", "age-4"]


def test_a_numbered_name_is_not_longer_than_a_name_may_be():
    longest = table_name("a" * 200)
    made = named_apart([table(longest)] * 11)
    assert len({t.name for t in made}) == 11
    assert {len(t.name) for t in made} == {LONGEST_NAME}
