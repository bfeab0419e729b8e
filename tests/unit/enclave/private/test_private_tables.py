"""A private pack: its tables, its ledger, what is refused, and that it fits."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from synthgen.cohort.artefact import save_model
from synthgen.enclave.fit import fit_tabulated
from synthgen.enclave.plan import Plan, PlannedCurve, PlannedTable
from synthgen.enclave.private.accounting import rho_of
from synthgen.enclave.private.budget import reserve
from synthgen.enclave.private.prior import read_public_prior
from synthgen.enclave.private.settings import PrivateSettings, PublicPrior
from synthgen.enclave.private.tabulate import dry_run, tabulate_private
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import PrivacyBudgetError
from synthgen.statistics.read import read_pack
from synthgen.statistics.write import write_pack

PLAN = Plan(
    (PlannedTable(("grade", "status")), PlannedTable(("grade", "margin"))),
    (PlannedCurve("overall_survival", ("grade",)),),
    "Operations of one hospital",
    "Operations of one hospital",
    "2015-2020",
)


@pytest.fixture
def planned(asked):
    return PrivateSettings(1.0, 1e-6, replace(asked, plan=PLAN, max_cells=200))


def test_a_plan_is_counted_with_the_noise_that_the_ledger_says(frames, binned, planned, noise):
    noise.factor = 0.0
    pack = tabulate_private(frames, binned, planned, noise=noise).pack
    table = pack.table("grade-status")
    known = frames["operation"].fillna({"grade": "missing"})
    counts = known.groupby(["grade", "status"]).size()
    for cell in table.cells[1:]:
        grade, status = cell.members["grade"][0], cell.members["status"][0]
        assert cell.value == counts.get((grade, status), 0)
    assert table.protection.noise_sd == next(
        e.scale for e in pack.ledger.entries if e.of == "operation: grade,status"
    )
    curves = [t for t in pack.tables if "grade" in t.variables and len(t.variables) == 3]
    assert [t.kind for t in curves] == ["noisy_counts"]


def test_every_answer_of_the_records_is_in_the_ledger_and_adds_up_to_the_claim(
    frames, binned, settings, noise
):
    pack = tabulate_private(frames, binned, settings, noise=noise).pack
    ledger = pack.ledger
    assert len(noise.asked) == len(ledger.entries)
    assert ledger.rho == math.fsum(e.rho for e in ledger.entries)
    assert 0.95 * rho_of(1.0, 1e-6) < ledger.rho <= rho_of(1.0, 1e-6) * (1 + 1e-9)
    for entry in ledger.entries:
        assert entry.rho == pytest.approx((entry.sensitivity / entry.scale) ** 2 / 2)
    measured = [e for e in ledger.entries if e.step == "measure"]
    assert len(measured) == len(pack.tables)
    assert {e.step for e in ledger.entries} == {"count", "select", "measure"}
    assert ledger.rows_per_unit == {"operation": 1, "visit": 1}
    said = json.dumps([pack.description, [t.note for t in pack.tables]])
    assert str(len(frames["operation"])) not in said


def test_a_private_pack_is_written_read_fitted_and_makes_rows(
    frames, binned, settings, noise, tmp_path
):
    pack = tabulate_private(frames, binned, settings, noise=noise).pack
    write_pack(pack, tmp_path / "pack")
    read = read_pack(tmp_path / "pack")
    assert read.ledger == pack.ledger
    assert any(c.value < 0 for t in read.tables for c in t.cells)
    fit = fit_tabulated(read, read.own_schema)
    assert fit.residual < 0.1
    model = save_model(tmp_path / "model", "m", read.own_schema, read, fit)
    made = model.generate(200, seed=1)
    assert len(made["operation"]) == 200
    total = read.tables[0].cells[0].value
    assert total == pytest.approx(400, abs=60)


def test_large_epsilon_comes_near_the_records(frames, binned, asked, noise):
    settings = PrivateSettings(50.0, 1e-6, replace(asked, plan=PLAN, max_cells=200))
    pack = tabulate_private(frames, binned, settings, noise=noise).pack
    distribution = fit_tabulated(pack, pack.own_schema).distribution
    counts = frames["operation"].groupby(["grade", "status"]).size()
    found = distribution.marginal(("grade", "status"))
    codes = distribution.domain.codes
    for (grade, status), count in counts.items():
        at = codes["grade"].index(grade), codes["status"].index(status)
        assert found[at] == pytest.approx(count / 400, abs=0.02)


def test_a_public_pack_is_where_a_private_one_starts(frames, binned, asked, noise, tmp_path):
    public = tabulate(
        frames, binned, replace(asked, plan=replace(PLAN, survival=()), max_cells=200)
    ).pack
    write_pack(public, tmp_path / "public")
    prior = read_public_prior(tmp_path / "public")
    settings = PrivateSettings(1.0, 1e-6, asked, prior=prior)
    pack = tabulate_private(frames, binned, settings, noise=noise).pack
    kinds = {t.name.startswith("prior-"): t.kind for t in pack.tables}
    assert kinds[False] == "noisy_counts"
    assert kinds[True] != "noisy_counts"
    assert any(prior.sha256 in said for said in pack.ledger.public)
    fit = fit_tabulated(pack, pack.own_schema)
    grade = fit.distribution.marginal(("grade",))
    truth = frames["operation"]["grade"].value_counts(normalize=True, dropna=False)
    at = fit.distribution.domain.codes["grade"].index("3")
    assert grade[at] == pytest.approx(truth["3"], abs=0.08)


def test_a_prior_that_is_not_public_or_speaks_otherwise_is_refused(frames, binned, asked, noise):
    exact = tabulate(frames, binned, Settings(allow_repeated=True, unprotected=True)).pack
    for pack, said in (
        (exact, "holds exact counts of records"),
        (replace(exact, unprotected=False, schema="other@1.0.0"), "both must speak the same"),
        (replace(exact, unprotected=False, tables=()), "has no tables"),
    ):
        settings = PrivateSettings(1.0, 1e-6, asked, prior=PublicPrior(pack, "0" * 64))
        with pytest.raises(PrivacyBudgetError, match=said):
            tabulate_private(frames, binned, settings, noise=noise)
        assert not noise.asked


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epsilon": 0.0}, "epsilon: is 0"),
        ({"epsilon": -1.0}, "epsilon: is -1"),
        ({"delta": 1e-3}, "delta: is 0.001"),
        ({"delta": 0.01, "expected_n": 100}, "must be below one in the number of patients"),
        ({"expected_n": 0}, "expected n"),
        ({"asked": Settings(bins_from_data=True)}, "bins of the records"),
        ({"asked": Settings(unprotected=True)}, "the noise is the protection"),
        ({"asked": Settings(round_to=5)}, "the noise is the protection"),
    ],
)
def test_what_is_no_private_tabulation_is_refused_in_one_line(changed, said):
    with pytest.raises(PrivacyBudgetError, match=said) as caught:
        PrivateSettings(**{"epsilon": 1.0, "delta": 1e-6, **changed})
    assert "\n" not in str(caught.value)


def test_a_delta_that_the_noisy_number_of_patients_does_not_allow_is_refused(
    frames, binned, asked, noise
):
    few = {n: f.iloc[:0] if n == "visit" else f.iloc[:20] for n, f in frames.items()}
    settings = PrivateSettings(20.0, 0.5e-1, asked, expected_n=19)
    noise.factor = 0.0
    with pytest.raises(PrivacyBudgetError, match="noise|noisy count"):
        tabulate_private(few, binned, settings, noise=noise)


def test_a_dry_run_says_what_would_be_noise_before_anything_is_asked(frames, binned, planned):
    expected = dry_run(frames, binned, replace(planned, expected_n=40))
    assert all(e.is_noise for e in expected)
    assert "NOISE: coarsen" in expected[0].line
    many = dry_run(frames, binned, replace(planned, expected_n=400_000))
    assert not any(e.is_noise for e in many)
    with pytest.raises(PrivacyBudgetError, match="--expect-n"):
        dry_run(frames, binned, planned)


def test_forty_patients_at_epsilon_one_are_refused_before_anything_is_asked(
    frames, binned, planned, noise, tmp_path
):
    settings = replace(planned, expected_n=40, budget=tmp_path / "budget.json")
    with pytest.raises(PrivacyBudgetError, match="would be noise.*coarsen"):
        tabulate_private(frames, binned, settings, noise=noise)
    assert not noise.asked
    assert not (tmp_path / "budget.json").exists()


def test_the_error_that_a_dry_run_expects_is_the_one_that_comes(frames, binned, planned, noise):
    expected = dry_run(frames, binned, replace(planned, expected_n=400))
    pack = tabulate_private(frames, binned, planned, noise=noise).pack
    for said, table in zip(expected, pack.tables, strict=True):
        assert said.sigma == pytest.approx(table.protection.noise_sd)
        assert said.cells == len(table.cells) - 1


def test_tabulations_of_the_same_records_add_up_to_their_budget(tmp_path):
    budget = tmp_path / "budget.json"
    head = {"format": "budget/1", "epsilon": 2.0, "delta": 1e-6, "spent": []}
    budget.write_text(json.dumps(head), "utf-8")
    reserve(budget, 1.0, 1e-6)
    reserve(budget, 1.0, 1e-6)  # rho adds up, which is less than epsilon adding up
    before = budget.read_bytes()
    for _ in range(2):
        reserve(budget, 0.5, 1e-6)
        if budget.read_bytes() == before:
            break
    with pytest.raises(PrivacyBudgetError, match="is spent"):
        for _ in range(20):
            reserve(budget, 1.0, 1e-6)
    assert not list(tmp_path.glob("*.lock"))


def test_a_link_to_a_budget_is_the_budget_and_a_hard_link_is_refused(tmp_path):
    budget, link = tmp_path / "budget.json", tmp_path / "link.json"
    reserve(budget, 1.0, 1e-6)
    try:
        link.symlink_to(budget)
    except OSError:
        pytest.skip("this system lets not everybody make links")
    with pytest.raises(PrivacyBudgetError, match="1 of 1 is spent"):
        reserve(link, 1.0, 1e-6)
    head = {"format": "budget/1", "epsilon": 2.0, "delta": 1e-6, "spent": []}
    budget.write_text(json.dumps(head), "utf-8")
    reserve(link, 1.0, 1e-6)
    assert link.is_symlink()
    assert len(json.loads(budget.read_text("utf-8"))["spent"]) == 1
    (tmp_path / "second.json").hardlink_to(budget)
    with pytest.raises(PrivacyBudgetError, match="must have one name"):
        reserve(tmp_path / "second.json", 0.1, 1e-6)


@pytest.mark.parametrize("spent", [None, "", {}, {"0": {}}, ["entry"], [[]]])
def test_what_is_no_list_of_entries_is_not_taken_for_nothing_spent(tmp_path, spent):
    budget = tmp_path / "budget.json"
    head = {"format": "budget/1", "epsilon": 2.0, "delta": 1e-6, "spent": spent}
    budget.write_text(json.dumps(head), "utf-8")
    with pytest.raises(PrivacyBudgetError, match="spent must be the list of entries"):
        reserve(budget, 1.0, 1e-6)
    assert json.loads(budget.read_text("utf-8")) == head


def test_a_budget_that_was_changed_is_refused(tmp_path):
    budget = tmp_path / "budget.json"
    reserve(budget, 1.0, 1e-6)
    with pytest.raises(PrivacyBudgetError, match="is spent"):
        reserve(budget, 0.1, 1e-6)
    document = json.loads(budget.read_text("utf-8"))
    for change in (
        {"spent": [{**document["spent"][0], "rho": 1e-9}]},
        {"epsilon": 50.0},
        {"format": "other"},
        {"epsilon": None},
    ):
        budget.write_text(json.dumps({**document, **change}), "utf-8")
        with pytest.raises(PrivacyBudgetError) as caught:
            reserve(budget, 0.1, 1e-6)
        assert "\n" not in str(caught.value)
    budget.write_text("{", "utf-8")
    with pytest.raises(PrivacyBudgetError):
        reserve(budget, 0.1, 1e-6)
    (tmp_path / "other.json.lock").touch()
    with pytest.raises(PrivacyBudgetError, match="another tabulation holds it"):
        reserve(tmp_path / "other.json", 1.0, 1e-6)


def test_a_plan_of_what_is_not_there_is_refused(frames, binned, asked, noise):
    for plan, said in (
        (Plan((PlannedTable(("grade", "nothing")),)), "nothing is no variable"),
        (Plan((PlannedTable(("grade",)),), (PlannedCurve("cure"),)), "no end point cure"),
    ):
        settings = PrivateSettings(1.0, 1e-6, replace(asked, plan=plan))
        with pytest.raises(PrivacyBudgetError, match=said):
            tabulate_private(frames, binned, settings, noise=noise)
    small = replace(asked, plan=PLAN, max_cells=4)
    with pytest.raises(PrivacyBudgetError, match="--max-cells"):
        tabulate_private(frames, binned, PrivateSettings(1.0, 1e-6, small), noise=noise)
