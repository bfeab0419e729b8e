"""``synthgen diff``: what would break a program that was made for A and gets B."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synthgen.cli.check import SCHEMA, kind_of, schema_of_delivery


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--schema",
    "schema_id",
    default="",
    metavar="SCHEMA",
    help="Schema or target (kcure-ccld@1 ...) by which tables are read; by default that of A, if it "
    f"is a cohort or an export, or {SCHEMA}.",
)
@click.option(
    "--table", default=None, help="Which table single files hold, if their columns do not say."
)
@click.option(
    "--show-values", is_flag=True, help="Print values outside the code lists, not only their count."
)
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of the differences.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    a: str, b: str, schema_id: str, table: str | None, show_values: bool, lang: str, as_json: bool
) -> None:
    """Say what would break a program made for A that gets B, apart from what is only new.

    A and B are two schemas (ids or folders), or two cohorts or deliveries (folders, CSV,
    Parquet or DuckDB files).  Codes of code lists are named; other values are only counted
    without --show-values.  Ends with exit code 4 if something would break a program.

    \b
    Examples:
      synthgen diff rare-cancer@1.0.0 my-schema/
      synthgen diff cohort/ delivery/ --lang ko
    """
    from synthgen.errors import UsageError
    from synthgen.exports.contract import contract_target, exported_as
    from synthgen.schema.comparison import compare_schemas, compare_tables
    from synthgen.schema.load import load_schema

    kinds = kind_of(a), kind_of(b)
    tables = {"cohort", "delivery"}
    if kinds == ("schema", "schema"):
        found = compare_schemas(load_schema(a), load_schema(b))
    elif set(kinds) <= tables:
        named = schema_id or _schema_of(a, kinds[0]) or exported_as(a)
        schema = schema_of_delivery(a, named)
        theirs = schema_of_delivery(b, named) if contract_target(named) else None
        found = compare_tables(a, b, schema, table=table, show_values=show_values, schema_b=theirs)
    elif kinds[0] == "schema" and kinds[1] in tables:
        raise UsageError(f"{a} is a schema; hold {b} against it with: synthgen check --schema {a}")
    else:
        raise UsageError(
            f"{a} is a {kinds[0]}, {b} is a {kinds[1]}; give two schemas, or two cohorts or "
            "deliveries"
        )
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        for line in found.lines(lang):
            click.echo(line)
    found.demand()


def _schema_of(path: str, kind: str) -> str:
    """Schema that a cohort names in its manifest, ``""`` for a delivery."""
    from synthgen.errors import ContractError
    from synthgen.schema.documents import read_document, text_at

    if kind != "cohort":
        return ""
    return text_at(read_document(Path(path) / "manifest.json", ContractError), "schema")
