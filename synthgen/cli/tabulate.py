"""``synthgen tabulate``: records become a statistics pack, the one way out of an enclave."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click


@click.command()
@click.argument("records")
@click.option("--schema", required=True, metavar="S", help="Id or folder of the records' schema.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=None, help="Folder of the pack."
)
@click.option(
    "--plan",
    "plan_path",
    type=click.Path(path_type=Path),
    default=None,
    help="Which tables to count (JSON, plan/1); without it the records choose.",
)
@click.option(
    "--min-cell",
    type=int,
    default=5,
    show_default=True,
    metavar="K",
    help="Counts below K are hidden, and what would give them away.",
)
@click.option("--round", "round_to", type=int, default=None, metavar="B", help="Round counts to B.")
@click.option(
    "--unprotected",
    is_flag=True,
    help="Exact counts; the pack is marked and must not leave the enclave.",
)
@click.option(
    "--bins-from-data",
    is_flag=True,
    help="Make bins of the records where the schema has none; they are marked.",
)
@click.option("--max-cells", type=int, default=None, help="Most cells of a table.")
@click.option("--table", default=None, metavar="T", help="Table that a single file holds.")
@click.option(
    "--hospital", default="", metavar="H", help="HOSP_CD, where meta-statistics are of several."
)
@click.option("--population", default="", help="Whom the records are about, in words.")
@click.option("--period", default="", help="When, as 2015-2020.")
@click.option("--allow-repeated", is_flag=True, help="Rows may agree in all but identifiers.")
@click.option(
    "--as-of",
    default="",
    metavar="DATE",
    help="Later dates are in the future and refused; today by default.",
)
@click.option("--epsilon", type=float, default=None, metavar="E", help="Differential privacy.")
@click.option(
    "--delta", type=float, default=None, metavar="D", help="With --epsilon; below 1 / patients."
)
@click.option(
    "--prior", default="", metavar="PACK", help="With --epsilon: public pack to start from."
)
@click.option("--patient", default="", metavar="COLUMN", help="Whose a row of the first table is.")
@click.option(
    "--rows-per-patient",
    "rows_per_patient",
    multiple=True,
    metavar="[TABLE=]K",
    help="Rows of a patient that are kept; 1 by default. May be given for several tables.",
)
@click.option(
    "--expect-n", type=int, default=None, metavar="N", help="Patients to expect, publicly known."
)
@click.option(
    "--budget",
    type=click.Path(path_type=Path),
    default=None,
    help="File in which private tabulations of the same records add up.",
)
@click.option("--dry-run", is_flag=True, help="Print variables and tables; write nothing.")
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
def command(
    records: str,
    schema: str,
    output: Path | None,
    plan_path: Path | None,
    min_cell: int,
    round_to: int | None,
    unprotected: bool,
    bins_from_data: bool,
    max_cells: int | None,
    table: str | None,
    hospital: str,
    population: str,
    period: str,
    allow_repeated: bool,
    as_of: str,
    epsilon: float | None,
    delta: float | None,
    prior: str,
    patient: str,
    rows_per_patient: tuple[str, ...],
    expect_n: int | None,
    budget: Path | None,
    dry_run: bool,
    force: bool,
) -> None:
    """Tabulate RECORDS (CSV, Parquet, DuckDB or postgresql://...) into a statistics pack.

    A folder of K-CURE's meta-statistics tables is read as counts that were made already.
    No value of a record is printed, whatever goes wrong.  With --epsilon and --delta the counts
    get noise (differential privacy, unit patient) and the pack a ledger of what they cost.

    \b
    Examples:
      synthgen tabulate delivery/ --schema my-schema -o pack
      synthgen tabulate records.parquet --schema my-schema --plan plan.json --round 5 -o pack
      synthgen tabulate delivery/ --schema my-schema --epsilon 1 --delta 1e-6 -o pack
      synthgen tabulate metastat/ --schema kcure-rgst@1 -o pack
    """
    from synthgen.cli.tabulate_counts import tabulate_counts
    from synthgen.cli.tabulate_private import Call, run_private
    from synthgen.enclave.plan import read_plan
    from synthgen.enclave.settings import Settings
    from synthgen.enclave.tabulate import tabulate
    from synthgen.errors import UsageError
    from synthgen.messages import amount
    from synthgen.schema.load import load_schema
    from synthgen.statistics.metastatistics import is_metastatistics
    from synthgen.statistics.write import write_pack

    if output is None and not dry_run:
        raise UsageError("no -o OUTPUT: say where the pack shall stand, or --dry-run")
    private = Call(
        epsilon, delta, prior, patient, rows_per_patient, expect_n, budget, dry_run, force
    )
    private.require_epsilon()
    asked = Settings(
        plan=None if plan_path is None else read_plan(plan_path),
        min_cell=min_cell,
        round_to=round_to,
        unprotected=unprotected,
        bins_from_data=bins_from_data,
        max_cells=max_cells,
        population=population,
        period=period,
        as_of=last_day(as_of),
        allow_repeated=allow_repeated,
        table=table,
    )
    if is_metastatistics(Path(records)):
        if epsilon is not None:
            raise UsageError(f"{records}: holds meta-statistics; --epsilon is for records")
        made_at = None if dry_run else output
        tabulate_counts(Path(records), schema, asked, made_at, hospital=hospital, force=force)
        return
    if epsilon is not None:
        run_private(records, load_schema(schema), asked, private, output)
        return
    made = tabulate(
        records, load_schema(schema), asked, notice=lambda line: click.echo(line, err=True)
    )
    pack = made.pack
    if dry_run and pack.own_schema is not None:
        for variable in pack.own_schema.variables:
            bins = ", bins of the records" if variable.bins_from == "records" else ""
            where = variable.column or ", ".join(variable.joins)
            click.echo(f"variable {variable.name}: {where}, {len(variable.codes)} categories{bins}")
    for made_table in pack.tables:
        given = f" | {', '.join(made_table.given)}" if made_table.given else ""
        names = ", ".join(made_table.variables)
        click.echo(f"{made_table.kind} {names}{given}: {amount(len(made_table.cells), 'cell')}")
    for column in made.left_out:
        click.echo(f"left out: {column}", err=True)
    if output is None or dry_run:
        return
    write_pack(pack, output, force=force)
    click.echo(f"Wrote {output}. Next: synthgen audit {output}", err=True)


def last_day(text: str) -> date:
    """Day of an option, today where it is empty.

    Raises
    ------
    UsageError
        If it is no day.
    """
    from synthgen.errors import UsageError

    if not text:
        return datetime.now().astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text}: is no day; it must be as 2022-12-31") from None
