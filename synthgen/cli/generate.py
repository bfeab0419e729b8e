"""``synthgen generate``: a model becomes a cohort."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

#: A report is drawn for cohorts up to this size [patients]; beyond it says nothing new.
REPORTED = 200_000


def parse_where(conditions: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Codes by variable from ``entity=thymoma,gist`` options.

    Raises
    ------
    UsageError
        If an option is not of that form, or names a variable twice.
    """
    from synthgen.errors import UsageError

    where: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        name, equals, codes = condition.partition("=")
        chosen = tuple(c.strip() for c in codes.split(",") if c.strip())
        if not equals or not name.strip() or not chosen:
            raise UsageError(f"--where {condition}: must be as entity=osteosarcoma,chondrosarcoma")
        if name.strip() in where:
            raise UsageError(f"--where {name.strip()}: stands twice; list its codes in one option")
        where[name.strip()] = chosen
    return where


@click.command()
@click.argument("model")
@click.option("-n", "patients", type=int, required=True, help="Number of patients.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the cohort."
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="0 or more; the same seed gives the same bytes.",
)
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="VARIABLE=CODE,...",
    help="Only such patients, exactly; may be repeated.",
)
@click.option(
    "--format", "formats", default="csv,parquet", show_default=True, help="Of csv, parquet, duckdb."
)
@click.option("--cut-off", default="", metavar="DATE", help="Last day of follow-up, as 2022-12-31.")
@click.option(
    "--lost-per-year",
    type=float,
    default=0.0,
    show_default=True,
    help="Hazard of loss to follow-up.",
)
@click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    help="Worker processes; changes nothing but the time.",
)
@click.option(
    "--report/--no-report",
    "with_report",
    default=None,
    help=f"Draw report.html (by default up to {REPORTED:,} patients).",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language the report opens in.",
)
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def command(
    model: str,
    patients: int,
    output: Path,
    seed: int,
    conditions: tuple[str, ...],
    formats: str,
    cut_off: str,
    lost_per_year: float,
    jobs: int,
    with_report: bool | None,
    lang: str,
    force: bool,
    as_json: bool,
) -> None:
    """Generate a cohort from MODEL (a shipped id or a folder).

    \b
    Examples:
      synthgen generate kr-demo -n 5000 -o cohort
      synthgen generate kr-demo -n 300 --where entity=osteosarcoma --seed 7 -o bone
    """
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.follow_up import FollowUpRule
    from synthgen.cohort.generate import generate
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort
    from synthgen.fidelity.compare import compare
    from synthgen.report.cohort_page import write_report

    loaded = load_model(model)
    default = settings_for(loaded, patients, seed=seed, where=parse_where(conditions))
    rule = FollowUpRule(cut_off or default.follow_up.cut_off, lost_per_year)
    settings = settings_for(loaded, patients, seed=seed, where=default.where, follow_up=rule)

    def draw(folder: Path) -> None:
        cohort = generate(loaded, patients, seed=seed, where=settings.where, follow_up=rule)
        write_report(folder / "report.html", loaded, cohort, compare(loaded, cohort), language=lang)

    drawn = patients <= REPORTED if with_report is None else with_report
    with click.progressbar(length=patients, label="Patients", file=sys.stderr) as bar:
        manifest = write_cohort(
            loaded,
            settings,
            output,
            formats=tuple(f.strip() for f in formats.split(",") if f.strip()),
            jobs=jobs,
            force=force,
            progress=partial(_advance, bar),
            finish=draw if drawn else None,
        )
    if as_json:
        click.echo(json.dumps(manifest, ensure_ascii=False, indent=1))
        return
    rows = ", ".join(f"{name} {facts['rows']:,}" for name, facts in manifest["tables"].items())
    click.echo(f"{loaded.id}, seed {seed}: {rows}")
    click.echo(f"Wrote {output}. Next: synthgen check {output}", err=True)


def _advance(bar: Any, written: int) -> None:
    bar.update(written - bar.pos)
