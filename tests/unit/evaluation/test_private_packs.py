"""Guarantee G1 from end to end: a private pack passes, a tampered one never does."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from synthgen.enclave.fit import fit_tabulated
from synthgen.errors import StatisticsError, VerificationError
from synthgen.evaluation.claims import claims_of, packs_behind
from synthgen.evaluation.decide import Verdict
from synthgen.evaluation.evaluate import evaluate, evaluate_into
from synthgen.evaluation.inputs import Given
from synthgen.evaluation.policy import Policy, policy_from, read_policy
from synthgen.evaluation.target import load_target
from synthgen.privacy import distinguishing_audit as room
from synthgen.privacy.controls.private_tables import (
    FALSE_BOOKS,
    NEVER_DRAWN,
    NOT_DIVIDED,
    PrivateTables,
    discrete_gaussian,
    private_schema,
)
from synthgen.privacy.controls.truth import patients
from synthgen.privacy.follows import follows_from_pack
from synthgen.release.bundle import release
from synthgen.release.verify import verify
from synthgen.report.evaluation_page import evaluation_report
from synthgen.statistics.ledger import LEDGER, read_ledger
from synthgen.statistics.read import read_pack
from synthgen.statistics.write import write_pack

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
SEEN = {"format": "self-test/1", "passes": True, "controls": []}
PEOPLE = patients(60, np.random.default_rng(4))
SMALL = (("sex",), ("entity",), ("sex", "entity"), ("entity", "stage"))


class SeededNoise:
    name = "seeded"

    def __init__(self):
        self.rng = np.random.default_rng(1)

    def gaussian(self, counts, sigma, sensitivity):
        drawn = discrete_gaussian(sigma, counts.size, self.rng).astype(np.int64)
        return counts + drawn.reshape(counts.shape), (sensitivity / sigma) ** 2 / 2

    def best(self, scores, scale, sensitivity):
        return int(np.argmax(scores)), (sensitivity / scale) ** 2 / 2

    def repeated(self, sigma, n):
        return self.gaussian(np.zeros(n, dtype=np.int64), sigma, 1.0)[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer draws of seeded noise: the audit has tests of its own."""
    monkeypatch.setattr(room, "OpenDPNoise", SeededNoise)
    monkeypatch.setattr(room, "audits_of", partial(room.audits_of, draws=2000, selections=100))
    monkeypatch.setattr(room, "audit_of_tabulation", partial(room.audit_of_tabulation, draws=2000))


def pack_of(fault="", tables=SMALL):
    made = PrivateTables(tables, fault).pack(PEOPLE, np.random.default_rng(5))
    return replace(made, own_schema=replace(private_schema(), rules=()))


def written(tmp_path, pack):
    return write_pack(pack, tmp_path / "pack")


def policy() -> Policy:
    document = dict(read_policy("enclave").document)
    del document["schema"]
    return policy_from(document, "enclave")


def target_of(path):
    return load_target(str(path), seed=1)


def test_a_private_pack_passes_with_its_guarantee(tmp_path):
    made = evaluate(target_of(written(tmp_path, pack_of())), policy())
    assert made.document["claims"] == ["G1"]
    assert made.decision.guarantees == ("G1",)
    assert made.passes
    (ledger,) = made.document["ledgers"]
    assert ledger["epsilon"] == 1.0
    assert ledger["hazards"]["everything_paid"] is True
    for edition in ("internal", "public"):
        page = evaluation_report(made, edition)
        assert '<section id="ledger">' in page
        assert "a factor of at most 2.72" in page
        assert "최대 2.72배" in page


def test_a_page_without_a_ledger_has_no_section_and_a_hostile_one_is_escaped(tmp_path):
    pack = pack_of()
    first, *rest = pack.ledger.entries
    named = replace(first, of="<script>alert(1)</script>")
    hostile = replace(pack, ledger=replace(pack.ledger, entries=(named, *rest)))
    made = evaluate(target_of(written(tmp_path, hostile)), policy())
    assert not made.passes  # the table has lost its entry
    page = evaluation_report(made)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    without = replace(made, document={**made.document, "ledgers": []})
    assert 'id="ledger"' not in evaluation_report(without)


@pytest.mark.parametrize("fault", [NOT_DIVIDED, NEVER_DRAWN])
def test_a_pack_with_a_false_ledger_fails_under_every_shipped_policy(tmp_path, fault):
    tables = PrivateTables().tables[:10]
    target = target_of(written(tmp_path, pack_of(fault, tables)))
    for name in ("teaching", "ema-hc-009"):
        document = dict(read_policy(name).document)
        document.pop("schema", None)
        made = evaluate(target, policy_from(document, name))
        assert made.decision.verdict is Verdict.FAIL
        assert made.decision.guarantees == ()
        failed = {j.finding.measure for j in made.decision.judged if j.verdict is Verdict.FAIL}
        assert failed == {"privacy_accounting"}


