"""M1, the checks: a ledger against itself, and against the pack that it is of."""

from __future__ import annotations

import math
from collections.abc import Iterable

from synthgen.privacy.accounting import cost, epsilon_of, exceeds
from synthgen.privacy.noise_traces import KIND, leaves_of
from synthgen.schema.model import Schema
from synthgen.statistics.ledger import Ledger, LedgerEntry
from synthgen.statistics.model import StatisticsPack, StatisticsTable
from synthgen.statistics.statements import OTHER_PEOPLE

PRIOR = "prior"
"""How a private pack calls the public one that it started from, and the tables of it."""

NEIGHBOURS = "add or remove one "
"""How the neighbours must begin: replacing one unit would cost up to four times as much."""


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
    if own is not None and not starts_from_prior(ledger):
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
    return named and table.kind != KIND and starts_from_prior(ledger)


def starts_from_prior(ledger: Ledger) -> bool:
    """Whether a ledger says that a public pack was taken as a beginning."""
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
