"""``synthgen tabulate`` of what a hospital has counted already: K-CURE's meta-statistics tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthgen.errors import UsageError

if TYPE_CHECKING:
    from synthgen.enclave.settings import Settings


def tabulate_counts(
    folder: Path,
    schema_id: str,
    asked: Settings,
    output: Path | None,
    *,
    hospital: str,
    force: bool,
) -> None:
    """Read meta-statistics as a pack, protect it and write it.

    Raises
    ------
    UsageError
        If something is asked for that needs records.
    StatisticsError
        If the tables are not what they must be.
    """
    from synthgen.exports.contract import schema_for
    from synthgen.messages import amount
    from synthgen.statistics.metastatistics import read_metastatistics
    from synthgen.statistics.protection import protect
    from synthgen.statistics.write import write_pack

    if asked.plan is not None or asked.unprotected or asked.bins_from_data:
        raise UsageError(
            f"{folder}: holds meta-statistics; --plan, --unprotected and --bins-from-data are for "
            "records"
        )
    schema = schema_for(schema_id)
    pack = protect(
        read_metastatistics(folder, schema, hospital=hospital),
        schema,
        min_cell=asked.min_cell,
        round_to=asked.round_to,
        notice=lambda line: click.echo(line, err=True),
    )
    for table in pack.tables:
        click.echo(f"{table.kind} {', '.join(table.variables)}: {amount(len(table.cells), 'cell')}")
    if output is None:
        return
    write_pack(pack, output, force=force)
    click.echo(f"Wrote {output}. Next: synthgen audit {output}", err=True)