@pytest.mark.parametrize(
    ("limits", "claimed"),
    [
        ({}, True),
        ({"epsilon_max": 1.0, "delta_max": 1e-6}, True),
        ({"epsilon_max": 0.99}, False),
        ({"delta_max": 9e-7}, False),
        ({"unit": "person"}, False),
        ({"unit": "tumour"}, False),
        (None, False),
    ],
)
def test_a_guarantee_is_claimed_within_the_limits_of_the_policy_only(tmp_path, limits, claimed):
    rules = policy()
    (g1,) = rules.guarantees
    kept = () if limits is None else (replace(g1, **limits),)
    target = target_of(written(tmp_path, pack_of()))
    assert ("G1" in claims_of(target, replace(rules, guarantees=kept))) is claimed
    doubted = replace(target, kind="cohort", doubt="claim.doubt.other_rows")
    assert "G1" not in claims_of(doubted, rules)


def test_what_two_packs_cost_adds_up_and_a_bare_one_ends_it(tmp_path):
    rules = policy()
    target = target_of(written(tmp_path, pack_of()))

    class Two:
        def __init__(self, prior):
            self.pack, self.prior = target.pack, prior

    def behind(prior):
        return replace(target, kind="model", model=Two(prior))

    class Prior:
        def __init__(self, pack):
            self.pack = pack

    wide = replace(rules, guarantees=(replace(rules.guarantees[0], epsilon_max=2, delta_max=1),))
    twice = behind(Prior(target.pack))
    assert len(packs_behind(twice)) == 2
    assert "G1" not in claims_of(twice, rules)
    assert "G1" in claims_of(twice, wide)
    bare = replace(target.pack, ledger=None)
    assert "G1" not in claims_of(behind(Prior(bare)), wide)
    public = replace(bare, origin="public-statistics")
    assert "G1" in claims_of(behind(Prior(public)), rules)
    assert "G1" not in claims_of(replace(target, pack=bare), wide)


def tampered(path, change, *, hashed):
    ledger = path / LEDGER
    document = json.loads(ledger.read_text(encoding="utf-8"))
    text = change(document)
    text = text if isinstance(text, str) else json.dumps(document)
    ledger.write_text(text, encoding="utf-8")
    if hashed:
        descriptor = path / "datapackage.json"
        said = json.loads(descriptor.read_text(encoding="utf-8"))
        said["x-synthgen"]["ledger"]["sha256"] = hashlib.sha256(ledger.read_bytes()).hexdigest()
        descriptor.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


def entry(at, **changes):
    return lambda d: d["entries"][at].update(changes)


