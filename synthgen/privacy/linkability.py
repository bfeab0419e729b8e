"""C6: two halves of a person's columns that lead to the same synthetic patient."""

from __future__ import annotations

import numpy as np

from synthgen.fidelity.results import excess
from synthgen.findings import Finding, Inputs, not_testable
from synthgen.privacy.attacked import NONE_NAMED, Attacked, Booleans, attacked
from synthgen.privacy.neighbours import nearest

MEASURE = "linkability"

NEIGHBOURS = 3
"""Nearest synthetic patients that each half may point at; ours."""

SPLITS = 2
"""Ways in which the columns are halved; a person counts where the first of them links, or
the second does, each with its own finding."""


def linked(
    inputs: Inputs, people: Attacked, halves: tuple[list[str], list[str]]
) -> tuple[Booleans, Booleans]:
    """Whether both halves of each member's, and each other's, columns meet in one patient."""
    found = []
    for subjects in (inputs.train, inputs.control):
        if subjects is None:
            raise ValueError("training and control records are needed")
        sides = []
        for columns in halves:
            release = people.encoder(inputs.synthetic, columns).points
            k = min(NEIGHBOURS, len(release))
            sides.append(nearest(people.encoder(subjects, columns).points, release, k)[1])
        meets = (sides[0][:, :, None] == sides[1][:, None, :]).any(axis=(1, 2))
        found.append(np.asarray(meets, dtype=np.bool_))
    return found[0], found[1]


def linkability(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """How much more often two halves of the columns link for members than for others.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` and ``control``.
    rng : numpy.random.Generator
        Halves the columns.

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
    findings = []
    for split in range(SPLITS):
        order = rng.permutation(len(columns))
        middle = len(columns) // 2
        first = [columns[i] for i in np.sort(order[:middle])]
        second = [columns[i] for i in np.sort(order[middle:])]
        members, others = linked(inputs, people, (first, second))
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
