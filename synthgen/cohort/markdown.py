"""Markdown of model cards and data cards."""

from __future__ import annotations

from collections.abc import Sequence


def table_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars and line breaks in cells are escaped."""

    def line(cells: Sequence[str]) -> str:
        clean = (" ".join(str(c).split()).replace("|", "\\|") for c in cells)
        return "| " + " | ".join(clean) + " |"

    return "\n".join([line(header), line(["---"] * len(header)), *map(line, rows)])
