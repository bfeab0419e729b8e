"""``synthgen check``: does something keep its contract? Tables, cohorts, packs, models, schemas."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from synthgen.schema.model import Schema
    from synthgen.schema.validation import Report
    from synthgen.statistics.model import StatisticsPack

#: Schema that a delivery is checked against where nobody says another.
SCHEMA = "rare-cancer"


@click.command()
@click.argument("path")
@click.option(
    "--schema",
    "schema_id",
    default="",
    metavar="SCHEMA",
    help="Id or folder of the schema, or a target (kcure-ccld@1, kcure-rgst@1, omop@5.4, omop@5.3, "
    f"encr-jrc@1); by default the cohort's, pack's or export's own, or {SCHEMA}.",
)
@click.option(
    "--table", default=None, help="Which table a single file holds, if its columns do not say."
)
@click.option("--show-values", is_flag=True, help="Print values of the first rows, too.")
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of the findings.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    path: str, schema_id: str, table: str | None, show_values: bool, lang: str, as_json: bool
) -> None:
    """Check PATH, a delivery, cohort, pack, model, schema, policy or bundle, against its contract.

    PATH is a folder, a CSV, Parquet or DuckDB file, or the id of something shipped.
    Tables are read as they come (CP949, separators, dates as YYYYMMDD ...), and every such
    reading is named.  Impossible rows break the contract; unlikely ones are only counted.
    No value of a record is printed without --show-values.  Ends with exit code 4 if tables
    break their schema, 10 for a schema, 11 for a pack, 12 for a model.

    \b
    Examples:
      synthgen check delivery/ --schema rare-cancer --lang ko
      synthgen check delivery/ --schema kcure-ccld@1
      synthgen check tumour.csv --json
      synthgen check kr-demo/statistics
    """
    from synthgen.cli.policies import check_policy
    from synthgen.cli.verify import command as verify_command

    match kind_of(path):
        case "schema":
            _schema(path, as_json=as_json)
        case "model":
            _model(path, lang, as_json=as_json)
        case "pack":
            _pack(path, schema_id, lang, as_json=as_json)
        case "metastatistics":
            _metastatistics(path, schema_id, lang, as_json=as_json)
        case "policy":
            check_policy(path, as_json=as_json)
        case "bundle":
            click.get_current_context().invoke(
                verify_command, bundle=Path(path), key=None, lang=lang, as_json=as_json
            )
        case "cohort":
            report = _cohort(Path(path), schema_id, table, show_values=show_values)
            _print(report, lang, as_json=as_json)
        case _:
            schema = schema_of_delivery(path, schema_id)
            with _progress() as progress:
                report = _checked(Path(path), schema, table, show_values, progress)
            _print(report, lang, as_json=as_json)


def kind_of(path: str) -> str:
    """What a path or an id is: one of the kinds that are checked, each in its own way."""
    from synthgen.cli.policies import is_policy
    from synthgen.errors import ContractError
    from synthgen.resources import shipped
    from synthgen.schema.documents import mapping_at, read_document, text_at
    from synthgen.statistics.metastatistics import is_metastatistics

    folder = Path(path)
    if is_metastatistics(folder):
        return "metastatistics"
    if is_policy(path):
        return "policy"
    if folder.is_dir():
        if (folder / "policy.json").is_file() and (folder / "manifest.json").is_file():
            return "bundle"
        for file, kind in (
            ("dataset.json", "schema"),
            ("model.json", "model"),
            ("manifest.json", "cohort"),
        ):
            if (folder / file).is_file():
                return kind
        if (folder / "datapackage.json").is_file():
            document = read_document(folder / "datapackage.json", ContractError)
            if text_at(mapping_at(document, "x-synthgen"), "format").startswith("pack/"):
                return "pack"
        return "delivery"
    if folder.exists():
        return "bundle" if _is_zipped_bundle(folder) else "delivery"
    if path in shipped("fitted_models"):
        return "model"
    if path.removesuffix("/statistics") in shipped("fitted_models"):
        return "pack"
    return "schema" if path.partition("@")[0] in shipped("schemas") else "delivery"


def _is_zipped_bundle(path: Path) -> bool:
    """Whether a zip file says that it is a bundle; a workbook is a zip file, too."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return {"policy.json", "manifest.json"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        return False


def _load(schema_id: str) -> Schema:
    from synthgen.schema.load import load_schema

    return load_schema(schema_id)


def schema_of_delivery(path: str, named: str) -> Schema:
    """Schema or target by which a delivery is read: the named one, else what it says it is."""
    from synthgen.exports.contract import exported_as, schema_for

    return schema_for(named or exported_as(path) or SCHEMA, path)


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """A bar on stderr, silent off a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1000, label="Checking", file=sys.stderr, hidden=hidden) as bar:

        def move(share: float) -> None:
            bar.update(max(round(1000 * share) - bar.pos, 0))

        yield move


def _checked(
    path: Path,
    schema: Schema,
    table: str | None,
    show_values: bool,
    progress: Callable[[float], None],
) -> Report:
    from synthgen.exports.omop_quality import with_quality
    from synthgen.schema.validation import check_tables

    made = check_tables(path, schema, table=table, show_values=show_values, progress=progress)
    return with_quality(made, schema, path)


def _cohort(path: Path, schema_id: str, table: str | None, *, show_values: bool) -> Report:
    """Check a cohort's tables, and that its files are those that were written."""
    from dataclasses import replace

    from synthgen.errors import ContractError
    from synthgen.evaluation.cohort_database import changed_database
    from synthgen.schema.documents import mapping_at, read_document, text_at
    from synthgen.schema.model import Severity
    from synthgen.schema.validation.report import Broken, both

    manifest = read_document(path / "manifest.json", ContractError)
    named = schema_id or text_at(manifest, "schema")
    if not named:
        raise ContractError(f"{path}/manifest.json: names no schema; say --schema")
    with _progress() as progress:
        report = _checked(path, _load(named), table, show_values, progress)
    changed = changed_files(path, mapping_at(manifest, "files"))
    changed += changed_database(path, manifest, _load(named))
    found = tuple(
        Broken("cohort.changed", name, "", Severity.IMPOSSIBLE, *both("check.cohort.changed"), 1)
        for name in changed
    )
    notes = report.notes
    if not changed:  # the same table in other formats is what was written
        notes = tuple(note for note in notes if note.key != "check.structure.second_file")
    return replace(report, broken=(*found, *report.broken), notes=notes)


