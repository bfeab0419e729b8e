"""A code book in Markdown (GitHub's tables), whatever its labels hold."""

from __future__ import annotations

import re

from synthgen.schema.codebook.blocks import Block, Cell, Heading, Literally, Paragraph, Reference
from synthgen.schema.codebook.content import codebook
from synthgen.schema.documents import printable
from synthgen.schema.model import Schema

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&])")
_NO_ANCHOR = re.compile(r"[^\w-]")
LONGEST_LABEL = 20_000


def _plain(text: str) -> str:
    """Text in which no character means anything to Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", printable(text, LONGEST_LABEL)).replace("\\&", "&amp;")


def _literal(text: str) -> str:
    """Code span: the fence is longer than any run of backticks inside."""
    clean = printable(text, LONGEST_LABEL)
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{clean}{space}{fence}".replace("|", "\\|")


def _cell(cell: Cell) -> str:
    made = []
    for part in cell:
        match part:
            case Literally():
                made.append(_literal(part.text))
            case Reference():
                made.append(f"[{_plain(part.text)}](#{part.anchor})")
            case _:
                made.append(_plain(part.text))
    return "".join(made)


def _block(block: Block) -> str:
    match block:
        case Heading():
            anchor = f'<a id="{_NO_ANCHOR.sub("-", block.anchor)}"></a>\n\n'
            return f"{anchor}{'#' * block.level} {_plain(block.text)}"
        case Paragraph():
            return _cell(block.cell)
        case _:
            lines = [" | ".join(map(_plain, block.header)), " | ".join("---" for _ in block.header)]
            lines += [" | ".join(_cell(cell) or " " for cell in row) for row in block.rows]
            return "\n".join(f"| {line} |" for line in lines)


def codebook_markdown(schema: Schema, language: str = "en") -> str:
    """Code book in Markdown.

    Parameters
    ----------
    schema : Schema
    language : {"en", "ko"}
    """
    return "\n\n".join(_block(block) for block in codebook(schema, language)) + "\n"
