"""Synthesis by regression trees, column after column: with single leaves it remembers everybody."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from synthgen.extras import require
from synthgen.fidelity.encoding import numbers, texts
from synthgen.findings import Subjects


def trees(records: Subjects, n: int, rng: np.random.Generator, *, leaf: int) -> Subjects:
    """Columns in order, each drawn from the leaf of a tree on the columns before it.

    Parameters
    ----------
    records : Subjects
    n : int
    rng : numpy.random.Generator
    leaf : int
        Fewest records in a leaf: 1 remembers, 5 is what the R package ``synthpop`` takes.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.

    Notes
    -----
    Sequential CART synthesis, Reiter 2005 (Journal of Official Statistics 21:441-462).
    """
    import pandas as pd

    tree = require("records", "sklearn.tree")
    names = list(records.columns)
    donors = {name: records.frame[name].to_numpy() for name in names}
    first = rng.integers(len(records), size=n)
    drawn: dict[str, Any] = {names[0]: donors[names[0]][first]}
    real = pd.DataFrame(donors)
    for at, name in enumerate(names[1:], start=1):
        before = names[:at]
        made = pd.DataFrame(drawn)
        known, asked = _features(records, real, made, before)
        seed = int(rng.integers(2**31))
        settings = {"min_samples_leaf": leaf, "random_state": seed}
        if name in records.categorical:
            answers = texts(real[name]).astype(str)
            fitted = tree.DecisionTreeClassifier(**settings).fit(known, answers)
        else:
            fitted = tree.DecisionTreeRegressor(**settings).fit(known, numbers(real[name]))
        drawn[name] = donors[name][_donors(fitted.apply(known), fitted.apply(asked), rng)]
    return Subjects(pd.DataFrame(drawn), records.categorical, records.numeric)


def _features(records: Subjects, real: Any, made: Any, before: list[str]) -> tuple[Any, Any]:
    known: list[Any] = []
    asked: list[Any] = []
    for name in before:
        if name in records.categorical:
            codes = sorted(set(texts(real[name])))
            for side, into in ((real, known), (made, asked)):
                into += [(texts(side[name]) == code).astype(float) for code in codes[1:] or codes]
        else:
            known.append(numbers(real[name]))
            asked.append(numbers(made[name]))
    return np.column_stack(known), np.column_stack(asked)


def _donors(leaves: Any, wanted: Any, rng: np.random.Generator) -> Any:
    """For each wanted leaf one of the records in it."""
    order = np.argsort(leaves, kind="stable")
    names, first, counts = np.unique(leaves[order], return_index=True, return_counts=True)
    at = np.searchsorted(names, wanted)
    return order[first[at] + (rng.random(len(wanted)) * counts[at]).astype(np.intp)]


leaf_1 = partial(trees, leaf=1)
leaf_5 = partial(trees, leaf=5)
