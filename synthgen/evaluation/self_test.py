"""The battery proves itself: leaky generators are refused, honest ones are not.

Every control is made from an invented population, measured like any other release, and held
against the limits of a shipped policy.  What came out is held against what must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from synthgen.evaluation.decide import OF_A_LEDGER, Decision, Verdict, decide
from synthgen.evaluation.measures import MEASURES, Measure
from synthgen.evaluation.policy import Limit, MeasureRule, Policy, read_policy
from synthgen.evaluation.run import run_measures
from synthgen.findings import Finding
from synthgen.privacy.controls.private_findings import REASONS, private_findings
from synthgen.privacy.controls.private_tables import (
    FALSE_BOOKS,
    FAULTS,
    NEVER_DRAWN,
    PrivateTables,
)
from synthgen.privacy.controls.table import (
    AMBER,
    BLACK_BOX,
    CONTROLS,
    GUARANTEED,
    HONEST,
    LEAKY,
    RAW,
    USELESS,
    Control,
)
from synthgen.privacy.controls.tables import primary_only, published_pack, tables_schema
from synthgen.privacy.controls.truth import patients
from synthgen.privacy.refit_audit import refit_audit
from synthgen.statistics.audit.audit import audit
from synthgen.statistics.model import StatisticsPack

BATTERY = (
    "refit_audit",
    "replicated_uniques",
    "proximity",
    "outlier_proximity",
    "density_attack",
    "attribute_disclosure",
    "homogeneous_keys",
    "linkability",
    "key_uniqueness",
    "rare_values",
    "strata",
    "labelling",
    "validity",
    "marginals",
    "dependence",
)
"""Measures that the controls are put to; k-map needs a population, the others gate nothing."""

FLOORS = {"validity": 0.0, "marginals": 0.15, "dependence": 0.7}
"""Limits of usefulness where a policy leaves them out.  Columns drawn one by one are at 1; with 60
records the upper bound of a perfect release reaches 0.6, so that a smaller limit would refuse it."""

TABLES = ("smallest_cell", "reconstruction", "homogeneity", "differencing")
"""Checks of family I that a control with published tables is put to."""

PRIMARY_ONLY = "primary-only suppression"
"""Control of tables: cells under five are hidden, and every total stands beside them."""

PRIVATE_TABLES = "private tables"
"""Control of tables: 28 of one and of two columns under one budget, made as they should be."""

SHORT_FAULTS = (FALSE_BOOKS, NEVER_DRAWN)
"""Faults of private tables in the short test: each is seen by one measure alone."""

SIZES = (60, 343, 2000)
"""Records of the full test: a rare cancer, half of the GBSG2 trial, a registry."""

SHORT = (
    ("copier", 60),
    ("outlier leak", 60),
    ("raw columns", 343),
    ("noisy columns", 343),
    ("published tables", 60),
)
"""Controls and sizes of the short test: one of each kind that matters."""

SHORT_REFITS, FULL_REFITS = 64, 64
"""Refits of each audit.  256 are for a release; 64 already see every planted leak."""

POLICY = "public"
ENOUGH = 2000
"""Records at which an honest fit without a guarantee must pass, and raw columns must fail for
their raw values alone; shares of fewer people tell the refit audit who was among them."""


@dataclass(frozen=True)
class Outcome:
    """One control under one policy.

    Parameters
    ----------
    control, kind, policy : str
    n : int
        Records.
    verdict : str
        Of the whole decision.
    failed, open_ones : tuple of str
        Measures with a finding that fails, and with one that is neither passed nor covered.
    as_expected : bool
    """

    control: str
    kind: str
    policy: str
    n: int
    verdict: str
    failed: tuple[str, ...]
    open_ones: tuple[str, ...]
    as_expected: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values, one row of a table."""
        return {
            "control": self.control,
            "kind": self.kind,
            "policy": self.policy,
            "n": self.n,
            "verdict": self.verdict,
            "failed": ", ".join(self.failed),
            "open": ", ".join(self.open_ones),
            "as_expected": self.as_expected,
        }


