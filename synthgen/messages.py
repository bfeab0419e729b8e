"""The words synthgen speaks to people, in Korean and English, in one catalogue.

Each language is one JSON file in ``synthgen/catalogue``, flat, key to text with
``{placeholders}``.  A test keeps the keys and placeholders of the languages equal.  A placeholder
``{n:row|rows}`` stands for the first word if ``n`` is one, and for the second otherwise.
"""

from __future__ import annotations

import json
import string
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "ko")


class _Numbered(string.Formatter):
    """Fills placeholders; ``{n:row|rows}`` is the word that goes with the number."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if str(value) == "1" else many
        return str(super().format_field(value, format_spec))


def amount(n: int, noun: str) -> str:
    """A number with its English noun: what errors and lines of the command say.

    Examples
    --------
    >>> amount(1, "row"), amount(2068, "row"), amount(2, "query"), amount(8, "way")
    ('1 row', '2,068 rows', '2 queries', '8 ways')
    """
    if n == 1:
        return f"1 {noun}"
    consonant_y = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{n:,} {f'{noun[:-1]}ies' if consonant_y else f'{noun}s'}"


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of one language, by key.

    Parameters
    ----------
    language : {"en", "ko"}

    Raises
    ------
    KeyError
        If the language is not in :data:`LANGUAGES`.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    text = (files("synthgen") / "catalogue" / f"{language}.json").read_text(encoding="utf-8")
    texts: dict[str, str] = json.loads(text)
    return texts


def message(key: str, language: str, **values: object) -> str:
    """One text with its placeholders filled.

    Examples
    --------
    >>> message("intended_use.short", "en")
    'For building and testing software and for teaching; not for clinical or epidemiological conclusions.'
    """
    text = catalogue(language)[key]
    return _Numbered().vformat(text, (), values) if values else text
