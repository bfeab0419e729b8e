"""Protect a pack: suppress or round, then hide more until nothing can be recovered.

Complementary protection is greedy: as long as the audit finds a hidden number that the other
tables give away, the printed number with the least information among those that do is
printed one step coarser.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from synthgen.errors import StatisticsError, UsageError
from synthgen.messages import message
from synthgen.schema.load import load_schema
from synthgen.schema.model import Schema
from synthgen.statistics.audit.checks import homogeneous, rests_at_risk
from synthgen.statistics.audit.explanation import facts_behind
from synthgen.statistics.audit.facts import Fact, populations_of
from synthgen.statistics.audit.impossible import Impossible
from synthgen.statistics.audit.reconstruction import Reconstruction, reconstruct
from synthgen.statistics.audit.verdict import Limits, at_risk_nodes, least_width, undecided_nodes
from synthgen.statistics.audit.work import MOST_WORK, Work
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.protection.impossible import impossible_keys
from synthgen.statistics.protection.ladder import LAST_STEP, Rules
from synthgen.statistics.protection.printing import Key, key_of_fact, print_pack
from synthgen.statistics.protection.record import recorded

MOST_ROUNDS = 200
"""Most rounds of audit and coarser printing."""

MANY_SMALL = 150
"""Small numbers beyond which suppression is not tried where rounding is at hand: its time."""

FEW_ROUNDS = 25
"""Most rounds of suppression where rounding is at hand: tables that need more are linked in so
many ways that hiding single numbers does not end."""

Notice = Callable[[str], None]
"""Is told in one line what is being done."""

METHODS = ("auto", "round", "suppress")


@dataclass(frozen=True)
class Protected:
    """A protected pack and what it cost.

    Parameters
    ----------
    pack : StatisticsPack
    rules : Rules
    steps : dict
        Printed numbers that had to be coarser than the rules ask of them alone.
    lost : float
        Mean width of the printed ranges over all cells [persons], see :func:`information_lost`.
    """

    pack: StatisticsPack
    rules: Rules
    steps: dict[Key, int]
    lost: float


def protect(
    pack: StatisticsPack,
    schema: Schema | None = None,
    *,
    min_cell: int = 5,
    round_to: int | None = None,
    method: str = "auto",
    min_width: int | None = None,
    events: int = 5,
    at_risk: int = 11,
    notice: Notice | None = None,
) -> StatisticsPack:
    """A pack that may be shown: no small number of patients can be worked out from it.

    Parameters
    ----------
    pack : StatisticsPack
        With true numbers.  Counts, shares (through their counts), rates and survival are
        protected together, because they share margins; populations and life tables are
        about other people and stay as they are; noisy counts are protected already.
    schema : Schema, optional
        That the pack speaks about; the shipped one of that name by default.
    min_cell : int
        Smallest number of patients that may be recognised [persons], at least 2.
    round_to : int, optional
        Base of rounding; asks for rounding.  ``min_cell`` where rounding is chosen.
    method : {"auto", "round", "suppress"}
        ``auto`` protects both ways and keeps the one that loses less; suppression that does
        not end within 25 rounds, or loses more on the way, is given up for rounding, and not
        tried with more than 150 small numbers.
    min_width : int, optional
        A hidden number must keep at least this many other values that it may be; half of
        ``min_cell - 1`` by default (our choice).
    events, at_risk : int
        Fewest deaths between two printed times of a survival curve, and fewest patients at
        risk [persons]; times between are left out.
    notice : callable, optional
        Told in one line what is being done, at the start of every round.

    Returns
    -------
    StatisticsPack
        With ``protection`` set in every table, and the method and its reason in the
        description of the pack.

    Raises
    ------
    UsageError
        If a limit makes no sense.
    StatisticsError
        If the tables contradict each other, or cannot be protected.

    Notes
    -----
    Every number is rounded by itself, totals too: totals are not the sums of the rounded
    parts, and each printed number stands for the range of half a base on either side.
    Printing ranges for complementary cells instead of blanks is partial cell suppression
    (Fischetti M, Salazar JJ, Partial cell suppression, Stat Comput 2003;13:13,
    doi:10.1023/A:1021930119617).
    """
    return protect_with_record(
        pack,
        schema,
        min_cell=min_cell,
        round_to=round_to,
        method=method,
        min_width=min_width,
        events=events,
        at_risk=at_risk,
        notice=notice,
    ).pack


def protect_with_record(
    pack: StatisticsPack,
    schema: Schema | None = None,
    *,
    min_cell: int = 5,
    round_to: int | None = None,
    method: str = "auto",
    min_width: int | None = None,
    events: int = 5,
    at_risk: int = 11,
    notice: Notice | None = None,
) -> Protected:
    """The same as :func:`protect`, with the steps that were needed and what they cost."""
    if method not in METHODS:
        raise UsageError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if min_cell < 2:
        raise UsageError(f"min_cell is {min_cell}; it must be at least 2")
    if round_to is not None and round_to < 2:
        raise UsageError(f"round_to is {round_to}; it must be at least 2")
    width = least_width(min_cell) if min_width is None else min_width
    if width < 1:
        raise UsageError(f"min_width is {width}; it must be at least 1")
    if schema is None:
        schema = pack.own_schema if pack.own_schema is not None else load_schema(pack.schema)
    if round_to is not None and method == "auto":
        method = "round"
    impossible = Impossible(schema)
    done: list[Protected] = []
    if method in {"auto", "round"}:
        rules = Rules(min_cell, round_to or min_cell, width, events, at_risk)
        done.append(_protect(pack, impossible, rules, notice=notice))
    if method in {"auto", "suppress"}:
        rules = Rules(min_cell, None, width, events, at_risk)
        if method == "suppress":
            done.append(_protect(pack, impossible, rules, notice=notice))
        else:
            done += _protect_if_better(pack, impossible, rules, done[0].lost, notice)
    best = min(done, key=lambda p: p.lost)
    others = [p for p in done if p is not best]
    return replace(
        best,
        pack=recorded(
            best.pack,
            best.rules,
            len(best.steps),
            best.lost,
            [p.lost for p in others],
            gave_up=method == "auto" and not others,
        ),
    )


def _protect_if_better(
    pack: StatisticsPack, impossible: Impossible, rules: Rules, lost: float, notice: Notice | None
) -> list[Protected]:
    """Protect, but give up once more is lost than by another way, or after a few rounds."""
    counts = print_pack(pack, impossible.schema, rules, {}).counts
    if sum(0 < count < rules.min_cell for count in counts.values()) > MANY_SMALL:
        return []
    try:
        found = _protect(pack, impossible, rules, rounds=FEW_ROUNDS, most_lost=lost, notice=notice)
    except _WorseError:
        return []
    return [found]


class UndecidedError(StatisticsError):
    """Whether a pack is protected takes too much work to find out: its tables must be coarser."""


class _WorseError(Exception):
    """Another way of protecting loses less, or takes far fewer rounds."""


def _protect(
    pack: StatisticsPack,
    impossible: Impossible,
    rules: Rules,
    *,
    rounds: int = MOST_ROUNDS,
    most_lost: float = math.inf,
    notice: Notice | None = None,
) -> Protected:
    steps: dict[Key, int] = {}
    schema = impossible.schema
    known = impossible_keys(pack, schema)
    audited = _Audited()
    for number in range(1, rounds + 1):
        printed = print_pack(pack, schema, rules, steps)
        if notice is not None:
            way = "protection.suppressing" if rules.base is None else "protection.rounding"
            many = len(printed.counts)
            notice(message(way, "en", numbers=many, round=number, coarser=len(steps)))
        if most_lost < math.inf and information_lost(printed.pack, schema) > most_lost:
            raise _WorseError
        counts = {key: n for key, n in printed.counts.items() if key not in known}
        coarser = _coarser(printed.pack, impossible, rules, steps, counts, audited)
        if coarser is None and rounds < MOST_ROUNDS:
            raise _WorseError
        if coarser is None:
            raise UndecidedError(
                f"pack {pack.id}: whether it is protected takes too much work to find out (more "
                f"than {MOST_WORK:,} coefficients); its tables must be fewer or coarser"
            )
        if not coarser:
            return Protected(printed.pack, rules, steps, information_lost(printed.pack, schema))
        for key in coarser:
            for same in printed.same_region(key):
                steps[same] = steps.get(same, 0) + 1
    if rounds < MOST_ROUNDS:
        raise _WorseError
    raise StatisticsError(
        f"pack {pack.id}: could not be protected in {MOST_ROUNDS} rounds; its tables must be "
        "fewer or coarser"
    )


@dataclass(eq=False)
class _Audited:
    """What earlier rounds have done, by population.

    Parameters
    ----------
    work : dict of str to Work
        What is left of it.
    kept : dict of str to tuple of Fact
        Printed numbers that gave nothing away: they are not asked again.
    """

    work: dict[str, Work] = field(default_factory=lambda: defaultdict(lambda: Work()))
    kept: dict[str, tuple[Fact, ...]] = field(default_factory=dict)


def _coarser(
    pack: StatisticsPack,
    impossible: Impossible,
    rules: Rules,
    steps: dict[Key, int],
    counts: dict[Key, float],
    audited: _Audited,
) -> list[Key] | None:
    """Numbers to print one step coarser, so that less is given away; none if all is well.

    None where the work allowed ended before that was known.
    """
    chosen: dict[Key, None] = {}
    limits = Limits(rules.min_cell, rules.min_width, events=rules.events, at_risk=rules.at_risk)
    for population in populations_of((pack,), impossible.schema, impossible):
        if audited.kept.get(population.name) == population.facts:
            continue
        width = float(rules.min_width)
        work = audited.work[population.name]
        found = reconstruct(population, narrow=width, enough=width, work=work)
        if undecided_nodes(found, rules.min_cell, width):
            return None
        given_away = list(_given_away(found, limits))
        if not given_away:
            audited.kept[population.name] = population.facts
        for own, facts in given_away:
            keys = {key_of_fact(f) for f in facts}
            if keys & chosen.keys():
                continue  # one of its causes is already being hidden
            chosen[_cheapest(population.name, own, keys, rules, steps, counts)] = None
    return list(chosen)


def _given_away(
    found: Reconstruction, limits: Limits
) -> Iterator[tuple[set[Key], tuple[Fact, ...]]]:
    """Keys of each number that is given away, and the printed numbers that do it.

    Hidden numbers first (I2), then differences that nobody printed (I6), then small groups
    that are all alike (I3), for which no key is spared.
    """
    keys: dict[int, set[Key]] = {}
    for line in found.grid.lines:
        keys.setdefault(line.node, set()).add(key_of_fact(line.fact))
    for node in at_risk_nodes(found, limits.min_cell, limits.min_width):
        yield keys[node], facts_behind(found, node)
    for node in rests_at_risk(found, limits):
        yield set(), found.bounds.facts_behind(node)
    for equation, part in homogeneous(found, limits):
        if part < found.bounds.printed:
            behind = found.bounds.facts_behind
            yield set(), (*behind(part), *behind(equation.parent))


def _cheapest(
    population: str,
    own: set[Key],
    keys: set[Key],
    rules: Rules,
    steps: dict[Key, int],
    counts: dict[Key, float],
) -> Key:
    """The number with the least information among those that give something away."""

    def cost(key: Key) -> tuple[int, float, Key]:
        count = counts.get(key, 0.0)
        # A zero may be known to everybody (a site that a sex has not): it hides little.
        return steps.get(key, 0), count if count > 0 else 2.0 * rules.min_cell, key

    open_to = [k for k in keys - own if k in counts and steps.get(k, 0) < LAST_STEP]
    if not open_to:
        open_to = [k for k in own if k in counts and steps.get(k, 0) < LAST_STEP]
    if not open_to:
        table = min((key[0] for key in keys), default=population)
        raise StatisticsError(
            f"{table}: a small number is given away by numbers that cannot be printed coarser "
            "(shares without n); leave the table out"
        )
    return min(open_to, key=cost)


def information_lost(pack: StatisticsPack, schema: Schema) -> float:
    """Mean of ``log2(values a printed number may have)`` over all printed numbers [bits]."""
    widths = [
        math.log2(1.0 + min(fact.upper, 1e6) - fact.lower)
        for population in populations_of((pack,), schema)
        for fact in population.facts
        if fact.share is None
    ]
    return sum(widths) / len(widths) if widths else 0.0
