"""Distance to the closest record and its relatives: for familiarity only, never for a verdict.

They are what other tools show, so people look for them.  None of them may gate: a release
that holds 5 % of the outliers word for word reaches 0.93 of 1 on the usual overfitting
score, and copies pushed through a mirror (each number x as min + max - x) the best value
of all.  Yao et al. 2025, arXiv:2505.01524; Ganev & De Cristofaro 2023, arXiv:2312.05114.
"""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import Floats
from synthgen.fidelity.results import FEWEST, counted
from synthgen.findings import TOO_FEW, Finding, Inputs, not_testable
from synthgen.privacy.attacked import attacked
from synthgen.privacy.density_attack import MOST_ATTACKED, sampled
from synthgen.privacy.neighbours import nearest

MEASURE = "familiar_distances"

COPY = 1e-9
"""Distance at which two patients are the same; only rounding lies below."""


def familiar_distances(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Four familiar numbers, without limits and without a claim.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    rng : numpy.random.Generator
        Takes as many members as others, and at most 2,500 of each and of the release.

    Returns
    -------
    list of Finding
        ``closest record``: share of synthetic patients nearer to a member than to another
        (ties count one half).  ``identical``: share that is a member word for word, less the
        same for others.  ``distance ratio``: median over synthetic patients of the nearest
        over the second nearest member's distance, taken from 1.  ``adversarial accuracy``:
        how much better members than others can be told from the release, by nearest
        neighbours (NNAA: Yale et al. 2020, doi:10.1016/j.neucom.2019.12.136).  They are
        described without bounds: what they estimate is not a risk.
    """
    people = attacked(inputs)
    size = min(len(people.members), len(people.others), MOST_ATTACKED)
    if min(size, len(people.synthetic)) < FEWEST:
        return [not_testable(MEASURE, "C", TOO_FEW, n=size)]
    members, others = (
        side[np.sort(rng.permutation(len(side))[:size])]
        for side in (people.members.points, people.others.points)
    )
    release = people.synthetic.points[sampled(len(people.synthetic), rng)]
    to_members, _ = nearest(release, members, 2)
    to_others, _ = nearest(release, others, 2)
    closer = np.sign(to_others[:, 0] - to_members[:, 0]).mean() / 2 + 0.5
    same = (to_members[:, 0] < COPY).mean() - (to_others[:, 0] < COPY).mean()
    second = to_members[:, 1]
    ratio = np.where(second > 0, to_members[:, 0] / np.where(second > 0, second, 1.0), 1.0)
    n = len(release)
    accuracy = _accuracy(others, release, rng) - _accuracy(members, release, rng)
    return [
        counted(MEASURE, "C", "closest record", float(closer), n),
        counted(MEASURE, "C", "identical", float(same), n),
        counted(MEASURE, "C", "distance ratio", 1.0 - float(np.median(ratio)), n),
        counted(MEASURE, "C", "adversarial accuracy", accuracy, n),
    ]


def _accuracy(real: Floats, release: Floats, rng: np.random.Generator) -> float:
    """Adversarial accuracy of nearest neighbours between two sets cut to the same size."""
    size = min(len(real), len(release))
    a, b = (side[np.sort(rng.permutation(len(side))[:size])] for side in (real, release))
    everybody = np.arange(size, dtype=np.intp)
    across_a, across_b = nearest(a, b, 1)[0][:, 0], nearest(b, a, 1)[0][:, 0]
    within_a = nearest(a, a, 1, own=everybody)[0][:, 0]
    within_b = nearest(b, b, 1, own=everybody)[0][:, 0]
    return float(((across_a > within_a).mean() + (across_b > within_b).mean()) / 2)
