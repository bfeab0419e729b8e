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
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
def command(
    pack: str, output: Path, model_id: str, prior: str, allow_contradictions: bool, force: bool
) -> None:
    """Fit a model to a statistics PACK (a folder, or ID/statistics of a shipped model).

    \b
    Examples:
      synthgen fit kr-demo/statistics -o my-model
      synthgen fit my-hospital --prior kr-demo -o my-model
    """
    from synthgen.cohort.artefact import save_model
    from synthgen.cohort.priors import read_prior, record_of
    from synthgen.models.fit import CONFLICT, fit_pack
    from synthgen.models.pack_contradictions import require_consistent
    from synthgen.models.prior import fit_with_prior, require_usable
    from synthgen.schema.load import load_schema
    from synthgen.statistics.locate import pack_folder
    from synthgen.statistics.read import read_pack

    read = read_pack(pack_folder(pack), load_schema)
    schema = load_schema(read.schema)
    if not allow_contradictions:
        require_consistent(read, schema)
    record, moved = None, 0.0
    if prior:
        reference = read_prior(prior)
        require_usable(reference, read)
        result, record = fit_with_prior(read, schema, reference), record_of(reference)
        fit, moved = result.fit, result.largest_move
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
        click.echo(
            f"Prior {record.id}: no published value moved by more than {moved:.2f} standard errors"
        )
    click.echo(f"Wrote {output}. Next: synthgen generate {output} -n 1000 -o cohort", err=True)
