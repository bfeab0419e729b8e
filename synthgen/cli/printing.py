"""Tables on a terminal: aligned columns, wide characters counted as two."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import click


def width(text: str) -> int:
    """Cells that a text takes on a terminal; Korean characters take two.

    Examples
    --------
    >>> width("암 1")
    4
    """
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def named(rows: Sequence[Mapping[str, object]], lang: str) -> list[dict[str, object]]:
    """Rows under the names that their columns have in a language (``show.column.*``)."""
    from synthgen.messages import message

    return [{message(f"show.column.{key}", lang): row[key] for key in row} for row in rows]


def print_rows(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows of equal keys under their names; nothing for no rows."""
    if not rows:
        return
    header = list(rows[0])
    lines = [header, *([" ".join(str(row[k]).split()) for k in header] for row in rows)]
    widths = [max(width(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = (text + " " * (w - width(text)) for text, w in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
