"""Bad records: one line, exit code 13, nothing written, and no value of a record anywhere."""

import logging

import numpy as np
import pandas as pd
import pytest

from synthgen.enclave.records import FEWEST, open_records
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import RecordsError

EXACT = Settings(unprotected=True, bins_from_data=True)
CANARY = "KANARIENVOGEL"


def spoilt(operations, change):
    made = operations().astype(object)
    change(made)
    return made


def put(column, value, rows=slice(0, 3)):
    def change(frame):
        frame.iloc[rows, frame.columns.get_loc(column)] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("status", CANARY), "operation.status column.code (3 rows)"),
        (put("age", 200), "operation.age column.range (3 rows)"),
        (put("surgery_date", "1999-01-01"), "operation SURGERY-BEFORE-BIOPSY (3 rows)"),
        (put("biopsy_date", CANARY), "operation.biopsy_date column.type (3 rows)"),
        (put("operation_no", "OP0001"), "operation.operation_no key.unique"),
        (put("relapse", "dead_without", slice(None)), "IMPLIES-operation.relapse"),
        (put("age", None), "operation.age column.missing (3 rows)"),
    ],
    ids=["code", "range", "order", "type", "key", "implied", "missing"],
)
def test_broken_records_are_refused_by_rule_and_count(tmp_path, operations, schema, change, said):
    made = spoilt(operations, change)
    made.to_csv(tmp_path / "operation.csv", index=False, date_format="%Y-%m-%d")
    with pytest.raises(RecordsError) as raised:
        tabulate(tmp_path, schema, EXACT)
    line = str(raised.value)
    assert said in line
    assert CANARY not in line
    assert "\n" not in line


def test_dates_in_the_future_are_refused(operations, schema):
    from datetime import date

    with (
        pytest.raises(RecordsError, match=r"^operation.biopsy_date: lies in the future"),
        open_records({"operation": operations()}, schema, as_of=date(2015, 1, 2)),
    ):
        pass


def test_unknown_columns_are_refused_by_their_position(operations, schema):
    made = operations().assign(**{CANARY: 1})
    with pytest.raises(
        RecordsError, match=r"^operation: column 12 of the records is none"
    ) as raised:
        tabulate({"operation": made}, schema, EXACT)
    assert CANARY not in str(raised.value)


def test_three_records_are_too_few(operations, schema):
    with pytest.raises(RecordsError, match=rf"holds 3 records; at least {FEWEST} are needed"):
        tabulate({"operation": operations().head(3)}, schema, EXACT)


def test_a_header_of_three_lines_is_refused_without_its_words(tmp_path, operations, schema):
    text = operations().to_csv(index=False, date_format="%Y-%m-%d")
    (tmp_path / "operation.csv").write_text(f"{CANARY};2024\nunits;{CANARY}\n{text}")
    with pytest.raises(RecordsError) as raised:
        tabulate(tmp_path, schema, EXACT)
    assert CANARY not in str(raised.value)


def test_mixed_encodings_are_refused_without_their_words(tmp_path, operations, schema):
    text = operations().to_csv(index=False, date_format="%Y-%m-%d").replace("local", CANARY, 1)
    raw = (
        text.encode() + "OP9999,50,2015-01-01,2015-01-02,50,\ud55c,R0,1.0,alive,1.0,none\n".encode()
    )
    (tmp_path / "operation.csv").write_bytes(raw + "한글".encode("cp949") + b"\n")
    with pytest.raises(RecordsError) as raised:
        tabulate(tmp_path, schema, EXACT)
    assert CANARY not in str(raised.value)


def test_records_of_which_nothing_varies_are_refused(schema, operations):
    made = pd.concat([operations().head(1)] * 20, ignore_index=True)
    made["operation_no"] = [f"OP{i:04d}" for i in range(20)]
    with pytest.raises(RecordsError, match="one category only"):
        tabulate({"operation": made}, schema, EXACT)


def test_values_beyond_the_bins_are_counted_not_shown(schema, operations):
    from dataclasses import replace

    size = schema.variable("size_group")
    narrow = replace(
        schema,
        variables=tuple(
            replace(size, categories=size.categories[:2]) if v is size else v
            for v in schema.variables
        ),
    )
    with pytest.raises(
        RecordsError, match=r"^operation.size_mm: has values in no category of size"
    ):
        tabulate({"operation": operations()}, narrow, EXACT)


def test_a_folder_that_is_not_there_is_one_line(tmp_path, schema):
    with pytest.raises(RecordsError, match="is neither a file nor a folder"):
        tabulate(tmp_path / "nowhere", schema, EXACT)


def test_planted_values_appear_in_no_message_and_no_log(
    tmp_path, operations, schema, caplog, capfd
):
    """Each column in turn holds a canary in every row; whatever happens, nobody hears it."""
    caplog.set_level(logging.DEBUG)
    for number, column in enumerate(operations().columns):
        made = operations().astype(object)
        canary = f"{CANARY}{number}"
        made[column] = np.where(np.arange(len(made)) % 2 == 0, canary, made[column])
        folder = tmp_path / str(number)
        folder.mkdir()
        made.to_csv(folder / "operation.csv", index=False, date_format="%Y-%m-%d")
        with pytest.raises(RecordsError) as raised:
            tabulate(folder, schema, EXACT)
        assert CANARY not in str(raised.value)
        assert raised.value.__cause__ is None
    heard = capfd.readouterr()
    assert CANARY not in heard.out + heard.err + caplog.text
