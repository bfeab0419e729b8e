"""``synthgen demo``: the whole way from published statistics to a report, in one command."""

from __future__ import annotations

from pathlib import Path

import click

MODEL = "kr-demo"
PATIENTS = 2_000
SEED = 7


@click.command()
@click.option(
    "-o",
    "--output",
    default="synthgen-demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the cohort.",
)
@click.option("-n", "patients", default=PATIENTS, show_default=True, help="Number of patients.")
@click.option(
    "--seed", default=SEED, show_default=True, help="0 or more; the same seed gives the same bytes."
)
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language the report opens in.",
)
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
def command(output: Path, patients: int, seed: int, lang: str, force: bool) -> None:
    """Make a cohort of Korean rare-cancer patients, check it and report on it, offline.

    \b
    Examples:
      synthgen demo
      synthgen demo -n 10000 --lang ko -o my-demo
    """
    from synthgen import __version__
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.generate import cohort_of
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort
    from synthgen.errors import ContractError
    from synthgen.fidelity.compare import compare
    from synthgen.report.cohort_page import write_report
    from synthgen.schema.validation import check_tables

    model = load_model(MODEL)
    settings = settings_for(model, patients, seed=seed)
    pack = model.pack
    click.echo(f"synthgen {__version__} demo: {pack.title}")
    click.echo(
        f"  input   {len(pack.tables)} published tables, {len(model.gaps):,} values; "
        f"origin {model.origin}"
    )
    checked: list[str] = []

    def finish(folder: Path) -> None:
        report = check_tables(folder, model.schema)
        broken = report.impossible
        if broken:
            raise ContractError(
                f"demo cohort: breaks {broken[0].rule} ({len(broken)} broken rules)"
            )
        checked.append(f"schema {model.schema.key} holds, 0 broken rules")
        cohort = cohort_of(model, settings)
        comparisons = compare(model, cohort)
        write_report(folder / "report.html", model, cohort, comparisons, language=lang)

    manifest = write_cohort(
        model, settings, output, formats=("csv", "parquet", "duckdb"), force=force, finish=finish
    )
    rows = ", ".join(f"{name} {facts['rows']:,}" for name, facts in manifest["tables"].items())
    near = sum(abs(g.standard_errors) <= 2 for g in model.gaps)
    click.echo(f"  tables  {rows} (seed {seed})")
    click.echo(f"  checks  {checked[0]}")
    click.echo(
        f"  fit     {near:,} of {len(model.gaps):,} published values within 2 standard errors "
        "of the model"
    )
    click.echo(f"  wrote   {output}/ (csv, parquet, cohort.duckdb, report.html, DATA_CARD.md)")
    click.echo(f"Open: {output / 'report.html'}", err=True)
    click.echo(
        f"Next: synthgen generate {MODEL} -n 5000 --where entity=osteosarcoma -o bone", err=True
    )
