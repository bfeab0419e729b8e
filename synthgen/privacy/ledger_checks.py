"""M1, the checks: a ledger against itself, and against the pack that it is of."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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
    behind = RowsBehind(pack, schema)
    for number, entry in enumerate(ledger.entries, start=1):
        rows = behind(entry)
        if exceeds(rows, entry.sensitivity) and entry.mechanism == "discrete_gaussian":
            faults.append(
                f"entry {number} ({entry.step} {entry.of}): sensitivity {entry.sensitivity:.6g} "
                f"under the {rows} rows that one {ledger.unit} may have"
            )
    paid = [table for table in pack.tables if not is_borrowed(table, ledger)]
    measurements = Measurements(ledger.entries)
    for table in paid:
        if table.kind not in OTHER_PEOPLE:
            faults += _unpaid_of(table, measurements.of(table))
            faults += _left_out(table, schema)
    measured = Counter(variables_of(e) for e in ledger.entries if e.step == "measure")
    told = Counter(axes_of(table) for table in paid if table.kind == KIND)
    faults += [
        f"tables by {', '.join(sorted(axes))}: {told[axes]} of them, {measured[axes]} were measured"
        for axes in sorted(told, key=sorted)
        if 0 < measured[axes] < told[axes]
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


def _unpaid_of(table: StatisticsTable, entries: Sequence[LedgerEntry]) -> list[str]:
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


@dataclass(frozen=True)
class Measurements:
    """Noisy counts of a ledger, found by the table that they measured.

    Parameters
    ----------
    entries : sequence of LedgerEntry
    """

    entries: Sequence[LedgerEntry]

    @cached_property
    def _by_name(self) -> dict[str, set[int]]:
        found = defaultdict(set)
        for at, entry in enumerate(self.entries):
            if entry.mechanism == "discrete_gaussian":
                found[entry.of].add(at)
        return found

    @cached_property
    def _by_axes(self) -> dict[frozenset[str], set[int]]:
        found = defaultdict(set)
        for places in self._by_name.values():
            for at in places:
                found[variables_of(self.entries[at])].add(at)
        return found

    def of(self, table: StatisticsTable) -> list[LedgerEntry]:
        """Entries that name a table, or all of its variables and no other."""
        places = self._by_name.get(table.name, set()) | self._by_axes.get(axes_of(table), set())
        return [self.entries[at] for at in sorted(places)]


def axes_of(table: StatisticsTable) -> frozenset[str]:
    """Variables of a table, those that it is given among them."""
    return frozenset({*table.variables, *table.given})


def variables_of(entry: LedgerEntry) -> frozenset[str]:
    """Names that an entry is of: ``"tumour: family of entity,sex"`` is of entity and sex."""
    names = entry.of.partition(": ")[2] or entry.of
    found = (name.strip().removeprefix("family of ") for name in names.split(","))
    return frozenset(name for name in found if name)


def _is_scale(noise_sd: float, entries: Iterable[LedgerEntry]) -> bool:
    """Whether a table's noise is that of one of its entries, or of all of them combined.

    Combined as inverse-variance weights do it: the square of one over the noise is the sum of
    those of the entries.
    """
    scales = [entry.scale for entry in entries]
    combined = math.fsum(scale**-2 for scale in scales) ** -0.5
    return any(math.isclose(noise_sd, scale, rel_tol=1e-4) for scale in (*scales, combined))


@dataclass(frozen=True)
class RowsBehind:
    """Rows with which one unit may count in what an entry measures.

    The most rows that are kept of any table of the records which the entry's variables come
    from; of all tables where that is not known.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
        Says of which table of the records a variable is.
    """

    pack: StatisticsPack
    schema: Schema

    @cached_property
    def _kept(self) -> dict[str, int]:
        ledger = self.pack.ledger
        return dict(ledger.rows_per_unit) if ledger is not None else {}

    @cached_property
    def _tables(self) -> dict[str, frozenset[str]]:
        return {table.name: axes_of(table) for table in self.pack.tables}

    @cached_property
    def _columns(self) -> dict[str, str]:
        return {variable.name: str(variable.column or "") for variable in self.schema.variables}

    def __call__(self, entry: LedgerEntry) -> int:
        """Rows behind one entry."""
        rows = self._kept
        record_table = entry.of.partition(": ")[0]
        if record_table in rows:  # it says itself whose rows it counts
            return rows[record_table]
        names = self._tables[entry.of] if entry.of in self._tables else variables_of(entry)
        columns = [self._columns.get(name, "") for name in names]
        tables = {column.partition(".")[0] for column in columns if column}
        known = [rows[name] for name in tables if name in rows]
        return max(known or rows.values(), default=1)
