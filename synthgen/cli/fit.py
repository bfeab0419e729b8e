"""``synthgen fit``: a statistics pack becomes a model."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("pack")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the model."
)
@click.option("--id", "model_id", default="", help="Name of the model; by default the pack's.")
@click.option(
    "--prior",
    default="",
    metavar="PRIOR",
    help="Model or pack over the same schema: the reference where PACK says little.",
)
@click.option(
    "--allow-contradictions",
    is_flag=True,
    help="Fit even if published tables contradict each other; the gap table shows where.",
)
@click.option(
    "--schema",
    "schema_id",
    default="",
    metavar="S",
    help="PACK is records under this schema (enclave only; the model stays inside).",
)
@click.option("--engine", default="own", show_default=True, help="Engine fitted to records.")
@click.option(
    "--table", default=None, metavar="T", help="Table that a single file of records holds."
)
@click.option("--max-cells", type=int, default=None, help="Most cells of a table of records.")
@click.option("--min-leaf", type=int, default=None, help="Fewest persons of a leaf of a forest.")
@click.option("--allow-repeated", is_flag=True, help="Records may agree in all but identifiers.")
@click.option("--as-of", default="", metavar="DATE", help="Later dates of records are refused.")
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
def command(
    pack: str,
    output: Path,
    model_id: str,
    prior: str,
    allow_contradictions: bool,
    schema_id: str,
    engine: str,
    table: str | None,
    max_cells: int | None,
    min_leaf: int | None,
    allow_repeated: bool,
    as_of: str,
    force: bool,
) -> None:
    """Fit a model to a statistics PACK (a folder, or ID/statistics of a shipped model).

    With --prior, exact counts of few records (tabulate --unprotected) are drawn towards it:
    margins mostly their own, dependence mostly the prior's.

    With --schema, PACK is records (CSV, Parquet, DuckDB or postgresql://...): the model then
    holds counts of them, is marked "enclave, no formal protection", and stays inside.

    \b
    Examples:
      synthgen fit kr-demo/statistics -o my-model
      synthgen fit my-hospital --prior kr-demo -o my-model
      synthgen fit records/ --schema my-schema -o my-model
    """
    from synthgen.cli.tabulate import last_day
    from synthgen.cohort.artefact import save_model
    from synthgen.cohort.priors import read_prior, record_of
    from synthgen.enclave.engines import Request, engine_of
    from synthgen.enclave.fit import fit_tabulated
    from synthgen.errors import UsageError
    from synthgen.models.fit import CONFLICT, fit_pack
    from synthgen.models.pack_contradictions import require_consistent
    from synthgen.models.prior import fit_with_prior, require_usable
    from synthgen.models.shrinkage import fit_few, holds_exact_counts, worth_told
    from synthgen.schema.load import load_schema
    from synthgen.statistics.locate import pack_folder
    from synthgen.statistics.model import UNPROTECTED
    from synthgen.statistics.read import read_pack, schema_of

    if schema_id:
        if prior:
            raise UsageError("--prior: goes with a pack, not with records")
        if min_leaf is not None and engine != "forest":
            raise UsageError("--min-leaf: goes with --engine forest")
        request = Request(
            table, last_day(as_of), allow_repeated, max_cells, model_id, force, min_leaf
        )
        model = engine_of(engine)(pack, load_schema(schema_id), output, request)
        click.echo(
            f"{model.id}: {len(model.distribution.domain.names)} variables, "
            f"{len(model.pack.tables)} tables of records; {UNPROTECTED}"
        )
        click.echo(f"Wrote {output}. Next: synthgen generate {output} -n 1000 -o cohort", err=True)
        return
    read = read_pack(pack_folder(pack), load_schema)
    schema = schema_of(read)
    of_records = read.own_schema is not None
    if not allow_contradictions and not of_records:
        require_consistent(read, schema)
    record, told = None, ""
    if of_records and not prior:
        fit = fit_tabulated(read, schema)
    elif prior:
        reference = read_prior(prior)
        require_usable(reference, read)
        record = record_of(reference)
        if holds_exact_counts(read):
            fit, worth = fit_few(read, schema, reference.distribution)
            told = worth_told(worth)
        else:
            result = fit_with_prior(read, schema, reference)
            fit = result.fit
            told = (
                f"no published value moved by more than {result.largest_move:.2f} standard errors"
            )
    else:
        fit = fit_pack(read, schema)
    model = save_model(output, model_id or read.id, schema, read, fit, prior=record, force=force)
    conflicts = sum(abs(g.standard_errors) > CONFLICT for g in model.gaps)
    click.echo(
        f"{model.id}: {len(model.gaps):,} published values, "
        f"{len(model.distribution.domain.names)} variables, residual {model.residual:.1e} "
        f"standard errors; {conflicts} values further than {CONFLICT:g} standard errors "
        f"from the model"
    )
    if record is not None:
        click.echo(f"Prior {record.id}: {told}")
    click.echo(f"Wrote {output}. Next: synthgen generate {output} -n 1000 -o cohort", err=True)
