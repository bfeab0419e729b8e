"""``synthgen generate --records``: an engine that saves no model fits and draws at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthgen.errors import UsageError

if TYPE_CHECKING:
    from synthgen.enclave.engines import Request


@dataclass(frozen=True)
class FromRecords:
    """Options of ``generate`` that go with records.

    Parameters
    ----------
    records : str
        Path or address of the records; ``""`` where a model was named instead.
    schema, engine : str
    epochs : int or None
    table : str or None
    as_of : str
    allow_repeated : bool
    """

    records: str
    schema: str
    engine: str
    epochs: int | None
    table: str | None
    as_of: str
    allow_repeated: bool

    def asked(self, model: str | None, others: Mapping[str, object]) -> bool:
        """Whether rows are to be drawn from records, and not from a model.

        Parameters
        ----------
        model : str or None
        others : mapping of str to object
            Options that only go with a model, with what was given.

        Raises
        ------
        UsageError
            If both or neither are named, or an option goes with the other.
        """
        if not self.records:
            if model is None:
                raise UsageError("generate: needs a MODEL, or --records with --schema and --engine")
            options = ("schema", "engine", "epochs", "table", "as_of", "allow_repeated")
            given = next((name for name in options if getattr(self, name)), None)
            if given:
                raise UsageError(f"--{given.replace('_', '-')}: goes with --records")
            return False
        if model is not None:
            raise UsageError("--records: stands in place of MODEL; name one of them")
        if not self.schema or not self.engine:
            raise UsageError("--records: needs --schema and --engine")
        wrong = next((name for name, value in others.items() if value), None)
        if wrong:
            raise UsageError(f"{wrong}: goes with a model, not with --records")
        return True

    @property
    def request(self) -> Request:
        """What the engine is asked for."""
        from synthgen.cli.tabulate import last_day
        from synthgen.enclave.engines import Request

        return Request(self.table, last_day(self.as_of), self.allow_repeated)


def generate_of_records(
    asked: FromRecords,
    patients: int | None,
    seed: int,
    output: Path,
    *,
    formats: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Fit, draw and write.

    Raises
    ------
    UsageError
        If there is no number of patients, or something stands at ``output``.
    MissingExtraError
        If the engine's part is not installed.
    """
    from synthgen.cohort.settings import settings_for
    from synthgen.cohort.write import require_formats
    from synthgen.cohort.write_frames import write_frames
    from synthgen.enclave.engines import ENGINES, drawing_engine
    from synthgen.extras import EXTRAS, require
    from synthgen.schema.load import load_schema

    if patients is None:
        raise UsageError("--records: needs the number of patients, -n")
    require_formats(formats)
    draw = drawing_engine(asked.engine)
    extra = ENGINES[asked.engine].extra
    for module in EXTRAS[extra].modules:  # before anything is read or said
        require(extra, module)
    schema = load_schema(asked.schema)
    if output.exists() and not force:  # said before an hour of fitting, not after
        raise UsageError(f"{output}: exists already; choose another name or use --force")
    click.echo(f"Fitting {asked.engine}: minutes, or hours with many records", err=True)
    drawn = draw(asked.records, schema, asked.request, patients, seed, asked.epochs)
    manifest = write_frames(
        drawn.model,
        settings_for(drawn.model, patients, seed=seed),
        drawn.tables,
        output,
        engine=drawn.engine,
        formats=formats,
        force=force,
    )
    if as_json:
        click.echo(json.dumps(manifest, ensure_ascii=False, indent=1))
        return
    rows = ", ".join(f"{name} {facts['rows']:,}" for name, facts in manifest["tables"].items())
    said = drawn.engine
    click.echo(
        f"{asked.engine}, seed {seed}: {rows}; {said['refused']:,} of {said['drawn']:,} drawn rows "
        "broke rules of the schema and were drawn again; no model, no guarantee"
    )
    for name, more in said["further_rows"].items():
        click.echo(f"{name}: {more:,} further rows of the records were not learned", err=True)
    click.echo(f"Wrote {output}. Next: synthgen check {output} --schema {asked.schema}", err=True)
