"""Columns of a target that stay empty are those that the page names, with the reason that it gives."""

from pathlib import Path

import duckdb
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.exports import export_cohort
from synthgen.exports.read_back import left_empty
from synthgen.exports.targets import targets
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer@1.1.0")
MAPPED = [name for name, target in targets().items() if target.mapping is not None]
FULL = {"kcure-ccld": {"availability": "full"}}
SCRIPT = Path(__file__).resolve().parents[3] / "docs/reference/exports.py"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    model = load_model("kr-rare")
    folder = tmp_path_factory.mktemp("empty") / "cohort"
    settings = settings_for(model, 500, seed=3, clinical="all")
    write_cohort(model, settings, folder, formats=("parquet",))
    return folder


def without_value(db, relation, columns):
    cells = ", ".join(f'count("{c}")' for c in columns)
    counts = db.execute(f"SELECT {cells} FROM {relation}").fetchone()  # noqa: S608
    return {c for c, n in zip(columns, counts, strict=True) if not n}


@pytest.fixture(scope="module")
def unfilled(cohort):
    """Columns of the cohort without any value."""
    with duckdb.connect() as db:
        return {
            f"{table.name}.{column}"
            for table in SCHEMA.tables
            for column in without_value(db, f"'{cohort}/{table.name}.parquet'", table.column_names)
        }


def absent_codes(cohort, mapping):
    """Codes that some part of a mapping asks for and no row of this cohort has."""
    found = set()
    asked = {
        (term["column"], code)
        for table in mapping.tables
        for part in table.parts
        if part.speaks(SCHEMA.version)
        for term, allowed in part.where
        for code in allowed
        if "column" in term and code != "*"
    }
    with duckdb.connect() as db:
        for name, code in sorted(asked):
            table, _, column = name.partition(".")
            there = f"SELECT count(*) FROM '{cohort}/{table}.parquet' WHERE \"{column}\" = ?"  # noqa: S608
            if db.execute(there, [code]).fetchone() == (0,):
                found.add(f"{name}={code}")
    return found


@pytest.mark.parametrize("name", MAPPED)
def test_the_columns_that_stay_empty_are_those_that_are_said_to(cohort, unfilled, tmp_path, name):
    mapping = targets()[name].mapping
    export_cohort(cohort, name, tmp_path / "out", options=FULL.get(name, {}))
    waiting = set(left_empty(mapping, SCHEMA, unfilled | absent_codes(cohort, mapping)))
    with duckdb.connect() as db:
        for table in mapping.tables:
            path = tmp_path / f"out/{table.called(mapping.options)}.csv"
            relation = (
                f"read_csv('{path}', header=true, all_varchar=true, nullstr='', "
                f"delim='{mapping.separator}')"
            )
            empty = without_value(db, relation, [c.name for c in table.columns])
            if not table.parts:
                assert len(empty) == len(table.columns), table.name
                continue
            said = {c.name for c in table.columns if c.empty}
            assert said <= empty, (table.name, said - empty)
            left = {c for c in empty - said if f"{table.name}.{c}" not in waiting}
            assert not left, (table.name, left)


def test_what_the_model_leaves_empty_stands_on_the_page(unfilled, load_script):
    assert unfilled <= set(load_script(SCRIPT).UNFILLED)


def test_a_column_waits_for_its_source_and_not_for_what_others_say():
    rgst = targets()["kcure-rgst"].mapping
    assert left_empty(rgst, SCHEMA, {"patient.occupation_code"}) == {
        "CNCR_RGST.JOBCODE": ("patient.occupation_code",),
        "CNCR_RGST.JOBNAME": ("patient.occupation_code",),
    }
    assert left_empty(rgst, SCHEMA, set()) == {}
    library = targets()["kcure-ccld"].mapping
    assert left_empty(library, SCHEMA, {"measurement.code=39156-5"}) == {
        "DIAG_ANINF.BMI_VL": ("measurement.code=39156-5",)
    }
