"""The one table of measures: id, family, what it needs, and the function that runs it.

A measure is one function in :mod:`synthgen.privacy`, :mod:`synthgen.fidelity` or
:mod:`synthgen.statistics.audit`, and one line here.  Its texts for people are the catalogue
keys ``measure.<id>.title``, ``.tried``, ``.means`` and ``.todo``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from synthgen.findings import FAMILIES, Finding, Inputs

#: What a measure may need beside the synthetic data; a missing one makes it not testable.
NEEDS = ("schema", "pack", "train", "control", "refit", "model", "population", "cohort")


@dataclass(frozen=True)
class Measure:
    """One measure.

    Parameters
    ----------
    id : str
        Snake case, as in :class:`~synthgen.findings.Finding`.
    family : {"I", "M", "C", "U"}
    needs : frozenset of str
        Of :data:`NEEDS`; where one is missing, the measure is not run and is not testable.
    run : callable
        ``run(inputs, rng)`` returns the findings.  It must depend on nothing else.

    Raises
    ------
    ValueError
        If the family or a need is unknown.
    """

    id: str
    family: str
    needs: frozenset[str]
    run: Callable[[Inputs, np.random.Generator], list[Finding]]

    def __post_init__(self) -> None:
        if self.family not in FAMILIES or not self.needs <= set(NEEDS):
            raise ValueError(f"measure {self.id}: family or needs are unknown")


def table_of(measures: Iterable[Measure]) -> dict[str, Measure]:
    """Measures by id.

    Raises
    ------
    ValueError
        If an id stands twice.
    """
    made: dict[str, Measure] = {}
    for measure in measures:
        if measure.id in made:
            raise ValueError(f"measure {measure.id}: stands twice in the table")
        made[measure.id] = measure
    return made


#: One line for each measure, families in the order I, M, C, U.
MEASURES: dict[str, Measure] = table_of(())
