"""The public edition of an evaluation: rounded, because what was measured leaks as well.

What may be reconstructed from exact findings: Ganev and De Cristofaro 2023, arXiv 2312.05114.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

#: Grid of numbers that are shares or advantages.
STEP = 0.05
#: Grid of counts and other greater numbers [persons, cells].
COUNT_STEP = 5

_VALUES = re.compile(r"=([^,;:]*)")
_NAME = re.compile(r"[\w.]+")
#: What stands behind the name of a group: which attack it was.
_ATTACK = re.compile(r": (?:nearness|uniques|secret=([^:]+))$")


def public_edition(
    document: Mapping[str, Any], k_min: int, public_codes: frozenset[str]
) -> dict[str, Any]:
    """What may be published of ``evaluation.json``.

    Parameters
    ----------
    document : mapping
        The internal edition.
    k_min : int
        Strata of fewer persons are left out; how many findings that are is said.
    public_codes : frozenset of str
        Codes and bin labels that the schema publishes.  A group of patients whose name
        holds anything else is called by its number.

    Returns
    -------
    dict
        Verdicts as they are.  Estimates to the next multiple of 0.05 (from 1 on: of 5), lower
        bounds down and upper bounds up, so that no interval looks narrower than it is; no
        detail, no exact number of persons, no hash or number of records.
    """
    columns = frozenset(document["inputs"]["columns"])
    names = _Names(columns, public_codes)
    omitted = {
        (said["measure"], said["part"])
        for said in document["findings"]
        if names.is_group(said["part"]) and said["n"] < k_min
    }
    findings = [
        _finding(said, names.public(said["part"]))
        for said in document["findings"]
        if (said["measure"], said["part"]) not in omitted
    ]
    judged = [
        dict(said) | {"part": names.public(said["part"])}
        for said in document["decision"]["judged"]
        if (said["measure"], said["part"]) not in omitted
    ]
    decision = dict(document["decision"]) | {"judged": judged, "omitted": len(omitted)}
    inputs = dict(document["inputs"])
    for name in ("train", "control"):
        inputs[name] = None if inputs[name] is None else {"rows": None, "sha256": ""}
    return dict(document) | {
        "edition": "public",
        "findings": findings,
        "decision": decision,
        "inputs": inputs,
        "target": dict(document["target"]) | {"path": ""},
        "attempt": dict(document["attempt"]) | {"subject": ""},
    }


def _finding(said: Mapping[str, Any], part: str) -> dict[str, Any]:
    return dict(said) | {
        "part": part,
        "estimate": rounded(said["estimate"], 0),
        "lower": rounded(said["lower"], -1),
        "upper": rounded(said["upper"], 1),
        "detectable": rounded(said["detectable"], 1),
        "n": None if said["n"] is None else COUNT_STEP * (said["n"] // COUNT_STEP),
        "detail": {},
    }


def rounded(number: float | None, direction: int) -> float | None:
    """A number on the grid of the public edition.

    Parameters
    ----------
    number : float or None
    direction : {-1, 0, 1}
        Down, to the nearest, up.

    Examples
    --------
    >>> rounded(0.031, 0), rounded(0.031, -1), rounded(0.031, 1), rounded(7.0, 1), rounded(0.0, 1)
    (0.05, 0.0, 0.05, 10, 0.0)
    """
    if number is None:
        return None
    step = STEP if abs(number) < 1 else COUNT_STEP
    steps = round(number / step, 9)  # 0.15 / 0.05 is 2.9999999999999996
    whole = {-1: math.floor(steps), 0: round(steps), 1: math.ceil(steps)}[direction]
    return round(whole * step, 2)


class _Names:
    """Names of parts: as they are, or a number where they hold what nobody has published."""

    def __init__(self, columns: frozenset[str], public_codes: frozenset[str]) -> None:
        self._columns = columns
        self._codes = public_codes
        self._numbers: dict[str, int] = {}

    def _codes_of(self, part: str) -> list[str]:
        """What stands behind an equals sign and is no column."""
        values = (value.strip() for value in _VALUES.findall(part))
        return [value for value in values if value not in self._columns]

    def is_group(self, part: str) -> bool:
        """Whether it is about patients with certain codes: a stratum."""
        return bool(self._codes_of(part))

    def public(self, part: str) -> str:
        if not self.is_group(part):
            return part
        name, suffix = part, ""
        found = _ATTACK.search(part)
        if found is not None and (not found[1] or found[1] in self._columns):
            name, suffix = part[: found.start()], found[0]
        if all(self._is_public(item) for item in name.removeprefix("stratum ").split(", ")):
            return part
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        return f"group {number}{suffix}"

    def _is_public(self, item: str) -> bool:
        """Whether it is ``column=code`` and nothing else: a code may hold commas and colons."""
        column, equals, value = item.partition("=")
        return bool(equals and _NAME.fullmatch(column)) and value in self._codes | self._columns
