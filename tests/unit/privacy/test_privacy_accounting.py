"""M1: a ledger is added up anew, and held against the pack that it is of."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from synthgen.enclave.private.accounting import epsilon_of as own_epsilon_of
from synthgen.findings import Inputs, Subjects
from synthgen.privacy.accounting import cost, cost_of, epsilon_of, epsilon_spent
from synthgen.privacy.controls.private_tables import (
    FALSE_BOOKS,
    NEVER_DRAWN,
    NOT_DIVIDED,
    PrivateTables,
    private_schema,
)
from synthgen.privacy.controls.truth import patients
from synthgen.privacy.ledger_checks import RowsBehind, unpaid_in
from synthgen.privacy.noise_traces import noise_traces, probability_of_zero
from synthgen.privacy.privacy_accounting import (
    CLAIM,
    ENTRIES,
    NO_CLAIM,
    TRACES,
    UNPAID,
    hazards,
    privacy_accounting,
)
from synthgen.statistics.ledger import LedgerEntry
from synthgen.statistics.model import Cell, Protection

SCALES = (0.3, 1.0, 5.0, 50.0, 1000.0)
DELTAS = (1e-3, 1e-6, 1e-12)


@pytest.fixture(scope="module")
def schema():
    return private_schema()


@pytest.fixture(scope="module")
def people():
    return patients(60, np.random.default_rng(7))


@pytest.fixture(scope="module")
def honest(people):
    return PrivateTables().pack(people, np.random.default_rng(8))


def inputs_of(pack, schema):
    import pandas as pd

    empty = Subjects(pd.DataFrame(), (), ())
    return Inputs(schema, {}, empty, None, None, pack, None, None, None, (), (), (), 11)


def found(pack, schema):
    made = privacy_accounting(inputs_of(pack, schema), np.random.default_rng(0))
    assert all(one.is_exact and one.n > 0 for one in made)
    return {one.part: one for one in made}


def faults(pack, schema):
    return {part for part, one in found(pack, schema).items() if one.estimate > 0}


def changed(pack, **changes):
    return replace(pack, ledger=replace(pack.ledger, **changes))


def entry_changed(pack, at, **changes):
    entries = list(pack.ledger.entries)
    entries[at] = replace(entries[at], **changes)
    return changed(pack, entries=tuple(entries))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("delta", DELTAS)
def test_the_cost_of_gaussian_noise_is_that_of_an_independent_accountant(scale, delta):
    dp = pytest.importorskip("opendp.prelude", reason="needs the extra dp")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    noise = dp.m.make_gaussian(*space, scale=scale)
    assert cost(2.0, scale) == pytest.approx(noise.map(2.0), rel=1e-12)
    proven = dp.c.make_zCDP_to_approxDP(noise).map(2.0).epsilon(delta)
    assert epsilon_of(cost(2.0, scale), delta) == pytest.approx(proven, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_the_cost_of_a_selection_is_that_of_an_independent_accountant(scale):
    dp = pytest.importorskip("opendp.prelude", reason="needs the extra dp")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    best = dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=scale)
    assert cost(3.0, scale) == pytest.approx(best.map(3), rel=1e-12)


@pytest.mark.parametrize("rho", [1e-8, 1e-4, 0.02, 0.5, 10.0, 1000.0])
@pytest.mark.parametrize("delta", DELTAS)
def test_two_ways_of_turning_rho_into_epsilon_agree(rho, delta):
    assert epsilon_of(rho, delta) == pytest.approx(own_epsilon_of(rho, delta), rel=1e-6, abs=1e-9)


def test_epsilon_grows_with_the_cost_and_shrinks_with_delta():
    costs = [0.0, 1e-12, 1e-6, 0.01, 1.0, 100.0]
    found = [epsilon_of(rho, 1e-6) for rho in costs]
    assert found == sorted(found)
    assert found[0] == 0.0
    assert epsilon_of(0.1, 1e-9) > epsilon_of(0.1, 1e-6)


def test_a_ledger_without_faults_has_none(honest, schema):
    made = found(honest, schema)
    assert list(made) == [CLAIM, ENTRIES, UNPAID, TRACES]
    assert not faults(honest, schema)
    assert made[CLAIM].detail["epsilon_spent"] == pytest.approx(1.0, rel=1e-6)
    assert made[CLAIM].detail["hazards"]["bins_public"] is True
    assert made[CLAIM].detail["hazards"]["records_locked_away"] is None


def test_what_claims_nothing_is_said_to_claim_nothing(honest, schema):
    plain = replace(
        honest,
        ledger=None,
        tables=tuple(replace(t, kind="counts", protection=Protection()) for t in honest.tables),
    )
    (only,) = privacy_accounting(inputs_of(plain, schema), np.random.default_rng(0))
    assert (only.part, only.estimate, only.n) == (NO_CLAIM, 0.0, len(honest.tables))


def test_noise_without_a_ledger_is_a_fault_of_tables_of_records_only(honest, schema):
    bare = replace(honest, ledger=None)
    assert UNPAID in faults(bare, schema)
    assert list(found(replace(bare, origin="public-statistics"), schema)) == [NO_CLAIM]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda p: changed(p, epsilon=0.5), CLAIM),
        (lambda p: changed(p, epsilon=0.999), CLAIM),
        (lambda p: changed(p, delta=1e-9), CLAIM),
        (lambda p: changed(p, rho=p.ledger.rho / 2), ENTRIES),
        (lambda p: changed(p, rho=p.ledger.rho * 2), ENTRIES),
        (lambda p: entry_changed(p, 3, rho=p.ledger.entries[3].rho / 2), ENTRIES),
        (lambda p: entry_changed(p, 3, rho=math.nan), ENTRIES),
        (lambda p: entry_changed(p, 3, scale=1.0), CLAIM),
        (lambda p: entry_changed(p, 3, scale=1.0), ENTRIES),
        (lambda p: entry_changed(p, 3, scale=100.0), UNPAID),
        (lambda p: entry_changed(p, 3, sensitivity=0.5), UNPAID),
        (lambda p: entry_changed(p, 3, of="sex,region,entity"), UNPAID),
        (lambda p: changed(p, entries=p.ledger.entries[1:]), UNPAID),
        (lambda p: changed(p, rows_per_unit={"patient": 2}), UNPAID),
        (lambda p: changed(p, neighbours="replace one patient"), UNPAID),
    ],
)
def test_a_tampered_ledger_is_found_out(honest, schema, change, part):
    assert part in faults(change(honest), schema)


def table_changed(pack, at, **changes):
    tables = list(pack.tables)
    tables[at] = replace(tables[at], **changes)
    return replace(pack, tables=tuple(tables))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "counts"},
        {"kind": "shares"},
        {"protection": Protection(noise_sd=1000.0)},
        {"protection": Protection(rounded_to=5)},
        {"cells": (Cell({"sex": ("1",)}, 3.0, 3.0, n=60.0),)},
        {"cells": (Cell({"sex": ("1",)}, 3.0, 3.0, ci_lower=1.0),)},
    ],
)
def test_a_table_that_was_not_paid_for_is_found_out(honest, schema, change):
    assert UNPAID in faults(table_changed(honest, 0, **change), schema)


def test_residents_are_nobodys_records(honest, schema):
    assert not unpaid_in(table_changed(honest, 0, kind="population"), schema)


def test_bins_made_from_records_are_unpaid(honest, schema):
    first, *rest = schema.variables
    own = replace(schema, variables=(replace(first, bins_from="records"), *rest))
    pack = replace(honest, own_schema=own)
    assert any("bins of" in fault for fault in unpaid_in(pack, schema))
    assert hazards(pack, schema)["bins_public"] is False


def test_the_rows_of_a_unit_are_those_of_the_tables_that_are_counted(honest, schema):
    pack = changed(honest, rows_per_unit={"patient": 1, "tumour": 5})
    assert RowsBehind(pack, schema)(pack.ledger.entries[0]) == 1
    unknown = LedgerEntry("count", "", "discrete_gaussian", 1.0, 9.0, 1.0)
    assert RowsBehind(pack, schema)(unknown) == 5  # what is not known is taken for the worst


def test_a_budget_that_was_not_divided_is_found_in_the_ledger(people, schema):
    pack = PrivateTables(fault=NOT_DIVIDED).pack(people, np.random.default_rng(1))
    made = found(pack, schema)
    assert made[CLAIM].estimate == pytest.approx(epsilon_spent(pack.ledger) - 1.0)
    assert made[CLAIM].estimate > 4
    assert made[ENTRIES].estimate == len(pack.tables)


@pytest.mark.parametrize("n", [60, 343, 2000])
def test_a_forged_ledger_on_exact_tables_is_given_away_by_the_tables(schema, n):
    people = patients(n, np.random.default_rng(n))
    pack = PrivateTables(fault=NEVER_DRAWN).pack(people, np.random.default_rng(1))
    made = found(pack, schema)
    assert made[TRACES].estimate > 0
    assert not faults(pack, schema) - {TRACES}  # nothing else would have told
    assert any("margins" in said for said in made[TRACES].detail["contradicted"])


def test_too_little_noise_shows_in_the_margins_of_a_small_cohort(people, schema):
    pack = PrivateTables(fault=FALSE_BOOKS).pack(people, np.random.default_rng(1))
    assert faults(pack, schema) == {TRACES}


def test_one_exact_table_alone_with_a_forged_ledger_is_not_found_out(schema):
    """What M1 cannot prove: of large counts in one table nobody can see whether noise is in."""
    people = patients(2000, np.random.default_rng(1))
    pack = PrivateTables((("sex", "stage"),), NEVER_DRAWN).pack(people, np.random.default_rng(1))
    counts = [cell.value for table in pack.tables for cell in table.cells]
    assert min(counts) > 0
    assert not faults(pack, schema)


@pytest.mark.parametrize("axes", [("entity", "region"), ("entity", "region", "stage")])
def test_one_exact_table_of_a_rare_disease_has_too_many_zeros_for_its_ledger(schema, axes):
    people = patients(40, np.random.default_rng(1))
    pack = PrivateTables((axes,), NEVER_DRAWN).pack(people, np.random.default_rng(1))
    (one,) = [one for part, one in found(pack, schema).items() if part == TRACES]
    assert one.estimate > 0
    assert one.detail["tests"] == 2


def test_honest_noise_is_not_called_none():
    """Smallest p-value of honest packs, many margins together: uniform or larger."""
    tables = (("sex", "region"), ("region", "stage"), ("sex", "stage"), ("region",))
    smallest = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pack = PrivateTables(tables).pack(patients(40, rng), rng)
        traces = noise_traces(pack)
        assert {trace.test for trace in traces} == {"zeros", "closeness", "margins"}
        smallest.append(min(trace.p for trace in traces) * len(traces))
    # Of 60 seeds, Bonferroni's bound lets 0.6 be under 0.01; 7 or more: under one in a million.
    assert sum(p < 0.01 for p in smallest) < 7
    assert min(smallest) > 1e-6 / 60


def test_the_probability_of_zero_is_that_of_the_discrete_gaussian():
    for scale in (0.5, 1.0, 7.3, 500.0, 1e6):
        k = np.arange(1, 200_000)
        exact = 1.0 / (1.0 + 2.0 * np.exp(-0.5 * (k / min(scale, 5e3)) ** 2).sum())
        if scale <= 5e3:
            assert probability_of_zero(scale) == pytest.approx(exact, rel=1e-12)
    assert probability_of_zero(1e6) == pytest.approx(1e-6 / math.sqrt(2 * math.pi))


def test_subtotals_and_overlapping_labels_are_no_margins(honest):
    two = replace(honest, tables=(honest.tables[0], honest.tables[7]))
    assert any(trace.test == "margins" for trace in noise_traces(two))
    whole = Cell({}, 60.0, 60.0)
    table = replace(two.tables[0], cells=(*two.tables[0].cells, whole))
    with_total = replace(two, tables=(table, two.tables[1]))
    assert noise_traces(with_total) == noise_traces(two)
    both = Cell({"sex": ("1", "2")}, 60.0, 60.0)
    table = replace(two.tables[0], cells=(*two.tables[0].cells, both))
    overlapping = replace(two, tables=(table, two.tables[1]))
    assert not any(trace.test == "margins" for trace in noise_traces(overlapping))


def test_other_people_or_years_share_no_margin(honest):
    for change in ({"period": "2021"}, {"population": "others"}, {"scope": {"sex": ("1",)}}):
        two = (honest.tables[0], replace(honest.tables[7], **change))
        traces = noise_traces(replace(honest, tables=two))
        assert not any(trace.test == "margins" for trace in traces)


def test_costs_add_up(honest):
    assert cost_of(honest.ledger.entries) == pytest.approx(honest.ledger.rho)


def test_a_long_ledger_is_read_through_once_and_not_once_for_each_table(monkeypatch):
    import synthgen.privacy.ledger_checks as room

    made = honest_pack_of_many_tables()
    asked = []
    read = room.variables_of
    monkeypatch.setattr(room, "variables_of", lambda entry: asked.append(entry) or read(entry))
    assert unpaid_in(made, private_schema()) == []
    assert len(asked) <= 3 * len(made.ledger.entries)


def honest_pack_of_many_tables():
    """Thirty tables of the same counts under names of their own, each with an entry of its own."""
    pack = PrivateTables((("sex",), ("stage",))).pack(
        patients(60, np.random.default_rng(1)), np.random.default_rng(2)
    )
    (first, second), (one, other) = pack.tables, pack.ledger.entries
    tables = [replace(t, name=f"{t.name}_{i}") for i in range(15) for t in (first, second)]
    entries = [replace(e, of=t.name) for t, e in zip(tables, (one, other) * 15, strict=True)]
    entries += [one, other] * 15
    ledger = replace(pack.ledger, entries=tuple(entries))
    return replace(pack, tables=tuple(tables), ledger=ledger)
