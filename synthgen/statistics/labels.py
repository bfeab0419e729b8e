"""Printed labels of categories: codes, named groups, age bands, ``all``, ``unknown``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from synthgen.errors import StatisticsError
from synthgen.schema.model import Variable

WHOLE = frozenset(
    {"", "all", "total", "both", "both sexes", "all ages", "persons", "전체", "계", "합계", "총계"}
)
"""Labels of a subtotal row, in lower case; a code of the same name wins."""

UNKNOWN = frozenset({"unknown", "unspecified", "not stated", "age unknown", "unk", "미상", "불명"})
"""Labels of an unknown category, in lower case; a code of the same name wins."""

DEEPEST_GROUP = 20
"""Deepest nesting of groups of groups that is read."""

_PREFIX = re.compile(r"^(?:ages?|aged)\s+", re.IGNORECASE)
_SUFFIX = re.compile(r"\s*(?:years?|yrs?|y|세)$", re.IGNORECASE)
_NUMBER = r"(\d{1,4}(?:\.\d{1,4})?)"
_CLOSED = re.compile(rf"^{_NUMBER}\s*(?:-|–|—|~| to )\s*{_NUMBER}$")
_OPEN = re.compile(rf"^(?:(?:>=|≥)\s*{_NUMBER}|{_NUMBER}\s*(?:\+|세? ?이상| and over))$")
_UNDER = re.compile(rf"^(?:<\s*{_NUMBER}|{_NUMBER}\s*(?:세? ?미만))$")


def codes_of_label(
    label: str,
    variable: Variable,
    groups: Mapping[str, tuple[str, ...]],
    where: str,
) -> tuple[str, ...] | None:
    """Codes that a printed label stands for.

    Parameters
    ----------
    label : str
        A code, a label of ``groups``, several codes joined by ``|``, a band of whole bins
        (``"0-59"``, ``"60+"``, ``"<15"``), ``all`` or empty, or ``unknown``.
    variable : Variable
    groups : mapping of str to tuple of str
        Labels of this variable that the table's descriptor defines.
    where : str
        Table and row, for errors.

    Returns
    -------
    tuple of str or None
        None for the whole variable; ``()`` for an unknown category without a code.

    Raises
    ------
    StatisticsError
        If it stands for nothing that the variable has.
    """
    text = " ".join(label.split())
    known = variable.codes
    if text in known:
        return (text,)
    if text in groups:
        return groups[text]
    lowered = text.lower()
    if lowered in WHOLE:
        return None
    if "|" in text:
        parts = tuple(part.strip() for part in text.split("|"))
        missing = [part for part in parts if part not in known]
        if missing:
            raise _unknown_code(missing[0], variable, where, len(missing))
        return in_order(parts, variable)
    if lowered in UNKNOWN:
        return ()
    if variable.is_binned:
        return _band(text, variable, where)
    raise _unknown_code(text, variable, where, 1)


def in_order(codes: tuple[str, ...], variable: Variable) -> tuple[str, ...]:
    """Codes in the order of the variable, each once."""
    chosen = set(codes)
    return tuple(code for code in variable.codes if code in chosen)


def _unknown_code(text: str, variable: Variable, where: str, many: int) -> StatisticsError:
    shown = ", ".join(variable.codes[:6]) + (", ..." if len(variable.codes) > 6 else "")
    cut = text if len(text) <= 40 else text[:39] + "…"
    return StatisticsError(
        f"{where}: {variable.name} is {cut!r}; it must be a code ({shown}), a label of the "
        f"table's groups, or all ({many} such codes)"
    )


def ends_are_included(variable: Variable) -> bool:
    """Whether bin labels name their last value (``0-4`` for ages below 5)."""
    for category in variable.categories:
        match = _CLOSED.match(category.code)
        if match and category.upper is not None and math.isfinite(category.upper):
            return float(match[2]) < category.upper
    return False


def _band(text: str, variable: Variable, where: str) -> tuple[str, ...]:
    """Bins of a band whose ends must be edges of bins."""
    bare = _SUFFIX.sub("", _PREFIX.sub("", text))
    closed, open_ended, under = _CLOSED.match(bare), _OPEN.match(bare), _UNDER.match(bare)
    step = 1.0 if ends_are_included(variable) else 0.0
    if closed:
        low, high = float(closed[1]), float(closed[2]) + step
    elif open_ended:
        low, high = float(open_ended[1] or open_ended[2]), math.inf
    elif under:
        low, high = -math.inf, float(under[1] or under[2])
    else:
        raise _unknown_code(text, variable, where, 1)
    chosen, edges = [], []
    for category in variable.categories:
        start = -math.inf if category.lower is None else category.lower
        end = math.inf if category.upper is None else category.upper
        edges.append(start)
        if start >= low and end <= high:
            chosen.append((start, end, category.code))
    last = chosen[-1][2] == variable.codes[-1] if chosen and high == math.inf else False
    fits = (
        bool(chosen)
        and (low == -math.inf or chosen[0][0] == low)
        and (last or chosen[-1][1] == high)
    )
    if not fits:
        shown = ", ".join(f"{edge:g}" for edge in edges[:8])
        raise StatisticsError(
            f"{where}: band {text!r} cuts a bin of {variable.name}; its ends must be edges "
            f"({shown}, ...)"
        )
    return tuple(code for _, _, code in chosen)


def expand_groups(
    groups: Mapping[str, list[str]], variable: Variable, where: str
) -> dict[str, tuple[str, ...]]:
    """Groups of codes, groups of groups resolved.

    Raises
    ------
    StatisticsError
        If a group is empty, names something unknown, or contains itself.
    """
    expanded: dict[str, tuple[str, ...]] = {}

    def resolve(label: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if label in variable.codes:
            return (label,)
        if len(path) > DEEPEST_GROUP:
            raise StatisticsError(
                f"{where}: groups of {variable.name} are nested {len(path)} deep; at most "
                f"{DEEPEST_GROUP} are read"
            )
        if label in path:
            raise StatisticsError(
                f"{where}: group {label!r} of {variable.name} contains itself; groups must not "
                "form a circle"
            )
        if label in expanded:
            return expanded[label]
        if label not in groups:
            raise _unknown_code(label, variable, where, 1)
        found: list[str] = []
        for part in groups[label]:
            found.extend(resolve(part, (*path, label)))
        if not found:
            raise StatisticsError(
                f"{where}: group {label!r} of {variable.name} is empty; it must name codes"
            )
        expanded[label] = in_order(tuple(found), variable)
        return expanded[label]

    for label in groups:
        if label not in variable.codes:
            resolve(label, ())
    return expanded