def changed_files(folder: Path, files: dict[str, Any]) -> list[str]:
    """Files that are not, byte for byte, what the manifest of a cohort says.

    Parameters
    ----------
    folder : Path
    files : dict
        Bytes and SHA-256 by relative path, as in ``manifest.json``.
    """
    from synthgen.cohort.hashes import sha256_of
    from synthgen.schema.documents import one_line

    changed = []
    for name, written in files.items():
        parts = PurePosixPath(name).parts
        inside = bool(parts) and not name.startswith("/") and ".." not in parts
        file = folder / name
        if (
            not inside
            or not isinstance(written, dict)
            or not file.is_file()
            or file.stat().st_size != written.get("bytes")
            or sha256_of(file) != written.get("sha256")
        ):
            changed.append(one_line(name, 100))
    return changed


def _print(report: Report, lang: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
    else:
        for line in report.lines(lang):
            click.echo(line)
    report.demand()


def _schema(path: str, *, as_json: bool) -> None:
    schema = _load(path)
    widths = {table.name: len(table.columns) for table in schema.tables}
    facts = {
        "schema": schema.key,
        "tables": widths,
        "rules": len(schema.rules),
        "code_lists": len(schema.code_lists),
        "variables": len(schema.variables),
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    tables = ", ".join(f"{name} ({width} columns)" for name, width in widths.items())
    click.echo(
        f"{schema.key}: {tables}; {len(schema.code_lists)} code lists, {len(schema.rules)} rules, "
        f"{len(schema.variables)} model variables; its parts agree"
    )


def _model(path: str, lang: str, *, as_json: bool) -> None:
    from synthgen.cohort.artefact import load_model

    model = load_model(path)
    if not as_json:
        click.echo(f"{model.id}: every byte is as it was fitted (sha256 {model.sha256[:12]}...)")
    _judge(model.pack, model.schema, lang, {"model": model.id, "sha256": model.sha256}, as_json)


def _pack(path: str, schema_id: str, lang: str, *, as_json: bool) -> None:
    from synthgen.statistics.locate import pack_folder
    from synthgen.statistics.read import read_pack, schema_of

    def load(key: str) -> Schema:
        return _load(schema_id or key)

    pack = read_pack(pack_folder(path), load)
    schema = load(schema_id) if schema_id and pack.own_schema is None else schema_of(pack)
    _judge(pack, schema, lang, {}, as_json)


def _metastatistics(path: str, schema_id: str, lang: str, *, as_json: bool) -> None:
    """Read K-CURE's meta-statistics as a pack and judge it like one."""
    from synthgen.exports.contract import schema_for
    from synthgen.statistics.metastatistics import read_metastatistics

    schema = schema_for(schema_id or SCHEMA)
    _judge(read_metastatistics(Path(path), schema), schema, lang, {}, as_json)


def _judge(
    pack: StatisticsPack, schema: Schema, lang: str, facts: dict[str, Any], as_json: bool
) -> None:
    """Print what a pack holds against itself; end with an error if it cannot be true."""
    from synthgen.errors import StatisticsError
    from synthgen.messages import message
    from synthgen.models.pack_contradictions import pack_contradictions
    from synthgen.statistics.check import check_pack
    from synthgen.statistics.read import readings_of

    problems = check_pack(pack, schema)
    broken = [p for p in problems if p.severity == "error"]
    fights = [] if broken else pack_contradictions(pack, schema)
    if as_json:
        document = facts | {
            "pack": pack.id,
            "schema": schema.key,
            "passes": not broken and not fights,
            "problems": [
                {
                    "severity": p.severity,
                    "code": p.code,
                    "table": p.table,
                    "row": p.row,
                    "message": p.text("en"),
                    "message_ko": p.text("ko"),
                }
                for p in problems
            ],
            "contradictions": [
                {"table": f.statement.table, "row": f.statement.row, "relaxation": f.relaxation}
                for f in fights
            ],
            "readings": list(pack.readings),
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        for reading in readings_of(pack.tables, lang):
            click.echo(message("check.pack.reading", lang, reading=reading))
        for problem in problems:
            severity = message(f"check.pack.{problem.severity}", lang)
            click.echo(f"{severity}  {problem.text(lang)}")
        for fight in fights:
            click.echo(
                message(
                    "check.pack.contradiction",
                    lang,
                    table=fight.statement.table,
                    row=fight.statement.row,
                    far=f"{fight.relaxation:.3g}",
                )
            )
        click.echo(
            message(
                "check.pack.summary",
                lang,
                pack=pack.id,
                tables=len(pack.tables),
                broken=len(broken) + len(fights),
            )
        )
    if broken or fights:
        raise StatisticsError(
            f"pack {pack.id}: has {len(broken)} errors and {len(fights)} statements that "
            "contradict others"
        )
