"""Printed values: what ``<5``, ``.d``, ``~7-15`` or ``100.2`` in a published table mean.

Nothing is guessed silently: whatever is not a plain number comes back with a note that
says how it was read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from synthgen.errors import StatisticsError
from synthgen.messages import message
from synthgen.statistics.kinds.kind import Kind
from synthgen.statistics.model import Protection

_NUMBER = r"[-+]?(?=\.?\d)(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][-+]?\d{1,2})?"
_PLAIN = re.compile(rf"^{_NUMBER}$")
_RANGE = re.compile(rf"^({_NUMBER})\s*(?:\.\.|-|–|—|~| to )\s*({_NUMBER})$")
_BELOW = re.compile(rf"^(<=|≤|<)\s*({_NUMBER})$")
_ABOVE = re.compile(rf"^(>=|≥|>)\s*({_NUMBER})$")
_ABOUT = re.compile(r"^(?:~|≈|about |approximately |ca\. ?|약 ?)", re.IGNORECASE)
_LETTER = re.compile(r"^\.[a-z]$", re.IGNORECASE)

_WITHHELD = frozenset(
    {"", "-", "–", "—", "na", "n/a", "nan", "null", "none", ".", "..", "...", "…", "x", "*", ":"}
)

LONGEST_VALUE = 80
"""Characters of the longest printed value; anything longer is no number."""


@dataclass(frozen=True)
class Printed:
    """One printed value as an interval, in the natural unit of its kind.

    Parameters
    ----------
    lower, upper : float
        What it stands for; the kind's own bounds where nothing was published.
    published : bool
    note, note_ko : str
        How it was read, in English and Korean; ``""`` for a plain number.
    """

    lower: float
    upper: float
    published: bool = True
    note: str = ""
    note_ko: str = ""


def number_in(text: str, where: str) -> float:
    """A plain number, thousands commas allowed.

    Raises
    ------
    StatisticsError
        If it is something else.
    """
    cleaned = text.strip().replace("−", "-")
    if not _PLAIN.match(cleaned):
        raise StatisticsError(f"{where}: {_short(text)} is not a number; it must be one")
    value = float(cleaned.replace(",", ""))
    if not math.isfinite(value):
        raise StatisticsError(f"{where}: {_short(text)} is too large; it must be a finite number")
    return value


def read_value(
    text: str,
    kind: Kind,
    factor: float,
    protection: Protection,
    where: str,
    *,
    zeros_are_printed: bool,
) -> Printed:
    """Interval that a printed value stands for.

    Parameters
    ----------
    text : str
        As printed.
    kind : Kind
        Of the table: its bounds, and whether printed numbers are rounded.
    factor : float
        From the printed unit to the natural one (0.01 for percent).
    protection : Protection
        Suppression and rounding of the table.
    where : str
        Table and row, for errors.
    zeros_are_printed : bool
        Whether the table prints zeros elsewhere, so that a suppressed count is at least 1.

    Raises
    ------
    StatisticsError
        If it cannot be read, or lies outside what the kind allows.
    """
    if len(text) > LONGEST_VALUE:
        raise StatisticsError(
            f"{where}: value has {len(text)} characters; it must have at most {LONGEST_VALUE}"
        )
    cleaned = " ".join(text.replace("−", "-").replace("%", "").split())
    if cleaned.lower() in _WITHHELD or _LETTER.match(cleaned):
        return _withheld(text, kind, protection, zeros_are_printed=zeros_are_printed)
    smallest = 1.0 if zeros_are_printed else 0.0
    about = _ABOUT.match(cleaned)
    bare = cleaned[about.end() :] if about else cleaned
    below, above, between = _BELOW.match(bare), _ABOVE.match(bare), _RANGE.match(bare)
    if below:
        limit = number_in(below[2], where)
        step = 1.0 if kind.whole and below[1] == "<" else 0.0
        low = smallest if kind.whole else 0.0
        bounds = (min(low, limit - step) * factor, (limit - step) * factor)
    elif above:
        limit = number_in(above[2], where)
        step = 1.0 if kind.whole and above[1] == ">" else 0.0
        bounds = ((limit + step) * factor, kind.bounds[1])
    elif between and not _PLAIN.match(bare):
        bounds = (number_in(between[1], where) * factor, number_in(between[2], where) * factor)
    else:
        value = number_in(bare, where)
        half = _half_width(bare, kind, protection)
        bounds = ((value - half) * factor, (value + half) * factor)
        if not (about or _outside(value * factor, kind)):
            return _fitted(bounds, kind, where, text, told=False, middle=value * factor)
        return _fitted(bounds, kind, where, text, told=bool(about), middle=value * factor)
    return _fitted(bounds, kind, where, text, told=True, middle=None)


def _withheld(text: str, kind: Kind, protection: Protection, *, zeros_are_printed: bool) -> Printed:
    limit = protection.suppressed_below
    if kind.whole and limit is not None:
        low = 1.0 if zeros_are_printed else 0.0
        said = _said("suppressed", text, low=f"{low:g}", high=f"{limit - 1:g}")
        return Printed(low, float(limit - 1), True, *said)
    low = max(kind.bounds[0], 0.0) if kind.whole else kind.bounds[0]
    return Printed(low, kind.bounds[1], False, *_said("not_published", text))


def _half_width(text: str, kind: Kind, protection: Protection) -> float:
    """Half of the interval a printed number stands for, in its printed unit."""
    if protection.rounded_to is not None:
        return protection.rounded_to / 2
    if not kind.rounded:
        return 0.0
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - (int(exponent) if exponent else 0)
    return 0.5 * 10.0 ** (-decimals)


def _outside(value: float, kind: Kind) -> bool:
    return not kind.bounds[0] <= value <= kind.bounds[1]


def _fitted(
    bounds: tuple[float, float],
    kind: Kind,
    where: str,
    text: str,
    *,
    told: bool,
    middle: float | None,
) -> Printed:
    """Bounds within those of the kind; ``middle`` is the printed number itself, if plain.

    ``told`` says whether a note tells how the value was read.
    """
    low, high = bounds
    least, most = kind.bounds
    if low > high:
        raise StatisticsError(f"{where}: {_short(text)} runs backwards; need lower <= upper")
    beyond = high if middle is None else middle
    under = low if middle is None else middle
    if under < least or (beyond > most and not kind.clips):
        raise StatisticsError(
            f"{where}: {_short(text)} is out of range; a value of kind {kind.name} must lie "
            f"between {least:g} and {most:g}"
        )
    if beyond > most:
        return Printed(min(low, most), most, True, *_said("above", text, most=f"{most:.0%}"))
    low, high = max(low, least), min(high, most)
    if told:
        said = _said("range", text, low=f"{low:.6g}", high=f"{high:.6g}")
        return Printed(low, high, True, *said)
    return Printed(low, high)


def _said(key: str, text: str, **values: str) -> tuple[str, str]:
    """How a value was read, in English and Korean."""
    english, korean = (
        message(f"printed.{key}", language, value=_short(text, language), **values)
        for language in ("en", "ko")
    )
    return english, korean


def _short(text: str, language: str = "en") -> str:
    """A value in quotes, cut to a length that fits a line, control characters escaped."""
    cut = text if len(text) <= 30 else text[:29] + "…"
    return repr(cut) if cut else message("printed.empty", language)
