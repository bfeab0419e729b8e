"""M2: planted bugs are proven, and the claim of an honest mechanism never is contradicted."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest
from scipy.stats import beta

from synthgen.enclave.private.noise import OpenDPNoise
from synthgen.findings import Inputs, Subjects
from synthgen.privacy.accounting import cost, epsilon_of
from synthgen.privacy.controls.private_tables import (
    DELTA,
    EPSILON,
    FAULTS,
    PrivateTables,
    discrete_gaussian,
    private_schema,
)
from synthgen.privacy.controls.truth import patients
from synthgen.privacy.distinguishing import (
    lower_bound,
    most_provable,
    proven_epsilon,
    thresholds_for,
    upper_bound,
)
from synthgen.privacy.distinguishing_audit import (
    NO_DP_EXTRA,
    NOISE,
    SELECTION,
    TOGETHER,
    WHOLE,
    audits_of,
    distinguishing_audit,
)
from synthgen.privacy.private_mechanisms import audit_of_gaussian, audit_of_selection
from synthgen.privacy.tabulation_audit import (
    Recorder,
    audit_of_tabulation,
    tabulated,
)
from synthgen.statistics.ledger import LedgerEntry

N = 20_000


class SeededNoise:
    """Noise of the right distribution from a seed, so that a test can be repeated."""

    name = "seeded"

    def __init__(self, seed=0, share=1.0):
        self.rng = np.random.default_rng(seed)
        self.share = share  # of the noise that was asked for

    def gaussian(self, counts, sigma, sensitivity):
        drawn = discrete_gaussian(self.share * sigma, counts.size, self.rng)
        return counts + drawn.astype(np.int64).reshape(counts.shape), cost(sensitivity, sigma)

    def best(self, scores, scale, sensitivity):
        noisy = np.asarray(scores) + self.rng.gumbel(scale=self.share * scale, size=len(scores))
        return int(np.argmax(noisy)), cost(sensitivity, scale)

    def repeated(self, sigma, n):
        return self.gaussian(np.zeros(n, dtype=np.int64), sigma, 1.0)[0]

    def choices(self, scores, scale, n, seconds):
        assert seconds > 0
        return [self.best(scores, scale, 1)[0] for _ in range(n)]


def draw(seed, share=1.0):
    rng = np.random.default_rng(seed)
    return lambda scale, n: discrete_gaussian(share * scale, n, rng)


def scale_of(epsilon, delta=DELTA):
    low, high = 0.01, 1e5
    for _ in range(100):
        middle = math.sqrt(low * high)
        low, high = (
            (middle, high) if epsilon_of(cost(1, middle), delta) > epsilon else (low, middle)
        )
    return high


def inputs_of(pack):
    import pandas as pd

    empty = Subjects(pd.DataFrame(), (), ())
    schema = private_schema()
    return Inputs(schema, {}, empty, None, None, pack, None, None, None, (), (), (), 11)


@pytest.mark.parametrize("hits", [0, 1, 17, 500, 999, 1000])
def test_the_bounds_are_those_of_clopper_and_pearson(hits):
    lower = float(lower_bound(hits, 1000, 1e-6))
    upper = float(upper_bound(hits, 1000, 1e-6))
    assert lower == pytest.approx(beta.ppf(1e-6, hits, 1001 - hits) if hits else 0.0)
    assert upper == pytest.approx(beta.isf(1e-6, hits + 1, 1000 - hits) if hits < 1000 else 1.0)
    assert lower <= hits / 1000 <= upper


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0, 3.0, 10.0])
def test_the_claim_of_an_honest_mechanism_is_never_contradicted(epsilon):
    """Each audit is wrong in one of ten million: 40 of them in four of a million."""
    scale = scale_of(epsilon)
    for seed in range(8):
        found = audit_of_gaussian(draw(seed), 1.0, scale, (epsilon, DELTA), N)
        assert found.excess < 0
    assert found.epsilon_proven <= epsilon
    if epsilon >= 1:
        assert found.epsilon_proven > 0  # the audit is awake


@pytest.mark.parametrize(("share", "seen"), [(0.9, False), (0.25, True), (0.1, True)])
def test_noise_that_is_too_small_is_proven_to_be(share, seen):
    found = audit_of_gaussian(draw(1, share), 1.0, scale_of(1.0), (1.0, DELTA), 100_000)
    assert (found.excess > 0) is seen


@pytest.mark.parametrize(("share", "seen"), [(1.0, False), (0.2, True)])
def test_a_selection_is_audited_as_noise_is(share, seen):
    noise = SeededNoise(3, share)
    scale = scale_of(2.0)

    def choose(scores, asked, n):
        return noise.choices(scores, asked, n, math.inf)

    found = audit_of_selection(choose, 1.0, scale, (0.5, DELTA), 4000)
    assert (found.excess > 0) is seen


def test_a_mechanism_that_gives_everything_away_is_proven_up_to_the_ceiling():
    nothing, everything = np.full(N, -np.inf), np.full(N, np.inf)
    proven = proven_epsilon(nothing, everything, DELTA, thresholds_for(1.0))
    assert proven == pytest.approx(most_provable(N, DELTA, len(thresholds_for(1.0))))
    assert proven > 6


def test_nothing_is_proven_of_nothing():
    assert proven_epsilon([], [], DELTA, thresholds_for(1.0)) == 0.0
    alike = np.random.default_rng(0).standard_normal(N)
    assert proven_epsilon(alike, alike, DELTA, thresholds_for(3.0)) == 0.0
    assert proven_epsilon(np.full(N, np.nan), np.full(N, np.nan), 0.0, thresholds_for(1.0)) == 0.0


def test_delta_is_taken_off_what_is_proven():
    """A mechanism that is silent but for 1 in 100 runs, where it tells all: (0, 0.01)-private."""
    nothing, leak = np.zeros(N), np.zeros(N)
    leak[: N // 100] = np.inf
    assert proven_epsilon(nothing, leak, 0.0, thresholds_for(1.0)) > 1
    assert proven_epsilon(nothing, leak, 0.02, thresholds_for(1.0)) == 0.0


def test_private_tables_made_as_they_should_be_keep_their_claim():
    for seed in range(5):
        found = PrivateTables().audit(np.random.default_rng(seed), runs=4000)
        assert found.excess < 0
        assert (found.epsilon, found.delta) == (EPSILON, DELTA)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_private_tables_is_proven(fault):
    found = PrivateTables(fault=fault).audit(np.random.default_rng(1))
    assert found.excess > 0.3


def test_every_mechanism_of_a_ledger_is_tried():
    from dataclasses import replace

    ledger = PrivateTables().ledger()
    chosen = LedgerEntry("select", "", "exponential", 1.0, 50.0, cost(1.0, 50.0))
    ledger = replace(ledger, entries=(*ledger.entries, chosen))
    honest = audits_of(ledger, SeededNoise(1), draws=N, selections=1000)
    assert [part for part, _ in honest] == [NOISE, SELECTION, TOGETHER]
    assert all(found.excess < 0 for _, found in honest)
    wrong = dict(audits_of(ledger, SeededNoise(1, 0.04), draws=4 * N, selections=1000))
    assert wrong[NOISE].excess > 0
    assert wrong[TOGETHER].excess > 0


def test_the_tabulation_keeps_its_claim():
    found = audit_of_tabulation(SeededNoise(5), draws=N)
    assert found.excess < 0
    assert found.epsilon_proven > 0.1


def test_the_recorder_sees_one_person_change_each_answer_by_one_at_most():
    """The person has nine visits and codes of their own: one row of each table is counted."""
    asked = []
    for with_person in (False, True):
        recorder = Recorder()
        tabulated(with_person, recorder)
        asked.append(recorder.asked)
    assert len(asked[0]) == len(asked[1]) > 3
    for one, other in zip(*asked, strict=True):
        assert one.sigma == other.sigma
        assert np.linalg.norm(other.counts - one.counts) == pytest.approx(1.0)


def with_bug(bug):
    """The tabulation with a bug between its counts and its noise."""

    def tabulate(with_person, noise):
        recorder = Recorder()
        tabulated(with_person, recorder)
        for question in recorder.asked:
            counts, sigma = question.counts, question.sigma
            if bug == "not divided":
                sigma /= math.sqrt(len(recorder.asked)) * 3
            if bug == "domain":
                counts = counts[counts > 0]
            if bug == "unbounded" and with_person:
                counts = np.where(counts == 1, 9.0, counts)
            noise.gaussian(counts.astype(np.int64), sigma, 1.0)

    return tabulate


@pytest.mark.parametrize("bug", ["not divided", "domain", "unbounded"])
def test_a_bug_planted_in_the_tabulation_is_proven(bug):
    found = audit_of_tabulation(SeededNoise(6), with_bug(bug), draws=N)
    assert found.excess > 0
    assert audit_of_tabulation(SeededNoise(6), with_bug(""), draws=N).excess < 0


def test_noise_of_the_library_is_tried_as_it_is():
    pytest.importorskip("opendp", reason="needs the extra dp")
    noise = OpenDPNoise()
    ledger = PrivateTables((("sex",),)).ledger()
    ((part, found),) = audits_of(ledger, noise, draws=5000)
    assert part == NOISE
    assert found.excess < 0


@pytest.mark.parametrize(("share", "seen"), [(1.0, False), (0.1, True)])
def test_a_bug_between_synthgen_and_the_library_is_proven(monkeypatch, share, seen):
    """Noise and selections that are tried are of the mechanisms that tabulations publish."""
    pytest.importorskip("opendp", reason="needs the extra dp")
    noise = OpenDPNoise()
    counting, choosing = noise._counting, noise._choosing
    monkeypatch.setattr(noise, "_counting", lambda sigma: counting(share * sigma))
    monkeypatch.setattr(noise, "_choosing", lambda scale: choosing(share * scale))
    assert noise.gaussian(np.array([5]), 1e-3, 1e-3)[0].tolist() == [5]
    assert noise.best([0, 9], 1e-3, 1)[0] == 1
    from dataclasses import replace

    ledger = PrivateTables((("sex",),)).ledger()
    chosen = LedgerEntry("select", "", "exponential", 1.0, 4.0, cost(1.0, 4.0))
    found = dict(audits_of(replace(ledger, entries=(*ledger.entries, chosen)), noise, 5000, 2000))
    assert {part: one.excess > 0 for part, one in found.items()} == {NOISE: seen, SELECTION: seen}


def test_the_library_selects_many_times_as_it_does_once():
    """Gumbel noise of scale s chooses the larger of two with probability 1 / (1 + exp(-d / s))."""
    pytest.importorskip("opendp", reason="needs the extra dp")
    noise = OpenDPNoise()
    many = noise.choices([0, 1000], 1000.0, 1000, math.inf)
    assert len(many) == 1000
    expected = 1.0 / (1.0 + math.exp(-1.0))
    assert abs(np.mean(many) - expected) < 6 * math.sqrt(expected * (1 - expected) / 1000)
    assert noise.choices([0, 1000], 1000.0, 1000, 0.0) == []


def test_the_measure_says_what_it_tried(monkeypatch):
    import synthgen.privacy.distinguishing_audit as room

    monkeypatch.setattr(room, "OpenDPNoise", SeededNoise)
    monkeypatch.setattr(room, "audits_of", lambda a, b: audits_of(a, b, 2000, 200))
    people = patients(40, np.random.default_rng(1))
    pack = PrivateTables((("sex",), ("stage",))).pack(people, np.random.default_rng(1))
    found = distinguishing_audit(inputs_of(pack), np.random.default_rng(0))
    assert [one.part for one in found] == [NOISE, TOGETHER, WHOLE]
    assert all(one.is_exact and one.estimate < 0 and one.n > 0 for one in found)
    assert all(one.detail["noise"] == "seeded" for one in found)


def test_without_the_library_nothing_can_be_tried_and_nothing_passes(monkeypatch):
    real = builtins.__import__
    import importlib

    def missing(name, *args, **kwargs):
        if name.startswith("opendp"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    found_module = importlib.import_module
    monkeypatch.setattr(
        importlib,
        "import_module",
        lambda name, *a: missing(name) if name.startswith("opendp") else found_module(name, *a),
    )
    people = patients(40, np.random.default_rng(1))
    pack = PrivateTables((("sex",),)).pack(people, np.random.default_rng(1))
    (only,) = distinguishing_audit(inputs_of(pack), np.random.default_rng(0))
    assert only.reason == NO_DP_EXTRA
    assert not only.is_measured


def test_where_nothing_is_claimed_nothing_is_tried():
    from dataclasses import replace

    people = patients(40, np.random.default_rng(1))
    pack = PrivateTables((("sex",),)).pack(people, np.random.default_rng(1))
    (only,) = distinguishing_audit(inputs_of(replace(pack, ledger=None)), np.random.default_rng(0))
    assert (only.part, only.estimate) == ("no claim", 0.0)
