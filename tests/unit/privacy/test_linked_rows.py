"""Copies in linked tables are found, whose patients look like nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.decide import Verdict, decide
from synthgen.evaluation.inputs import Given, inputs_of
from synthgen.evaluation.policy import read_policy
from synthgen.evaluation.target import COHORT, Target
from synthgen.findings import Inputs, Subjects
from synthgen.privacy.k_map import KEY_UNIQUENESS, key_uniqueness
from synthgen.privacy.linked_rows import linked_rows
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer@1.1.0")
Tables = Mapping[str, pd.DataFrame]


def people(n: int, seed: int, *, days: int = 4000) -> dict[str, pd.DataFrame]:
    """Patients with one tumour each, a line of treatment and three drugs."""
    rng = np.random.default_rng(seed)
    name = np.array([f"P{seed}{i:05d}" for i in range(n)], dtype=object)
    tumour = np.array([f"{one}T1" for one in name], dtype=object)
    line = np.array([f"{one}L1" for one in tumour], dtype=object)
    start = np.datetime64("2010-01-01") + rng.integers(0, days, 3 * n)
    return {
        "patient": pd.DataFrame({"patient_id": name, "sex": rng.choice(["1", "2"], n)}),
        "tumour": pd.DataFrame({"tumour_id": tumour, "patient_id": name}),
        "treatment_line": pd.DataFrame({"line_id": line, "tumour_id": tumour}),
        "drug_exposure": pd.DataFrame(
            {
                "drug_id": np.arange(3 * n).astype(str).astype(object),
                "line_id": np.repeat(line, 3),
                "start_date": start.astype("datetime64[s]"),
                "dose": pd.array(rng.integers(1, 99, 3 * n) / 10, dtype="Float64"),
            }
        ),
    }


def found(train: Tables, control: Tables, release: Tables):
    nobody = Subjects(pd.DataFrame(), (), ())
    nothing = (None,) * 6
    inputs = Inputs(
        SCHEMA, release, nobody, *nothing, (), (), (), 11, {"train": train, "control": control}
    )
    return linked_rows(inputs, KEY_UNIQUENESS)


def with_copies(release: Tables, train: Tables, copied: int) -> dict[str, pd.DataFrame]:
    """A release whose patients are strangers; so many drugs of members hang on their lines."""
    drugs, lines = train["drug_exposure"].head(copied).copy(), release["treatment_line"]["line_id"]
    drugs["line_id"] = lines.to_numpy()[np.arange(len(drugs)) % len(lines)]
    whole = pd.concat([release["drug_exposure"], drugs], ignore_index=True)
    return {**release, "drug_exposure": whole}


@pytest.fixture
def three() -> tuple[Tables, Tables, Tables]:
    return people(300, 1), people(300, 2), people(300, 3)


def test_rows_of_members_under_other_patients_are_refused_by_the_public_policy(three):
    train, control, release = three
    (finding,) = (f for f in found(train, control, with_copies(release, train, 90)) if f.upper)
    assert finding.part == "rows of drug_exposure"
    assert 20 <= finding.lower <= finding.estimate <= finding.upper <= 32
    policy = read_policy("public")
    rules = tuple(rule for rule in policy.measures if rule.measure == KEY_UNIQUENESS)
    assert decide([finding], replace(policy, measures=rules)).verdict is Verdict.FAIL


def test_a_copy_does_not_pass_because_training_and_control_records_were_swapped(three):
    train, control, release = three
    (finding,) = (f for f in found(control, train, with_copies(release, train, 90)) if f.upper)
    assert finding.lower > 10


def test_an_honest_release_repeats_nobody(three):
    assert all(f.upper == 0 for f in found(*three))


def test_short_rows_that_coincide_for_others_as_often_say_nothing():
    alike = [people(300, seed, days=400) for seed in (1, 2, 3)]
    assert all(f.upper == 0 for f in found(*alike))


def test_a_second_tumour_is_looked_at_whoever_has_it(three):
    train, control, release = ({**tables} for tables in three)
    rng = np.random.default_rng(5)
    for tables in (train, control, release):
        second = tables["tumour"].assign(tumour_id=lambda f: f["tumour_id"] + "b")
        both = pd.concat([tables["tumour"], second], ignore_index=True)
        day = np.datetime64("2010-01-01") + rng.integers(0, 10**5, len(both))
        tables["tumour"] = both.assign(diagnosis_date=day.astype("datetime64[s]"))
    copied = train["tumour"]["diagnosis_date"].to_numpy()[300:]
    kept = release["tumour"]["diagnosis_date"].to_numpy()[:300]
    release["tumour"]["diagnosis_date"] = np.concatenate([kept, copied])
    (finding,) = (f for f in found(train, control, release) if f.part == "rows of tumour")
    assert finding.lower > 250


def test_the_battery_asks_of_linked_tables_what_stands_in_the_records(three, tmp_path):
    train, control, release = three
    copied = with_copies(release, train, 90)
    target = Target(COHORT, "made", tmp_path, "0" * 64, "enclave", SCHEMA, copied, None, None)
    policy = replace(read_policy("public"), keys=(), secrets=(), strata=())
    inputs = inputs_of(target, Given(train, control), policy)
    findings = key_uniqueness(inputs, np.random.default_rng(1))
    assert any(f.part == "rows of drug_exposure" and f.lower > 20 for f in findings if f.lower)
