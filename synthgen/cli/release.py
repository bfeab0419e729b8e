"""``synthgen release``: what passed its policy, with the evidence, in one bundle."""

from __future__ import annotations

import json
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("evaluation", type=PATH)
@click.option(
    "-o", "--output", required=True, type=PATH, help="Folder of the bundle, or a file ending .zip."
)
@click.option(
    "--target", default="", metavar="PATH", help="Where what was evaluated stands, if it moved."
)
@click.option("--model", default="", metavar="MODEL", help="Model that a cohort was drawn from.")
@click.option(
    "--schema", default="", metavar="SCHEMA", help="Folder of a cohort's schema, if it is yours."
)
@click.option("--sign", "key", type=PATH, default=None, help="Private Ed25519 key (PEM).")
@click.option("--internal", is_flag=True, help="With the internal edition, even about records.")
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def command(
    evaluation: Path,
    output: Path,
    target: str,
    model: str,
    schema: str,
    key: Path | None,
    internal: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Release what EVALUATION passed, as a bundle; exit code 3 if it did not pass.

    The bundle holds the data, the policy, the evaluation, the self-test and the log of
    attempts, each with its hash.  It is refused for a model or pack that was made from
    records without protection.

    \b
    Examples:
      synthgen release evaluation -o bundle.zip
      synthgen release evaluation -o bundle --sign steward.pem
    """
    from datetime import UTC, datetime

    from synthgen.release.bundle import release
    from synthgen.release.signature import fingerprint

    made = release(
        evaluation,
        output,
        today=datetime.now(UTC).date(),
        target=target,
        model=model,
        schema=schema,
        key=key,
        internal=internal,
        force=force,
    )
    if as_json:
        click.echo(json.dumps(made.manifest, ensure_ascii=False, indent=1))
        return
    named = made.manifest["target"]
    click.echo(f"{output}: {named['kind']} {named['name']}, {len(made.manifest['files'])} files")
    if made.signed_by:
        click.echo(f"signed by {fingerprint(made.signed_by)}")
    click.echo(f"Next: synthgen verify {output}", err=True)
