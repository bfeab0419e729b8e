"""A code book as one HTML page: no scripts, no network, readable on paper."""

from __future__ import annotations

from html import escape

from synthgen.schema.codebook.blocks import (
    Block,
    Cell,
    Grid,
    Heading,
    Literally,
    Paragraph,
    Reference,
)
from synthgen.schema.codebook.content import codebook
from synthgen.schema.codebook.wording import wording
from synthgen.schema.documents import printable
from synthgen.schema.model import Schema

LONGEST_LABEL = 20_000

_STYLE = """
:root { color-scheme: light; --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --tint: #f5f7f9; --accent: #0b5c8a; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 2rem 1.25rem 4rem; color: var(--ink); background: #fff;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; padding-bottom: .3rem; border-bottom: 2px solid var(--ink); }
h3 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
p { margin: .4rem 0; max-width: 60rem; }
a { color: var(--accent); }
nav { margin: 1.5rem 0; padding: .75rem 1rem; background: var(--tint); border-radius: .4rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .38rem .6rem; border-bottom: 1px solid var(--line); word-break: keep-all; }
td:first-child code { white-space: nowrap; }
th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
tbody tr:nth-child(even) { background: var(--tint); }
code { font: .92em ui-monospace, "SF Mono", Consolas, "D2Coding", monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); margin: .6rem 0; }
@media print { body { font-size: 10px; max-width: none; padding: 0; } nav { display: none; }
  tr { break-inside: avoid; } h2, h3 { break-after: avoid; } @page { size: A4; margin: 15mm; } }
"""


def _text(text: str) -> str:
    return escape(printable(text, LONGEST_LABEL), quote=True)


def _cell(cell: Cell) -> str:
    made = []
    for part in cell:
        match part:
            case Literally():
                made.append(f"<code>{_text(part.text)}</code>")
            case Reference():
                made.append(f'<a href="#{_text(part.anchor)}">{_text(part.text)}</a>')
            case _:
                made.append(_text(part.text))
    return "".join(made)


def _grid(grid: Grid) -> str:
    head = "".join(f"<th scope='col'>{_text(name)}</th>" for name in grid.header)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in grid.rows
    )
    table = f"<div class='wide'><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    if not grid.folded:
        return table
    return f"<details><summary>{_text(grid.folded)}</summary>\n{table}\n</details>"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return (
                f'<h{block.level} id="{_text(block.anchor)}">{_text(block.text)}</h{block.level}>'
            )
        case Paragraph():
            return f"<p>{_cell(block.cell)}</p>"
        case Grid():
            return _grid(block)


def codebook_html(schema: Schema, language: str = "en") -> str:
    """Code book as one HTML page.

    Parameters
    ----------
    schema : Schema
    language : {"en", "ko"}
    """
    blocks = codebook(schema, language)
    chapters = [b for b in blocks if isinstance(b, Heading) and b.level == 2]
    links = "\n".join(f'<a href="#{_text(h.anchor)}">{_text(h.text)}</a>' for h in chapters)
    first = next(i for i, block in enumerate(blocks) if block is chapters[0])
    opening = "\n".join(map(_block, blocks[:first]))
    rest = "\n".join(map(_block, blocks[first:]))
    title = schema.title_ko if language == "ko" else schema.title
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<header>\n{opening}\n</header>\n<nav aria-label="{wording("contents", language)}">\n'
        f"{links}\n</nav>\n<main>\n{rest}\n</main>\n</body>\n</html>\n"
    )
