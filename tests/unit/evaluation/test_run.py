"""A measure that crashes is a finding that does not pass; nothing it says gets out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.errors import RecordsError, UsageError
from synthgen.evaluation.measures import MEASURES, Measure, table_of
from synthgen.evaluation.run import brief_warning, measure_generator, run_measures
from synthgen.findings import (
    CRASHED,
    MISSING_INPUT,
    NO_RECORDS,
    Finding,
    Inputs,
    Subjects,
    not_testable,
)
from synthgen.messages import LANGUAGES, catalogue

CANARY = "CANARY-4711"


def inputs(**changes):
    few = Subjects(pd.DataFrame({"sex": [CANARY, "2"]}), ("sex",), ())
    said = {
        "schema": "s",
        "cohort": {"patient": few.frame},
        "synthetic": few,
        "train": few,
        "control": few,
        "pack": None,
        "model": None,
        "population": None,
        "refit": None,
        "keys": (),
        "secrets": (),
        "strata": (),
        "k_min": 5,
    }
    return Inputs(**said | changes)


def measure(run, needs=(), name="probe", family="C"):
    return Measure(name, family, frozenset(needs), run)


def finds(number):
    return [Finding("probe", "C", "", number, number, number, 2, None)]


def fails(error):
    def run(_given, _rng):
        raise error

    return run


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"bad value {CANARY}"),
        KeyError(CANARY),
        ZeroDivisionError(CANARY),
        MemoryError(CANARY),
        RecordsError(CANARY),
        np.linalg.LinAlgError(CANARY),
        RecursionError(CANARY),
    ],
)
def test_a_crash_is_not_testable_and_its_words_are_not_kept(error):
    (found,) = run_measures([measure(fails(error))], inputs(), seed=1)
    assert (found.reason, found.estimate) == (CRASHED, None)
    assert found.detail["error"] == type(error).__name__
    assert CANARY not in str(found.as_json())


def test_ctrl_c_is_no_finding():
    with pytest.raises(KeyboardInterrupt):
        run_measures([measure(fails(KeyboardInterrupt()))], inputs(), seed=1)


@pytest.mark.parametrize(
    "returned",
    [
        [],
        None,
        [1],
        [Finding("other", "C", "", 0.0, 0.0, 0.0, 1, None)],
        [Finding("probe", "U", "", 0.0, 0.0, 0.0, 1, None)],
    ],
)
def test_what_is_no_finding_of_its_own_is_a_crash(returned):
    (found,) = run_measures([measure(lambda _given, _rng: returned)], inputs(), seed=1)
    assert (found.measure, found.reason) == ("probe", CRASHED)


def test_a_measure_that_makes_an_impossible_finding_has_crashed():
    (found,) = run_measures([measure(lambda _given, _rng: finds(float("nan")))], inputs(), seed=1)
    assert found.reason == CRASHED


def test_one_crash_does_not_stop_the_others():
    good = measure(lambda _given, _rng: [not_testable("good", "C", CRASHED)], name="good")
    found = run_measures([measure(fails(ValueError())), good], inputs(), seed=1)
    assert [one.measure for one in found] == ["probe", "good"]


def test_a_missing_input_is_named():
    def never(_given, _rng):
        raise AssertionError

    (found,) = run_measures([measure(never, {"pack", "train"})], inputs(), seed=1)
    assert (found.reason, found.detail["missing"]) == (MISSING_INPUT, ["pack"])


@pytest.mark.parametrize(
    ("needs", "without_records", "reason"),
    [
        ({"train", "control"}, True, NO_RECORDS),
        ({"train", "control"}, False, MISSING_INPUT),
        ({"train", "population"}, True, MISSING_INPUT),
        ({"refit", "train"}, True, NO_RECORDS),
    ],
)
def test_only_where_no_record_went_in_it_is_no_fault_that_there_are_none(
    needs, without_records, reason
):
    given = inputs(train=None, control=None)
    found = run_measures(
        [measure(fails(ValueError()), needs)], given, seed=1, without_records=without_records
    )
    assert found[0].reason == reason


def test_a_measure_draws_from_its_own_stream_whatever_runs_beside_it():
    def draw(name):
        def run(_given, rng):
            x = float(rng.random())
            return [Finding(name, "C", "", x, x, x, 1, None)]

        return measure(run, name=name)

    alone = run_measures([draw("b")], inputs(), seed=4)
    among = run_measures([draw("a"), draw("b"), draw("c")], inputs(), seed=4)
    assert alone[0] == among[1]
    assert len({one.estimate for one in among}) == 3
    assert measure_generator(4, "b").random() != measure_generator(5, "b").random()


def test_workers_change_nothing(people, rare_cancer):
    from synthgen.evaluation.subjects import subjects_of

    named = ["proximity", "linkability", "rare_values", "familiar_distances"]
    parts = [subjects_of(people(80, seed), rare_cancer) for seed in (1, 2, 3)]
    given = inputs(
        schema=rare_cancer,
        synthetic=parts[0],
        train=parts[1],
        control=parts[2],
        secrets=("seer_stage",),
        keys=(("sex", "age_at_diagnosis"),),
    )
    chosen = [MEASURES[name] for name in named]
    one, three = (run_measures(chosen, given, seed=7, jobs=jobs) for jobs in (1, 3))
    assert one == three
    assert any(found.is_measured for found in one)


@pytest.mark.parametrize(("seed", "jobs"), [(-1, 1), (1, 0)])
def test_a_negative_seed_or_no_worker_is_refused(seed, jobs):
    with pytest.raises(UsageError):
        run_measures([], inputs(), seed=seed, jobs=jobs)


def test_a_warning_is_shown_without_its_words(capsys):
    brief_warning(f"category {CANARY} unknown", UserWarning, "/somewhere/encoders.py", 12)
    assert capsys.readouterr().err == "Warning: UserWarning at encoders.py:12\n"


def test_a_measure_stands_once_in_the_table():
    one = measure(fails(ValueError()))
    with pytest.raises(ValueError, match="stands twice"):
        table_of([one, one])
    for wrong in ({"family": "X"}, {"needs": {"internet"}}):
        with pytest.raises(ValueError, match="unknown"):
            measure(fails(ValueError()), **wrong)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("text", ["title", "tried", "means", "todo"])
def test_every_measure_explains_itself(name, text, language):
    assert f"measure.{name}.{text}" in catalogue(language)
