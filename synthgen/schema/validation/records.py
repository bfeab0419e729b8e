"""Records of a difficult text file, one by one, with the line on which each starts.

Line breaks inside quotes, blank lines, old line ends, records with too many or too few
fields: what DuckDB would refuse as a whole is written anew, exactly, and what cannot be a
record is counted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import ContractError
from synthgen.schema.validation.layout import Layout
from synthgen.schema.validation.report import FIRST_ROWS
from synthgen.schema.validation.text_files import LONGEST_LINE

LONGEST_FIELD = 2**17
"""Characters of a field; the limit of Python's ``csv``, which other packages change for all."""


@dataclass(frozen=True)
class Uneven:
    """Records with another number of fields than there are column names.

    Parameters
    ----------
    count : int
    lines : tuple of int
        Where the first of them start.
    trailing : bool
        Whether every record ends with one separator too many (not counted as uneven).
    """

    count: int
    lines: tuple[int, ...]
    trailing: bool


def rewrite_records(name: str, path: Path, layout: Layout, clean: Path) -> Uneven:
    """Write the records of a text file as plain CSV, the line number in front.

    Parameters
    ----------
    name : str
        Of the file, for the error line.
    path : Path
        UTF-8 text.
    layout : Layout
    clean : Path
        What is written: no column names, commas, ``\\n`` at the ends.

    Returns
    -------
    Uneven
        Records that were left out.

    Raises
    ------
    ContractError
        If a quote is not closed, or a record is longer than :data:`LONGEST_LINE`.
    """
    width = len(layout.names)
    uneven: list[int] = []
    count = trailing = 0
    with (
        path.open(encoding="utf-8-sig", newline="") as opened,
        clean.open("w", encoding="utf-8", newline="") as out,
    ):
        for _ in range(layout.before):
            opened.readline()
        reader = csv.reader(opened, delimiter=layout.separator)
        writer = csv.writer(out, lineterminator="\n")
        start = 1
        try:
            for at, fields in enumerate(_within_limit(reader)):
                line, start = start, reader.line_num + 1
                if at == 0 or not fields:
                    continue
                if len(fields) == width + 1 and not fields[-1]:
                    trailing += 1
                elif len(fields) != width:
                    count += 1
                    if len(uneven) < FIRST_ROWS:
                        uneven.append(line + layout.before)
                    continue
                if sum(map(len, fields)) > LONGEST_LINE:
                    raise ContractError(
                        f"{name}: the record in line {line + layout.before} has more than "
                        f"{LONGEST_LINE:,} characters; is a quote left open?"
                    )
                writer.writerow([line + layout.before, *fields[:width]])
        except csv.Error as error:
            raise ContractError(
                f"{name}: cannot be read from line {start + layout.before} on: {error}; "
                "is a quote left open?"
            ) from error
    return Uneven(count, tuple(uneven), trailing=trailing > 0)


def _within_limit(reader: Iterable[list[str]]) -> Iterator[list[str]]:
    """The records, none with a field over :data:`LONGEST_FIELD`."""
    for fields in reader:
        if fields and max(map(len, fields)) > LONGEST_FIELD:
            raise csv.Error(f"field larger than field limit ({LONGEST_FIELD})")
        yield fields
