"""M1: whether the ledger of a private pack adds up, and pays for everything in the pack.

A ledger is the steward's statement.  What can be checked of it from outside is checked here:
the arithmetic, that nothing stands in the pack which no entry paid for, that the noise which
the tables state is the ledger's, and that the numbers do not betray noise that was never drawn
(:mod:`synthgen.privacy.noise_traces`).  Whether the rest is true, only the code that spent the
budget can tell: that is what M2 runs (:mod:`synthgen.privacy.distinguishing_audit`).

The hazards in the detail follow NIST SP 800-226 (2025), Guidelines for Evaluating Differential
Privacy Guarantees, doi:10.6028/NIST.SP.800-226: ``true`` where it was checked and is well,
``false`` where it is not, ``null`` where only people can know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.fidelity.results import counted
from synthgen.findings import Finding, Inputs, not_testable
from synthgen.privacy.accounting import cost_of, epsilon_spent, exceeds
from synthgen.privacy.follows import follows_from_pack
from synthgen.privacy.ledger_checks import (
    NEIGHBOURS,
    false_entries,
    starts_from_prior,
    unpaid_in,
)
from synthgen.privacy.noise_traces import KIND, leaves_of, noise_traces
from synthgen.schema.model import Schema
from synthgen.statistics.model import StatisticsPack

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel

MEASURE = "privacy_accounting"
CLAIM, ENTRIES, UNPAID, TRACES, MODEL, NO_CLAIM = (
    "claim",
    "entries",
    "unpaid",
    "noise",
    "model",
    "no claim",
)
"""Parts: epsilon that the entries cost less what is claimed; entries that cost more than they
say; things in the pack that nothing paid for; tests that the numbers of the pack do not stand;
whether a model is another than its pack gives."""

OTHER_PRIOR = "measure.reason.other_prior"
"""Catalogue key: the model was drawn towards another one, so that it cannot be fitted again."""

FALSE_ALARM = 1e-6
"""Probability with which honest noise is called none, over all tests of a pack."""

MOST_NAMED = 20
"""Faults that the detail names; the estimate counts them all."""


def privacy_accounting(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Faults of the ledgers behind a pack, or a model and its pack.

    Parameters
    ----------
    inputs : Inputs
        With ``pack``; of a model its pack, and that of its prior, are looked at as well.
    rng : numpy.random.Generator
        Not used: nothing is sampled.

    Returns
    -------
    list of Finding
        For a model of a private pack: ``model``, 1 if its pack does not give it.
        For each pack with a ledger: ``claim``, epsilon at the ledger's delta as the entries
        cost it, less the epsilon that is claimed; ``entries``, ``unpaid`` and ``noise``, counts
        of faults.  Where there is no ledger and no table claims noise, nothing is claimed that
        could be false: ``no claim``, zero.
    """
    del rng
    packs = packs_of(inputs)
    claiming = [pack for pack in packs if pack.ledger is not None or _claims_noise(pack)]
    if not claiming:
        tables = sum(len(pack.tables) for pack in packs)
        return [counted(MEASURE, "M", NO_CLAIM, 0.0, max(tables, 1), {"of_the_kind": 0})]
    found: list[Finding] = _model_finding(inputs.model)
    for pack in claiming:
        suffix = f" {pack.id}" if len(claiming) > 1 else ""
        found += _findings(pack, inputs.schema, suffix)
    return found


def _model_finding(model: FittedModel | None) -> list[Finding]:
    """Whether a model of a private pack holds nothing else: one finding, or none without one."""
    if model is None or model.pack.ledger is None:
        return []
    if model.prior is not None:
        return [not_testable(MEASURE, "M", OTHER_PRIOR, part=MODEL)]
    other = 0.0 if follows_from_pack(model) else 1.0
    return [counted(MEASURE, "M", MODEL, other, len(model.pack.tables))]


def packs_of(inputs: Inputs) -> list[StatisticsPack]:
    """The packs behind a release, each once: of the model, of its prior, and the one given."""
    found = [inputs.pack] if inputs.pack is not None else []
    model = inputs.model
    if model is not None:
        found.append(model.pack)
        if getattr(model, "prior", None) is not None:
            found.append(model.prior.pack)
    return [p for at, p in enumerate(found) if all(p is not other for other in found[:at])]


def _claims_noise(pack: StatisticsPack) -> bool:
    """Whether tables of records claim noise; of published tables, their publisher does."""
    return pack.origin == "enclave" and any(
        table.kind == KIND or table.protection.noise_sd for table in pack.tables
    )


