"""Small generators, each with one known property: leaky, useless, or honest.

Every one is a function ``(records, n, rng) -> Subjects``; the refit audit calls it again
and again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import encoder_of, numbers, rows_of
from synthgen.findings import Subjects
from synthgen.privacy.controls.private_tables import PrivateTables
from synthgen.privacy.controls.truth import (
    CATEGORICAL,
    ENTITY_SHARE,
    NUMERIC,
    PUBLIC_CUTS,
    PUBLIC_RANGE,
    patients,
    truth_schema,
)
from synthgen.privacy.neighbours import most_isolated

Generator = Callable[[Subjects, int, np.random.Generator], Subjects]
Positions = npt.NDArray[np.intp]

EPSILON = 1.0
"""Privacy budget of the columns with noise."""

SHARES = PrivateTables((("entity",),))
"""The one private table that the noisy shares are made from."""

PSEUDO_CASES = 16.0
"""Cases that a column's own distribution weighs in each of its conditional ones, as the
models of synthgen have it for entities with few cases."""


def copier(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Records drawn with replacement."""
    return rows_of(records, rng.integers(len(records), size=n))


def jitter(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Records drawn with replacement, numbers moved by 2 % of their middle nine tenths."""
    copied = copier(records, n, rng)
    frame = copied.frame.copy()
    for name in copied.numeric:
        values = numbers(frame[name])
        low, high = np.nanquantile(numbers(records.frame[name]), [0.05, 0.95])
        moved = values + 0.02 * (high - low) * rng.standard_normal(n)
        frame[name] = np.clip(np.round(moved, 1), np.nanmin(values), np.nanmax(values))
    return Subjects(frame, copied.categorical, copied.numeric)


def mirrored(subjects: Subjects) -> Subjects:
    """Every number x as minimum + maximum - x of its public range, codes in reverse order.

    Its own inverse, and known to whoever reads the code of the generator.
    """
    frame = subjects.frame.copy()
    for name in subjects.numeric:
        low, high = PUBLIC_RANGE[name]
        frame[name] = np.round(low + high - numbers(frame[name]), 1)
    for name, codes in _public_codes().items():
        swapped = dict(zip(codes, codes[::-1], strict=True))
        frame[name] = frame[name].map(swapped)
    return Subjects(frame, subjects.categorical, subjects.numeric)


def mirror(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Copies pushed through :func:`mirrored`: far from every record, and all of them."""
    return mirrored(copier(records, n, rng))


def independent(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Every column resampled on its own: raw values, no dependence."""
    frame = records.frame.iloc[:0].copy()
    columns = {
        name: records.frame[name].to_numpy()[rng.integers(len(records), size=n)]
        for name in records.columns
    }
    made = type(frame)(columns)
    return Subjects(made, records.categorical, records.numeric)


def outlier_leak(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Honest patients, but the most isolated 5 % of the records stand among them word for word."""
    import pandas as pd

    points = encoder_of(records)(records).points
    worst = rows_of(records, most_isolated(points, 0.05, 1))
    rest = tree_of_pairs(records, max(n - len(worst), 0), rng)
    frame = pd.concat([worst.frame[list(rest.columns)], rest.frame], ignore_index=True)[:n]
    return Subjects(frame, records.categorical, records.numeric)


def uniform(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Every public code and every number of the public range alike; records are not looked at."""
    import pandas as pd

    columns = {name: rng.choice(codes, size=n) for name, codes in _public_codes().items()}
    for name, (low, high) in PUBLIC_RANGE.items():
        columns[name] = np.round(rng.uniform(low, high, n))
    return Subjects(
        pd.DataFrame(columns)[list(records.columns)], records.categorical, records.numeric
    )


def published(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """The invented population itself, as if fitted to perfect published tables (G0)."""
    del records
    return patients(n, rng)


def private_shares(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """A published prior moved to noisy counts of the entities (G1).

    The table is private (:data:`SHARES`), and moves the prior as far as it differs from it by
    more than noise: the positive part of the estimator of James and Stein 1961.  Nothing else
    comes from the records.
    """
    (noisy,) = SHARES.publish(SHARES.counts(records), 1, rng)
    prior = np.array(ENTITY_SHARE) * max(float(noisy.sum()), 1.0)
    away = noisy - prior
    noise = (len(away) - 2) * SHARES.scale**2
    weight = max(0.0, 1.0 - noise / max(float((away**2).sum()), noise))
    return patients(n, rng, np.maximum(prior + weight * away, 1e-3))


def private_columns(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """Noisy histograms of every column over public bins: private, and without dependence."""
    import pandas as pd

    budget = EPSILON / len(records.columns)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    coded, known = _public_positions(records)
    for name in records.columns:
        size = len(known[name]) if name in known else len(PUBLIC_CUTS[name]) + 1
        counts = np.bincount(coded[name], minlength=size) + rng.laplace(
            scale=1.0 / budget, size=size
        )
        share = np.maximum(counts, 0.0) + 1e-9
        drawn = rng.choice(size, size=n, p=share / share.sum())
        columns[name] = _values(name, drawn, rng)
    return Subjects(pd.DataFrame(columns), records.categorical, records.numeric)


def tree_of_pairs(records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
    """An honest fit: the tree of the most informative pairs of columns over public bins.

    Chow & Liu 1968, doi:10.1109/TIT.1968.1054142.  Every conditional distribution is shrunk
    towards the column's own by :data:`PSEUDO_CASES`, and numbers are spread over their
    public bin.
    """
    import pandas as pd

    coded, known = _public_positions(records)
    names = records.columns
    size = {c: len(known[c]) if c in known else len(PUBLIC_CUTS[c]) + 1 for c in names}
    order = _chow_liu(coded, names, size)
    drawn: dict[str, Positions] = {}
    for name, parent in order:
        counts = np.bincount(coded[name], minlength=size[name]) + 0.5
        share = counts / counts.sum()
        if parent is None:
            drawn[name] = rng.choice(size[name], size=n, p=share)
            continue
        flat = coded[parent] * size[name] + coded[name]
        table = np.bincount(flat, minlength=size[parent] * size[name]).astype(np.float64)
        table = table.reshape(size[parent], size[name]) + PSEUDO_CASES * share
        limits = np.cumsum(table / table.sum(axis=1, keepdims=True), axis=1)
        above = rng.random(n)[:, None] > limits[drawn[parent]]
        drawn[name] = np.minimum(above.sum(axis=1), size[name] - 1)
    columns = {name: _values(name, drawn[name], rng) for name in names}
    return Subjects(pd.DataFrame(columns), records.categorical, records.numeric)


def _chow_liu(
    coded: dict[str, Positions], names: tuple[str, ...], size: dict[str, int]
) -> list[tuple[str, str | None]]:
    """Columns in an order in which every one but the first has its parent before it."""
    order: list[tuple[str, str | None]] = [(names[0], None)]
    best = {name: (_information(coded, size, names[0], name), names[0]) for name in names[1:]}
    while best:
        name = max(best, key=lambda c: best[c][0])
        order.append((name, best.pop(name)[1]))
        for other in best:
            value = _information(coded, size, name, other)
            if value > best[other][0]:
                best[other] = (value, name)
    return order


def _information(coded: dict[str, Positions], size: dict[str, int], a: str, b: str) -> float:
    """Mutual information of two columns [nats]."""
    cells = np.bincount(coded[a] * size[b] + coded[b], minlength=size[a] * size[b])
    joint = cells.reshape(size[a], size[b]) / cells.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())


def _public_codes() -> dict[str, tuple[str, ...]]:
    lists = truth_schema().code_lists
    return {name: tuple(code.code for code in lists[name].codes) for name in CATEGORICAL}


def _public_positions(
    records: Subjects,
) -> tuple[dict[str, Positions], dict[str, tuple[str, ...]]]:
    """Position of every value among the public codes or bins."""
    known = _public_codes()
    coded: dict[str, Positions] = {}
    for name, codes in known.items():
        rank = {code: at for at, code in enumerate(codes)}
        coded[name] = np.array([rank[v] for v in records.frame[name]], dtype=np.intp)
    for name in NUMERIC:
        values = numbers(records.frame[name])
        found = np.searchsorted(np.array(PUBLIC_CUTS[name]), values, side="right")
        coded[name] = found.astype(np.intp)
    return coded, known


def _values(name: str, drawn: Positions, rng: np.random.Generator) -> npt.NDArray[np.generic]:
    """Codes, or numbers spread over their bins: evenly, and as 1/x beyond the last limit."""
    known = _public_codes()
    if name in known:
        return np.array(known[name])[drawn]
    low, high = PUBLIC_RANGE[name]
    edges = np.array((low, *PUBLIC_CUTS[name], high), dtype=np.float64)
    lower, upper = edges[drawn], edges[drawn + 1]
    place = rng.random(len(drawn))
    even = lower + (upper - lower) * place
    # an open last bin: log-uniform up to twice its limit, or to the end of the range
    tail = lower * np.exp(place * np.log(np.minimum(2.0, upper / np.maximum(lower, 1.0))))
    value = np.where(drawn == len(edges) - 2, tail, even)
    decimals = 1 if name == "marker" else 0
    return np.asarray(np.clip(np.floor(value * 10**decimals) / 10**decimals, low, high))
