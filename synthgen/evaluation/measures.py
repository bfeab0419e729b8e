"""The one table of measures: id, family, what it needs, and the function that runs it.

A measure is one function in :mod:`synthgen.privacy`, :mod:`synthgen.fidelity` or
:mod:`synthgen.statistics.audit`, and one line here.  Its texts for people are the catalogue
keys ``measure.<id>.title``, ``.tried``, ``.means`` and ``.todo``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from synthgen.evaluation.table_audit import audited_measures
from synthgen.fidelity.dependence import dependence
from synthgen.fidelity.marginals import marginals
from synthgen.fidelity.propensity import propensity
from synthgen.fidelity.sdmetrics_quality import sdmetrics_quality
from synthgen.fidelity.statement_findings import statements
from synthgen.fidelity.subgroups import subgroups
from synthgen.fidelity.survival_findings import survival
from synthgen.fidelity.survival_models import cox_overlap, train_on_synthetic
from synthgen.fidelity.validity import validity
from synthgen.findings import FAMILIES, Finding, Inputs
from synthgen.privacy.artefact_lint import artefact_lint
from synthgen.privacy.attribute_disclosure import attribute_disclosure
from synthgen.privacy.density_attack import density_attack
from synthgen.privacy.distinguishing_audit import distinguishing_audit
from synthgen.privacy.familiar_distances import familiar_distances
from synthgen.privacy.homogeneous_keys import homogeneous_keys
from synthgen.privacy.k_map import k_map, key_uniqueness
from synthgen.privacy.labelling import labelling
from synthgen.privacy.linkability import linkability
from synthgen.privacy.privacy_accounting import privacy_accounting
from synthgen.privacy.proximity import outlier_proximity, proximity
from synthgen.privacy.rare_values import rare_values
from synthgen.privacy.refit_audit import refit_audit
from synthgen.privacy.replicated_uniques import replicated_uniques
from synthgen.privacy.strata import strata

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


RECORDS = frozenset({"train", "control"})

#: One line for each measure, families in the order I, M, C, U.
MEASURES: dict[str, Measure] = table_of(
    (
        *(Measure(name, "I", frozenset({"pack"}), run) for name, run in audited_measures().items()),
        Measure("refit_audit", "M", frozenset({"refit", "train"}), refit_audit),
        Measure("artefact_lint", "M", frozenset({"model"}), artefact_lint),
        Measure("privacy_accounting", "M", frozenset({"schema", "pack"}), privacy_accounting),
        Measure("distinguishing_audit", "M", frozenset({"pack"}), distinguishing_audit),
        Measure("replicated_uniques", "C", RECORDS, replicated_uniques),
        Measure("proximity", "C", RECORDS, proximity),
        Measure("outlier_proximity", "C", RECORDS, outlier_proximity),
        Measure("density_attack", "C", RECORDS, density_attack),
        Measure("attribute_disclosure", "C", RECORDS, attribute_disclosure),
        Measure("homogeneous_keys", "C", RECORDS, homogeneous_keys),
        Measure("linkability", "C", RECORDS, linkability),
        Measure("key_uniqueness", "C", RECORDS, key_uniqueness),
        Measure("k_map", "C", frozenset({"population"}), k_map),
        Measure("rare_values", "C", RECORDS, rare_values),
        Measure("strata", "C", RECORDS, strata),
        Measure("labelling", "C", frozenset({"schema", "cohort"}), labelling),
        Measure("familiar_distances", "C", RECORDS, familiar_distances),
        Measure("validity", "U", frozenset({"schema", "cohort"}), validity),
        Measure("marginals", "U", frozenset({"train"}), marginals),
        Measure("dependence", "U", frozenset({"train"}), dependence),
        Measure("propensity", "U", frozenset({"train"}), propensity),
        Measure("survival", "U", frozenset({"schema", "train"}), survival),
        Measure("cox_overlap", "U", frozenset({"schema", "train"}), cox_overlap),
        Measure("train_on_synthetic", "U", RECORDS | {"schema"}, train_on_synthetic),
        Measure("subgroups", "U", frozenset({"train"}), subgroups),
        Measure("statements", "U", frozenset({"model", "cohort"}), statements),
        Measure("sdmetrics_quality", "U", frozenset({"train"}), sdmetrics_quality),
    )
)