CHANGES = {
    "rho lowered": lambda d: d.update(rho=d["rho"] / 2),
    "epsilon lowered": lambda d: d.update(epsilon=0.5),
    "delta lowered": lambda d: d.update(delta=1e-12),
    "entry removed": lambda d: d.update(entries=d["entries"][1:]),
    "rho of an entry lowered": lambda d: d["entries"][0].update(rho=1e-9),
    "scale enlarged": entry(0, scale=1e4, rho=1e-8),
    "sensitivity halved": entry(0, sensitivity=0.5),
    "other neighbours": lambda d: d.update(neighbours="replace one patient"),
    "two rows of a patient": lambda d: d.update(rows_per_unit={"patient": 2}),
}
REFUSED = {
    "unknown mechanism": entry(0, mechanism="laplace"),
    "negative scale": entry(0, scale=-1.0),
    "scale of zero": entry(0, scale=0.0),
    "not a number": lambda d: json.dumps(d).replace('"rho": ', '"rho": NaN, "was": ', 1),
    "infinite": lambda d: json.dumps(d).replace('"epsilon": 1.0', '"epsilon": 1e999', 1),
    "no entries": lambda d: d.update(entries=[]),
    "too many entries": lambda d: d.update(entries=d["entries"] * 5001),
    "another format": lambda d: d.update(format="ledger/2"),
    "a word": lambda d: d.update(rho="little"),
    "not JSON": lambda d: json.dumps(d)[:-9],
    "a huge file": lambda d: json.dumps(d) + " " * 2**25,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_ledger_that_was_changed_is_not_read_and_with_a_new_hash_does_not_pass(tmp_path, name):
    path = written(tmp_path, pack_of())
    other = tmp_path / "other"
    shutil.copytree(path, other)
    tampered(path, CHANGES[name], hashed=False)
    with pytest.raises(StatisticsError, match="was changed") as refused:
        target_of(path)
    assert "\n" not in str(refused.value)
    tampered(other, CHANGES[name], hashed=True)
    made = evaluate(target_of(other), policy())
    assert made.decision.verdict is Verdict.FAIL
    assert "G1" not in made.decision.guarantees


@pytest.mark.parametrize("name", REFUSED)
def test_a_ledger_that_is_none_is_one_line(tmp_path, name):
    path = written(tmp_path, pack_of())
    tampered(path, REFUSED[name], hashed=True)
    with pytest.raises(StatisticsError) as refused:
        target_of(path)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 11
    assert ("entries: 20,004 of them; at most 20,000" in str(refused.value)) is (
        name == "too many entries"
    )


def test_a_pack_whose_ledger_was_taken_away_does_not_pass(tmp_path):
    made = evaluate(target_of(written(tmp_path, replace(pack_of(), ledger=None))), policy())
    assert made.decision.verdict is Verdict.FAIL
    assert made.document["claims"] == []
    path = written(tmp_path / "again", pack_of())
    (path / LEDGER).unlink()
    with pytest.raises(StatisticsError, match=LEDGER):
        target_of(path)


def test_the_code_that_draws_too_little_noise_fails_although_the_books_are_right(
    tmp_path, monkeypatch
):
    class Quiet(SeededNoise):
        def gaussian(self, counts, sigma, sensitivity):
            return super().gaussian(counts, sigma / 50, sensitivity)

    target = target_of(written(tmp_path, pack_of()))
    monkeypatch.setattr(room, "OpenDPNoise", Quiet)
    made = evaluate(target, policy())
    failed = {j.finding.measure for j in made.decision.judged if j.verdict is Verdict.FAIL}
    assert failed == {"distinguishing_audit"}


def test_books_that_hide_an_undivided_budget_are_given_away_by_the_tables(tmp_path):
    tables = PrivateTables().tables
    made = evaluate(target_of(written(tmp_path, pack_of(FALSE_BOOKS, tables))), policy())
    assert made.decision.verdict is Verdict.FAIL


@pytest.fixture(scope="module")
def model_of_tables():
    from synthgen.cohort.fitted_model import FittedModel

    pack = pack_of()
    fit = fit_tabulated(pack, pack.own_schema)
    made = FittedModel(
        "private", pack.own_schema, pack, fit.distribution, fit.gaps, fit.residual, "0" * 64
    )
    return made, replace


def test_a_model_must_be_the_one_that_its_private_pack_gives(model_of_tables):
    model, _ = model_of_tables
    assert follows_from_pack(model)
    other = PrivateTables(SMALL).pack(PEOPLE, np.random.default_rng(6))
    other = replace(other, own_schema=model.pack.own_schema)
    assert not follows_from_pack(replace(model, pack=other))
    assert not follows_from_pack(replace(model, pack=replace(model.pack, own_schema=None)))


@pytest.fixture
def evaluated(tmp_path):
    path = written(tmp_path, pack_of())
    evaluate_into(
        tmp_path / "evaluation",
        target_of(path),
        policy(),
        Given(),
        log=tmp_path / "attempts.jsonl",
        now=NOW,
        self_test=SEEN,
    )
    return tmp_path / "evaluation"


def test_the_bundle_holds_the_ledger_and_says_what_was_spent(evaluated, tmp_path):
    bundle = tmp_path / "bundle"
    made = release(evaluated, bundle, today=NOW.date())
    assert made.manifest["guarantees"] == ["G1"]
    spent = made.manifest["ledger"]
    assert spent == {"files": [LEDGER], "unit": "patient", "epsilon": 1.0, "delta": 1e-6}
    assert read_ledger(bundle / LEDGER) == read_pack(bundle / "data").ledger
    assert verify(bundle).manifest["ledger"] == spent
    with (bundle / LEDGER).open("a") as file:
        file.write(" ")
    with pytest.raises(VerificationError, match="ledger.json has been changed"):
        verify(bundle)


def test_an_evaluation_that_claims_what_its_target_does_not_have_is_not_released(
    evaluated, tmp_path
):
    from synthgen.evaluation.documents import document_bytes

    path = evaluated / "evaluation.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["claims"] = []
    path.write_bytes(document_bytes(document))
    with pytest.raises(VerificationError):
        release(evaluated, tmp_path / "bundle", today=NOW.date())
