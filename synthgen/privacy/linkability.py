"""C6: two halves of a person's columns that lead to the same synthetic patient."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.encoding import rows_of
from synthgen.fidelity.results import excess
from synthgen.findings import Finding, Inputs, Subjects, not_testable
from synthgen.privacy.attacked import NONE_NAMED, Attacked, Booleans, attacked
from synthgen.privacy.density_attack import sampled
from synthgen.privacy.neighbours import nearest

MEASURE = "linkability"

NEIGHBOURS = 3
"""Nearest synthetic patients that each half may point at; ours."""

SPLITS = 2
"""Ways in which the columns are halved, each with its own finding."""


def linked(
    people: Attacked,
    sides: tuple[Subjects, Subjects],
    release: Subjects,
    halves: tuple[list[str], list[str]],
) -> tuple[Booleans, Booleans]:
    """Whether both halves of each member's, and each other's, columns meet in one patient."""
    found = []
    for subjects in sides:
        near = []
        for columns in halves:
            points = people.encoder(release, columns).points
            k = min(NEIGHBOURS, len(points))
            near.append(nearest(people.encoder(subjects, columns).points, points, k)[1])
        meets = (near[0][:, :, None] == near[1][:, None, :]).any(axis=(1, 2))
        found.append(np.asarray(meets, dtype=np.bool_))
    return found[0], found[1]


def linkability(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """How much more often two halves of the columns link for members than for others.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    rng : numpy.random.Generator
        Halves the columns, orders the release, and chooses whom to attack (2,500 of a side).

    Returns
    -------
    list of Finding
        One for each of :data:`SPLITS` random halvings.

    Notes
    -----
    Linkability in the sense of the Article 29 Working Party (opinion 05/2014, WP216): that
    two sources about one person can be joined through the release.  Attack after Giomi et
    al. 2023, doi:10.56553/popets-2023-0055, less its rate among others.  Equal distances
    are settled by a random order of the release.  Bounds: Newcombe's hybrid score.
    """
    columns = list(inputs.synthetic.columns)
    if len(columns) < 2:
        return [not_testable(MEASURE, "C", NONE_NAMED)]
    people = attacked(inputs)
    if inputs.train is None or inputs.control is None:
        raise ValueError("training and control records are needed")
    sides = (
        rows_of(inputs.train, sampled(len(inputs.train), rng)),
        rows_of(inputs.control, sampled(len(inputs.control), rng)),
    )
    # equal distances go to the earlier row: the order of the release must say nothing
    release = rows_of(inputs.synthetic, rng.permutation(len(inputs.synthetic)))
    findings = []
    for split in range(SPLITS):
        order = rng.permutation(len(columns))
        middle = len(columns) // 2
        first = [columns[i] for i in np.sort(order[:middle])]
        second = [columns[i] for i in np.sort(order[middle:])]
        members, others = linked(people, sides, release, (first, second))
        findings.append(
            excess(
                MEASURE,
                "C",
                f"halving {split + 1}",
                (int(members.sum()), len(members)),
                (int(others.sum()), len(others)),
                {"first_half": first},
            )
        )
    return findings
