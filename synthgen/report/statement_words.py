"""What a published number is about, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from synthgen.messages import LANGUAGES
from synthgen.report.words import Words, joined, label, plain, say
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.statement import TIME_VARIABLE, Members, Statement

BREAK = re.compile(r"[,:;(]")
"""What stands between the beginning of a title and the rest."""


def codes_words(variable: Variable, codes: Iterable[str]) -> Words:
    """Words for some codes of a variable: a range of bins, a common beginning, or a list.

    Parameters
    ----------
    variable : Variable
    codes : iterable of str
        At least one, in any order.
    """
    chosen = set(codes)
    found = [c for c in variable.categories if c.code in chosen]
    if not found:
        return plain("–")
    if len(found) == 1:
        return label(found[0])
    if variable.is_binned and _adjacent(variable, found):
        return _range(found[0], found[-1])
    shared = _common(found)
    if shared is not None:
        return shared
    named = joined([label(c) for c in found[:2]])
    return named if len(found) == 2 else say("report.and_more", first=named, n=len(found) - 2)


def _adjacent(variable: Variable, found: list[Category]) -> bool:
    at = variable.codes.index(found[0].code)
    return variable.codes[at : at + len(found)] == tuple(c.code for c in found)


def _range(first: Category, last: Category) -> Words:
    """``0-4 years`` and ``15-19 years`` as ``0-19 years``, in each language's own title."""
    start = first.code.partition("-")[0]
    if "-" in last.code:
        end = last.code.partition("-")[2]
        return label(last).map(lambda title: title.replace(last.code, f"{start}-{end}", 1))
    return label(last).map(lambda title: title.replace(last.code.rstrip("+"), start, 1))


def _common(found: list[Category]) -> Words | None:
    """Beginning that all titles share up to a comma or colon (``Regional``), if there is one."""
    texts = []
    for language in LANGUAGES:
        beginnings = {BREAK.split(c.label(language), maxsplit=1)[0] for c in found}
        if len(beginnings) > 1:
            return None
        texts.append(beginnings.pop().strip())
    return Words(tuple(texts))


def years_words(years: float) -> str:
    """A number of years without needless digits.

    Examples
    --------
    >>> years_words(5.0), years_words(0.5)
    ('5', '0.5')
    """
    return f"{years:g}"


def members_words(members: Members, schema: Schema, *, skip: Iterable[str] = ()) -> Words:
    """Words for a set of codes per variable, without the variables' names."""
    left_out = set(skip)
    parts = [
        codes_words(schema.variable(name), codes)
        for name, codes in members.items()
        if name not in left_out
    ]
    return joined(parts, " · ")


def about(
    said: Statement, schema: Schema, left_out: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Words, Words]:
    """What a statement says, and of whom.

    Parameters
    ----------
    said : Statement
    schema : Schema
    left_out : mapping of str to tuple of str, optional
        Conditions that go without saying: those of all statements beside it.

    Returns
    -------
    tuple of Words
        The event (``Distant``), and the condition (``Osteosarcoma · 0-19 years``), which is
        empty for everybody.
    """
    own = {n: c for n, c in said.event.items() if said.given.get(n) != c}
    given = {n: c for n, c in said.given.items() if (left_out or {}).get(n) != c}
    event, condition = [], []
    times = schema.variable(TIME_VARIABLE).codes if TIME_VARIABLE in said.event else ()
    if _from_a_time_on(own.get(TIME_VARIABLE, ()), times):
        event.append(say("report.alive_after", years=_start(own, schema)))
        del own[TIME_VARIABLE]
    if _from_a_time_on(given.get(TIME_VARIABLE, ()), times):
        condition.append(say("report.of_those_alive", years=_start(given, schema)))
        del given[TIME_VARIABLE]
    event = [*([members_words(own, schema)] if own else []), *event]
    condition = [*([members_words(given, schema)] if given else []), *condition]
    return joined(event, " · "), joined(condition, " · ")


def _from_a_time_on(codes: tuple[str, ...], times: tuple[str, ...]) -> bool:
    """Whether codes are all bins from a time on: who is alive then."""
    return bool(codes) and codes == times[len(times) - len(codes) :]


def _start(members: Members, schema: Schema) -> str:
    """Time from which on patients are meant to live."""
    codes = members[TIME_VARIABLE]
    first = next((c for c in schema.variable(TIME_VARIABLE).categories if c.code in codes), None)
    return years_words(first.lower or 0.0) if first else "∞"


def common_condition(statements: Iterable[Statement]) -> dict[str, tuple[str, ...]]:
    """What all statements of a table are conditional on alike."""
    shared: dict[str, tuple[str, ...]] | None = None
    for said in statements:
        given = {n: c for n, c in said.given.items() if n != TIME_VARIABLE}
        if shared is None:
            shared = given
        shared = {n: c for n, c in shared.items() if given.get(n) == c}
    return shared or {}
