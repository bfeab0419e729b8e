"""The words synthgen speaks to people, in Korean and English, in one catalogue.

Each language is one JSON file in ``synthgen/catalogue``, flat, key to text with
``{placeholders}``.  A test keeps the keys and placeholders of the languages equal.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "ko")


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
    return text.format(**values) if values else text
