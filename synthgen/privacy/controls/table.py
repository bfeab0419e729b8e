"""The controls: what each generator is, and what a policy must say to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthgen.findings import Inputs, Subjects
from synthgen.privacy.controls.generators import (
    SHARES,
    Generator,
    copier,
    independent,
    jitter,
    mirror,
    mirrored,
    outlier_leak,
    private_columns,
    private_shares,
    published,
    tree_of_pairs,
    uniform,
)
from synthgen.privacy.controls.private_tables import PrivateTables
from synthgen.privacy.controls.trees import leaf_1, leaf_5
from synthgen.privacy.controls.truth import as_tables, patients, truth_schema
from synthgen.privacy.refit import Refit

KEYS = (("sex", "region", "age"), ("sex", "entity", "age"))
SECRETS = ("grade", "marker")
STRATA = (("stage",),)
K_MIN = 11

FEWEST_RELEASED = 500
"""A release has as many patients as records went in, but at least so many: with fewer, no
measure of usefulness could tell a good generator from a useless one."""

LEAKY, AMBER, USELESS, RAW, BLACK_BOX, GUARANTEED, HONEST = (
    "leaky",
    "amber",
    "useless",
    "raw values",
    "black box",
    "guaranteed",
    "honest",
)

#: Measures one of which must fail a generator that remembers people.
_MEMORY = frozenset({"refit_audit", "proximity", "attribute_disclosure"})


@dataclass(frozen=True)
class Control:
    """A generator with a known property.

    Parameters
    ----------
    id : str
    kind : str
        ``leaky``: refused at every size.  ``amber``: never passes.  ``useless``: refused
        for utility alone.  ``raw values``: refused for rare values, with 2,000 records for them alone.  ``black box``:
        every finding of the refit audit says that it was one.  ``guaranteed``: passes at
        every size.  ``honest``: passes with 2,000 records, and with fewer need not.
    generate : callable
    decode : callable or None
        What undoes the generator's last step.
    reasons : frozenset of str
        Measures of which one must fail.
    guarantee : str
        Guarantee that may be claimed, ``""`` for none.
    tables : PrivateTables or None
        With G1: everything that it learns from the records.
    """

    id: str
    kind: str
    generate: Generator
    reasons: frozenset[str] = frozenset()
    decode: Callable[[Subjects], Subjects] | None = None
    guarantee: str = ""
    tables: PrivateTables | None = None

    def inputs(self, n: int, rng: np.random.Generator) -> Inputs:
        """Records, a control of the same size, and a release, for the measures.

        Parameters
        ----------
        n : int
            Records that go into the generator.
        rng : numpy.random.Generator
        """
        train, control = patients(n, rng), patients(n, rng)
        release = self.generate(train, max(n, FEWEST_RELEASED), rng)
        return Inputs(
            schema=truth_schema(),
            cohort=as_tables(release),
            synthetic=release,
            train=train,
            control=control,
            pack=None,
            model=None,
            population=None,
            refit=Refit(self.generate, self.decode),
            keys=KEYS,
            secrets=SECRETS,
            strata=STRATA,
            k_min=K_MIN,
        )


#: All controls that are made from records; tables have their own, in the table audit.
CONTROLS: tuple[Control, ...] = (
    Control("copier", LEAKY, copier, _MEMORY),
    Control("jitter", LEAKY, jitter, _MEMORY),
    Control("leaf-1 tree", LEAKY, leaf_1, _MEMORY),
    Control("outlier leak", LEAKY, outlier_leak, frozenset({"refit_audit", "outlier_proximity"})),
    Control("mirror, decoded", LEAKY, mirror, frozenset({"refit_audit"}), mirrored),
    Control("leaf-5 tree", AMBER, leaf_5),
    Control("uniform", USELESS, uniform, frozenset({"marginals", "dependence"})),
    Control("noisy columns", USELESS, private_columns, frozenset({"dependence"})),
    Control("raw columns", RAW, independent, frozenset({"rare_values"})),
    Control("mirror, black box", BLACK_BOX, mirror),
    Control("published tables", GUARANTEED, published, guarantee="G0"),
    Control("noisy shares", GUARANTEED, private_shares, guarantee="G1", tables=SHARES),
    Control("tree of pairs", HONEST, tree_of_pairs),
)


def control(name: str) -> Control:
    """Control by id.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {one.id: one for one in CONTROLS}[name]