def policy_for_controls(policy: Policy, *, tables: bool = False, ledger: bool = False) -> Policy:
    """A policy with its own limits, for data without a population file.

    Parameters
    ----------
    policy : Policy
    tables : bool
        Whether the audit of published tables is asked for as well.
    ledger : bool
        Whether what verifies a ledger is asked for as well.

    Notes
    -----
    Measures that the controls cannot be put to are left out; floors of usefulness that it
    lacks are added, because a control has records to be compared with.
    """
    rules = [rule for rule in policy.measures if rule.measure in BATTERY]
    given = {rule.measure for rule in rules if rule.required}
    rules = [r for r in rules if r.required or r.measure not in FLOORS]
    for measure, limit in FLOORS.items():
        if measure not in given:
            rules.append(MeasureRule(measure, True, (Limit(None, limit, "floor of the controls"),)))
    if tables:
        nothing = (Limit(None, 0.0, "nothing may be given away"),)
        rules += [MeasureRule(name, True, nothing) for name in TABLES]
    if ledger:
        nothing = (Limit(None, 0.0, "no claim may be false"),)
        rules += [MeasureRule(name, True, nothing) for name in OF_A_LEDGER]
    return replace(policy, measures=tuple(rules))


def findings_of(
    control: Control,
    n: int,
    seed: int,
    *,
    refits: int = FULL_REFITS,
    measures: Sequence[str] = BATTERY,
) -> list[Finding]:
    """Measure one control.

    Parameters
    ----------
    control : Control
    n : int
        Records.
    seed : int
    refits : int
    measures : sequence of str
    """
    inputs = control.inputs(n, np.random.default_rng([seed, n]))
    chosen = [_measure(name, refits) for name in measures]
    found = run_measures(chosen, inputs, seed=seed, without_records=False)
    if control.tables is not None:
        records = patients(n, np.random.default_rng([seed, n]))
        found += private_findings(control.tables, records, np.random.default_rng([seed, n, 1]))
    return [*found, *table_findings(published_pack())] if control.guarantee == "G0" else found


def table_findings(pack: StatisticsPack) -> list[Finding]:
    """What the audit of a pack of the invented population finds."""
    found = audit([pack], tables_schema(), explain=False).findings()
    return [one for one in found if one.measure in TABLES]


def table_outcome(n: int, seed: int, policy: Policy) -> Outcome:
    """What the audit says to tables in which only the small cells were hidden."""
    records = patients(n, np.random.default_rng([seed, n]))
    findings = table_findings(primary_only(records))
    asked = policy_for_controls(policy, tables=True)
    asked = replace(asked, measures=tuple(r for r in asked.measures if r.measure in TABLES))
    decision = decide(findings, asked)
    failed = _measures(decision, lambda verdict, passes: verdict is Verdict.FAIL and not passes)
    return Outcome(
        PRIMARY_ONLY,
        LEAKY,
        policy.id,
        n,
        decision.verdict.value,
        failed,
        (),
        not decision.passes and "reconstruction" in failed,
    )


def private_outcome(name: str, fault: str, n: int, seed: int, policy: Policy) -> Outcome:
    """What M1 and M2 say to private tables with a fault, or without one.

    Parameters
    ----------
    name : str
    fault : str
        Of :data:`~synthgen.privacy.controls.private_tables.FAULTS`; ``""`` for none.
    n : int
        Records.
    seed : int
    policy : Policy
    """
    records = patients(n, np.random.default_rng([seed, n]))
    rng = np.random.default_rng([seed, n, 1])
    findings = private_findings(PrivateTables(fault=fault), records, rng)
    asked = policy_for_controls(policy, ledger=True)
    asked = replace(asked, measures=tuple(r for r in asked.measures if r.measure in OF_A_LEDGER))
    decision = decide(findings, asked, {"G1"})
    failed = _measures(decision, lambda verdict, passes: verdict is Verdict.FAIL and not passes)
    seen = set(failed) >= REASONS[fault] if fault else decision.passes
    return Outcome(
        name,
        LEAKY if fault else GUARANTEED,
        policy.id,
        n,
        decision.verdict.value,
        failed,
        (),
        seen,
    )


