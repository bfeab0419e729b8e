"""Checks that an outsider's engine can prove itself with.

An engine is anything callable like :class:`synthgen.enclave.engines.Engine`.  The check brings its
own small schema and its own invented records::

    from synthgen.testing import check_engine

    def test_my_engine(tmp_path):
        check_engine(my_engine, tmp_path)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from synthgen.cohort.fitted_model import FittedModel
from synthgen.enclave.engines import Engine, Request
from synthgen.errors import RecordsError
from synthgen.schema.codes import Code, CodeList
from synthgen.schema.model import (
    Column,
    ColumnType,
    EndPoint,
    Rule,
    Schema,
    Sensitivity,
    Severity,
    Table,
)

__all__ = ["check_engine", "small_records", "small_schema"]

#: A share of 1,000 generated rows may miss that of 600 records by this much: five standard
#: errors of their difference.
SHARE_TOLERANCE = 0.13
#: A value that stands in no valid record, and may stand in no message.
CANARY = "CANARY-4711"


def small_schema() -> Schema:
    """Schema of one table: two codes, a number, two end points in order, an identifier."""

    def codes(name: str, *labels: str) -> CodeList:
        return CodeList(name, name, name, "", tuple(Code(c, c, c) for c in labels))

    yes = codes("yes_no", "0", "1")
    number, code = ColumnType.NUMBER, ColumnType.CODE
    columns = (
        Column("id", ColumnType.STRING, False, "Id", "번호", sensitivity=Sensitivity.IDENTIFIER),
        Column("arm", code, False, "Arm", "군", codes=codes("arm", "a", "b", "c")),
        Column("marker", code, True, "Marker", "표지자", codes=codes("marker", "neg", "pos")),
        Column("size", ColumnType.INTEGER, True, "Size", "크기", minimum=0, maximum=300),
        Column("relapse_time", number, False, "Relapse", "재발", minimum=0),
        Column("relapse", code, False, "Relapse", "재발", codes=yes),
        Column("death_time", number, False, "Death", "사망", minimum=0),
        Column("death", code, False, "Death", "사망", codes=yes),
    )
    points = (
        EndPoint("relapse", "Relapse", "재발", "relapse_time", "relapse", "years", ("1",)),
        EndPoint("death", "Death", "사망", "death_time", "death", "years", ("1",)),
    )
    late = {"patient.relapse_time": 2.0, "patient.death_time": 1.0}
    rule = Rule(
        "RELAPSE-AFTER-DEATH",
        Severity.IMPOSSIBLE,
        "patient.relapse_time > patient.death_time",
        "relapse after the end of follow-up",
        "추적 종료 뒤의 재발",
        "Order of events",
        ({"patient.relapse_time": 1.0, "patient.death_time": 2.0},),
        (late,),
    )
    table = Table("patient", "Patient", "환자", "patient", columns, ("id",), end_points=points)
    lists = {c.codes.name: c.codes for c in columns if c.codes is not None}
    return Schema("engine-check", "1.0.0", "Check", "점검", (table,), lists, (rule,))


def small_records(rows: int = 600, seed: int = 1) -> pd.DataFrame:
    """Invented records of :func:`small_schema`.

    Parameters
    ----------
    rows : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    arm = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    marked = rng.random(rows) < np.where(arm == "c", 0.8, 0.2)
    death_time = rng.exponential(np.where(arm == "c", 2.0, 6.0)).round(3) + 0.001
    relapse = rng.random(rows) < np.where(marked, 0.6, 0.2)
    return pd.DataFrame(
        {
            "id": [f"R{i:05d}" for i in range(rows)],
            "arm": arm,
            "marker": pd.Series(np.where(marked, "pos", "neg")).mask(rng.random(rows) < 0.1),
            "size": np.clip(rng.normal(np.where(marked, 120, 60), 20), 0, 300).astype(int),
            "relapse_time": np.where(
                relapse, (death_time * rng.uniform(0.1, 0.9, rows)).round(3), death_time
            ),
            "relapse": np.where(relapse, "1", "0"),
            "death_time": death_time,
            "death": np.where(rng.random(rows) < 0.7, "1", "0"),
        }
    )


def check_engine(engine: Engine, folder: Path) -> FittedModel:
    """Ask of an engine what every engine must do.

    It must fit invented records and save a model that is marked as one of an enclave; make rows
    of every column in order, from a seed, with shares near those of the records and no relapse
    after death; repeat no identifier; and refuse records that break the schema, in one line
    without their values, writing nothing.

    Parameters
    ----------
    engine : Engine
    folder : Path
        An empty folder.

    Returns
    -------
    FittedModel

    Raises
    ------
    AssertionError
        At the first thing that it does not do.
    """
    schema, records = small_schema(), small_records()
    destination = folder / "model"
    model = engine({"patient": records}, schema, destination, Request(model_id="checked"))
    _require((destination / "model.json").is_file(), "saves a model at its destination")
    _require(model.id == "checked", "calls the model what it was asked to")
    _require(model.origin == "enclave" and model.pack.unprotected, "marks what records went into")
    _check_rows(model, schema, records)
    broken = records.assign(arm=np.where(np.arange(len(records)) == 5, CANARY, records["arm"]))
    try:
        engine({"patient": broken}, schema, folder / "refused", Request())
    except RecordsError as error:
        _require(CANARY not in str(error), "says nothing of the values of records")
        _require("\n" not in str(error), "refuses in one line")
    else:
        raise AssertionError("engine: must refuse records that break their schema")
    _require(not (folder / "refused").exists(), "writes nothing when it refuses")
    return model


def _require(held: bool, what: str) -> None:
    if not held:
        raise AssertionError(f"engine: it must be one that {what}")


def _check_rows(model: FittedModel, schema: Schema, records: pd.DataFrame) -> None:
    made = model.generate(1_000, seed=7)["patient"]
    again = model.generate(1_000, seed=7)["patient"]
    names = list(schema.table("patient").column_names)
    _require(list(made.columns) == names, "makes every column in the order of the schema")
    _require(made.equals(again), "makes the same rows from the same seed")
    _require(not made.equals(model.generate(1_000, seed=8)["patient"]), "listens to the seed")
    _require(made["id"].is_unique, "gives every row an identifier of its own")
    _require(not set(made["id"]) & set(records["id"]), "repeats no identifier of a record")
    _require(bool((made["relapse_time"] <= made["death_time"]).all()), "keeps events in order")
    for column in ("arm", "relapse", "death"):
        for code in records[column].unique():
            gap = abs((made[column] == code).mean() - (records[column] == code).mean())
            _require(gap < SHARE_TOLERANCE, f"keeps the shares of {column}")
    missing = abs(made["marker"].isna().mean() - records["marker"].isna().mean())
    _require(missing < SHARE_TOLERANCE, "keeps what is missing missing")
