"""A model of records, fitted again to some of them for the refit audit."""

from dataclasses import replace

import numpy as np
import pytest

from synthgen.enclave.engines import Request, own_engine
from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import RecordsError
from synthgen.evaluation.refitting import (
    ENOUGH,
    FAILED,
    FEW,
    OTHER,
    audited,
    linked,
    refit_of,
    settings_of,
)
from synthgen.evaluation.subjects import record_tables, subjects_of
from synthgen.findings import Inputs, Subjects

PATIENTS = 100


@pytest.fixture(scope="module")
def records(tmp_path_factory, operations, visits, write_csv, schema):
    made = operations(PATIENTS, 7)
    source = write_csv(
        tmp_path_factory.mktemp("records"), {"operation": made, "visit": visits(made)}
    )
    return record_tables(source, schema)


@pytest.fixture(scope="module")
def model(tmp_path_factory, records, schema):
    return own_engine(records, schema, tmp_path_factory.mktemp("m") / "model", Request())


@pytest.fixture(scope="module")
def refit(model, schema, records):
    return refit_of(model, schema, records, None, subjects_of(records, schema).columns)


def inputs_with(refit, records, schema, cohort):
    train = subjects_of(records, schema)
    return Inputs(
        schema=schema,
        cohort=cohort,
        synthetic=subjects_of(cohort, schema),
        train=train,
        control=None,
        pack=None,
        model=None,
        population=None,
        refit=refit,
        keys=(),
        secrets=(),
        strata=(),
        k_min=5,
    )


def test_fitting_all_records_gives_the_model_and_its_patients(model, refit):
    assert refit.gives_the_model()
    again = refit.fitted(np.arange(PATIENTS))
    first, second = model.generate(40, seed=3), again.generate(40, seed=3)
    assert all(first.tables[name].equals(second.tables[name]) for name in first.tables)


def test_other_records_do_not_give_the_model(model, schema, records, refit):
    fewer = linked(records, schema, np.arange(PATIENTS - 1))
    other = refit_of(model, schema, fewer, None, refit.columns)
    assert not other.gives_the_model()
    cohort = model.generate(30, seed=1).tables
    (said,) = audited(inputs_with(other, fewer, schema, cohort), np.random.default_rng(1))
    assert (said.reason, said.is_measured) == (OTHER, False)


def test_a_protected_pack_says_how_it_was_protected(model, schema, records):
    plan = Plan((PlannedTable(("grade",)), PlannedTable(("size_group",))))
    asked = Settings(plan, min_cell=7)
    pack = tabulate(records, schema, asked).pack
    own = pack.own_schema
    found = settings_of(replace(model, schema=own, pack=pack))
    assert replace(found, allow_repeated=False, plan=plan) == asked


def test_half_of_the_patients_take_their_rows_with_them(schema, records):
    rows = np.arange(0, PATIENTS, 2)
    half = linked(records, schema, rows)
    inside = set(records["operation"]["operation_no"].iloc[rows])
    assert set(half["operation"]["operation_no"]) == inside
    expected = records["visit"]["operation_no"].isin(inside).sum()
    assert len(half["visit"]) == expected > 0
    assert set(half["visit"]["operation_no"]) <= inside


def test_a_refit_depends_on_its_records_and_its_stream_alone(refit, records, schema):
    people = subjects_of(records, schema)

    def made(rows, seed):
        chosen = Subjects(people.frame.iloc[rows], people.categorical, people.numeric)
        return refit(chosen, 30, np.random.default_rng(seed)).frame

    first = made(np.arange(50), 1)
    assert len(first) == 30
    assert first.equals(made(np.arange(50), 1))
    assert not first.equals(made(np.arange(50), 2))
    assert not first.equals(made(np.arange(50, 100), 1))


def test_too_few_refits_are_measured_and_cannot_pass(schema, records):
    said = []

    def copy(chosen, *_):
        return chosen

    found = audited(
        inputs_with(copy, records, schema, records),
        np.random.default_rng(1),
        refits=32,
        enough=256,
        progress=lambda *now: said.append(now),
    )
    assert [now[:2] for now in said] == [(done, 32) for done in range(1, 33)]
    assert [f.part for f in found][:2] == ["everybody", "outliers"]
    assert found[0].is_measured and found[0].detail["refits"] == 32
    assert (found[-1].part, found[-1].reason) == (ENOUGH, FEW)


def test_a_refit_that_fails_is_not_testable_and_says_nothing_of_records(schema, records):
    canary = "CANARY4711"

    def broken(*_):
        raise RecordsError(f"somebody is {canary}")

    (said,) = audited(
        inputs_with(broken, records, schema, records), np.random.default_rng(1), refits=32
    )
    assert (said.reason, said.is_measured) == (FAILED, False)
    assert canary not in str(said.as_json())


def test_the_schema_that_a_model_brings_along_is_enough_to_fit_it_again(model, schema, records):
    """Bins and rules that were made of all records are left out: a half must not know of the other."""
    assert any(v.bins_from == "records" for v in model.schema.variables)
    people = subjects_of(records, model.schema)
    again = refit_of(model, model.schema, records, None, people.columns)
    assert not any(v.bins_from == "records" for v in again.schema.variables)
    assert {rule.id for rule in again.schema.rules} == {rule.id for rule in schema.rules}
    assert again.gives_the_model()
    given = refit_of(model, schema, records, None, people.columns)
    half = Subjects(people.frame.iloc[:50], people.categorical, people.numeric)
    frames = [one(half, 30, np.random.default_rng(1)).frame for one in (again, given)]
    assert frames[0].equals(frames[1])


def test_only_a_model_of_records_is_refitted(model, schema, records):
    assert refit_of(None, schema, records, None, ()) is None
    assert refit_of(model, schema, None, None, ()) is None
    assert refit_of(model, None, records, None, ()) is None
    public = replace(model, pack=replace(model.pack, origin="public-statistics"))
    assert refit_of(public, schema, records, None, ()) is None
