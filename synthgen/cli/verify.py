"""``synthgen verify``: whether a bundle is, byte for byte, what was released."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    default=None,
    help="Public key (PEM) of who must have signed it.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of what is printed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(bundle: Path, key: Path | None, lang: str, as_json: bool) -> None:
    """Verify BUNDLE, a folder or zip file, offline; exit code 15 if anything is off.

    Without --key it shows that nothing was changed by accident, not who made the bundle:
    who changes it on purpose can make the hashes anew, but not somebody else's signature.

    \b
    Examples:
      synthgen verify bundle.zip
      synthgen verify bundle --key steward.pub.pem
    """
    from synthgen.messages import message
    from synthgen.release.signature import fingerprint
    from synthgen.release.verify import verify

    made = verify(bundle, key)
    if as_json:
        click.echo(json.dumps(made.as_json(), ensure_ascii=False, indent=1))
        return
    target, policy = made.manifest["target"], made.manifest["policy"]
    click.echo(
        message(
            "verify.whole",
            lang,
            bundle=str(bundle),
            files=made.files,
            name=target["name"],
            policy=f"{policy['id']} {policy['version']}",
        )
    )
    again = "verify.decided_anew" if made.decided_anew else "verify.public_edition"
    click.echo(message(again, lang))
    if not made.signed_by:
        click.echo(message("verify.unsigned", lang))
    else:
        known = "verify.trusted" if made.trusted else "verify.signed"
        click.echo(message(known, lang, signer=fingerprint(made.signed_by)))
