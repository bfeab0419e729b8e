"""``synthgen generate``: a model becomes a cohort."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
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
@click.argument("model", required=False)
@click.option(
    "--records",
    default="",
    metavar="R",
    help="In place of MODEL: records that an engine without a model is fitted to (enclave only).",
)
@click.option(
    "--schema", "schema_id", default="", metavar="S", help="With --records: their schema."
)
@click.option("--engine", default="", help="With --records: sdv-ctgan or sdv-tvae.")
@click.option(
    "--epochs", type=int, default=None, help="With --records: passes over them. [default: 300]"
)
@click.option("--table", default=None, metavar="T", help="With --records: table of a single file.")
@click.option(
    "--as-of", default="", metavar="DATE", help="With --records: later dates are refused."
)
@click.option(
    "--allow-repeated", is_flag=True, help="With --records: they may agree in all but identifiers."
)
@click.option("-n", "patients", type=int, default=None, help="Number of patients.")
@click.option(
    "--years",
    type=int,
    default=None,
    metavar="Y",
    help="Instead of -n: what a population has in Y years, drawn around the expected cases.",
)
@click.option(
    "--population",
    default="",
    metavar="NAME",
    help="With --years: a region, as gangwon or 강원. [default: the whole target population]",
)
@click.option(
    "--age-adjustment/--no-age-adjustment",
    "age_adjusted",
    default=True,
    help="With --years: rates by sex and age times the people of each, or one rate for all.",
)
@click.option(
    "--trend/--no-trend",
    default=True,
    help="With --years: rates carried to the target year, or as they were published.",
)
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
    "--names",
    type=click.Choice(["ko", "et"]),
    default=None,
    help="Add a column of invented names, marked as invented.",
)
@click.option(
    "--clinical",
    is_flag=True,
    help="Ten clinical tables as well: stages, pathology, markers, treatments, events.",
)
@click.option(
    "--assumed/--no-assumed",
    default=True,
    help="With --clinical: fill in what nobody published, or leave it out.",
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
    model: str | None,
    records: str,
    schema_id: str,
    engine: str,
    epochs: int | None,
    table: str | None,
    as_of: str,
    allow_repeated: bool,
    patients: int | None,
    years: int | None,
    population: str,
    age_adjusted: bool,
    trend: bool,
    output: Path,
    seed: int,
    conditions: tuple[str, ...],
    formats: str,
    cut_off: str,
    lost_per_year: float,
    further_tumours: float | None,
    names: str | None,
    clinical: bool,
    assumed: bool,
    replicates: int | None,
    jobs: int,
    with_report: bool | None,
    lang: str,
    force: bool,
    as_json: bool,
) -> None:
    """Generate a cohort from MODEL (a shipped id or a folder), or from records.

    With --records an engine fits and draws in one process; no model is saved, and no
    guarantee covers the rows.

    \b
    Examples:
      synthgen generate kr-demo -n 5000 -o cohort
      synthgen generate kr-demo -n 300 --where entity=osteosarcoma --seed 7 -o bone
      synthgen generate kr-demo -n 300 --replicates 20 -o replicates
      synthgen generate kr-rare --population gangwon --years 5 -o gangwon
      synthgen generate --records r/ --schema my-schema --engine sdv-tvae -n 500 -o cohort
    """
    from synthgen.cli.records_cohort import FromRecords, generate_of_records
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.follow_up import FollowUpRule
    from synthgen.cohort.of_records import is_of_records
    from synthgen.cohort.settings import default_cut_off, requested
    from synthgen.cohort.write import write_cohort
    from synthgen.errors import UsageError
    from synthgen.report.targets import draw_report

    wanted = tuple(f.strip() for f in formats.split(",") if f.strip())
    of_a_model = {
        "--years": years is not None,
        "--population": population,
        "--no-age-adjustment": not age_adjusted,
        "--no-trend": not trend,
        "--where": conditions,
        "--cut-off": cut_off,
        "--lost-per-year": lost_per_year,
        "--further-tumours": further_tumours is not None,
        "--names": names,
        "--replicates": replicates is not None,
        "--jobs": jobs != 1,
        "--report": with_report,
    }
    asked = FromRecords(records, schema_id, engine, epochs, table, as_of, allow_repeated)
    if asked.asked(model, of_a_model) or model is None:
        generate_of_records(
            asked, patients, seed, output, formats=wanted, force=force, as_json=as_json
        )
        return
    loaded = load_model(model)
    more: dict[str, Any] = {"names": names or ""}
    if not assumed and not clinical:
        raise UsageError("--no-assumed: goes with --clinical")
    if clinical:
        more["clinical"] = "all" if assumed else "published"
    if further_tumours is not None:
        more["further_tumours"] = further_tumours
    rule = FollowUpRule(cut_off or default_cut_off(loaded), lost_per_year)
    settings = requested(
        loaded,
        patients,
        years,
        population,
        age_adjusted=age_adjusted,
        trend=trend,
        seed=seed,
        where=parse_where(conditions),
        follow_up=rule,
        **more,
    )

    of_records = is_of_records(loaded)
    if of_records and (with_report or replicates is not None):
        raise UsageError(
            "--report, --replicates: a model of records has no published values to speak of"
        )
    draw = partial(draw_report, lang)
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
    drawn = not of_records and 0 < settings.n <= REPORTED if with_report is None else with_report
    with _bar("Patients", settings.n) as bar:
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
    for line in _expected_lines(settings, manifest, lang):
        click.echo(line)
    rows = ", ".join(f"{name} {facts['rows']:,}" for name, facts in manifest["tables"].items())
    click.echo(f"{loaded.id}, seed {seed}: {rows}")
    click.echo(f"Wrote {output}. Next: synthgen check {output}{_own_schema(model)}", err=True)


def _own_schema(model: str) -> str:
    """The option that says where the schema of a cohort is, if the model brought its own."""
    from synthgen.resources import shipped
    from synthgen.statistics.descriptor import SCHEMA

    folder = Path(model) / "statistics" / SCHEMA
    own = model not in shipped("fitted_models") and folder.is_dir()
    return f" --schema {folder}" if own else ""


def _expected_lines(settings: Settings, manifest: dict[str, Any], language: str) -> Iterator[str]:
    """What was expected of a population, and what was drawn."""
    from synthgen.messages import message

    residents = settings.residents
    if residents is None:
        return
    yield message(
        "population.drawn",
        language,
        population=residents.label(language),
        years=residents.years,
        expected=_cases(residents.expected),
        drawn=f"{settings.n:,}",
    )
    places = manifest["expected_cases"]["places"]
    if places:
        title = "title_ko" if language == "ko" else "title"
        listed = ", ".join(f"{p[title]} {_cases(p['expected_cases'])}" for p in places)
        yield message("population.places", language, places=listed)


def _cases(number: float) -> str:
    return f"{number:,.1f}" if number >= 10 else f"{number:.2g}"


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
    with _bar("Replicates", count) as bar:
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


def _bar(label: str, length: int) -> Any:
    """A bar on stderr, silent off a terminal."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)


def _advance(bar: Any, written: int) -> None:
    bar.update(written - bar.pos)
