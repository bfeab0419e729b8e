"""How near synthetic records are to real ones that the engine never saw.

Every measure compares a synthetic table with the held-out half, and is to be read beside that of
a bootstrap of the training half: what a perfect copier of the training records would get.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

#: Bins of a number: quantiles of the training half.
BINS = 10
#: Triples of columns that are compared; all of them where there are fewer.
MOST_TRIPLES = 400
#: Gradient boosting that tells synthetic from real rows; cross-validated.
DETECTOR: dict[str, Any] = {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31}
FOLDS = 3


def codes_of(
    frame: pd.DataFrame, train: pd.DataFrame, numeric: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Each column as small whole numbers, by limits and categories of the training half."""
    made = {}
    for name in train.columns:
        if name in numeric:
            edges = np.unique(np.quantile(train[name], np.linspace(0, 1, BINS + 1)[1:-1]))
            made[name] = np.searchsorted(edges, frame[name].to_numpy(dtype=float), side="right")
        else:
            known = {v: i for i, v in enumerate(sorted(train[name].astype(str).unique()))}
            made[name] = frame[name].astype(str).map(known).fillna(len(known)).to_numpy(dtype=int)
    return made


def triples(columns: list[str]) -> list[tuple[str, ...]]:
    """Triples of columns, evenly thinned to :data:`MOST_TRIPLES`."""
    every = list(combinations(columns, 3))
    step = max(1, -(-len(every) // MOST_TRIPLES))
    return every[::step]


def marginal_distance(
    a: dict[str, np.ndarray], b: dict[str, np.ndarray], sets: list[tuple[str, ...]]
) -> float:
    """Mean total variation distance of marginals."""
    found = []
    for names in sets:
        sizes = [int(max(a[n].max(), b[n].max())) + 1 for n in names]
        first = np.bincount(
            np.ravel_multi_index([a[n] for n in names], sizes), minlength=int(np.prod(sizes))
        )
        second = np.bincount(
            np.ravel_multi_index([b[n] for n in names], sizes), minlength=int(np.prod(sizes))
        )
        found.append(0.5 * np.abs(first / first.sum() - second / second.sum()).sum())
    return float(np.mean(found))


def detection_auc(
    synthetic: pd.DataFrame, real: pd.DataFrame, numeric: tuple[str, ...], seed: int
) -> float:
    """Area under the curve of a detector of synthetic rows; 0.5 cannot tell."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    both = pd.concat([synthetic, real], ignore_index=True)
    x = np.column_stack(
        [
            both[n].to_numpy(dtype=float)
            if n in numeric
            else both[n].astype(str).astype("category").cat.codes
            for n in real.columns
        ]
    )
    y = np.repeat([1, 0], [len(synthetic), len(real)])
    scores = np.zeros(len(y))
    for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        model = HistGradientBoostingClassifier(**DETECTOR, random_state=seed).fit(x[fit], y[fit])
        scores[test] = model.predict_proba(x[test])[:, 1]
    return float(roc_auc_score(y, scores))


def kaplan_meier(time: np.ndarray, event: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Survival at given times."""
    distinct = np.unique(time)
    leaving = np.searchsorted(np.sort(time), distinct, side="left")
    at_risk = len(time) - leaving
    died = np.array([(event[time == t] == 1).sum() for t in distinct])
    curve = np.cumprod(1 - died / at_risk)
    last = np.searchsorted(distinct, at, side="right") - 1
    return np.where(last >= 0, curve[np.maximum(last, 0)], 1.0)


def survival_gap(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    points: list[tuple[str, str]],
    groups: list[str],
) -> float:
    """Mean gap of Kaplan-Meier curves by group, over end points, groups and times."""
    gaps = []
    for time, event in points:
        at = np.quantile(real[time], np.linspace(0.05, 0.9, 40))
        for group in groups:
            for value in sorted(real[group].astype(str).unique()):
                a = synthetic[synthetic[group].astype(str) == value]
                b = real[real[group].astype(str) == value]
                if len(b) < 30:
                    continue
                if len(a) == 0:
                    gaps.append(1.0)
                    continue
                one = kaplan_meier(a[time].to_numpy(float), a[event].astype(int).to_numpy(), at)
                two = kaplan_meier(b[time].to_numpy(float), b[event].astype(int).to_numpy(), at)
                gaps.append(float(np.abs(one - two).mean()))
    return float(np.mean(gaps))
