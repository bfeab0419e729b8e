"""On top of a public prior the margins are counted first, and not finer than they are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from synthgen.enclave.private.accounting import rho_of, sigma_of
from synthgen.enclave.private.allocation import LEAST_NOISE, SINGLES_SHARE, single_budgets
from synthgen.enclave.private.dry_run import unit_budgets
from synthgen.enclave.private.prepare import prepared
from synthgen.enclave.private.settings import PrivateSettings, PublicPrior
from synthgen.enclave.private.tabulate import dry_run, tabulate_private
from synthgen.enclave.tabulate import tabulate


@pytest.mark.parametrize("patients", [1.0, 300.0, 1e5, 1e9])
def test_single_variables_get_their_share_at_most_and_no_needless_digits(patients):
    cells = [2, 5, 40, 1]
    found = single_budgets(0.02, cells, 3.0, patients)
    assert math.fsum(found) <= SINGLES_SHARE * 0.02 * (1 + 1e-12)
    for count, budget in zip(cells, found, strict=True):
        share = 1 / max(count, 2)
        sampling = math.sqrt(patients * share * (1 - share))
        assert sigma_of(3.0, budget) >= LEAST_NOISE * sampling * (1 - 1e-9)


def test_with_a_prior_every_variable_is_counted_alone_before_anything_else(
    frames, binned, asked, noise
):
    public = tabulate(frames, binned, replace(asked, max_cells=200)).pack
    prior = PublicPrior(public, "0" * 64)
    settings = PrivateSettings(1.0, 1e-6, asked, prior=prior, expected_n=300)
    ledger = tabulate_private(frames, binned, settings, noise=noise).pack.ledger
    with prepared(frames, binned, settings) as ready:
        names = {rows.name: rows.own for rows in ready.units}
        budgets = unit_budgets(ready.units, rho_of(1.0, 1e-6))
    for (table, own), budget in zip(names.items(), budgets, strict=True):
        entries = [e for e in ledger.entries if e.of.startswith(f"{table}: ")]
        first = entries[: len(own)]
        assert {e.of for e in first} == {f"{table}: {name}" for name in own}
        assert math.fsum(e.rho for e in first) <= SINGLES_SHARE * budget * (1 + 1e-9)
        assert all(e.step == "measure" for e in first)
        assert np.isclose(math.fsum(e.rho for e in entries), budget)
    expected = {e.of: e.sigma for e in dry_run(frames, binned, settings)}
    drawn = {e.of: e.scale for e in reversed(ledger.entries) if e.step == "measure"}
    assert set(expected) == {f"{table}: {name}" for table, own in names.items() for name in own}
    for of, sigma in expected.items():  # few patients: what binds is the budget, not their number
        assert drawn[of] == pytest.approx(sigma, rel=1e-6)
