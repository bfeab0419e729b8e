"""``synthgen show``: a schema's code book, a pack with its sources, a model's card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from synthgen.statistics.model import StatisticsPack


@click.command()
@click.argument("name")
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of titles and words.",
)
@click.option(
    "--html",
    "as_html",
    is_flag=True,
    help="The code book of a schema, or the book of a pack, as HTML.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Write figures of a model into a new folder: SVG, and a page that prints them.",
)
@click.option("--force", is_flag=True, help="Replace what stands at DIR.")
def command(
    name: str, lang: str, as_html: bool, as_json: bool, figures: Path | None, force: bool
) -> None:
    """Show what NAME is: a schema, a model, a policy, or a pack (ID/statistics); an id or a path.

    Schemas of deliveries (omop@5.4, kcure-ccld@1) are those of check --schema.

    \b
    Examples:
      synthgen show rare-cancer --lang ko
      synthgen show kcure-ccld@1 --html > book.html
      synthgen show kr-demo
      synthgen show kr-demo/statistics
      synthgen show kr-demo/statistics --html > book.html
      synthgen show public
      synthgen show kr-demo --figures figures --lang ko
    """
    from synthgen.cli.policies import is_policy, show_policy
    from synthgen.errors import UsageError
    from synthgen.exports.contract import contract_target, contracts
    from synthgen.resources import shipped

    path = Path(name)
    if figures is not None:
        _figures(name, lang, figures, force=force)
        return
    is_model = name in shipped("fitted_models") or (path / "model.json").is_file()
    if as_html and (is_model or is_policy(name)):
        raise UsageError(
            f"{name}: --html is for a schema or a pack; a model has figures (--figures DIR), and "
            f"its pack is {name.rstrip('/')}/statistics"
            if is_model
            else f"{name}: --html is for a schema or a pack"
        )
    if is_policy(name):
        show_policy(name, lang, as_json=as_json)
    elif is_model:
        _model(name, lang, as_json=as_json)
    elif (
        name.split("@")[0] in shipped("schemas")
        or (path / "dataset.json").is_file()
        or (not path.exists() and contract_target(name))
    ):
        _schema(name, lang, as_html=as_html, as_json=as_json)
    elif not path.exists() and not name.endswith("/statistics"):
        raise UsageError(
            f"{name}: nothing of that name; synthgen catalog lists what is shipped, and schemas of "
            f"deliveries are {', '.join(contracts())}"
        )
    else:
        _pack(name, lang, as_html=as_html, as_json=as_json)


def _figures(name: str, lang: str, folder: Path, *, force: bool) -> None:
    """Figures of a model, or of the pack that a model stands around."""
    from synthgen.cohort.artefact import load_model
    from synthgen.errors import UsageError
    from synthgen.report.figures import INDEX, write_figures
    from synthgen.resources import shipped

    around = name.rstrip("/").removesuffix("/statistics")
    if around not in shipped("fitted_models") and not (Path(around) / "model.json").is_file():
        raise UsageError(
            f"{name}: figures are of a model; make one with synthgen fit {name} -o MODEL"
        )
    number = write_figures(load_model(around), folder, language=lang, force=force)
    click.echo(f"{number} figures in {folder}")
    click.echo(f"Open: {folder / INDEX}", err=True)


def _model(name: str, lang: str, *, as_json: bool) -> None:
    from synthgen.cohort.artefact import load_model
    from synthgen.cohort.model_card import model_card
    from synthgen.cohort.provenance import provenance

    model = load_model(name)
    if not as_json:
        click.echo(model_card(model, lang), nl=False)
        return
    rows = [
        {
            "entity": row.entity,
            "variable": row.variable,
            "relation": row.relation.value if row.relation else None,
            "cases": row.cases,
            "tables": list(row.tables),
        }
        for row in provenance(model)
    ]
    document = {"id": model.id, "sha256": model.sha256, "origin": model.origin, "provenance": rows}
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


def _schema(name: str, lang: str, *, as_html: bool, as_json: bool) -> None:
    from synthgen.exports.contract import schema_for
    from synthgen.schema.codebook import codebook_html, codebook_markdown
    from synthgen.schema.frictionless import to_datapackage

    schema = schema_for(name)
    if as_json:
        click.echo(json.dumps(to_datapackage(schema), ensure_ascii=False, indent=1))
    elif as_html:
        click.echo(codebook_html(schema, lang), nl=False)
    else:
        click.echo(codebook_markdown(schema, lang), nl=False)


def _pack(name: str, lang: str, *, as_html: bool, as_json: bool) -> None:
    from synthgen.schema.load import load_schema
    from synthgen.statistics.locate import pack_folder
    from synthgen.statistics.read import read_pack, schema_of

    pack = read_pack(pack_folder(name), load_schema)
    if as_html:
        from synthgen.report.pack_page import pack_book

        click.echo(pack_book(pack, schema_of(pack), language=lang), nl=False)
        return
    sections = _sections(pack, lang)
    if as_json:
        click.echo(json.dumps({"id": pack.id, **sections}, ensure_ascii=False, indent=1))
        return
    from synthgen.cli.printing import named, print_rows
    from synthgen.messages import message

    click.echo(f"{pack.id} {pack.version}: {pack.title_ko if lang == 'ko' else pack.title}")
    short = {"tables": ("table", "kind", "about", "cells", "relation", "population", "period")}
    for heading, rows in sections.items():
        click.echo(f"\n{message(f'show.{heading}', lang)}")
        keys = short.get(heading)
        print_rows(named([{k: row[k] for k in keys} if keys else row for row in rows], lang))


def _sections(pack: StatisticsPack, lang: str) -> dict[str, list[dict[str, Any]]]:
    from synthgen.statistics.describe import relation_rows, source_rows, table_rows

    return {
        "tables": [dict(row) for row in table_rows(pack, lang)],
        "relations": [dict(row) for row in relation_rows(pack, lang)],
        "sources": [dict(row) for row in source_rows(pack)],
    }
