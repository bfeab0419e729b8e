"""``synthgen tabulate --epsilon``: counts with noise, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from synthgen.enclave.settings import Settings
    from synthgen.schema.model import Schema

#: Expectations that are printed of a dry run; the tables come first, then the worst strata.
PRINTED = 60


@dataclass(frozen=True)
class Call:
    """Options of a private tabulation, as they were typed."""

    epsilon: float | None
    delta: float | None
    prior: str
    patient: str
    rows_per_patient: tuple[str, ...]
    expect_n: int | None
    budget: Path | None
    dry_run: bool
    force: bool

    def require_epsilon(self) -> None:
        """Refuse options that mean nothing without ``--epsilon``.

        Raises
        ------
        UsageError
            If one is given.
        """
        from synthgen.errors import UsageError

        if self.epsilon is not None:
            return
        given = {
            "--delta": self.delta,
            "--prior": self.prior,
            "--patient": self.patient,
            "--rows-per-patient": self.rows_per_patient,
            "--expect-n": self.expect_n,
            "--budget": self.budget,
        }
        lost = [name for name, value in given.items() if value not in (None, "", ())]
        if lost:
            raise UsageError(f"{lost[0]}: goes with --epsilon, which is not given")

    def rows(self) -> dict[str, int]:
        """Rows per patient by table, ``""`` for all.

        Raises
        ------
        UsageError
            If one is no ``K`` or ``TABLE=K``.
        """
        from synthgen.errors import UsageError

        found = {}
        for text in self.rows_per_patient:
            name, _, number = text.rpartition("=")
            if not number.isdecimal():
                raise UsageError(f"--rows-per-patient {text}: must be a number, or TABLE=NUMBER")
            found[name] = int(number[:9])
        return found


def run_private(
    records: str, schema: Schema, asked: Settings, call: Call, output: Path | None
) -> None:
    """Tabulate with differential privacy, or say what could be expected of it.

    Raises
    ------
    PrivacyBudgetError
        If the claim, the prior, the plan or the budget does not allow it.
    RecordsError
        If the records cannot be read or break their schema.
    MissingExtraError
        If OpenDP is not installed.
    """
    from synthgen.enclave.private.dry_run import refuse_noise
    from synthgen.enclave.private.prior import read_public_prior
    from synthgen.enclave.private.settings import SAFE_DELTA, PrivateSettings
    from synthgen.enclave.private.tabulate import dry_run, tabulate_private
    from synthgen.errors import UsageError
    from synthgen.messages import amount
    from synthgen.statistics.locate import pack_folder
    from synthgen.statistics.write import write_pack

    settings = PrivateSettings(
        call.epsilon or 0.0,
        SAFE_DELTA if call.delta is None else call.delta,
        asked,
        call.rows(),
        call.patient,
        call.expect_n,
        read_public_prior(pack_folder(call.prior)) if call.prior else None,
        call.budget,
    )
    if call.dry_run:
        expected = dry_run(records, schema, settings)
        tables = [e for e in expected if " | " not in e.of]
        strata = sorted((e for e in expected if " | " in e.of), key=lambda e: -e.error)
        for line in [e.line for e in (*tables, *strata)][:PRINTED]:
            click.echo(line)
        if call.expect_n is not None and not call.prior:
            refuse_noise(expected)
        return
    if output is None:
        raise UsageError("no -o OUTPUT: say where the pack shall stand, or --dry-run")
    if output.exists() and not call.force:  # asked before anything is spent
        raise UsageError(f"{output}: exists already; choose another name or use --force")
    made = tabulate_private(
        records, schema, settings, notice=lambda line: click.echo(line, err=True)
    )
    for table in made.pack.tables:
        names = ", ".join(table.variables)
        noise = table.protection.noise_sd
        said = "public" if noise is None else f"noise +-{noise:.1f}"
        click.echo(f"{table.kind} {names}: {amount(len(table.cells), 'cell')}, {said}")
    for column in made.left_out:
        click.echo(f"left out: {column}", err=True)
    write_pack(made.pack, output, force=call.force)
    ledger = made.pack.ledger
    if ledger is not None:
        click.echo(
            f"Epsilon {ledger.epsilon:g}, delta {ledger.delta:g}, rho {ledger.rho:.4g} in "
            f"{len(ledger.entries)} questions; noise of {ledger.noise}"
        )
    click.echo(f"Wrote {output}. Next: synthgen fit {output} -o model", err=True)
