"""Bins: the public ones of a schema, and, only where asked for, those made of the records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synthgen.schema.model import Category, Column, ColumnType
from synthgen.schema.read_variables import SPECIAL

Edges = list[tuple[float, float]]

MOST_SINGLE = 20
"""Whole numbers of a public range that get a bin each; wider ranges get :data:`PUBLIC_BINS`."""

PUBLIC_BINS = 10
"""Bins of equal width of a public range that the schema gives no bins for."""

YEARS = (1900, 1950, 1960, 1970, 1980, 1990, *range(2000, 2051))
"""Public edges of calendar years for dates that the schema gives no bins for."""

MOST_YEARS = 60
"""Bins of calendar years at most, where they are made of records."""

DAYS = (0, 1, 31, 91, 183, 366, 731, 1096, 1827, 3653, 7306, 14611, 36525)
"""Public edges of days from one date to another that cannot be earlier."""

FURTHER = 4
"""How many times as far as the values of many persons the outer bins reach (our choice)."""

ROWS = (0, 1, 2, 3, 4, 5, 6, 8, 11, 21, 51, 101)
"""Public edges of the number of rows that another table has for a row."""


@dataclass(frozen=True)
class Layout:
    """Bins of the records: a few for the joint model, many for the values within each.

    Parameters
    ----------
    coarse, fine : list of (float, float)
        Adjacent half-open intervals; every fine one lies in a coarse one.
    """

    coarse: Edges
    fine: Edges


def categories_of(edges: Edges, *, whole: bool) -> tuple[Category, ...]:
    """Categories with labels that name the values of a bin: ``12``, ``13-20``, ``80+``."""
    labels: list[str] = []
    for lower, upper in edges:
        last = upper - 1 if whole else upper
        if math.isinf(upper):
            label = f"{lower:.12g}+"
        elif last <= lower or (not whole and upper <= math.nextafter(lower, math.inf)):
            label = f"{lower:.12g}"
        else:
            label = f"{lower:.12g}-{last:.12g}"
        label = _safe(label)
        labels.append(label if label not in labels else f"{label} #{len(labels)}")
    return tuple(
        Category(label, label, label, float(lower), float(upper))
        for label, (lower, upper) in zip(labels, edges, strict=True)
    )


def _safe(label: str) -> str:
    """A label that no spreadsheet takes for a formula."""
    return f"({label})" if label.startswith("-") else label


def from_edges(edges: Sequence[float]) -> Edges:
    """Adjacent intervals between edges."""
    return [(float(a), float(b)) for a, b in pairwise(edges)]


def public_bins(column: Column) -> Edges:
    """Bins of a number from the limits that the schema publishes; none without both limits."""
    low, high = column.minimum, column.maximum
    if low is None or high is None:
        return []
    if column.type is ColumnType.INTEGER:
        first, last = math.ceil(low), math.floor(high)
        if last - first < MOST_SINGLE:
            return from_edges(range(first, last + 2))
        inner = np.unique(np.linspace(first, last + 1, PUBLIC_BINS + 1).round())
        return from_edges([float(edge) for edge in inner])
    inner = np.linspace(low, high, PUBLIC_BINS + 1)
    return from_edges([*inner[:-1].tolist(), math.nextafter(high, math.inf)])


def record_bins(
    values: Sequence[float], counts: Sequence[int], *, whole: bool, coarse: int, fine: int
) -> Layout:
    """Bins of about equal numbers of records; a frequent value has one of its own.

    Parameters
    ----------
    values : sequence of float
        Distinct values, ascending.
    counts : sequence of int
        Records with each.
    whole : bool
        Whether values are whole numbers.
    coarse, fine : int
        Bins of each layer, about.
    """
    inner = _grouped(values, counts, fine)
    weights = [sum(counts[first : last + 1]) for first, last in inner]
    outer = _grouped(range(len(inner)), weights, coarse)

    def end(value: float) -> float:
        return value + 1.0 if whole else math.nextafter(value, math.inf)

    fine_edges: Edges = []
    coarse_edges: Edges = []
    for first_group, last_group in outer:
        start = fine_edges[-1][1] if fine_edges else values[inner[first_group][0]]
        for first, last in inner[first_group : last_group + 1]:
            lower, upper = values[first], end(values[last])
            if fine_edges and fine_edges[-1][1] < lower:  # values that nobody has
                fine_edges.append((fine_edges[-1][1], lower))
            fine_edges.append((lower, upper))
        coarse_edges.append((start, fine_edges[-1][1]))
    return Layout(coarse_edges, fine_edges)


def merged(edges: Edges, values: Sequence[float], counts: Sequence[int], least: int) -> Edges:
    """Bins of at least so many persons each: a smaller one joins the smaller of its neighbours.

    Parameters
    ----------
    edges : list of (float, float)
        Adjacent intervals that hold all values.
    values, counts : sequence
        Distinct values and the persons with each.
    least : int
        Fewest persons of a bin.

    Examples
    --------
    >>> merged([(0, 1), (1, 2), (2, 9)], [0.5, 1.5, 3.0], [8, 2, 6], 5)
    [(0.0, 1.0), (1.0, 9.0)]
    """
    kept = [edges[0][0], *(high for _, high in edges)]
    people, _ = np.histogram(values, bins=kept, weights=counts)
    people = people.tolist()
    while len(people) > 1 and min(people) < least:
        at = people.index(min(people))
        left = at > 0 and (at == len(people) - 1 or people[at - 1] <= people[at + 1])
        first = at - 1 if left else at
        people[first : first + 2] = [people[first] + people[first + 1]]
        del kept[first + 1]
    return from_edges(kept)


def blurred(edges: Edges, column: Column | None = None, *, whole: bool) -> Edges:
    """Bins near those of records, of which no edge is anybody's value.

    Parameters
    ----------
    edges : list of (float, float)
        Adjacent intervals whose ends are values of records; the outer ones must not be
        those of single persons.
    column : Column, optional
        Whose published limits are kept.
    whole : bool
        Whether values are whole numbers.

    Returns
    -------
    list of (float, float)
        Inner edges on a grid of tens, ones or tenths, of which 10 to 100 steps span the
        inner ones.  The outer bins end at the published limits; where there are none, 1, 2,
        4, 8 ... times ten steps from there, and :data:`FURTHER` times as far again, at zero
        if no outer end is negative.  Our choice.

    Examples
    --------
    >>> blurred([(3.7, 21.4), (21.4, 58.9), (58.9, 77.7)], whole=False)
    [(0.0, 21.0), (21.0, 59.0), (59.0, 139.0)]
    """
    first, last = edges[0][0], edges[-1][1]
    inner = [lower for lower, _ in edges[1:]] or [first]
    span = inner[-1] - inner[0] or last - first
    span = max(span, 1e-6 * max(abs(first), abs(last)), 1e-6)
    digits = 1 - math.floor(math.log10(span))
    digits = min(digits, 0) if whole else digits
    cuts = sorted({round(edge, digits) for edge in inner})
    reach = 10.0 ** (1 - digits)
    low, high = cuts[0] - reach, cuts[-1] + reach
    while low > first:
        low -= cuts[0] - low
    while high <= last:
        high += high - cuts[-1]
    low -= (FURTHER - 1) * (cuts[0] - low)
    high += (FURTHER - 1) * (high - cuts[-1])
    if first >= 0.0 > low:
        low = 0.0
    low, high = round(low, digits), round(high, digits)
    if column is not None and column.minimum is not None:
        low = float(column.minimum)
    if column is not None and column.maximum is not None:
        most = float(column.maximum)
        high = most + 1.0 if whole else math.nextafter(most, math.inf)
    return from_edges([low, *(cut for cut in cuts if low < cut < high), high])


def special(means: str) -> Category:
    """Category of what is no value: missing, equal to another."""
    title, title_ko = SPECIAL[means]
    return Category(means, title, title_ko, means=means)


def _grouped(values: Sequence[float], counts: Sequence[int], bins: int) -> list[tuple[int, int]]:
    """First and last position of each group of about equal weight."""
    share = max(sum(counts) / bins, 1.0)
    groups: list[tuple[int, int]] = []
    start, weight = 0, 0.0
    for at in range(len(values)):
        if counts[at] >= share:  # alone
            if at > start:
                groups.append((start, at - 1))
            groups.append((at, at))
            start, weight = at + 1, 0.0
            continue
        weight += counts[at]
        if weight >= share:
            groups.append((start, at))
            start, weight = at + 1, 0.0
    if start < len(values):
        groups.append((start, len(values) - 1))
    return groups


def divided(fine: Edges, coarse: Edges) -> Edges:
    """Fine bins cut at the edges of coarse ones, so that each lies in one."""
    edges = sorted({e for pair in (*fine, *coarse) for e in pair})
    low, high = coarse[0][0], coarse[-1][1]
    return from_edges([e for e in edges if low <= e <= high])


def year_bins(first: int | None, last: int | None) -> Edges:
    """Calendar years, a few together where there are many."""
    if first is None or last is None:
        return from_edges([2000.0, 2001.0])
    step = 1 if last - first < MOST_YEARS else math.ceil((last - first + 1) / MOST_YEARS)
    return from_edges([float(y) for y in range(first, last + step + 1, step)])
