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
    a: dict[str, np.ndarray],
    b: dict[str, np.ndarray],
    sets: list[tuple[str, ...]],
    weight: np.ndarray | None = None,
) -> float:
    """Mean total variation distance of marginals; rows of the second may be weighted."""
    found = []
    for names in sets:
        sizes = [int(max(a[n].max(), b[n].max())) + 1 for n in names]
        first = np.bincount(
            np.ravel_multi_index([a[n] for n in names], sizes), minlength=int(np.prod(sizes))
        )
        second = np.bincount(
            np.ravel_multi_index([b[n] for n in names], sizes),
            weights=weight,
            minlength=int(np.prod(sizes)),
        )
        found.append(0.5 * np.abs(first / first.sum() - second / second.sum()).sum())
    return float(np.mean(found))


def _plain(frames: list[pd.DataFrame], numeric: tuple[str, ...], columns: list[str]) -> np.ndarray:
    """Numbers as they are, categories by their rank among those of all frames."""
    both = pd.concat(frames, ignore_index=True)
    return np.column_stack(
        [
            both[n].to_numpy(dtype=float)
            if n in numeric
            else both[n].astype(str).astype("category").cat.codes
            for n in columns
        ]
    )


def detection_scores(
    synthetic: pd.DataFrame, real: pd.DataFrame, numeric: tuple[str, ...], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """How synthetic each row looks to a detector that has not seen it: synthetic rows, real rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold

    x = _plain([synthetic, real], numeric, list(real.columns))
    y = np.repeat([1, 0], [len(synthetic), len(real)])
    scores = np.zeros(len(y))
    for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        model = HistGradientBoostingClassifier(**DETECTOR, random_state=seed).fit(x[fit], y[fit])
        scores[test] = model.predict_proba(x[test])[:, 1]
    return scores[: len(synthetic)], scores[len(synthetic) :]


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the curve; 0.5 cannot tell."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left")
    upto = np.searchsorted(order, positive, side="right")
    return float((below + upto).mean() / 2 / len(order))


def trained_on(
    synthetic: pd.DataFrame, real: pd.DataFrame, numeric: tuple[str, ...], target: str
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of a target in the judging rows by a model of the synthetic ones, and the truth."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    others = [c for c in real.columns if c != target]
    x = _plain([synthetic, real], numeric, others)
    known = sorted(real[target].astype(str).unique())
    y = synthetic[target].astype(str).to_numpy() == known[-1]
    model = HistGradientBoostingClassifier(**DETECTOR, random_state=0).fit(x[: len(y)], y)
    truth = real[target].astype(str).to_numpy() == known[-1]
    return model.predict_proba(x[len(y) :])[:, 1], truth


def _predictors(
    frame: pd.DataFrame, train: pd.DataFrame, numeric: tuple[str, ...], outcomes: set[str]
) -> np.ndarray:
    """Standardised numbers and one column for each category but the first, by the training half."""
    made = []
    for name in train.columns:
        if name in outcomes:
            continue
        if name in numeric:
            values = train[name].astype(float)
            made.append((frame[name].astype(float).to_numpy() - values.mean()) / values.std())
        else:
            known = sorted(train[name].astype(str).unique())[1:]
            made += [(frame[name].astype(str) == c).to_numpy(dtype=float) for c in known]
    return np.column_stack(made)


def cox_risks(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    train: pd.DataFrame,
    numeric: tuple[str, ...],
    points: list[tuple[str, str]],
) -> list[np.ndarray]:
    """Log hazard of every judging row by Cox regressions of the synthetic rows, per end point."""
    from synthgen.fidelity.cox import cox_fit

    outcomes = {name for point in points for name in point}
    here = _predictors(real, train, numeric, outcomes)
    there = _predictors(synthetic, train, numeric, outcomes)
    risks = []
    for time, event in points:
        died = synthetic[event].astype(int).to_numpy() == 1
        fit = cox_fit(synthetic[time].to_numpy(dtype=float), died, there)
        risks.append(np.zeros(len(real)) if fit is None else here @ fit.coefficients)
    return risks


def concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray, weight: np.ndarray) -> float:
    """Harrell's concordance of weighted rows: weights are how often a row was resampled."""
    right = compared = 0.0
    for at in np.flatnonzero((event == 1) & (weight > 0)):
        later = (time > time[at]) * weight
        compared += weight[at] * later.sum()
        right += weight[at] * (later * ((risk[at] > risk) + 0.5 * (risk[at] == risk))).sum()
    return float(right / compared)


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
