"""``synthgen catalog``: what is shipped."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of titles and words.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(lang: str, as_json: bool) -> None:
    """List the shipped schemas, statistics packs, models and policies.

    \b
    Examples:
      synthgen catalog
      synthgen catalog --lang ko --json
    """
    from synthgen.cli.policies import policy_rows
    from synthgen.cli.printing import print_rows
    from synthgen.cohort.artefact import load_model
    from synthgen.messages import message
    from synthgen.resources import shipped
    from synthgen.schema.load import load_schema, shipped_schemas

    rows: list[dict[str, Any]] = []
    keys = [
        f"{name}@{found.name}" for name, all_of in shipped_schemas().items() for found in all_of
    ]
    for key in keys:
        schema = load_schema(key)
        title = schema.title_ko if lang == "ko" else schema.title
        size = message("catalog.schema", lang, tables=len(schema.tables), rules=len(schema.rules))
        rows.append({"id": schema.key, "kind": "schema", "title": title, "size": size})
    for name in shipped("fitted_models"):
        model = load_model(name)
        pack = model.pack
        title = pack.title_ko if lang == "ko" else pack.title
        size = message(
            "catalog.model",
            lang,
            variables=len(model.distribution.domain.names),
            values=f"{len(model.gaps):,}",
        )
        rows.append({"id": name, "kind": "model", "title": title, "size": size})
        rows.append(
            {
                "id": f"{name}/statistics",
                "kind": "pack",
                "title": title,
                "size": message(
                    "catalog.pack", lang, tables=len(pack.tables), sources=len(pack.sources)
                ),
            }
        )
    rows += policy_rows(lang)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            row["kind"] = message(f"catalog.kind.{row['kind']}", lang)
        print_rows(
            [{message(f"catalog.column.{name}", lang): row[name] for name in row} for row in rows]
        )
