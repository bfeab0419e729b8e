"""Texts of a report, in every language at once, and the only place that escapes them.

A report holds all its languages; a style rule shows one of them.  So every text is a
:class:`Words`, which renders as one element per language, or once where they are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Protocol

from synthgen.messages import LANGUAGES, catalogue, message


class Html(str):
    """Text that is markup already: templates put it in as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


class Labelled(Protocol):
    """Anything of a schema or pack that has a title in every language."""

    def label(self, language: str) -> str:
        """Title in one language."""


@dataclass(frozen=True)
class Words:
    """One text in every language.

    Parameters
    ----------
    texts : tuple of str
        Plain text, in the order of :data:`synthgen.messages.LANGUAGES`.
    """

    texts: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all languages say it alike (numbers, names)."""
        return len(set(self.texts)) == 1

    def in_language(self, language: str) -> str:
        """The text in one language."""
        return self.texts[LANGUAGES.index(language)]

    def map(self, change: Callable[[str], str]) -> Words:
        """The same with every text changed."""
        return Words(tuple(change(t) for t in self.texts))

    def __add__(self, other: Words | str) -> Words:
        parts = other.texts if isinstance(other, Words) else (other,) * len(self.texts)
        return Words(tuple(a + b for a, b in zip(self.texts, parts, strict=True)))

    def __html__(self) -> str:
        """One ``span`` per language; the text alone where they are equal."""
        if self.same:
            return escape(self.texts[0])
        return "".join(
            f"<span lang={language}>{escape(text)}</span>"
            for language, text in zip(LANGUAGES, self.texts, strict=True)
        )

    def __str__(self) -> str:
        return self.texts[0]


def plain(text: object) -> Words:
    """A text that is the same in every language."""
    return Words((str(text),) * len(LANGUAGES))


def say(key: str, **values: object) -> Words:
    """A text of the catalogue; values that are :class:`Words` are put in by language."""
    texts = []
    for language in LANGUAGES:
        filled: Mapping[str, object] = {
            name: value.in_language(language) if isinstance(value, Words) else value
            for name, value in values.items()
        }
        texts.append(message(key, language, **filled))
    return Words(tuple(texts))


def label(thing: Labelled) -> Words:
    """Title of a code, variable or table."""
    return Words(tuple(thing.label(language) for language in LANGUAGES))


def place_words(population: str) -> Words:
    """Whom a table is about; in Korean where the catalogue has the place.

    Examples
    --------
    >>> place_words("Republic of Korea").texts, place_words("My hospital").same
    (('Republic of Korea', '대한민국'), True)
    """
    key = "place." + re.sub(r"[^a-z0-9]+", "_", population.lower()).strip("_")
    return Words(
        tuple(
            catalogue(language)[key]
            if language != "en" and key in catalogue(language)
            else population
            for language in LANGUAGES
        )
    )


def joined(parts: list[Words], between: str = ", ") -> Words:
    """Several texts, one after the other."""
    if not parts:
        return plain("")
    return Words(tuple(between.join(p.texts[i] for p in parts) for i in range(len(LANGUAGES))))


def percent(value: float) -> str:
    """A proportion as people read it: more digits the smaller it is, never a false zero.

    Examples
    --------
    >>> [percent(v) for v in (0.5, 0.0123, 0.004, 0.00042, 0.00002, 0.0000001, 0.0, 0.9996)]
    ['50.0 %', '1.2 %', '0.40 %', '0.042 %', '0.0020 %', '<0.001 %', '0 %', '99.96 %']
    """
    if value == 0.0:
        return "0 %"
    if value < 1e-5:
        return "<0.001 %"
    digits = next(d for d, low in ((1, 0.01), (2, 1e-3), (3, 1e-4), (4, 0.0)) if value >= low)
    if 0.999 < value < 1.0:
        digits = 2
    return f"{100 * value:.{digits}f} %"


def interval(lower: float, upper: float) -> str:
    """Two proportions, or one where they are printed alike.

    Examples
    --------
    >>> interval(0.1, 0.2), interval(0.5, 0.5)
    ('10.0 % – 20.0 %', '50.0 %')
    """
    low, high = percent(lower), percent(upper)
    return low if low == high else f"{low.removesuffix(' %')} – {high}".replace(" –", " % –")


def errors(value: float | None) -> str:
    """A gap in standard errors, with its sign.

    Examples
    --------
    >>> errors(2.345), errors(-0.04), errors(None), errors(float("inf"))
    ('+2.3', '0.0', '', '+∞')
    """
    if value is None:
        return ""
    if value in (float("inf"), float("-inf")):
        return "+∞" if value > 0 else "−∞"
    rounded = round(value, 1)
    if rounded == 0:
        return "0.0"
    return f"{rounded:+.1f}".replace("-", "−")
