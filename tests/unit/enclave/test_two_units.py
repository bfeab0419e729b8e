"""Rows of two tables are two populations: neither contradicts the other, and both are audited."""

from __future__ import annotations

from datetime import date

from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.statistics.audit import audit, limits_for


def test_nothing_is_set_aside_because_rows_of_two_tables_are_counted(frames, schema):
    told: list[str] = []
    asked = Settings(bins_from_data=True, allow_repeated=True, as_of=date(2030, 1, 1))
    pack = tabulate(frames, schema, asked, notice=told.append).pack
    assert len({table.population for table in pack.tables}) == 2
    report = audit([pack], limits=limits_for(5), explain=False)
    assert not report.set_aside
    assert report.passes
    assert told[0].startswith("Protecting ")