def _findings(pack: StatisticsPack, schema: Schema, suffix: str) -> list[Finding]:
    unpaid = unpaid_in(pack, schema)
    traces = noise_traces(pack)
    alarms = [t for t in traces if t.p < FALSE_ALARM / len(traces)]
    tests = {
        "tests": len(traces),
        "contradicted": [f"{t.test}: {', '.join(t.tables)}" for t in alarms[:MOST_NAMED]],
        "smallest_p": min((t.p for t in traces), default=None),
    }
    tables = max(len(pack.tables), 1)
    found = [
        counted(
            MEASURE, "M", UNPAID + suffix, len(unpaid), tables, {"faults": unpaid[:MOST_NAMED]}
        ),
        counted(MEASURE, "M", TRACES + suffix, len(alarms), tables, tests),
    ]
    ledger = pack.ledger
    if ledger is None:
        return found
    false = false_entries(ledger)
    spent = epsilon_spent(ledger)
    over = (
        spent - ledger.epsilon
        if exceeds(spent, ledger.epsilon)
        else min(0.0, spent - ledger.epsilon)
    )
    claim = {
        "epsilon": ledger.epsilon,
        "delta": ledger.delta,
        "epsilon_spent": spent,
        "rho": ledger.rho,
        "rho_spent": cost_of(ledger.entries),
        "unit": ledger.unit,
        "neighbours": ledger.neighbours,
        "hazards": hazards(pack, schema),
    }
    n = len(ledger.entries)
    return [
        counted(MEASURE, "M", CLAIM + suffix, over, n, claim),
        counted(MEASURE, "M", ENTRIES + suffix, len(false), n, {"faults": false[:MOST_NAMED]}),
        *found,
    ]


def hazards(pack: StatisticsPack, schema: Schema) -> dict[str, bool | None]:
    """Hazards of NIST SP 800-226: True is well, False is not, None is for people to say."""
    ledger = pack.ledger
    if ledger is None:
        return {}
    faults = unpaid_in(pack, schema)
    counted_people = people_counted(pack)

    def without(*words: str) -> bool:
        return not any(word in fault for fault in faults for word in words)

    return {
        "unit_is_a_person": ledger.unit in ("patient", "person"),
        "neighbours_stated": ledger.neighbours.startswith(NEIGHBOURS),
        "contribution_bounded": bool(ledger.rows_per_unit) and without("sensitivity"),
        "everything_paid": without("no entry", "exact", "beside"),
        "bins_public": _bins_public(pack),
        "composition_adds_up": not false_entries(ledger)
        and not exceeds(epsilon_spent(ledger), ledger.epsilon),
        "noise_from_a_vetted_library": ledger.noise.startswith("opendp "),
        "delta_under_one_in_n": None
        if counted_people is None
        else bool(ledger.delta * counted_people < 1),
        "other_releases_of_the_records": None,
        "timing_and_failures_hidden": None,
        "records_locked_away": None,
        "tuning_on_the_records": None,
    }


def _bins_public(pack: StatisticsPack) -> bool | None:
    """Whether no bin was made from records; not known where they may be another pack's."""
    variables = () if pack.own_schema is None else pack.own_schema.variables
    if all(variable.bins_from != "records" for variable in variables):
        return True
    ledger = pack.ledger
    return None if ledger is not None and starts_from_prior(ledger) else False


def people_counted(pack: StatisticsPack) -> float | None:
    """Noisy number of people in the pack: the sum of the smallest of its noisy tables."""
    noisy = [table for table in pack.tables if table.kind == KIND]
    sums = {len(found): sum(found.values()) for found in map(leaves_of, noisy) if found}
    return max(1.0, sums[min(sums)]) if sums else None


def ledger_document(pack: StatisticsPack | None) -> Mapping[str, Any] | None:
    """A pack's ledger as an evaluation shows it: everything that it says, and what it costs."""
    ledger = None if pack is None else pack.ledger
    if ledger is None:
        return None
    return {
        "unit": ledger.unit,
        "neighbours": ledger.neighbours,
        "rows_per_unit": dict(ledger.rows_per_unit),
        "epsilon": ledger.epsilon,
        "delta": ledger.delta,
        "rho": ledger.rho,
        "epsilon_spent": epsilon_spent(ledger),
        "rho_spent": cost_of(ledger.entries),
        "accounting": ledger.accounting,
        "public": list(ledger.public),
        "noise": ledger.noise,
        "entries": [
            {
                "step": entry.step,
                "of": entry.of,
                "mechanism": entry.mechanism,
                "sensitivity": entry.sensitivity,
                "scale": entry.scale,
                "rho": entry.rho,
            }
            for entry in ledger.entries
        ],
    }
