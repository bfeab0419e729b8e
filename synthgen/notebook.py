"""Views of our types in notebooks: compact HTML, Korean and English side by side.

A notebook has no language of its own to ask for, so every label stands in both.  Everything
that comes from a file is escaped; there is no script and nothing to load.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from synthgen.messages import LANGUAGES, message

#: Rows that a listing shows before it says how many more there are.
MOST_ROWS = 12
#: Letters of a cell that are shown.
MOST_LETTERS = 120
_STYLE = "border-collapse:collapse;margin:.4em 0"
_CELL = "text-align:left;padding:.1em .8em .1em 0;vertical-align:top"


def label(key: str) -> str:
    """A text of the catalogue in every language, once where they are equal; escaped.

    Examples
    --------
    >>> label("schema")
    'Schema · 스키마'
    """
    texts = dict.fromkeys(message(f"notebook.{key}", language) for language in LANGUAGES)
    return escape(" · ".join(texts))


def both(*texts: str) -> str:
    """Texts of several languages as one, without what stands twice or is empty."""
    return " · ".join(dict.fromkeys(text for text in texts if text))


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = " ".join(str(value).split())
    return escape(text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…")


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Two columns: a key of the catalogue and its value; empty values are left out."""
    lines = "".join(
        f'<tr><th style="{_CELL};white-space:nowrap">{label(key)}</th><td style="{_CELL}">{_shown(value)}</td></tr>'
        for key, value in rows
        if value not in ("", None, ())
    )
    return f'<table style="{_STYLE}">{lines}</table>'


def listing(heads: Sequence[str], rows: Iterable[Sequence[object]], total: int) -> str:
    """A table with keys of the catalogue as heads; the first rows, and how many more.

    Parameters
    ----------
    heads : sequence of str
    rows : iterable of sequence of object
    total : int
        Rows that there are.
    """
    head = "".join(f'<th style="{_CELL}">{label(key)}</th>' for key in heads)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_shown(cell)}</td>' for cell in row) + "</tr>"
        for row in islice(rows, MOST_ROWS)
    )
    more = f"<p>… +{total - MOST_ROWS:,}</p>" if total > MOST_ROWS else ""
    return (
        f'<table style="{_STYLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}'
    )


def card(kind: str, name: str, *parts: str, synthetic: bool = False) -> str:
    """A view: what it is, its name, and parts that are markup already.

    Parameters
    ----------
    kind : str
        Key of the catalogue.
    name : str
    *parts : str
        As :func:`facts` and :func:`listing` make them.
    synthetic : bool
        Whether the sentence of intended use stands below.
    """
    use = both(*(message("intended_use.short", language) for language in LANGUAGES))
    said = f"<p><i>{escape(use)}</i></p>" if synthetic else ""
    return f"<div><p><b>{label(kind)}: {_shown(name)}</b></p>{''.join(parts)}{said}</div>"
