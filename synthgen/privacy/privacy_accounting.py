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

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from synthgen.fidelity.results import counted
from synthgen.findings import Finding, Inputs
from synthgen.privacy.accounting import cost, cost_of, epsilon_of, epsilon_spent, exceeds
from synthgen.privacy.noise_traces import KIND, leaves_of, noise_traces
from synthgen.schema.model import Schema
from synthgen.statistics.ledger import Ledger, LedgerEntry
from synthgen.statistics.model import StatisticsPack, StatisticsTable

MEASURE = "privacy_accounting"
CLAIM, ENTRIES, UNPAID, TRACES, NO_CLAIM = (
    "claim",
    "entries",
    "unpaid",
    "noise",
    "no claim",
)
"""Parts: epsilon that the entries cost less what is claimed; entries that cost more than they
say; things in the pack that nothing paid for; tests that the numbers of the pack do not stand."""

NEIGHBOURS = "add or remove one "
"""How the neighbours must begin: replacing one unit would cost up to four times as much."""

OTHER_PEOPLE = frozenset({"population", "life_table"})
"""Kinds of tables about residents: nobody's record went into them."""

FALSE_ALARM = 1e-6
"""Probability with which honest noise is called none, over all tests of a pack."""

PRIOR = "prior"
"""How a private pack calls the public one that it started from, and the tables of it."""

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
    found: list[Finding] = []
    for pack in claiming:
        suffix = f" {pack.id}" if len(claiming) > 1 else ""
        found += _findings(pack, inputs.schema, suffix)
    return found


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


def false_entries(ledger: Ledger) -> list[str]:
    """Entries that cost more than they say, and the sum if it does; one short text each."""
    faults = [
        f"entry {number} ({entry.step} {entry.of}): costs {cost(entry.sensitivity, entry.scale):.6g}"
        f", says {entry.rho:.6g}"
        for number, entry in enumerate(ledger.entries, start=1)
        if exceeds(cost(entry.sensitivity, entry.scale), entry.rho)
    ]
    spent = math.fsum(entry.rho for entry in ledger.entries)
    if exceeds(spent, ledger.rho):
        faults.append(f"rho: the entries sum to {spent:.6g}, the ledger says {ledger.rho:.6g}")
    if exceeds(epsilon_of(ledger.rho, ledger.delta), ledger.epsilon):
        faults.append("epsilon: the ledger's rho implies more than the ledger's epsilon")
    return faults


def unpaid_in(pack: StatisticsPack, schema: Schema) -> list[str]:
    """What stands in a pack and was not paid for, or not as it says; one short text each.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
        Says of which table of the records a variable is.
    """
    ledger = pack.ledger
    if ledger is None:
        return ["the tables claim noise and there is no ledger"]
    faults = []
    if not ledger.neighbours.startswith(NEIGHBOURS):
        faults.append(f"neighbours: not '{NEIGHBOURS}...'")
    for number, entry in enumerate(ledger.entries, start=1):
        rows = rows_behind(entry, pack, schema)
        if exceeds(rows, entry.sensitivity) and entry.mechanism == "discrete_gaussian":
            faults.append(
                f"entry {number} ({entry.step} {entry.of}): sensitivity {entry.sensitivity:.6g} "
                f"under the {rows} rows that one {ledger.unit} may have"
            )
    paid = [table for table in pack.tables if not is_borrowed(table, ledger)]
    for table in paid:
        if table.kind not in OTHER_PEOPLE:
            faults += _unpaid_of(table, ledger)
            faults += _left_out(table, schema)
    measured = [frozenset(variables_of(e)) for e in ledger.entries if e.step == "measure"]
    told = [frozenset({*table.variables, *table.given}) for table in paid if table.kind == KIND]
    faults += [
        f"tables by {', '.join(sorted(axes))}: {told.count(axes)} of them, "
        f"{measured.count(axes)} were measured"
        for axes in sorted({*told}, key=sorted)
        if 0 < measured.count(axes) < told.count(axes)
    ]
    own = pack.own_schema
    if own is not None and not _starts_from_prior(ledger):
        faults += [
            f"bins of {variable.name}: made from the records"
            for variable in own.variables
            if variable.bins_from == "records"
        ]
    return faults


