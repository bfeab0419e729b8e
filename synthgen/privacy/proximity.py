"""C2 and C3: whether members lie nearer to the release than others do, above all outliers."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import Floats
from synthgen.fidelity.intervals import rank_probability
from synthgen.fidelity.results import FEWEST, bounded
from synthgen.findings import TOO_FEW, Finding, Inputs, not_testable
from synthgen.privacy.attacked import Attacked, Booleans, attacked
from synthgen.privacy.neighbours import most_isolated, nearest

PROXIMITY, OUTLIERS = "proximity", "outlier_proximity"

OTHERS_NEARER = 0.4
"""Upper bound under which the others are nearer to the release than members can be by chance."""

REASON_NEARER = "finding.reason.others_nearer"
"""Catalogue key."""

ISOLATED = 0.10
"""Share of real patients, members and others together, that counts as outliers."""


def nearness(people: Attacked) -> tuple[Floats, Floats]:
    """Minus the distance to the nearest synthetic patient, of members and of others."""
    found = [
        -nearest(side.points, people.synthetic.points, 1)[0][:, 0]
        for side in (people.members, people.others)
    ]
    return found[0], found[1]


def outliers(people: Attacked) -> tuple[Booleans, Booleans]:
    """Which members and which others are among the most isolated of all real patients.

    A tenth of them, but at least as many as a test needs on both sides.
    """
    chosen = most_isolated(people.real_points(), ISOLATED, 2 * FEWEST)
    n = len(people.members)
    return chosen[:n], chosen[n:]


def compared(
    measure: str, part: str, members: Floats, others: Floats, fewest: int = FEWEST
) -> Finding:
    """Finding of the probability that a member scores above another.

    Not testable where the others score higher beyond doubt: then it is they who went into the
    generator (the sets were swapped), or the two are not comparable.
    """
    n, m = len(members), len(others)
    detail = {"members": n, "others": m}
    if min(n, m) < fewest:
        return not_testable(measure, "C", TOO_FEW, part=part, n=min(n, m), detail=detail)
    limits = rank_probability(members, others)
    if limits.upper < OTHERS_NEARER:
        return not_testable(measure, "C", REASON_NEARER, part=part, n=n + m, detail=detail)
    return bounded(measure, "C", part, limits, n + m, detail)


def proximity(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Probability that a member lies nearer to the release than another person; 0.5 is chance.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        One.

    Notes
    -----
    The simplest membership attack: Chen, Yu, Zhang & Fritz 2020, doi:10.1145/3372297.3417238.
    An average, which copies of a few outliers hardly move: see :func:`outlier_proximity`.
    Bounds: DeLong and Newcombe, the wider of both.
    """
    del rng
    return [compared(PROXIMITY, "", *nearness(attacked(inputs)))]


def outlier_proximity(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """The same among the most isolated tenth of the real patients.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        One.  With fewer than 640 real patients the outliers are the 64 most isolated.

    Notes
    -----
    Isolation: mean distance to the five nearest others, Meeus et al. 2023,
    arXiv:2306.10308.
    """
    del rng
    people = attacked(inputs)
    members, others = outliers(people)
    near, far = nearness(people)
    return [compared(OUTLIERS, "outliers", near[members], far[others], fewest=FEWEST // 2)]
