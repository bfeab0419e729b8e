"""``synthgen export``: a cohort in the format that a program reads."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("cohort", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, metavar="TARGET", help="Format to write.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the target."
)
@click.option(
    "--schema", "own_schema", default="", help="Folder of the cohort's schema, if it is yours."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write."
)
@click.option("--force", is_flag=True, help="Replace the folder if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    cohort: Path,
    target: str,
    options: tuple[str, ...],
    own_schema: str,
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Write COHORT in another format: OMOP, FHIR, a registry's file, SQLite, Excel.

    COHORT is a folder that generate made.  Targets are omop-5.4 and omop-5.3 (DuckDB file
    and CSV), fhir-mcode (NDJSON), encr-jrc (incidence file of European registries),
    kcure-rgst (table CNCR_RGST of the Korean central cancer registry), kcure-ccld (common core
    of the Korean clinical library), kcure-metastat (its meta-statistics), sqlite and excel.
    Options: athena, country (omop), bundles, country (fhir-mcode), geo (encr-jrc),
    hospital (kcure-*), prefix, availability=full (kcure-ccld), tables=kcure (kcure-metastat),
    bom=yes (Excel then reads the Korean text of the CSV).

    \b
    Examples:
      synthgen export cohort --to omop-5.4 -o omop
      synthgen export cohort --to kcure-rgst -o registry
      synthgen export cohort --to encr-jrc --option geo=EE00 -o encr
      synthgen export cohort --to sqlite -o database
    """
    from synthgen.errors import UsageError
    from synthgen.exports import export_cohort
    from synthgen.messages import amount

    given = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"--option {option}: must be NAME=VALUE")
        given[name] = value
    made = export_cohort(cohort, target, output, options=given, force=force, own_schema=own_schema)
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False, indent=1))
        return
    for name, rows in made["rows"].items():
        click.echo(f"{output / name if '.' in name else name}: {amount(rows, 'row')}")