def _measure(name: str, refits: int) -> Measure:
    measure = MEASURES[name]
    if name == "refit_audit":
        return replace(measure, run=partial(refit_audit, refits=refits))
    return measure


def outcome(control: Control, n: int, findings: Sequence[Finding], policy: Policy) -> Outcome:
    """What a policy says to a control, and whether it must."""
    claims = frozenset({control.guarantee}) if control.guarantee else frozenset[str]()
    decision = decide(
        findings,
        policy_for_controls(
            policy, tables=control.guarantee == "G0", ledger=control.tables is not None
        ),
        claims,
    )
    failed = _measures(decision, lambda verdict, passes: verdict is Verdict.FAIL and not passes)
    open_ones = _measures(
        decision, lambda verdict, passes: verdict is not Verdict.FAIL and not passes
    )
    return Outcome(
        control.id,
        control.kind,
        policy.id,
        n,
        decision.verdict.value,
        failed,
        open_ones,
        _is_expected(control, n, decision, set(failed), findings, policy),
    )


def _measures(decision: Decision, wanted: Callable[[Verdict, bool], bool]) -> tuple[str, ...]:
    found = [j.finding.measure for j in decision.judged if wanted(j.verdict, j.passes)]
    return tuple(dict.fromkeys([*found, *decision.missing]))


def _is_expected(
    control: Control,
    n: int,
    decision: Decision,
    failed: set[str],
    findings: Iterable[Finding],
    policy: Policy,
) -> bool:
    """Whether a control is treated as it must be; a crash of a measure never is.

    A policy with empty limits must let nothing pass; one that does not know a guarantee
    need not let a small guaranteed fit pass.
    """
    if any(finding.reason == "finding.reason.crashed" for finding in findings):
        return False
    if policy.empty_limits:
        return not decision.passes
    attacks = {f.measure for f in findings if f.family in ("M", "C")}
    if control.kind == LEAKY:
        return not decision.passes and bool(failed & control.reasons)
    if control.kind == AMBER:
        return not decision.passes
    if control.kind == USELESS:
        return bool(failed & control.reasons) and not failed & attacks
    if control.kind == RAW:
        alone = not (failed & attacks) - {"rare_values"}
        return "rare_values" in failed and (alone or n < ENOUGH)
    if control.kind == BLACK_BOX:
        audits = [f for f in findings if f.measure == "refit_audit"]
        return bool(audits) and all(f.detail.get("access") == "black box only" for f in audits)
    known = any(guarantee.kind == control.guarantee for guarantee in policy.guarantees)
    if control.kind == GUARANTEED and known:
        return decision.passes
    return control.kind in (HONEST, GUARANTEED) and (decision.passes or n < ENOUGH)


def self_test(seed: int, *, full: bool = False, policy: str = POLICY) -> dict[str, Any]:
    """Run the controls.

    Parameters
    ----------
    seed : int
        0 or greater.
    full : bool
        Every control at 60, 343 and 2,000 records, some minutes; otherwise five of them,
        well under a minute.
    policy : str
        Shipped policy, or a path.

    Returns
    -------
    dict
        ``controls``, one row for each, and ``passes``: whether all came out as they must.
    """
    rules = read_policy(policy)
    wanted = {(one.id, n) for one in CONTROLS for n in SIZES} if full else set(SHORT)
    refits = FULL_REFITS if full else SHORT_REFITS
    rows = [
        outcome(one, n, findings_of(one, n, seed, refits=refits), rules)
        for one in CONTROLS
        for n in SIZES
        if (one.id, n) in wanted
    ]
    sizes = SIZES if full else SIZES[:1]
    rows += [table_outcome(n, seed, rules) for n in sizes]
    rows += [
        private_outcome(fault or PRIVATE_TABLES, fault, n, seed, rules)
        for fault in ("", *(FAULTS if full else SHORT_FAULTS))
        for n in sizes
    ]
    return {
        "seed": seed,
        "full": full,
        "policy": {"id": rules.id, "sha256": rules.sha256},
        "refits": refits,
        "controls": [row.as_json() for row in rows],
        "passes": bool(rows) and all(row.as_expected for row in rows),
    }
