"""``synthgen generate``: a model becomes a cohort."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel
    from synthgen.cohort.settings import Settings

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
    "--further-tumours",
    type=float,
    default=None,
    metavar="RATE",
    help="Further primary tumours per person-year of follow-up; 0 for none. "
    "[default: 0.00733, published for Korea]",
)
@click.option(
    "--replicates",
    type=int,
    default=None,
    metavar="M",
    help="Write M cohorts, each from statistics drawn anew, with the band of every value.",
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
    help=f"Draw report.html (by default up to {REPORTED:,} patients, not for replicates).",
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
    further_tumours: float | None,
    replicates: int | None,
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
      synthgen generate kr-demo -n 300 --replicates 20 -o replicates
    """
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.follow_up import FollowUpRule
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import write_cohort

    loaded = load_model(model)
    default = settings_for(loaded, patients, seed=seed, where=parse_where(conditions))
    rule = FollowUpRule(cut_off or default.follow_up.cut_off, lost_per_year)
    rates = {} if further_tumours is None else {"further_tumours": further_tumours}
    settings = settings_for(
        loaded, patients, seed=seed, where=default.where, follow_up=rule, **rates
    )

    wanted = tuple(f.strip() for f in formats.split(",") if f.strip())
    draw = partial(_draw, lang)
    if replicates is not None:
        _replicates(
            loaded,
            settings,
            output,
            replicates,
            as_json=as_json,
            formats=wanted,
            jobs=jobs,
            force=force,
            finish=draw if with_report else None,
        )
        return
    drawn = patients <= REPORTED if with_report is None else with_report
    with click.progressbar(length=patients, label="Patients", file=sys.stderr) as bar:
        manifest = write_cohort(
            loaded,
            settings,
            output,
            formats=wanted,
            jobs=jobs,
            force=force,
            progress=partial(_advance, bar),
            finish=partial(draw, loaded, settings) if drawn else None,
        )
    if as_json:
        click.echo(json.dumps(manifest, ensure_ascii=False, indent=1))
        return
    rows = ", ".join(f"{name} {facts['rows']:,}" for name, facts in manifest["tables"].items())
    click.echo(f"{loaded.id}, seed {seed}: {rows}")
    click.echo(f"Wrote {output}. Next: synthgen check {output}", err=True)


def _draw(language: str, model: FittedModel, settings: Settings, folder: Path) -> None:
    """Draw the report of a cohort into its folder."""
    from synthgen.cohort.generate import cohort_of
    from synthgen.fidelity.compare import compare
    from synthgen.report.cohort_page import write_report

    cohort = cohort_of(model, settings)
    write_report(folder / "report.html", model, cohort, compare(model, cohort), language=language)


def _replicates(
    model: FittedModel,
    settings: Settings,
    output: Path,
    count: int,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Write replicate cohorts and say how the published values fared."""
    from synthgen.cohort.replicates import (
        BAND,
        ENOUGH,
        SUMMARY,
        replicate_name,
        require_count,
        write_replicates,
    )

    require_count(count)
    with click.progressbar(length=count, label="Replicates", file=sys.stderr) as bar:
        made = write_replicates(
            model, settings, output, count, progress=partial(_advance, bar), **options
        )
    if as_json:
        facts = {
            "replicates": [replicate_name(number, count) for number in range(1, count + 1)],
            "published_values": len(model.gaps),
            "band": BAND,
            "inside": made.inside,
        }
        click.echo(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    fared = (
        f"{made.inside:.1%} of {len(model.gaps):,} published values lie in their {BAND:.0%} band"
    )
    click.echo(
        f"{model.id}, seed {settings.seed}: {count:,} replicates of {settings.n:,} patients; "
        + (fared if count >= ENOUGH else f"a {BAND:.0%} band takes {ENOUGH} or more")
    )
    click.echo(
        f"Wrote {output}. Next: open {output / SUMMARY}, or synthgen check "
        f"{output / replicate_name(1, count)}",
        err=True,
    )


def _advance(bar: Any, written: int) -> None:
    bar.update(written - bar.pos)
