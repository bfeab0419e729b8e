"""What a code book is made of, before it becomes Markdown or HTML."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Literally:
    """Text as it stands in a file: a code, a name, a rule."""

    text: str


@dataclass(frozen=True)
class Reference:
    """Text that leads to a heading of the same book."""

    text: str
    anchor: str


Cell = tuple[Words | Literally | Reference, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the book."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    cell: Cell


@dataclass(frozen=True)
class Grid:
    """A table.

    Parameters
    ----------
    header : tuple of str
    rows : tuple of tuple of Cell
        As many cells as the header.
    folded : str
        Line that stands for the table until it is opened; ``""`` for a table that is
        open.  Only a page can fold.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: str = ""


Block = Heading | Paragraph | Grid


def words(text: str) -> Cell:
    """Cell of plain text."""
    return (Words(text),)


def literally(text: str) -> Cell:
    """Cell of text as it stands in a file; empty for nothing."""
    return (Literally(text),) if text else ()


def joined(cells: list[Cell], between: str) -> Cell:
    """Cells as one, with plain text between them."""
    made: list[Words | Literally | Reference] = []
    for cell in cells:
        if made:
            made.append(Words(between))
        made += cell
    return tuple(made)
