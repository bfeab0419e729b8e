"""A private pack carries its ledger, and nobody's ledger is believed before it is read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from synthgen.errors import StatisticsError
from synthgen.statistics.ledger import (
    FORMAT,
    LEDGER,
    Ledger,
    LedgerEntry,
    ledger_json,
    ledger_of,
    read_ledger,
)
from synthgen.statistics.locate import pack_folder
from synthgen.statistics.read import read_pack
from synthgen.statistics.write import write_pack

MADE = Ledger(
    format=FORMAT,
    unit="patient",
    neighbours="add or remove one patient",
    rows_per_unit={"patient": 1, "tumour": 2},
    epsilon=1.0,
    delta=1e-6,
    rho=0.0175,
    accounting="Bun & Steinke 2016",
    public=("the domains of the schema",),
    noise="opendp 0.16.0",
    entries=(
        LedgerEntry("select", "sex,entity", "exponential", 1.0, 20.0, 0.00125),
        LedgerEntry("measure", "sex,entity", "discrete_gaussian", 2**0.5, 8.0, 0.015625),
    ),
)


def _document(**changed):
    return {**json.loads(ledger_json(MADE)), **changed}


def test_a_ledger_reads_back_equal_and_is_one_entry_a_line():
    text = ledger_json(MADE)
    assert ledger_of(json.loads(text), "here") == MADE
    assert sum('"mechanism"' in line for line in text.splitlines()) == len(MADE.entries)


def test_a_pack_keeps_its_ledger_and_names_its_hash(tmp_path):
    pack = replace(read_pack(pack_folder("kr-demo")), ledger=MADE)
    write_pack(pack, tmp_path / "pack")
    assert read_pack(tmp_path / "pack").ledger == MADE
    descriptor = json.loads((tmp_path / "pack" / "datapackage.json").read_text("utf-8"))
    assert descriptor["x-synthgen"]["ledger"]["path"] == LEDGER


def test_a_pack_without_a_ledger_has_none(tmp_path):
    write_pack(read_pack(pack_folder("kr-demo")), tmp_path / "pack")
    assert read_pack(tmp_path / "pack").ledger is None
    assert not (tmp_path / "pack" / LEDGER).exists()


def test_a_ledger_changed_after_the_pack_was_written_is_refused(tmp_path):
    write_pack(replace(read_pack(pack_folder("kr-demo")), ledger=MADE), tmp_path / "pack")
    path = tmp_path / "pack" / LEDGER
    path.write_text(path.read_text("utf-8").replace('"epsilon": 1.0', '"epsilon": 0.5'), "utf-8")
    with pytest.raises(StatisticsError, match="was changed after the pack was written"):
        read_pack(tmp_path / "pack")


def test_a_ledger_that_the_pack_does_not_name_is_refused(tmp_path):
    write_pack(read_pack(pack_folder("kr-demo")), tmp_path / "pack")
    (tmp_path / "pack" / LEDGER).write_text(ledger_json(MADE), "utf-8")
    with pytest.raises(StatisticsError, match="does not name it"):
        read_pack(tmp_path / "pack")


@pytest.mark.parametrize(
    "changed",
    [
        {"format": "ledger/9"},
        {"epsilon": 0},
        {"epsilon": "1"},
        {"delta": 1},
        {"rho": -1},
        {"unit": "a\nb"},
        {"entries": []},
        {"more": 1},
        {"rows_per_unit": {"patient": 0}},
        {"entries": [{**_document()["entries"][0], "mechanism": "laplace"}]},
        {"entries": [{**_document()["entries"][0], "scale": 0}]},
    ],
)
def test_a_bad_ledger_is_one_line(changed):
    with pytest.raises(StatisticsError) as caught:
        ledger_of(_document(**changed), "pack/ledger.json")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("pack/ledger.json: ")


def test_a_missing_ledger_file_is_one_line(tmp_path):
    with pytest.raises(StatisticsError, match="is not a file"):
        read_ledger(tmp_path / LEDGER)