def is_borrowed(table: StatisticsTable, ledger: Ledger) -> bool:
    """Whether a table is said to be of the public pack that the ledger says it started from.

    That it is such a table, only whoever has that pack can see; the audit of family I looks at
    its numbers as at all others.
    """
    prior = f"{PRIOR}-"
    named = table.name.startswith(prior) and table.source.startswith(prior)
    return named and table.kind != KIND and _starts_from_prior(ledger)


def _starts_from_prior(ledger: Ledger) -> bool:
    return any(said.startswith(f"{PRIOR} ") for said in ledger.public)


def _unpaid_of(table: StatisticsTable, ledger: Ledger) -> list[str]:
    entries = entries_of(table, ledger)
    if table.kind != KIND:
        return [f"table {table.name}: {table.kind} are exact"]
    faults = []
    if not entries:
        faults.append(f"table {table.name}: no entry measures it")
    elif not _is_scale(table.protection.noise_sd or 0.0, entries):
        faults.append(f"table {table.name}: its noise_sd is not the scale of its entries")
    beside = [
        f"table {table.name}: {name} stands beside its numbers"
        for name in ("n", "person_years", "ci_lower", "ci_upper")
        if any(getattr(cell, name) is not None for cell in table.cells)
    ]
    return faults + beside


def _left_out(table: StatisticsTable, schema: Schema) -> list[str]:
    """Cells of a noisy table that are not there: which ones are, the records would have said."""
    axes = (*table.variables, *table.given)
    keys = [*leaves_of(table)]
    codes = {variable.name: {*variable.codes} for variable in schema.variables}
    labels = [{key[at] for key in keys} for at in range(len(axes))]
    missing = math.prod(len(found) for found in labels) - len(keys)
    for axis, found in zip(axes, labels, strict=True):
        said = {code for label in found for code in label}
        missing += len(
            (codes.get(axis, set()) & {*table.scope.get(axis, codes.get(axis, ()))}) - said
        )
    if table.kind != KIND or not missing:
        return []
    return [f"table {table.name}: {missing} cells or codes are left out; the records chose them"]


def entries_of(table: StatisticsTable, ledger: Ledger) -> list[LedgerEntry]:
    """Entries that measured a table: they name it, or all of its variables and no other."""
    axes = {*table.variables, *table.given}
    return [
        entry
        for entry in ledger.entries
        if entry.mechanism == "discrete_gaussian"
        and (entry.of == table.name or variables_of(entry) == axes)
    ]


def variables_of(entry: LedgerEntry) -> set[str]:
    """Names that an entry is of: ``"tumour: family of entity,sex"`` is of entity and sex."""
    names = entry.of.partition(": ")[2] or entry.of
    found = (name.strip().removeprefix("family of ") for name in names.split(","))
    return {name for name in found if name}


def _is_scale(noise_sd: float, entries: Iterable[LedgerEntry]) -> bool:
    """Whether a table's noise is that of one of its entries, or of all of them combined.

    Combined as inverse-variance weights do it: the square of one over the noise is the sum of
    those of the entries.
    """
    scales = [entry.scale for entry in entries]
    combined = math.fsum(scale**-2 for scale in scales) ** -0.5
    return any(math.isclose(noise_sd, scale, rel_tol=1e-4) for scale in (*scales, combined))


def rows_behind(entry: LedgerEntry, pack: StatisticsPack, schema: Schema) -> int:
    """Rows with which one unit may count in what an entry measures.

    The most rows that are kept of any table of the records which the entry's variables come
    from; of all tables where that is not known.
    """
    ledger = pack.ledger
    rows = dict(ledger.rows_per_unit) if ledger is not None else {}
    record_table = entry.of.partition(": ")[0]
    if record_table in rows:  # it says itself whose rows it counts
        return rows[record_table]
    names = variables_of(entry)
    for table in pack.tables:
        if table.name == entry.of:
            names = {*table.variables, *table.given}
    columns = {variable.name: variable.column for variable in schema.variables}
    tables = {str(columns[name]).partition(".")[0] for name in names if columns.get(name)}
    known = [rows[name] for name in tables if name in rows]
    return max(known or rows.values(), default=1)


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
    return None if ledger is not None and _starts_from_prior(ledger) else False


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
